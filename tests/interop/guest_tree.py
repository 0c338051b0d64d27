# SPDX-License-Identifier: GPL-3.0-or-later
"""guest_tree.py list FOLDER OUT: everything that a mounted file system says of each of its files.

guest_tree.py compare BEFORE AFTER MANIFEST PREFIX: two such lists of a file system that the guest has at PREFIX; they may
differ in what the manifest of the edits names, in the way it names it, and in nothing else.
"""

import hashlib
import json
import os
import stat
import sys


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


def describe(path, info):
    kind = stat.S_IFMT(info.st_mode)
    entry = {"mode": f"{info.st_mode:o}", "uid": info.st_uid, "gid": info.st_gid, "mtime": info.st_mtime_ns,
             "atime": info.st_atime_ns, "ctime": info.st_ctime_ns}
    entry["xattrs"] = {os.fsdecode(name): os.getxattr(path, name, follow_symlinks=False).hex()
                       for name in sorted(os.listxattr(path, follow_symlinks=False))}
    if kind == stat.S_IFREG:
        entry["size"] = info.st_size
        entry["sha256"] = digest(path)
    elif kind == stat.S_IFLNK:
        entry["link"] = os.fsdecode(os.readlink(path))
    elif kind in (stat.S_IFCHR, stat.S_IFBLK):
        entry["device"] = info.st_rdev
    if kind != stat.S_IFDIR:
        entry["links"] = info.st_nlink
    return entry


def listing(top):
    entries, inodes, folders = {}, {}, [b"."]
    os.chdir(top)
    entries["/"] = describe(b".", os.lstat(b"."))
    while folders:
        folder = folders.pop()
        for item in sorted(os.scandir(folder), key=lambda i: i.name):
            info = item.stat(follow_symlinks=False)
            name = "/" + os.fsdecode(item.path)[2:]
            entries[name] = describe(item.path, info)
            if item.is_dir(follow_symlinks=False):
                folders.append(item.path)
            elif info.st_nlink > 1:
                # the names of one file, by the first of them
                entries[name]["same_as"] = inodes.setdefault((info.st_dev, info.st_ino), name)
    return entries


def edits_of(manifest, prefix):
    """The last state of each file named on this file system, by its path there."""
    edits = {}
    for edit in json.load(open(manifest))["edits"]:
        path = edit["path"]
        if prefix and not path.startswith(prefix + "/"):
            continue
        path = path[len(prefix):]
        before = edits[path]["before"] if path in edits else edit["before"]
        edits[path] = {"before": before, "after": edit["after"]}
    return edits


def said(path, entry, state, when):
    """What the manifest says of a file against what is there."""
    if state is None or entry is None:
        return [] if (state is None) == (entry is None) else [f"{path}: the manifest is wrong about its being there {when}"]
    wrong = []
    if int(entry["mode"], 8) != int(state["mode"], 8):
        wrong.append(f"{path}: mode {when} is {entry['mode']}, the manifest says {state['mode']}")
    for key in ("uid", "gid", "size", "sha256"):
        # of a folder there is no size and no digest
        if key in entry and state.get(key) is not None and entry[key] != state[key]:
            wrong.append(f"{path}: {key} {when} is {entry[key]}, the manifest says {state[key]}")
    return wrong


def differences(old, new, free):
    return [key for key in sorted(set(old) | set(new)) if key not in free and old.get(key) != new.get(key)]


def compare(before, after, manifest, prefix):
    old, new = json.load(open(before)), json.load(open(after))
    # A path of another file system, mounted deeper, is not one of this.
    edits = {p: s for p, s in edits_of(manifest, prefix).items() if p in old or p in new}
    parents = {os.path.dirname(p) for p in edits}
    wrong = []
    for path in sorted(set(old) | set(new)):
        was, now = old.get(path), new.get(path)
        if path in edits:
            wrong += said(path, was, edits[path]["before"], "before") + said(path, now, edits[path]["after"], "after")
            if was and now:
                # a replaced file keeps its labels, and its time in whole seconds
                was["mtime"] //= 10**9
                now["mtime"] //= 10**9
                wrong += [f"{path}: {key} changed from {was.get(key)} to {now.get(key)}"
                          for key in differences(was, now, ("size", "sha256", "ctime", "atime", "link"))]
        elif was is None or now is None:
            made = now is not None and stat.S_ISDIR(int(now["mode"], 8)) and any(p.startswith(path + "/") for p in edits)
            if not made:
                wrong.append(f"{path}: {'appeared' if was is None else 'vanished'}")
            else:
                parents.add(os.path.dirname(path))
    for path in sorted(set(old) & set(new) - set(edits)):
        free = ("mtime", "ctime", "atime") if path in parents else ()
        wrong += [f"{path}: {key} changed from {old[path].get(key)} to {new[path].get(key)}"
                  for key in differences(old[path], new[path], free)]
    for line in wrong[:40]:
        print(line)
    print(f"{len(old)} files before, {len(new)} after, {len(edits)} edited, {len(wrong)} differences not accounted for")
    return 1 if wrong else 0


if sys.argv[1] == "list":
    out = os.path.abspath(sys.argv[3])
    entries = listing(sys.argv[2])
    with open(out, "w") as file:
        json.dump(entries, file)
else:
    sys.exit(compare(*sys.argv[2:6]))
