/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe asks of a Linux guest. */
#include "guest/linux_edit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_account.h"

static int id_find(
	struct guest_image *g, const char *path, const char *name, uint32_t *out, struct error *e)
{
	struct buffer text = { 0 };
	bool exists, found = false;
	char *end;
	int rc;

	if (isdigit((unsigned char)*name)) {
		const unsigned long n = strtoul(name, &end, 10);

		if (*end || n >= UINT32_MAX)
			return error_set(e, ERR_USAGE, "%s is no number of an account", name);
		*out = (uint32_t)n;
		return 0;
	}
	rc = linux_text(g->tree, path, &text, &exists, e);
	if (!rc)
		rc = account_number(&text, name, ACCOUNT_ID, out, &found, e);
	buffer_free(&text);
	if (!rc && !found)
		rc = error_set(e, ERR_NOTREADY, "the guest's %s has no %s", path, name);
	return rc;
}

int linux_owner_find(struct guest_image *g, const char *owner, const char *group,
	struct tree_looks *out, struct error *e)
{
	int rc = owner ? id_find(g, "/etc/passwd", owner, &out->uid, e) : 0;

	out->has_uid = owner != NULL;
	out->has_gid = group != NULL;
	return rc || !group ? rc : id_find(g, "/etc/group", group, &out->gid, e);
}

/* Absolute, and means the same whatever links are on the way. */
static int path_check(const char *path, struct error *e)
{
	if (*path != '/')
		return error_set(e, ERR_USAGE, "%.200s does not begin with \"/\"", path);
	for (const char *at = strstr(path, "/.."); at; at = strstr(at + 1, "/.."))
		if (!at[3] || at[3] == '/')
			return error_set(e, ERR_USAGE, "%.200s holds \"..\"", path);
	return 0;
}

static int looks_set(const struct edit_work *w, struct error *e)
{
	return tree_set_looks(w->g->tree, w->path, &w->looks, w->why, e);
}

static int do_edit(const struct edit_work *w, struct error *e)
{
	switch (w->edit->kind) {
	case GUEST_COPY:
		return edit_copy(w, e);
	case GUEST_WRITE:
		return edit_write(w, e);
	case GUEST_APPEND:
		return edit_append(w, e);
	case GUEST_REMOVE:
		return edit_remove(w, e);
	case GUEST_LINK:
		return edit_put_link(w, w->path, w->edit->target, e);
	case GUEST_MKDIR:
		return edit_make_directory(w, e);
	case GUEST_MODE:
	case GUEST_OWNER:
		return looks_set(w, e);
	case GUEST_ENABLE:
		return linux_unit_enable(w, w->edit->name, e);
	case GUEST_DISABLE:
		return linux_unit_disable(w, w->edit->name, e);
	case GUEST_USER:
		return linux_user_edit(w, e);
	case GUEST_HOSTNAME:
		return linux_hostname_edit(w, e);
	case GUEST_TIMEZONE:
		return linux_timezone_edit(w, e);
	case GUEST_DATASOURCES:
		return linux_cloud_set(w->g, &w->edit->list, w->why, e);
	case GUEST_FIRST_BOOT:
		return linux_first_boot_edit(w, e);
	case GUEST_REGISTRY:
	case GUEST_EDIT_KINDS:
		break;
	}
	return edit_refuse("Linux", e);
}

int linux_edit(struct edit_work *w, struct error *e)
{
	const struct guest_edit *edit = w->edit;
	int rc = edit->path && edit->kind != GUEST_REGISTRY ? path_check(edit->path, e) : 0;

	w->path = edit->path;
	w->looks.has_mode = edit->has_mode;
	w->looks.mode = edit->mode;
	if (!rc)
		rc = linux_owner_find(w->g, edit->owner, edit->group, &w->looks, e);
	return rc ? rc : do_edit(w, e);
}
