#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hive_judge.py HIVE: follows every reference of a registry hive by the format's description alone.  Ends with an
error when one leads nowhere or a cell is reached twice, when keys are not sorted, hashes are wrong, counts of users are
too low, or the header is wrong.  Says how many keys and values there are, how many allocated cells nothing leads to,
and how many keys say too little of the longest name below them, which Windows itself gets wrong at times."""
import struct
import sys


class Hive:
    def __init__(self, data):
        self.data = data
        words = struct.unpack_from("<128I", data)
        total = 0
        for word in words[:127]:
            total ^= word
        assert data[:4] == b"regf" and words[1] == words[2], "sequence numbers"
        assert total == words[127], "checksum"
        self.minor, self.root, self.size = words[6], words[9], words[10]
        assert self.size % 4096 == 0 and self.size + 4096 <= len(data), "size"
        self.cells, self.reached, self.users = self.tile(), set(), {}
        self.keys = self.values = self.short = 0

    def tile(self):
        cells, at = {}, 0
        while at < self.size:
            magic, own, size = struct.unpack_from("<4sII", self.data, 4096 + at)
            assert magic == b"hbin" and own == at and size and size % 4096 == 0, f"bin {at:#x}"
            end, at = at + size, at + 32
            while at < end:
                (size,) = struct.unpack_from("<i", self.data, 4096 + at)
                assert size and size % 8 == 0 and at + abs(size) <= end, f"cell {at:#x}"
                if size < 0:
                    cells[at] = self.data[4096 + at + 4:4096 + at - size]
                at += abs(size)
        return cells

    def cell(self, at):
        assert at in self.cells, f"no cell {at:#x}"
        assert at not in self.reached, f"twice {at:#x}"
        self.reached.add(at)
        return self.cells[at]

    @staticmethod
    def name(raw, compact):
        return raw.decode("latin-1") if compact else raw.decode("utf-16-le", "surrogatepass")

    def subkeys(self, at):
        content = self.cell(at)
        kind, count = struct.unpack_from("<2sH", content)
        if kind == b"ri":
            for leaf in struct.unpack_from(f"<{count}I", content, 4):
                yield from self.subkeys(leaf)
            return
        assert kind in (b"lf", b"lh", b"li"), f"list {at:#x}"
        for i in range(count):
            if kind == b"li":
                yield struct.unpack_from("<I", content, 4 + 4 * i)[0], kind, b""
            else:
                yield struct.unpack_from("<I", content, 4 + 8 * i)[0], kind, content[8 + 8 * i:12 + 8 * i]

    def check_value(self, at):
        content = self.cell(at)
        magic, length, size, data = struct.unpack_from("<2sHII", content)
        assert magic == b"vk" and len(content) >= 20 + length, f"value {at:#x}"
        self.values += 1
        if size >> 31 or not size:
            assert size & 0x7FFFFFFF <= 4
        elif size > 16344 and self.minor > 3:
            magic, count, listed = struct.unpack_from("<2sHI", self.cell(data))
            assert magic == b"db" and count == -(-size // 16344), f"big value {at:#x}"
            for part in struct.unpack_from(f"<{count}I", self.cell(listed)):
                assert len(self.cell(part)) >= min(size, 16344)
                size -= 16344
        else:
            assert len(self.cell(data)) >= size, f"data {data:#x}"

    @staticmethod
    def check_hint(kind, hint, name):
        if kind == b"lh" and name.isascii():
            hashed = 0
            for letter in name.upper():
                hashed = hashed * 37 + ord(letter) & 0xFFFFFFFF
            assert struct.unpack("<I", hint)[0] == hashed, f"hash of {name}"
        elif kind == b"lf" and name.isascii():
            assert hint.rstrip(b"\0") == name[:4].encode().rstrip(b"\0"), f"hint of {name}"

    def check_key(self, at, parent):
        content = self.cell(at)
        fields = struct.unpack_from("<2sHQ15IHH", content)
        magic, flags, above, count, listed = fields[0], fields[1], fields[4], fields[5], fields[7]
        assert magic == b"nk" and (parent is None or above == parent), f"key {at:#x}"
        name = self.name(content[76:76 + fields[18]], flags & 0x20)
        self.keys += 1
        self.users[fields[11]] = self.users.get(fields[11], 0) + 1
        if fields[19]:
            assert len(self.cell(fields[12])) >= fields[19]
        if fields[9]:
            for value in struct.unpack_from(f"<{fields[9]}I", self.cell(fields[10])):
                self.check_value(value)
        below = list(self.subkeys(listed)) if count else []
        assert len(below) == count, f"count of {name}"
        names = []
        for child, kind, hint in below:
            names.append(self.check_key(child, at))
            self.check_hint(kind, hint, names[-1])
        self.short += any(2 * len(n) > fields[13] & 0xFFFF for n in names)
        plain = [n.upper() for n in names if n.isascii()]
        assert plain == sorted(set(plain)), f"order below {name}"
        return name

    def check_security(self):
        for at, users in self.users.items():
            magic, following, before, counted = struct.unpack_from("<2s2xIII", self.cell(at))
            assert magic == b"sk" and counted >= users, f"users of {at:#x}: {counted} of {users}"
            assert struct.unpack_from("<I", self.cells[following], 8)[0] == at
            assert struct.unpack_from("<I", self.cells[before], 4)[0] == at


sys.setrecursionlimit(10000)
with open(sys.argv[1], "rb") as file:
    hive = Hive(file.read())
hive.check_key(hive.root, None)
hive.check_security()
print(hive.keys, hive.values, len(hive.cells) - len(hive.reached), hive.short)
