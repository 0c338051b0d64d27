# SPDX-License-Identifier: GPL-3.0-or-later
"""Registry hives from Python data, by hivex: {key: {value name: value}}, keys with backslashes."""
import os
import struct
import subprocess

import hivex

NONE, SZ, EXPAND_SZ, BINARY, DWORD, MULTI_SZ, QWORD = 0, 1, 2, 3, 4, 7, 11


class Typed:
    """A value whose type does not follow from Python's."""

    def __init__(self, kind, data):
        self.kind, self.data = kind, data


def expand(text):
    return Typed(EXPAND_SZ, (text + "\0").encode("utf-16-le"))


def encode(value):
    if isinstance(value, Typed):
        return value.kind, value.data
    if isinstance(value, int):
        return DWORD, struct.pack("<I", value)
    if isinstance(value, bytes):
        return BINARY, value
    if isinstance(value, (list, tuple)):
        return MULTI_SZ, ("".join(item + "\0" for item in value) + "\0").encode("utf-16-le")
    return SZ, (value + "\0").encode("utf-16-le")


# A security descriptor: SYSTEM and Administrators everything, everybody reads; inherited below.
def ace(flags, mask, sid):
    return struct.pack("<BBHI", 0, flags, 8 + len(sid), mask) + sid


SYSTEM_SID = struct.pack("<BB6sI", 1, 1, b"\0\0\0\0\0\5", 18)
ADMINS_SID = struct.pack("<BB6sII", 1, 2, b"\0\0\0\0\0\5", 32, 544)
USERS_SID = struct.pack("<BB6sII", 1, 2, b"\0\0\0\0\0\5", 32, 545)


def descriptor(inherit, full, read):
    flags = 3 if inherit else 0
    aces = ace(flags, full, SYSTEM_SID) + ace(flags, full, ADMINS_SID) + ace(flags, read, USERS_SID)
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(aces), 3, 0) + aces
    owner = 20 + len(acl)
    return struct.pack("<BBHIIII", 1, 0, 0x8004, owner, owner + len(SYSTEM_SID), 0, 20) + acl + SYSTEM_SID + SYSTEM_SID


def cell(data):
    size = -(-(len(data) + 4) // 8) * 8
    return struct.pack("<i", -size) + data + bytes(size - 4 - len(data))


def empty_hive(root="CMI-CreateHive{00000000-0000-0000-0000-000000000000}", minor=5):
    """A hive with a root key and its security: base block, one bin, three cells."""
    sd = descriptor(True, 0xF003F, 0x20019)
    name = root.encode("ascii")
    root_at = 0x20
    key = struct.pack("<2sHQIIIIIIIIIIIIIIIHH", b"nk", 0x2C, 0, 0, 0xFFFFFFFF, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0,
                      0xFFFFFFFF, 0, 0, 0, 0, 0, len(name), 0) + name
    key_cell = cell(key)
    sk_at = root_at + len(key_cell)
    key = key[:44] + struct.pack("<I", sk_at) + key[48:]
    cells = cell(key) + cell(struct.pack("<2sHIIII", b"sk", 0, sk_at, sk_at, 1, len(sd)) + sd)
    free = 4096 - 32 - len(cells)
    bins = struct.pack("<4sIIQQI", b"hbin", 0, 4096, 0, 0, 0) + cells + struct.pack("<i", free) + bytes(free - 4)
    base = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 0, 1, minor, 0, 1, root_at, 4096, 1)
    base += bytes(508 - len(base))
    total = 0
    for (word,) in struct.iter_unpack("<I", base):
        total ^= word
    return base + struct.pack("<I", total) + bytes(4096 - 512) + bins


def make_key(h, path):
    node = h.root()
    for part in filter(None, path.split("\\")):
        node = h.node_get_child(node, part) or h.node_add_child(node, part)
    return node


def write(path, content, minor=5):
    if not os.path.exists(path):
        with open(path, "wb") as f:
            f.write(empty_hive(minor=minor))
    h = hivex.Hivex(path, write=True)
    for key, values in content.items():
        node = make_key(h, key)
        if values:
            encoded = [(name, *encode(value)) for name, value in values.items()]
            h.node_set_values(node, [{"key": name, "t": kind, "value": data} for name, kind, data in encoded])
    h.commit(None)


def merge(path, prefix, text):
    """A .reg file over what is there."""
    subprocess.run(["hivexregedit", "--merge", "--prefix", prefix, path, text], check=True)
