#!/usr/bin/env -S python3 -B
# SPDX-License-Identifier: GPL-3.0-or-later
"""run.py read|write|alloc: in each command of cases.py one call of that class fails, one after the other.

A fault is told in one line that begins with "hvimg: " and names the cause, the exit status is 1, and nothing is left behind:
no file, no temporary file, no open descriptor, no memory (LeakSanitizer looks; preloaded, or the program's own); the
source is as it was.  A call that was interrupted or did half is repeated, so that the result is the same as ever.  A fault
may be survived in other ways too, but then the result is as ever as well.

Of the calls with the same callers, whatever the case, the first is failed (at most SAMPLE of a case, always the same ones), and
MORE of each case beside these; with FAULTS=all each one.  FAULTS=NAME does that for this case only, FAULTS=NAME:KIND:N shows that one fault.
"""
import concurrent.futures
import hashlib
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

from cases import HVIMG, TESTS, cases, make_images

WORK = os.environ["WORK"]
WANTED = os.environ.get("FAULTS", "")
KINDS = {"read": ("EIO", "SHORT", "EINTR"), "write": ("ENOSPC", "EIO", "SHORT", "EINTR"), "alloc": ("ENOMEM",)}
CAUSE = {"EIO": "input/output error", "ENOSPC": "no space left on device", "ENOMEM": "memory"}
SURVIVED = ("SHORT", "EINTR")
LEAK_STATUS = 23
SAMPLE, MORE = {"EIO": 20, "ENOMEM": 20}, 2
SAMPLE_OTHERS = 10  # of a kind that the same places meet as they do the first one: another errno, or the same loop over a transfer
SEEN = set()

# What hvimg can't help, because a library does it: (object, function among the callers, what is forgiven), where "" is every
# function.  Files left behind are never forgiven.
EXCUSED = [
    # CRYPTO_THREAD_run_once remembers that it ran, not that it failed: then the default context has no lock.
    ("libcrypto.so", "OSSL_LIB_CTX_get0_global_default", "sanitizer"),
    # What a provider had no memory for while it started is told as "initialization error" or "unsupported".
    ("libcrypto.so", "EVP_MD_fetch", "no cause"),
    ("libcrypto.so", "EVP_MD_fetch", "sanitizer"),
    # xmlFAParseRegExp and the compilation of definitions look at nodes that could not be made, and lose others.
    ("libxml2.so", "xmlRelaxNGParse", "sanitizer"),
    ("libxml2.so", "xmlRelaxNGNewDocParserCtxt", "sanitizer"),
    ("libxml2.so", "xmlRelaxNGValidateDoc", "sanitizer"),
    # It tells that it can't, and not why; a read that was interrupted or did half it does not repeat.
    ("libvhdi.so", "", "no cause"),
    ("libvhdi.so", "", "not survived"),
    ("libvhdi.so", "", "status 3"),
    # A cached element that finds no room in a list is lost.
    ("libvhdi.so", "libcdata_list_element_initialize", "sanitizer"),
    # Its code is that of the last block, none: the directory looks empty, which is told as damage or lack of memory.
    ("libext2fs.so", "ext2fs_extent_open2", "status"),
    # After its second allocation failed it frees what the first one would point to.
    ("libext2fs.so", "ext2fs_extent_open2", "sanitizer"),
    # These give up without a word, and then the document or the schema is at fault.
    ("libxml2.so", "xmlSchemaNewFacet", "no cause"),
    ("libxml2.so", "xmlRelaxNGParse", "no cause"),
    ("libxml2.so", "xmlRelaxNGValidateDoc", "no cause"),
    # Writes to the standard error by itself.
    ("libxml2.so", "xmlRelaxNGInitTypes", "2 lines"),
    ("libxml2.so", "xmlSchemaCheckFacet", "2 lines"),
    ("libxml2.so", "xmlSchemaCheckFacet", "no cause"),
    # Says EAGAIN.
    ("libc.so", "pthread_create", "no cause"),
]


def build_preload():
    library = os.path.join(WORK, "fault.so")
    subprocess.run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-o", library,
                    os.path.join(TESTS, "fault", "fault.c"), "-lgcc_s"], check=True)
    with open(HVIMG, "rb") as f:
        if b"__asan_init" in f.read():
            return library
    lsan = subprocess.run(["gcc", "-print-file-name=liblsan.so"], check=True, capture_output=True, text=True).stdout
    return library + " " + lsan.strip() if "/" in lsan else library


def state_of(folder):
    """Name, size, time, of every file below, to see that nothing changes."""
    found = {}
    for top, folders, files in os.walk(folder):
        for name in files:
            st = os.lstat(os.path.join(top, name))
            found[os.path.join(top, name)] = (st.st_size, st.st_mtime_ns, st.st_ino)
    return found


def digest_of(path):
    """Of a file, or of a folder's names and files."""
    h = hashlib.sha256()
    if os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            h.update(name.encode() + b"\0" + digest_of(os.path.join(path, name)))
    else:
        with open(path, "rb") as f:
            h.update(f.read())
    return h.digest()


class Unsound(Exception):
    """A run without a fault is wrong already."""


class Run:
    """One run of a case in a new folder."""

    def __init__(self, case, kind="EIO", at=0, calls=None):
        self.case, self.kind, self.at = case, kind, at
        self.folder = os.path.join(WORK, f"{CLASS}-{case.name}-{case.threads}-{kind}-{at}")
        self.report = self.folder + ".report"
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/tmp")
        environment = dict(os.environ, LD_PRELOAD=PRELOAD, FAULT_CLASS=CLASS, FAULT_KIND=kind, FAULT_AT=str(at),
                           FAULT_REPORT=self.report, LSAN_OPTIONS=f"exitcode={LEAK_STATUS}", TMPDIR="tmp",
                           ASAN_OPTIONS=f"verify_asan_link_order=0:exitcode={LEAK_STATUS}:allocator_may_return_null=1")
        if calls:
            environment["FAULT_CALLS"] = calls
        words = [HVIMG, case.words[0], "-q", "--threads", str(case.threads), *case.words[1:]]
        source = open(f"{WORK}/src/{case.stdin}", "rb") if case.stdin else open(os.devnull, "rb")
        with source, open(self.folder + ".stdout", "wb") as out, open(self.folder + ".stderr", "wb") as err:
            process = subprocess.Popen(words, cwd=self.folder, env=environment, stdin=source, stdout=out, stderr=err)
            if case.serve:
                self.end_serving(process)
            try:
                self.status = process.wait(180)
            except subprocess.TimeoutExpired:
                process.kill()
                self.status = "no end"
        with open(self.folder + ".stderr", errors="replace") as f:
            self.stderr = f.read()
        self.stdout = digest_of(self.folder + ".stdout")
        self.output = [digest_of(p) if os.path.exists(p) else None for p in self.outputs()]
        self.reported = []
        if os.path.exists(self.report):
            with open(self.report) as f:
                self.reported = f.read().splitlines()

    def end_serving(self, process):
        """The socket is there a moment before all that serves it is: what fails then has time to end by itself."""
        while process.poll() is None and not os.path.exists(self.folder + "/socket"):
            time.sleep(0.002)
        try:
            process.wait(0.3)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGTERM)

    def outputs(self):
        return [os.path.join(self.folder, name) for name in self.case.out]

    def left(self):
        """Files that should not be there, whether it failed or not."""
        names = {n for n in os.listdir(self.folder) if n not in self.case.out and n != "tmp"}
        return sorted(names | {"tmp/" + n for n in os.listdir(self.folder + "/tmp")})

    def fired(self):
        return any(line.startswith("failed ") for line in self.reported)

    def is_excused(self, wrong):
        callers = [line.split() for line in self.reported]
        return any(wrong.startswith(what) and c[0].rsplit("/", 1)[-1].startswith(library) and function in ("", c[1])
                   for c in callers if len(c) == 3 for library, function, what in EXCUSED)

    def is_told_as_missing(self):
        """A parent that can't be opened is something to tell of an image, not a failure to look at it."""
        return (self.case.words[0] in ("info", "map", "check") and any("child" in w for w in self.case.words)
                and self.status in (0, 3) and any(call in self.reported[0] for call in ("open", "stat")))

    def is_complete(self, good):
        """Whether all is written and no more than the result could not be told, or not made sure of."""
        return self.output == good.output and ("JSON" in self.stderr or "--force" in self.case.words)

    def wrong(self, good):
        """What is wrong, compared with the good run; None when all is right."""
        if self.status == "no end" or self.status < 0:
            return f"ended by {self.status}"
        if self.status == LEAK_STATUS:
            return "sanitizer"
        if self.left():
            return f"left {self.left()}"
        open_files = [line for line in self.reported if line.startswith("open ")]
        if open_files:
            return f"{open_files}"
        if self.status == good.status and self.case.random:
            return None
        if self.status == good.status and self.output == good.output and self.stdout == good.stdout:
            return f"said {self.stderr!r}" if self.stderr and not good.stderr else None
        if self.is_told_as_missing():
            return None
        if self.status != 1:
            return f"status {self.status}"
        if self.kind in SURVIVED:
            return "not survived"
        if any(self.output) and not self.is_complete(good):
            return f"failed but wrote {[p for p, d in zip(self.case.out, self.output) if d]}"
        lines = self.stderr.splitlines()
        if len(lines) != 1 or not lines[0].startswith("hvimg: "):
            return f"{len(lines)} lines"
        if CAUSE[self.kind] not in lines[0].lower():
            return "no cause"
        return None

    def forget(self):
        shutil.rmtree(self.folder)
        for ending in (".report", ".stdout", ".stderr"):
            if os.path.exists(self.folder + ending):
                os.unlink(self.folder + ending)

    def describe(self, wrong):
        said = "\n    ".join(self.stderr.strip().splitlines()[:40])
        callers = []
        for line in self.reported:
            words = line.split()
            if len(words) == 3 and words[0].endswith("/hvimg"):
                where = subprocess.run(["addr2line", "-fse", words[0], words[2]], capture_output=True, text=True)
                callers.append(" ".join(where.stdout.split()))
            elif not words[0].endswith("fault.so"):
                callers.append(" ".join([words[0].rsplit("/", 1)[-1], *words[1:]]))
        return (f"{self.case.name}:{self.kind}:{self.at} (threads {self.case.threads}): {wrong}, status {self.status}\n"
                f"    {said}\n    by " + "\n       ".join(callers[:14]))


def chosen_calls(case, kind, hashes):
    """The numbers of the calls to fail: those whose callers are new, and some more."""
    everything = range(1, len(hashes) + 1)
    if WANTED == "all":
        return everything
    rng = random.Random(case.name + kind)
    new = []
    for n in everything:
        if (kind, case.threads, hashes[n - 1]) not in SEEN:
            SEEN.add((kind, case.threads, hashes[n - 1]))
            new.append(n)
    more = rng.sample(everything, min(MORE, len(hashes)))
    most = SAMPLE.get(kind, SAMPLE_OTHERS)
    return sorted({*(rng.sample(new, most) if len(new) > most else new), *more})


def count_calls(case, kind):
    path = f"{WORK}/calls"
    if os.path.exists(path):
        os.unlink(path)
    good = Run(case, kind, calls=path)
    if good.status != case.status or good.left():
        raise Unsound(f"{case.name} without a fault: status {good.status}, left {good.left()}, {good.stderr}")
    with open(path, "rb") if os.path.exists(path) else open(os.devnull, "rb") as f:
        hashes = [h for h, in struct.iter_unpack("=Q", f.read())]
    return good, hashes


def one_fault(case, kind, n, good):
    """(whether the fault came about, what was wrong with it)."""
    run = Run(case, kind, n)
    fired, wrong = run.fired(), run.wrong(good)
    told = run.describe(wrong) if wrong and not (fired and run.is_excused(wrong)) else None
    if not told:
        run.forget()
    return fired, told


def case_faults(case, pool):
    """Results of one_fault."""
    name, _, one = WANTED.partition(":")
    if WANTED not in ("", "all") and case.name != name:
        return []
    results = []
    for kind in KINDS[CLASS]:
        try:
            good, hashes = count_calls(case, kind)
        except Unsound as e:
            return [(True, str(e))]
        calls = chosen_calls(case, kind, hashes)
        if one:
            calls = [int(one.split(":")[1])] if one.startswith(kind + ":") else []
        results += pool.map(lambda n, kind=kind, good=good: one_fault(case, kind, n, good), calls)
        good.forget()
    return results


def main():
    make_images(WORK + "/src")
    before = state_of(WORK + "/src")
    content = {p: digest_of(p) for p in before}
    faults = fired = wrong = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for threads in (1, 3):
            for case in cases(threads):
                results = case_faults(case, pool)
                faults += len(results)
                fired += sum(came for came, _ in results)
                for told in filter(None, (told for _, told in results)):
                    print(told, flush=True)
                    wrong += 1
                if state_of(WORK + "/src") != before:
                    sys.exit(f"{case.name} changed a source")
    if {p: digest_of(p) for p in before} != content:
        sys.exit("the content of a source changed")
    print(f"{faults} faults tried, {fired} came about, {wrong} went wrong")
    # Threads may make fewer calls in one run than in another.
    if wrong or fired < faults * 0.9:
        sys.exit(1)


if __name__ == "__main__":
    CLASS = sys.argv[1]
    PRELOAD = build_preload()
    main()
