/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/hash.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Bytes that can be read in order: a disk or an output. */
struct reading {
	struct disk *disk;
	struct output *file;
	uint64_t size;
	uint64_t zero_until; /* the disk is certainly zero up to here */
};

static int disk_piece(struct reading *r, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	struct extent x;

	if (off >= r->zero_until) {
		int rc = disk_extent(r->disk, off, &x, e);

		if (rc)
			return rc;
		r->zero_until = x.zero ? off + x.length : 0;
	}
	if (r->zero_until < off + len)
		return disk_read(r->disk, off, buf, len, e);
	memset(buf, 0, len);
	return 0;
}

static int piece_read(struct reading *r, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	return r->disk ? disk_piece(r, off, buf, len, e) : output_read(r->file, off, buf, len, e);
}

static int progress_tell(
	const struct convert_options *o, uint64_t done, uint64_t total, struct error *e)
{
	if (o->progress && o->progress(o->progress_arg, done, total))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

/* One piece is digested while the next is read. */
static int reading_hash(struct reading *r, struct digests *digests, uint8_t *both,
	const struct convert_options *o, struct error *e)
{
	uint64_t off = 0;
	int rc = 0;

	for (unsigned turn = 0; !rc && off < r->size; turn++) {
		uint8_t *buf = both + (turn & 1) * (size_t)UNIT_SIZE;
		size_t len = (size_t)min_u64(UNIT_SIZE, r->size - off);

		rc = piece_read(r, off, buf, len, e);
		if (rc)
			break;
		digests_add(digests, buf, len);
		off += len;
		rc = progress_tell(o, off, r->size, e);
	}
	return rc;
}

int hash_check(const struct strings *algorithms, struct error *e)
{
	struct digests *digests = NULL;
	int rc = digests_open(
		&digests, (const char *const *)algorithms->item, algorithms->count, e);

	digests_close(digests);
	if (rc != -ERR_UNSUPPORTED)
		return rc;
	if (e)
		e->code = ERR_USAGE;
	return -ERR_USAGE;
}

static int hash(struct reading *r, const struct strings *algorithms,
	const struct convert_options *o, struct hash_values *out, struct error *e)
{
	struct digests *digests = NULL;
	uint8_t *both;
	int rc = digests_open(
		&digests, (const char *const *)algorithms->item, algorithms->count, e);

	if (rc)
		return rc;
	both = malloc((size_t)2 * UNIT_SIZE);
	rc = both ? reading_hash(r, digests, both, o, e) : error_nomem(e, "digests");
	if (!rc)
		digests_finish(digests, out->hex);
	digests_close(digests);
	free(both);
	return rc;
}

int disk_hash(struct disk *d, const struct strings *algorithms, const struct convert_options *o,
	struct hash_values *out, struct error *e)
{
	struct reading r = { .disk = d, .size = d->size };

	return hash(&r, algorithms, o, out, e);
}

int output_hash(struct output *file, uint64_t size, const struct strings *algorithms,
	const struct convert_options *o, struct hash_values *out, struct error *e)
{
	struct reading r = { .file = file, .size = size };

	return hash(&r, algorithms, o, out, e);
}
