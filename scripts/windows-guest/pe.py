# SPDX-License-Identifier: GPL-3.0-or-later
"""PE files that do nothing: the right machine, subsystem and version resource (PE Format; VS_VERSIONINFO)."""
import struct

MACHINES = {"x86": 0x14C, "amd64": 0x8664, "arm64": 0xAA64}
NATIVE, CONSOLE, EFI = 1, 3, 10
ALIGN = 0x200


def padded(data, unit):
    return data + bytes(-len(data) % unit)


def version_block(key, value, value_len, is_text, children=b""):
    name = (key + "\0").encode("utf-16-le")
    body = padded(bytes(6) + name, 4)[6:]
    if value:
        body += padded(value, 4) if children else value
    body += children
    return struct.pack("<HHH", 6 + len(body), value_len, 1 if is_text else 0) + body


def version_resource(version, name):
    numbers = [int(n) for n in version.split(".")]
    high, low = numbers[0] << 16 | numbers[1], numbers[2] << 16 | numbers[3]
    fixed = struct.pack("<13I", 0xFEEF04BD, 0x10000, high, low, high, low, 0x3F, 0, 0x40004, 3, 7, 0, 0)
    strings = b""
    for key, text in (("CompanyName", "Test"), ("FileVersion", version), ("OriginalFilename", name)):
        value = (text + "\0").encode("utf-16-le")
        strings += padded(version_block(key, value, len(text) + 1, True), 4)
    table = version_block("040904B0", b"", 0, True, strings)
    info = version_block("StringFileInfo", b"", 0, True, table)
    return version_block("VS_VERSION_INFO", fixed, len(fixed), False, info)


def resource_section(address, version, name):
    """Three levels of directories: type 16 (version), name 1, language 0x409."""
    data = version_resource(version, name)

    def directory(ident, offset, leaf):
        return struct.pack("<IIHHHH", 0, 0, 0, 0, 0, 1) + struct.pack("<II", ident, offset | (0 if leaf else 1 << 31))

    tree = directory(16, 24, False) + directory(1, 48, False) + directory(0x409, 72, True)
    return tree + struct.pack("<IIII", address + 88, len(data), 0, 0) + data


def pe_file(arch, version, name, subsystem=NATIVE):
    machine = MACHINES[arch]
    is_64 = arch != "x86"
    code = padded(b"\xc3", ALIGN)
    resource = padded(resource_section(0x2000, version, name), ALIGN)
    headers_size = 0x400
    optional = struct.pack("<HBBIIIII", 0x20B if is_64 else 0x10B, 14, 0, len(code), len(resource), 0, 0x1000, 0x1000)
    if is_64:
        optional += struct.pack("<QII", 0x140000000, 0x1000, ALIGN)
    else:
        optional += struct.pack("<IIII", 0x2000, 0x400000, 0x1000, ALIGN)
    optional += struct.pack("<HHHHHHIIIIHH", 6, 0, 0, 0, 6, 0, 0, 0x3000, headers_size, 0, subsystem, 0)
    optional += struct.pack("<QQQQII" if is_64 else "<IIIIII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    directories = [(0, 0)] * 16
    directories[2] = (0x2000, len(resource))
    optional += b"".join(struct.pack("<II", *d) for d in directories)
    flags = 0x22 if is_64 else 0x102
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, 2, 0, 0, 0, len(optional), flags)

    def section(label, address, data, offset, kind):
        return struct.pack("<8sIIIIIIHHI", label, len(data), address, len(data), offset, 0, 0, 0, 0, kind)

    table = section(b".text", 0x1000, code, headers_size, 0x60000020)
    table += section(b".rsrc", 0x2000, resource, headers_size + len(code), 0x40000040)
    dos = b"MZ" + bytes(58) + struct.pack("<I", 0x80) + bytes(0x40)
    return padded(dos + coff + optional + table, headers_size) + code + resource
