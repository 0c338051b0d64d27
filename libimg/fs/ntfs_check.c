/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is looked at before libntfs-3g mounts a volume, because it trusts it: numbers of the boot
 * sector that it shifts by, sizes that it allocates or reads to the end, and the index of the root,
 * in which it looks for $Secure.
 */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

enum {
	BOOT = 512,
	CLUSTER_MAX = 2 << 20, /* bytes, since Windows 10 1709 */
	RECORD_MIN = 512,
	RECORD_MAX = 64 << 10,
	ATTRDEF_MAX = 64 << 10, /* bytes; there are 2560 */
	SLACK = 1 << 20, /* bytes that a bitmap may have more than bits to tell */
};

static uint64_t field(const uint8_t *boot, size_t at, size_t len)
{
	uint64_t value = 0;

	while (len--)
		value = value << 8 | boot[at + len];
	return value;
}

/* A number of `unit` bytes, or above `limit` a negative power of two, of `step` bytes: offsets
 * 0x0d, 0x40 and 0x44.  0: nothing that there is. */
static uint64_t size_of(uint8_t stored, uint8_t limit, uint64_t unit, uint64_t step)
{
	if (stored <= limit)
		return stored * unit;
	return 256 - stored < 32 ? step << (256 - stored) : 0;
}

static int check_records(const uint8_t *boot, uint64_t cluster, struct error *e)
{
	static const struct {
		size_t at;
		const char *name;
	} kinds[] = { { 0x40, "file" }, { 0x44, "index" } };

	for (size_t i = 0; i < 2; i++) {
		uint64_t size = size_of(boot[kinds[i].at], 127, cluster, 1);

		if (!is_power_of_two(size) || size < RECORD_MIN || size > RECORD_MAX)
			return ntfs_corrupt(e, "boot sector: %s records of %" PRIu64 " bytes",
				kinds[i].name, size);
	}
	return 0;
}

int ntfs_check_boot(struct disk *d, struct error *e)
{
	uint8_t boot[BOOT];
	uint64_t sector, cluster, sectors, end = 0;
	int rc = disk_read(d, 0, boot, sizeof(boot), e);

	if (rc)
		return error_prefix(e, "boot sector");
	sector = field(boot, 11, 2);
	cluster = size_of(boot[13], 128, sector, sector);
	sectors = field(boot, 40, 8);
	if (!is_power_of_two(sector) || sector < 256 || sector > 4096)
		return ntfs_corrupt(e, "boot sector: sectors of %" PRIu64 " bytes", sector);
	if (!is_power_of_two(cluster) || cluster > CLUSTER_MAX)
		return ntfs_corrupt(e, "boot sector: clusters of %" PRIu64 " bytes", cluster);
	rc = check_records(boot, cluster, e);
	if (rc)
		return rc;
	if (!sectors || !mul_fits(sectors, sector, &end) || end > d->size)
		return error_set(e, ERR_CORRUPT,
			"boot sector: the volume has %" PRIu64 " sectors of %" PRIu64
			" bytes, its disk or partition %" PRIu64 " bytes: it is cut off",
			sectors, sector, d->size);
	for (size_t at = 48; at <= 56; at += 8)
		if (field(boot, at, 8) >= end / cluster)
			return ntfs_corrupt(e,
				"boot sector: the master file table is said to begin with cluster "
				"%" PRIu64 " of %" PRIu64,
				field(boot, at, 8), end / cluster);
	return 0;
}

static int check_size(
	struct ntfs *n, const ntfs_attr *a, uint64_t max, const char *name, struct error *e)
{
	uint64_t disk = (uint64_t)n->volume->nr_clusters * n->volume->cluster_size;

	if ((uint64_t)a->data_size <= min_u64(max, disk) &&
		(uint64_t)a->initialized_size <= (uint64_t)a->data_size)
		return 0;
	return ntfs_corrupt(e, "%s has %" PRIu64 " bytes, %" PRIu64 " of them written, on %" PRIu64,
		name, (uint64_t)a->data_size, (uint64_t)a->initialized_size, disk);
}

static int read_whole(struct ntfs *n, ntfs_attr *a, const char *name, struct error *e)
{
	uint8_t piece[4096];

	for (s64 off = 0; off < a->data_size;) {
		s64 got = ntfs_attr_pread(
			a, off, (s64)min_u64(sizeof(piece), (uint64_t)(a->data_size - off)), piece);

		if (got <= 0)
			return ntfs_error(n, e, "%s", name);
		off += got;
	}
	return ntfs_io_error(n, e);
}

/* A system file's data, which is to have at most `max` bytes; `whole`: and to be readable, as the
 * library does not clean up when it is not. */
static int check_file(
	struct ntfs *n, uint64_t node, uint64_t max, bool whole, const char *name, struct error *e)
{
	ntfs_inode *ni = NULL;
	ntfs_attr *a;
	int rc = ntfs_node_open(n, node, &ni, e);

	if (rc)
		return error_prefix(e, "%s", name);
	a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	rc = a ? check_size(n, a, max, name, e) : ntfs_error(n, e, "%s", name);
	if (!rc && whole)
		rc = read_whole(n, a, name, e);
	if (a)
		ntfs_attr_close(a);
	ntfs_node_drop(ni);
	return rc;
}

static int seen(void *arg, const struct ntfs_entry *entry)
{
	(void)arg;
	(void)entry;
	return 0;
}

static int check_root(struct ntfs *n, struct error *e)
{
	ntfs_inode *root = NULL;
	int rc = ntfs_node_open(n, FILE_root, &root, e);

	if (!rc)
		rc = ntfs_dir_walk(n, root, NULL, seen, NULL, e);
	ntfs_node_drop(root);
	return rc ? error_prefix(e, "the root directory") : 0;
}

int ntfs_check_volume(struct ntfs *n, struct error *e)
{
	ntfs_volume *v = n->volume;
	uint64_t bits = div_up((uint64_t)v->nr_clusters, 8) + SLACK;
	int rc = check_size(n, v->mft_na, UINT64_MAX, "the master file table", e);

	if (!rc)
		rc = check_size(n, v->mftbmp_na,
			(uint64_t)v->mft_na->data_size / v->mft_record_size / 8 + SLACK,
			"the bitmap of the master file table", e);
	if (!rc)
		rc = check_file(n, FILE_Bitmap, bits, false, "$Bitmap", e);
	if (!rc)
		rc = check_file(n, FILE_UpCase, 128 << 10, false, "$UpCase", e);
	if (!rc)
		rc = check_file(n, FILE_AttrDef, ATTRDEF_MAX, true, "$AttrDef", e);
	if (!rc)
		rc = check_file(n, FILE_LogFile, UINT64_MAX, false, "$LogFile", e);
	return rc ? rc : check_root(n, e);
}
