/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Content on its way into a file. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "disk/empty.h"
#include "disk/scratch.h"
#include "fs/ntfs_private.h"

enum {
	PIECE = 1 << 20, /* bytes in memory */
	KEPT_MAX = 64 << 20, /* bytes in memory before a file is used */
	RESERVE = 256, /* clusters for records, runs and directories */
};

struct ntfs_content {
	struct disk *empty, *scratch;
};

static int content_fill(
	struct ntfs_content *c, const struct fs_put *p, uint8_t *piece, struct error *e)
{
	int rc = 0;

	for (uint64_t off = 0; !rc && off < p->size; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, p->size - off);

		rc = p->read(p->read_arg, off, piece, len, e);
		if (!rc)
			rc = disk_write(c->scratch, off, piece, len, e);
	}
	return rc;
}

int ntfs_content_keep(
	struct ntfs *n, const struct fs_put *p, struct ntfs_content **out, struct error *e)
{
	struct ntfs_content *c = calloc(1, sizeof(*c));
	uint8_t *piece = malloc(PIECE);
	int rc = c && piece ? 0 : error_nomem(e, "a file");

	if (!rc)
		rc = empty_disk_open(max_u64(p->size, 1), &c->empty, e);
	if (!rc)
		rc = scratch_open(c->empty, n->tmpdir, KEPT_MAX, &c->scratch, e);
	if (!rc)
		rc = content_fill(c, p, piece, e);
	free(piece);
	if (rc)
		ntfs_content_free(c);
	else
		*out = c;
	return rc;
}

int ntfs_content_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct ntfs_content *c = arg;

	return disk_read(c->scratch, off, buf, len, e);
}

void ntfs_content_free(struct ntfs_content *c)
{
	if (!c)
		return;
	disk_close(c->scratch);
	disk_close(c->empty);
	free(c);
}

static int free_clusters(struct ntfs *n, uint64_t *out, struct error *e)
{
	if (!NVolFreeSpaceKnown(n->volume) && ntfs_volume_get_free_space(n->volume))
		return ntfs_error(n, e, "$Bitmap");
	*out = n->volume->free_clusters > 0 ? (uint64_t)n->volume->free_clusters : 0;
	return ntfs_io_error(n, e);
}

int ntfs_free_bytes(struct fs *fs, uint64_t *out, struct error *e)
{
	struct ntfs *n = ntfs_of(fs);
	uint64_t clusters = 0;
	int rc;

	ntfs_begin(n);
	rc = free_clusters(n, &clusters, e);
	if (!rc)
		*out = clusters * n->volume->cluster_size;
	return rc;
}

int ntfs_check_space(struct ntfs *n, uint64_t size, uint64_t returned, struct error *e)
{
	uint64_t clusters = 0, needed = div_up(size, n->volume->cluster_size) + RESERVE;
	int rc = free_clusters(n, &clusters, e);

	if (rc || needed <= clusters + returned / n->volume->cluster_size)
		return rc;
	return error_set(e, ERR_RANGE,
		"%" PRIu64 " bytes do not fit: the ntfs file system has %" PRIu64
		" free clusters of %" PRIu32 " bytes, of which %d stay free",
		size, clusters, n->volume->cluster_size, RESERVE);
}

static int data_write(
	struct ntfs *n, ntfs_attr *a, const struct fs_put *p, uint8_t *piece, struct error *e)
{
	int rc = 0;

	if (ntfs_attr_truncate(a, 0))
		return ntfs_error(n, e, "file record %" PRIu64, (uint64_t)a->ni->mft_no);
	for (uint64_t off = 0; !rc && off < p->size; off += PIECE) {
		s64 len = (s64)min_u64(PIECE, p->size - off);

		rc = p->read(p->read_arg, off, piece, (size_t)len, e);
		if (!rc && ntfs_attr_pwrite(a, (s64)off, len, piece) != len)
			rc = ntfs_error(
				n, e, "content of file record %" PRIu64, (uint64_t)a->ni->mft_no);
	}
	return rc;
}

/* Compressed or sparse data is replaced by plain data, which has less that can go wrong. */
static int data_open(struct ntfs *n, ntfs_inode *ni, ntfs_attr **out, struct error *e)
{
	const FILE_ATTR_FLAGS packed = FILE_ATTR_COMPRESSED | FILE_ATTR_SPARSE_FILE;
	ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	bool failed;

	if (a && a->data_flags & (ATTR_COMPRESSION_MASK | ATTR_IS_SPARSE)) {
		ni->flags = ni->flags & (FILE_ATTR_FLAGS) ~(uint32_t)packed;
		failed = ntfs_attr_rm(a) != 0;
		ntfs_attr_close(a);
		failed = failed || ntfs_attr_add(ni, AT_DATA, AT_UNNAMED, 0, NULL, 0);
		a = failed ? NULL : ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
		ni->data_size = ni->allocated_size = 0;
	}
	*out = a;
	return a ? 0 : ntfs_error(n, e, "content of file record %" PRIu64, (uint64_t)ni->mft_no);
}

int ntfs_content_write(struct ntfs *n, ntfs_inode *ni, const struct fs_put *p, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	ntfs_attr *a = NULL;
	int rc = piece ? 0 : error_nomem(e, "a file");

	if (!rc)
		rc = data_open(n, ni, &a, e);
	if (!rc)
		rc = data_write(n, a, p, piece, e);
	if (a)
		ntfs_attr_close(a);
	free(piece);
	return rc ? rc : ntfs_io_error(n, e);
}
