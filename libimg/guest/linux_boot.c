/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_boot.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_boot_private.h"

static int title_find(struct booting *b, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(b->root, "/etc/os-release", &text, &exists, e);

	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "PRETTY_NAME", &b->title, e);
	buffer_free(&text);
	if (!rc && !b->title)
		b->title = strdup("Linux");
	if (!rc && !b->title)
		rc = error_nomem(e, "a title");
	/* It stands between single quotes. */
	for (char *c = rc ? NULL : b->title; c && *c; c++)
		if (*c == '\'' || (unsigned char)*c < ' ')
			*c = ' ';
	return rc;
}

static int system_check(struct booting *b, struct error *e)
{
	int rc = linux_machine(b->root, &b->arch, e);

	if (rc)
		return rc;
	if (!b->arch)
		return error_set(e, ERR_NOTREADY,
			"there is no Linux system in it: neither /bin/sh nor another program that "
			"would tell its processor");
	if (!tree_is(b->root, "/sbin/init", S_IFREG))
		return error_set(e, ERR_NOTREADY,
			"the guest has no /sbin/init: it needs a package with one, systemd-sysv "
			"(Debian, Ubuntu) or systemd (others)");
	if (strcmp(b->arch, "x86_64") != 0 && strcmp(b->arch, "aarch64") != 0)
		return error_set(e, ERR_UNSUPPORTED,
			"the guest is for %s: disks are made for x86_64 and aarch64", b->arch);
	return 0;
}

/* Distributions that call its programs grub2-... have its folder called so, too. */
static void grub_find(struct booting *b)
{
	static const char *const programs[] = { "/usr/sbin/grub2-mkconfig",
		"/usr/bin/grub2-mkimage", "/usr/bin/grub2-editenv" };

	b->grub = "/boot/grub";
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (tree_is(b->root, programs[i], 0))
			b->grub = "/boot/grub2";
}

static int loaders_judge(struct booting *b, bool bios, bool uefi, struct error *e)
{
	const bool arm = !strcmp(b->arch, "aarch64");

	if (!bios && !uefi && arm)
		return error_set(e, ERR_NOTREADY,
			"the guest has no boot loader: it needs grub-efi-arm64-signed and "
			"shim-signed, or systemd-boot-efi");
	if (!bios && !uefi)
		return error_set(e, ERR_NOTREADY,
			"the guest has no boot loader: it needs grub-pc-bin for BIOS, "
			"grub-efi-amd64-signed and shim-signed for UEFI (Debian, Ubuntu), or "
			"grub2-pc-modules, grub2-efi-x64 and shim-x64 (Fedora and its like)");
	if (!bios && !arm)
		return booting_note(b, SEVERITY_WARNING, "boot-uefi-only",
			"install grub-pc-bin in the guest", e,
			"the disk starts by UEFI only: the guest has no GRUB for BIOS");
	if (!uefi)
		return booting_note(b, SEVERITY_WARNING, "boot-bios-only",
			"install grub-efi-amd64-signed and shim-signed in the guest", e,
			"the disk starts by BIOS only: the guest has no loader for UEFI");
	return 0;
}

static int loaders_install(struct booting *b, struct error *e)
{
	bool bios = false, uefi = false;
	int rc = booting_bios(b, &bios, e);

	if (!rc)
		rc = booting_uefi(b, &uefi, e);
	if (!rc && !uefi)
		rc = booting_systemd(b, &uefi, e);
	if (!rc)
		rc = loaders_judge(b, bios, uefi, e);
	return rc || !b->menu ? rc : booting_menu_write(b, e);
}

static int install(struct booting *b, struct error *e)
{
	int rc = system_check(b, e);

	if (!rc)
		rc = title_find(b, e);
	if (!rc)
		rc = booting_kernels_find(b, e);
	if (!rc)
		rc = booting_arguments_find(b, e);
	if (!rc)
		rc = booting_esp_fill(b, e);
	grub_find(b);
	if (!rc)
		rc = loaders_install(b, e);
	if (!rc)
		rc = booting_settings_write(b, e);
	if (!rc)
		rc = tree_failure(b->root, e);
	if (!rc)
		rc = fs_sync(b->job->root, e);
	return rc ? rc : fs_sync(b->job->esp, e);
}

int linux_boot_install(const struct linux_boot *job, struct report *notes, struct error *e)
{
	struct booting b = { .job = job, .notes = notes };
	int rc = tree_open(job->root, "root", NULL, &b.root, e);

	if (!rc)
		rc = tree_open(job->esp, "esp", NULL, &b.esp, e);
	if (!rc)
		rc = install(&b, e);
	tree_close(b.esp);
	tree_close(b.root);
	linux_boots_free(&b.kernels);
	buffer_free(&b.arguments);
	free(b.title);
	return rc;
}
