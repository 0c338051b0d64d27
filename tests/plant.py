# SPDX-License-Identifier: GPL-3.0-or-later
"""plant.py vhd|vhdx SOURCE TARGET CHANGE...: writes TARGET, which is SOURCE with the changes made in their order.

PLACE=VALUE  overwrites what is at PLACE
seal         makes all checksums right
cut=N        takes N bytes off the end
grow=N       adds N zeros at the end
insert=N     adds N zeros in front of a VHD's last footer; their place is `room`
log=PLACE=VALUE  (VHDX) a log that makes the change when it is replayed

PLACE: a number, or a name of places() below, with [N] for entry N of a table and +N behind it for bytes from there.
VALUE: bytes in hex, or u16: u32: u64: (in the format's byte order; a number or a PLACE after @), text:, utf16:,
from:PLACE:LENGTH for bytes that are there.  A name that is for two copies changes both.
"""
import re
import struct
import sys

kind, source, target, *changes = sys.argv[1:]
b = bytearray(open(source, "rb").read())
room = 0
order = ">" if kind == "vhd" else "<"


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


table = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    table.append(n)


def number(form, at):
    return struct.unpack_from(order + form, b, at)[0]


def regions():
    """Offsets of BAT and metadata as the first region table has them."""
    found = {}
    for i in range(2):
        at = 196608 + 16 + 32 * i
        found[b[at : at + 4].hex()] = number("Q", at + 16)
    return found.get("6677c22d", 0), found.get("06a27c8b", 0)


def places(name):
    if kind == "vhd":
        footer = len(b) - 512
        header = number("Q", footer + 16) if b[footer : footer + 8] == b"conectix" else 512
        known = {"copy": [0], "footer": [footer], "both": [0, footer], "header": [header], "room": [room]}
        if name == "locator":
            return [number("Q", header + 592)]
        if name in ("bat", "batmap", "map"):
            bat = number("Q", header + 16)
            batmap = (bat + number("I", header + 28) * 4 + 511) // 512 * 512
            known.update(bat=[bat], batmap=[batmap], map=[batmap + 512])
        return known[name]
    bat, metadata = regions()
    return {
        "identifier": [0],
        "header1": [65536],
        "header2": [131072],
        "headers": [65536, 131072],
        "region1": [196608],
        "region2": [262144],
        "regions": [196608, 262144],
        "regionentry": [196608 + 16, 262144 + 16],
        "metadata": [metadata],
        "metadataentry": [metadata + 32],
        "items": [metadata + 65536],
        "bat": [bat],
        "end": [len(b)],
    }[name]


sizes = {"bat": 4 if kind == "vhd" else 8, "regionentry": 32, "metadataentry": 32}


def resolve(text):
    name, index, more = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(?:\+(\w+))?", text).groups()
    starts = [int(name, 0)] if name[0].isdigit() else places(name)
    return [s + int(index or 0) * sizes.get(name, 0) + int(more or "0", 0) for s in starts]


def value(text):
    form, _, rest = text.partition(":")
    if form in ("u16", "u32", "u64"):
        n = resolve(rest[1:])[0] if rest[0] == "@" else int(rest, 0)
        return struct.pack(order + {"u16": "H", "u32": "I", "u64": "Q"}[form], n)
    if form == "text":
        return rest.encode()
    if form == "utf16":
        return rest.encode("utf-16-le")
    if form == "from":
        place, length = rest.split(":")
        at = resolve(place)[0]
        return bytes(b[at : at + int(length)])
    return bytes.fromhex(text)


def seal_sum(at, size, field):
    b[at + field : at + field + 4] = bytes(4)
    b[at + field : at + field + 4] = struct.pack(">I", ~sum(b[at : at + size]) & 0xFFFFFFFF)


def seal_crc(at, size):
    b[at + 4 : at + 8] = bytes(4)
    b[at + 4 : at + 8] = struct.pack("<I", crc32c(b[at : at + size]))


def seal():
    if kind == "vhdx":
        for at in places("headers"):
            seal_crc(at, 4096)
        for at in places("regions"):
            seal_crc(at, 65536)
        return
    for at in places("both"):
        if b[at : at + 8] == b"conectix":
            seal_sum(at, 512, 64)
    header = places("header")[0]
    if b[header : header + 8] != b"cxsparse":
        return
    seal_sum(header, 1024, 36)
    batmap = places("batmap")[0]
    if b[batmap : batmap + 8] == b"tdbatmap":
        at, sectors = struct.unpack_from(">QI", b, batmap + 8)
        struct.pack_into(">I", b, batmap + 24, ~sum(b[at : at + sectors * 512]) & 0xFFFFFFFF)


def log(place, bytes_there):
    """One entry with one data sector, in both headers' name."""
    guid = b"a log of its own"
    at = resolve(place)[0]
    sector = bytearray(b[at & ~4095 : (at & ~4095) + 4096])
    sector[at & 4095 : (at & 4095) + len(bytes_there)] = bytes_there
    entry = bytearray(8192)
    struct.pack_into("<4sIIIQII16sQQ", entry, 0, b"loge", 0, 8192, 0, 7, 1, 0, guid, len(b), len(b))
    struct.pack_into("<4s4s8sQQ", entry, 64, b"desc", bytes(sector[-4:]), bytes(sector[:8]), at & ~4095, 7)
    struct.pack_into("<4sI4084sI", entry, 4096, b"data", 0, bytes(sector[8:-4]), 7)
    struct.pack_into("<I", entry, 4, crc32c(entry))
    start = number("Q", 131072 + 0x48)
    b[start : start + 8192] = entry
    for header in places("headers"):
        b[header + 0x30 : header + 0x40] = guid
    seal()


for change in changes:
    what, _, rest = change.partition("=")
    if change == "seal":
        seal()
    elif what == "cut":
        del b[len(b) - int(rest) :]
    elif what == "grow":
        b.extend(bytes(int(rest)))
    elif what == "insert":
        room = len(b) - 512
        b[room:room] = bytes(int(rest))
    elif what == "log":
        place, text = rest.split("=")
        log(place, value(text))
    else:
        for at in resolve(what):
            new = value(rest)
            b[at : at + len(new)] = new
open(target, "wb").write(b)
