# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes VHDX files from [MS-VHDX], also ones that no known program writes."""
import functools
import struct
import uuid

MIB = 1 << 20
SECTOR = 4096  # of the log


def guid(text):
    return uuid.UUID(text).bytes_le


BAT, METADATA = guid("2dc27766-f623-4200-9d64-115e9bfd4a08"), guid("8b7ca206-4790-4b9a-b8fe-575f050f886e")
PARAMETERS, SIZE = guid("caa16737-fa36-4d43-b3b6-33f0aa44e76b"), guid("2fa54224-cd1b-4876-b211-5dbed83bf4b8")
DISK_ID, LOCATOR = guid("beca12ab-b2e6-4523-93ef-c309e000c746"), guid("a8d35f2d-b30b-454d-abf7-d3d84834ab0c")
LOGICAL, PHYSICAL = guid("8141bf1d-a96f-4709-ba47-f233a8faab5f"), guid("cda348c7-445d-4471-9cc9-e9885251c556")
LOCATOR_VHDX = guid("b04aefb7-d19e-4a81-b789-25b8e9445913")
LOG_ID, DATA_WRITE = b"L" * 16, b"D" * 16

TABLE = []
for n in range(256):
    for _ in range(8):
        n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
    TABLE.append(n)


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = TABLE[(crc ^ b) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


@functools.lru_cache
def sealed(structure):
    """With its checksum, which is at offset 4 everywhere."""
    b = bytearray(structure)
    b[4:8] = bytes(4)
    b[4:8] = struct.pack("<I", crc32c(b))
    return bytes(b)


def header(sequence, log=bytes(16), data_write=DATA_WRITE, log_length=MIB, log_offset=MIB, version=1, log_version=0):
    b = struct.pack("<4sIQ16s16s16sHHIQ", b"head", 0, sequence, b"F" * 16, data_write, log, log_version, version,
                    log_length, log_offset)
    return sealed(b.ljust(4096, b"\0"))


def region_table(entries):
    b = struct.pack("<4sIII", b"regi", 0, len(entries), 0) + b"".join(struct.pack("<16sQII", *e) for e in entries)
    return sealed(b.ljust(65536, b"\0"))


def locator(pairs, kind=LOCATOR_VHDX):
    at, entries, texts = 20 + 12 * len(pairs), b"", b""
    for key, value in pairs:
        key, value = key.encode("utf-16-le"), value.encode("utf-16-le")
        entries += struct.pack("<IIHH", at, at + len(key), len(key), len(value))
        texts += key + value
        at += len(key) + len(value)
    return kind + struct.pack("<HH", 0, len(pairs)) + entries + texts


class Sparse:
    """A file under construction."""

    def __init__(self):
        self.piece, self.size = {}, 0

    def put(self, offset, data):
        self.piece[offset] = bytes(data)
        self.size = max(self.size, offset + len(data))

    def write(self, name):
        with open(name, "wb") as f:
            f.truncate(self.size)
            for offset, data in self.piece.items():
                f.seek(offset)
                f.write(data)
        return name


def image(size, blocks, block=MIB, sector=512, parent=None, flags=0, log=bytes(16), log_length=MIB, metadata_at=2 * MIB,
          bat_at=3 * MIB, bat_length=MIB, data_at=4 * MIB, headers=None, regions=None, region_tables=None, items=(),
          change_items=None, bitmaps=None, data_write=DATA_WRITE):
    """`blocks` maps numbers to (BAT state, bytes of the block, or offset in the file, or None)."""
    f, ratio = Sparse(), 2**23 * sector // block
    f.put(0, b"vhdxfile")
    for i, h in enumerate(headers or [header(n, log, data_write, log_length) for n in (5, 6)]):
        f.put(65536 * (i + 1), h)
    table = region_table([(BAT, bat_at, bat_length, 1), (METADATA, metadata_at, MIB, 1)] if regions is None else regions)
    for i, t in enumerate(region_tables or [table, table]):
        f.put(65536 * (i + 3), table if t is None else t)
    item = [(PARAMETERS, struct.pack("<II", block, flags | (2 if parent else 0)), 4), (SIZE, struct.pack("<Q", size), 6),
            (DISK_ID, b"I" * 16, 6), (LOGICAL, struct.pack("<I", sector), 6), (PHYSICAL, struct.pack("<I", 4096), 6)]
    if parent:
        item.append((LOCATOR, locator(parent), 4))
    item += items
    if change_items:
        change_items(item)
    table, at = struct.pack("<8sHH20x", b"metadata", 0, len(item)), 65536
    for name, data, kind in item:
        table += struct.pack("<16sIII4x", name, at if data else 0, len(data), kind)
        f.put(metadata_at + at, data)
        at += len(data)
    f.put(metadata_at, table)
    entries, at = {}, data_at
    for n, (state, data) in blocks.items():
        entries[n + n // ratio] = state | (data if isinstance(data, int) else 0)
        if isinstance(data, bytes):
            entries[n + n // ratio] |= at
            f.put(at, data)
            at += -(-len(data) // MIB) * MIB
    for chunk, bits in (bitmaps or {}).items():
        entries[(chunk + 1) * (ratio + 1) - 1] = at | 6
        f.put(at, bits.ljust(MIB, b"\0"))
        at += MIB
    for n, entry in entries.items():
        f.put(bat_at + 8 * n, struct.pack("<Q", entry))
    f.size = max(f.size, at, bat_at + bat_length, metadata_at + MIB, MIB + log_length)
    return f


def data(offset, sector, sequence):
    """A data descriptor and its sector."""
    return (struct.pack("<4s4s8sQQ", b"desc", sector[-4:], sector[:8], offset, sequence),
            struct.pack("<4sI", b"data", sequence >> 32) + sector[8:-4] + struct.pack("<I", sequence & 0xFFFFFFFF))


def zeros(offset, length, sequence):
    return struct.pack("<4sIQQQ", b"zero", 0, length, offset, sequence), b""


def entry(sequence, tail, what, flushed, last=None, log=LOG_ID, descriptors=None):
    """A log entry that applies `what`, a list of data() and zeros()."""
    described = bytes(64) + b"".join(d for d, _ in what)
    b = described.ljust(-(-len(described) // SECTOR) * SECTOR, b"\0") + b"".join(s for _, s in what)
    head = struct.pack("<4sIIIQII16sQQ", b"loge", 0, len(b), tail, sequence,
                       len(what) if descriptors is None else descriptors, 0, log, flushed, last or flushed)
    return sealed(head + b[64:])


def put_log(f, offset, b, length=MIB):
    """Into the ring at 1 MiB, around its end if need be."""
    first = b[:length - offset]
    f.put(MIB + offset, first)
    if b[len(first):]:
        f.put(MIB, b[len(first):])
