/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening and closing FAT volumes.  Sections 3 and 5. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/fat.h"

enum {
	BOOT = 512,
	FAT12_MAX = 4084, /* clusters */
	FAT16_MAX = 65524,
	FAT32_MAX = 0x0ffffff5,
	CLUSTER_MAX = 64 << 10,
};

static uint32_t field(const uint8_t *boot, size_t at, size_t len)
{
	uint32_t value = 0;

	while (len--)
		value = value << 8 | boot[at + len];
	return value;
}

struct geometry {
	uint32_t sector, per_cluster, reserved, tables, entries, sectors, table;
	bool wide; /* FAT32 */
};

static int geometry_read(const uint8_t *boot, struct geometry *g, struct error *e)
{
	*g = (struct geometry){
		.sector = field(boot, 11, 2),
		.per_cluster = boot[13],
		.reserved = field(boot, 14, 2),
		.tables = boot[16],
		.entries = field(boot, 17, 2),
		.sectors = field(boot, 19, 2) ? field(boot, 19, 2) : field(boot, 32, 4),
		.table = field(boot, 22, 2) ? field(boot, 22, 2) : field(boot, 36, 4),
		.wide = !field(boot, 22, 2),
	};
	if (!is_power_of_two(g->sector) || g->sector < 512 || g->sector > 4096)
		return error_set(e, ERR_CORRUPT, "sectors of %u bytes", g->sector);
	if (!is_power_of_two(g->per_cluster) || g->sector * g->per_cluster > CLUSTER_MAX)
		return error_set(e, ERR_CORRUPT, "clusters of %u sectors of %u bytes",
			g->per_cluster, g->sector);
	if (!g->reserved || !g->tables || !g->table)
		return error_set(e, ERR_CORRUPT,
			"%u reserved sectors, %u file allocation tables of %u sectors", g->reserved,
			g->tables, g->table);
	if (g->wide && field(boot, 42, 2))
		return error_set(e, ERR_UNSUPPORTED, "version 0x%x of FAT32", field(boot, 42, 2));
	if (g->wide == (g->entries != 0))
		return error_set(e, ERR_CORRUPT, "a root directory of %u entries on FAT%s",
			g->entries, g->wide ? "32" : "12 or FAT16");
	return 0;
}

/* Where everything is.  As in Linux, FAT32 is told by its table's length, and clusters that the
 * table has no entries for do not exist. */
static int layout(struct fat *f, const struct geometry *g, uint64_t size, struct error *e)
{
	uint64_t total = (uint64_t)g->sectors * g->sector, clusters;

	f->cluster = g->sector * g->per_cluster;
	f->tables = g->tables;
	f->table = (uint64_t)g->reserved * g->sector;
	f->table_len = (uint64_t)g->table * g->sector;
	f->root = f->table + f->tables * f->table_len;
	f->root_len = (uint64_t)g->entries * FAT_ENTRY;
	f->data = f->root + round_up(f->root_len, g->sector);
	if (total > size || f->data > total)
		return error_set(e, ERR_CORRUPT,
			"%u sectors of %u bytes, data from byte %" PRIu64 " on, on %" PRIu64
			" bytes",
			g->sectors, g->sector, f->data, size);
	clusters = (total - f->data) / f->cluster;
	f->bits = g->wide ? 32 : clusters > FAT12_MAX ? 16 : 12;
	clusters = min_u64(clusters, f->table_len * 8 / f->bits - 2);
	if (!clusters || clusters > (g->wide ? FAT32_MAX : FAT16_MAX))
		return error_set(
			e, ERR_CORRUPT, "%" PRIu64 " clusters on FAT%u", clusters, f->bits);
	f->end = (uint32_t)clusters + 2;
	f->search = 2;
	f->mirrored = true;
	return 0;
}

/* Where FSInfo is, when it is what it should be. */
static int info_find(struct fat *f, const struct geometry *g, uint32_t sector, struct error *e)
{
	static const uint8_t lead[] = "RRaA", middle[] = "rrAa";
	uint64_t at = (uint64_t)sector * g->sector;
	uint8_t info[BOOT];
	int rc;

	if (!sector || sector >= g->reserved)
		return 0;
	rc = cache_read(f->cache, at, info, sizeof(info), e);
	if (!rc && !memcmp(info, lead, 4) && !memcmp(info + 484, middle, 4) &&
		field(info, 508, 4) == 0xaa550000)
		f->info = at;
	return rc;
}

static int load_wide(struct fat *f, const struct geometry *g, const uint8_t *boot, struct error *e)
{
	uint32_t flags = field(boot, 40, 2);

	f->root_cluster = field(boot, 44, 4);
	f->mirrored = !(flags & 0x80);
	f->active = f->mirrored ? 0 : flags & 15;
	if (f->active >= f->tables)
		return error_set(e, ERR_CORRUPT, "file allocation table %u of %u is the active one",
			f->active, f->tables);
	if (!fat_is_cluster(f, f->root_cluster))
		return error_set(e, ERR_CORRUPT, "the root directory begins with cluster %u of %u",
			f->root_cluster, f->end);
	return info_find(f, g, field(boot, 48, 2), e);
}

static int load(struct fat *f, struct disk *d, struct error *e)
{
	uint8_t boot[BOOT];
	struct geometry g;
	int rc = disk_read(d, 0, boot, sizeof(boot), e);

	if (!rc)
		rc = geometry_read(boot, &g, e);
	if (!rc)
		rc = layout(f, &g, d->size, e);
	if (!rc)
		rc = cache_open(d, &f->cache, e);
	if (!rc && g.wide)
		rc = load_wide(f, &g, boot, e);
	if (rc)
		return error_prefix(e, "boot sector");
	if (!f->fs.writable)
		return 0;
	rc = fat_check(f, e);
	return rc ? error_prefix(e, "the vfat file system is not consistent, run fsck.fat on it")
		  : 0;
}

static int fat_xattrs(
	struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e)
{
	struct fat_raw raw;
	int rc = fat_node(fat_of(fs), node, &raw, e);

	if (rc)
		return rc;
	*out = NULL;
	*count = 0;
	return 0;
}

static int fat_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e)
{
	(void)fs;
	(void)out;
	return error_set(e, ERR_USAGE, "directory entry %" PRIu64 " is no symbolic link", node);
}

static int fat_sync(struct fs *fs, struct error *e)
{
	int rc = fat_table_sync(fat_of(fs), e);

	return rc ? rc : cache_flush(fat_of(fs)->cache, e);
}

static void fat_close(struct fs *fs)
{
	cache_close(fat_of(fs)->cache);
	free(fs);
}

static const struct fs_ops fat_ops = {
	.lookup = fat_lookup,
	.list = fat_list,
	.stat = fat_stat,
	.xattrs = fat_xattrs,
	.read = fat_read,
	.readlink = fat_readlink,
	.put = fat_put,
	.remove = fat_remove,
	.free_bytes = fat_free_bytes,
	.free_runs = fat_free_runs,
	.sync = fat_sync,
	.close = fat_close,
};

int fat_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e)
{
	struct fat *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return error_nomem(e, "a file system");
	f->fs.ops = &fat_ops;
	f->fs.type = id->type;
	f->fs.root = FAT_ROOT_NODE;
	f->fs.writable = o->write;
	rc = load(f, d, e);
	if (rc)
		fat_close(&f->fs);
	else
		*out = &f->fs;
	return rc;
}
