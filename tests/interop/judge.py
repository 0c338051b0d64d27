# SPDX-License-Identifier: GPL-3.0-or-later
"""Has hvimg read an image whose content is known, and tells whether it did."""
import hashlib
import os
import random
import subprocess
import sys

HVIMG, WORK = os.environ["HVIMG"], os.environ["WORK"]
noise = random.Random(1).randbytes
wrong = []


def path(name):
    return os.path.join(WORK, name)


def digest(name):
    with open(name, "rb") as f:
        return hashlib.sha256(f.read()).digest()


def run(*words):
    return subprocess.run([HVIMG, *words], capture_output=True, timeout=120)


def read(image, *options):
    """The content as hvimg reads it, or what it says why not."""
    out, before = path("out.raw"), digest(image)
    if os.path.exists(out):
        os.unlink(out)
    r = run("convert", "-q", "--no-sync", *options, "-O", "raw", image, out)
    text = r.stderr.decode(errors="replace")
    if digest(image) != before:
        return "the source was changed"
    if r.returncode == 0:
        with open(out, "rb") as f:
            return f.read()
    if os.path.exists(out):
        return "an output was left behind"
    if r.returncode != 1 or not text.startswith("hvimg: ") or text.count("\n") != 1:
        return "status %d and: %s" % (r.returncode, text)
    return text


def note(what, problem):
    print(what + (": " + problem if problem else ""))
    if problem:
        wrong.append(what)


def content(what, image, want, *options):
    got = read(image, *options)
    if isinstance(got, str):
        note(what, got)
    elif got == want:
        note(what, "")
    else:
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        note(what, "%d bytes, not %d, or others from %d on" % (len(got), len(want), at))


def refused(what, image, text, *options):
    got = read(image, *options)
    if not isinstance(got, str):
        note(what, "read, though it should say: " + text)
    else:
        note(what, "" if text in got else "'%s' is not in: %s" % (text, got))


def end():
    if wrong:
        sys.exit("%d wrong: %s" % (len(wrong), ", ".join(wrong)))
