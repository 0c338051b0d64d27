/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a hive is whole: base block, bins and the cells that tile them. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/hive_check.h"

uint32_t hive_sum(const struct hive_base *base)
{
	const le32 *word = (const void *)base;
	uint32_t sum = 0;

	for (size_t i = 0; i < HIVE_SUM_AT / 4; i++)
		sum ^= get_le32(word[i]);
	return sum == UINT32_MAX ? UINT32_MAX - 1 : sum ? sum : 1;
}

int hive_check_base(const uint8_t *file, size_t len, struct error *e)
{
	const struct hive_base *base = (const void *)file;
	uint32_t size;

	if (len < HIVE_BASE_SIZE + HIVE_BIN_UNIT)
		return error_set(e, ERR_CORRUPT, "%zu bytes are too few for a registry hive", len);
	if (len > HIVE_LIMIT)
		return error_set(e, ERR_RANGE, "%zu bytes are too many for a registry hive", len);
	if (memcmp(base->magic, "regf", 4))
		return error_set(e, ERR_CORRUPT, "not a registry hive: no \"regf\" at 0");
	if (get_le32(base->major) != 1 || get_le32(base->minor) < 3 || get_le32(base->minor) > 6)
		return error_set(e, ERR_UNSUPPORTED, "a registry hive of version %u.%u",
			get_le32(base->major), get_le32(base->minor));
	if (get_le32(base->type) != HIVE_PRIMARY || get_le32(base->format) != 1)
		return error_set(e, ERR_CORRUPT, "type %u and format %u at 0x1c are no hive's",
			get_le32(base->type), get_le32(base->format));
	size = get_le32(base->bins_size);
	if (!size || size % HIVE_BIN_UNIT)
		return error_set(e, ERR_CORRUPT, "bins of 0x%x bytes, at 0x28", size);
	return 0;
}

int hive_bad(struct error *e, uint32_t at, const char *what)
{
	return error_set(e, ERR_CORRUPT, "%s at 0x%llx", what, HIVE_BASE_SIZE + 0ull + at);
}

static void mark(uint8_t *map, uint32_t at)
{
	map[at / 64] = (uint8_t)(map[at / 64] | 1u << at / 8 % 8);
}

static bool marked(const uint8_t *map, uint32_t at)
{
	return map[at / 64] >> at / 8 % 8 & 1;
}

static int check_cells(struct hive_check *c, uint32_t at, uint32_t end, struct error *e)
{
	while (at < end) {
		uint32_t raw = get_le32(*(const le32 *)(const void *)(c->bins + at));
		uint32_t size = raw >> 31 ? 0u - raw : raw;

		if (size < 8 || size % 8 || size > end - at)
			return hive_bad(e, at, "a cell that does not fit its bin");
		if (raw >> 31)
			mark(c->allocated, at);
		at += size;
	}
	return 0;
}

static int check_bins(struct hive_check *c, struct error *e)
{
	for (uint32_t at = 0; at < c->size;) {
		const struct hive_bin *bin = (const void *)(c->bins + at);
		uint32_t size = get_le32(bin->size);
		int rc;

		if (memcmp(bin->magic, "hbin", 4) || get_le32(bin->at) != at)
			return hive_bad(e, at, "no bin");
		if (!size || size % HIVE_BIN_UNIT || size > c->size - at)
			return hive_bad(e, at, "a bin of a wrong size");
		rc = check_cells(c, at + HIVE_BIN_HEADER, at + size, e);
		if (rc)
			return rc;
		at += size;
	}
	return 0;
}

const void *hive_check_cell(
	const struct hive_check *c, uint32_t at, const char *magic, size_t len, struct error *e)
{
	uint32_t room;

	if (at % 8 || at >= c->size || !marked(c->allocated, at)) {
		hive_bad(e, at, "a reference to no cell");
		return NULL;
	}
	room = 0u - get_le32(*(const le32 *)(const void *)(c->bins + at)) - HIVE_CELL_HEADER;
	if (room < len) {
		hive_bad(e, at, "a cell that is too small for its content");
		return NULL;
	}
	at += HIVE_CELL_HEADER;
	if (magic && memcmp(c->bins + at, magic, 2)) {
		error_set(e, ERR_CORRUPT, "no \"%s\" at 0x%llx", magic, HIVE_BASE_SIZE + 0ull + at);
		return NULL;
	}
	return c->bins + at;
}

const void *hive_check_claim(
	struct hive_check *c, uint32_t at, const char *magic, size_t len, struct error *e)
{
	const void *cell = hive_check_cell(c, at, magic, len, e);

	if (cell && marked(c->reached, at)) {
		hive_bad(e, at, "two owners of the cell");
		return NULL;
	}
	if (cell)
		mark(c->reached, at);
	return cell;
}

const void *hive_check_share(struct hive_check *c, uint32_t at, const char *magic, size_t len,
	bool *first, struct error *e)
{
	*first = at % 8 || at >= c->size || !marked(c->shared, at);
	if (!*first)
		return c->bins + at + HIVE_CELL_HEADER;
	const void *cell = hive_check_claim(c, at, magic, len, e);

	if (cell)
		mark(c->shared, at);
	return cell;
}

int hive_check(const uint8_t *file, size_t len, struct error *e)
{
	const struct hive_base *base = (const void *)file;
	struct hive_check c = { .bins = file + HIVE_BASE_SIZE };
	int rc = hive_check_base(file, len, e);

	if (rc)
		return rc;
	if (get_le32(base->sum) != hive_sum(base))
		return error_set(e, ERR_CORRUPT, "the checksum at 0x1fc is wrong");
	c.size = get_le32(base->bins_size);
	c.minor = get_le32(base->minor);
	if (c.size > len - HIVE_BASE_SIZE)
		return error_set(e, ERR_CORRUPT,
			"the hive is cut off: %zu bytes where there should be %llu", len,
			HIVE_BASE_SIZE + 0ull + c.size);
	c.allocated = calloc(c.size / 64, 1);
	c.reached = calloc(c.size / 64, 1);
	c.shared = calloc(c.size / 64, 1);
	rc = c.allocated && c.reached && c.shared ? check_bins(&c, e)
						  : error_nomem(e, "a registry hive");
	if (!rc)
		rc = hive_check_keys(&c, get_le32(base->root), e);
	free(c.allocated);
	free(c.reached);
	free(c.shared);
	return rc;
}
