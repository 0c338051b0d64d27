/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What could start a disk: the list that inspect shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/bootloader.h"
#include "guest/firmware.h"

enum { LOADER_LIMIT = 128, DIRECTORY_LIMIT = 64 };

/* Takes what `b` points at. */
static int bootloader_add(struct guest *g, const struct bootloader *b, struct error *e)
{
	struct bootloader *bigger = reallocarray(
		g->bootloader, g->bootloader_count + 1, sizeof(*bigger));

	if (!bigger)
		return error_nomem(e, "boot loaders");
	g->bootloader = bigger;
	bigger[g->bootloader_count++] = *b;
	return 0;
}

/* The issuers in one text, "A, B". */
static int issuers_text(const struct loader *l, char **out, struct error *e)
{
	struct buffer text = { 0 };
	int rc = 0;

	for (size_t i = 0; i < l->issuer.count && !rc; i++)
		rc = buffer_format(&text, e, "%s%s", i ? ", " : "", l->issuer.item[i]);
	if (rc)
		buffer_free(&text);
	*out = (char *)text.data;
	return rc;
}

static void bootloader_free(struct bootloader *b)
{
	free(b->volume);
	free(b->path);
	free(b->issuer);
}

/* Windows' own by its place, and a copy of it where firmware looks by who signed it: nobody else's
 * loader is signed so. */
static bool is_boot_manager(const char *path, const struct loader *l)
{
	return !strcasecmp(path, "/EFI/Microsoft/Boot/bootmgfw.efi") ||
		(!strncasecmp(path, "/EFI/BOOT/", 10) &&
			(strings_have(&l->issuer, "Microsoft Windows Production PCA 2011") ||
				strings_have(&l->issuer, "Windows UEFI CA 2023")));
}

static int file_add(
	struct guest_image *g, struct tree *t, size_t esp, const char *path, struct error *e)
{
	struct bootloader b = { .firmware = "uefi",
		.volume = strdup(g->volumes.volume[esp].id),
		.path = strdup(path) };
	struct loader l = { .kind = "other" };
	char fallback[64];
	int rc = b.volume && b.path ? 0 : error_nomem(e, "boot loaders");

	snprintf(fallback, sizeof(fallback), "/EFI/BOOT/%s", firmware_fallback_name(g->guest.arch));
	b.fallback = !strcasecmp(path, fallback);
	if (!rc)
		rc = loader_read(t, path, &l, e);
	if (!rc)
		rc = issuers_text(&l, &b.issuer, e);
	b.kind = !strcmp(l.kind, "other") && is_boot_manager(path, &l) ? "bootmgr" : l.kind;
	b.is_signed = l.is_signed;
	loader_free(&l);
	if (!rc)
		rc = bootloader_add(&g->guest, &b, e);
	if (rc)
		bootloader_free(&b);
	return rc;
}

static bool is_program(const char *name)
{
	const size_t len = strlen(name);

	return len > 4 && !strcasecmp(name + len - 4, ".efi");
}

static int directory_add(
	struct guest_image *g, struct tree *t, size_t esp, const char *directory, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, directory, S_IFDIR))
		rc = tree_list(t, directory, &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		if (!is_program(names.item[i]) || g->guest.bootloader_count >= LOADER_LIMIT)
			continue;
		rc = buffer_format(&path, e, "%s/%s", directory, names.item[i]);
		if (!rc && tree_is(t, buffer_text(&path), S_IFREG))
			rc = file_add(g, t, esp, buffer_text(&path), e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

/* Windows has its loader one folder further down. */
static int microsoft_add(
	struct guest_image *g, struct tree *t, size_t esp, const char *directory, struct error *e)
{
	struct buffer path = { 0 };
	struct error why = { 0 };
	int rc = firmware_path_below(t, directory, "Boot", &path, &why);

	rc = rc ? error_of_host(&why, e) : directory_add(g, t, esp, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

/* /EFI/VENDOR/NAME.efi, as UEFI 2.10, 13.3.1.3 has it. */
static int esp_add(struct guest_image *g, struct tree *t, size_t esp, struct error *e)
{
	struct strings names = { 0 };
	struct buffer efi = { 0 };
	int rc = firmware_path(t, "/EFI", &efi, e);

	if (rc == -ERR_NOTFOUND)
		return 0;
	if (!rc)
		rc = tree_list(t, buffer_text(&efi), &names, e);
	if (rc == -ERR_NOTFOUND)
		rc = 0;
	for (size_t i = 0; i < names.count && i < DIRECTORY_LIMIT && !rc; i++) {
		struct buffer path = { 0 };

		rc = buffer_format(&path, e, "%s/%s", buffer_text(&efi), names.item[i]);
		if (!rc)
			rc = directory_add(g, t, esp, buffer_text(&path), e);
		if (!rc && !strcasecmp(names.item[i], "Microsoft"))
			rc = microsoft_add(g, t, esp, buffer_text(&path), e);
		buffer_free(&path);
	}
	strings_free(&names);
	buffer_free(&efi);
	return rc;
}

/* Its boot manager is a file, unlike what else a BIOS starts. */
static int windows_place(const struct guest_image *g, struct bootloader *b, struct error *e)
{
	struct buffer path = { 0 };
	const char *manager;
	size_t volume;
	int rc = firmware_windows_manager(g, &manager, &volume, &path, e);

	if (rc || !manager || strcmp(manager, b->kind) != 0) {
		buffer_free(&path);
		return rc;
	}
	b->path = (char *)path.data;
	b->volume = strdup(g->volumes.volume[volume].id);
	return b->volume ? 0 : error_nomem(e, "boot loaders");
}

static int bios_add(struct guest_image *g, struct error *e)
{
	struct bootloader b = { .firmware = "bios" };
	int rc = firmware_bios_kind(g, &b.kind, e);

	if (rc || !b.kind)
		return rc;
	if (guest_is_windows(g))
		rc = windows_place(g, &b, e);
	if (!rc && !b.volume) {
		b.volume = strdup("disk");
		rc = b.volume ? 0 : error_nomem(e, "boot loaders");
	}
	if (!rc)
		rc = bootloader_add(&g->guest, &b, e);
	if (rc)
		bootloader_free(&b);
	return rc;
}

int bootloaders_load(struct guest_image *g, struct error *e)
{
	const size_t esp = firmware_esp(g);
	struct tree *t = NULL;
	int rc = bios_add(g, e);

	if (rc || esp == SIZE_MAX || !g->volume[esp].fs)
		return rc;
	rc = tree_open(g->volume[esp].fs, g->volumes.volume[esp].id, NULL, &t, e);
	if (!rc)
		rc = esp_add(g, t, esp, e);
	if (!rc)
		rc = tree_failure(t, e);
	tree_close(t);
	return rc;
}
