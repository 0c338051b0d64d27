/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single files and folders. */
#include <string.h>
#include <sys/stat.h>

#include "guest/guest_edit_work.h"

enum { APPEND_LIMIT = 1 << 20 }; /* bytes of a text file that is added to */

static bool asks(const struct tree_looks *l)
{
	return l->has_mode || l->has_uid || l->has_gid;
}

int edit_put_as(const struct edit_work *w, const char *path, const void *bytes, size_t len,
	const struct tree_looks *looks, struct error *e)
{
	struct tree_put put = {
		.has_mode = looks->has_mode, .mode = looks->mode, .mtime = w->mtime, .why = w->why
	};
	struct fs_stat st;
	int rc = w->check ? w->check(w, path, e) : 0;

	if (!tree_stat(w->g->tree, path, TREE_FOLLOW, &st, NULL))
		put.mtime = st.mtime;
	if (!rc)
		rc = tree_put_bytes(w->g->tree, path, bytes, len, &put, e);
	if (!rc && (looks->has_uid || looks->has_gid))
		rc = tree_set_looks(w->g->tree, path, looks, w->why, e);
	return rc;
}

int edit_put(
	const struct edit_work *w, const char *path, const void *bytes, size_t len, struct error *e)
{
	return edit_put_as(w, path, bytes, len, &w->looks, e);
}

int edit_put_link(const struct edit_work *w, const char *path, const char *target, struct error *e)
{
	const struct tree_put put = { .mtime = w->mtime, .why = w->why };

	return tree_put_link(w->g->tree, path, target, &put, e);
}

int edit_write(const struct edit_work *w, struct error *e)
{
	return edit_put(w, w->path, w->edit->text, strlen(w->edit->text), e);
}

/* The lines of `text`, each ended as those of the file are. */
static int lines_make(const char *text, bool crlf, struct buffer *out, struct error *e)
{
	int rc = 0;

	do {
		const size_t len = strcspn(text, "\n");

		rc = buffer_append(out, text, len - (len && text[len - 1] == '\r'), e);
		if (!rc)
			rc = buffer_string(out, crlf ? "\r\n" : "\n", e);
		text += len + (text[len] != 0);
	} while (*text && !rc);
	return rc;
}

/* Whether the lines stand in the file one after the other, the last of it ended or not. */
static bool has_lines(const struct buffer *file, const struct buffer *lines, size_t end)
{
	const uint8_t *at = file->data;
	size_t left = file->len;

	while (left) {
		const uint8_t *next = memchr(at, '\n', left);
		const size_t step = next ? (size_t)(next - at) + 1 : left;

		if ((left >= lines->len && !memcmp(at, lines->data, lines->len)) ||
			(left == lines->len - end && !memcmp(at, lines->data, left)))
			return true;
		at += step;
		left -= step;
	}
	return false;
}

static int file_read(const struct edit_work *w, struct buffer *out, struct error *e)
{
	struct fs_stat st;
	int rc = tree_stat(w->g->tree, w->path, TREE_FOLLOW, &st, e);

	if (rc)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	rc = tree_read(w->g->tree, w->path, APPEND_LIMIT, out, e);
	if (!rc && out->len && memchr(out->data, 0, out->len))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s holds NUL bytes: it is no text, or one in UTF-16", w->path);
	return rc;
}

int edit_append(const struct edit_work *w, struct error *e)
{
	struct buffer file = { 0 }, lines = { 0 };
	bool crlf = w->crlf;
	int rc = file_read(w, &file, e);

	if (!rc && file.len)
		crlf = strstr(buffer_text(&file), "\r\n") != NULL;
	if (!rc)
		rc = lines_make(w->edit->text, crlf, &lines, e);
	if (!rc && !has_lines(&file, &lines, crlf ? 2 : 1)) {
		if (file.len && file.data[file.len - 1] != '\n')
			rc = buffer_string(&file, crlf ? "\r\n" : "\n", e);
		if (!rc)
			rc = buffer_append(&file, lines.data, lines.len, e);
	}
	/* Also when nothing is added: its looks may differ. */
	if (!rc)
		rc = edit_put(w, w->path, file.data, file.len, e);
	buffer_free(&file);
	buffer_free(&lines);
	return rc;
}

int edit_remove(const struct edit_work *w, struct error *e)
{
	struct error why = { 0 };
	struct fs_stat st;
	int rc = tree_stat(w->g->tree, w->path, TREE_NOFOLLOW, &st, &why);

	if (rc == -ERR_NOTFOUND)
		return 0;
	if (rc && e)
		*e = why;
	if (!rc && w->check)
		rc = w->check(w, w->path, e);
	return rc ? rc : tree_remove_all(w->g->tree, w->path, w->why, e);
}

int edit_make_directory(const struct edit_work *w, struct error *e)
{
	const struct tree_put put = { .has_mode = w->looks.has_mode,
		.mode = w->looks.mode,
		.mtime = w->mtime,
		.why = w->why };
	int rc = tree_make_directory(w->g->tree, w->path, &put, e);

	if (!rc && asks(&w->looks))
		rc = tree_set_looks(w->g->tree, w->path, &w->looks, w->why, e);
	return rc;
}
