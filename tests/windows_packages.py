# SPDX-License-Identifier: GPL-3.0-or-later
"""windows_packages.py OUT: a driver medium as those of virtio look, with drivers that do nothing and catalogues that some
key of ours signed. viostor is a boot driver, NetKVM is not, OUT-unsigned has no catalogue,
OUT-store runs from the driver store."""
import hashlib
import os
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "scripts", "windows-guest"))
sys.dont_write_bytecode = True
import pe  # noqa: E402

BLOCK = r"""; text of our own
[Version]
Signature = "$Windows NT$"
Class = SCSIAdapter
ClassGUID = {4D36E97B-E325-11CE-BFC1-08002BE10318}
Provider = %vendor%
DriverVer = 03/05/2024,VERSION
%CATALOG%CatalogFile = NAME.cat

[Manufacturer]
%vendor% = Models,DECORATION

[Models.DECORATION]
%Disk.DeviceDesc% = scsi_inst, PCI\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00, PCI\VEN_1AF4&DEV_1001
%Disk.DeviceDesc% = scsi_inst, PCI\VEN_1AF4&DEV_1042&SUBSYS_11001AF4&REV_01, PCI\VEN_1AF4&DEV_1042

[DestinationDirs]
Files = 12

[SourceDisksNames]
1 = %disk%,,,""

[SourceDisksFiles]
NAME.sys = 1

[Files]
NAME.sys,,,2

[scsi_inst]
CopyFiles = Files

[scsi_inst.HW]
AddReg = Interrupts

[scsi_inst.Services]
AddService = NAME, 0x00000002, Service

[Service]
DisplayName = %Disk.ServiceDesc%
ServiceType = 1
StartType = 0
ErrorControl = 1
ServiceBinary = %12%\NAME.sys
LoadOrderGroup = SCSI miniport
AddReg = Parameters

[Parameters]
HKR, "Parameters\PnpInterface", "5", 0x00010001, 1
HKR, "Parameters", "BusType", 0x00010001, 0x0000000A
HKR, "Parameters", "Label", 0x00020000, "%%SystemRoot%%\of ours"

[Interrupts]
HKR, "Interrupt Management",, 0x00000010
HKR, "Interrupt Management\MessageSignaledInterruptProperties", MSISupported, 0x00010001, 1

[Strings]
vendor = "Some Maker"
disk = "Some Disk"
Disk.DeviceDesc = "A Disk of Ours"
Disk.ServiceDesc = "Disk Service of Ours"
"""

NET = r"""[Version]
Signature = "$Windows NT$"
Class = Net
ClassGUID = {4D36E972-E325-11CE-BFC1-08002BE10318}
Provider = %vendor%
DriverVer = 03/05/2024,VERSION
CatalogFile = NAME.cat

[Manufacturer]
%vendor% = Models,DECORATION

[Models.DECORATION]
%Net.DeviceDesc% = net_inst, PCI\VEN_1AF4&DEV_1041&SUBSYS_11001AF4&REV_01, PCI\VEN_1AF4&DEV_1041

[DestinationDirs]
DefaultDestDir = 12

[SourceDisksNames]
1 = %vendor%,,,

[SourceDisksFiles]
NAME.sys = 1,bin

[net_inst]
Characteristics = 0x84
CopyFiles = Files

[Files]
NAME.sys

[net_inst.Services]
AddService = NAME, 2, Service

[Service]
ServiceType = 1
StartType = 3
ErrorControl = 1
ServiceBinary = %12%\NAME.sys

[Strings]
vendor = "Some Maker"
Net.DeviceDesc = "A Network Card of Ours"
"""

SYSTEMS = {"w7": ("6.1", "61.1.2.3"), "w8": ("6.2", "62.1.2.3"), "w10": ("10.0", "100.1.2.3")}


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **more).stdout


def der(tag, *parts):
    body = b"".join(parts)
    length = bytes([len(body)]) if len(body) < 128 else b"\x82" + struct.pack(">H", len(body))
    return bytes([tag]) + length + body


def oid(text):
    first, second, *rest = (int(n) for n in text.split("."))
    out = [first * 40 + second]
    for n in rest:
        septets = [n & 127]
        while n := n >> 7:
            septets.insert(0, n & 127 | 128)
        out += septets
    return der(6, bytes(out))


def elements(data):
    """Of a DER sequence's content, each whole."""
    while data:
        long = data[1] & 127 if data[1] & 128 else 0
        end = 2 + long + (int.from_bytes(data[2:2 + long], "big") if long else data[1])
        yield data[:end]
        data = data[end:]


def inside(element):
    return element[2 + (element[1] & 127 if element[1] & 128 else 0):]


NULL, SEQUENCE, SET, INTEGER, OCTETS = 5, 0x30, 0x31, 2, 4
SHA256 = der(SEQUENCE, oid("2.16.840.1.101.3.4.2.1"), der(NULL))
RSA = der(SEQUENCE, oid("1.2.840.113549.1.1.1"), der(NULL))


def member(path):
    """A file of a catalogue, by the digest of all its bytes."""
    with open(path, "rb") as f:
        digest = hashlib.sha256(f.read()).digest()
    link = der(SEQUENCE, oid("1.3.6.1.4.1.311.2.1.25"), der(SEQUENCE))
    indirect = der(SEQUENCE, link, der(SEQUENCE, SHA256, der(OCTETS, digest)))
    return der(SEQUENCE, der(OCTETS, digest), der(SET, der(SEQUENCE, oid("1.3.6.1.4.1.311.2.1.4"), der(SET, indirect))))


def catalog(out, files, key):
    """A certificate trust list in a PKCS #7 message (RFC 2315) that the key signed."""
    subjects = der(SEQUENCE, *(member(path) for path in files))
    body = der(SEQUENCE, oid("1.3.6.1.4.1.311.12.1.1")) + der(OCTETS, bytes(16)) + der(0x17, b"240305000000Z") + der(
        SEQUENCE, oid("1.3.6.1.4.1.311.12.1.3"), der(NULL)) + subjects
    certificate = run("openssl", "x509", "-in", f"{key}.crt", "-outform", "DER")
    fields = list(elements(inside(next(elements(inside(certificate))))))
    signature = run("openssl", "dgst", "-sha256", "-sign", f"{key}.key", input=body)
    signer = der(SEQUENCE, der(INTEGER, b"\1"), der(SEQUENCE, fields[3], fields[1]), SHA256, RSA, der(OCTETS, signature))
    content = der(SEQUENCE, oid("1.3.6.1.4.1.311.10.1"), der(0xA0, der(SEQUENCE, body)))
    signed = der(SEQUENCE, der(INTEGER, b"\1"), der(SET, SHA256), content, der(0xA0, certificate), der(SET, signer))
    with open(out, "wb") as f:
        f.write(der(SEQUENCE, oid("1.2.840.113549.1.7.2"), der(0xA0, signed)))


def package(folder, name, text, arch, decoration, version, key):
    os.makedirs(folder)
    text = text.replace("%CATALOG%", "" if key else "; ")
    for word, value in (("DECORATION", decoration), ("VERSION", version), ("NAME", name)):
        text = text.replace(word, value)
    with open(os.path.join(folder, f"{name}.inf"), "wb") as f:
        f.write(text.replace("\n", "\r\n").encode("ascii"))
    binary = os.path.join(folder, "bin" if "1,bin" in text else "", f"{name}.sys")
    os.makedirs(os.path.dirname(binary), exist_ok=True)
    with open(binary, "wb") as f:
        f.write(pe.pe_file(arch, version, f"{name}.sys"))
    if key:
        catalog(os.path.join(folder, f"{name}.cat"), (os.path.join(folder, f"{name}.inf"), binary), key)


def main():
    out = sys.argv[1]
    key = os.path.join(os.path.dirname(os.path.abspath(out)), "maker")
    if not os.path.exists(f"{key}.crt"):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "9", "-subj", "/CN=Some Maker", "-keyout", f"{key}.key",
            "-out", f"{key}.crt")
    for system, (minimum, version) in SYSTEMS.items():
        for arch in ("x86", "amd64"):
            # Each is only for its own Windows and later, as those of virtio-win are.
            decoration = f"NT{arch}.{minimum}"
            package(os.path.join(out, "viostor", system, arch), "viostor", BLOCK, arch, decoration, version, key)
            package(os.path.join(out, "NetKVM", system, arch), "netkvm", NET, arch, decoration, version, key)
    store = BLOCK.replace("Files = 12", "Files = 13").replace("%12%", "%13%")
    package(out + "-store", "blk", store, "amd64", "NTamd64.10.0...16299", "1.0.0.1", key)
    package(out + "-unsigned", "odd", BLOCK, "amd64", "NTamd64", "1.0.0.1", None)


main()
