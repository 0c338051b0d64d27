/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * initramfs-tools puts all common drivers in when MODULES=most; otherwise it takes names from
 * /etc/initramfs-tools/modules, which is the administrator's, and from files of
 * /usr/share/initramfs-tools/modules.d, which is there for packages and so for us. Where the
 * guest's own mkinitramfs does not read that directory, the first is appended to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_persist.h"

#define TOOLS "/usr/share/initramfs-tools"
#define SETTINGS "/etc/initramfs-tools"

static int builds_most(struct tree *t, bool *all, struct error *e)
{
	struct buffer text = { 0 };
	char *modules = NULL;
	int rc = persist_text(t, SETTINGS "/initramfs.conf", &text, e);

	if (!rc)
		rc = persist_texts(t, TOOLS "/conf.d", "", &text, e);
	if (!rc)
		rc = persist_texts(t, SETTINGS "/conf.d", "", &text, e);
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "MODULES", &modules, e);
	*all = !rc && (!modules || !strcmp(modules, "most"));
	free(modules);
	buffer_free(&text);
	return rc;
}

/* The first words of the lines that mkinitramfs reads. */
static int names_listed(struct tree *t, struct strings *out, struct error *e)
{
	struct buffer text = { 0 };
	struct strings lines = { 0 };
	int rc = persist_text(t, SETTINGS "/modules", &text, e);

	if (!rc)
		rc = persist_texts(t, TOOLS "/modules.d", "", &text, e);
	if (!rc)
		rc = strings_split(&lines, buffer_text(&text), "\n", e);
	for (size_t i = 0; i < lines.count && !rc; i++) {
		const char *word = lines.item[i] + strspn(lines.item[i], " \t");
		size_t len = strcspn(word, " \t\r");

		if (len && *word != '#')
			rc = strings_add_len(out, word, len, e);
	}
	strings_free(&lines);
	buffer_free(&text);
	return rc;
}

static int names_place(struct tree *t, struct persist_file *out, struct error *e)
{
	struct buffer text = { 0 };
	int rc = persist_text(t, "/usr/sbin/mkinitramfs", &text, e);
	bool directory = !rc && strstr(buffer_text(&text), "initramfs-tools/modules.d");

	snprintf(out->path, sizeof(out->path), "%s",
		directory ? TOOLS "/modules.d/hvimg" : SETTINGS "/modules");
	buffer_free(&text);
	return rc;
}

const struct persist_tool persist_initramfs_tools = { "initramfs-tools",
	{ "/usr/sbin/mkinitramfs" }, builds_most, names_listed, names_place };
