# SPDX-License-Identifier: GPL-3.0-or-later
"""A boot configuration store: the boot manager and one loader, for a partition of the disk."""
import struct
import uuid

BOOTMGR = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
LOADER = "{11111111-2222-3333-4444-555555555555}"
EMS = "{0ce4991b-e6b3-4b16-b23c-5e0d9250e5d9}"


def guid_bytes(text):
    return uuid.UUID(text).bytes_le


def gpt_device(partition, disk):
    head = bytes(16) + struct.pack("<IIII", 6, 0, 0x48, 0)
    return head + guid_bytes(partition) + struct.pack("<II", 0, 0) + guid_bytes(disk) + bytes(16)


def mbr_device(offset, signature):
    head = bytes(16) + struct.pack("<IIII", 6, 0, 0x48, 0)
    return head + struct.pack("<QQIII", offset, 0, 0, 1, signature) + bytes(12) + bytes(16)


def store(uefi, system_device, windows_device, root):
    loader = "winload.efi" if uefi else "winload.exe"
    objects = {
        BOOTMGR: (0x10100002, {"11000001": system_device, "12000004": "Windows Boot Manager", "23000003": LOADER,
                               "24000001": [LOADER], "25000004": struct.pack("<Q", 30),
                               **({"12000002": "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"} if uefi else {})}),
        LOADER: (0x10200003, {"11000001": windows_device, "12000002": f"\\{root}\\system32\\{loader}",
                              "12000004": "Windows", "21000001": windows_device, "22000002": f"\\{root}"}),
        EMS: (0x20100000, {"16000020": b"\0"}),
    }
    keys = {"Description": {"KeyName": "BCD00000001" if uefi else "BCD00000000", "System": 1, "TreatAsSystem": 1},
            "Objects": {}}
    for guid, (kind, elements) in objects.items():
        keys[f"Objects\\{guid}\\Description"] = {"Type": kind}
        for ident, value in elements.items():
            keys[f"Objects\\{guid}\\Elements\\{ident}"] = {"Element": value}
    return keys
