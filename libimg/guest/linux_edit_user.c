/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An account, made as useradd(8) of the guest would, with a password that nothing matches; or what
 * one lacks of what is asked for. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_account.h"
#include "guest/linux_edit.h"

enum { NAME_LIMIT = 32, SUBORDINATES = 65536 };

/* The files that know accounts; `gshadow`, `subuid` and `subgid` only where the guest has them. */
enum file { PASSWD, GROUP, SHADOW, GSHADOW, SUBUID, SUBGID, FILES };
static const char *const paths[FILES] = { "/etc/passwd", "/etc/group", "/etc/shadow",
	"/etc/gshadow", "/etc/subuid", "/etc/subgid" };

struct accounts {
	struct buffer text[FILES];
	bool has[FILES];
};

static void accounts_free(struct accounts *a)
{
	for (size_t i = 0; i < FILES; i++)
		buffer_free(&a->text[i]);
}

static int accounts_load(struct guest_image *g, struct accounts *a, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < FILES && !rc; i++) {
		rc = linux_text(g->tree, paths[i], &a->text[i], &a->has[i], e);
		if (!rc && a->text[i].len && memchr(a->text[i].data, 0, a->text[i].len))
			rc = error_set(e, ERR_UNSUPPORTED, "%s holds NUL bytes", paths[i]);
	}
	if (!rc && !(a->has[PASSWD] && a->has[GROUP]))
		rc = error_set(e, ERR_NOTREADY, "the guest has no %s",
			paths[a->has[PASSWD] ? GROUP : PASSWD]);
	return rc;
}

static int accounts_save(const struct edit_work *w, const struct accounts *a, struct error *e)
{
	const struct tree_looks as_it_is = { 0 };
	int rc = 0;

	for (size_t i = 0; i < FILES && !rc; i++)
		if (a->has[i])
			rc = edit_put_as(
				w, paths[i], a->text[i].data, a->text[i].len, &as_it_is, e);
	return rc;
}

/* What Debian's adduser and shadow's useradd both take. */
static int name_check(const char *name, struct error *e)
{
	const size_t len = strlen(name);
	bool good = len <= NAME_LIMIT && (islower((unsigned char)*name) || *name == '_');

	for (size_t i = 1; i < len; i++)
		good = good &&
			(islower((unsigned char)name[i]) || isdigit((unsigned char)name[i]) ||
				name[i] == '_' || name[i] == '-');
	return good ? 0 : error_set(e, ERR_USAGE, "%.64s can't be an account's name", name);
}

static int text_check(const char *what, const char *text, struct error *e)
{
	for (const char *c = text; c && *c; c++)
		if (*c == ':' || (unsigned char)*c < ' ' || *c == 127)
			return error_set(
				e, ERR_USAGE, "the %s holds a character that it can't", what);
	return 0;
}

/* Adds the account's own group; its number is the account's where that is free. */
static int own_group(
	const struct edit_work *w, struct accounts *a, uint32_t uid, uint32_t *gid, struct error *e)
{
	const char *name = w->edit->name;
	struct buffer record = { 0 };
	uint32_t min, max;
	bool found;
	int rc = account_number(&a->text[GROUP], name, ACCOUNT_ID, gid, &found, e);

	if (rc || found)
		return rc;
	rc = linux_login_number(w->g, "GID_MIN", 10, 1000, &min, e);
	if (!rc)
		rc = linux_login_number(w->g, "GID_MAX", 10, 60000, &max, e);
	*gid = uid;
	if (!rc && account_number_used(&a->text[GROUP], ACCOUNT_ID, uid))
		rc = account_number_free(&a->text[GROUP], ACCOUNT_ID, min, max, gid, e);
	if (!rc)
		rc = buffer_format(&record, e, "%s:x:%" PRIu32 ":", name, *gid);
	if (!rc)
		rc = account_add(&a->text[GROUP], buffer_text(&record), e);
	buffer_free(&record);
	if (!rc && a->has[GSHADOW] && !account_has(&a->text[GSHADOW], name)) {
		rc = buffer_format(&record, e, "%s:!::", name);
		if (!rc)
			rc = account_add(&a->text[GSHADOW], buffer_text(&record), e);
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

	if (account_has(&a->text[SHADOW], w->edit->name) || !a->has[SHADOW]) {
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
		rc = account_add(&a->text[SHADOW], buffer_text(&record), e);
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
		enum file file;
		const char *min, *count;
	} kinds[] = { { SUBUID, "SUB_UID_MIN", "SUB_UID_COUNT" },
		{ SUBGID, "SUB_GID_MIN", "SUB_GID_COUNT" } };
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
			edit->name, a->has[SHADOW] ? "x" : "!", uid, gid,
			edit->comment ? edit->comment : "", base && *base == '/' ? base : "/home",
			edit->name,
			edit->shell               ? edit->shell
				: shell && *shell ? shell
						  : "/bin/sh");
	if (!rc)
		rc = account_add(&a->text[PASSWD], buffer_text(&record), e);
	buffer_free(&record);
	free(shell);
	free(base);
	return rc;
}

static int user_make(const struct edit_work *w, struct accounts *a, struct error *e)
{
	uint32_t min, max, uid, gid;
	int rc = linux_login_number(w->g, "UID_MIN", 10, 1000, &min, e);

	if (!rc)
		rc = linux_login_number(w->g, "UID_MAX", 10, 60000, &max, e);
	if (!rc)
		rc = account_number_free(&a->text[PASSWD], ACCOUNT_ID, min, max, &uid, e);
	if (!rc)
		rc = primary_group(w, a, uid, &gid, e);
	if (!rc)
		rc = passwd_add(w, a, uid, gid, e);
	if (!rc)
		rc = shadow_add(w, a, e);
	return rc ? rc : subordinates_add(w, a, e);
}

static int user_change(const struct edit_work *w, struct accounts *a, struct error *e)
{
	const struct guest_edit *edit = w->edit;
	int rc = edit->shell
		? account_set(&a->text[PASSWD], edit->name, ACCOUNT_SHELL, edit->shell, e)
		: 0;

	if (!rc && edit->comment)
		rc = account_set(&a->text[PASSWD], edit->name, ACCOUNT_COMMENT, edit->comment, e);
	return rc;
}

static int groups_join(const struct edit_work *w, struct accounts *a, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < w->edit->list.count && !rc; i++) {
		const char *group = w->edit->list.item[i];

		if (!account_has(&a->text[GROUP], group))
			return error_set(e, ERR_NOTREADY, "the guest has no group %.64s", group);
		rc = account_join(&a->text[GROUP], group, w->edit->name, e);
		if (!rc && account_has(&a->text[GSHADOW], group))
			rc = account_join(&a->text[GSHADOW], group, w->edit->name, e);
	}
	return rc;
}

static int user_look(const struct accounts *a, struct linux_user *u, struct error *e)
{
	bool has_uid, has_gid;
	int rc = account_number(&a->text[PASSWD], u->name, ACCOUNT_ID, &u->uid, &has_uid, e);

	if (!rc)
		rc = account_number(&a->text[PASSWD], u->name, ACCOUNT_GROUP, &u->gid, &has_gid, e);
	if (!rc)
		rc = account_field(&a->text[PASSWD], u->name, ACCOUNT_HOME, &u->home, e);
	if (!rc && !(has_uid && has_gid && u->home && *u->home == '/' && u->home[1]))
		rc = error_set(e, ERR_NOTREADY,
			"the record of %s in /etc/passwd has no numbers, or no home", u->name);
	return rc;
}

static int includes(struct guest_image *g, bool *answer, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, "/etc/sudoers", &text, &exists, e);

	*answer = !rc && (strstr(buffer_text(&text), "includedir /etc/sudoers.d") != NULL);
	buffer_free(&text);
	return rc;
}

/* sudo ignores a file whose name has a dot, or that others may write. */
static int sudo_allow(const struct edit_work *w, struct error *e)
{
	const struct tree_looks looks = { true, true, true, .mode = 0440 };
	const struct tree_put folder = {
		.has_mode = true, .mode = 0750, .mtime = w->mtime, .why = w->why
	};
	struct buffer path = { 0 }, text = { 0 };
	bool included;
	int rc = includes(w->g, &included, e);

	if (!rc && !(included && tree_is(w->g->tree, "/usr/bin/sudo", S_IFREG)))
		rc = error_set(e, ERR_NOTREADY,
			"the guest has no sudo, or one that does not read /etc/sudoers.d");
	if (!rc)
		rc = tree_make_directory(w->g->tree, "/etc/sudoers.d", &folder, e);
	if (!rc)
		rc = buffer_format(&path, e, "/etc/sudoers.d/90-%s", w->edit->name);
	if (!rc)
		rc = buffer_format(&text, e, "%s ALL=(ALL:ALL) NOPASSWD: ALL\n", w->edit->name);
	if (!rc)
		rc = edit_put_as(w, buffer_text(&path), text.data, text.len, &looks, e);
	buffer_free(&path);
	buffer_free(&text);
	return rc;
}

static int user_check(const struct edit_work *w, struct error *e)
{
	const struct guest_edit *edit = w->edit;
	int rc = name_check(edit->name, e);

	if (!rc)
		rc = text_check("comment", edit->comment, e);
	if (!rc)
		rc = text_check("shell", edit->shell, e);
	if (!rc && edit->shell &&
		(*edit->shell != '/' || !tree_is(w->g->tree, edit->shell, S_IFREG)))
		rc = error_set(e, ERR_NOTREADY, "the guest has no shell %.200s", edit->shell);
	return rc;
}

int linux_user_edit(const struct edit_work *w, struct error *e)
{
	struct linux_user u = { .name = w->edit->name };
	struct accounts a = { 0 };
	int rc = user_check(w, e);

	if (!rc)
		rc = accounts_load(w->g, &a, e);
	if (!rc)
		rc = account_has(&a.text[PASSWD], u.name) ? user_change(w, &a, e)
							  : user_make(w, &a, e);
	if (!rc)
		rc = groups_join(w, &a, e);
	if (!rc)
		rc = user_look(&a, &u, e);
	if (!rc)
		rc = accounts_save(w, &a, e);
	if (!rc)
		rc = linux_home_edit(w, &u, e);
	if (!rc && w->edit->sudo)
		rc = sudo_allow(w, e);
	free(u.home);
	accounts_free(&a);
	return rc;
}
