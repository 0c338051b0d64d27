/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a loader is, by its content: files are renamed at will. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/bootloader.h"
#include "guest/pe.h"
#include "guest/tree_file.h"

enum {
	SIGNATURE_LIMIT = 1 << 20, /* bytes of a certificate table that are read */
	SECTION_LIMIT = 64 << 10, /* bytes of a section that are searched */
	COFF_SYMBOLS = 12, /* from "PE\0\0": where the symbols are, and how many */
	SYMBOL_SIZE = 18,
};

/* Whether the first bytes of that section hold the text. */
static int section_holds(struct tree_file *f, const struct pe *pe, const char *name,
	const char *text, bool *holds, struct error *e)
{
	const struct pe_section *s = pe_section(pe, name);
	const size_t len = s ? (size_t)min_u64(s->size, SECTION_LIMIT) : 0;
	uint8_t *bytes;
	int rc;

	*holds = false;
	if (!len)
		return 0;
	bytes = malloc(len);
	if (!bytes)
		return error_nomem(e, "a loader's section");
	rc = tree_file_read(f, s->offset, bytes, len, e);
	if (!rc)
		*holds = memmem(bytes, len, text, strlen(text)) != NULL;
	free(bytes);
	return rc;
}

/* The name of a section of more than 8 characters: "/N" is at N of the string table, behind the
 * symbols.  "" when that is not there. */
static int long_name(struct tree_file *f, const struct pe *pe, const struct pe_section *s,
	char *out, size_t size, struct error *e)
{
	struct {
		le32 symbols, symbol_count;
	} coff;
	uint64_t at;
	size_t len;
	int rc = tree_file_read(f, (uint64_t)pe->header + COFF_SYMBOLS, &coff, sizeof(coff), e);

	*out = 0;
	if (rc || !get_le32(coff.symbols))
		return rc;
	at = get_le32(coff.symbols) + (uint64_t)get_le32(coff.symbol_count) * SYMBOL_SIZE +
		strtoul(s->name + 1, NULL, 10);
	if (at >= pe->size)
		return 0;
	len = (size_t)min_u64(size - 1, pe->size - at);
	rc = tree_file_read(f, at, out, len, e);
	out[len] = 0;
	return rc;
}

static int has_vendor_certificate(
	struct tree_file *f, const struct pe *pe, bool *has, struct error *e)
{
	static const char wanted[] = ".vendor_cert";
	int rc = 0;

	*has = false;
	for (size_t i = 0; i < pe->section_count && !rc && !*has; i++) {
		const struct pe_section *s = &pe->section[i];
		char name[sizeof(wanted)];

		if (s->name[0] == '/')
			rc = long_name(f, pe, s, name, sizeof(name), e);
		else
			snprintf(name, sizeof(name), "%s", s->name);
		*has = !rc && (!strcmp(name, wanted) || !strcmp(name, ".vendor_"));
	}
	return rc;
}

/* shim alone has a section for its vendor's certificate; its helpers share the rest.  SBAT names
 * components by line, shim: SBAT.md. */
static int kind_find(struct tree_file *f, const struct pe *pe, const char **kind, struct error *e)
{
	bool shim = false, grub = false, systemd = false, old_systemd = false;
	int rc = has_vendor_certificate(f, pe, &shim, e);

	if (!rc)
		rc = section_holds(f, pe, ".sbat", "\ngrub,", &grub, e);
	if (!rc)
		rc = section_holds(f, pe, ".sdmagic", "#### LoaderInfo: systemd-boot", &systemd, e);
	if (!rc)
		rc = section_holds(
			f, pe, ".data", "#### LoaderInfo: systemd-boot", &old_systemd, e);
	if (rc)
		return rc;
	if (pe_section(pe, ".linux"))
		*kind = "uki";
	else if (shim)
		*kind = "shim";
	else if (grub || pe_section(pe, "mods"))
		*kind = "grub";
	else if (systemd || old_systemd)
		*kind = "systemd-boot";
	return 0;
}

static int signature_read(
	struct tree_file *f, const struct pe *pe, struct loader *l, struct error *e)
{
	const size_t len = pe->certificate_size;
	uint8_t *bytes;
	int rc;

	if (!len || len > SIGNATURE_LIMIT)
		return 0;
	bytes = malloc(len);
	if (!bytes)
		return error_nomem(e, "a loader's signature");
	rc = tree_file_read(f, pe->certificate_offset, bytes, len, e);
	if (!rc)
		rc = authenticode_issuers(bytes, len, &l->issuer, e);
	free(bytes);
	l->is_signed = l->issuer.count > 0;
	return rc;
}

int loader_read(struct tree *t, const char *path, struct loader *out, struct error *e)
{
	struct tree_file f = { .tree = t, .path = path };
	struct initramfs_source source;
	struct loader l = { .kind = "other" };
	struct pe pe = { 0 };
	int rc = tree_file_source(&f, &source, e);

	if (!rc)
		rc = pe_read(&source, &pe, e);
	if (!rc)
		rc = kind_find(&f, &pe, &l.kind, e);
	if (!rc)
		rc = signature_read(&f, &pe, &l, e);
	l.machine = pe.machine;
	pe_free(&pe);
	if (rc == -ERR_CORRUPT)
		rc = 0;
	if (rc)
		loader_free(&l);
	else
		*out = l;
	return rc;
}

void loader_free(struct loader *l)
{
	strings_free(&l->issuer);
	*l = (struct loader){ 0 };
}

/* The CAs that firmware comes with: for others' loaders, and for Windows. */
bool loader_is_trusted(const struct loader *l)
{
	static const char *const trusted[] = { "Microsoft Corporation UEFI CA 2011",
		"Microsoft UEFI CA 2023", "Microsoft Windows Production PCA 2011",
		"Windows UEFI CA 2023" };

	for (size_t i = 0; i < sizeof(trusted) / sizeof(trusted[0]); i++)
		if (strings_have(&l->issuer, trusted[i]))
			return true;
	return false;
}
