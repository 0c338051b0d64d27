/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A sparse extent ("hosted sparse extent"): its header or footer, loaded and checked. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/block_cache.h"
#include "formats/vmdk.h"

enum {
	VERSION_MAX = 3,
	GRAIN_MAX = 4096, /* sectors */
	PER_TABLE_MAX = 512,
	PAGE = PER_TABLE_MAX * 4,
};

static const struct disk_ops sparse_ops = {
	.read = vmdk_sparse_read,
	.extent = vmdk_sparse_extent,
};

static bool sectors_fit(uint64_t sectors)
{
	return sectors <= INT64_MAX / VMDK_SECTOR;
}

static int magic_check(const struct vmdk_header *h, struct error *e)
{
	if (memcmp(h->magic, "KDMV", 4) != 0)
		return error_set(e, ERR_CORRUPT, "no sparse VMDK extent: the signature is missing");
	if (!get_le32(h->version) || get_le32(h->version) > VERSION_MAX)
		return error_set(e, ERR_UNSUPPORTED, "VMDK version %u is not in 1..%u",
			get_le32(h->version), (unsigned)VERSION_MAX);
	/* "This makes it easy to see if the file has been corrupted by FTP": */
	if (get_le32(h->flags) & VMDK_FLAG_LINE_ENDS && memcmp(h->line_ends, "\n \r\n", 4) != 0)
		return error_set(e, ERR_CORRUPT,
			"the header's line ends were changed: the file was copied as text");
	return 0;
}

static int flags_load(struct vmdk_sparse *s, const struct vmdk_header *h, struct error *e)
{
	uint32_t flags = get_le32(h->flags);
	unsigned compression = get_le16(h->compression);

	if (compression > 1)
		return error_set(e, ERR_UNSUPPORTED, "unknown VMDK compression %u", compression);
	if (!compression != !(flags & VMDK_FLAG_COMPRESSED))
		return error_set(e, ERR_CORRUPT, "compression %u contradicts the flags %#x",
			compression, flags);
	s->compressed = compression;
	s->markers = flags & VMDK_FLAG_MARKERS;
	s->zeroed = flags & VMDK_FLAG_ZEROED;
	return 0;
}

static int size_load(struct vmdk_sparse *s, const struct vmdk_header *h, struct error *e)
{
	uint64_t capacity = get_le64(h->capacity), grain = get_le64(h->grain);
	uint32_t per_table = get_le32(h->per_table);

	if (!capacity || !sectors_fit(capacity))
		return error_set(
			e, ERR_CORRUPT, "capacity of %llu sectors", (unsigned long long)capacity);
	if (!is_power_of_two(grain) || grain > GRAIN_MAX)
		return error_set(e, ERR_UNSUPPORTED,
			"grains of %llu sectors are no power of two up to %u",
			(unsigned long long)grain, (unsigned)GRAIN_MAX);
	if (!per_table || per_table > PER_TABLE_MAX)
		return error_set(e, ERR_CORRUPT, "grain tables of %u entries; %u are the limit",
			per_table, (unsigned)PER_TABLE_MAX);
	s->disk.size = capacity * VMDK_SECTOR;
	s->grain = (uint32_t)grain * VMDK_SECTOR;
	s->per_table = per_table;
	s->tables = div_up(s->disk.size, (uint64_t)s->grain * per_table);
	return 0;
}

static bool directory_fits(const struct vmdk_sparse *s, uint64_t sector)
{
	return sector && sectors_fit(sector) &&
		range_fits(sector * VMDK_SECTOR, s->tables * sizeof(le32), s->file->size);
}

static int places_load(struct vmdk_sparse *s, const struct vmdk_header *h, struct error *e)
{
	uint64_t directory = get_le64(h->directory_off);
	uint64_t off = get_le64(h->descriptor_off), size = get_le64(h->descriptor_size);

	if (!directory_fits(s, directory) && get_le32(h->flags) & VMDK_FLAG_REDUNDANT &&
		directory_fits(s, get_le64(h->redundant_off)))
		directory = get_le64(h->redundant_off);
	if (!directory_fits(s, directory))
		return error_set(e, ERR_CORRUPT,
			"grain directory of %llu entries at sector %llu is not inside the file of "
			"%llu bytes",
			(unsigned long long)s->tables, (unsigned long long)directory,
			(unsigned long long)s->file->size);
	s->directory = directory * VMDK_SECTOR;
	s->data_start = VMDK_SECTOR;
	if (!off || !size)
		return 0;
	if (!sectors_fit(off) || !sectors_fit(size) ||
		!range_fits(off * VMDK_SECTOR, size * VMDK_SECTOR, s->file->size))
		return error_set(e, ERR_CORRUPT,
			"descriptor of %llu sectors at sector %llu is not inside the file of %llu "
			"bytes",
			(unsigned long long)size, (unsigned long long)off,
			(unsigned long long)s->file->size);
	s->descriptor_off = off * VMDK_SECTOR;
	s->descriptor_size = size * VMDK_SECTOR;
	return 0;
}

/* A stream's writer knows only at its end where the directory is: the last sectors are a marker,
 * the header once more, and the end-of-stream marker. */
static int footer_read(struct disk *file, struct vmdk_header *out, struct error *e)
{
	struct {
		struct vmdk_marker footer;
		struct vmdk_header header;
		struct vmdk_marker end;
	} tail;
	int rc;

	_Static_assert(sizeof(tail) == 3 * VMDK_SECTOR, "VMDK footer");
	if (file->size < VMDK_SECTOR + sizeof(tail))
		return error_set(e, ERR_CORRUPT, "VMDK of %llu bytes has no room for its footer",
			(unsigned long long)file->size);
	rc = disk_read(file, file->size - sizeof(tail), &tail, sizeof(tail), e);
	if (rc)
		return rc;
	if (get_le32(tail.footer.mark.size) ||
		get_le32(tail.footer.mark.type) != VMDK_MARKER_FOOTER ||
		get_le32(tail.end.mark.size) || get_le32(tail.end.mark.type) ||
		get_le64(tail.end.mark.value))
		return error_set(e, ERR_CORRUPT,
			"the footer is missing in front of the end of the file at %llu",
			(unsigned long long)file->size);
	*out = tail.header;
	return magic_check(out, e);
}

static int sparse_load(struct vmdk_sparse *s, struct error *e)
{
	struct vmdk_header h;
	int rc;

	if (s->file->size < sizeof(h))
		return error_set(e, ERR_CORRUPT, "VMDK of %llu bytes is cut inside its header",
			(unsigned long long)s->file->size);
	rc = disk_read(s->file, 0, &h, sizeof(h), e);
	if (!rc)
		rc = magic_check(&h, e);
	if (!rc && get_le64(h.directory_off) == UINT64_MAX)
		rc = footer_read(s->file, &h, e);
	if (!rc)
		rc = flags_load(s, &h, e);
	if (!rc)
		rc = size_load(s, &h, e);
	if (!rc)
		rc = places_load(s, &h, e);
	return rc;
}

int vmdk_sparse_open(struct disk *file, size_t cache, struct vmdk_sparse **out, struct error *e)
{
	struct vmdk_sparse *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(e, "a VMDK extent");
	s->disk.ops = &sparse_ops;
	s->disk.logical_sector = VMDK_SECTOR;
	s->file = file;
	rc = sparse_load(s, e);
	if (!rc)
		rc = block_cache_open(PAGE, max_u64(cache, PAGE), &s->pages, e);
	if (!rc && s->compressed && s->grain <= cache)
		rc = block_cache_open(s->grain, cache, &s->grains, e);
	if (rc) {
		vmdk_sparse_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void vmdk_sparse_close(struct vmdk_sparse *s)
{
	if (!s)
		return;
	block_cache_close(s->pages);
	block_cache_close(s->grains);
	free(s);
}
