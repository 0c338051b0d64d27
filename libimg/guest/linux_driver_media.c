/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel modules in packages, and in media that hold packages or modules, by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/linux_driver.h"

enum {
	ENTRIES_MAX = 1 << 20, /* files of a path, those inside packages too */
	FILTERS_MAX = 3, /* rpm's lead and header, a compression, and what ends the chain */
	PIECE = 1 << 16,
	SOURCE_MAX = 4096, /* bytes of a name for messages */
};

static const uint64_t plain_max = UINT64_C(16) << 30;

enum kind {
	KIND_NONE,
	KIND_RPM,
	KIND_DEB,
	KIND_TAR,
	KIND_ISO,
	KIND_ZIP,
};

static const struct ending {
	const char *text;
	enum kind kind;
} endings[] = {
	{ ".rpm", KIND_RPM },
	{ ".deb", KIND_DEB },
	{ ".iso", KIND_ISO },
	{ ".zip", KIND_ZIP },
	{ ".tar", KIND_TAR },
	{ ".tar.gz", KIND_TAR },
	{ ".tgz", KIND_TAR },
	{ ".tar.bz2", KIND_TAR },
	{ ".tar.xz", KIND_TAR },
	{ ".txz", KIND_TAR },
	{ ".tar.zst", KIND_TAR },
};

/* What all archives of a path share. */
struct search {
	struct drivers *drivers;
	struct driver_medium *medium;
	uint64_t plain; /* bytes unpacked, or announced by files passed over */
	size_t entries, found;
};

/* An archive that is being read; `outer` is what holds it, in whose current entry it is. */
struct media {
	struct search *search;
	struct archive *archive;
	const char *source;
	enum kind kind;
	struct media *outer;
	struct error why; /* what ended reading from `outer` */
	uint8_t piece[PIECE]; /* of `outer`, what libarchive works on */
	uint8_t data[PIECE]; /* of the current entry */
};

static enum kind kind_of(const char *path)
{
	const size_t len = strlen(path);

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		const size_t end = strlen(endings[i].text);

		if (len > end && !strcasecmp(path + len - end, endings[i].text))
			return endings[i].kind;
	}
	return KIND_NONE;
}

bool media_is(const char *path)
{
	return kind_of(path) != KIND_NONE;
}

static int archive_fault(const struct media *m, struct error *e)
{
	const char *text = archive_error_string(m->archive);

	if (m->why.code)
		return error_set(e, (enum error_code)m->why.code, "%s", m->why.text);
	return error_set(e, ERR_CORRUPT, "not to be unpacked: %s", text ? text : "no reason given");
}

static int plain_count(struct search *s, uint64_t more, struct error *e)
{
	if (!add_fits(s->plain, more, &s->plain) || s->plain > plain_max)
		return error_set(
			e, ERR_RANGE, "more than %" PRIu64 " bytes when unpacked", plain_max);
	return 0;
}

/* The next bytes of the current entry; none at its end. */
static int data_read(struct media *m, void *buf, size_t len, size_t *got, struct error *e)
{
	const la_ssize_t n = archive_read_data(m->archive, buf, len);

	if (n < 0)
		return archive_fault(m, e);
	*got = (size_t)n;
	return plain_count(m->search, *got, e);
}

static la_ssize_t outer_read(struct archive *a, void *arg, const void **out)
{
	struct media *m = arg;
	size_t got = 0;

	if (data_read(m->outer, m->piece, sizeof(m->piece), &got, &m->why)) {
		archive_set_error(a, EIO, "%s", m->why.text);
		return ARCHIVE_FATAL;
	}
	*out = m->piece;
	return (la_ssize_t)got;
}

/* Nothing but what belongs into a file of that name is tried. */
static bool formats_set(struct archive *a, enum kind kind)
{
	int rc = ARCHIVE_OK;

	if (kind == KIND_RPM || kind == KIND_TAR)
		rc = archive_read_support_filter_gzip(a) | archive_read_support_filter_bzip2(a) |
			archive_read_support_filter_xz(a) | archive_read_support_filter_zstd(a) |
			archive_read_support_filter_lzma(a);
	switch (kind) {
	case KIND_RPM:
		rc |= archive_read_support_filter_rpm(a) | archive_read_support_format_cpio(a);
		break;
	case KIND_DEB:
		rc |= archive_read_support_format_ar(a);
		break;
	case KIND_TAR:
		rc |= archive_read_support_format_tar(a);
		break;
	case KIND_ISO:
		rc |= archive_read_support_format_iso9660(a);
		break;
	case KIND_ZIP:
		rc |= archive_read_support_format_zip(a);
		break;
	case KIND_NONE:
		break;
	}
	return rc == ARCHIVE_OK;
}

static int media_open(struct media *m, struct error *e)
{
	int rc;

	m->archive = archive_read_new();
	if (!m->archive)
		return error_nomem(e, "an archive");
	if (!formats_set(m->archive, m->kind))
		return error_set(e, ERR_UNSUPPORTED,
			"libarchive was built without what this kind of file needs");
	rc = m->outer ? archive_read_open(m->archive, m, NULL, outer_read, NULL)
		      : archive_read_open_filename(m->archive, m->source, PIECE);
	if (rc != ARCHIVE_OK)
		return archive_fault(m, e);
	if (archive_filter_count(m->archive) > FILTERS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "compressed more than once");
	return 0;
}

static int module_read(struct media *m, const char *source, const char *name, struct error *e)
{
	struct buffer bytes = { 0 };
	size_t got = 0;
	int rc = 0;

	do {
		rc = data_read(m, m->data, sizeof(m->data), &got, e);
		if (!rc && bytes.len + got > MODULE_LIMIT)
			rc = error_set(e, ERR_RANGE, "more than %d bytes", MODULE_LIMIT);
		if (!rc)
			rc = buffer_append(&bytes, m->data, got, e);
	} while (!rc && got);
	if (rc)
		error_prefix(e, "%s", source);
	else
		rc = drivers_add(m->search->drivers, source, name, &bytes, m->search->medium, e);
	m->search->found += !rc;
	buffer_free(&bytes);
	return rc;
}

static int media_walk(struct media *m, struct error *e);

/* The entry is an archive itself. */
static int inner_read(struct media *outer, const char *source, enum kind kind, struct error *e)
{
	struct media *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(e, "an archive");
	m->search = outer->search;
	m->source = source;
	m->kind = kind;
	m->outer = outer;
	rc = media_open(m, e);
	if (rc)
		error_prefix(e, "%s", source);
	else
		rc = media_walk(m, e);
	archive_read_free(m->archive);
	free(m);
	return rc;
}

/* What a regular file inside is: a medium holds packages and modules, a package modules alone.  The
 * files of a Debian package, deb(5), are in one member of it. */
static enum kind inner_kind(const struct media *m, const char *path)
{
	const enum kind kind = kind_of(path);

	if (m->kind == KIND_DEB)
		return !strncmp(path, "data.tar", 8) ? KIND_TAR : KIND_NONE;
	if (m->kind == KIND_RPM || m->outer)
		return KIND_NONE;
	return kind == KIND_RPM || kind == KIND_DEB ? kind : KIND_NONE;
}

static int entry_read(struct media *m, struct archive_entry *entry, struct error *e)
{
	const char *path = archive_entry_pathname(entry), *slash = path ? strrchr(path, '/') : NULL;
	const la_int64_t size = archive_entry_size(entry);
	struct buffer source = { 0 };
	enum kind kind;
	/* Passing over a file may unpack it. */
	int rc = plain_count(m->search, size > 0 ? (uint64_t)size : 0, e);

	if (rc || !path || archive_entry_filetype(entry) != S_IFREG ||
		archive_entry_hardlink(entry))
		return rc;
	kind = inner_kind(m, path);
	if (kind == KIND_NONE && !driver_suffix(path))
		return 0;
	rc = buffer_format(&source, e, "%s: %.*s", m->source, SOURCE_MAX, path);
	if (!rc && kind != KIND_NONE)
		rc = inner_read(m, buffer_text(&source), kind, e);
	else if (!rc)
		rc = module_read(m, buffer_text(&source), slash ? slash + 1 : path, e);
	buffer_free(&source);
	return rc;
}

static int media_walk(struct media *m, struct error *e)
{
	struct archive_entry *entry;
	int got, rc = 0;

	while (!rc && (got = archive_read_next_header(m->archive, &entry)) != ARCHIVE_EOF) {
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			rc = archive_fault(m, e);
		else if (++m->search->entries > ENTRIES_MAX)
			rc = error_set(e, ERR_RANGE, "more than %d files", ENTRIES_MAX);
		if (rc)
			return error_prefix(e, "%s", m->source);
		rc = entry_read(m, entry, e);
	}
	return rc;
}

int media_read(const char *path, struct drivers *out, struct driver_medium *medium, size_t *found,
	struct error *e)
{
	struct search search = { .drivers = out, .medium = medium };
	struct media *m = calloc(1, sizeof(*m));
	int rc;

	if (!m)
		return error_nomem(e, "an archive");
	m->search = &search;
	m->source = path;
	m->kind = kind_of(path);
	rc = media_open(m, e);
	if (rc)
		error_prefix(e, "%s", path);
	else
		rc = media_walk(m, e);
	archive_read_free(m->archive);
	free(m);
	*found += search.found;
	return rc;
}
