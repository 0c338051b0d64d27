# SPDX-License-Identifier: GPL-3.0-or-later
# compact.py FILE ALGORITHM: writes FILE.stream and FILE.reparse, as Windows would have them.
import ctypes, ctypes.util, struct, sys
name, algorithm = sys.argv[1], int(sys.argv[2])
wim = ctypes.CDLL(ctypes.util.find_library("wim"))
wim.wimlib_compress.restype = ctypes.c_size_t
kind, chunk = [(1, 4096), (2, 32768), (1, 8192), (1, 16384)][algorithm]
compressor = ctypes.c_void_p()
assert wim.wimlib_create_compressor(kind, ctypes.c_size_t(chunk), 0, ctypes.byref(compressor)) == 0
data, table, body = open(name, "rb").read(), b"", b""
for at in range(0, len(data), chunk):
    plain = data[at:at + chunk]
    room = ctypes.create_string_buffer(len(plain))
    size = wim.wimlib_compress(plain, ctypes.c_size_t(len(plain)), room, ctypes.c_size_t(len(plain) - 1), compressor)
    table += struct.pack("<I", len(body)) if at else b""
    body += room.raw[:size] if size else plain
open(name + ".stream", "wb").write(table + body)
open(name + ".reparse", "wb").write(struct.pack("<IHHIIII", 0x80000017, 16, 0, 1, 2, 1, algorithm))
