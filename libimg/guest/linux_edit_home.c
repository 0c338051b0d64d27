/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Home folders: made of /etc/skel where there is none, and ssh keys that let their owner in. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_edit.h"

#define SKELETON "/etc/skel"

enum { SKELETON_FILES = 1000, SKELETON_FILE_LIMIT = 16 << 20 };

int linux_login_value(
	struct guest_image *g, const char *path, const char *name, char **out, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	*out = NULL;
	for (const char *line = buffer_text(&text); *line && !rc; line += *line != 0) {
		const char *key = line + strspn(line, " \t"), *value;
		const size_t len = strcspn(key, " \t=\n\"");

		line += strcspn(line, "\n");
		if (len != strlen(name) || strncmp(key, name, len) != 0)
			continue;
		value = key + len + strspn(key + len, " \t=\"");
		free(*out);
		*out = strndup(value, strcspn(value, " \t\r\n\"#"));
		rc = *out ? 0 : error_nomem(e, "a setting");
	}
	buffer_free(&text);
	return rc;
}

int linux_login_number(struct guest_image *g, const char *name, unsigned base, uint32_t otherwise,
	uint32_t *out, struct error *e)
{
	char *text = NULL, *end;
	unsigned long n;
	int rc = linux_login_value(g, "/etc/login.defs", name, &text, e);

	*out = otherwise;
	if (!rc && text && isdigit((unsigned char)*text)) {
		errno = 0;
		n = strtoul(text, &end, (int)base);
		if (!*end && !errno && n <= UINT32_MAX)
			*out = (uint32_t)n;
	}
	free(text);
	return rc;
}

static int own(
	const struct edit_work *w, const struct linux_user *u, const char *path, struct error *e)
{
	const struct tree_looks owner = {
		.has_uid = true, .uid = u->uid, .has_gid = true, .gid = u->gid
	};

	return tree_set_looks(w->g->tree, path, &owner, w->why, e);
}

static int skeleton_file(const struct edit_work *w, const struct linux_user *u, const char *from,
	const struct fs_stat *st, const char *to, struct error *e)
{
	const struct tree_looks looks = { true, true, true, .mode = st->mode & 0777, .uid = u->uid,
		.gid = u->gid };
	struct buffer bytes = { 0 };
	int rc = tree_read(w->g->tree, from, SKELETON_FILE_LIMIT, &bytes, e);

	if (!rc)
		rc = edit_put_as(w, to, bytes.data, bytes.len, &looks, e);
	buffer_free(&bytes);
	return rc;
}

static int skeleton_link(
	const struct edit_work *w, const char *from, const char *to, struct error *e)
{
	struct buffer target = { 0 };
	int rc = tree_readlink(w->g->tree, from, &target, e);

	if (!rc)
		rc = edit_put_link(w, to, buffer_text(&target), e);
	buffer_free(&target);
	return rc;
}

static int skeleton_one(
	const struct edit_work *w, const struct linux_user *u, const char *from, struct error *e)
{
	struct tree_put folder = { .has_mode = true, .mtime = w->mtime, .why = w->why };
	struct buffer to = { 0 };
	struct fs_stat st;
	int rc = tree_stat(w->g->tree, from, TREE_NOFOLLOW, &st, e);

	if (!rc)
		rc = buffer_format(&to, e, "%s%s", u->home, from + strlen(SKELETON));
	folder.mode = st.mode & 0777;
	if (!rc && S_ISREG(st.mode))
		rc = skeleton_file(w, u, from, &st, buffer_text(&to), e);
	else if (!rc && S_ISLNK(st.mode))
		rc = skeleton_link(w, from, buffer_text(&to), e);
	else if (!rc && S_ISDIR(st.mode))
		rc = tree_make_directory(w->g->tree, buffer_text(&to), &folder, e);
	if (!rc && S_ISDIR(st.mode))
		rc = own(w, u, buffer_text(&to), e);
	buffer_free(&to);
	return rc;
}

static int skeleton_copy(const struct edit_work *w, const struct linux_user *u, struct error *e)
{
	struct strings all = { 0 };
	int rc = tree_is(w->g->tree, SKELETON, S_IFDIR)
		? tree_list_all(w->g->tree, SKELETON, SKELETON_FILES, &all, e)
		: 0;

	for (size_t i = 0; i < all.count && !rc; i++)
		rc = skeleton_one(w, u, all.item[i], e);
	strings_free(&all);
	return rc;
}

static int home_make(const struct edit_work *w, const struct linux_user *u, struct error *e)
{
	struct tree_put folder = { .has_mode = true, .mtime = w->mtime, .why = w->why };
	uint32_t umask;
	int rc;

	if (tree_is(w->g->tree, u->home, S_IFDIR))
		return 0;
	rc = linux_login_number(w->g, "UMASK", 8, 022, &umask, e);
	if (!rc)
		rc = linux_login_number(w->g, "HOME_MODE", 8, 0777 & ~umask, &folder.mode, e);
	if (!rc)
		rc = tree_make_directory(w->g->tree, u->home, &folder, e);
	if (!rc)
		rc = own(w, u, u->home, e);
	return rc ? rc : skeleton_copy(w, u, e);
}

/* A public key as sshd(8) has it: what may be done with it, kind, base64, comment. */
static int key_check(const char *key, struct error *e)
{
	static const char *const kinds[] = { "ssh-ed25519 AAAA", "ssh-rsa AAAA",
		"ecdsa-sha2-nistp256 AAAA", "ecdsa-sha2-nistp384 AAAA", "ecdsa-sha2-nistp521 AAAA",
		"sk-ssh-ed25519@openssh.com AAAA", "sk-ecdsa-sha2-nistp256@openssh.com AAAA" };

	for (const char *c = key; *c; c++)
		if ((unsigned char)*c < ' ' && *c != '\t')
			return error_set(e, ERR_USAGE, "an ssh key of more than one line");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *at = strstr(key, kinds[i]);

		if (at && (at == key || at[-1] == ' ' || at[-1] == '\t'))
			return 0;
	}
	return error_set(e, ERR_USAGE,
		"an ssh key that is no public key of ed25519, rsa, ecdsa or a security key");
}

static bool has_line(const char *text, const char *line)
{
	const size_t len = strlen(line);

	for (; *text; text += strcspn(text, "\n"), text += *text != 0)
		if (strcspn(text, "\n") == len && !strncmp(text, line, len))
			return true;
	return false;
}

static int key_add(const char *key, struct buffer *text, struct error *e)
{
	static const char blank[] = " \t\r\n";
	const char *start = key + strspn(key, blank);
	size_t len = strlen(start);
	char *line;
	int rc;

	/* What its file, or an editor, has put around it. */
	while (len && strchr(blank, start[len - 1]))
		len--;
	line = strndup(start, len);
	rc = line ? key_check(line, e) : error_nomem(e, "a key");
	if (!rc && text->len && text->data[text->len - 1] != '\n')
		rc = buffer_string(text, "\n", e);
	if (!rc && !has_line(buffer_text(text), line))
		rc = buffer_format(text, e, "%s\n", line);
	free(line);
	return rc;
}

static int keys_add(const struct edit_work *w, struct buffer *text, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < w->edit->keys.count && !rc; i++)
		rc = key_add(w->edit->keys.item[i], text, e);
	return rc;
}

/* sshd takes no keys that others than their owner could change. */
static int keys_put(const struct edit_work *w, const struct linux_user *u, struct error *e)
{
	const struct tree_put folder = {
		.has_mode = true, .mode = 0700, .mtime = w->mtime, .why = w->why
	};
	const struct tree_looks looks = { true, true, true, .mode = 0600, .uid = u->uid,
		.gid = u->gid };
	struct tree_looks private = looks;
	struct buffer path = { 0 }, text = { 0 };
	bool exists;
	int rc = buffer_format(&path, e, "%s/.ssh", u->home);

	private.mode = 0700;
	if (!rc)
		rc = tree_make_directory(w->g->tree, buffer_text(&path), &folder, e);
	if (!rc)
		rc = tree_set_looks(w->g->tree, buffer_text(&path), &private, w->why, e);
	if (!rc)
		rc = buffer_string(&path, "/authorized_keys", e);
	if (!rc)
		rc = linux_text(w->g->tree, buffer_text(&path), &text, &exists, e);
	if (!rc)
		rc = keys_add(w, &text, e);
	if (!rc)
		rc = edit_put_as(w, buffer_text(&path), text.data, text.len, &looks, e);
	buffer_free(&path);
	buffer_free(&text);
	return rc;
}

/* Homes have labels of their own, which no folder above them has. */
static int label(const struct edit_work *w, struct error *e)
{
	const char *mode = w->g->guest.selinux;
	const struct tree_looks as_it_is = { 0 };

	if (!mode || !strcmp(mode, "disabled") || tree_is(w->g->tree, "/.autorelabel", 0))
		return 0;
	return edit_put_as(w, "/.autorelabel", "", 0, &as_it_is, e);
}

int linux_home_edit(const struct edit_work *w, const struct linux_user *u, struct error *e)
{
	struct buffer keys = { 0 };
	bool fresh = !tree_is(w->g->tree, u->home, S_IFDIR);
	int rc = buffer_format(&keys, e, "%s/.ssh/authorized_keys", u->home);

	fresh = fresh || (w->edit->keys.count && !tree_is(w->g->tree, buffer_text(&keys), S_IFREG));
	buffer_free(&keys);
	if (!rc)
		rc = home_make(w, u, e);
	if (!rc && w->edit->keys.count)
		rc = keys_put(w, u, e);
	return rc || !fresh ? rc : label(w, e);
}
