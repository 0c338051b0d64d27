/* SPDX-License-Identifier: GPL-3.0-or-later */
/* systemd-boot: it reads the EFI system partition only, so kernels are copied there, in the folders
 * that kernel-install makes.  Boot Loader Specification, type 1. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/linux_boot_private.h"

static int token_find(struct booting *b, char **out, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(b->root, "/etc/os-release", &text, &exists, e);

	*out = NULL;
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "ID", out, e);
	buffer_free(&text);
	if (!rc &&
		(!*out || !**out || strlen(*out) > 32 ||
			strspn(*out, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(*out))) {
		free(*out);
		*out = strdup("linux");
		rc = *out ? 0 : error_nomem(e, "a boot entry");
	}
	return rc;
}

static int copy(struct booting *b, const char *source, const char *token, const char *version,
	const char *name, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "/%s/%s/%s", token, version, name);

	if (!rc)
		rc = booting_copy(b, b->root, source, b->esp, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

static int entry_put(
	struct booting *b, const struct linux_start *k, const char *token, struct error *e)
{
	struct buffer text = { 0 }, path = { 0 };
	int rc = buffer_format(&text, e,
		"title %s\nversion %s\nsort-key %s\noptions root=UUID=%s ro%s\n"
		"linux /%s/%s/linux\ninitrd /%s/%s/initrd\n",
		b->title, k->version, token, b->job->root_uuid, buffer_text(&b->arguments), token,
		k->version, token, k->version);

	if (!rc)
		rc = buffer_format(&path, e, "/loader/entries/%s-%s.conf", token, k->version);
	if (!rc)
		rc = booting_put(b, b->esp, buffer_text(&path), text.data, text.len, e);
	if (!rc)
		rc = copy(b, k->image, token, k->version, "linux", e);
	if (!rc)
		rc = copy(b, k->initramfs, token, k->version, "initrd", e);
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}

static int loader_put(struct booting *b, const char *source, struct error *e)
{
	static const char settings[] = "timeout 1\n";
	char path[128];
	int rc;

	snprintf(path, sizeof(path), "/EFI/BOOT/%s", firmware_fallback_name(b->arch));
	rc = booting_copy(b, b->root, source, b->esp, path, e);
	snprintf(path, sizeof(path), "/EFI/systemd/systemd-boot%s.efi", firmware_suffix(b->arch));
	if (!rc)
		rc = booting_copy(b, b->root, source, b->esp, path, e);
	return rc
		? rc
		: booting_put(b, b->esp, "/loader/loader.conf", settings, sizeof(settings) - 1, e);
}

int booting_systemd(struct booting *b, bool *done, struct error *e)
{
	char source[128], *token;
	int rc;

	snprintf(source, sizeof(source), "/usr/lib/systemd/boot/efi/systemd-boot%s.efi",
		firmware_suffix(b->arch));
	*done = tree_is(b->root, source, S_IFREG);
	if (!*done)
		return 0;
	rc = token_find(b, &token, e);
	if (!rc)
		rc = loader_put(b, source, e);
	for (size_t i = 0; i < b->kernels.count && !rc; i++)
		if (!i || strcmp(b->kernels.boot[i].version, b->kernels.boot[i - 1].version))
			rc = entry_put(b, &b->kernels.boot[i], token, e);
	free(token);
	return rc
		? rc
		: booting_note(b, SEVERITY_WARNING, "boot-not-signed", NULL, e,
			  "the disk does not start under Secure Boot: systemd-boot is not signed");
}
