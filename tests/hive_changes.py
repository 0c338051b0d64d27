#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hive_changes.py BEFORE AFTER: keys and values that differ, read by hivex; - is gone, + is new.

hive_changes.py HIVE: all of them.  A row is KEY, or KEY, name, type and value with " | " between.
"""
import struct
import sys

import hivex


def value_text(kind, data):
    if kind in (1, 2):
        return data.decode("utf-16le").split("\0")[0]
    if kind == 7:
        return ";".join(part for part in data.decode("utf-16le").split("\0") if part)
    if kind == 4 and len(data) == 4:
        return str(struct.unpack("<I", data)[0])
    return data.hex()


def rows(path):
    hive = hivex.Hivex(path)
    found = set()
    waiting = [(hive.root(), "")]
    while waiting:
        node, key = waiting.pop()
        found.add(key)
        for value in hive.node_values(node):
            kind, data = hive.value_value(value)
            try:
                text = value_text(kind, data)
            except UnicodeDecodeError:
                text = data.hex()
            found.add(f"{key} | {hive.value_key(value)} | {kind:x} | {text}")
        for child in hive.node_children(node):
            waiting.append((child, f"{key}\\{hive.node_name(child)}".lstrip("\\")))
    return found


def main():
    before = rows(sys.argv[1])
    if len(sys.argv) == 2:
        print("\n".join(sorted(before)))
        return
    after = rows(sys.argv[2])
    print("\n".join(sorted([f"- {row}" for row in before - after] + [f"+ {row}" for row in after - before])))


main()
