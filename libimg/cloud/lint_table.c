/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Image properties that Nova (nova/objects/image_meta.py and fields.py), compute-hyperv and
 * Glance's metadata definitions know, with the values that Nova's objects take.  All are texts in
 * Glance.
 */
#include <string.h>

#include "cloud/lint_private.h"

#define BUS "fdc|ide|sata|scsi|usb|virtio|xen|lxc|uml"
#define HYPERVISORS                                                                                \
	"baremetal|bhyve|docker|fake|hyperv|ironic|kqemu|kvm|lxc|lxd|openvz|parallels|vz|phyp|"    \
	"powervm|qemu|test|uml|vbox|vmware|xen|zvm|prsm"
#define MODES "hvm|xen|uml|exe"
#define ARCHITECTURES                                                                              \
	"aarch64|alpha|armv6|armv7|armv7b|cris|i686|ia64|lm32|loongarch64|m68k|microblaze|"        \
	"microblazeel|mips|mipsel|mips64|mips64el|openrisc|parisc|parisc64|ppc|ppcle|ppc64|"       \
	"ppc64le|ppcemb|riscv64|s390|s390x|sh4|sh4eb|sparc|sparc64|unicore32|x86_64|xtensa|"       \
	"xtensaeb|amd64|i386|i486|i586"
#define DEMAND "required|optional|disabled"

const struct known_property known_properties[] = {
	{ "architecture", PROPERTY_FOLDED, ARCHITECTURES },
	{ "auto_disk_config", PROPERTY_BOOLEAN, NULL },
	{ "bdm_v2", PROPERTY_BOOLEAN, NULL },
	{ "block_device_mapping", PROPERTY_TEXT, NULL },
	{ "cinder_encryption_key_deletion_policy", PROPERTY_WORD,
		"on_image_deletion|do_not_delete" },
	{ "cinder_encryption_key_id", PROPERTY_UUID, NULL },
	{ "cinder_img_volume_type", PROPERTY_TEXT, NULL },
	{ "description", PROPERTY_TEXT, NULL },
	{ "hw_architecture", PROPERTY_FOLDED, ARCHITECTURES },
	{ "hw_auto_disk_config", PROPERTY_BOOLEAN, NULL },
	{ "hw_boot_menu", PROPERTY_BOOLEAN, NULL },
	{ "hw_cdrom_bus", PROPERTY_WORD, BUS },
	{ "hw_cpu_cores", PROPERTY_NUMBER, NULL },
	{ "hw_cpu_features", PROPERTY_TEXT, NULL },
	{ "hw_cpu_max_cores", PROPERTY_NUMBER, NULL },
	{ "hw_cpu_max_sockets", PROPERTY_NUMBER, NULL },
	{ "hw_cpu_max_threads", PROPERTY_NUMBER, NULL },
	{ "hw_cpu_mode", PROPERTY_WORD, "none|host-model|host-passthrough|custom" },
	{ "hw_cpu_policy", PROPERTY_WORD, "shared|dedicated|mixed" },
	{ "hw_cpu_realtime_mask", PROPERTY_TEXT, NULL },
	{ "hw_cpu_sockets", PROPERTY_NUMBER, NULL },
	{ "hw_cpu_thread_policy", PROPERTY_WORD, "prefer|isolate|require" },
	{ "hw_cpu_threads", PROPERTY_NUMBER, NULL },
	{ "hw_disk_bus", PROPERTY_WORD, BUS },
	{ "hw_disk_type", PROPERTY_TEXT, NULL },
	{ "hw_emulation_architecture", PROPERTY_FOLDED, ARCHITECTURES },
	{ "hw_emulator_threads_policy", PROPERTY_WORD, "isolate|share" },
	{ "hw_ephemeral_encryption", PROPERTY_BOOLEAN, NULL },
	{ "hw_ephemeral_encryption_format", PROPERTY_WORD, "luks" },
	{ "hw_firmware_stateless", PROPERTY_BOOLEAN, NULL },
	{ "hw_firmware_type", PROPERTY_WORD, "uefi|bios" },
	{ "hw_floppy_bus", PROPERTY_WORD, BUS },
	{ "hw_input_bus", PROPERTY_WORD, "usb|virtio" },
	{ "hw_ipxe_boot", PROPERTY_BOOLEAN, NULL },
	{ "hw_locked_memory", PROPERTY_BOOLEAN, NULL },
	{ "hw_machine_type", PROPERTY_TEXT, NULL },
	{ "hw_maxphysaddr_bits", PROPERTY_NUMBER, NULL },
	{ "hw_maxphysaddr_mode", PROPERTY_WORD, "emulate|passthrough" },
	{ "hw_mem_encryption", PROPERTY_BOOLEAN, NULL },
	{ "hw_mem_encryption_model", PROPERTY_WORD, "amd-sev|amd-sev-es|amd-sev-snp" },
	{ "hw_mem_page_size", PROPERTY_TEXT, NULL },
	{ "hw_numa_nodes", PROPERTY_NUMBER, NULL },
	{ "hw_pci_numa_affinity_policy", PROPERTY_WORD, "required|preferred|legacy|socket" },
	{ "hw_pmu", PROPERTY_BOOLEAN, NULL },
	{ "hw_pointer_model", PROPERTY_WORD, "usbtablet" },
	{ "hw_qemu_guest_agent", PROPERTY_BOOLEAN, NULL },
	{ "hw_rescue_bus", PROPERTY_WORD, BUS },
	{ "hw_rescue_device", PROPERTY_WORD, "disk|floppy|cdrom" },
	{ "hw_rng_model", PROPERTY_WORD, "virtio" },
	{ "hw_scsi_model", PROPERTY_WORD,
		"buslogic|ibmvscsi|lsilogic|lsisas1068|lsisas1078|virtio-scsi|vmpvscsi" },
	{ "hw_serial_port_count", PROPERTY_NUMBER, NULL },
	{ "hw_sound_model", PROPERTY_WORD, "sb16|es1370|pcspk|ac97|ich6|ich9|usb-audio|virtio" },
	{ "hw_time_hpet", PROPERTY_BOOLEAN, NULL },
	{ "hw_tpm_model", PROPERTY_WORD, "tpm-tis|tpm-crb" },
	{ "hw_tpm_version", PROPERTY_WORD, "1.2|2.0" },
	{ "hw_video_model", PROPERTY_WORD, "vga|cirrus|vmvga|xen|qxl|virtio|gop|none|bochs" },
	{ "hw_video_ram", PROPERTY_NUMBER, NULL },
	{ "hw_vif_model", PROPERTY_WORD,
		"e1000|e1000e|igb|lan9118|ne2k_pci|netfront|pcnet|rtl8139|spapr-vlan|virtio|"
		"vmxnet3|VirtualE1000|VirtualE1000e|VirtualPCNet32|VirtualSriovEthernetCard|"
		"VirtualVmxnet|VirtualVmxnet3" },
	{ "hw_vif_multiqueue_enabled", PROPERTY_BOOLEAN, NULL },
	{ "hw_viommu_model", PROPERTY_WORD, "intel|smmuv3|virtio|auto" },
	{ "hw_virtio_packed_ring", PROPERTY_BOOLEAN, NULL },
	{ "hw_vm_mode", PROPERTY_FOLDED, MODES },
	{ "hw_watchdog_action", PROPERTY_WORD, "none|pause|poweroff|reset|disabled" },
	{ "hypervisor_type", PROPERTY_FOLDED, HYPERVISORS },
	{ "hypervisor_version_requires", PROPERTY_TEXT, NULL },
	{ "img_cache_in_nova", PROPERTY_BOOLEAN, NULL },
	{ "img_compression_level", PROPERTY_NUMBER, NULL },
	{ "img_config_drive", PROPERTY_WORD, "optional|mandatory" },
	{ "img_hide_hypervisor_id", PROPERTY_BOOLEAN, NULL },
	{ "img_hv_requested_version", PROPERTY_TEXT, NULL },
	{ "img_hv_type", PROPERTY_FOLDED, HYPERVISORS },
	{ "img_linked_clone", PROPERTY_BOOLEAN, NULL },
	{ "img_owner_id", PROPERTY_TEXT, NULL },
	{ "img_pdk_reference", PROPERTY_TEXT, NULL },
	{ "img_root_device_name", PROPERTY_TEXT, NULL },
	{ "img_signature", PROPERTY_TEXT, NULL },
	{ "img_signature_certificate_uuid", PROPERTY_UUID, NULL },
	{ "img_signature_hash_method", PROPERTY_WORD, "SHA-224|SHA-256|SHA-384|SHA-512" },
	{ "img_signature_key_type", PROPERTY_WORD,
		"RSA-PSS|DSA|ECC_SECT571K1|ECC_SECT409K1|ECC_SECT571R1|ECC_SECT409R1|"
		"ECC_SECP521R1|ECC_SECP384R1" },
	{ "img_use_agent", PROPERTY_BOOLEAN, NULL },
	{ "img_version", PROPERTY_NUMBER, NULL },
	{ "instance_uuid", PROPERTY_UUID, NULL },
	{ "interactive_serial_port", PROPERTY_WORD, "1|2" },
	{ "kernel_id", PROPERTY_UUID, NULL },
	{ "logging_serial_port", PROPERTY_WORD, "1|2" },
	{ "os_admin_user", PROPERTY_TEXT, NULL },
	{ "os_command_line", PROPERTY_TEXT, NULL },
	{ "os_distro", PROPERTY_TEXT, NULL },
	{ "os_require_quiesce", PROPERTY_BOOLEAN, NULL },
	{ "os_secure_boot", PROPERTY_WORD, DEMAND },
	{ "os_shielded_vm", PROPERTY_WORD, DEMAND },
	{ "os_shutdown_timeout", PROPERTY_NUMBER, NULL },
	{ "os_skip_agent_inject_files_at_boot", PROPERTY_BOOLEAN, NULL },
	{ "os_skip_agent_inject_ssh", PROPERTY_BOOLEAN, NULL },
	{ "os_type", PROPERTY_FOLDED, "linux|windows" },
	{ "os_version", PROPERTY_TEXT, NULL },
	{ "os_vtpm", PROPERTY_WORD, DEMAND },
	{ "ramdisk_id", PROPERTY_UUID, NULL },
	{ "root_device_name", PROPERTY_TEXT, NULL },
	{ "vm_mode", PROPERTY_FOLDED, MODES },
	{ "vmware_adaptertype", PROPERTY_WORD, "lsiLogic|lsiLogicsas|paraVirtual|busLogic|ide" },
	{ "vmware_disktype", PROPERTY_WORD, "streamOptimized|sparse|preallocated" },
	{ "vmware_ostype", PROPERTY_TEXT, NULL },
	{ NULL, PROPERTY_TEXT, NULL },
};

const struct known_property *property_by_name(const char *name)
{
	for (const struct known_property *p = known_properties; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}
