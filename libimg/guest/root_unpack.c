/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/root_unpack.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/root_unpack_private.h"

enum {
	PIECE = 256 << 10, /* bytes read at once */
	FILTERS_MAX = 2, /* compression, and what ends the list */
	ENTRIES_MAX = 4 * ROOT_NAMES_MAX, /* the same name may come again */
	PROGRESS_EVERY = 64, /* entries */
};

int unpack_fault(struct unpacking *u, struct error *e)
{
	const char *text = archive_error_string(u->archive);

	switch (archive_errno(u->archive)) {
	case ENOMEM:
		return error_nomem(e, "a tar");
	case EIO:
	case EACCES:
	case ENOENT:
	case EISDIR:
		return error_errno(e, archive_errno(u->archive), "reading it");
	default:
		return error_set(
			e, ERR_CORRUPT, "not to be unpacked: %s", text ? text : "no reason given");
	}
}

static int tar_open(struct unpacking *u, struct error *e)
{
	struct archive *a = archive_read_new();
	struct stat st;
	int rc;

	u->archive = a;
	if (!a)
		return error_nomem(e, "a tar");
	rc = archive_read_support_filter_gzip(a) | archive_read_support_filter_bzip2(a) |
		archive_read_support_filter_xz(a) | archive_read_support_filter_zstd(a) |
		archive_read_support_format_tar(a);
	if (rc != ARCHIVE_OK)
		return error_set(
			e, ERR_UNSUPPORTED, "libarchive was built without gzip, bzip2, xz or zstd");
	if (stat(u->job->tar, &st))
		return error_errno(e, errno, "reading it");
	u->tar_size = (uint64_t)st.st_size;
	if (archive_read_open_filename(a, u->job->tar, PIECE) != ARCHIVE_OK)
		return unpack_fault(u, e);
	if (archive_filter_count(a) > FILTERS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "compressed more than once");
	return 0;
}

static int progress(struct unpacking *u, struct error *e)
{
	const struct root_unpack *j = u->job;
	const la_int64_t done = archive_filter_bytes(u->archive, -1);

	if (!j->progress ||
		!j->progress(j->progress_arg, min_u64(done > 0 ? (uint64_t)done : 0, u->tar_size),
			u->tar_size))
		return 0;
	return error_set(e, ERR_CANCELLED, "cancelled");
}

static int entries_unpack(struct unpacking *u, struct error *e)
{
	struct archive_entry *entry;
	size_t count = 0;
	int got, rc = 0;

	while (!rc && (got = archive_read_next_header(u->archive, &entry)) != ARCHIVE_EOF) {
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return unpack_fault(u, e);
		if (++count > ENTRIES_MAX)
			return error_set(e, ERR_UNSUPPORTED, "more than %d entries", ENTRIES_MAX);
		rc = unpack_entry(u, entry, e);
		if (!rc && count % PROGRESS_EVERY == 0)
			rc = progress(u, e);
	}
	if (!rc && !count)
		rc = error_set(e, ERR_CORRUPT, "the tar is empty");
	return rc;
}

struct listing {
	const struct root_names *names;
	uint32_t next; /* and 1 */
};

static void listing_next(void *arg, struct ext_fill_name *out, bool *more)
{
	struct listing *l = arg;
	const struct root_name *one;

	*more = l->next != 0;
	if (!*more)
		return;
	one = &l->names->name[l->next - 1];
	*out = (struct ext_fill_name){ .name = l->names->text + one->text,
		.len = one->len,
		.node = one->node,
		.mode = one->mode };
	l->next = one->next;
}

static int directories_write(struct unpacking *u, struct error *e)
{
	const struct root_names *names = &u->names;
	int rc = 0;

	for (size_t i = 0; i < names->count && !rc; i++) {
		const struct root_name *dir = &names->name[i];
		struct listing l = { .names = names, .next = dir->first };
		const struct ext_fill_directory d = { .node = dir->node,
			.parent = names->name[dir->parent].node,
			.size_min = dir->node == EXT_FILL_LOST_FOUND ? EXT_FILL_LOST_FOUND_SIZE : 0,
			.next = listing_next,
			.arg = &l };

		if (S_ISDIR(dir->mode))
			rc = ext_fill_directory(u->job->root, &d, e);
	}
	if (rc == -ERR_RANGE) {
		u->full = *e;
		*e = (struct error){ 0 };
		rc = 0;
	}
	return rc;
}

/* The file system came with it. */
static int lost_found_add(struct unpacking *u, struct error *e)
{
	static const char name[] = "lost+found";
	uint32_t at;
	int rc = root_names_add(&u->names, 0, name, strlen(name), &at, e);

	if (rc)
		return rc;
	u->names.name[at].node = EXT_FILL_LOST_FOUND;
	u->names.name[at].mode = S_IFDIR;
	return 0;
}

static int left_out_tell(
	struct unpacking *u, uint64_t count, const char *code, const char *what, struct error *e)
{
	struct buffer text = { 0 };
	struct finding f = { .code = (char *)(uintptr_t)code, .severity = SEVERITY_WARNING };
	int rc;

	if (!count || !u->job->notes)
		return 0;
	rc = buffer_format(&text, e, "%llu %s", (unsigned long long)count, what);
	f.text = (char *)text.data;
	if (!rc)
		rc = report_add(u->job->notes, &f, e);
	buffer_free(&text);
	return rc;
}

static int unpack(struct unpacking *u, struct error *e)
{
	int rc = tar_open(u, e);

	if (!rc)
		rc = root_names_open(&u->names, u->job->root->root, e);
	if (!rc)
		rc = lost_found_add(u, e);
	if (!rc)
		rc = entries_unpack(u, e);
	if (!rc && !u->full.code)
		rc = directories_write(u, e);
	if (!rc && !u->full.code)
		rc = ext_fill_end(u->job->root, e);
	if (!rc)
		rc = left_out_tell(u, u->left_out, "attributes-left-out",
			"extended attributes of the root tar have names that ext4 does not store",
			e);
	if (!rc)
		rc = left_out_tell(u, u->sockets, "sockets-left-out",
			"sockets of the root tar were left out: programs make their own", e);
	return rc;
}

int root_unpack(const struct root_unpack *j, struct root_size *size, bool *full, struct error *e)
{
	struct unpacking u = { .job = j, .size = size };
	int rc;

	*size = (struct root_size){ 0 };
	rc = unpack(&u, e);
	*full = u.full.code != 0;
	if (!rc && *full) {
		*e = u.full;
		rc = -e->code;
	}
	root_names_close(&u.names);
	archive_read_free(u.archive);
	return rc ? error_prefix(e, "%s", j->tar) : 0;
}
