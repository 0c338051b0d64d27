/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and directories by their entry: looks and content. */
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>

#include "base/checked.h"
#include "fs/fat.h"

static const struct fat_raw root_entry = { .attributes = FAT_DIRECTORY };

int fat_node(struct fat *f, uint64_t node, struct fat_raw *out, struct error *e)
{
	uint64_t off = node * FAT_ENTRY;
	uint64_t end = fat_cluster_at(f, f->end);
	int rc;

	if (node == FAT_ROOT_NODE) {
		*out = root_entry;
		return 0;
	}
	if (node > end / FAT_ENTRY || off < f->root || off >= end)
		return error_set(e, ERR_CORRUPT, "directory entry %" PRIu64, node);
	rc = cache_read(f->cache, off, out, sizeof(*out), e);
	if (!rc && (!out->name[0] || out->name[0] == FAT_DELETED || out->attributes & FAT_LABEL))
		rc = error_set(e, ERR_CORRUPT, "directory entry %" PRIu64 " is no file's", node);
	return rc;
}

int fat_directory(struct fat *f, uint64_t node, uint32_t *out, struct error *e)
{
	struct fat_raw raw;
	int rc = fat_node(f, node, &raw, e);

	if (rc)
		return rc;
	if (!(raw.attributes & FAT_DIRECTORY))
		return error_set(e, ERR_NOTFOUND, "directory entry %" PRIu64 " is a file's", node);
	*out = node == FAT_ROOT_NODE ? f->root_cluster : fat_first(f, &raw);
	if (node == FAT_ROOT_NODE || fat_is_cluster(f, *out))
		return 0;
	return error_set(e, ERR_CORRUPT, "a directory begins with cluster %u of %u", *out, f->end);
}

/* Section 6.3; the year counts from 1980. */
static int64_t seconds_of(le16 raw_time, le16 raw_date)
{
	unsigned date = get_le16(raw_date), clock = get_le16(raw_time);
	struct tm tm = {
		.tm_year = 80 + (int)(date >> 9),
		.tm_mon = (int)(date >> 5 & 15) - 1,
		.tm_mday = (int)(date & 31),
		.tm_hour = (int)(clock >> 11),
		.tm_min = (int)(clock >> 5 & 63),
		.tm_sec = (int)(clock & 31) * 2,
	};

	return date ? (int64_t)timegm(&tm) : 0;
}

void fat_time(int64_t seconds, le16 *raw_time, le16 *raw_date)
{
	static const int64_t first = 315532800, last = 4354819198; /* 1980-01-01, 2107-12-31 */
	time_t t = (time_t)(seconds < first ? first : seconds > last ? last : seconds);
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	*raw_date = put_le16(
		(uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday));
	*raw_time = put_le16((uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2));
}

int fat_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e)
{
	struct fat_raw raw;
	bool directory;
	int rc = fat_node(fat_of(fs), node, &raw, e);

	if (rc)
		return rc;
	directory = raw.attributes & FAT_DIRECTORY;
	*out = (struct fs_stat){
		.node = node,
		.mode = directory ? S_IFDIR | 0755 : S_IFREG | 0644,
		.links = 1,
		.size = directory ? 0 : get_le32(raw.size),
		.mtime = seconds_of(raw.write_time, raw.write_date),
	};
	return 0;
}

/* The cluster `index` places after `first`; reading on from where the last read ended walks no
 * chain twice. */
static int seek(struct fat *f, uint32_t first, uint32_t index, uint32_t *out, struct error *e)
{
	if (f->spot.first != first || f->spot.index > index) {
		f->spot.first = first;
		f->spot.index = 0;
		f->spot.cluster = first;
	}
	while (f->spot.index < index) {
		uint32_t next = FAT_END;
		int rc = fat_next(f, f->spot.cluster, &next, e);

		if (!rc && fat_is_end(next))
			rc = error_set(e, ERR_CORRUPT,
				"the chain from cluster %u ends after %u, before the file does",
				first, f->spot.index + 1);
		if (rc) {
			f->spot.first = 0;
			return rc;
		}
		f->spot.cluster = next;
		f->spot.index++;
	}
	*out = f->spot.cluster;
	return fat_is_cluster(f, *out)
		? 0
		: error_set(e, ERR_CORRUPT, "a file begins with cluster %u of %u", *out, f->end);
}

/* Bytes from `off` on that lie in neighbouring clusters. */
static int run_find(struct fat *f, uint32_t first, uint64_t off, size_t len, uint64_t *at,
	size_t *run, struct error *e)
{
	uint32_t cluster = 0, next = 0;
	int rc = seek(f, first, (uint32_t)(off / f->cluster), &cluster, e);

	if (rc)
		return rc;
	*at = fat_cluster_at(f, cluster) + off % f->cluster;
	*run = (size_t)min_u64(len, f->cluster - off % f->cluster);
	while (*run < len) {
		rc = seek(f, first, (uint32_t)((off + *run) / f->cluster), &next, e);
		if (rc || next != ++cluster)
			return rc;
		*run = (size_t)min_u64(len, *run + f->cluster);
	}
	return 0;
}

int fat_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct fat *f = fat_of(fs);
	struct fat_raw raw;
	uint8_t *to = buf;
	size_t run = 0;
	int rc = fat_node(f, node, &raw, e);

	if (!rc && raw.attributes & FAT_DIRECTORY)
		rc = error_set(e, ERR_USAGE, "directory entry %" PRIu64 " is a directory's", node);
	if (!rc && !range_fits(off, len, get_le32(raw.size)))
		rc = error_set(e, ERR_RANGE, "%zu bytes at %" PRIu64 " of a file of %u", len, off,
			get_le32(raw.size));
	for (size_t done = 0; !rc && done < len; done += run) {
		uint64_t at = 0;

		rc = run_find(f, fat_first(f, &raw), off + done, len - done, &at, &run, e);
		if (!rc)
			rc = cache_read(f->cache, at, to + done, run, e);
	}
	return rc;
}
