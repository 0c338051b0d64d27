/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk as its journal leaves it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "fs/ext_journal.h"

enum {
	EXT_SUPER = 1024, /* bytes of the disk, and its length */
	INCOMPAT = 0x60,
	RO_COMPAT = 0x64,
	SUM = 0x3fc,
};

/* Bytes that stand for those of the disk. */
struct patch {
	uint64_t off;
	uint8_t bytes[1024];
};

struct replayed {
	struct disk disk;
	struct disk *below;
	uint32_t block;
	struct journal_copy *copy;
	size_t copies;
	struct patch patch[2]; /* the superblocks of file system and journal */
	size_t patches;
};

static struct replayed *replayed_of(struct disk *d)
{
	return (struct replayed *)d;
}

/* The first copy at or after a block. */
static size_t copy_find(const struct replayed *r, uint64_t block)
{
	size_t low = 0, high = r->copies;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->copy[middle].target < block)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A part of a block from its copy. */
static int copy_read(struct replayed *r, const struct journal_copy *copy, size_t start, uint8_t *to,
	size_t len, struct error *e)
{
	const be32 magic = put_be32(JOURNAL_MAGIC);
	int rc = disk_read(r->below, copy->source * r->block + start, to, len, e);

	if (!rc && copy->escaped && start < sizeof(magic))
		memcpy(to, magic.b + start, (size_t)min_u64(len, sizeof(magic) - start));
	return rc;
}

static void patches_read(const struct replayed *r, uint64_t off, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < r->patches; i++) {
		const struct patch *p = &r->patch[i];
		uint64_t from = max_u64(off, p->off);
		uint64_t to = min_u64(off + len, p->off + sizeof(p->bytes));

		if (from < to)
			memcpy(buf + (from - off), p->bytes + (from - p->off), (size_t)(to - from));
	}
}

static int replayed_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct replayed *r = replayed_of(d);
	size_t next = copy_find(r, off / r->block);
	uint8_t *to = buf;
	size_t step;
	int rc = 0;

	for (size_t done = 0; !rc && done < len; done += step) {
		uint64_t at = off + done, block = at / r->block;
		size_t start = (size_t)(at % r->block);

		if (next < r->copies && r->copy[next].target == block) {
			step = (size_t)min_u64(len - done, r->block - start);
			rc = copy_read(r, &r->copy[next++], start, to + done, step, e);
			continue;
		}
		step = len - done;
		if (next < r->copies)
			step = (size_t)min_u64(step, r->copy[next].target * r->block - at);
		rc = disk_read(r->below, at, to + done, step, e);
	}
	if (!rc)
		patches_read(r, off, buf, len);
	return rc;
}

/* Writes all copies to their places.  The journal itself is left, so that it can be done again. */
static int replay(struct replayed *r, struct error *e)
{
	uint8_t *block = malloc(r->block);
	int rc = block ? 0 : error_nomem(e, "a journal");

	for (size_t i = 0; !rc && i < r->copies; i++) {
		rc = copy_read(r, &r->copy[i], 0, block, r->block, e);
		if (!rc)
			rc = disk_write(r->below, r->copy[i].target * r->block, block, r->block, e);
	}
	/* The file system's superblock is the last to change: until then it needs recovery. */
	for (size_t i = r->patches; !rc && i--;)
		rc = disk_write(
			r->below, r->patch[i].off, r->patch[i].bytes, sizeof(r->patch[i].bytes), e);
	free(block);
	if (!rc)
		r->copies = r->patches = 0;
	return rc;
}

static int replayed_write(
	struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct replayed *r = replayed_of(d);
	int rc = r->copies || r->patches ? replay(r, e) : 0;

	return rc ? rc : disk_write(r->below, off, buf, len, e);
}

static void replayed_close(struct disk *d)
{
	struct replayed *r = replayed_of(d);

	free(r->copy);
	free(r);
}

static const struct disk_ops replayed_ops = {
	.read = replayed_read,
	.write = replayed_write,
	.close = replayed_close,
};

/* The file system's superblock, without the mark that its journal is to be replayed. */
static int super_patch(struct replayed *r, struct error *e)
{
	struct patch p = { .off = EXT_SUPER };
	le32 value;
	int rc = disk_read(&r->disk, p.off, p.bytes, sizeof(p.bytes), e);

	if (rc)
		return rc;
	memcpy(&value, p.bytes + INCOMPAT, sizeof(value));
	value = put_le32(get_le32(value) & ~(uint32_t)EXT3_FEATURE_INCOMPAT_RECOVER);
	memcpy(p.bytes + INCOMPAT, &value, sizeof(value));
	memcpy(&value, p.bytes + RO_COMPAT, sizeof(value));
	if (get_le32(value) & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM) {
		value = put_le32(journal_sum(UINT32_MAX, p.bytes, SUM));
		memcpy(p.bytes + SUM, &value, sizeof(value));
	}
	r->patch[r->patches++] = p;
	return 0;
}

/* The journal's superblock says that there is nothing in it, and where sequence numbers go on. */
static int journal_patch(struct replayed *r, const struct journal_log *j, struct error *e)
{
	struct patch p = { 0 };
	be32 value[2] = { put_be32(j->next + 1), put_be32(0) };
	be32 sum;
	int rc = journal_block(j, 0, &p.off, e);

	if (rc)
		return rc;
	p.off *= r->block;
	memcpy(p.bytes, j->super, sizeof(p.bytes));
	memcpy(p.bytes + 0x18, value, sizeof(value));
	if (journal_has_sums(j)) {
		memset(p.bytes + 0xfc, 0, sizeof(sum));
		sum = put_be32(journal_sum(UINT32_MAX, p.bytes, sizeof(p.bytes)));
		memcpy(p.bytes + 0xfc, &sum, sizeof(sum));
	}
	r->patch[r->patches++] = p;
	return 0;
}

int ext_replay_open(struct ext *x, struct disk *d, struct disk **out, struct error *e)
{
	struct replayed *r = calloc(1, sizeof(*r));
	struct journal_log j;
	int rc;

	if (!r)
		return error_nomem(e, "a journal");
	r->disk = *d;
	r->disk.ops = &replayed_ops;
	r->below = d;
	r->block = x->e2->blocksize;
	rc = journal_open(x, &j, e);
	if (!rc)
		rc = journal_scan(&j, e);
	if (!rc) {
		r->copy = j.copy;
		r->copies = j.copies;
		j.copy = NULL;
		rc = super_patch(r, e);
	}
	if (!rc)
		rc = journal_patch(r, &j, e);
	journal_close(&j);
	if (rc)
		replayed_close(&r->disk);
	else
		*out = &r->disk;
	return rc;
}
