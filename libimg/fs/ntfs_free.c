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
};

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

static int free_check(void *arg, uint64_t start, uint64_t count, struct error *e)
{
	uint64_t at;

	if (!ntfs_fixed_has(arg, start, count, &at))
		return 0;
	return error_set(e, ERR_CORRUPT,
		"$Bitmap says that cluster %" PRIu64 " is free, but a file of the volume's own is "
		"there",
		at);
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
	struct ntfs_fixed fixed = { 0 };
	struct runs runs = { .cluster = v->cluster, .each = each, .arg = arg };
	int rc = ntfs_state_check(v, e);

	if (!rc)
		rc = ntfs_shadow_check(v, e);
	if (!rc)
		rc = ntfs_fixed_find(v, &fixed, e);
	if (!rc)
		rc = ntfs_bitmap_open(v, &bitmap, e);
	if (!rc)
		rc = bitmap_scan(v, &bitmap, &(struct scan){ .run = free_check, .arg = &fixed }, e);
	if (!rc)
		rc = bitmap_scan(v, &bitmap, &(struct scan){ .run = run_give, .arg = &runs }, e);
	ntfs_stream_close(&bitmap);
	ntfs_fixed_free(&fixed);
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
