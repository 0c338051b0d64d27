/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which modules go into GRUB's core image: moddep.lst has a line "NAME: NEEDED..." for each. */
#include <stdlib.h>
#include <string.h>

#include "guest/grub_core.h"

enum { DEPTH_LIMIT = 64, MODULE_LIMIT = 256, NAME_LIMIT = 64 };

/* Names become names of files. */
static bool is_module(const char *name)
{
	const size_t len = strlen(name);

	return len && len <= NAME_LIMIT &&
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		len;
}

static int needed_find(const char *moddep, const char *name, struct strings *out, struct error *e)
{
	const size_t len = strlen(name);

	for (const char *line = moddep; *line;) {
		const size_t line_len = strcspn(line, "\n");
		struct buffer rest = { 0 };
		int rc;

		if (line_len <= len || strncmp(line, name, len) || line[len] != ':') {
			line += line_len + (line[line_len] != 0);
			continue;
		}
		rc = buffer_append(&rest, line + len + 1, line_len - len - 1, e);
		if (!rc)
			rc = strings_split(out, buffer_text(&rest), " \t\r", e);
		buffer_free(&rest);
		return rc;
	}
	return error_set(e, ERR_NOTFOUND, "moddep.lst has no module %s", name);
}

/* A needed module that is neither done nor being done; the last one first, as GRUB's own tools go
 * through them. */
static int next_find(const char *moddep, const struct strings *open, const struct strings *done,
	struct buffer *next, struct error *e)
{
	struct strings needed = { 0 };
	int rc = needed_find(moddep, open->item[open->count - 1], &needed, e);

	buffer_free(next);
	for (size_t i = needed.count; !rc && i > 0 && !next->len; i--) {
		const char *name = needed.item[i - 1];

		if (!is_module(name))
			rc = error_set(
				e, ERR_CORRUPT, "moddep.lst: no name of a module: %.100s", name);
		else if (!strings_have(done, name) && !strings_have(open, name))
			rc = buffer_string(next, name, e);
	}
	strings_free(&needed);
	return rc;
}

static void pop(struct strings *s)
{
	s->count--;
	free(s->item[s->count]);
}

static int module_resolve(
	const char *moddep, const char *name, struct strings *done, struct error *e)
{
	struct strings open = { 0 };
	struct buffer next = { 0 };
	int rc = strings_have(done, name) ? 0 : strings_add(&open, name, e);

	while (!rc && open.count) {
		rc = next_find(moddep, &open, done, &next, e);
		if (!rc && next.len && open.count == DEPTH_LIMIT)
			rc = error_set(e, ERR_RANGE,
				"moddep.lst: modules that need each other more than %d deep",
				DEPTH_LIMIT);
		else if (!rc && next.len)
			rc = strings_add(&open, buffer_text(&next), e);
		else if (!rc && done->count == MODULE_LIMIT)
			rc = error_set(
				e, ERR_RANGE, "moddep.lst: more than %d modules", MODULE_LIMIT);
		else if (!rc) {
			rc = strings_add(done, open.item[open.count - 1], e);
			pop(&open);
		}
	}
	buffer_free(&next);
	strings_free(&open);
	return rc;
}

int grub_modules_resolve(
	const char *moddep, const struct strings *wanted, struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		rc = module_resolve(moddep, wanted->item[i], out, e);
	return rc;
}
