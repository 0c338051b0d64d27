/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Room for new records: freed cells are used again, so that an edit that is repeated does not make
 * the hive grow; when none fits, a bin is put at the end. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

static le32 *size_at(const struct hive *h, uint32_t at)
{
	return (void *)(h->file.data + HIVE_BASE_SIZE + at);
}

/* Puts a free cell at its place among the others. */
static int free_add(struct hive *h, size_t i, uint32_t at, uint32_t size, struct error *e)
{
	if (h->free_count == h->free_capacity) {
		size_t capacity = h->free_capacity ? h->free_capacity * 2 : 256;
		void *more = reallocarray(h->free, capacity, sizeof(*h->free));

		if (!more)
			return error_nomem(e, "a registry hive");
		h->free = more;
		h->free_capacity = capacity;
	}
	memmove(h->free + i + 1, h->free + i, (h->free_count - i) * sizeof(*h->free));
	h->free[i] = (struct hive_free){ at, size };
	h->free_count++;
	*size_at(h, at) = put_le32(size);
	return 0;
}

static void free_drop(struct hive *h, size_t i)
{
	memmove(h->free + i, h->free + i + 1, (h->free_count - i - 1) * sizeof(*h->free));
	h->free_count--;
}

static int bin_add(struct hive *h, uint32_t at, struct error *e)
{
	if (h->bin_count == h->bin_capacity) {
		size_t capacity = h->bin_capacity ? h->bin_capacity * 2 : 256;
		void *more = reallocarray(h->bin, capacity, sizeof(*h->bin));

		if (!more)
			return error_nomem(e, "a registry hive");
		h->bin = more;
		h->bin_capacity = capacity;
	}
	h->bin[h->bin_count++] = at;
	return 0;
}

/* Puts a free cell behind the others, or into the one that it follows in its bin. */
static int free_append(
	struct hive *h, uint32_t at, uint32_t size, uint32_t bin, bool merge, struct error *e)
{
	struct hive_free *last = h->free_count ? &h->free[h->free_count - 1] : NULL;

	if (!merge || !last || last->at < bin || last->at + last->size != at)
		return free_add(h, h->free_count, at, size, e);
	last->size += size;
	*size_at(h, last->at) = put_le32(last->size);
	return 0;
}

static int cells_find(struct hive *h, bool merge, struct error *e)
{
	int rc = 0;

	h->free_count = h->bin_count = 0;
	for (uint32_t bin = 0; !rc && bin < h->bins;) {
		const struct hive_bin *b = (const void *)size_at(h, bin);
		uint32_t end = bin + get_le32(b->size);

		rc = bin_add(h, bin, e);
		for (uint32_t at = bin + HIVE_BIN_HEADER; !rc && at < end;) {
			uint32_t raw = get_le32(*size_at(h, at));
			uint32_t size = raw >> 31 ? 0u - raw : raw;

			if (!(raw >> 31))
				rc = free_append(h, at, size, bin, merge, e);
			at += size;
		}
		bin = end;
	}
	return rc;
}

/* Free cells side by side stay so: what is only read is not touched. */
int hive_cells_find(struct hive *h, struct error *e)
{
	return cells_find(h, false, e);
}

void hive_cells_batch(struct hive *h)
{
	h->batch = true;
}

int hive_cells_batch_end(struct hive *h, struct error *e)
{
	if (!h->batch)
		return 0;
	h->batch = false;
	return cells_find(h, true, e);
}

/* The index of the first free cell behind `at`. */
static size_t free_after(const struct hive *h, uint32_t at)
{
	size_t low = 0, high = h->free_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->free[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool bin_starts(const struct hive *h, uint32_t at)
{
	size_t low = 0, high = h->bin_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->bin[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < h->bin_count && h->bin[low] == at;
}

static int bin_new(struct hive *h, size_t need, struct error *e)
{
	size_t size = round_up(need + HIVE_BIN_HEADER, HIVE_BIN_UNIT);
	size_t end = HIVE_BASE_SIZE + (size_t)h->bins + size;
	struct hive_bin *bin;
	int rc = 0;

	if (end > HIVE_LIMIT)
		return error_set(
			e, ERR_RANGE, "the hive would have more than %d bytes", HIVE_LIMIT);
	if (end > h->file.len)
		rc = buffer_zeros(&h->file, end - h->file.len, e);
	if (!rc)
		rc = bin_add(h, h->bins, e);
	if (rc)
		return rc;
	bin = (void *)size_at(h, h->bins);
	memset(bin, 0, size);
	memcpy(bin->magic, "hbin", 4);
	bin->at = put_le32(h->bins);
	bin->size = put_le32((uint32_t)size);
	rc = free_add(
		h, h->free_count, h->bins + HIVE_BIN_HEADER, (uint32_t)size - HIVE_BIN_HEADER, e);
	if (rc) {
		h->bin_count--;
		return rc;
	}
	h->bins += (uint32_t)size;
	hive_base(h)->bins_size = put_le32(h->bins);
	return 0;
}

int hive_cell_new(struct hive *h, size_t len, uint32_t *out, struct error *e)
{
	uint32_t need = (uint32_t)round_up(len + HIVE_CELL_HEADER, 8);
	size_t best = SIZE_MAX;
	uint32_t at, left;

	for (size_t i = 0; i < h->free_count && !(best != SIZE_MAX && h->free[best].size == need);
		i++)
		if (h->free[i].size >= need &&
			(best == SIZE_MAX || h->free[i].size < h->free[best].size))
			best = i;
	if (best == SIZE_MAX) {
		int rc = bin_new(h, need, e);

		if (rc)
			return rc;
		best = h->free_count - 1;
	}
	at = h->free[best].at;
	left = h->free[best].size - need;
	if (left) {
		h->free[best] = (struct hive_free){ at + need, left };
		*size_at(h, at + need) = put_le32(left);
	} else {
		free_drop(h, best);
	}
	*size_at(h, at) = put_le32(0u - need);
	memset(hive_cell(h, at), 0, need - HIVE_CELL_HEADER);
	h->changed = true;
	*out = at;
	return 0;
}

int hive_cell_free(struct hive *h, uint32_t at, struct error *e)
{
	uint32_t size = hive_cell_room(h, at) + HIVE_CELL_HEADER;
	size_t i = free_after(h, at);
	bool next = i < h->free_count && h->free[i].at == at + size && !bin_starts(h, at + size);
	bool previous = i && h->free[i - 1].at + h->free[i - 1].size == at && !bin_starts(h, at);

	h->changed = true;
	if (h->batch) {
		*size_at(h, at) = put_le32(size);
		return 0;
	}
	if (next)
		size += h->free[i].size;
	if (previous) {
		if (next)
			free_drop(h, i);
		h->free[i - 1].size += size;
		*size_at(h, h->free[i - 1].at) = put_le32(h->free[i - 1].size);
		return 0;
	}
	if (!next)
		return free_add(h, i, at, size, e);
	h->free[i] = (struct hive_free){ at, size };
	*size_at(h, at) = put_le32(size);
	return 0;
}

int hive_cell_grow(struct hive *h, uint32_t *at, size_t len, struct error *e)
{
	uint32_t from = *at, room = hive_cell_room(h, from);
	int rc;

	if (len <= room)
		return 0;
	rc = hive_cell_new(h, len, at, e);
	if (rc)
		return rc;
	memcpy(hive_cell(h, *at), hive_cell(h, from), room);
	return hive_cell_free(h, from, e);
}
