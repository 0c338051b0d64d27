/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits that a recipe asks for, one after the other. */
#include "guest/guest_edit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/guest_edit_work.h"

enum part {
	PATH = 1,
	FROM = 2,
	TARGET = 4,
	NAME = 8,
	TEXT = 16,
	MODE = 32,
	OWNER = 64,
	LIST = 128
};

/* What each kind is called, and what it can't be without. */
static const struct {
	const char *name;
	unsigned needs;
} kinds[GUEST_EDIT_KINDS] = {
	[GUEST_COPY] = { "copy", PATH | FROM },
	[GUEST_WRITE] = { "write", PATH | TEXT },
	[GUEST_APPEND] = { "append", PATH | TEXT },
	[GUEST_REMOVE] = { "remove", PATH },
	[GUEST_LINK] = { "link", PATH | TARGET },
	[GUEST_MKDIR] = { "mkdir", PATH },
	[GUEST_MODE] = { "mode", PATH | MODE },
	[GUEST_OWNER] = { "owner", PATH | OWNER },
	[GUEST_ENABLE] = { "enable", NAME },
	[GUEST_DISABLE] = { "disable", NAME },
	[GUEST_USER] = { "user", NAME },
	[GUEST_HOSTNAME] = { "hostname", NAME },
	[GUEST_TIMEZONE] = { "timezone", NAME },
	[GUEST_DATASOURCES] = { "datasources", LIST },
	[GUEST_FIRST_BOOT] = { "first-boot", NAME | TEXT },
	[GUEST_REGISTRY] = { "registry", PATH },
};

static void edit_free(struct guest_edit *edit)
{
	free(edit->path);
	free(edit->from);
	free(edit->target);
	free(edit->name);
	free(edit->text);
	strings_free(&edit->list);
	strings_free(&edit->keys);
	free(edit->shell);
	free(edit->comment);
	free(edit->owner);
	free(edit->group);
	free(edit->type);
}

void guest_edits_free(struct guest_edits *l)
{
	for (size_t i = 0; i < l->count; i++)
		edit_free(&l->edit[i]);
	free(l->edit);
	*l = (struct guest_edits){ 0 };
}

static unsigned parts_of(const struct guest_edit *edit)
{
	return (edit->path && *edit->path ? PATH : 0u) | (edit->from && *edit->from ? FROM : 0u) |
		(edit->target && *edit->target ? TARGET : 0u) |
		(edit->name && *edit->name ? NAME : 0u) | (edit->text ? TEXT : 0u) |
		(edit->has_mode ? MODE : 0u) | (edit->owner || edit->group ? OWNER : 0u) |
		(edit->list.count ? LIST : 0u);
}

static int parts_check(const struct guest_edit *edit, struct error *e)
{
	static const char *const names[] = { "path", "file of the host", "target", "name", "text",
		"permissions", "owner", "list" };
	const unsigned missing = kinds[edit->kind].needs & ~parts_of(edit);

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (missing & 1u << i)
			return error_set(e, ERR_USAGE, "it has no %s", names[i]);
	if (edit->has_mode && edit->mode > 07777)
		return error_set(e, ERR_USAGE, "0%o can't be permissions", (unsigned)edit->mode);
	return 0;
}

/* Of a path of the host its last name alone: the rest differs from one machine to the next. */
static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static int list_describe(
	const char *before, const struct strings *list, struct buffer *out, struct error *e)
{
	int rc = buffer_string(out, before, e);

	for (size_t i = 0; i < list->count && !rc; i++)
		rc = buffer_format(out, e, "%s%s", i ? ", " : "", list->item[i]);
	return rc;
}

static int user_describe(const struct guest_edit *edit, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e, "account %s", edit->name);

	if (!rc && edit->list.count)
		rc = list_describe(", in ", &edit->list, out, e);
	if (!rc && edit->keys.count)
		rc = buffer_format(out, e, ", %zu ssh key%s", edit->keys.count,
			edit->keys.count > 1 ? "s" : "");
	return !rc && edit->sudo ? buffer_string(out, ", may do everything", e) : rc;
}

static int owner_describe(const struct guest_edit *edit, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e, "%s belongs to", edit->path);

	if (!rc && edit->owner)
		rc = buffer_format(out, e, " %s", edit->owner);
	return !rc && edit->group ? buffer_format(out, e, " group %s", edit->group) : rc;
}

static int describe(const struct guest_edit *edit, struct buffer *out, struct error *e)
{
	switch (edit->kind) {
	case GUEST_COPY:
		return buffer_format(out, e, "copy %s to %s", last_name(edit->from), edit->path);
	case GUEST_WRITE:
		return buffer_format(out, e, "write %s", edit->path);
	case GUEST_APPEND:
		return buffer_format(out, e, "append to %s", edit->path);
	case GUEST_REMOVE:
		return buffer_format(out, e, "remove %s", edit->path);
	case GUEST_LINK:
		return buffer_format(out, e, "link %s to %s", edit->path, edit->target);
	case GUEST_MKDIR:
		return buffer_format(out, e, "make folder %s", edit->path);
	case GUEST_MODE:
		return buffer_format(
			out, e, "%s has permissions %04o", edit->path, (unsigned)edit->mode);
	case GUEST_OWNER:
		return owner_describe(edit, out, e);
	case GUEST_ENABLE:
		return buffer_format(out, e, "start %s with the system", edit->name);
	case GUEST_DISABLE:
		return buffer_format(out, e, "do not start %s with the system", edit->name);
	case GUEST_USER:
		return user_describe(edit, out, e);
	case GUEST_HOSTNAME:
		return buffer_format(out, e, "the host name is %s", edit->name);
	case GUEST_TIMEZONE:
		return buffer_format(out, e, "the time zone is %s", edit->name);
	case GUEST_DATASOURCES:
		return list_describe("cloud-init looks for ", &edit->list, out, e);
	case GUEST_FIRST_BOOT:
		return buffer_format(out, e, "run script %s at the first start", edit->name);
	case GUEST_REGISTRY:
		return buffer_format(out, e, "registry: %s, value \"%s\"", edit->path,
			edit->name ? edit->name : "");
	case GUEST_EDIT_KINDS:
		break;
	}
	return error_set(e, ERR_USAGE, "an edit of kind %d", (int)edit->kind);
}

int guest_edit_describe(const struct guest_edit *edit, struct buffer *out, struct error *e)
{
	int rc = edit->kind < GUEST_EDIT_KINDS ? parts_check(edit, e) : 0;

	return rc ? rc : describe(edit, out, e);
}

int edit_refuse(const char *guest, struct error *e)
{
	return error_set(e, ERR_NOTREADY, "%s guests can't have that", guest);
}

static int edit_apply(
	struct guest_image *g, const struct guest_edit *edit, int64_t mtime, struct error *e)
{
	struct buffer why = { 0 };
	struct edit_work w = { .g = g, .edit = edit, .mtime = mtime };
	int rc = guest_edit_describe(edit, &why, e);

	w.why = buffer_text(&why);
	if (!rc)
		rc = g->type->edit(&w, e);
	buffer_free(&why);
	if (rc && edit->kind < GUEST_EDIT_KINDS)
		error_prefix(e, "%s", kinds[edit->kind].name);
	return rc && edit->line ? error_prefix(e, "recipe line %u", edit->line) : rc;
}

int guest_edits_apply(
	struct guest_image *g, const struct guest_edits *l, int64_t mtime, struct error *e)
{
	int rc = 0;

	if (l->count && (!g->type || !g->type->edit))
		return error_set(e, ERR_NOTREADY, "no guest that can be edited was found");
	for (size_t i = 0; i < l->count && !rc; i++) {
		if (g->cancelled && g->cancelled(g->cancelled_arg))
			return error_set(e, ERR_CANCELLED, "interrupted");
		rc = edit_apply(g, &l->edit[i], mtime, e);
	}
	return rc ? rc : tree_failure(g->tree, e);
}
