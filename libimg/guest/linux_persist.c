/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The initramfs of the guest's next kernel is made by the guest, and must hold the modules too.
 * initramfs-tools puts all common drivers in when MODULES=most; otherwise it takes names from
 * /etc/initramfs-tools/modules, which is the administrator's, and from files of
 * /usr/share/initramfs-tools/modules.d, which is there for packages and so for us. Where the
 * guest's own mkinitramfs does not read that directory, the first is appended to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

#define TOOLS "/usr/share/initramfs-tools"
#define SETTINGS "/etc/initramfs-tools"

static int tool_find(struct guest_image *g, struct error *e)
{
	static const char *const tools[][2] = { { "/usr/sbin/mkinitramfs", "initramfs-tools" },
		{ "/usr/bin/dracut", "dracut" }, { "/usr/sbin/dracut", "dracut" },
		{ "/usr/bin/mkinitcpio", "mkinitcpio" } };

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		if (!tree_is(g->tree, tools[i][0], S_IFREG))
			continue;
		g->guest.initramfs_tool = strdup(tools[i][1]);
		return g->guest.initramfs_tool ? 0 : error_nomem(e, "a generator");
	}
	return 0;
}

/* Appends the text of a file, or of all files of a directory, a line end after each. */
static int text_add(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	bool exists;
	int rc = linux_text(t, path, out, &exists, e);

	return rc || !exists ? rc : buffer_string(out, "\n", e);
}

static int directory_add(struct tree *t, const char *directory, struct buffer *out, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, directory, S_IFDIR))
		rc = tree_list(t, directory, &names, e);
	for (size_t i = 0; i < names.count && i < 256 && !rc; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", directory, names.item[i]);
		rc = text_add(t, path, out, e);
	}
	strings_free(&names);
	return rc;
}

int linux_persist_load(struct guest_image *g, struct error *e)
{
	struct linux_guest *l = g->state;
	struct buffer text = { 0 };
	char *modules = NULL;
	int rc = tool_find(g, e);

	if (!rc)
		rc = text_add(g->tree, SETTINGS "/initramfs.conf", &text, e);
	if (!rc)
		rc = directory_add(g->tree, TOOLS "/conf.d", &text, e);
	if (!rc)
		rc = directory_add(g->tree, SETTINGS "/conf.d", &text, e);
	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "MODULES", &modules, e);
	if (!rc)
		l->builds_most = !modules || !strcmp(modules, "most");
	free(modules);
	buffer_free(&text);
	return rc;
}

/* The first words of the lines that mkinitramfs reads. */
static int listed_find(struct tree *t, struct strings *out, struct error *e)
{
	struct buffer text = { 0 };
	struct strings lines = { 0 };
	int rc = text_add(t, SETTINGS "/modules", &text, e);

	if (!rc)
		rc = directory_add(t, TOOLS "/modules.d", &text, e);
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

/* Some kernel has it as a file, so a generator can put it in. */
static const char *file_name(const struct guest *guest, const struct target_module *m)
{
	for (size_t i = 0; i < guest->kernel_count; i++) {
		const struct kernel_module *best = linux_best_module(&guest->kernel[i], m);

		if (best && (best->place == MODULE_FILE || best->place == MODULE_INITRAMFS))
			return best->name;
	}
	return NULL;
}

static bool is_needed(const struct guest_image *g)
{
	const struct linux_guest *l = g->state;

	return g->guest.initramfs_tool && !strcmp(g->guest.initramfs_tool, "initramfs-tools") &&
		!l->builds_most;
}

static bool lacks(const struct guest *guest, const struct target *t, const struct strings *listed)
{
	for (size_t i = 0; i < t->module_count; i++) {
		const char *name = t->module[i].need == NEED_BOOT ? file_name(guest, &t->module[i])
								  : NULL;

		if (name && !strings_have(listed, name))
			return true;
	}
	return false;
}

int linux_persist_missing(
	struct guest_image *g, const struct target *t, bool *missing, struct error *e)
{
	struct strings listed = { 0 };
	int rc;

	*missing = false;
	if (!is_needed(g))
		return 0;
	rc = listed_find(g->tree, &listed, e);
	if (!rc)
		*missing = lacks(&g->guest, t, &listed);
	strings_free(&listed);
	return rc;
}

static int reads_directory(struct tree *t, bool *answer, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(t, "/usr/sbin/mkinitramfs", &text, &exists, e);

	*answer = !rc && strstr(buffer_text(&text), "initramfs-tools/modules.d");
	buffer_free(&text);
	return rc;
}

static int names_write(struct guest_image *g, const struct strings *names, struct error *e)
{
	struct buffer text = { 0 };
	const char *path = SETTINGS "/modules";
	bool directory, exists;
	int rc = reads_directory(g->tree, &directory, e);

	if (!rc && directory)
		path = TOOLS "/modules.d/hvimg";
	if (!rc)
		rc = linux_text(g->tree, path, &text, &exists, e);
	if (!rc && text.len && text.data[text.len - 1] != '\n')
		rc = buffer_string(&text, "\n", e);
	if (!rc && !text.len)
		rc = buffer_string(
			&text, "# Drivers of the hypervisors that this image is for.\n", e);
	for (size_t i = 0; i < names->count && !rc; i++)
		rc = buffer_format(&text, e, "%s\n", names->item[i]);
	if (!rc)
		rc = linux_put(
			g, path, text.data, text.len, "the next initramfs gets the modules too", e);
	buffer_free(&text);
	return rc;
}

int linux_persist_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	struct strings listed = { 0 }, names = { 0 };
	bool missing = false;
	int rc;

	if (!is_needed(g))
		return 0;
	rc = listed_find(g->tree, &listed, e);
	for (size_t t = 0; t < targets->count && !rc; t++) {
		const struct target *target = &targets->target[t];

		missing = missing || lacks(&g->guest, target, &listed);
		for (size_t i = 0; i < target->module_count && !rc; i++) {
			const char *name = target->module[i].initramfs
				? file_name(&g->guest, &target->module[i])
				: NULL;

			if (name && !strings_have(&listed, name))
				rc = strings_add_new(&names, name, e);
		}
	}
	if (!rc && missing)
		rc = names_write(g, &names, e);
	strings_free(&listed);
	strings_free(&names);
	return rc;
}
