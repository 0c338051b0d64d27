/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records of a new account, as useradd(8) of the guest would make them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_user.h"

enum { SUBORDINATES = 65536 };

/* Adds the account's own group; its number is the account's where that is free. */
static int own_group(
	const struct edit_work *w, struct accounts *a, uint32_t uid, uint32_t *gid, struct error *e)
{
	const char *name = w->edit->name;
	struct buffer record = { 0 };
	uint32_t min, max;
	bool found;
	int rc = account_number(&a->text[ACCOUNT_GROUPS], name, ACCOUNT_ID, gid, &found, e);

	if (rc || found)
		return rc;
	rc = linux_login_number(w->g, "GID_MIN", 10, 1000, &min, e);
	if (!rc)
		rc = linux_login_number(w->g, "GID_MAX", 10, 60000, &max, e);
	*gid = uid;
	if (!rc && account_number_used(&a->text[ACCOUNT_GROUPS], ACCOUNT_ID, uid))
		rc = account_number_free(&a->text[ACCOUNT_GROUPS], ACCOUNT_ID, min, max, gid, e);
	if (!rc)
		rc = buffer_format(&record, e, "%s:x:%" PRIu32 ":", name, *gid);
	if (!rc)
		rc = account_add(&a->text[ACCOUNT_GROUPS], buffer_text(&record), e);
	buffer_free(&record);
	if (!rc && a->has[ACCOUNT_GSHADOW] && !account_has(&a->text[ACCOUNT_GSHADOW], name)) {
		rc = buffer_format(&record, e, "%s:!::", name);
		if (!rc)
			rc = account_add(&a->text[ACCOUNT_GSHADOW], buffer_text(&record), e);
	}
	buffer_free(&record);
	return rc;
}

/* The group that it gets: one of its own, or what useradd has for all. */
static int primary_group(
	const struct edit_work *w, struct accounts *a, uint32_t uid, uint32_t *gid, struct error *e)
{
	struct tree_looks looks = { 0 };
	char *own = NULL, *all = NULL;
	int rc = linux_login_value(w->g, "/etc/login.defs", "USERGROUPS_ENAB", &own, e);

	if (!rc && (!own || strcmp(own, "no") != 0)) {
		rc = own_group(w, a, uid, gid, e);
	} else if (!rc) {
		rc = linux_login_value(w->g, "/etc/default/useradd", "GROUP", &all, e);
		if (!rc)
			rc = linux_owner_find(w->g, NULL, all ? all : "100", &looks, e);
		*gid = looks.gid;
	}
	free(own);
	free(all);
	return rc;
}

/* Without the day of the last change nothing becomes too old: the guest would ask for a new
 * password of one that has none. */
static int shadow_add(const struct edit_work *w, struct accounts *a, struct error *e)
{
	static const char *const names[] = { "PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE" };
	struct buffer record = { 0 };
	int rc = buffer_format(&record, e, "%s:!:", w->edit->name);

	if (account_has(&a->text[ACCOUNT_SHADOW], w->edit->name) || !a->has[ACCOUNT_SHADOW]) {
		buffer_free(&record);
		return rc;
	}
	for (size_t i = 0; i < 3 && !rc; i++) {
		uint32_t days;

		rc = linux_login_number(w->g, names[i], 10, UINT32_MAX, &days, e);
		if (!rc)
			rc = days == UINT32_MAX ? buffer_string(&record, ":", e)
						: buffer_format(&record, e, ":%" PRIu32, days);
	}
	if (!rc)
		rc = buffer_string(&record, ":::", e);
	if (!rc)
		rc = account_add(&a->text[ACCOUNT_SHADOW], buffer_text(&record), e);
	buffer_free(&record);
	return rc;
}

/* The first number behind all ranges that are given out (subuid(5)). */
static int range_free(const struct buffer *text, uint32_t min, uint32_t *out, struct error *e)
{
	uint64_t next = min, start, count;
	const char *at = buffer_text(text);

	for (; *at; at += strcspn(at, "\n"), at += *at != 0) {
		const char *first = strchr(at, ':'),
			   *second = first ? strchr(first + 1, ':') : NULL;

		if (!second || (size_t)(second - at) > strcspn(at, "\n"))
			continue;
		start = strtoull(first + 1, NULL, 10);
		count = strtoull(second + 1, NULL, 10);
		if (start <= UINT32_MAX && count <= UINT32_MAX && start + count > next)
			next = start + count;
	}
	if (next > UINT32_MAX - SUBORDINATES)
		return error_set(e, ERR_RANGE, "no range of subordinate numbers is free");
	*out = (uint32_t)next;
	return 0;
}

/* For containers that the account starts. */
static int subordinates_add(const struct edit_work *w, struct accounts *a, struct error *e)
{
	static const struct {
		enum account_file file;
		const char *min, *count;
	} kinds[] = { { ACCOUNT_SUBUID, "SUB_UID_MIN", "SUB_UID_COUNT" },
		{ ACCOUNT_SUBGID, "SUB_GID_MIN", "SUB_GID_COUNT" } };
	int rc = 0;

	for (size_t i = 0; i < 2 && !rc; i++) {
		struct buffer *text = &a->text[kinds[i].file];
		struct buffer record = { 0 };
		uint32_t min, count, start = 0;

		if (!a->has[kinds[i].file] || account_has(text, w->edit->name))
			continue;
		rc = linux_login_number(w->g, kinds[i].min, 10, 100000, &min, e);
		if (!rc)
			rc = linux_login_number(w->g, kinds[i].count, 10, SUBORDINATES, &count, e);
		if (rc || !count)
			continue;
		rc = range_free(text, min, &start, e);
		if (!rc)
			rc = buffer_format(
				&record, e, "%s:%" PRIu32 ":%" PRIu32, w->edit->name, start, count);
		if (!rc)
			rc = account_add(text, buffer_text(&record), e);
		buffer_free(&record);
	}
	return rc;
}

static int passwd_add(
	const struct edit_work *w, struct accounts *a, uint32_t uid, uint32_t gid, struct error *e)
{
	const struct guest_edit *edit = w->edit;
	struct buffer record = { 0 };
	char *shell = NULL, *base = NULL;
	int rc = linux_login_value(w->g, "/etc/default/useradd", "SHELL", &shell, e);

	if (!rc)
		rc = linux_login_value(w->g, "/etc/default/useradd", "HOME", &base, e);
	if (!rc)
		rc = buffer_format(&record, e, "%s:%s:%" PRIu32 ":%" PRIu32 ":%s:%s/%s:%s",
			edit->name, a->has[ACCOUNT_SHADOW] ? "x" : "!", uid, gid,
			edit->comment ? edit->comment : "", base && *base == '/' ? base : "/home",
			edit->name,
			edit->shell               ? edit->shell
				: shell && *shell ? shell
						  : "/bin/sh");
	if (!rc)
		rc = account_add(&a->text[ACCOUNT_PASSWD], buffer_text(&record), e);
	buffer_free(&record);
	free(shell);
	free(base);
	return rc;
}

int linux_user_make(const struct edit_work *w, struct accounts *a, struct error *e)
{
	uint32_t min, max, uid, gid;
	int rc = linux_login_number(w->g, "UID_MIN", 10, 1000, &min, e);

	if (!rc)
		rc = linux_login_number(w->g, "UID_MAX", 10, 60000, &max, e);
	if (!rc)
		rc = account_number_free(&a->text[ACCOUNT_PASSWD], ACCOUNT_ID, min, max, &uid, e);
	if (!rc)
		rc = primary_group(w, a, uid, &gid, e);
	if (!rc)
		rc = passwd_add(w, a, uid, gid, e);
	if (!rc)
		rc = shadow_add(w, a, e);
	return rc ? rc : subordinates_add(w, a, e);
}
