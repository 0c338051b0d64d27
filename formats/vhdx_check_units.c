/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which parts of a VHDX are taken.  All structures and blocks are whole MiB long and lie on MiB, so
 * that a bit for each is enough. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

static const struct fault file_long = { "vhdx-not-looked-at", SEVERITY_INFO, NULL };
static const struct fault leak = { "vhdx-leak", SEVERITY_WARNING,
	"hvimg check --repair writes a copy without it" };

int vhdx_units_open(struct vhdx_check *v, struct error *e)
{
	uint64_t units = v->view->size / VHDX_MIB;
	size_t bytes;

	v->units = min_u64(units, VHDX_UNITS_MAX);
	bytes = (size_t)div_up(v->units, 8);
	v->used = calloc(bytes ? bytes : 1, 1);
	v->kept = calloc(bytes ? bytes : 1, 1);
	if (!v->used || !v->kept)
		return error_nomem(e, "a map of the file");
	if (v->units == units)
		return 0;
	return check_find(v->c, &file_long, v->units * VHDX_MIB, e,
		"overlaps and leaks behind the first %" PRIu64 " bytes of the file",
		v->units * VHDX_MIB);
}

void vhdx_units_close(struct vhdx_check *v)
{
	free(v->used);
	free(v->kept);
}

static bool bit_set(uint8_t *map, uint64_t bit)
{
	uint8_t mask = (uint8_t)(1 << bit % 8);
	bool was = map[bit / 8] & mask;

	map[bit / 8] |= mask;
	return was;
}

static bool bits_set(struct vhdx_check *v, uint8_t *map, struct vhdx_range r)
{
	uint64_t end = min_u64(v->units, div_up(r.offset + r.length, VHDX_MIB));
	bool was = false;

	for (uint64_t unit = r.offset / VHDX_MIB; unit < end; unit++)
		was = bit_set(map, unit) || was;
	return was;
}

bool vhdx_units_take(struct vhdx_check *v, struct vhdx_range r)
{
	return bits_set(v, v->used, r);
}

void vhdx_units_keep(struct vhdx_check *v, struct vhdx_range r)
{
	(void)bits_set(v, v->kept, r);
}

bool vhdx_range_is_good(const struct vhdx_check *v, struct vhdx_range r)
{
	return r.offset % VHDX_MIB == 0 && r.length % VHDX_MIB == 0 && r.length &&
		r.offset >= VHDX_MIB && range_fits(r.offset, r.length, v->view->size);
}

static bool is_free(const struct vhdx_check *v, uint64_t unit)
{
	return !((v->used[unit / 8] | v->kept[unit / 8]) >> unit % 8 & 1);
}

int vhdx_check_leaks(struct vhdx_check *v, struct error *e)
{
	uint64_t block = v->image.block_size / VHDX_MIB;
	int rc = 0;

	for (uint64_t unit = 1; unit < v->units && !rc;) {
		uint64_t first = unit;

		while (unit < v->units && is_free(v, unit))
			unit++;
		v->c->leaks += (unit - first) / block;
		if (unit - first >= block)
			rc = check_find(v->c, &leak, first * VHDX_MIB, e,
				"%" PRIu64 " bytes are part of nothing: room for %" PRIu64
				" blocks",
				(unit - first) * VHDX_MIB, (unit - first) / block);
		unit++;
	}
	return rc;
}
