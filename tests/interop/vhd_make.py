# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes VHD files from Microsoft's specification, version 1.0, also ones that no known program writes."""
import struct

FIXED, DYNAMIC, DIFFERENCING = 2, 3, 4
NOWHERE = 2**64 - 1


def sealed(structure, at):
    """With the checksum at offset `at`."""
    b = bytearray(structure)
    b[at:at + 4] = bytes(4)
    b[at:at + 4] = struct.pack(">I", ~sum(b) & 0xFFFFFFFF)
    return bytes(b)


def footer(size, kind, header=NOWHERE, creator=b"win ", original=None, geometry=(10, 4, 17), unique=b"U" * 16,
           features=2, version=0x10000, saved=0):
    cylinders, heads, sectors = geometry
    b = struct.pack(">8sIIQI4sI4sQQHBBI4x16sB427x", b"conectix", features, version, header, 1000, creator, 0xA0000, b"Wi2k",
                    size if original is None else original, size, cylinders, heads, sectors, kind, unique, saved)
    return sealed(b, 64)


def dynamic(guest, block, kind=DYNAMIC, base=b"", absent=(), clear=lambda sector: False, entries=0, header_at=512,
            table_at=None, align=512, reverse=False, cut=False, locators=(), parent=bytes(16), parent_time=0, **more):
    """The file, and what a guest sees of it.  `clear` tells which sectors the bitmaps leave to `base` or zeros; `entries`
    are added to the table; `locators` are (platform, text) pairs; `more` goes to the footer."""
    count = -(-len(guest) // block)
    bitmap = -(-(block // 512) // 8 // 512) * 512 or 512
    table_at = table_at or header_at + 1024
    seen = bytearray(base[:len(guest)].ljust(len(guest), b"\0"))
    at = max(table_at + 4 * (count + entries), header_at + 1024)
    at = -(-at // 512) * 512
    f, located = bytearray(at), []
    for platform, text in locators:
        located.append(struct.pack(">4sII4xQ", platform, 512, len(text), len(f)))
        f += text.ljust(-(-len(text) // 512) * 512, b"\0")
    table = [0xFFFFFFFF] * (count + entries)
    for n in sorted(set(range(count)) - set(absent), reverse=reverse):
        f = f.ljust(-(-(len(f) + bitmap) // align) * align - bitmap, b"\0")
        table[n] = len(f) // 512
        bits, data = bytearray(bitmap), bytearray(guest[n * block:(n + 1) * block])
        used = len(data)
        data = data.ljust(block, b"\xee")
        for s in range(block // 512):
            place = n * block + s * 512
            if clear(place // 512):
                data[s * 512:s * 512 + 512] = b"\xdd" * 512
            else:
                bits[s // 8] |= 128 >> s % 8
                seen[place:place + 512] = guest[place:place + 512]
        f += bits + (data[:used] if cut and n == count - 1 else data)
    f = f.ljust(-(-len(f) // 512) * 512, b"\0")
    end = footer(len(guest), kind, header_at, **more)
    header = struct.pack(">8sQQIII4x16sI4x512x", b"cxsparse", NOWHERE, table_at, 0x10000, len(table), block, parent,
                         parent_time) + b"".join(located)
    f[0:512] = end
    f[header_at:header_at + 1024] = sealed(header.ljust(1024, b"\0"), 36)
    f[table_at:table_at + 4 * len(table)] = struct.pack(">%dI" % len(table), *table)
    return bytes(f) + end, bytes(seen)


def patched(f, at, layout, *values):
    """With other values at `at`, and the checksum of the header at 512 redone."""
    b = bytearray(f)
    struct.pack_into(layout, b, at, *values)
    b[512:1536] = sealed(b[512:1536], 36)
    return bytes(b)
