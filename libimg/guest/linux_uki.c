/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unified kernel images: kernel, command line and initramfs as sections of one EFI program (UAPI.5,
 * Unified Kernel Image; systemd-stub(7)).
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/linux_kernel.h"
#include "guest/pe.h"

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len > tail && !strcasecmp(text + len - tail, with);
}

/* What is stored may be longer than what counts, or shorter, when zeros follow. */
static uint64_t section_length(const struct pe_section *s)
{
	return s->memory_size ? min_u64(s->memory_size, s->size) : s->size;
}

/* The text of .uname; else what the kernel inside says. */
static int version_find(
	const struct linux_file *file, const struct pe *pe, char **out, struct error *e)
{
	const struct pe_section *uname = pe_section(pe, ".uname"),
				*kernel = pe_section(pe, ".linux");
	struct linux_file part = *file;
	char text[128] = { 0 };
	int rc;

	*out = NULL;
	if (uname) {
		size_t len = (size_t)min_u64(section_length(uname), sizeof(text) - 1);

		rc = linux_tree_read(&part, uname->offset, text, len, e);
		if (rc)
			return rc;
		text[strcspn(text, " \t\r\n")] = 0;
		if (linux_is_version(text)) {
			*out = strdup(text);
			return *out ? 0 : error_nomem(e, "a version");
		}
	}
	part.offset = kernel->offset;
	return linux_part_version(&part, section_length(kernel), out, e);
}

static int image_add(
	struct linux_boots *b, const struct linux_file *file, const struct pe *pe, struct error *e)
{
	const struct pe_section *initrd = pe_section(pe, ".initrd");
	char *version = NULL;
	struct linux_start *new;
	int rc;

	if (!pe_section(pe, ".linux"))
		return 0;
	rc = version_find(file, pe, &version, e);
	if (!rc)
		rc = linux_boot_add(b, version ? version : "unknown", file->path,
			initrd ? file->path : NULL, e);
	free(version);
	if (rc)
		return rc;
	new = &b->boot[b->count - 1];
	new->uki = (struct linux_uki){ .present = true,
		/* .pcrsig: what the TPM is to measure is signed, too. */
		.is_signed = pe->certificate_size || pe_section(pe, ".pcrsig"),
		.offset = initrd ? initrd->offset : 0,
		.size = initrd ? section_length(initrd) : 0 };
	return 0;
}

static int image_look(
	struct guest_image *g, struct linux_boots *b, const char *path, struct error *e)
{
	struct linux_file file = { .tree = g->tree, .path = path };
	struct initramfs_source source = { .read = linux_tree_read, .arg = &file };
	struct error why = { 0 };
	struct fs_stat st;
	bool same = false;
	struct pe pe;
	int rc = 0;

	for (size_t i = 0; i < b->count && !rc && !same; i++)
		if (b->boot[i].uki.present)
			rc = linux_same_file(g->tree, b->boot[i].image, path, &same, e);
	if (rc || same)
		return rc;
	rc = tree_stat(g->tree, path, TREE_FOLLOW, &st, &why);
	source.size = rc ? 0 : st.size;
	if (!rc)
		rc = pe_read(&source, &pe, &why);
	if (rc)
		return error_of_host(&why, e);
	rc = image_add(b, &file, &pe, e);
	pe_free(&pe);
	return rc;
}

int linux_boots_unified(struct guest_image *g, struct linux_boots *b, struct error *e)
{
	static const char *const places[] = { "/boot/efi/EFI/Linux", "/efi/EFI/Linux",
		"/boot/EFI/Linux" };
	int rc = 0;

	for (size_t p = 0; p < sizeof(places) / sizeof(places[0]) && !rc; p++) {
		struct strings names = { 0 };
		struct buffer path = { 0 };

		if (tree_is(g->tree, places[p], S_IFDIR))
			rc = tree_list(g->tree, places[p], &names, e);
		for (size_t i = 0; i < names.count && !rc; i++) {
			path.len = 0;
			if (!ends(names.item[i], ".efi"))
				continue;
			rc = buffer_format(&path, e, "%s/%s", places[p], names.item[i]);
			if (!rc && tree_is(g->tree, buffer_text(&path), S_IFREG))
				rc = image_look(g, b, buffer_text(&path), e);
		}
		strings_free(&names);
		buffer_free(&path);
	}
	return rc;
}
