/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Grain directory and grain tables: where in the file a grain is. */
#include <string.h>

#include "base/checked.h"
#include "formats/block_cache.h"
#include "formats/vmdk.h"

enum {
	PAGE = 2048, /* bytes of a directory that are read as one; the most that a table has */
	EXTENT_STEPS = 1024, /* runs looked at in one call of extent */
	ENTRY_ZEROED = 1,
};

/* Copies `len` bytes from `skip` of the page at `off`, of which `size` bytes count. */
static int page_read(struct vmdk_sparse *s, uint64_t off, size_t size, bool directory, size_t skip,
	void *buf, size_t len, struct error *e)
{
	/* A directory's page and a table may start at the same place, and end at another. */
	uint64_t key = off << 1 | directory;
	uint8_t bytes[PAGE] = { 0 };
	int rc;

	if (block_cache_get(s->pages, key, skip, buf, len))
		return 0;
	rc = disk_read(s->file, off, bytes, size, e);
	if (rc)
		return error_prefix(e, "grain %s at %llu", directory ? "directory" : "table",
			(unsigned long long)off);
	block_cache_put(s->pages, key, bytes);
	memcpy(buf, bytes + skip, len);
	return 0;
}

/*
 * Finds the file offset of a grain table, 0 when there is none; then *absent is how many follow
 * each other that are not there, on one page of the directory.
 */
static int table_find(
	struct vmdk_sparse *s, uint64_t table, uint64_t *out, uint64_t *absent, struct error *e)
{
	uint64_t at = table * sizeof(le32), page = at / PAGE * PAGE;
	size_t size = (size_t)min_u64(PAGE, s->tables * sizeof(le32) - page), n = 0;
	size_t skip = (size_t)(at % PAGE), count = (size - skip) / sizeof(le32);
	le32 entries[PAGE / sizeof(le32)];
	uint64_t off;
	int rc = page_read(s, s->directory + page, size, true, skip, entries, size - skip, e);

	if (rc)
		return rc;
	while (n < count && !get_le32(entries[n]))
		n++;
	*absent = n;
	off = (uint64_t)get_le32(entries[0]) * VMDK_SECTOR;
	if (!range_fits(off, s->per_table * sizeof(le32), s->file->size))
		return error_set(e, ERR_CORRUPT,
			"grain table %llu at %llu runs past the end of the file at %llu",
			(unsigned long long)table, (unsigned long long)off,
			(unsigned long long)s->file->size);
	*out = off;
	return 0;
}

static enum vmdk_grain entry_kind(const struct vmdk_sparse *s, uint32_t entry)
{
	if (!entry)
		return VMDK_NOTHING;
	if (entry == ENTRY_ZEROED && s->zeroed)
		return VMDK_ZEROED;
	return s->compressed ? VMDK_DEFLATED : VMDK_PLAIN;
}

static bool overlaps(uint64_t off, uint64_t len, uint64_t other, uint64_t other_len)
{
	return off < other + other_len && other < off + len;
}

/* The last grain of a file may be cut short, but none is outside or over what is no grain. */
static bool entry_fits(const struct vmdk_sparse *s, uint32_t entry)
{
	uint64_t off = (uint64_t)entry * VMDK_SECTOR;
	uint64_t len = s->compressed ? 1 : s->grain;

	if (off < s->data_start || off >= s->file->size)
		return false;
	return !overlaps(off, len, s->descriptor_off, s->descriptor_size) &&
		!overlaps(off, len, s->directory, s->tables * sizeof(le32));
}

static bool has_place(enum vmdk_grain kind)
{
	return kind == VMDK_PLAIN || kind == VMDK_DEFLATED;
}

/* How many of `count` entries continue the first one. */
static uint64_t run_count(const struct vmdk_sparse *s, const le32 *entries, size_t count)
{
	uint32_t first = get_le32(entries[0]);
	enum vmdk_grain kind = entry_kind(s, first);
	uint32_t sectors = s->grain / VMDK_SECTOR;
	size_t n = 1;

	/* A bad entry further on ends the run here and is told when it is reached. */
	for (; kind != VMDK_DEFLATED && n < count; n++) {
		uint32_t next = get_le32(entries[n]);

		if (entry_kind(s, next) != kind)
			break;
		if (kind == VMDK_PLAIN &&
			(next != first + (uint64_t)n * sectors || !entry_fits(s, next)))
			break;
	}
	return n;
}

int vmdk_run_find(struct vmdk_sparse *s, uint64_t grain, struct vmdk_run *out, struct error *e)
{
	uint64_t index = grain % s->per_table, table = 0, absent = 0;
	uint64_t end = div_up(s->disk.size, s->grain) - grain;
	uint64_t left = min_u64(s->per_table - index, end);
	le32 entries[PAGE / sizeof(le32)];
	uint32_t first;
	int rc = table_find(s, grain / s->per_table, &table, &absent, e);

	*out = (struct vmdk_run){ .kind = VMDK_NOTHING };
	if (rc)
		return rc;
	if (!table) {
		out->count = min_u64(absent * s->per_table - index, end);
		return 0;
	}
	rc = page_read(s, table, s->per_table * sizeof(le32), false, index * sizeof(le32), entries,
		left * sizeof(le32), e);
	if (rc)
		return rc;
	first = get_le32(entries[0]);
	out->kind = entry_kind(s, first);
	out->off = (uint64_t)first * VMDK_SECTOR;
	if (has_place(out->kind) && !entry_fits(s, first))
		return error_set(e, ERR_CORRUPT,
			"grain %llu at %llu is past the end of the file at %llu, or over the "
			"header, the descriptor or the directory",
			(unsigned long long)grain, (unsigned long long)out->off,
			(unsigned long long)s->file->size);
	out->count = run_count(s, entries, (size_t)left);
	return 0;
}

static bool continues(
	const struct vmdk_sparse *s, const struct vmdk_run *run, const struct vmdk_run *next)
{
	return run->kind == next->kind &&
		(run->kind != VMDK_PLAIN || next->off == run->off + run->count * s->grain);
}

int vmdk_sparse_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct vmdk_sparse *s = (struct vmdk_sparse *)d;
	uint64_t grain = off / s->grain, within = off % s->grain;
	struct vmdk_run run, next;
	int rc = vmdk_run_find(s, grain, &run, e);

	if (rc)
		return rc;
	for (unsigned i = 0; i < EXTENT_STEPS && (grain + run.count) * s->grain < d->size; i++) {
		if (vmdk_run_find(s, grain + run.count, &next, NULL) || !continues(s, &run, &next))
			break;
		run.count += next.count;
	}
	*out = (struct extent){
		.length = run.count * s->grain - within,
		.zero = run.kind == VMDK_ZEROED || (run.kind == VMDK_NOTHING && !s->delta),
		.stored = has_place(run.kind),
		.compressed = run.kind == VMDK_DEFLATED,
	};
	/* Where the file is cut short, bytes are missing that read as zeros. */
	if (run.kind == VMDK_PLAIN && run.off + within < s->file->size) {
		out->plain = true;
		out->offset = run.off + within;
		out->length = min_u64(out->length, s->file->size - out->offset);
	} else if (run.kind == VMDK_PLAIN) {
		out->zero = true;
	}
	return 0;
}
