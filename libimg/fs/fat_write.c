/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting and removing files and directories.  Owner, permissions and attributes that a node shall
 * have are not kept: FAT has none. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "fs/fat.h"

enum { PIECE = 1 << 20 }; /* bytes of content in memory, a multiple of any cluster */

static int check_space(struct fat *f, uint64_t size, struct error *e)
{
	int rc = fat_count_free(f, e);

	if (rc)
		return rc;
	if (size > UINT32_MAX)
		return error_set(e, ERR_RANGE,
			"a file on vfat has at most 4 GiB - 1, not %" PRIu64 " bytes", size);
	if (div_up(size, f->cluster) <= f->free)
		return 0;
	return error_set(e, ERR_RANGE,
		"%" PRIu64 " bytes do not fit: the vfat file system has %u free clusters of %u "
		"bytes",
		size, f->free, f->cluster);
}

/* Appends a piece to a chain that ends with *last. */
static int piece_append(struct fat *f, const uint8_t *piece, size_t len, uint32_t *first,
	uint32_t *last, struct error *e)
{
	int rc = 0;

	for (size_t done = 0; !rc && done < len; done += f->cluster) {
		uint32_t cluster = 0;

		rc = fat_take(f, *last, &cluster, e);
		if (rc)
			break;
		if (!*first)
			*first = cluster;
		*last = cluster;
		rc = cache_write(f->cache, fat_cluster_at(f, cluster), piece + done, f->cluster, e);
	}
	return rc;
}

static void chain_drop(struct fat *f, uint32_t first)
{
	struct error ignored;

	if (first)
		(void)fat_release(f, first, &ignored);
}

/* A new chain with a file's bytes, zeros to the end of its last cluster. */
static int content_write(struct fat *f, const struct fs_put *p, uint32_t *first, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	uint32_t last = 0;
	int rc = piece ? check_space(f, p->size, e) : error_nomem(e, "a file");

	*first = 0;
	for (uint64_t off = 0; !rc && off < p->size; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, p->size - off);
		size_t whole = (size_t)round_up(len, f->cluster);

		if (len < PIECE)
			memset(piece, 0, PIECE);
		rc = p->read(p->read_arg, off, piece, len, e);
		if (!rc)
			rc = piece_append(f, piece, whole, first, &last, e);
	}
	if (rc)
		chain_drop(f, *first);
	free(piece);
	return rc;
}

static void entry_point(const struct fat *f, struct fat_raw *raw, uint32_t first)
{
	raw->cluster_low = put_le16((uint16_t)first);
	if (f->bits == 32)
		raw->cluster_high = put_le16((uint16_t)(first >> 16));
}

static void entry_times(struct fat_raw *raw, int64_t mtime, bool created)
{
	fat_time(mtime, &raw->write_time, &raw->write_date);
	raw->access_date = raw->write_date;
	if (!created)
		return;
	raw->create_time = raw->write_time;
	raw->create_date = raw->write_date;
}

/* "." and "..", which names the root by 0 whatever its cluster. */
static int directory_make(struct fat *f, uint64_t parent, struct fat_raw *raw, struct error *e)
{
	struct fat_raw dots[2] = { *raw, *raw };
	uint32_t first = 0, up = 0;
	uint8_t *zeros;
	int rc = parent == FAT_ROOT_NODE ? 0 : fat_directory(f, parent, &up, e);

	if (!rc)
		rc = check_space(f, f->cluster, e);
	if (!rc)
		rc = fat_take(f, 0, &first, e);
	if (rc)
		return rc;
	zeros = calloc(1, f->cluster);
	if (!zeros)
		return error_nomem(e, "a directory");
	memcpy(dots[0].name, ".          ", sizeof(dots[0].name));
	memcpy(dots[1].name, "..         ", sizeof(dots[1].name));
	entry_point(f, &dots[0], first);
	entry_point(f, &dots[1], up);
	entry_point(f, raw, first);
	memcpy(zeros, dots, sizeof(dots));
	rc = cache_write(f->cache, fat_cluster_at(f, first), zeros, f->cluster, e);
	free(zeros);
	return rc;
}

static int put_new(
	struct fat *f, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	bool directory = S_ISDIR(p->mode);
	struct fat_raw raw = { .attributes = directory ? FAT_DIRECTORY : FAT_ARCHIVE };
	uint32_t first = 0;
	int rc;

	entry_times(&raw, p->mtime, true);
	if (directory) {
		rc = directory_make(f, dir, &raw, e);
		first = fat_first(f, &raw);
	} else {
		rc = content_write(f, p, &first, e);
		raw.size = put_le32((uint32_t)p->size);
		entry_point(f, &raw, first);
	}
	if (rc)
		return rc;
	rc = fat_dir_add(f, dir, name, &raw, e);
	if (rc)
		chain_drop(f, first);
	return rc;
}

/* The new content is written before the old one is given up: it may be made from it. */
static int put_again(
	struct fat *f, struct fat_found *found, const struct fs_put *p, struct error *e)
{
	uint32_t old = fat_first(f, &found->raw), first = 0;
	int rc = content_write(f, p, &first, e);

	if (rc)
		return rc;
	entry_point(f, &found->raw, first);
	entry_times(&found->raw, p->mtime, false);
	found->raw.size = put_le32((uint32_t)p->size);
	found->raw.attributes |= FAT_ARCHIVE;
	rc = cache_write(
		f->cache, found->slot[found->slots - 1], &found->raw, sizeof(found->raw), e);
	f->changed = true;
	return !rc && old ? fat_release(f, old, e) : rc;
}

static int check_editable(struct fat *f, const char *name, struct error *e)
{
	if (!f->fs.writable)
		return error_set(e, ERR_REFUSED, "the vfat file system is open for reading only");
	return fat_name_check(name, e);
}

int fat_put(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e)
{
	struct fat *f = fat_of(fs);
	struct fat_found found;
	struct error why = { 0 };
	int rc = check_editable(f, name, e);

	if (rc)
		return rc;
	if (!S_ISREG(p->mode) && !S_ISDIR(p->mode))
		return error_set(e, ERR_UNSUPPORTED, "\"%.200s\" can't be made: vfat has no %s",
			name, S_ISLNK(p->mode) ? "symbolic links" : "special files");
	rc = fat_find(f, dir, name, &found, &why);
	if (rc == -ERR_NOTFOUND)
		return put_new(f, dir, name, p, e);
	if (rc) {
		*e = why;
		return rc;
	}
	if (found.raw.attributes & FAT_DIRECTORY || S_ISDIR(p->mode))
		return error_set(e, ERR_EXISTS, "\"%.200s\" is there already", name);
	return put_again(f, &found, p, e);
}

static int check_empty(struct fat *f, const struct fat_found *found, struct error *e)
{
	uint64_t node = found->slot[found->slots - 1] / FAT_ENTRY;
	struct fat_found inside;
	struct fat_cursor c;
	int rc = fat_cursor_open(f, node, &c, e);

	if (!rc)
		rc = fat_dir_next(f, &c, &inside, e);
	if (!rc && !c.over)
		rc = error_set(e, ERR_REFUSED, "the directory is not empty");
	return rc;
}

int fat_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e)
{
	struct fat *f = fat_of(fs);
	struct fat_found found;
	uint32_t first;
	int rc = check_editable(f, name, e);

	if (!rc)
		rc = fat_find(f, dir, name, &found, e);
	if (!rc && found.raw.attributes & FAT_DIRECTORY)
		rc = check_empty(f, &found, e);
	if (!rc)
		rc = fat_dir_take(f, &found, e);
	if (rc)
		return error_prefix(e, "removing \"%.200s\"", name);
	first = fat_first(f, &found.raw);
	return first ? fat_release(f, first, e) : 0;
}
