/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An account, made as useradd(8) of the guest would, with a password that nothing matches; or what
 * one lacks of what is asked for. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_user.h"

enum { NAME_LIMIT = 32 };

static const char *const paths[ACCOUNT_FILES] = { "/etc/passwd", "/etc/group", "/etc/shadow",
	"/etc/gshadow", "/etc/subuid", "/etc/subgid" };

static void accounts_free(struct accounts *a)
{
	for (size_t i = 0; i < ACCOUNT_FILES; i++)
		buffer_free(&a->text[i]);
}

static int accounts_load(struct guest_image *g, struct accounts *a, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < ACCOUNT_FILES && !rc; i++) {
		rc = linux_text(g->tree, paths[i], &a->text[i], &a->has[i], e);
		if (!rc && a->text[i].len && memchr(a->text[i].data, 0, a->text[i].len))
			rc = error_set(e, ERR_UNSUPPORTED, "%s holds NUL bytes", paths[i]);
	}
	if (!rc && !(a->has[ACCOUNT_PASSWD] && a->has[ACCOUNT_GROUPS]))
		rc = error_set(e, ERR_NOTREADY, "the guest has no %s",
			paths[a->has[ACCOUNT_PASSWD] ? ACCOUNT_GROUPS : ACCOUNT_PASSWD]);
	return rc;
}

static int accounts_save(const struct edit_work *w, const struct accounts *a, struct error *e)
{
	const struct tree_looks as_it_is = { 0 };
	int rc = 0;

	for (size_t i = 0; i < ACCOUNT_FILES && !rc; i++)
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

static int user_change(const struct edit_work *w, struct accounts *a, struct error *e)
{
	const struct guest_edit *edit = w->edit;
	int rc = edit->shell
		? account_set(&a->text[ACCOUNT_PASSWD], edit->name, ACCOUNT_SHELL, edit->shell, e)
		: 0;

	if (!rc && edit->comment)
		rc = account_set(
			&a->text[ACCOUNT_PASSWD], edit->name, ACCOUNT_COMMENT, edit->comment, e);
	return rc;
}

static int groups_join(const struct edit_work *w, struct accounts *a, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < w->edit->list.count && !rc; i++) {
		const char *group = w->edit->list.item[i];

		if (!account_has(&a->text[ACCOUNT_GROUPS], group))
			return error_set(e, ERR_NOTREADY, "the guest has no group %.64s", group);
		rc = account_join(&a->text[ACCOUNT_GROUPS], group, w->edit->name, e);
		if (!rc && account_has(&a->text[ACCOUNT_GSHADOW], group))
			rc = account_join(&a->text[ACCOUNT_GSHADOW], group, w->edit->name, e);
	}
	return rc;
}

static int user_look(const struct accounts *a, struct linux_user *u, struct error *e)
{
	bool has_uid, has_gid;
	int rc = account_number(
		&a->text[ACCOUNT_PASSWD], u->name, ACCOUNT_ID, &u->uid, &has_uid, e);

	if (!rc)
		rc = account_number(
			&a->text[ACCOUNT_PASSWD], u->name, ACCOUNT_GROUP, &u->gid, &has_gid, e);
	if (!rc)
		rc = account_field(&a->text[ACCOUNT_PASSWD], u->name, ACCOUNT_HOME, &u->home, e);
	if (!rc && !(has_uid && has_gid && u->home && *u->home == '/' && u->home[1]))
		rc = error_set(e, ERR_NOTREADY,
			"the record of %s in /etc/passwd has no numbers, or no home", u->name);
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
		rc = account_has(&a.text[ACCOUNT_PASSWD], u.name) ? user_change(w, &a, e)
								  : linux_user_make(w, &a, e);
	if (!rc)
		rc = groups_join(w, &a, e);
	if (!rc)
		rc = user_look(&a, &u, e);
	if (!rc)
		rc = accounts_save(w, &a, e);
	if (!rc)
		rc = linux_home_edit(w, &u, e);
	if (!rc && w->edit->sudo)
		rc = linux_sudo_allow(w, e);
	free(u.home);
	accounts_free(&a);
	return rc;
}
