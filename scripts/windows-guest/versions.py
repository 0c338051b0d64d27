# SPDX-License-Identifier: GPL-3.0-or-later
"""What each Windows is called, and what its registry holds on a machine that no hypervisor was thought of for."""
import struct

from registry import NONE, Typed, expand


class Version:
    def __init__(self, name, number, arch, firmware, product, edition, server=False, ubr=1, update=None):
        self.name, self.arch, self.firmware = name, arch, firmware
        self.major, self.minor, self.build = (int(n) for n in number.split("."))
        self.product, self.edition, self.server, self.ubr, self.update = product, edition, server, ubr, update
        self.root = "WINDOWS" if self.build < 6000 else "Windows"

    @property
    def file_version(self):
        return f"{self.major}.{self.minor}.{self.build}.{self.ubr}"

    @property
    def hyperv(self):
        """Whether this Windows brings Hyper-V's drivers."""
        return self.build >= 7600

    @property
    def database(self):
        """Whether devices are in a DriverDatabase and no more in a CriticalDeviceDatabase."""
        return self.build >= 9200


VERSIONS = {v.name: v for v in (
    Version("winxp", "5.1.2600", "x86", "bios", "Microsoft Windows XP", None),
    Version("win2k3", "5.2.3790", "x86", "bios", "Microsoft Windows Server 2003", None, server=True),
    Version("win2k8", "6.0.6002", "amd64", "bios", "Windows Server (R) 2008 Standard", "ServerStandard", server=True, ubr=18005),
    Version("win7-x86", "6.1.7601", "x86", "bios", "Windows 7 Professional", "Professional", ubr=17514),
    Version("win7", "6.1.7601", "amd64", "bios", "Windows 7 Professional", "Professional", ubr=17514),
    Version("win2k8r2", "6.1.7601", "amd64", "bios", "Windows Server 2008 R2 Standard", "ServerStandard", server=True,
            ubr=17514),
    Version("win8", "6.2.9200", "amd64", "uefi", "Windows 8 Pro", "Professional", ubr=16384),
    Version("win2k12", "6.2.9200", "amd64", "bios", "Windows Server 2012 Standard", "ServerStandard", server=True, ubr=16384),
    Version("win81", "6.3.9600", "amd64", "bios", "Windows 8.1 Pro", "Professional", ubr=16384),
    Version("win2k12r2", "6.3.9600", "amd64", "uefi", "Windows Server 2012 R2 Standard", "ServerStandard", server=True,
            ubr=16384),
    Version("win10", "10.0.19045", "amd64", "uefi", "Windows 10 Pro", "Professional", ubr=3803, update="22H2"),
    Version("win10-bios", "10.0.19045", "amd64", "bios", "Windows 10 Pro", "Professional", ubr=3803, update="22H2"),
    Version("win10-x86", "10.0.19045", "x86", "bios", "Windows 10 Pro", "Professional", ubr=3803, update="22H2"),
    Version("win2k16", "10.0.14393", "amd64", "uefi", "Windows Server 2016 Standard", "ServerStandard", server=True, ubr=693,
            update="1607"),
    Version("win2k19", "10.0.17763", "amd64", "uefi", "Windows Server 2019 Standard Evaluation", "ServerStandardEval",
            server=True, ubr=737, update="1809"),
    Version("win2k22", "10.0.20348", "amd64", "uefi", "Windows Server 2022 Standard", "ServerStandard", server=True, ubr=587,
            update="21H2"),
    Version("win11", "10.0.22631", "amd64", "uefi", "Windows 10 Pro", "Professional", ubr=2428, update="23H2"),
    Version("win2k25", "10.0.26100", "amd64", "uefi", "Windows Server 2025 Standard", "ServerStandard", server=True, ubr=1742,
            update="24H2"),
)}

SYSTEM_CLASS = "{4d36e97d-e325-11ce-bfc1-08002be10318}"
SCSI_CLASS = "{4d36e97b-e325-11ce-bfc1-08002be10318}"
HDC_CLASS = "{4d36e96a-e325-11ce-bfc1-08002be10318}"
DISK_CLASS = "{4d36e967-e325-11ce-bfc1-08002be10318}"
VOLUME_CLASS = "{71a27cdd-812a-11d0-bec7-08002be2092f}"
HID_CLASS = "{745a17a0-74d3-11d0-b6fe-00a0c90f57da}"

STORVSC = "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}"

# service: file, start by kernel (7, 8 and later), whether 8 and later hold it back, group, error control, INF
HYPERV = {
    "vmbus": ("vmbus.sys", (3, 0), True, "System Bus Extender", 1, "wvmbus.inf"),
    "storvsc": ("storvsc.sys", (3, 0), True, "Base", 1, "wstorvsc.inf"),
    "storflt": ("vmstorfl.sys", (0, 0), True, "Extended Base", 1, "wstorflt.inf"),
    "VMBusHID": ("VMBusHID.sys", (3, 3), False, "Extended Base", 0, "wvmbushid.inf"),
    "s3cap": ("vms3cap.sys", (3, 3), False, "Video", 1, "ws3cap.inf"),
    "netvsc": ("netvsc.sys", (None, 3), False, "Extended Base", 1, "wnetvsc.inf"),
    "hyperkbd": ("hyperkbd.sys", (None, 3), False, "Extended Base", 0, "whyperkbd.inf"),
    "HyperVideo": ("HyperVideo.sys", (None, 3), False, "Video", 0, "wvmbusvideo.inf"),
    "vpci": ("vpci.sys", (None, 3), False, "System Bus Extender", 1, "wvpci.inf"),
}
# what every Windows starts a disk with
DISK = {
    "intelide": ("intelide.sys", "System Bus Extender", "mshdc.inf"),
    "pciide": ("pciide.sys", "System Bus Extender", "mshdc.inf"),
    "atapi": ("atapi.sys", "SCSI miniport", "mshdc.inf"),
    "disk": ("disk.sys", "SCSI Class", "disk.inf"),
    "partmgr": ("partmgr.sys", "Boot Bus Extender", "partmgr.inf"),
    "mountmgr": ("mountmgr.sys", "System Bus Extender", None),
    "Ntfs": ("ntfs.sys", "Boot File System", None),
}
VISTA_DISK = {
    "volmgr": ("volmgr.sys", "System Bus Extender", "volmgr.inf"),
    "msahci": ("msahci.sys", "SCSI miniport", "mshdc.inf"),
}
LATER_DISK = {
    "volmgr": ("volmgr.sys", "System Bus Extender", "volmgr.inf"),
    "storahci": ("storahci.sys", "SCSI miniport", "mshdc.inf"),
    "stornvme": ("stornvme.sys", "SCSI miniport", "stornvme.inf"),
}
# files of other services, of which no key says anything
COMPANIONS = ("ataport.sys", "pciidex.sys", "storport.sys", "winhv.sys", "vmbkmcl.sys", "ndis.sys")

INBOX = {  # package: class, {id: (description, section, service)}
    "wvmbus.inf": (SYSTEM_CLASS, {"ACPI\\VMBus": ("VMBus_Device_Child.NT", "vmbus"),
                                  "VMBUS\\SUBCHANNEL": ("VMBus_Channel.NT", "")}),
    "wstorvsc.inf": (SCSI_CLASS, {f"VMBUS\\{STORVSC}": ("storvscDriveInstall", "storvsc")}),
    "mshdc.inf": (HDC_CLASS, {"PCI\\VEN_8086&DEV_7010": ("intelide_Inst", "intelide"),
                              "PCI\\VEN_8086&DEV_7111": ("intelide_Inst", "intelide"),
                              "PCI\\CC_0101": ("pciide_Inst", "pciide"),
                              "PCI\\CC_010601": ("msahci_Inst", "storahci"),
                              "Primary_IDE_Channel": ("atapi_Inst", "atapi"),
                              "Secondary_IDE_Channel": ("atapi_Inst", "atapi")}),
    "disk.inf": (DISK_CLASS, {"GenDisk": ("disk_install.NT", "disk")}),
}


def disk_services(version):
    extra = {} if version.build < 6000 else VISTA_DISK if not version.database else LATER_DISK
    return {**DISK, **extra}


def hyperv_services(version):
    if not version.hyperv:
        return {}
    column = 1 if version.database else 0
    rows = dict(HYPERV)
    if version.build < 10240:
        rows["netvsc"] = ("netvsc63.sys", *HYPERV["netvsc"][1:])
    return {name: (row[0], row[1][column], row[2] and version.database, *row[3:])
            for name, row in rows.items() if row[1][column] is not None}


def driver_files(version):
    names = [row[0] for row in disk_services(version).values()]
    names += [row[0] for row in hyperv_services(version).values()]
    return sorted({*names, *COMPANIONS})


def services(version):
    keys = {}
    for name, (file, group, inf) in disk_services(version).items():
        keys[name] = {"Type": 1, "Start": 0, "ErrorControl": 1, "Group": group,
                      "ImagePath": expand(f"System32\\drivers\\{file}")}
        if version.database and inf:
            keys[name]["Owners"] = [inf]
        if version.database and name in ("intelide", "pciide", "atapi"):
            keys[f"{name}\\StartOverride"] = {"0": 3}
    if version.build < 6000:
        keys["pciide"]["Start"] = 4
    for name, (file, start, held, group, error, inf) in hyperv_services(version).items():
        form = "System32\\drivers\\" if start == 0 else "\\SystemRoot\\System32\\drivers\\"
        keys[name] = {"Type": 1, "Start": start, "ErrorControl": error, "Group": group, "ImagePath": expand(form + file)}
        if version.database:
            keys[name]["Owners"] = [inf]
        if held:
            keys[f"{name}\\StartOverride"] = {"0": 3}
    if "storvsc" in keys and version.database:
        keys["storvsc\\Parameters"] = {"BusType": 0x0A}
    keys["partmgr\\Parameters"] = {"SanPolicy": 3 if version.server and version.build >= 6000 else 1}
    keys["Tcpip\\Parameters"] = {"Hostname": version.name.upper()}
    return keys


def critical_devices(version):
    rows = {"PCI#VEN_8086&DEV_7111": (HDC_CLASS, "intelide"), "Primary_IDE_Channel": (HDC_CLASS, "atapi"),
            "GenDisk": (DISK_CLASS, "disk")}
    if version.build >= 6000:
        rows.update({"PCI#VEN_8086&DEV_7010": (HDC_CLASS, "intelide"), "Secondary_IDE_Channel": (HDC_CLASS, "atapi"),
                     "PCI#CC_0101": (HDC_CLASS, "pciide"), "PCI#CC_010601": (HDC_CLASS, "msahci")})
    return {key: {"ClassGUID": guid.upper(), "Service": service} for key, (guid, service) in rows.items()}


def package_version(arch, guid, numbers):
    """The 48 bytes that a package's Version value has."""
    first, *rest = guid.strip("{}").split("-")
    binary = struct.pack("<IHH", int(first, 16), int(rest[0], 16), int(rest[1], 16)) + bytes.fromhex(rest[2] + rest[3])
    code = {"x86": 0, "amd64": 9, "arm64": 12}[arch]
    date = 127954944000000000  # 2006-06-21
    return struct.pack("<BBHI16sQ4HQ", 0xFF, 0xFF, code, 0, binary, date, *reversed(numbers), 0)


def driver_database(version):
    keys = {"": {"Version": 0x06030000 if version.build < 10000 else 0x0A000000, "Architecture": 9, "OemInfMap": b"\xe0\x00"},
            "DriverFiles": {}}
    numbers = [version.major, version.minor, version.build, version.ubr]
    for inf, (guid, devices) in INBOX.items():
        folder = f"{inf}_{version.arch}_{abs(hash_of(inf)):016x}"
        sections = sorted({section for section, _ in devices.values()})
        keys[f"DriverInfFiles\\{inf}"] = {"": [folder], "Active": folder, "Configurations": sections}
        package = f"DriverPackages\\{folder}"
        keys[package] = {"": inf, "Version": package_version(version.arch, guid, numbers), "Provider": "Microsoft",
                         "SignerScore": 0x0D000003, "StatusFlags": 0x12}
        keys[f"{package}\\Strings"] = {"stdmfg": "(Standard system devices)", "devicedesc": inf}
        keys.setdefault(f"DeviceIds\\{guid}", {})[inf] = Typed(NONE, b"")
        for ident, (section, service) in devices.items():
            keys[f"DeviceIds\\{ident}"] = {inf: b"\x01\xff\x00\x00"}
            keys[f"{package}\\Descriptors\\{ident}"] = {"Configuration": section, "Description": "%devicedesc%",
                                                         "Manufacturer": "%stdmfg%"}
            keys[f"{package}\\Configurations\\{section}"] = {"Service": service, "ConfigFlags": 0}
    return {f"DriverDatabase\\{key}".rstrip("\\"): values for key, values in keys.items()}


def hash_of(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


RDP_RULE = "v2.10|Action=Allow|Active=FALSE|Dir=In|Protocol=6|LPort=3389|App=System|Name=@FirewallAPI.dll,-28753|"


def control_set(version):
    arch = {"x86": "x86", "amd64": "AMD64", "arm64": "ARM64"}[version.arch]
    keys = {
        "Control\\ProductOptions": {"ProductType": "ServerNT" if version.server else "WinNT"},
        "Control\\Session Manager\\Environment": {"PROCESSOR_ARCHITECTURE": arch},
        "Control\\Session Manager\\Memory Management": {"PagingFiles": ["?:\\pagefile.sys"]},
        "Control\\Nls\\Language": {"InstallLanguage": "0409", "Default": "0409"},
        "Control\\ComputerName\\ComputerName": {"ComputerName": version.name.upper()},
        "Control\\TimeZoneInformation": {"Bias": 480, "TimeZoneKeyName": "Pacific Standard Time"},
        "Control\\Terminal Server": {"fDenyTSConnections": 1},
        "Control\\Terminal Server\\WinStations\\RDP-Tcp": {"UserAuthentication": 0, "PortNumber": 3389},
        "Control\\FileSystem": {"NtfsDisable8dot3NameCreation": 2, "DisableDeleteNotification": 0},
        f"Control\\Class\\{DISK_CLASS}": {"UpperFilters": ["partmgr"], "Class": "DiskDrive"},
        f"Control\\Class\\{VOLUME_CLASS}": {"Class": "Volume"},
        f"Control\\Class\\{HDC_CLASS}": {"Class": "hdc"},
        f"Control\\Class\\{SCSI_CLASS}": {"Class": "SCSIAdapter"},
        f"Control\\Class\\{SYSTEM_CLASS}": {"Class": "System"},
        f"Control\\Class\\{HID_CLASS}": {"Class": "HIDClass"},
        "Control\\CriticalDeviceDatabase": {},
        "Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules": {"RemoteDesktop-In-TCP": RDP_RULE},
    }
    if not version.database:
        keys.update({f"Control\\CriticalDeviceDatabase\\{k}": v for k, v in critical_devices(version).items()})
    keys.update({f"Services\\{k}": v for k, v in services(version).items()})
    return keys


def system_hive(version, mounted):
    sets = ("ControlSet001",) if version.database else ("ControlSet001", "ControlSet002")
    keys = {"Select": {"Current": 1, "Default": 1, "Failed": 0, "LastKnownGood": len(sets)},
            "MountedDevices": {"\\DosDevices\\C:": mounted},
            "Setup": {"SystemSetupInProgress": 0, "SetupType": 0, "OOBEInProgress": 0, "CmdLine": ""}}
    for name in sets:
        keys.update({f"{name}\\{k}": v for k, v in control_set(version).items()})
    if version.database:
        keys.update(driver_database(version))
        keys["HardwareConfig"] = {"LastConfig": "{4d56474e-0000-4000-8000-000000000001}", "LastId": 0}
        keys["HardwareConfig\\{4d56474e-0000-4000-8000-000000000001}"] = {"Id": 0, "BootDriverFlags": 0x1C}
    return keys


def software_hive(version, generalized):
    current = {"ProductName": version.product, "CurrentBuildNumber": str(version.build), "SystemRoot": "C:\\" + version.root,
               "CurrentVersion": "6.3" if version.major == 10 else f"{version.major}.{version.minor}"}
    if version.major == 10:
        current.update({"CurrentMajorVersionNumber": 10, "CurrentMinorVersionNumber": 0, "UBR": version.ubr})
    if version.update:
        current.update({"ReleaseId": "2009" if version.build > 19041 else version.update, "DisplayVersion": version.update})
    if version.edition:
        current.update({"EditionID": version.edition, "InstallationType": "Server" if version.server else "Client"})
    state = "IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE" if generalized else "IMAGE_STATE_COMPLETE"
    keys = {"Microsoft\\Windows NT\\CurrentVersion": current,
            "Microsoft\\Windows\\CurrentVersion": {"DevicePath": expand("%SystemRoot%\\inf"), "ProgramFilesDir": "C:\\Program Files"},
            "Microsoft\\Windows\\CurrentVersion\\RunOnce": {}}
    if version.build >= 6000:
        keys["Microsoft\\Windows\\CurrentVersion\\Setup\\State"] = {"ImageState": state}
    return keys
