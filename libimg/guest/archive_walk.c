/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/archive_walk.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/checked.h"

enum {
	ENTRIES_MAX = 1 << 20, /* files, those inside archives inside too */
	FILTERS_MAX = 3, /* rpm's lead and header, a compression, and what ends the chain */
	PIECE = 1 << 16,
	SOURCE_MAX = 4096, /* bytes of a name for messages */
};

static const uint64_t plain_max = UINT64_C(16) << 30;

static const struct ending {
	const char *text;
	enum archive_kind kind;
} endings[] = {
	{ ".rpm", ARCHIVE_RPM },
	{ ".deb", ARCHIVE_DEB },
	{ ".iso", ARCHIVE_ISO },
	{ ".zip", ARCHIVE_ZIP },
	{ ".cab", ARCHIVE_CAB },
	{ ".tar", ARCHIVE_TAR },
	{ ".tar.gz", ARCHIVE_TAR },
	{ ".tgz", ARCHIVE_TAR },
	{ ".tar.bz2", ARCHIVE_TAR },
	{ ".tar.xz", ARCHIVE_TAR },
	{ ".txz", ARCHIVE_TAR },
	{ ".tar.zst", ARCHIVE_TAR },
};

/* An archive that is being read; `outer` is what holds it, in whose current entry it is. */
struct archive_media {
	const struct archive_visitor *visitor;
	struct archive *archive;
	const char *source;
	enum archive_kind kind;
	unsigned depth;
	struct archive_media *outer;
	const struct buffer *bytes; /* all of it, when it is in memory */
	struct error why; /* what ended reading from `outer` */
	uint8_t piece[PIECE]; /* of `outer`, what libarchive works on */
	uint8_t data[PIECE]; /* of the current entry */
};

enum archive_kind archive_kind(const char *path)
{
	const size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t end = strlen(endings[i].text);

		if (len > end && !strcasecmp(path + len - end, endings[i].text))
			return endings[i].kind;
	}
	return ARCHIVE_NONE;
}

/* Errors of the host are told apart from those of the archive. */
static int archive_fault(const struct archive_media *m, struct error *e)
{
	const char *text = archive_error_string(m->archive);

	if (m->why.code)
		return error_set(e, (enum error_code)m->why.code, "%s", m->why.text);
	switch (archive_errno(m->archive)) {
	case ENOMEM:
		return error_nomem(e, "an archive");
	case EIO:
	case EACCES:
	case ENOENT:
	case EMFILE:
	case ENFILE:
		return error_errno(e, archive_errno(m->archive), "reading it");
	default:
		return error_set(
			e, ERR_CORRUPT, "not to be unpacked: %s", text ? text : "no reason given");
	}
}

static int plain_count(struct archive_count *c, uint64_t more, struct error *e)
{
	if (!add_fits(c->plain, more, &c->plain) || c->plain > plain_max)
		return error_set(
			e, ERR_RANGE, "more than %" PRIu64 " bytes when unpacked", plain_max);
	return 0;
}

/* The next bytes of the current entry; none at its end. */
static int data_read(struct archive_media *m, void *buf, size_t len, size_t *got, struct error *e)
{
	const la_ssize_t n = archive_read_data(m->archive, buf, len);

	if (n < 0)
		return archive_fault(m, e);
	*got = (size_t)n;
	return plain_count(m->visitor->count, *got, e);
}

static la_ssize_t outer_read(struct archive *a, void *arg, const void **out)
{
	struct archive_media *m = arg;
	size_t got = 0;

	if (data_read(m->outer, m->piece, sizeof(m->piece), &got, &m->why)) {
		archive_set_error(a, EIO, "%s", m->why.text);
		return ARCHIVE_FATAL;
	}
	*out = m->piece;
	return (la_ssize_t)got;
}

/* Nothing but what belongs into a file of that name is tried. */
static bool formats_set(struct archive *a, enum archive_kind kind)
{
	int rc = ARCHIVE_OK;

	if (kind == ARCHIVE_RPM || kind == ARCHIVE_TAR)
		rc = archive_read_support_filter_gzip(a) | archive_read_support_filter_bzip2(a) |
			archive_read_support_filter_xz(a) | archive_read_support_filter_zstd(a) |
			archive_read_support_filter_lzma(a);
	switch (kind) {
	case ARCHIVE_RPM:
		rc |= archive_read_support_filter_rpm(a) | archive_read_support_format_cpio(a);
		break;
	case ARCHIVE_DEB:
		rc |= archive_read_support_format_ar(a);
		break;
	case ARCHIVE_TAR:
		rc |= archive_read_support_format_tar(a);
		break;
	case ARCHIVE_ISO:
		rc |= archive_read_support_format_iso9660(a);
		break;
	case ARCHIVE_ZIP:
		rc |= archive_read_support_format_zip(a);
		break;
	case ARCHIVE_CAB:
		rc |= archive_read_support_format_cab(a);
		break;
	case ARCHIVE_NONE:
		break;
	}
	return rc == ARCHIVE_OK;
}

static int media_open(struct archive_media *m, struct error *e)
{
	int rc;

	m->archive = archive_read_new();
	if (!m->archive)
		return error_nomem(e, "an archive");
	if (!formats_set(m->archive, m->kind))
		return archive_errno(m->archive) == ENOMEM
			? error_nomem(e, "an archive")
			: error_set(e, ERR_UNSUPPORTED,
				  "libarchive was built without what this kind of file needs");
	if (m->bytes)
		rc = archive_read_open_memory(m->archive, m->bytes->data, m->bytes->len);
	else if (m->outer)
		rc = archive_read_open(m->archive, m, NULL, outer_read, NULL);
	else
		rc = archive_read_open_filename(m->archive, m->source, PIECE);
	if (rc != ARCHIVE_OK)
		return archive_fault(m, e);
	if (archive_filter_count(m->archive) > FILTERS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "compressed more than once");
	return 0;
}

static int entry_visit(struct archive_media *m, struct archive_entry *entry, struct error *e)
{
	const la_int64_t size = archive_entry_size(entry);
	struct archive_file file = { .path = archive_entry_pathname(entry),
		.link = archive_entry_hardlink(entry),
		.in = m->kind,
		.depth = m->depth,
		.media = m };
	struct buffer source = { 0 };
	/* Passing over a file may unpack it. */
	int rc = plain_count(m->visitor->count, size > 0 ? (uint64_t)size : 0, e);

	if (rc)
		return error_prefix(e, "%s", m->source);
	/* A link has no type in some formats. */
	if (!file.path || (archive_entry_filetype(entry) != S_IFREG && !file.link))
		return 0;
	rc = buffer_format(&source, e, "%s: %.*s", m->source, SOURCE_MAX, file.path);
	file.source = buffer_text(&source);
	if (!rc)
		rc = m->visitor->visit(m->visitor->arg, &file, e);
	buffer_free(&source);
	return rc;
}

static int entries_visit(struct archive_media *m, struct error *e)
{
	struct archive_entry *entry;
	int got, rc = 0;

	while (!rc && (got = archive_read_next_header(m->archive, &entry)) != ARCHIVE_EOF) {
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			rc = archive_fault(m, e);
		else if (++m->visitor->count->entries > ENTRIES_MAX)
			rc = error_set(e, ERR_RANGE, "more than %d files", ENTRIES_MAX);
		if (rc)
			return error_prefix(e, "%s", m->source);
		rc = entry_visit(m, entry, e);
	}
	return rc;
}

static int media_walk(const struct archive_visitor *v, const char *source, enum archive_kind kind,
	const struct buffer *bytes, const struct archive_file *in, struct error *e)
{
	struct archive_media *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(e, "an archive");
	m->visitor = v;
	m->source = source;
	m->kind = kind;
	m->bytes = bytes;
	m->outer = in ? in->media : NULL;
	m->depth = in ? in->depth + 1 : 0;
	rc = media_open(m, e);
	if (rc)
		error_prefix(e, "%s", m->source);
	else
		rc = entries_visit(m, e);
	archive_read_free(m->archive);
	free(m);
	return rc;
}

int archive_walk(
	const char *path, enum archive_kind kind, const struct archive_visitor *v, struct error *e)
{
	return media_walk(v, path, kind, NULL, NULL, e);
}

int archive_walk_bytes(const struct buffer *bytes, const struct archive_file *f,
	enum archive_kind kind, const struct archive_visitor *v, struct error *e)
{
	return media_walk(v, f->source, kind, bytes, f, e);
}

int archive_file_walk(struct archive_file *f, enum archive_kind kind, struct error *e)
{
	return media_walk(f->media->visitor, f->source, kind, NULL, f, e);
}

int archive_file_read(struct archive_file *f, size_t limit, struct buffer *out, struct error *e)
{
	struct archive_media *m = f->media;
	size_t got = 0;
	int rc = 0;

	do {
		rc = data_read(m, m->data, sizeof(m->data), &got, e);
		if (!rc && out->len + got > limit)
			rc = error_set(e, ERR_RANGE, "more than %zu bytes", limit);
		if (!rc)
			rc = buffer_append(out, m->data, got, e);
	} while (!rc && got);
	return rc ? error_prefix(e, "%s", f->source) : 0;
}
