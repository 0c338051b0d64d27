#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hive_make.py MINOR FILE [big]: writes an empty registry hive of version 1.MINOR; with `big` its root key has a value
of 20,000 bytes, "large", in the record that such data needs, and a small one."""
import struct
import sys

NIL = 0xFFFFFFFF


class Bin:
    """The one bin, filled from its start."""

    def __init__(self):
        self.data = bytearray(32)

    def cell(self, content):
        at = len(self.data)
        size = -(-(len(content) + 4) // 8) * 8
        self.data += struct.pack("<i", -size) + content.ljust(size - 4, b"\0")
        return at

    def whole(self):
        size = -(-(len(self.data) + 8) // 4096) * 4096
        left = size - len(self.data)
        self.data[:32] = struct.pack("<4sII20x", b"hbin", 0, size)
        return bytes(self.data + struct.pack("<I", left) + bytes(left - 4))


def key(name, security, values=(0, NIL)):
    return struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", 0x2C, 0x01D5000000000000, 0, NIL, 0, 0, NIL, NIL, *values,
                       security, NIL, 0, 0, 20, 20000 if values[0] else 0, 0, len(name), 0) + name


def value(name, kind, size, data):
    return struct.pack("<2sHIIIHH", b"vk", len(name), size, data, kind, 1, 0) + name


def big_values(where):
    data = bytes(i * 7 & 0xFF for i in range(20000))
    parts = [where.cell(data[:16344]), where.cell(data[16344:])]
    listed = where.cell(struct.pack("<2I", *parts))
    record = where.cell(struct.pack("<2sHI", b"db", len(parts), listed))
    values = [where.cell(value(b"large", 3, len(data), record)), where.cell(value(b"small", 4, 0x80000004, 42))]
    return len(values), where.cell(struct.pack("<2I", *values))


def main():
    minor, path = int(sys.argv[1]), sys.argv[2]
    where = Bin()
    # of the same length with its real contents, so the offsets stay
    root = where.cell(key(b"ROOT", 0))
    security = len(where.data)
    where.cell(struct.pack("<2sHIIII", b"sk", 0, security, security, 1, 20) + b"\1\0\4\x80" + bytes(16))
    values = big_values(where) if sys.argv[3:] == ["big"] else (0, NIL)
    content = key(b"ROOT", security, values)
    where.data[root + 4:root + 4 + len(content)] = content
    bins = where.whole()
    base = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 0x01D5000000000000, 1, minor, 0, 1, root, len(bins), 1)
    base = base.ljust(508, b"\0")
    total = 0
    for word in struct.unpack("<127I", base):
        total ^= word
    with open(path, "wb") as file:
        file.write((base + struct.pack("<I", total)).ljust(4096, b"\0") + bins)


main()
