# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk: a partition table, NTFS and FAT volumes filled without mounting anything."""
import os
import struct
import subprocess

from registry import descriptor

SECTOR = 512
DISK_GUID = "6d1f36ba-3c52-4d0c-9a58-1f0e52a9d001"
SYSTEM_GUID = "6d1f36ba-3c52-4d0c-9a58-1f0e52a9d002"
WINDOWS_GUID = "6d1f36ba-3c52-4d0c-9a58-1f0e52a9d003"
SIGNATURE = 0x34333231  # "1234"
MIB = 1 << 20


def run(*command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise SystemExit(f"make-windows-guest: {' '.join(command)}: {done.stdout}")


class Layout:
    """Where the partitions are, in bytes: the system partition's and that of Windows."""

    def __init__(self, uefi, windows_mib):
        self.uefi = uefi
        self.system = (1 * MIB, 64 * MIB)
        self.windows = (self.system[0] + self.system[1] + 16 * MIB, windows_mib * MIB)
        self.size = self.windows[0] + self.windows[1] + MIB

    def write_table(self, disk):
        def row(part, kind, more=""):
            return f"start={part[0] // SECTOR}, size={part[1] // SECTOR}, type={kind}{more}\n"

        if self.uefi:
            table = f"label: gpt\nlabel-id: {DISK_GUID}\n"
            table += row(self.system, "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", f", uuid={SYSTEM_GUID}")
            table += row((self.system[0] + self.system[1], 16 * MIB), "E3C9E316-0B5C-4DB8-817D-F92DF00215AE")
            table += row(self.windows, "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", f", uuid={WINDOWS_GUID}")
        else:
            table = f"label: dos\nlabel-id: 0x{SIGNATURE:08x}\n" + row(self.system, "7", ", bootable") + row(self.windows, "7")
        run("sfdisk", "-q", disk, input=table)
        if not self.uefi:
            with open(disk, "r+b") as f:  # any code will do: nothing runs it
                f.write(b"\xfa\x33\xc0\x8e\xd0\xbc\x00\x7c")


def security_backup(folder, prefix=""):
    """What `ntfssecaudit -s` sets: SYSTEM and Administrators all rights, Users reading, inherited below."""
    names = [(path, True) for path, _, _ in os.walk(folder)]
    names += [(os.path.join(path, name), False) for path, _, files in os.walk(folder) for name in files]
    text = ""
    for path, is_folder in sorted(names):
        name = prefix + path[len(folder):]
        sd = descriptor(is_folder, 0x1F01FF, 0x1200A9)
        sd += bytes(-len(sd) % 4)
        words = [sd[i:i + 4].hex() for i in range(0, len(sd), 4)]
        text += f"{'Directory' if is_folder else 'File'} {name or '/'}\nSecurity key : none\n"
        for i in range(0, len(words), 4):
            text += f"        {i * 4:06x}  {' '.join(words[i:i + 4])}\n"
        text += f"Windows attrib : 0x{0x10 if is_folder else 0x20:x}\n#\n"
    return text


def ntfs_volume(path, part, folder, label):
    with open(path, "wb") as f:
        f.truncate(part[1])
    run("mkntfs", "-q", "-Q", "-F", "-s", "512", "-c", "4096", "-p", str(part[0] // SECTOR), "-H", "255", "-S", "63", "-L",
        label, path)
    # nothing writes to a volume with this file
    sleeping = os.path.join(folder, "hiberfil.sys")
    if os.path.exists(sleeping):
        os.rename(sleeping, f"{path}.hiberfil")
    # without a list of its own, pagefile.sys and others would be left out
    run("wimlib-imagex", "capture", folder, f"{path}.wim", "--compress=none", "--quiet", "--config=/dev/null")
    run("wimlib-imagex", "apply", f"{path}.wim", "1", path, "--quiet")
    os.unlink(f"{path}.wim")
    with open(f"{path}.acl", "w", encoding="ascii") as f:
        f.write(security_backup(folder))
    run("ntfssecaudit", "-se", path, f"{path}.acl")
    os.unlink(f"{path}.acl")
    if os.path.exists(f"{path}.hiberfil"):
        run("ntfscp", "-q", path, f"{path}.hiberfil", "hiberfil.sys")
        os.unlink(f"{path}.hiberfil")


def fat_volume(path, part, folder):
    with open(path, "wb") as f:
        f.truncate(part[1])
    run("mformat", "-i", path, "-F", "-h", "255", "-s", "63", "-H", str(part[0] // SECTOR), "-T", str(part[1] // SECTOR),
        "-N", "5eed12f1", "::")
    for name in sorted(os.listdir(folder)):
        run("mcopy", "-i", path, "-s", "-m", os.path.join(folder, name), "::/")


def copy_into(disk, part, path):
    run("dd", f"if={path}", f"of={disk}", f"seek={part[0] // MIB}", "bs=1M", "conv=notrunc,sparse", "status=none")
    os.unlink(path)


def mounted_device(layout):
    """What MountedDevices says of drive C."""
    if layout.uefi:
        import uuid
        return b"DMIO:ID:" + uuid.UUID(WINDOWS_GUID).bytes_le
    return struct.pack("<IQ", SIGNATURE, layout.windows[0])
