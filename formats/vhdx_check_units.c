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

/* Bytes of a free run that could hold blocks.  qemu keeps 4 MiB free behind the tables so that they
 * can grow. */
static uint64_t run_spare(const struct vhdx_check *v, uint64_t off, uint64_t len)
{
	enum { GROWTH = 4 << 20 };

	return off == v->front ? len - min_u64(len, GROWTH) : len;
}

static int run_check(struct vhdx_check *v, uint64_t off, uint64_t len, struct error *e)
{
	uint64_t blocks = run_spare(v, off, len) / v->image.block_size;

	if (!blocks)
		return 0;
	v->c->leaks += blocks;
	return check_find(v->c, &leak, off, e,
		"%" PRIu64 " bytes are part of nothing: room for %" PRIu64 " blocks", len, blocks);
}

int vhdx_check_leaks(struct vhdx_check *v, struct error *e)
{
	int rc = 0;

	/* A fixed disk keeps room for all of its blocks. */
	if (v->image.fixed)
		return 0;
	for (uint64_t unit = 1; unit < v->units && !rc; unit++) {
		uint64_t first = unit;

		while (unit < v->units && is_free(v, unit))
			unit++;
		rc = run_check(v, first * VHDX_MIB, (unit - first) * VHDX_MIB, e);
	}
	return rc;
}
