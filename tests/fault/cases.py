# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands whose calls are failed, and the small images that they work on."""
import os
import random
import subprocess
from dataclasses import dataclass, field

HVIMG = os.environ["HVIMG"]
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass
class Case:
    name: str
    words: list  # of the command line; run in a folder of its own, the images are in ../src
    out: list = field(default_factory=list)  # what it writes
    status: int = 0  # of a good run
    stdin: str = None
    threads: int = 1
    serve: bool = False
    random: bool = False  # the output is never the same twice


def run(*words, **more):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **more)


def hvimg(*words):
    run(HVIMG, *words, "-q", "--no-sync")


def make_images(src):
    """Makes the images in `src`, which are never to change again."""
    os.makedirs(src)
    os.chdir(src)
    rng = random.Random(20)
    kib = [rng.randbytes(1024) if n % 3 else b"hvimg!\r\n" * 128 for n in range(4096)]
    for start in (300, 1500, 2600):
        kib[start:start + 700] = [bytes(1024)] * 700
    with open("disk.raw", "wb") as f:
        f.write(b"".join(kib))
        f.truncate(6 << 20)
    run("cp", "disk.raw", "later.raw")
    with open("later.raw", "r+b") as f:
        for at in (4096, 1 << 20, 5 << 20):
            f.seek(at)
            f.write(rng.randbytes(5000))
    for name, options in (("disk.vhd", ["-o", "block_size=512K"]), ("fixed.vhd", ["-o", "subformat=fixed"]),
                          ("blktap.vhd", ["-o", "dialect=blktap"]), ("disk.vhdx", []), ("disk.qcow2", []),
                          ("zlib.qcow2", ["-c"]), ("zstd.qcow2", ["-c", "-o", "compression_type=zstd"]),
                          ("disk.vmdk", [])):
        hvimg("convert", "-f", "raw", *options, "disk.raw", name)
    for parent, child in (("disk.vhd", "child.vhd"), ("disk.vhdx", "child.vhdx"), ("disk.qcow2", "child.qcow2")):
        hvimg("convert", "-f", "raw", "--parent", parent, "later.raw", child)
    run("qemu-img", "convert", "-q", "-f", "raw", "-O", "vdi", "disk.raw", "disk.vdi")
    run("cp", "disk.qcow2", "snap.qcow2")
    run("qemu-img", "snapshot", "-c", "first", "snap.qcow2")
    run("qemu-io", "-c", "write -P 7 1M 200k", "snap.qcow2")
    run("cp", "disk.vhd", "torn.vhd")
    os.truncate("torn.vhd", os.path.getsize("torn.vhd") - 512)
    run(os.path.join(TESTS, "unit", "linux-guest"), os.path.join(src, "guest.raw"))
    hvimg("convert", "guest.raw", "guest.qcow2")
    for name in os.listdir("."):
        os.utime(name, (1700000000, 1700000000))
        os.chmod(name, 0o444)
    # A child VHD holds its parent's time.
    os.utime("disk.vhd", (os.stat("disk.vhd").st_mtime,) * 2)


def convert(name, source, dest, *options, **more):
    return Case(name, ["convert", *options, "../src/" + source, dest], [dest], **more)


def cases(threads):
    """All cases of one thread, or those that are also run with more."""
    found = [
        convert("to-raw", "disk.qcow2", "out.raw"),
        convert("to-raw-full", "disk.qcow2", "out.raw", "--no-holes"),
        convert("to-vhd", "disk.qcow2", "out.vhd"),
        convert("to-vhd-fixed", "disk.vhdx", "out.vhd", "-o", "subformat=fixed"),
        convert("to-vhd-blktap", "disk.vmdk", "out.vhd", "-o", "dialect=blktap", "--no-sync"),
        convert("to-vhdx", "disk.vdi", "out.vhdx", "--force"),
        convert("to-vhdx-fixed", "blktap.vhd", "out.vhdx", "-o", "subformat=fixed"),
        convert("to-qcow2", "disk.raw", "out.qcow2", "-f", "raw"),
        # What ISA-L makes of a cluster depends on the address of its stream once in some hundred runs.
        convert("to-qcow2-zlib", "disk.vhd", "out.qcow2", "-c", threads=threads, random=True),
        convert("to-qcow2-zstd", "zlib.qcow2", "out.qcow2", "-c", "-o", "compression_type=zstd"),
        convert("to-qcow2-best", "zstd.qcow2", "out.qcow2", "-c", "-o", "compression_level=best,extended_l2=on"),
        convert("to-vmdk", "fixed.vhd", "out.vmdk", threads=threads),
        convert("no-scan", "disk.vhdx", "out.vhd", "--no-scan", "--identifier", "11111111-2222-3333-4444-555555555555"),
        convert("hashes", "disk.vhdx", "out.vhd", "--hash", "md5,sha256", "--guest-hash", "sha1", "--json",
                threads=threads),
        convert("verify", "disk.qcow2", "out.vhdx", "--verify", threads=threads),
        convert("resize", "guest.qcow2", "out.vhdx", "--size", "+3M", "--drop-free"),
        convert("snapshot", "snap.qcow2", "out.raw", "-l", "first"),
        convert("child-vhd", "later.raw", "out.vhd", "-f", "raw", "--parent", "../src/disk.vhd"),
        convert("child-vhdx", "later.raw", "out.vhdx", "-f", "raw", "--parent", "../src/disk.vhdx", "--verify"),
        convert("child-qcow2", "child.vhd", "out.qcow2", "--allow-parent", "--parent", "../src/disk.vhdx",
                threads=threads),
        convert("from-child-vhdx", "child.vhdx", "out.vhdx", "--allow-parent"),
        convert("from-child-qcow2", "child.qcow2", "out.vhd", "--allow-parent"),
        Case("from-pipe", ["convert", "-", "out.vhdx"], ["out.vhdx"], stdin="disk.raw"),
        Case("pipe-to-pipe", ["convert", "-O", "raw", "-", "-"], stdin="disk.raw"),
        Case("to-pipe", ["convert", "-O", "vhdx", "../src/disk.qcow2", "-"], threads=threads),
        Case("to-pipe-qcow2", ["convert", "-O", "qcow2", "../src/disk.vhd", "-"]),
        Case("measure", ["measure", "-O", "qcow2", "-c", "--json", "../src/disk.vhdx"], random=True),
        Case("measure-child", ["measure", "-O", "vhdx", "--json", "--parent", "../src/disk.vhdx", "-f", "raw",
                               "../src/later.raw"]),
        Case("compare", ["compare", "../src/disk.vhdx", "../src/zlib.qcow2"], threads=threads),
        Case("compare-other", ["compare", "-f", "raw", "../src/later.raw", "../src/disk.vhd"], status=3),
        Case("create-vhd", ["create", "out.vhd", "9M"], ["out.vhd"], random=True),
        Case("create-vhdx", ["create", "out.vhdx", "9M"], ["out.vhdx"], random=True),
        Case("create-qcow2", ["create", "out.qcow2", "9M"], ["out.qcow2"], random=False),
        Case("create-child", ["create", "--parent", "../src/disk.vhd", "out.vhd"], ["out.vhd"], random=True),
        Case("repair", ["check", "--repair", "out.vhd", "../src/torn.vhd"], ["out.vhd"]),
        Case("repair-qcow2", ["check", "--json", "--repair", "out.qcow2", "../src/disk.qcow2"], ["out.qcow2"]),
        Case("cross", ["check", "--cross", "../src/disk.vhdx"]),
        Case("inspect", ["inspect", "--json", "../src/guest.qcow2"]),
        Case("inject", ["inject", "-t", "hyperv-gen1", "../src/guest.raw", "out.vhdx"],
             ["out.vhdx", "out.vhdx.edits.json"]),
        Case("package", ["package", "--property", "a=b", "../src/guest.qcow2", "bundle"], ["bundle"]),
        Case("serve", ["serve", "../src/child.vhdx", "--allow-parent", "--writable", "socket"], serve=True),
        Case("map-svg", ["map", "--svg", "out.svg", "../src/child.qcow2", "--allow-parent"], ["out.svg"]),
    ]
    for image in ("disk.raw", "disk.vhd", "fixed.vhd", "blktap.vhd", "disk.vhdx", "zlib.qcow2", "snap.qcow2",
                  "disk.vmdk", "disk.vdi", "child.vhd", "child.vhdx", "child.qcow2"):
        raw = ["-f", "raw"] if image.endswith("raw") else []
        found.append(Case("info-" + image, ["info", "--json", "--allow-parent", *raw, "../src/" + image]))
        found.append(Case("map-" + image, ["map", "--json", "--allow-parent", *raw, "../src/" + image]))
        found.append(Case("check-" + image, ["check", "--allow-parent", *raw, "../src/" + image]))
    if threads > 1:
        return [c for c in found if c.threads > 1]
    return found
