/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What XFS holds free. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/free.h"
#include "fs/xfs_free.h"

enum {
	SECTOR_MAX = 32 << 10, /* bytes */
	BLOCK_MAX = 64 << 10,
	AG_HEADERS = 4, /* sectors */
	AG_BYTES_MIN = 16 << 20,
	SUPER_CRC_AT = 224,
	AGF_CRC_AT = 216,
	/* Features of version 5 that change nothing about free space. */
	RO_COMPAT_KNOWN = 0xf, /* finobt, rmapbt, reflink, inobtcount */
	INCOMPAT_KNOWN = 0xef, /* ftype, spinodes, meta_uuid, bigtime, nrext64, exchange, parent */
	INCOMPAT_META_UUID = 0x4,
	VERSION_SHARED = 0x200,
};
#define LOG_BYTES_MAX UINT64_C(0x80000000)

/* Of an AG's header for free space, in its second sector. */
struct agf {
	uint8_t magic[4]; /* +0x00 "XAGF" */
	be32 version; /* +0x04 1 */
	be32 number; /* +0x08 */
	be32 blocks; /* +0x0c */
	be32 root[3]; /* +0x10 by block number, by size, rmap */
	be32 levels[3]; /* +0x1c */
	be32 list[3]; /* +0x28 of blocks kept for the trees */
	be32 free; /* +0x34 blocks */
	be32 longest; /* +0x38 */
	be32 tree_blocks; /* +0x3c */
	uint8_t uuid[16]; /* +0x40 */
};
_Static_assert(sizeof(struct agf) == 80, "XFS AG free space header");

static int features_check(const struct xfs_super *s, struct error *e)
{
	uint32_t version = get_be16(s->version) & 0xf;

	if ((version != 4 && version != 5) || get_be16(s->version) & VERSION_SHARED)
		return error_set(e, ERR_UNSUPPORTED, "XFS of version 0x%x", get_be16(s->version));
	if (version == 5 &&
		(get_be32(s->ro_compat) & ~(uint32_t)RO_COMPAT_KNOWN ||
			get_be32(s->incompat) & ~(uint32_t)INCOMPAT_KNOWN ||
			get_be32(s->log_incompat)))
		return error_set(e, ERR_REFUSED,
			"it has features whose free blocks hvimg does not know (0x%x, 0x%x, 0x%x)",
			get_be32(s->ro_compat), get_be32(s->incompat), get_be32(s->log_incompat));
	if (get_be64(s->rt_blocks) || s->in_progress)
		return error_set(e, ERR_REFUSED, "it has a realtime device, or is being made");
	if (!get_be64(s->log_start))
		return error_set(
			e, ERR_REFUSED, "its log is on another device, so it may have changes");
	return 0;
}

static int geometry_read(struct xfs *x, const struct xfs_super *s, struct error *e)
{
	uint64_t bytes, start = get_be64(s->log_start), ag_bytes;

	x->block = get_be32(s->block);
	x->sector = get_be16(s->sector);
	x->blocks = get_be64(s->blocks);
	x->ag_blocks = get_be32(s->ag_blocks);
	x->ags = get_be32(s->ags);
	if (!is_power_of_two(x->block) || !is_power_of_two(x->sector) || x->block > BLOCK_MAX ||
		x->sector > SECTOR_MAX || x->sector < XFS_BASIC || x->sector > x->block)
		return error_set(
			e, ERR_CORRUPT, "blocks of %u bytes in sectors of %u", x->block, x->sector);
	ag_bytes = (uint64_t)x->ag_blocks * x->block;
	if (!mul_fits(x->blocks, x->block, &bytes) || bytes > x->disk->size || !x->ags ||
		ag_bytes < AG_BYTES_MIN || div_up(x->blocks, x->ag_blocks) != x->ags ||
		s->ag_log > 31 || x->ag_blocks > UINT64_C(1) << s->ag_log)
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " blocks of %u bytes in %u AGs of %u on a disk of %" PRIu64,
			x->blocks, x->block, x->ags, x->ag_blocks, x->disk->size);
	if (start >> s->ag_log >= x->ags)
		return error_set(e, ERR_CORRUPT, "the log is said to be at 0x%" PRIx64, start);
	x->log_ag = (uint32_t)(start >> s->ag_log);
	x->log_at = (uint32_t)(start & ((UINT64_C(1) << s->ag_log) - 1));
	x->log_blocks = get_be32(s->log_blocks);
	return 0;
}

static uint32_t ag_size(const struct xfs *x, uint32_t number)
{
	return number + 1 < x->ags ? x->ag_blocks
				   : (uint32_t)(x->blocks - (uint64_t)number * x->ag_blocks);
}

static int super_read(struct xfs *x, struct error *e)
{
	uint8_t sector[SECTOR_MAX];
	struct xfs_super s;
	int rc = disk_read(x->disk, 0, &s, sizeof(s), e);

	if (!rc)
		rc = features_check(&s, e);
	if (!rc)
		rc = geometry_read(x, &s, e);
	if (rc)
		return rc;
	x->sums = (get_be16(s.version) & 0xf) == 5;
	memcpy(x->uuid,
		x->sums && get_be32(s.incompat) & INCOMPAT_META_UUID ? s.structures_uuid : s.uuid,
		sizeof(x->uuid));
	rc = disk_read(x->disk, 0, sector, x->sector, e);
	if (!rc && x->sums && !xfs_sum_is_right(sector, x->sector, SUPER_CRC_AT))
		rc = error_set(e, ERR_CORRUPT, "the checksum of the superblock is wrong");
	if (!rc &&
		(!range_fits(x->log_at, x->log_blocks, ag_size(x, x->log_ag)) || !x->log_blocks ||
			(uint64_t)x->log_blocks * x->block > LOG_BYTES_MAX))
		rc = error_set(e, ERR_CORRUPT, "the log is said to have %u blocks", x->log_blocks);
	return rc;
}

static int ag_read(const struct xfs *x, uint32_t number, struct xfs_ag *out, struct error *e)
{
	uint8_t sector[SECTOR_MAX];
	uint32_t blocks = ag_size(x, number);
	struct agf f;
	int rc = disk_read(x->disk, xfs_offset(x, number, 0) + x->sector, sector, x->sector, e);

	if (rc)
		return rc;
	memcpy(&f, sector, sizeof(f));
	if (memcmp(f.magic, "XAGF", 4) != 0 || get_be32(f.version) != 1 ||
		get_be32(f.number) != number || get_be32(f.blocks) != blocks ||
		(x->sums && memcmp(f.uuid, x->uuid, sizeof(f.uuid)) != 0))
		return error_set(e, ERR_CORRUPT, "AG %u has no header for free space", number);
	if (x->sums && !xfs_sum_is_right(sector, x->sector, AGF_CRC_AT))
		return error_set(e, ERR_CORRUPT,
			"the checksum of the header for free space of AG %u is wrong", number);
	*out = (struct xfs_ag){ .number = number,
		.blocks = blocks,
		.root = get_be32(f.root[0]),
		.levels = get_be32(f.levels[0]),
		.free = get_be32(f.free),
		.longest = get_be32(f.longest) };
	return 0;
}

/* What an AG can't have free: its headers, the log, and the tree itself. */
struct check {
	const struct xfs *x;
	const struct xfs_ag *ag;
	uint32_t *block; /* of the tree */
	size_t count, capacity;
};

static int block_seen(void *arg, uint32_t block, struct error *e)
{
	struct check *c = arg;

	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 64;
		uint32_t *all = reallocarray(c->block, capacity, sizeof(*all));

		if (!all)
			return error_nomem(e, "a tree of free space");
		c->block = all;
		c->capacity = capacity;
	}
	c->block[c->count++] = block;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

/* Whether the tree has one of these blocks. */
static bool tree_has(const struct check *c, uint32_t start, uint32_t count)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->block[mid] < start)
			low = mid + 1;
		else
			high = mid;
	}
	return low < c->count && c->block[low] - start < count;
}

static int record_seen(void *arg, uint32_t start, uint32_t count, struct error *e)
{
	(void)arg;
	(void)start;
	(void)count;
	(void)e;
	return 0;
}

static int record_check(void *arg, uint32_t start, uint32_t count, struct error *e)
{
	const struct check *c = arg;
	const struct xfs *x = c->x;
	uint64_t end = (uint64_t)start + count;

	if (start < div_up((uint64_t)AG_HEADERS * x->sector, x->block) ||
		(c->ag->number == x->log_ag && start < (uint64_t)x->log_at + x->log_blocks &&
			x->log_at < end) ||
		tree_has(c, start, count))
		return error_set(e, ERR_CORRUPT,
			"AG %u says that %u blocks from %u on are free, but structures lie in them",
			c->ag->number, count, start);
	return 0;
}

static int ag_check(const struct xfs *x, uint32_t number, struct error *e)
{
	struct xfs_ag ag;
	struct check c = { .x = x, .ag = &ag };
	int rc = ag_read(x, number, &ag, e);

	if (!rc)
		rc = xfs_tree_walk(x, &ag, &(struct xfs_visit){ record_seen, block_seen, &c }, e);
	if (!rc && c.count) {
		qsort(c.block, c.count, sizeof(*c.block), by_number);
		rc = xfs_tree_walk(x, &ag, &(struct xfs_visit){ record_check, NULL, &c }, e);
	}
	free(c.block);
	return rc;
}

struct runs {
	const struct xfs *x;
	uint32_t ag;
	free_each each;
	void *arg;
};

static int record_run(void *arg, uint32_t start, uint32_t count, struct error *e)
{
	const struct runs *r = arg;

	return r->each(r->arg, xfs_offset(r->x, r->ag, start), (uint64_t)count * r->x->block, e);
}

int xfs_free_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct xfs x = { .disk = d };
	struct runs r = { .x = &x, .each = each, .arg = arg };
	int rc = super_read(&x, e);

	if (!rc)
		rc = xfs_log_check(&x, e);
	for (uint32_t i = 0; !rc && i < x.ags; i++)
		rc = ag_check(&x, i, e);
	for (; !rc && r.ag < x.ags; r.ag++) {
		struct xfs_ag ag;

		rc = ag_read(&x, r.ag, &ag, e);
		if (!rc)
			rc = xfs_tree_walk(&x, &ag, &(struct xfs_visit){ record_run, NULL, &r }, e);
	}
	return rc;
}
