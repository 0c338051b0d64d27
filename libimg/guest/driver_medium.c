/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/driver_medium.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/archive_walk.h"

enum {
	FOLDER_DEPTH_MAX = 32,
	FOLDER_FILES_MAX = 1 << 18,
	ARCHIVE_DEPTH_MAX = 3, /* archives in archives */
};

struct walk {
	medium_visit visit;
	void *arg;
	const char *top; /* of the host: the file whose archive is being read */
	const char *place; /* of it, "" when it was given itself */
	struct archive_count count;
	size_t files;
};

static bool has_ending(const char *path, const char *ending)
{
	const size_t len = strlen(path), end = strlen(ending);

	return len > end && !strcasecmp(path + len - end, ending);
}

/* Appends a path of an archive with "/" between its parts, which has to stay inside. */
static int path_clean(struct buffer *out, const char *path, struct error *e)
{
	const size_t start = out->len;
	int rc = 0;

	for (const char *at = path; !rc && *at;) {
		const size_t len = strcspn(at, "/\\");

		if ((len == 2 && !memcmp(at, "..", 2)) || memchr(at, ':', len))
			return error_set(e, ERR_CORRUPT,
				"it names a file outside of itself, \"%.200s\"", path);
		if (len && !(len == 1 && *at == '.')) {
			rc = buffer_string(out, out->len > start ? "/" : "", e);
			if (!rc)
				rc = buffer_append(out, at, len, e);
		}
		at += len + (at[len] != 0);
	}
	return rc;
}

/* Where a file of an archive is: `prefix` of the archive, and its path in it. */
static int place_make(struct buffer *out, const struct walk *w, const struct archive_file *f,
	const char *path, size_t *path_at, struct error *e)
{
	/* The source is "TOP: ARCHIVE: PATH". */
	const size_t top = strlen(w->top) + 2, all = strlen(f->source), tail = strlen(f->path);
	int rc = 0;

	if (*w->place)
		rc = buffer_format(out, e, "%s: ", w->place);
	if (!rc)
		rc = buffer_append(out, f->source + top, all - tail - top, e);
	*path_at = out->len;
	return rc ? rc : path_clean(out, path, e);
}

struct peek {
	bool found;
};

/* The manifest of a package of Windows ("component based servicing") is on the top. */
static int peek_visit(void *arg, struct archive_file *f, struct error *e)
{
	struct peek *p = arg;

	(void)e;
	p->found = p->found || !strcasecmp(f->path, "update.mum");
	return 0;
}

static bool is_servicing_name(const char *path)
{
	return strcasestr(path, "HyperVIntegrationServices") && has_ending(path, ".cab");
}

static int archive_visit(void *arg, struct archive_file *f, struct error *e);

/* A cabinet in an archive: InstallShield calls another format so. */
static int cabinet_visit(
	struct walk *w, struct archive_file *f, struct medium_file *m, struct error *e)
{
	struct peek peek = { .found = is_servicing_name(f->path) };
	const struct archive_visitor peeking = { peek_visit, &peek, &w->count };
	const struct archive_visitor visitor = { archive_visit, w, &w->count };
	struct buffer bytes = { 0 };
	int rc = archive_file_read(f, MEDIUM_CAB_MAX, &bytes, e);

	if (!rc && bytes.len > 4 && !memcmp(bytes.data, "MSCF", 4)) {
		if (!peek.found)
			rc = archive_walk_bytes(&bytes, f, ARCHIVE_CAB, &peeking, e);
		m->bytes = &bytes;
		m->servicing = peek.found;
		if (!rc && peek.found)
			rc = w->visit(w->arg, m, e);
		else if (!rc)
			rc = archive_walk_bytes(&bytes, f, ARCHIVE_CAB, &visitor, e);
	}
	buffer_free(&bytes);
	return rc;
}

static int archived_visit(
	struct walk *w, struct archive_file *f, struct medium_file *m, struct error *e)
{
	const enum archive_kind kind = archive_kind(m->path);

	if (kind == ARCHIVE_NONE || kind == ARCHIVE_DEB || f->link)
		return w->visit(w->arg, m, e);
	if (f->depth + 1 >= ARCHIVE_DEPTH_MAX)
		return 0;
	return kind == ARCHIVE_CAB ? cabinet_visit(w, f, m, e) : archive_file_walk(f, kind, e);
}

static int archive_visit(void *arg, struct archive_file *f, struct error *e)
{
	struct walk *w = arg;
	struct buffer place = { 0 }, link = { 0 };
	struct medium_file m = { .archived = f };
	size_t at = 0, unused;
	int rc;

	if (strlen(f->path) > MEDIUM_PATH_MAX || (f->link && strlen(f->link) > MEDIUM_PATH_MAX))
		return 0;
	rc = place_make(&place, w, f, f->path, &at, e);
	if (!rc && f->link)
		rc = place_make(&link, w, f, f->link, &unused, e);
	if (rc)
		error_prefix(e, "%s", f->source);
	m.place = buffer_text(&place);
	m.path = m.place + at;
	m.link = f->link ? buffer_text(&link) : NULL;
	if (!rc)
		rc = archived_visit(w, f, &m, e);
	buffer_free(&place);
	buffer_free(&link);
	return rc;
}

/* A regular file of the host. */
static int host_visit(struct walk *w, const char *path, const char *place, struct error *e)
{
	const enum archive_kind kind = archive_kind(path);
	struct peek peek = { .found = is_servicing_name(path) };
	const struct archive_visitor peeking = { peek_visit, &peek, &w->count };
	const struct archive_visitor visitor = { archive_visit, w, &w->count };
	struct medium_file m = { .place = place, .path = place, .host = path };
	int rc = 0;

	if (kind == ARCHIVE_NONE || kind == ARCHIVE_DEB)
		return w->visit(w->arg, &m, e);
	if (kind == ARCHIVE_CAB && !peek.found)
		rc = archive_walk(path, kind, &peeking, e);
	m.servicing = kind == ARCHIVE_CAB && peek.found;
	if (rc || m.servicing)
		return rc ? rc : w->visit(w->arg, &m, e);
	w->top = path;
	return archive_walk(path, kind, &visitor, e);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int folder_entry(struct walk *w, const char *folder, const FTSENT *entry, struct error *e)
{
	const char *place = entry->fts_path + strlen(folder);

	if (entry->fts_info == FTS_NS || entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR)
		return error_errno(e, entry->fts_errno, "%s", entry->fts_path);
	if (++w->files > FOLDER_FILES_MAX || entry->fts_level > FOLDER_DEPTH_MAX)
		return error_set(e, ERR_RANGE,
			"%s: more than %d files, or folders more than %d deep", folder,
			FOLDER_FILES_MAX, FOLDER_DEPTH_MAX);
	if (entry->fts_info != FTS_F)
		return 0;
	place += strspn(place, "/");
	w->place = place;
	return host_visit(w, entry->fts_path, place, e);
}

static int folder_walk(struct walk *w, const char *path, struct error *e)
{
	char *copy = strdup(path);
	char *const roots[] = { copy, NULL };
	FTS *walk = copy ? fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_COMFOLLOW, by_name)
			 : NULL;
	FTSENT *entry;
	int rc = 0;

	if (!walk) {
		free(copy);
		return error_errno(e, errno, "%s", path);
	}
	while (!rc && (errno = 0, entry = fts_read(walk)))
		rc = folder_entry(w, path, entry, e);
	if (!rc && errno)
		rc = error_errno(e, errno, "%s", path);
	fts_close(walk);
	free(copy);
	return rc;
}

int medium_walk(const char *path, medium_visit visit, void *arg, struct error *e)
{
	struct walk w = { .visit = visit, .arg = arg, .top = path, .place = "" };
	const enum archive_kind kind = archive_kind(path);
	const char *slash = strrchr(path, '/');
	struct stat st;

	if (stat(path, &st))
		return error_errno(e, errno, "%s", path);
	if (S_ISDIR(st.st_mode))
		return folder_walk(&w, path, e);
	if (!S_ISREG(st.st_mode))
		return error_set(e, ERR_USAGE, "%s is neither a file nor a folder", path);
	if (has_ending(path, ".msi") || has_ending(path, ".exe"))
		return error_set(e, ERR_UNSUPPORTED,
			"%s is an installer, which only Windows opens; give the folder that it "
			"unpacks to, or a medium that has the drivers as files",
			path);
	if (!has_ending(path, ".inf") && (kind == ARCHIVE_NONE || kind == ARCHIVE_DEB))
		return error_set(e, ERR_USAGE,
			"%s is no folder, no .inf, and no archive or medium (.iso, .cab, .zip, "
			".tar, "
			".rpm) with drivers for Windows",
			path);
	return host_visit(&w, path, slash ? slash + 1 : path, e);
}

int medium_file_read(struct medium_file *f, size_t limit, struct buffer *out, struct error *e)
{
	if (f->bytes && f->bytes->len > limit)
		return error_set(e, ERR_RANGE, "%s: more than %zu bytes", f->place, limit);
	if (f->bytes)
		return buffer_append(out, f->bytes->data, f->bytes->len, e);
	if (f->archived)
		return archive_file_read(f->archived, limit, out, e);
	return medium_host_read(f->host, limit, out, e);
}
