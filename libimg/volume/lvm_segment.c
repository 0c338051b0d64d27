/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a logical volume's bytes are. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "volume/lvm.h"

static const char unsupported[] = "lvm-volume-unsupported";
static const char damaged[] = "lvm-volume-damaged";
static const char missing[] = "lvm-volume-incomplete";

/* The first problem is kept. */
static void __attribute__((format(printf, 4, 5)))
problem_set(struct lvm_group *g, struct lvm_lv *lv, const char *code, const char *format, ...)
{
	va_list args;

	g->certain = false;
	if (lv->code)
		return;
	lv->code = code;
	va_start(args, format);
	(void)vsnprintf(lv->problem, sizeof(lv->problem), format, args);
	va_end(args);
}

static const struct lvm_member *member_find(const struct lvm_group *g, const char *name)
{
	for (size_t i = 0; i < g->members; i++)
		if (!strcmp(g->member[i].name, name))
			return &g->member[i];
	return NULL;
}

static int part_add(struct lvm_group *g, uint64_t off, uint64_t len, size_t lv, struct error *e)
{
	if (g->parts == g->part_capacity) {
		size_t capacity = g->part_capacity ? g->part_capacity * 2 : 64;
		struct lvm_part *part = reallocarray(g->part, capacity, sizeof(*part));

		if (!part)
			return error_nomem(e, "logical volumes");
		g->part = part;
		g->part_capacity = capacity;
	}
	g->part[g->parts++] = (struct lvm_part){ off, off + len, lv };
	return 0;
}

/* One column of a segment, `extents` long: "pv0", 17. */
static int column_read(struct lvm_group *g, struct lvm_lv *lv, size_t node, uint64_t extents,
	uint64_t *at, struct error *e)
{
	const struct lvm_node *name = &g->config.node[node];
	const struct lvm_node *first = &g->config.node[name->next];
	const struct lvm_member *m = member_find(g, name->text);

	if (!m) {
		problem_set(g, lv, unsupported, "it is made of %.60s, which is no physical volume",
			name->text);
		return 0;
	}
	if (!m->pv) {
		problem_set(g, lv, missing,
			"%.60s of its volume group is not on this disk, or not once: convert the "
			"guest's disks to one, or move it away with pvmove in the guest",
			m->name);
		return 0;
	}
	if (!range_fits(first->number, extents, m->extents)) {
		problem_set(g, lv, damaged,
			"%" PRIu64 " extents from %" PRIu64 " are not inside %.60s, which has "
			"%" PRIu64,
			extents, first->number, m->name, m->extents);
		return 0;
	}
	*at = m->start + first->number * g->extent;
	return part_add(g, *at, extents * g->extent, (size_t)(lv - g->lv), e);
}

/* The array of a segment has a name and a number for each column; 0 columns: it has not. */
static size_t columns_count(const struct lvm_config *c, size_t array)
{
	size_t count = 0;

	for (size_t i = array ? c->node[array].child : 0; i; i = c->node[i].next, count++)
		if (c->node[i].kind != (count % 2 ? LVM_NUMBER : LVM_STRING))
			return 0;
	return count % 2 ? 0 : count / 2;
}

/* Whether what a segment says of itself makes a piece; the rest is told by its columns. */
static bool piece_is_sound(const struct lvm_group *g, uint64_t extents, struct mapped_piece *p)
{
	return p->columns && extents && extents % p->columns == 0 &&
		mul_fits(extents, g->extent, &p->len) &&
		(p->columns == 1 || (p->stripe && g->extent % p->stripe == 0));
}

static int striped_read(
	struct lvm_group *g, struct lvm_lv *lv, size_t segment, uint64_t extents, struct error *e)
{
	const struct lvm_config *c = &g->config;
	size_t array = lvm_find(c, segment, "stripes", LVM_ARRAY);
	struct mapped_piece p = { .columns = columns_count(c, array) };
	uint64_t columns = 0;
	size_t node;
	int rc = 0;

	if (p.columns > 1 &&
		(!lvm_number(c, segment, "stripe_size", &p.stripe) ||
			!mul_fits(p.stripe, LVM_SECTOR, &p.stripe)))
		p.stripe = 0;
	if (!lvm_number(c, segment, "stripe_count", &columns) || columns != p.columns ||
		!piece_is_sound(g, extents, &p)) {
		problem_set(g, lv, damaged, "its %s makes no sense", c->node[segment].name);
		return 0;
	}
	p.at = calloc(p.columns, sizeof(*p.at));
	if (!p.at)
		return error_nomem(e, "a logical volume");
	node = c->node[array].child;
	for (size_t i = 0; !rc && i < p.columns; i++) {
		rc = column_read(g, lv, node, extents / p.columns, &p.at[i], e);
		node = c->node[c->node[node].next].next;
	}
	lv->piece[lv->pieces++] = p;
	return rc;
}

/* Segments come in order and leave nothing out. */
static int segment_read(
	struct lvm_group *g, struct lvm_lv *lv, size_t segment, uint64_t *next, struct error *e)
{
	const struct lvm_config *c = &g->config;
	const char *type = lvm_text(c, segment, "type");
	uint64_t start = 0, extents = 0;

	if (!lvm_number(c, segment, "start_extent", &start) || start != *next ||
		!lvm_number(c, segment, "extent_count", &extents) ||
		!add_fits(start, extents, next)) {
		problem_set(g, lv, damaged, "its segments leave something out or overlap");
		return 0;
	}
	if (type && (!strcmp(type, "striped") || !strcmp(type, "linear")))
		return striped_read(g, lv, segment, extents, e);
	problem_set(g, lv, unsupported,
		"it is of the type %.40s: convert it to a plain one in the guest (lvconvert), or "
		"copy "
		"what is in it to one",
		type ? type : "(none)");
	return 0;
}

static int segments_read(struct lvm_group *g, struct lvm_lv *lv, size_t section, struct error *e)
{
	const struct lvm_config *c = &g->config;
	uint64_t count = 0, said = 0, next = 0;
	int rc = 0;

	for (size_t i = c->node[section].child; i; i = c->node[i].next)
		count += c->node[i].kind == LVM_SECTION;
	lv->piece = calloc((size_t)count + 1, sizeof(*lv->piece));
	if (!lv->piece)
		return error_nomem(e, "a logical volume");
	if (!count || !lvm_number(c, section, "segment_count", &said) || said != count)
		problem_set(g, lv, damaged, "it has %" PRIu64 " segments instead of %" PRIu64,
			count, said);
	for (size_t i = c->node[section].child; !rc && i; i = c->node[i].next)
		if (c->node[i].kind == LVM_SECTION)
			rc = segment_read(g, lv, i, &next, e);
	return rc;
}

/* LVM writes what it is doing to a volume, or uses it for, into its status. */
static void status_read(struct lvm_group *g, struct lvm_lv *lv, size_t section)
{
	static const char *const harmless[] = { "READ", "WRITE", "VISIBLE", "FIXED_MINOR" };
	const struct lvm_config *c = &g->config;
	size_t array = lvm_find(c, section, "status", LVM_ARRAY);

	for (size_t i = array ? c->node[array].child : 0; i; i = c->node[i].next) {
		const struct lvm_node *n = &c->node[i];
		bool known = false;

		for (size_t k = 0; n->kind == LVM_STRING && k < 4; k++)
			known |= !strcmp(n->text, harmless[k]);
		if (!known)
			problem_set(g, lv, unsupported, "its status is %.40s",
				n->kind == LVM_STRING ? n->text : "a number");
	}
	lv->visible = lvm_has(c, section, "status", "VISIBLE");
	lv->writable = lvm_has(c, section, "status", "WRITE");
}

int lvm_lv_read(struct lvm_group *g, size_t section, struct lvm_lv *out, struct error *e)
{
	const struct lvm_config *c = &g->config;
	const char *id = lvm_text(c, section, "id");
	size_t used;

	*out = (struct lvm_lv){ .name = c->node[section].name };
	used = (size_t)snprintf(out->dm_uuid, sizeof(out->dm_uuid), "LVM-%s", g->id);
	for (; id && *id && used + 1 < sizeof(out->dm_uuid); id++)
		if (*id != '-')
			out->dm_uuid[used++] = *id;
	out->dm_uuid[used] = '\0';
	status_read(g, out, section);
	return segments_read(g, out, section, e);
}

static struct lvm_lv *lv_find(struct lvm_group *g, const char *name)
{
	for (size_t i = 0; i < g->lvs; i++)
		if (!strcmp(g->lv[i].name, name))
			return &g->lv[i];
	return NULL;
}

/* The next node of the text behind `i` that is below `top`; 0: none. */
static size_t node_after(const struct lvm_config *c, size_t i, size_t top)
{
	if (c->node[i].child)
		return c->node[i].child;
	while (i != top && !c->node[i].next)
		i = c->node[i].parent;
	return i == top ? 0 : c->node[i].next;
}

/* A volume that a segment of another type names (as a snapshot its origin) is not its own only:
 * what is free in it, or not current, may be in use through the other. */
static void users_mark(struct lvm_group *g, size_t segment, const char *user)
{
	const struct lvm_config *c = &g->config;
	const char *type = lvm_text(c, segment, "type");

	if (type && !strcmp(type, "striped"))
		return;
	for (size_t i = node_after(c, segment, segment); i; i = node_after(c, i, segment)) {
		struct lvm_lv *used = c->node[i].kind == LVM_STRING ? lv_find(g, c->node[i].text)
								    : NULL;

		if (used && used->name != user)
			problem_set(g, used, unsupported,
				"it is used by %.60s, a %.40s: remove or merge that in the guest",
				user, type ? type : "volume of no type");
	}
}

static int part_order(const void *a, const void *b)
{
	const struct lvm_part *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

static void overlaps_mark(struct lvm_group *g)
{
	size_t furthest = 0; /* part that reaches furthest so far */

	if (g->parts)
		qsort(g->part, g->parts, sizeof(*g->part), part_order);
	for (size_t i = 1; i < g->parts; i++) {
		struct lvm_part *p = &g->part[i], *before = &g->part[furthest];

		if (p->off < before->end) {
			struct lvm_lv *lv = &g->lv[p->lv], *other = &g->lv[before->lv];

			problem_set(g, lv, damaged, "it overlaps %.60s", other->name);
			problem_set(g, other, damaged, "it overlaps %.60s", lv->name);
		}
		if (p->end > before->end)
			furthest = i;
	}
}

void lvm_conflicts_mark(struct lvm_group *g)
{
	const struct lvm_config *c = &g->config;
	size_t all = lvm_find(c, g->section, "logical_volumes", LVM_SECTION);

	for (size_t lv = all ? c->node[all].child : 0; lv; lv = c->node[lv].next)
		for (size_t i = c->node[lv].child; i; i = c->node[i].next)
			if (c->node[i].kind == LVM_SECTION)
				users_mark(g, i, c->node[lv].name);
	overlaps_mark(g);
}
