/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The initramfs of the guest's next kernel is made by the guest, and must hold the modules too. */
#include "guest/linux_persist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct persist_tool *const tools[] = { &persist_initramfs_tools, &persist_dracut,
	&persist_mkinitcpio };
enum { TOOLS = sizeof(tools) / sizeof(tools[0]), FILE_LIMIT = 256 };

int persist_text(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	bool exists;
	int rc = linux_text(t, path, out, &exists, e);

	return rc || !exists ? rc : buffer_string(out, "\n", e);
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && !strcmp(text + len - tail, with);
}

int persist_texts(struct tree *t, const char *directory, const char *ending, struct buffer *out,
	struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, directory, S_IFDIR))
		rc = tree_list(t, directory, &names, e);
	for (size_t i = 0; i < names.count && i < FILE_LIMIT && !rc; i++) {
		char path[512];

		snprintf(path, sizeof(path), "%s/%s", directory, names.item[i]);
		if (ends(names.item[i], ending))
			rc = persist_text(t, path, out, e);
	}
	strings_free(&names);
	return rc;
}

static bool names_one(const char *line, const char *const *names)
{
	line += strspn(line, " \t");
	for (; *line != '#' && *names; names++)
		if (strstr(line, *names))
			return true;
	return false;
}

int persist_words(const char *text, const char *const *names, struct strings *out, struct error *e)
{
	struct strings lines = { 0 };
	int rc = strings_split(&lines, text, "\n", e);

	for (size_t i = 0; i < lines.count && !rc; i++)
		if (names_one(lines.item[i], names))
			rc = strings_split(out, lines.item[i], " \t\r\"'()=+", e);
	strings_free(&lines);
	return rc;
}

static const struct persist_tool *tool_of(const struct guest_image *g)
{
	for (size_t i = 0; g->guest.initramfs_tool && i < TOOLS; i++)
		if (!strcmp(tools[i]->name, g->guest.initramfs_tool))
			return tools[i];
	return NULL;
}

int linux_persist_load(struct guest_image *g, struct error *e)
{
	struct linux_guest *l = g->state;

	for (size_t i = 0; i < TOOLS; i++)
		for (const char *const *p = tools[i]->programs; *p; p++) {
			if (!tree_is(g->tree, *p, S_IFREG))
				continue;
			g->guest.initramfs_tool = strdup(tools[i]->name);
			if (!g->guest.initramfs_tool)
				return error_nomem(e, "a generator");
			return tools[i]->builds_all(g->tree, &l->builds_all, e);
		}
	return 0;
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

/* Names that the tool's settings have; *tool NULL: it need not be told. */
static int listed_find(struct guest_image *g, const struct persist_tool **tool, struct strings *out,
	struct error *e)
{
	const struct linux_guest *l = g->state;

	*tool = l->builds_all ? NULL : tool_of(g);
	return *tool ? (*tool)->listed(g->tree, out, e) : 0;
}

int linux_persist_missing(
	struct guest_image *g, const struct target *t, bool *missing, struct error *e)
{
	const struct persist_tool *tool;
	struct strings listed = { 0 };
	int rc = listed_find(g, &tool, &listed, e);

	*missing = !rc && tool && lacks(&g->guest, t, &listed);
	strings_free(&listed);
	return rc;
}

static int names_add(const struct persist_file *f, const struct strings *names, struct buffer *text,
	struct error *e)
{
	int rc = 0;

	if (text->len && text->data[text->len - 1] != '\n')
		rc = buffer_string(text, "\n", e);
	if (!rc && !text->len)
		rc = buffer_string(
			text, "# Drivers of the hypervisors that this image is for.\n", e);
	if (!rc && f->before)
		rc = buffer_string(text, f->before, e);
	for (size_t i = 0; i < names->count && !rc; i++)
		rc = buffer_format(text, e, "%s%s%s", f->before && i ? " " : "", names->item[i],
			f->before ? "" : "\n");
	if (!rc && f->before)
		rc = buffer_format(text, e, "%s\n", f->after);
	return rc;
}

static int names_write(struct guest_image *g, const struct persist_tool *tool,
	const struct strings *names, struct error *e)
{
	struct persist_file file = { 0 };
	struct buffer text = { 0 };
	bool exists;
	int rc = tool->place(g->tree, &file, e);

	if (!rc)
		rc = linux_text(g->tree, file.path, &text, &exists, e);
	if (!rc)
		rc = names_add(&file, names, &text, e);
	if (!rc)
		rc = linux_put(g, file.path, text.data, text.len,
			"the next initramfs gets the modules too", e);
	buffer_free(&text);
	return rc;
}

/* Of one target what its settings should name and do not. */
static int names_find(const struct guest_image *g, const struct target *t,
	const struct strings *listed, struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < t->module_count && !rc; i++) {
		const char *name = t->module[i].initramfs ? file_name(&g->guest, &t->module[i])
							  : NULL;

		if (name && !strings_have(listed, name))
			rc = strings_add_new(out, name, e);
	}
	return rc;
}

int linux_persist_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	struct strings listed = { 0 }, names = { 0 };
	const struct persist_tool *tool;
	bool missing = false;
	int rc = listed_find(g, &tool, &listed, e);

	for (size_t t = 0; tool && t < targets->count && !rc; t++) {
		missing = missing || lacks(&g->guest, &targets->target[t], &listed);
		rc = names_find(g, &targets->target[t], &listed, &names, e);
	}
	if (!rc && missing)
		rc = names_write(g, tool, &names, e);
	strings_free(&listed);
	strings_free(&names);
	return rc;
}
