/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Putting names into directories, and taking them out. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/fat.h"

enum { NUMBERS = FAT_DIRECTORY_MAX + 2 }; /* more than a directory has names */

int fat_name_check(const char *name, struct error *e)
{
	uint16_t text[FAT_NAME_UNITS];
	size_t units = 0;
	bool good = fat_name_read(name, text, &units);

	for (size_t i = 0; good && i < units; i++)
		good = text[i] >= ' ' && text[i] != 0x7f &&
			(text[i] > 0x7f || !strchr("\"*/:<>?\\|", text[i]));
	/* Windows takes these off. */
	if (good && text[units - 1] != '.' && text[units - 1] != ' ')
		return 0;
	return error_set(e, ERR_USAGE, "\"%.200s\" can't be the name of a file on vfat", name);
}

/* The smallest number that makes the short name one that the directory does not have. */
static int number_choose(
	struct fat *f, uint64_t dir, const struct fat_short *s, uint32_t *out, struct error *e)
{
	bool *taken = calloc(NUMBERS, sizeof(*taken));
	struct fat_found found;
	struct fat_cursor c;
	int rc = taken ? fat_cursor_open(f, dir, &c, e) : error_nomem(e, "a directory");

	while (!rc && !(rc = fat_dir_next(f, &c, &found, e)) && !c.over) {
		uint32_t number = fat_short_number(s, found.raw.name);

		if (number && number < NUMBERS)
			taken[number] = true;
		if (!memcmp(found.raw.name, s->name, sizeof(s->name)))
			taken[0] = true;
	}
	*out = 0;
	for (uint32_t i = s->exact ? 0 : 1; !rc && i < NUMBERS; i++) {
		*out = i;
		if (!taken[i])
			break;
	}
	free(taken);
	return rc;
}

static int slot_is_free(struct fat *f, uint64_t off, bool *end, bool *out, struct error *e)
{
	uint8_t first = 0;
	int rc = cache_read(f->cache, off, &first, 1, e);

	*end = *end || !first;
	*out = *end || first == FAT_DELETED;
	return rc;
}

/* Another cluster for a directory whose last one is `last`; zeros: no entries. */
static int dir_grow(struct fat *f, uint32_t last, struct error *e)
{
	uint8_t *zeros;
	uint32_t more = 0;
	int rc;

	if (!last)
		return error_set(e, ERR_RANGE,
			"the root directory is full: it has %" PRIu64 " entries",
			f->root_len / FAT_ENTRY);
	zeros = calloc(1, f->cluster);
	if (!zeros)
		return error_nomem(e, "a directory");
	rc = fat_take(f, last, &more, e);
	if (!rc)
		rc = cache_write(f->cache, fat_cluster_at(f, more), zeros, f->cluster, e);
	free(zeros);
	return rc;
}

/* What comes after a directory's last entry may be anything; it must not come to life. */
static int end_move(struct fat *f, struct fat_cursor c, struct error *e)
{
	static const uint8_t none[FAT_ENTRY];
	int rc;

	if (c.index == FAT_DIRECTORY_MAX)
		return 0;
	rc = fat_cursor_next(f, &c, e);
	return rc || c.over ? rc : cache_write(f->cache, c.off, none, sizeof(none), e);
}

/* `count` free entries in a row, the first ones that there are, or new ones. */
static int slots_find(struct fat *f, uint64_t dir, size_t count, uint64_t *slot, struct error *e)
{
	struct fat_cursor c;
	bool is_free = false, end = false;
	size_t have = 0;
	int rc = fat_cursor_open(f, dir, &c, e);

	while (!rc && have < count) {
		struct fat_cursor before = c;

		if (c.index == FAT_DIRECTORY_MAX)
			return error_set(e, ERR_RANGE, "a directory of %d entries is full",
				FAT_DIRECTORY_MAX);
		rc = fat_cursor_next(f, &c, e);
		if (!rc && c.over) {
			c = before;
			end = true;
			rc = dir_grow(f, c.cluster, e);
			continue;
		}
		if (!rc)
			rc = slot_is_free(f, c.off, &end, &is_free, e);
		have = is_free ? have : 0;
		if (is_free)
			slot[have++] = c.off;
	}
	return !rc && end ? end_move(f, c, e) : rc;
}

static void long_fill(
	struct fat_raw_long *out, const uint16_t *name, size_t units, size_t part, uint8_t checksum)
{
	le16 text[FAT_LONG_UNITS];

	for (size_t i = 0; i < FAT_LONG_UNITS; i++) {
		size_t at = part * FAT_LONG_UNITS + i;

		text[i] = put_le16(at < units ? name[at] : at == units ? 0 : 0xffff);
	}
	*out = (struct fat_raw_long){
		.order = (uint8_t)(part + 1),
		.attributes = FAT_LONG_NAME,
		.checksum = checksum,
	};
	if ((part + 1) * FAT_LONG_UNITS >= units)
		out->order |= 0x40;
	memcpy(out->first, text, sizeof(out->first));
	memcpy(out->second, text + 5, sizeof(out->second));
	memcpy(out->third, text + 11, sizeof(out->third));
}

int fat_dir_add(struct fat *f, uint64_t dir, const char *name, struct fat_raw *raw, struct error *e)
{
	uint64_t slot[FAT_LONG_ENTRIES + 1];
	uint16_t text[FAT_NAME_UNITS];
	struct fat_short s;
	size_t units = 0, parts;
	uint32_t number = 0;
	int rc = fat_name_check(name, e);

	if (rc)
		return rc;
	(void)fat_name_read(name, text, &units);
	fat_short_make(text, units, &s);
	rc = number_choose(f, dir, &s, &number, e);
	if (rc)
		return rc;
	fat_short_numbered(&s, number, raw->name);
	parts = s.plain && !number ? 0 : (size_t)div_up(units, FAT_LONG_UNITS);
	rc = slots_find(f, dir, parts + 1, slot, e);
	for (size_t i = 0; !rc && i < parts; i++) {
		struct fat_raw_long part;

		long_fill(&part, text, units, parts - 1 - i, fat_short_sum(raw->name));
		rc = cache_write(f->cache, slot[i], &part, sizeof(part), e);
	}
	if (!rc)
		rc = cache_write(f->cache, slot[parts], raw, sizeof(*raw), e);
	f->changed = true;
	return rc;
}

int fat_dir_take(struct fat *f, const struct fat_found *found, struct error *e)
{
	const uint8_t deleted = FAT_DELETED;
	int rc = 0;

	for (size_t i = 0; !rc && i < found->slots; i++)
		rc = cache_write(f->cache, found->slot[i], &deleted, 1, e);
	f->changed = true;
	return rc;
}
