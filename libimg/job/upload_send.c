/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of an image on their way to Glance, as they lie in the file or converted. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/digests.h"
#include "cloud/copy.h"
#include "job/upload_private.h"

enum { PIECE = 512 << 10, SHA512 = 1 /* of upload_algorithm */ };

struct pieces {
	int fd;
	struct stat before;
	struct digests *digests;
	uint8_t *piece[2]; /* one is digested and sent while the other is read */
};

static int pieces_send(
	struct upload *u, struct pieces *p, const struct upload_sink *sink, struct error *e)
{
	const struct convert_options *o = &u->engine;
	uint64_t size = (uint64_t)p->before.st_size;
	size_t turn = 0;
	int rc = 0;

	for (uint64_t off = 0; !rc && off < size; off += PIECE, turn = !turn) {
		size_t len = (size_t)min_u64(PIECE, size - off);

		rc = read_fully(p->fd, off, p->piece[turn], len, e);
		if (rc)
			break;
		digests_add(p->digests, p->piece[turn], len);
		rc = sink->write(sink->arg, p->piece[turn], len, e);
		if (!rc && o->progress && o->progress(o->progress_arg, off + len, size))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	return rc;
}

static int check_unchanged(const struct pieces *p, struct error *e)
{
	struct stat now;

	if (fstat(p->fd, &now))
		return error_errno(e, errno, "cannot look at it");
	if (now.st_size != p->before.st_size || now.st_mtim.tv_sec != p->before.st_mtim.tv_sec ||
		now.st_mtim.tv_nsec != p->before.st_mtim.tv_nsec)
		return error_set(e, ERR_CORRUPT, "changed while it was read");
	return 0;
}

static int file_open(struct pieces *p, const char *path, size_t sums, struct error *e)
{
	p->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0)
		return error_errno(e, errno, "cannot open it");
	if (fstat(p->fd, &p->before))
		return error_errno(e, errno, "cannot look at it");
	if (!S_ISREG(p->before.st_mode))
		return error_set(e, ERR_UNSUPPORTED, "is no plain file: say --as to convert it");
	p->piece[0] = malloc(PIECE);
	p->piece[1] = malloc(PIECE);
	return p->piece[0] && p->piece[1] ? digests_open(&p->digests, upload_algorithm, sums, e)
					  : error_nomem(e, "an upload");
}

static int file_produce(
	struct upload *u, const struct upload_sink *sink, size_t sums, struct error *e)
{
	struct pieces p = { .fd = -1 };
	const char *path = buffer_text(&u->path);
	int rc = file_open(&p, path, sums, e);

	if (!rc) {
		u->result->size = (uint64_t)p.before.st_size;
		rc = sink->begin(sink->arg, u->result->size, e);
	}
	if (!rc)
		rc = pieces_send(u, &p, sink, e);
	if (!rc)
		rc = check_unchanged(&p, e);
	if (!rc)
		digests_finish(p.digests, u->result->hash.hex);
	/* Closing waits for the threads, which read the pieces. */
	digests_close(p.digests);
	free(p.piece[0]);
	free(p.piece[1]);
	if (p.fd >= 0)
		close(p.fd);
	return rc ? error_prefix(e, "%s", path) : 0;
}

static int stream_produce(
	struct upload *u, const struct upload_sink *sink, size_t sums, struct error *e)
{
	const struct upload_job *j = u->job;
	const struct stream_sink out = {
		.begin = sink->begin, .write = sink->write, .arg = sink->arg
	};
	struct convert_outcome outcome = { 0 };
	struct convert_job convert = {
		.source = buffer_text(&u->path),
		.destination = "-",
		.source_format = j->source_format,
		.allow_parent = j->allow_parent,
		.format = j->as,
		.options = j->options,
		.engine = u->engine,
		.tmpdir = j->tmpdir,
	};
	int rc = 0;

	for (size_t i = 0; !rc && i < sums; i++)
		rc = strings_add(&convert.hash, upload_algorithm[i], e);
	if (!rc)
		rc = job_stream(&convert, j->tmpdir, &out, &outcome, e);
	if (!rc) {
		u->result->size = outcome.convert.file_size;
		u->result->hash = outcome.hash;
	}
	dropped_free(&outcome.dropped);
	strings_free(&convert.hash);
	return rc;
}

static bool is_converted(const struct upload *u)
{
	return u->job->as != NULL;
}

bool upload_is_announced(const struct upload *u)
{
	bool all = !is_converted(u);

	for (size_t i = 0; i < UPLOAD_SUMS; i++)
		all = all && u->announced.hex[i][0];
	return all;
}

/* What the bundle promised is what was read.  What is converted has other bytes. */
static int check_announced(const struct upload *u, struct error *e)
{
	const char *got = u->result->hash.hex[SHA512];
	const char *announced = u->announced.hex[SHA512];

	if (is_converted(u) || !*announced || !strcmp(announced, got))
		return 0;
	return error_set(e, ERR_CORRUPT, "%s: has sha512 %.16s..., not the %.16s... of SHA512SUMS",
		buffer_text(&u->path), got, announced);
}

int upload_produce(struct upload *u, const struct upload_sink *sink, size_t sums, struct error *e)
{
	int rc = is_converted(u) ? stream_produce(u, sink, sums, e)
				 : file_produce(u, sink, sums, e);

	if (!rc && !sums)
		u->result->hash = u->announced;
	return rc ? rc : check_announced(u, e);
}

static int begin_nothing(void *arg, uint64_t size, struct error *e)
{
	(void)arg;
	(void)size;
	(void)e;
	return 0;
}

static int write_nothing(void *arg, const void *bytes, size_t len, struct error *e)
{
	(void)arg;
	(void)bytes;
	(void)len;
	(void)e;
	return 0;
}

int upload_digest(struct upload *u, struct error *e)
{
	const struct upload_sink nowhere = { begin_nothing, write_nothing, NULL };

	return upload_produce(u, &nowhere, UPLOAD_SUMS, e);
}

/* What Glance reports unless it is told to use another digest; more would cost time. */
enum { USUAL_SUMS = SHA512 + 1 };

/* The connection as a sink. */
struct line {
	struct upload *u;
	bool answered; /* before all was sent: the server does not want it */
};

static int line_begin(void *arg, uint64_t size, struct error *e)
{
	struct line *l = arg;
	bool import = l->u->job->method == UPLOAD_IMPORT;
	int rc = l->u->created ? 0 : upload_create(l->u, e);

	return rc ? rc
		  : glance_send_begin(l->u->glance, l->u->result->id,
			    import ? GLANCE_STAGE : GLANCE_FILE, size, e);
}

static int line_write(void *arg, const void *bytes, size_t len, struct error *e)
{
	struct line *l = arg;
	int rc = glance_send(l->u->glance, bytes, len, &l->answered, e);

	if (!rc && l->answered)
		rc = error_set(e, ERR_REFUSED, "Glance answered before it had the image");
	return rc;
}

static int send_once(struct upload *u, bool *again, struct error *e)
{
	struct line l = { .u = u };
	const struct upload_sink sink = { line_begin, line_write, &l };
	struct error why = { 0 };
	int rc = upload_produce(u, &sink, upload_is_announced(u) ? 0 : USUAL_SUMS, &why);

	*again = false;
	if (!rc || l.answered) {
		int ended = glance_send_end(u->glance, again, e);

		if (ended || *again || !rc)
			return ended;
	}
	return error_set(e, (enum error_code)why.code, "%s", why.text);
}

int upload_send(struct upload *u, struct error *e)
{
	bool again;
	int rc = send_once(u, &again, e);

	if (!rc && again)
		rc = send_once(u, &again, e);
	if (!rc && again)
		rc = error_set(
			e, ERR_REFUSED, "Glance takes no token of ours, not a new one either");
	if (!rc && u->job->method == UPLOAD_IMPORT)
		rc = glance_import(u->glance, u->result->id, e);
	return rc;
}
