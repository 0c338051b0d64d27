/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/http_url.h"
#include "job/fetch_private.h"

int fetch_progress(const struct fetching *f, uint64_t done, uint64_t total, struct error *e)
{
	const struct convert_options *o = f->job->engine;

	if (o->progress && o->progress(o->progress_arg, done, total))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

void fetch_say(const struct fetching *f, const char *format, ...)
{
	char text[1200];
	va_list args;

	if (!f->job->say)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	f->job->say(f->job->say_arg, text);
}

/* *good: nothing has to be asked.  `usable` when the server has to be. */
static int cached_look(struct fetching *f, bool *good, struct error *e)
{
	const struct fetch_job *j = f->job;
	struct fetch_note *n = &f->cached;
	char *sha256 = f->out->sha256, pinned[DIGEST_HEX_MAX];
	bool there = false;
	int rc = fetch_note_read(buffer_text(&f->names.note), n, e);

	*good = false;
	if (rc || (!j->digest && !(n->sha256 && (n->etag || n->modified))))
		return rc;
	rc = fetch_file_digests(f, buffer_text(&f->names.file), &there, sha256, pinned, e);
	if (rc || !there)
		return rc;
	*good = j->digest && !strcmp(pinned, j->digest);
	f->usable = !j->digest && !strcmp(sha256, n->sha256);
	return 0;
}

static void part_remove(const struct fetching *f)
{
	unlink(buffer_text(&f->names.part));
	unlink(buffer_text(&f->names.part_note));
}

static int folder_sync(const char *path, struct error *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return error_errno(e, errno, "cannot open %s", path);
	if (fsync(fd) && errno != EINVAL)
		rc = error_errno(e, errno, "cannot sync %s", path);
	close(fd);
	return rc;
}

/* The part becomes the file; a note that is missing then costs a download. */
static int part_commit(struct fetching *f, struct error *e)
{
	const char *path = buffer_text(&f->names.file);
	int rc;

	if (!f->job->no_sync && fsync(f->part.fd))
		return error_errno(e, errno, "cannot sync %s", f->part.path);
	if (rename(f->part.path, path))
		return error_errno(e, errno, "cannot put %s in place", path);
	f->note.sha256 = strdup(f->out->sha256);
	if (!f->note.sha256)
		return error_nomem(e, "a digest");
	f->note.total = f->part.have;
	free(f->note.boot);
	f->note.boot = NULL;
	rc = fetch_note_write(buffer_text(&f->names.note), buffer_text(&f->shown), &f->note, e);
	unlink(buffer_text(&f->names.part_note));
	if (!rc && !f->job->no_sync)
		rc = folder_sync(f->job->cache, e);
	return rc;
}

/* Of several pieces one may have been of another file: then all is taken once more. */
static int part_check(struct fetching *f, bool *again, struct error *e)
{
	const struct fetch_job *j = f->job;
	char pinned[DIGEST_HEX_MAX];

	*again = false;
	fetch_part_digests(f, f->out->sha256, pinned);
	if (!j->digest || !strcmp(pinned, j->digest))
		return 0;
	part_remove(f);
	if (f->continued && !f->repeated) {
		f->repeated = true;
		fetch_say(f, "%s: its parts were not of one file: from the beginning",
			buffer_text(&f->shown));
		*again = true;
		return 0;
	}
	return error_set(e, ERR_REFUSED, "%s: its %s is %s, the recipe says %s",
		buffer_text(&f->shown), j->digest_name, pinned, j->digest);
}

/* What the next run could not go on with is no use. */
static void part_leave(const struct fetching *f)
{
	if (!f->part.have || !(f->job->digest || f->note.validator))
		part_remove(f);
}

static int download_once(struct fetching *f, bool *again, struct error *e)
{
	bool current = false;
	int rc = fetch_part_open(f, e);

	*again = false;
	if (rc)
		return rc;
	rc = fetch_note_read(buffer_text(&f->names.part_note), &f->note, e);
	if (!rc)
		rc = fetch_transfer(f, &current, e);
	if (rc || current)
		part_leave(f);
	if (!rc && !current)
		rc = part_check(f, again, e);
	if (!rc && !current && !*again)
		rc = part_commit(f, e);
	if (current)
		strcpy(f->out->sha256, f->cached.sha256);
	fetch_part_close(&f->part);
	fetch_note_free(&f->note);
	return rc;
}

static int download(struct fetching *f, struct error *e)
{
	bool again;
	int rc = download_once(f, &again, e);

	return !rc && again ? download_once(f, &again, e) : rc;
}

static int fetching_open(struct fetching *f, struct error *e)
{
	int rc = http_url_shown(f->job->url, &f->shown, e);

	if (!rc && !f->job->cache)
		rc = error_set(e, ERR_USAGE,
			"%s: no folder for what is downloaded: --cache names one",
			buffer_text(&f->shown));
	return rc ? rc : fetch_names_make(f->job, &f->names, e);
}

/* Gives the file's path away, or nothing at all. */
static int fetching_close(struct fetching *f, int rc, bool found)
{
	if (!rc && found) {
		f->out->path = f->names.file;
		f->names.file = (struct buffer){ 0 };
	} else {
		fetched_free(f->out);
		f->out->sha256[0] = 0;
	}
	fetch_note_free(&f->cached);
	fetch_names_free(&f->names);
	buffer_free(&f->shown);
	return rc;
}

/* From here on nobody else changes what is there.  A cache that cannot be written to may have what
 * is pinned all the same: then *good. */
static int cache_enter(struct fetching *f, bool *good, struct error *e)
{
	int rc = fetch_folder_make(f->job->cache, e);

	if (!rc)
		rc = fetch_lock(f, e);
	if (!rc || rc == -ERR_CANCELLED || !f->job->digest)
		return rc;
	return !cached_look(f, good, NULL) && *good ? 0 : rc;
}

int fetch_file(const struct fetch_job *j, struct fetched *out, struct error *e)
{
	struct fetching f = { .job = j, .out = out };
	bool good = false;
	int rc;

	*out = (struct fetched){ 0 };
	rc = fetching_open(&f, e);
	if (!rc)
		rc = cache_enter(&f, &good, e);
	if (!rc && !good)
		rc = cached_look(&f, &good, e);
	if (!rc && !good)
		rc = download(&f, e);
	return fetching_close(&f, rc, true);
}

int fetch_cached(const struct fetch_job *j, struct fetched *out, struct error *e)
{
	struct fetching f = { .job = j, .out = out };
	bool good = false;
	int rc;

	*out = (struct fetched){ 0 };
	if (!j->digest || !j->cache)
		return 0;
	rc = fetching_open(&f, e);
	if (!rc)
		rc = cached_look(&f, &good, e);
	return fetching_close(&f, rc, good);
}
