# SPDX-License-Identifier: GPL-3.0-or-later
"""driver_tree.py FOLDER [LINE...]: driver packages as media have them.  Standard input has a line for each:
PATH/NAME.inf DECORATION MACHINE VERSION DEVICE [signed], and beside the INF comes NAME.sys, for that PE machine."""
import os
import struct
import sys

INF = """[Version]
Signature = "$Windows NT$"
Class = SCSIAdapter
ClassGUID = {{4D36E97B-E325-11CE-BFC1-08002BE10318}}
Provider = %maker%
DriverVer = {version}
CatalogFile = {name}.cat
[SourceDisksNames]
1 = "Disk"
[SourceDisksFiles]
{name}.sys = 1
[DestinationDirs]
DefaultDestDir = 12
[Manufacturer]
%maker% = Models, {decoration}
[Models.{decoration}]
%device% = Inst, {device}
[Inst]
CopyFiles = @{name}.sys
[Inst.Services]
AddService = {name}, 2, Service
[Service]
ServiceType = 1
StartType = 0
ErrorControl = 1
ServiceBinary = %12%\\{name}.sys
[Strings]
maker = "Maker"
device = "Device"
"""


def image(machine, signed, text):
    """A PE32+ image of one section, without code; `signed` gives it a certificate table, of no signature."""
    optional = bytearray(112 + 16 * 8)
    struct.pack_into("<H", optional, 0, 0x20B)
    struct.pack_into("<II", optional, 32, 4096, 512)
    struct.pack_into("<II", optional, 56, 8192, 512)
    struct.pack_into("<H", optional, 68, 1)
    struct.pack_into("<I", optional, 108, 16)
    if signed:
        struct.pack_into("<II", optional, 112 + 4 * 8, 1024, 16)
    head = bytearray(b"MZ" + bytes(62))
    struct.pack_into("<I", head, 60, 64)
    head += b"PE\0\0" + struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x22) + optional
    head += b".text\0\0\0" + struct.pack("<IIIIIIHHI", 512, 4096, 512, 512, 0, 0, 0, 0, 0x60000020)
    out = head.ljust(512, b"\0") + text.encode().ljust(512, b"\0")
    return out + (struct.pack("<IHH", 16, 0x200, 2) + bytes(8) if signed else b"")


for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    path, decoration, machine, version, device = words[:5]
    path = os.path.join(sys.argv[1], path)
    name = os.path.splitext(os.path.basename(path))[0]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="\r\n") as f:
        f.write(INF.format(name=name, decoration=decoration, version=version, device=device))
    with open(path[:-4] + ".sys", "wb") as f:
        f.write(image(int(machine, 0), "signed" in words[5:], line))
