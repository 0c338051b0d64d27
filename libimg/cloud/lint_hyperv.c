/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What compute-hyperv asks of an image's properties before it starts an instance (vmops.py). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/lint_private.h"

static const char gen1[] = "hyperv-gen1", gen2[] = "hyperv-gen2";

static bool wants(const struct lint *l, const char *name)
{
	return lint_is(l, name, "required") || lint_is(l, name, "optional");
}

static bool is_windows(const struct lint *l)
{
	const char *os = lint_text(l, "os_type");

	return os && !strcasecmp(os, "windows");
}

static int check_generation(struct lint *l, struct error *e)
{
	const char *machine = lint_text(l, "hw_machine_type");

	if (!machine && lint_is(l, "hw_firmware_type", "uefi"))
		return lint_note(l, SEVERITY_ERROR, "hyperv-generation-missing",
			"set hw_machine_type=hyperv-gen2", e,
			"without hw_machine_type it is started as generation 1, whose BIOS does "
			"not start a UEFI disk");
	if (!machine)
		return lint_note(l, SEVERITY_WARNING, "hyperv-generation-missing",
			"set hw_machine_type=hyperv-gen1, or hyperv-gen2", e,
			"without hw_machine_type it is started as generation 1");
	if (strcmp(machine, gen1) != 0 && strcmp(machine, gen2) != 0)
		return lint_note(l, SEVERITY_ERROR, "hyperv-machine-type",
			"set hw_machine_type=hyperv-gen1, or hyperv-gen2", e,
			"hw_machine_type=%.64s: Hyper-V has none of that name", machine);
	if (lint_is(l, "hw_firmware_type", strcmp(machine, gen2) ? "uefi" : "bios"))
		return lint_note(l, SEVERITY_ERROR, "hyperv-firmware",
			"generation 1 has a BIOS, generation 2 UEFI: make the two agree", e,
			"hw_firmware_type=%s does not fit hw_machine_type=%s",
			lint_text(l, "hw_firmware_type"), machine);
	return 0;
}

static int check_disk(struct lint *l, struct error *e)
{
	const char *format = lint_text(l, "disk_format");
	int rc = 0;

	if (lint_is(l, "hw_machine_type", gen2) && lint_is(l, "disk_format", "vhd"))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-gen2-vhd", "convert the image to VHDX", e,
			"generation 2 has no VHD disks");
	if (!rc && format && !value_listed("vhd|vhdx|iso", format, false))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-disk-format", "convert the image to VHDX",
			e,
			"disk_format %.64s: compute-hyperv takes vhd, vhdx and iso, and converts "
			"nothing",
			format);
	return rc;
}

static int check_secure_boot(struct lint *l, struct error *e)
{
	bool required = lint_is(l, "os_secure_boot", "required");
	enum severity severity = required ? SEVERITY_ERROR : SEVERITY_WARNING;
	const char *version = lint_text(l, "hypervisor_version_requires");
	int rc = 0;

	if (!wants(l, "os_secure_boot"))
		return 0;
	if (!lint_is(l, "hw_machine_type", gen2))
		rc = lint_note(l, severity, "hyperv-secure-boot-generation",
			"leave os_secure_boot out, or set hw_machine_type=hyperv-gen2", e,
			"only generation 2 has Secure Boot");
	if (!rc && !lint_text(l, "os_type"))
		rc = lint_note(l, severity, "hyperv-secure-boot-os-type",
			"set os_type=linux or os_type=windows", e,
			"with Secure Boot compute-hyperv needs os_type, to choose the template");
	if (!rc && required && lint_text(l, "os_type") && !is_windows(l) &&
		(!version || !strstr(version, "10.")))
		rc = lint_note(l, SEVERITY_WARNING, "hyperv-secure-boot-version",
			"set hypervisor_version_requires=>=10.0", e,
			"hosts before Windows Server 2016 have no Secure Boot template for Linux");
	if (!rc && json_object_get(l->body, "os_secure_boot_signature"))
		rc = lint_note(l, SEVERITY_WARNING, "hyperv-secure-boot-signature",
			"leave it out, and set os_type", e,
			"os_secure_boot_signature: compute-hyperv does not read it");
	return rc;
}

static int check_vtpm(struct lint *l, struct error *e)
{
	bool shielded = lint_is(l, "os_shielded_vm", "required");
	const char *what = shielded ? "a shielded VM" : "a virtual TPM";
	int rc = 0;

	if (!shielded && !lint_is(l, "os_vtpm", "required"))
		return 0;
	if (!lint_is(l, "hw_machine_type", gen2))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-vtpm-generation",
			"set hw_machine_type=hyperv-gen2", e, "only generation 2 can be %s",
			shielded ? "shielded" : "given a TPM");
	if (!rc && !is_windows(l))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-vtpm-os-type", "set os_type=windows", e,
			"%s needs os_type=windows", what);
	if (!rc && !lint_is(l, "os_secure_boot", "required"))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-vtpm-secure-boot",
			"set os_secure_boot=required", e, "%s needs Secure Boot", what);
	if (!rc && shielded && !lint_text(l, "img_pdk_reference"))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-vtpm-pdk",
			"set img_pdk_reference to the Barbican container of the data file", e,
			"a shielded VM needs img_pdk_reference");
	if (!rc && shielded && !lint_is(l, "os_vtpm", "required"))
		rc = lint_note(l, SEVERITY_ERROR, "hyperv-shielded-vtpm", "set os_vtpm=required", e,
			"a shielded VM needs os_vtpm=required");
	return rc;
}

static int check_mode(struct lint *l, struct error *e)
{
	const char *mode = lint_text(l, "vm_mode");

	if (!mode || !strcasecmp(mode, "hvm"))
		return 0;
	return lint_note(l, SEVERITY_ERROR, "hyperv-vm-mode", "set vm_mode=hvm", e,
		"vm_mode=%.64s: no Hyper-V host offers it", mode);
}

/* What only Hyper-V has, on an image for another hypervisor. */
static int check_stray(struct lint *l, struct error *e)
{
	const char *machine = lint_text(l, "hw_machine_type");

	if (!machine || strncmp(machine, "hyperv-", 7) != 0)
		return 0;
	return lint_note(l, SEVERITY_ERROR, "hypervisor-conflict",
		"set hypervisor_type=hyperv, or another hw_machine_type", e,
		"hw_machine_type=%.64s with hypervisor_type=%.64s", machine,
		lint_text(l, "hypervisor_type"));
}

int lint_hyperv(struct lint *l, struct error *e)
{
	static int (*const part[])(struct lint *, struct error *) = { check_generation, check_disk,
		check_secure_boot, check_vtpm, check_mode };
	int rc = 0;

	if (!lint_for_hyperv(l))
		return lint_text(l, "hypervisor_type") ? check_stray(l, e) : 0;
	for (size_t i = 0; !rc && i < sizeof(part) / sizeof(*part); i++)
		rc = part[i](l, e);
	return rc;
}
