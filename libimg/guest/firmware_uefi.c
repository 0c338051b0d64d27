/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What UEFI firmware without boot entries starts: a removable medium's path, UEFI 2.10, 3.5.1.1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/bootloader.h"
#include "guest/firmware.h"

static bool is_there(struct tree *t, const char *path)
{
	struct buffer spelled = { 0 };
	struct error e;
	bool is = !firmware_path(t, path, &spelled, &e) &&
		tree_is(t, buffer_text(&spelled), S_IFREG);

	buffer_free(&spelled);
	return is;
}

/* A list of what shim's fallback program makes boot entries of. */
static int has_entries(struct tree *t, const char *arch, bool *has, struct error *e)
{
	const char *suffix = firmware_suffix(arch);
	struct strings names = { 0 };
	struct buffer efi = { 0 };
	int rc = firmware_path(t, "/EFI", &efi, e);

	*has = false;
	if (!rc)
		rc = tree_list(t, buffer_text(&efi), &names, e);
	for (size_t i = 0; i < names.count && !rc && !*has; i++) {
		char path[600];

		/* The program passes over EFI/BOOT itself. */
		if (!strcasecmp(names.item[i], "BOOT"))
			continue;
		snprintf(path, sizeof(path), "/EFI/%.255s/BOOT%s.CSV", names.item[i], suffix);
		*has = is_there(t, path);
		snprintf(path, sizeof(path), "/EFI/%.255s/BOOT.CSV", names.item[i]);
		*has = *has || is_there(t, path);
	}
	strings_free(&names);
	buffer_free(&efi);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* *there false: no such file. */
static int part_read(
	struct tree *t, const char *path, bool *there, struct loader *out, struct error *e)
{
	struct buffer spelled = { 0 };
	int rc;

	*there = is_there(t, path);
	if (!*there)
		return 0;
	rc = firmware_path(t, path, &spelled, e);
	if (!rc)
		rc = loader_read(t, buffer_text(&spelled), out, e);
	buffer_free(&spelled);
	return rc;
}

/* SUSE's shim starts grub.efi. */
static int second_read(struct tree *t, const char *suffix, struct fallback *f, struct error *e)
{
	struct loader l = { 0 };
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "/EFI/BOOT/grub%s.efi", suffix);
	rc = part_read(t, name, &f->has_second, &l, e);
	if (!rc && !f->has_second)
		rc = part_read(t, "/EFI/BOOT/grub.efi", &f->has_second, &l, e);
	f->second_is_signed = l.is_signed;
	loader_free(&l);
	return rc;
}

int firmware_fallback(struct tree *t, const char *arch, struct fallback *out, struct error *e)
{
	const char *suffix = firmware_suffix(arch);
	struct fallback f = { 0 };
	struct loader l = { 0 };
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "/EFI/BOOT/%s", firmware_fallback_name(arch));
	rc = part_read(t, name, &f.present, &l, e);
	f.is_shim = l.kind && !strcmp(l.kind, "shim");
	f.is_trusted = loader_is_trusted(&l);
	f.is_signed = l.is_signed;
	if (l.issuer.count)
		snprintf(f.issuer, sizeof(f.issuer), "%s", l.issuer.item[0]);
	loader_free(&l);
	snprintf(name, sizeof(name), "/EFI/BOOT/fb%s.efi", suffix);
	f.has_program = is_there(t, name);
	if (!rc)
		rc = second_read(t, suffix, &f, e);
	if (!rc)
		rc = has_entries(t, arch, &f.has_entries, e);
	if (!rc)
		*out = f;
	return rc;
}

/* shim starts its fallback program when that is there, else GRUB from its own directory. */
bool firmware_fallback_lacks(const struct fallback *f)
{
	return f->present && f->is_shim && !(f->has_program ? f->has_entries : f->has_second);
}

static int signature_check(const struct guest_image *g, const struct fallback *f,
	const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text unsigned_loader = { .code = "secure-boot-unsigned",
		.severity = strcmp(t->firmware, "uefi") ? SEVERITY_INFO : SEVERITY_WARNING,
		.fix = guest_is_windows(g)
			? "copy EFI/Microsoft/Boot/bootmgfw.efi there, which is signed"
			: "turn Secure Boot off for the machine, or install the distribution's "
			  "signed shim and GRUB" };

	if (f->is_trusted && f->is_shim && !f->has_program && !f->second_is_signed)
		return finding_add(r, &unsigned_loader, e,
			"shim is signed, but GRUB beside it is not: with Secure Boot shim refuses "
			"it");
	if (f->is_trusted)
		return 0;
	if (!f->is_signed)
		return finding_add(r, &unsigned_loader, e,
			"the loader that UEFI firmware starts is not signed: with Secure Boot it "
			"is refused");
	return finding_add(r, &unsigned_loader, e,
		"the loader that UEFI firmware starts is signed through \"%s\", not Microsoft's "
		"UEFI CA: with Secure Boot only firmware that has that key starts it",
		f->issuer);
}

static int fallback_check(struct guest_image *g, size_t esp, const struct target *target,
	struct report *r, struct error *e)
{
	const char *name = firmware_fallback_name(g->guest.arch);
	struct finding_text f = { .code = "no-fallback-loader", .severity = SEVERITY_ERROR };
	struct fallback have = { 0 };
	struct tree *t = NULL;
	int rc = tree_open(g->volume[esp].fs, g->volumes.volume[esp].id, NULL, &t, e);

	if (!rc)
		rc = firmware_fallback(t, g->guest.arch, &have, e);
	if (!rc)
		rc = tree_failure(t, e);
	tree_close(t);
	if (rc)
		return rc;
	if (have.present && !firmware_fallback_lacks(&have))
		return signature_check(g, &have, target, r, e);
	rc = guest_volume_check(g, esp, e);
	if (!rc && g->type && g->type->places_loader)
		rc = g->type->places_loader(g, &f.fixable, e);
	if (rc)
		return rc;
	f.fix = f.fixable ? "hvimg inject copies the guest's own loader there"
		: guest_is_windows(g)
		? "copy EFI/Microsoft/Boot/bootmgfw.efi there, as bcdboot does"
		: "copy the guest's loader to EFI/BOOT on its EFI system partition, "
		  "as \"grub-install --removable\" does";
	if (!have.present)
		return finding_add(r, &f, e,
			"the EFI system partition has no EFI/BOOT/%s, so that firmware without "
			"a boot entry starts nothing",
			name);
	f.code = "fallback-loader-incomplete";
	return finding_add(r, &f, e,
		have.has_program
			? "EFI/BOOT/%s is shim, which starts its fallback program there, and no "
			  "BOOT.CSV tells that what to start"
			: "EFI/BOOT/%s is shim, and there is neither GRUB nor shim's fallback "
			  "program in EFI/BOOT for it to start",
		name);
}

static int table_check(struct guest_image *g, size_t esp, const struct target *t, struct report *r,
	struct error *e)
{
	const struct volume *v = &g->volumes.volume[esp];
	const bool strict = !strcmp(t->firmware, "uefi");
	const struct finding_text mbr = { .code = "esp-in-mbr",
		.severity = strict ? SEVERITY_WARNING : SEVERITY_INFO,
		.fix = "make the partition table a GPT" };
	const struct finding_text untyped = { .code = "esp-not-marked",
		.severity = SEVERITY_WARNING,
		.fix = "give the partition the type of an EFI system partition" };

	if (!v->esp)
		return finding_add(r, &untyped, e,
			"volume %s has /EFI, but is not marked as an EFI system partition: not "
			"all firmware looks there",
			v->id);
	if (!strcmp(g->volumes.table, "mbr"))
		return finding_add(r, &mbr, e,
			"the EFI system partition %s is in an MBR: UEFI allows that, but "
			"hypervisors are only known to start from a GPT",
			v->id);
	return 0;
}

/* It came with Windows 10 1703, and never for 32 bits. */
static bool has_mbr2gpt(const struct guest_image *g)
{
	const struct windows_info *w = g->guest.windows;

	return w && w->build >= 15063 && w->arch && strcmp(w->arch, "i386") != 0;
}

int firmware_uefi_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "no-esp",
		.severity = SEVERITY_ERROR,
		.fix = has_mbr2gpt(g) ? "mbr2gpt /convert in Windows makes the disk one for UEFI"
				      : NULL };
	const struct finding_text unread = { .code = "esp-not-read", .severity = SEVERITY_INFO };
	const bool mbr = !strcmp(g->volumes.table, "mbr");
	const size_t esp = firmware_esp(g);
	int rc;

	if (esp == SIZE_MAX)
		return finding_add(r, &none, e,
			"the disk%s has no EFI system partition, so UEFI firmware can't start it",
			mbr ? ", which is partitioned by an MBR for a BIOS," : "");
	rc = table_check(g, esp, t, r, e);
	if (rc)
		return rc;
	if (g->volume[esp].fs)
		return fallback_check(g, esp, t, r, e);
	return finding_add(r, &unread, e,
		"volume %s, the EFI system partition, was not looked into: whether it holds a "
		"loader is not known",
		g->volumes.volume[esp].id);
}
