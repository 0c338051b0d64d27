/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a sparse extent. */
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/block_cache.h"
#include "formats/vmdk.h"

/* In front of each grain of a stream. */
struct grain_marker {
	le64 sector; /* +0x00 of the guest */
	le32 size; /* +0x08 compressed bytes that follow */
};
_Static_assert(sizeof(struct grain_marker) == 12, "VMDK grain marker");

/* What one call of read needs to inflate; all NULL until it does. */
struct inflater {
	struct libdeflate_decompressor *deflate;
	uint8_t *packed; /* two grains: nothing that deflate makes of one is longer */
	uint8_t *grain;
};

static int inflater_open(struct inflater *f, const struct vmdk_sparse *s, struct error *e)
{
	if (f->deflate)
		return 0;
	free(f->packed);
	free(f->grain);
	f->packed = malloc(2 * (size_t)s->grain);
	f->grain = malloc(s->grain);
	f->deflate = f->packed && f->grain ? libdeflate_alloc_decompressor() : NULL;
	return f->deflate ? 0 : error_nomem(e, "an inflater");
}

static void inflater_close(struct inflater *f)
{
	if (f->deflate)
		libdeflate_free_decompressor(f->deflate);
	free(f->packed);
	free(f->grain);
}

/* Finds the compressed bytes of the grain at `off`. */
static int packed_find(
	const struct vmdk_sparse *s, uint64_t grain, uint64_t *off, size_t *len, struct error *e)
{
	uint64_t sector = grain * (s->grain / VMDK_SECTOR);
	struct grain_marker m;
	int rc;

	*len = (size_t)min_u64(2 * (uint64_t)s->grain, s->file->size - *off);
	if (!s->markers)
		return 0;
	rc = disk_read(s->file, *off, &m, sizeof(m), e);
	if (rc)
		return error_prefix(e, "grain marker");
	if (get_le64(m.sector) != sector)
		return error_set(e, ERR_CORRUPT,
			"the grain marker at %llu is of sector %llu, not %llu",
			(unsigned long long)*off, (unsigned long long)get_le64(m.sector),
			(unsigned long long)sector);
	*off += sizeof(m);
	if (!get_le32(m.size) || get_le32(m.size) > 2 * (uint64_t)s->grain ||
		!range_fits(*off, get_le32(m.size), s->file->size))
		return error_set(e, ERR_CORRUPT,
			"grain of %u compressed bytes at %llu is too long or past the end of the "
			"file",
			get_le32(m.size), (unsigned long long)*off);
	*len = get_le32(m.size);
	return 0;
}

/* Inflates a grain to f->grain.  The last one may be as short as what the guest has of it. */
static int grain_inflate(
	struct vmdk_sparse *s, struct inflater *f, uint64_t grain, uint64_t off, struct error *e)
{
	size_t needed = (size_t)min_u64(s->grain, s->disk.size - grain * s->grain);
	size_t len, used, made = 0;
	enum libdeflate_result result;
	int rc = inflater_open(f, s, e);

	if (!rc)
		rc = packed_find(s, grain, &off, &len, e);
	if (!rc)
		rc = disk_read(s->file, off, f->packed, len, e);
	if (rc)
		return rc;
	result = libdeflate_zlib_decompress_ex(
		f->deflate, f->packed, len, f->grain, s->grain, &used, &made);
	if (result != LIBDEFLATE_SUCCESS || made < needed)
		return error_set(e, ERR_CORRUPT,
			"compressed grain at %llu (%zu bytes) does not inflate to %zu bytes",
			(unsigned long long)off, len, needed);
	memset(f->grain + made, 0, s->grain - made);
	return 0;
}

static int deflated_read(struct vmdk_sparse *s, struct inflater *f, uint64_t grain, uint64_t off,
	size_t skip, void *buf, size_t len, struct error *e)
{
	int rc;

	if (s->grains && block_cache_get(s->grains, grain, skip, buf, len))
		return 0;
	rc = grain_inflate(s, f, grain, off, e);
	if (rc)
		return rc;
	/* A whole grain is copied on and not asked for again. */
	if (s->grains && len < s->grain)
		block_cache_put(s->grains, grain, f->grain);
	memcpy(buf, f->grain + skip, len);
	return 0;
}

/* The last grain of a file may be cut short; what is missing reads as zeros. */
static int plain_read(
	struct vmdk_sparse *s, uint64_t off, uint8_t *buf, size_t len, struct error *e)
{
	uint64_t there = off < s->file->size ? s->file->size - off : 0;
	size_t have = (size_t)min_u64(len, there);

	memset(buf + have, 0, len - have);
	return have ? disk_read(s->file, off, buf, have, e) : 0;
}

/* Reads what is of one run and sets *len to its bytes. */
static int run_read(struct vmdk_sparse *s, struct inflater *f, uint64_t off, uint8_t *buf,
	size_t *len, struct error *e)
{
	uint64_t grain = off / s->grain;
	size_t skip = (size_t)(off % s->grain);
	struct vmdk_run run;
	int rc = vmdk_run_find(s, grain, &run, e);

	if (rc)
		return rc;
	*len = (size_t)min_u64(*len, run.count * s->grain - skip);
	switch (run.kind) {
	case VMDK_NOTHING:
	case VMDK_ZEROED:
		memset(buf, 0, *len);
		return 0;
	case VMDK_PLAIN:
		return plain_read(s, run.off + skip, buf, *len, e);
	case VMDK_DEFLATED:
		return deflated_read(s, f, grain, run.off, skip, buf, *len, e);
	}
	return error_set(e, ERR_CORRUPT, "no such kind of grain: %d", (int)run.kind);
}

int vmdk_sparse_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vmdk_sparse *s = (struct vmdk_sparse *)d;
	struct inflater f = { 0 };
	uint8_t *out = buf;
	int rc = 0;

	while (len && !rc) {
		size_t now = len;

		rc = run_read(s, &f, off, out, &now, e);
		out += now;
		off += now;
		len -= now;
	}
	inflater_close(&f);
	return rc;
}
