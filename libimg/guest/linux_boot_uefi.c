/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB for UEFI, signed and begun by shim where the guest has that: in the folder that GRUB has
 * built in, and once more where firmware without a boot entry looks.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/grub_core.h"
#include "guest/linux_boot_private.h"

enum { PATH_SIZE = 512 };

/* What the guest has; "" for what it has not. */
struct uefi_files {
	struct tree *tree;
	char shim[PATH_SIZE], grub[PATH_SIZE];
	char manager[PATH_SIZE], fallback[PATH_SIZE]; /* programs that shim starts */
	char entries[PATH_SIZE]; /* for the latter */
};

/* The first that is there, with what processors are called by put in for "*" and "#". */
static void file_find(const struct booting *b, struct tree *t, const char *const *patterns,
	const char *folder, char out[PATH_SIZE])
{
	const char *suffix = firmware_suffix(b->arch);
	const char *platform = !strcmp(b->arch, "aarch64") ? "arm64" : "x86_64";

	for (; *patterns; patterns++) {
		size_t len = (size_t)snprintf(out, PATH_SIZE, "%s", folder);

		for (const char *c = *patterns; *c && len + 16 < PATH_SIZE; c++)
			len += (size_t)(*c == '*'   ? snprintf(out + len, 16, "%s", suffix)
					: *c == '#' ? snprintf(out + len, 16, "%s", platform)
						    : snprintf(out + len, 16, "%c", *c));
		if (tree_is(t, out, S_IFREG))
			return;
	}
	out[0] = 0;
}

/* As packages of Debian and its like have them: only what is signed goes with shim. */
static void packages_find(struct booting *b, struct uefi_files *f)
{
	static const char *const shim[] = { "shim*.efi.signed", "shim*.efi.signed.latest",
		"shim*.efi.dualsigned", NULL };
	static const char *const manager[] = { "mm*.efi.signed", "mm*.efi", NULL };
	static const char *const fallback[] = { "fb*.efi.signed", "fb*.efi", NULL };
	static const char *const entries[] = { "BOOTX64.CSV", "BOOTAA64.CSV", "BOOT.CSV", NULL };
	static const char *const grub[] = { "#-efi-signed/grub*.efi.signed", NULL };

	f->tree = b->root;
	file_find(b, b->root, grub, "/usr/lib/grub/", f->grub);
	if (!f->grub[0])
		return;
	file_find(b, b->root, shim, "/usr/lib/shim/", f->shim);
	file_find(b, b->root, manager, "/usr/lib/shim/", f->manager);
	file_find(b, b->root, fallback, "/usr/lib/shim/", f->fallback);
	file_find(b, b->root, entries, "/usr/lib/shim/", f->entries);
}

static void plain_find(struct booting *b, struct uefi_files *f)
{
	static const char *const grub[] = { "#-efi/monolithic/grub*.efi", NULL };

	*f = (struct uefi_files){ .tree = b->root };
	file_find(b, b->root, grub, "/usr/lib/grub/", f->grub);
}

/* As packages of Fedora and its like have put them on the EFI system partition: the first folder
 * with a GRUB. */
static int esp_find(struct booting *b, struct uefi_files *f, struct error *e)
{
	static const char *const grub[] = { "grub*.efi", NULL };
	static const char *const shim[] = { "shim*.efi", "shim.efi", NULL };
	static const char *const manager[] = { "mm*.efi", NULL };
	struct strings names = { 0 };
	int rc = 0;

	f->tree = b->esp;
	if (tree_is(b->esp, "/EFI", S_IFDIR))
		rc = tree_list(b->esp, "/EFI", &names, e);
	for (size_t i = 0; i < names.count && !rc && !f->grub[0]; i++) {
		char folder[FS_NAME_MAX + 8];

		snprintf(folder, sizeof(folder), "/EFI/%s/", names.item[i]);
		file_find(b, b->esp, grub, folder, f->grub);
		file_find(b, b->esp, shim, folder, f->shim);
		file_find(b, b->esp, manager, folder, f->manager);
	}
	strings_free(&names);
	return rc;
}

static int put_file(struct booting *b, const struct uefi_files *f, const char *source,
	const char *folder, const char *format, struct error *e)
{
	struct buffer path = { 0 };
	char name[64];
	int rc;

	if (!source[0])
		return 0;
	snprintf(name, sizeof(name), "%.20s%s%.20s", format, firmware_suffix(b->arch), ".efi");
	rc = buffer_format(&path, e, "%s/%s", folder, strchr(format, '.') ? format : name);
	if (!rc)
		rc = booting_copy(b, f->tree, source, b->esp, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

#define FALLBACK "/EFI/BOOT"

static int files_put(
	struct booting *b, const struct uefi_files *f, const char *vendor, struct error *e)
{
	const char *first = firmware_fallback_name(b->arch);
	const char *entries = strrchr(f->entries, '/');
	int rc = put_file(b, f, f->shim[0] ? f->shim : f->grub, FALLBACK, first, e);

	if (!rc)
		rc = put_file(b, f, f->grub, FALLBACK, "grub", e);
	if (!rc)
		rc = put_file(b, f, f->manager, FALLBACK, "mm", e);
	if (!rc)
		rc = put_file(b, f, f->shim, vendor, "shim", e);
	if (!rc)
		rc = put_file(b, f, f->grub, vendor, "grub", e);
	if (!rc)
		rc = put_file(b, f, f->manager, vendor, "mm", e);
	if (!rc)
		rc = put_file(b, f, f->fallback, vendor, "fb", e);
	return rc || !entries ? rc : put_file(b, f, f->entries, vendor, entries + 1, e);
}

/* What GRUB reads first: it goes on with the menu on the root file system. */
static int stub_put(struct booting *b, const char *folder, struct error *e)
{
	struct buffer text = { 0 }, path = { 0 };
	int rc = buffer_format(&text, e,
		"search.fs_uuid %s root\n"
		"set prefix=($root)'%s'\n"
		"configfile $prefix/grub.cfg\n",
		b->job->root_uuid, b->grub);

	if (!rc)
		rc = buffer_format(&path, e, "%s/grub.cfg", folder);
	if (!rc)
		rc = booting_put(b, b->esp, buffer_text(&path), text.data, text.len, e);
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}

static int security_note(struct booting *b, const struct uefi_files *f, struct error *e)
{
	return f->shim[0] ? 0
			  : booting_note(b, SEVERITY_WARNING, "boot-not-signed",
				    "install shim-signed and a signed GRUB in the guest", e,
				    "the disk does not start under Secure Boot: the guest has no "
				    "shim with a signed GRUB");
}

static int grub_install(struct booting *b, const struct uefi_files *f, struct error *e)
{
	struct buffer vendor = { 0 };
	int rc = grub_prefix_read(f->tree, f->grub, &vendor, e);

	if (!rc && strncmp(buffer_text(&vendor), "/EFI/", 5))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s looks for its files in %s, which is not on the EFI system partition",
			f->grub, buffer_text(&vendor));
	if (!rc)
		rc = files_put(b, f, buffer_text(&vendor), e);
	if (!rc)
		rc = stub_put(b, buffer_text(&vendor), e);
	if (!rc)
		rc = stub_put(b, FALLBACK, e);
	if (!rc)
		rc = booting_modules_copy(
			b, !strcmp(b->arch, "aarch64") ? "arm64-efi" : "x86_64-efi", e);
	buffer_free(&vendor);
	return rc ? rc : security_note(b, f, e);
}

int booting_uefi(struct booting *b, bool *done, struct error *e)
{
	struct uefi_files f = { 0 };
	int rc = 0;

	packages_find(b, &f);
	if (!f.grub[0])
		rc = esp_find(b, &f, e);
	if (!rc && !f.grub[0])
		plain_find(b, &f);
	*done = !rc && f.grub[0];
	if (!*done)
		return rc;
	b->menu = true;
	return grub_install(b, &f, e);
}
