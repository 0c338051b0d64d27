#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""hive_value.py HIVE KEY NAME: type and bytes of a registry value, as hivex reads them; "-" when there is none."""
import sys

import hivex

h = hivex.Hivex(sys.argv[1])
node = h.root()
for part in sys.argv[2].split("\\"):
    node = node and h.node_get_child(node, part)
found = [h.value_value(v) for v in h.node_values(node) if h.value_key(v).lower() == sys.argv[3].lower()] if node else []
print(f"{found[0][0]} {found[0][1].hex()}" if found else "-")
