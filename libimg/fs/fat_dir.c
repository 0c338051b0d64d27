/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading directories: entries, long names, lookup. */
#include <inttypes.h>
#include <string.h>

#include "fs/fat.h"

int fat_cursor_open(struct fat *f, uint64_t dir, struct fat_cursor *out, struct error *e)
{
	*out = (struct fat_cursor){ 0 };
	return fat_directory(f, dir, &out->cluster, e);
}

int fat_cursor_next(struct fat *f, struct fat_cursor *c, struct error *e)
{
	uint64_t end = c->cluster ? f->cluster : f->root_len;

	if (c->at >= end) {
		uint32_t next = FAT_END;
		int rc = c->cluster ? fat_next(f, c->cluster, &next, e) : 0;

		if (rc)
			return rc;
		c->over = fat_is_end(next);
		if (c->over)
			return 0;
		c->cluster = next;
		c->at = 0;
	}
	if (c->index == FAT_DIRECTORY_MAX)
		return error_set(e, ERR_CORRUPT, "a directory has more than %d entries or no end",
			FAT_DIRECTORY_MAX);
	c->off = (c->cluster ? fat_cluster_at(f, c->cluster) : f->root) + c->at;
	c->at += FAT_ENTRY;
	c->index++;
	return 0;
}

/* A long name while its entries come, the last part first. */
struct gather {
	unsigned expected; /* the next part's number, 0: none is expected */
	bool complete;
	uint8_t checksum;
	uint16_t name[FAT_LONG_ENTRIES * FAT_LONG_UNITS];
	size_t units;
	uint64_t slot[FAT_LONG_ENTRIES];
	size_t slots;
};

static void long_units(const struct fat_raw_long *raw, uint16_t *out)
{
	for (size_t i = 0; i < 5; i++)
		out[i] = get_le16(raw->first[i]);
	for (size_t i = 0; i < 6; i++)
		out[5 + i] = get_le16(raw->second[i]);
	for (size_t i = 0; i < 2; i++)
		out[11 + i] = get_le16(raw->third[i]);
}

static void gather_add(struct gather *g, const struct fat_raw_long *raw, uint64_t off)
{
	unsigned order = raw->order & 0x3f;

	if (raw->order & 0x40) {
		*g = (struct gather){ .expected = order, .checksum = raw->checksum };
		if (!order || order > FAT_LONG_ENTRIES)
			g->expected = 0;
		g->units = (size_t)g->expected * FAT_LONG_UNITS;
	}
	if (!g->expected || order != g->expected || raw->checksum != g->checksum) {
		*g = (struct gather){ 0 };
		return;
	}
	long_units(raw, g->name + (size_t)(order - 1) * FAT_LONG_UNITS);
	g->slot[g->slots++] = off;
	g->expected = order - 1;
	g->complete = !g->expected;
}

/* Whether the parts make the name of the short entry that follows. */
static bool gather_fits(struct gather *g, const struct fat_raw *raw)
{
	size_t units = 0;
	bool dots = true;

	if (!g->complete || g->checksum != fat_short_sum(raw->name))
		return false;
	for (; units < g->units && g->name[units]; units++)
		dots = dots && g->name[units] == '.';
	g->units = units;
	return !dots && units <= FAT_NAME_UNITS;
}

static void found_fill(struct fat_found *out, struct gather *g, uint64_t off)
{
	bool has_long = gather_fits(g, &out->raw);

	out->alias_units = fat_short_text(&out->raw, true, out->alias);
	out->slots = has_long ? g->slots : 0;
	memcpy(out->slot, g->slot, out->slots * sizeof(*out->slot));
	out->slot[out->slots++] = off;
	out->units = has_long ? g->units : out->alias_units;
	memcpy(out->name, has_long ? g->name : out->alias, out->units * sizeof(*out->name));
}

int fat_dir_next(struct fat *f, struct fat_cursor *c, struct fat_found *out, struct error *e)
{
	struct gather g = { 0 };
	int rc;

	while (!(rc = fat_cursor_next(f, c, e)) && !c->over) {
		struct fat_raw_long part;

		rc = cache_read(f->cache, c->off, &out->raw, sizeof(out->raw), e);
		if (rc)
			break;
		if (!out->raw.name[0]) {
			c->over = true;
			break;
		}
		if (out->raw.name[0] == FAT_DELETED) {
			g = (struct gather){ 0 };
		} else if ((out->raw.attributes & FAT_LONG_MASK) == FAT_LONG_NAME) {
			memcpy(&part, &out->raw, sizeof(part));
			gather_add(&g, &part, c->off);
		} else if (out->raw.attributes & FAT_LABEL || out->raw.name[0] == '.') {
			g = (struct gather){ 0 };
		} else {
			found_fill(out, &g, c->off);
			break;
		}
	}
	return rc;
}

int fat_find(struct fat *f, uint64_t dir, const char *name, struct fat_found *out, struct error *e)
{
	uint16_t wanted[FAT_NAME_UNITS];
	struct fat_cursor c;
	size_t units = 0;
	int rc = fat_cursor_open(f, dir, &c, e);

	if (rc)
		return rc;
	if (!fat_name_read(name, wanted, &units))
		return error_set(e, ERR_NOTFOUND, "\"%.200s\" is no name in UTF-16", name);
	while (!(rc = fat_dir_next(f, &c, out, e)) && !c.over)
		if (fat_name_same(wanted, units, out->name, out->units) ||
			fat_name_same(wanted, units, out->alias, out->alias_units))
			return 0;
	return rc ? rc : error_set(e, ERR_NOTFOUND, "no \"%.200s\"", name);
}

int fat_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e)
{
	struct fat_found found;
	int rc = fat_find(fat_of(fs), dir, name, &found, e);

	if (!rc)
		*node = found.slot[found.slots - 1] / FAT_ENTRY;
	return rc;
}

int fat_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e)
{
	struct fat *f = fat_of(fs);
	struct fat_found found;
	struct fat_cursor c;
	int rc = fat_cursor_open(f, dir, &c, e);

	while (!rc && !(rc = fat_dir_next(f, &c, &found, e)) && !c.over) {
		char name[FAT_NAME_BYTES + 1];

		fat_name_text(found.name, found.units, name);
		rc = each(arg, name, found.slot[found.slots - 1] / FAT_ENTRY);
	}
	return rc;
}
