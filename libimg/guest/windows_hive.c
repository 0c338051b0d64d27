/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hive files of a guest and their logs. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/windows.h"

/* The file beside the hive that is called as it and `ending`, in any case; NULL: there is none. */
static int beside(struct tree *t, const char *path, const char *ending, char **out, struct error *e)
{
	const size_t folder = (size_t)(strrchr(path, '/') - path);
	const size_t len = strlen(path + folder + 1);
	struct buffer found = { 0 };
	struct strings names = { 0 };
	char *directory = strndup(path, folder ? folder : 1);
	int rc = directory ? tree_list(t, directory, &names, e) : error_nomem(e, "a path");

	for (size_t i = 0; i < names.count && !rc && !found.len; i++)
		if (!strncasecmp(names.item[i], path + folder + 1, len) &&
			!strcasecmp(names.item[i] + len, ending))
			rc = buffer_format(&found, e, "%.*s/%s", (int)folder, path, names.item[i]);
	*out = (char *)found.data;
	free(directory);
	strings_free(&names);
	return rc;
}

/* Windows up to 2003 has one log, later ones two. */
static int logs_find(struct tree *t, struct windows_hive *h, struct error *e)
{
	int rc = beside(t, h->path, ".LOG1", &h->log1, e);

	if (!rc)
		rc = beside(t, h->path, ".LOG2", &h->log2, e);
	if (!rc && !h->log1 && !h->log2)
		rc = beside(t, h->path, ".LOG", &h->log1, e);
	return rc;
}

static int part_read(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	int rc = path ? tree_read(t, path, HIVE_LIMIT, out, e) : 0;

	return rc ? error_prefix(e, "%s", path) : 0;
}

static int files_read(
	struct tree *t, const struct windows_hive *h, struct buffer bytes[3], struct error *e)
{
	int rc = part_read(t, h->path, &bytes[0], e);

	if (!rc)
		rc = part_read(t, h->log1, &bytes[1], e);
	return rc ? rc : part_read(t, h->log2, &bytes[2], e);
}

/* What is wrong with the image is kept, for the findings; what failed on the host is not. */
static int problem_keep(struct windows_hive *h, const struct error *why, struct error *e)
{
	int rc = error_of_host(why, e);

	if (rc)
		return rc;
	h->problem_code = why->code;
	h->problem = strdup(why->text);
	return h->problem ? 0 : error_nomem(e, "a hive");
}

/* One that must not be edited can still be looked at, older than Windows would see it. */
static int look_only(const struct hive_files *files, struct windows_hive *h, struct error *e)
{
	const struct hive_options o = { .force_dirty = true };
	struct error why = { 0 };

	if (!hive_open(files, &o, &h->hive, &why))
		return 0;
	return error_of_host(&why, e);
}

static int files_open(struct guest_image *g, const struct buffer bytes[3], const char *volume,
	struct windows_hive *h, struct error *e)
{
	const struct hive_files files = { .primary = bytes[0].data,
		.primary_len = bytes[0].len,
		.log1 = bytes[1].data,
		.log1_len = bytes[1].len,
		.log2 = bytes[2].data,
		.log2_len = bytes[2].len };
	const struct hive_options o = { .write = g->write,
		.force_dirty = g->force_dirty,
		.journal = g->journal,
		.volume = volume,
		.path = h->path };
	struct error why = { 0 };
	int rc = hive_open(&files, &o, &h->hive, &why);

	if (!rc)
		return 0;
	error_prefix(&why, "%s", h->path);
	rc = problem_keep(h, &why, e);
	return rc || why.code != ERR_REFUSED ? rc : look_only(&files, h, e);
}

int windows_hive_open_on(struct guest_image *g, struct tree *t, const char *volume,
	const char *path, struct windows_hive *out, struct error *e)
{
	struct windows_hive h = { .path = strdup(path) };
	struct buffer bytes[3] = { { 0 } };
	struct error why = { 0 };
	int rc = h.path ? 0 : error_nomem(e, "a hive");

	if (!rc && (logs_find(t, &h, &why) || files_read(t, &h, bytes, &why)))
		rc = problem_keep(&h, &why, e);
	else if (!rc)
		rc = files_open(g, bytes, volume, &h, e);
	for (size_t i = 0; i < 3; i++)
		buffer_free(&bytes[i]);
	if (rc)
		windows_hive_close(&h);
	else
		*out = h;
	return rc;
}

int windows_hive_open(
	struct guest_image *g, const char *path, struct windows_hive *out, struct error *e)
{
	return windows_hive_open_on(g, g->tree, g->guest.root, path, out, e);
}

/* An entry of a log is for a hive that was not written back; none may be left to be matched with
 * the new one. */
static int log_empty(struct tree *t, const char *path, struct error *e)
{
	struct tree_put put = { .why = "its entries are in the hive" };
	struct fs_stat st;
	int rc = path ? tree_stat(t, path, TREE_FOLLOW, &st, e) : 0;

	if (rc || !path || !st.size)
		return rc;
	put.mtime = st.mtime;
	return tree_put_bytes(t, path, "", 0, &put, e);
}

int windows_hive_write_on(struct tree *t, struct windows_hive *h, struct error *e)
{
	struct tree_put put = { .why = "the changed registry values" };
	struct buffer bytes = { 0 };
	struct fs_stat st;
	int rc;

	if (!h->hive || h->problem || !hive_changed(h->hive))
		return 0;
	if (hive_entries_applied(h->hive))
		put.why = "what its logs have, and the changed registry values";
	rc = hive_finish(h->hive, &bytes, e);
	if (!rc)
		rc = tree_stat(t, h->path, TREE_FOLLOW, &st, e);
	if (!rc) {
		put.mtime = st.mtime;
		rc = tree_put_bytes(t, h->path, bytes.data, bytes.len, &put, e);
	}
	if (!rc)
		rc = log_empty(t, h->log1, e);
	if (!rc)
		rc = log_empty(t, h->log2, e);
	buffer_free(&bytes);
	return rc ? error_prefix(e, "%s", h->path) : 0;
}

int windows_hive_write(struct guest_image *g, struct windows_hive *h, struct error *e)
{
	return windows_hive_write_on(g->tree, h, e);
}

void windows_hive_close(struct windows_hive *h)
{
	hive_close(h->hive);
	free(h->path);
	free(h->log1);
	free(h->log2);
	free(h->problem);
	*h = (struct windows_hive){ 0 };
}
