/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What NTFS holds free: the clusters whose bit in $Bitmap is clear.  The copy of the boot sector at
 * the end of the partition is in no cluster, so it stays. */
#include "fs/ntfs_free.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/free.h"

enum {
	PIECE = 64 << 10, /* bytes of $Bitmap at a time */
	FIXED_RUNS_MAX = 4 << 20, /* 64 MiB of memory */
};

/* Clusters from `start` to before `end`. */
struct span {
	uint64_t start, end;
};

/* What the files with fixed records use. */
struct fixed {
	const struct ntfs_volume *v;
	struct span *span;
	size_t count, capacity;
};

static int span_add(struct fixed *f, uint64_t start, uint64_t count, struct error *e)
{
	if (f->count == FIXED_RUNS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "its own files are in more than %d pieces",
			FIXED_RUNS_MAX);
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 64;
		struct span *span = reallocarray(f->span, capacity, sizeof(*span));

		if (!span)
			return error_nomem(e, "runs of clusters");
		f->span = span;
		f->capacity = capacity;
	}
	f->span[f->count++] = (struct span){ start, start + count };
	return 0;
}

/* Each record of an attribute by itself: what they are to each other does not matter here. */
static int attribute_use(void *arg, const struct ntfs_attribute *a, struct error *e)
{
	struct fixed *f = arg;
	struct ntfs_stream s = { 0 };
	le64 first;
	int rc;

	if (a->resident)
		return 0;
	memcpy(&first, a->bytes + 16, sizeof(first));
	s.clusters = get_le64(first);
	rc = ntfs_runs_add(f->v, &s, a, e);
	for (size_t i = 0; !rc && i < s.count; i++)
		if (s.run[i].lcn != NTFS_HOLE)
			rc = span_add(f, s.run[i].lcn, s.run[i].count, e);
	ntfs_stream_close(&s);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* They use no cluster twice, so their order is that of their ends as well. */
static int spans_sort(struct fixed *f, struct error *e)
{
	if (f->count)
		qsort(f->span, f->count, sizeof(*f->span), by_start);
	for (size_t i = 1; i < f->count; i++)
		if (f->span[i].start < f->span[i - 1].end)
			return error_set(e, ERR_CORRUPT,
				"cluster %" PRIu64 " is used by two of the volume's own files",
				f->span[i].start);
	return 0;
}

static int fixed_find(struct fixed *f, struct error *e)
{
	int rc = 0;

	for (uint64_t i = 0; !rc && i < NTFS_FIXED; i++) {
		rc = ntfs_attributes(f->v, i, 0, attribute_use, f, e);
		if (rc)
			rc = error_prefix(e, "file record %" PRIu64, i);
	}
	return rc ? rc : spans_sort(f, e);
}

static int free_check(void *arg, uint64_t start, uint64_t count, struct error *e)
{
	const struct fixed *f = arg;
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->span[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == f->count || f->span[low].start >= start + count)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"$Bitmap says that cluster %" PRIu64 " is free, but a file of the volume's own is "
		"there",
		max_u64(start, f->span[low].start));
}

/* Joins bits to runs, over the pieces that are read. */
struct scan {
	int (*run)(void *arg, uint64_t start, uint64_t count, struct error *e);
	void *arg;
	uint64_t start, count; /* the run so far */
};

static int scan_end(struct scan *s, struct error *e)
{
	uint64_t count = s->count;

	s->count = 0;
	return count ? s->run(s->arg, s->start, count, e) : 0;
}

/* The first bit from `at` on, the first of a byte, whose byte is not `same`. */
static size_t bytes_skip(const uint8_t *bits, size_t at, size_t end, uint8_t same)
{
	while (end - at >= 8 && bits[at / 8] == same)
		at += 8;
	return at;
}

static int piece_scan(
	struct scan *s, const uint8_t *bits, uint64_t first, size_t count, struct error *e)
{
	int rc = 0;

	for (size_t at = 0, next; !rc && at < count; at = next) {
		bool used = bits[at / 8] >> at % 8 & 1;

		next = at % 8 ? at : bytes_skip(bits, at, count, used ? 0xff : 0);
		if (next == at)
			next++;
		if (used) {
			rc = scan_end(s, e);
			continue;
		}
		if (!s->count)
			s->start = first + at;
		s->count += next - at;
	}
	return rc;
}

static int bitmap_scan(const struct ntfs_volume *v, const struct ntfs_stream *bitmap,
	struct scan *s, struct error *e)
{
	uint8_t *bits = malloc(PIECE);
	int rc = 0;

	if (!bits)
		return error_nomem(e, "$Bitmap");
	for (uint64_t at = 0; !rc && at < v->clusters; at += PIECE * 8) {
		size_t count = (size_t)min_u64(PIECE * 8, v->clusters - at);

		rc = ntfs_stream_read(v, bitmap, at / 8, bits, (count + 7) / 8, e);
		if (!rc)
			rc = piece_scan(s, bits, at, count, e);
	}
	if (!rc)
		rc = scan_end(s, e);
	free(bits);
	return rc;
}

static int bitmap_open(const struct ntfs_volume *v, struct ntfs_stream *out, struct error *e)
{
	int rc = ntfs_stream_open(v, NTFS_BITMAP, NTFS_DATA, "", out, e);

	if (!rc &&
		(!out->found || out->flags & NTFS_ATTRIBUTE_PACKED ||
			out->initialized < div_up(v->clusters, 8)))
		rc = error_set(e, ERR_CORRUPT,
			"$Bitmap has %" PRIu64 " bytes for %" PRIu64 " clusters", out->initialized,
			v->clusters);
	return rc;
}

struct runs {
	uint64_t cluster; /* bytes */
	free_each each;
	void *arg;
};

static int run_give(void *arg, uint64_t start, uint64_t count, struct error *e)
{
	const struct runs *r = arg;

	return r->each(r->arg, start * r->cluster, count * r->cluster, e);
}

static int volume_runs(const struct ntfs_volume *v, free_each each, void *arg, struct error *e)
{
	struct ntfs_stream bitmap = { 0 };
	struct fixed fixed = { .v = v };
	struct runs runs = { .cluster = v->cluster, .each = each, .arg = arg };
	int rc = ntfs_state_check(v, e);

	if (!rc)
		rc = ntfs_shadow_check(v, e);
	if (!rc)
		rc = fixed_find(&fixed, e);
	if (!rc)
		rc = bitmap_open(v, &bitmap, e);
	if (!rc)
		rc = bitmap_scan(v, &bitmap, &(struct scan){ .run = free_check, .arg = &fixed }, e);
	if (!rc)
		rc = bitmap_scan(v, &bitmap, &(struct scan){ .run = run_give, .arg = &runs }, e);
	ntfs_stream_close(&bitmap);
	free(fixed.span);
	return rc;
}

int ntfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct ntfs_volume v;
	int rc = ntfs_volume_open(&v, d, e);

	if (rc)
		return rc;
	rc = volume_runs(&v, each, arg, e);
	ntfs_volume_close(&v);
	return rc;
}
