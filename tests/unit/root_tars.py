# SPDX-License-Identifier: GPL-3.0-or-later
"""Root tars for test_root_unpack: good.tar with one of everything, and bad-*.tar."""
import io
import struct
import subprocess
import tarfile


def entry(name, kind=tarfile.REGTYPE, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.size = len(data)
    info.mtime = 1600000000
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def write(path, entries, kind="w"):
    with tarfile.open(path, kind, format=tarfile.PAX_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))


def xattr(name, value):
    return {"SCHILY.xattr." + name: value.decode("utf-8", "surrogateescape")}


DIR, LINK, HARD = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
pattern = bytes(i * 7 % 251 for i in range(1 << 16))
capability = struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0)
acl = "user::rw-,user::rw-:0"

good = [
    entry("./", DIR, mode=0o751, mtime=1500000001),
    entry("./etc/", DIR, uid=5, gid=70000, mode=0o2775),
    entry("./etc/hostname", data=b"host\n", uid=2147483646, gid=123456),
    entry("./etc/empty"),
    entry("./etc/block", data=pattern[:4096]),
    entry("./etc/odd", data=pattern[:4097]),
    entry("/absolute/made/up", data=b"absolute"),
    entry("./usr/bin/setuid", data=pattern, mode=0o4755),
    entry("./usr/bin/ping", data=b"ping", pax_headers=xattr("security.capability", capability)),
    entry("./usr/bin/note", data=b"note", pax_headers=xattr("user.note", b"a\nb")),
    entry("./usr/bin/strange", data=b"note", pax_headers=xattr("com.example", b"left out")),
    entry("./usr/bin/acl", data=b"acl", mode=0o640,
          pax_headers={"SCHILY.acl.access": "user::rw-,user:bin:r--:2,group::r--,mask::rw-,other::---"}),
    entry("./srv", DIR, pax_headers={"SCHILY.acl.default": "user::rwx,group::r-x,group:mail:rwx:8,mask::rwx,other::---"}),
    entry("./bin", LINK, linkname="usr/bin"),
    entry("./long", LINK, linkname="/" + "x" * 200),
    entry("./usr/bin/hard", HARD, linkname="./usr/bin/setuid"),
    entry("./usr/bin/harder", HARD, linkname="usr/bin/hard"),
    entry("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    entry("./dev/big", tarfile.BLKTYPE, devmajor=259, devminor=1000),
    entry("./dev/fifo", tarfile.FIFOTYPE),
    entry("./n\u00e4me/e\u0301", data=b"names are bytes"),
    entry("./" + "n" * 255, data=b"longest"),
    entry("./early", data=b"y", mtime=-1000),
    entry("./late", data=b"y", mtime=5000000000),
    # the last one of a name wins
    entry("./twice", data=pattern * 3),
    entry("./twice", data=b"second"),
    entry("./file-then-directory", data=pattern),
    entry("./file-then-directory", DIR),
    entry("./file-then-directory/in", data=b"in"),
    entry("./directory-then-link", DIR),
    entry("./directory-then-link", LINK, linkname="etc"),
    entry("./hard-then-other", HARD, linkname="etc/odd"),
    entry("./hard-then-other", data=b"other"),
    entry("./etc/", DIR, uid=6, gid=7, mode=0o755),
]
good += [entry("./many/%05d" % i + "-" * (i % 100), data=b"%d" % i) for i in range(1500)]
good += [entry("./folders/%d" % i, DIR) for i in range(200)]
write("good.tar", good)
for kind, suffix in (("gz", "gz"), ("bz2", "bz2"), ("xz", "xz")):
    write("good.tar." + suffix, good, "w:" + kind)
subprocess.run(["zstd", "-qf", "good.tar"], check=True)

bad = {
    "dotdot": [entry("../etc/passwd", data=b"x")],
    "dotdot-within": [entry("a/../../x", data=b"x")],
    "through-link": [entry("a", LINK, linkname="/etc"), entry("a/passwd", data=b"x")],
    "through-file": [entry("a", data=b"x"), entry("a/passwd", data=b"x")],
    "hard-outside": [entry("a", HARD, linkname="../../etc/passwd")],
    "hard-nowhere": [entry("a", HARD, linkname="/etc/passwd")],
    "hard-through-link": [entry("etc/x", data=b"x"), entry("l", LINK, linkname="etc"), entry("a", HARD, linkname="l/x")],
    "hard-directory": [entry("d", DIR), entry("a", HARD, linkname="d")],
    "long-name": [entry("n" * 256, data=b"x")],
    "long-path": [entry("/".join(["n" * 200] * 30), data=b"x")],
    "over-directory": [entry("d/x", data=b"x"), entry("d", data=b"x")],
    "over-root": [entry(".", data=b"x")],
    "lost-found": [entry("lost+found", data=b"x")],
    "owner": [entry("a", data=b"x", uid=1 << 33)],
    "acl": [entry("a", data=b"x", pax_headers=xattr("system.posix_acl_access", b"\x02\x00\x00\x00abc"))],
    "xattr-big": [entry("a", data=b"x", pax_headers=xattr("user.big", b"v" * 5000))],
}
for name, entries in bad.items():
    write("bad-%s.tar" % name, entries)
with open("bad-empty.tar", "wb") as f:
    f.write(bytes(10240))
with open("good.tar", "rb") as whole, open("bad-short.tar", "wb") as f:
    f.write(whole.read(40000))
with open("bad-noise.tar", "wb") as f:
    f.write(pattern)
write("full.tar", [entry("big/%d" % i, data=pattern * 16) for i in range(60)])
write("full-nodes.tar", [entry("small/%d" % i) for i in range(5000)])
info, _ = entry("huge")
info.size = 1 << 50
with open("full-claim.tar", "wb") as f:
    f.write(info.tobuf(tarfile.GNU_FORMAT))
