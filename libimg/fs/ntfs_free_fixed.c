/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the volume's own files use: no record of theirs may call it free. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	RUNS_MAX = 4 << 20, /* 64 MiB of memory */
};

struct search {
	const struct ntfs_volume *v;
	struct ntfs_fixed *fixed;
};

int ntfs_fixed_add(struct ntfs_fixed *f, uint64_t start, uint64_t count, struct error *e)
{
	if (f->count == RUNS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "files are in more than %d pieces", RUNS_MAX);
	if (f->count == f->capacity) {
		size_t capacity = f->capacity ? f->capacity * 2 : 64;
		struct ntfs_span *span = reallocarray(f->span, capacity, sizeof(*span));

		if (!span)
			return error_nomem(e, "runs of clusters");
		f->span = span;
		f->capacity = capacity;
	}
	f->span[f->count++] = (struct ntfs_span){ start, start + count };
	return 0;
}

/* Each record of an attribute by itself: what they are to each other does not matter here. */
static int attribute_use(void *arg, const struct ntfs_attribute *a, struct error *e)
{
	const struct search *f = arg;
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
			rc = ntfs_fixed_add(f->fixed, s.run[i].lcn, s.run[i].count, e);
	ntfs_stream_close(&s);
	return rc;
}

static int by_start(const void *a, const void *b)
{
	const struct ntfs_span *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* They use no cluster twice, so their order is that of their ends as well. */
int ntfs_fixed_sort(struct ntfs_fixed *f, struct error *e)
{
	if (f->count)
		qsort(f->span, f->count, sizeof(*f->span), by_start);
	for (size_t i = 1; i < f->count; i++)
		if (f->span[i].start < f->span[i - 1].end)
			return error_set(e, ERR_CORRUPT, "cluster %" PRIu64 " is used by two files",
				f->span[i].start);
	return 0;
}

int ntfs_fixed_find(const struct ntfs_volume *v, struct ntfs_fixed *out, struct error *e)
{
	struct search s = { .v = v, .fixed = out };
	int rc = 0;

	for (uint64_t i = 0; !rc && i < NTFS_FIXED; i++) {
		rc = ntfs_attributes(v, i, 0, attribute_use, &s, e);
		if (rc)
			rc = error_prefix(e, "file record %" PRIu64, i);
	}
	return rc ? rc : ntfs_fixed_sort(out, e);
}

bool ntfs_fixed_has(const struct ntfs_fixed *f, uint64_t start, uint64_t count, uint64_t *at)
{
	size_t low = 0, high = f->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (f->span[mid].end <= start)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == f->count || f->span[low].start >= start + count)
		return false;
	*at = max_u64(start, f->span[low].start);
	return true;
}

void ntfs_fixed_free(struct ntfs_fixed *f)
{
	free(f->span);
	*f = (struct ntfs_fixed){ 0 };
}

int ntfs_bitmap_open(const struct ntfs_volume *v, struct ntfs_stream *out, struct error *e)
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
