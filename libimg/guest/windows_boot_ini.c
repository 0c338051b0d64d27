/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * boot.ini, what NTLDR of Windows before Vista reads: "multi(0)disk(0)rdisk(0)partition(N)\FOLDER".
 * N counts the partitions of the disk from 1, primary ones in the table's order and then logical
 * ones.
 */
#include "guest/windows_bcd.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_LIMIT = 64 << 10, ENTRY_LIMIT = 64 };

/* One "name=value" line; the pointers are into the file's text. */
struct ini_line {
	bool systems; /* of [operating systems], else of [boot loader] */
	const char *name, *value;
	size_t name_len, value_len;
};

struct ini_walk {
	const char *at;
	bool systems;
};

static const char *trim(const char *text, size_t *len)
{
	while (*len && (*text == ' ' || *text == '\t')) {
		text++;
		--*len;
	}
	while (*len && strchr(" \t\r", text[*len - 1]))
		--*len;
	return text;
}

static bool line_next(struct ini_walk *w, struct ini_line *out)
{
	while (*w->at) {
		size_t len = strcspn(w->at, "\n");
		const char *line = w->at, *equal;

		w->at += len + (w->at[len] != 0);
		line = trim(line, &len);
		if (len && line[0] == '[') {
			w->systems = len == 19 && !strncasecmp(line, "[operating systems]", 19);
			continue;
		}
		equal = memchr(line, '=', len);
		if (!equal || line[0] == ';')
			continue;
		*out = (struct ini_line){ .systems = w->systems, .name = line, .value = equal + 1 };
		out->name_len = (size_t)(equal - line);
		out->value_len = len - out->name_len - 1;
		out->name = trim(out->name, &out->name_len);
		out->value = trim(out->value, &out->value_len);
		return true;
	}
	return false;
}

/* An ARC path. */
struct arc {
	const char *text;
	size_t len;
	unsigned disk, partition;
	size_t number, number_len; /* where the partition's number stands */
	size_t folder; /* where "\WINDOWS" starts; len: nowhere */
};

static bool number_of(
	const char *text, size_t len, const char *word, unsigned *out, size_t *at, size_t *count)
{
	const size_t size = strlen(word);

	for (size_t i = 0; i + size < len; i++) {
		char *end;
		unsigned long n;

		if (strncasecmp(text + i, word, size))
			continue;
		if (!isdigit((unsigned char)text[i + size]))
			return false;
		n = strtoul(text + i + size, &end, 10);
		if ((size_t)(end - text) >= len || *end != ')' || n > 1000000)
			return false;
		*out = (unsigned)n;
		*at = i + size;
		*count = (size_t)(end - text) - *at;
		return true;
	}
	return false;
}

/* False for what is no ARC path ("C:\grldr"), and for one that BIOS numbers don't tell of. */
static bool arc_parse(const char *text, size_t len, struct arc *out)
{
	struct arc a = { .text = text, .len = len };
	const char *folder = memchr(text, '\\', len);
	size_t at, count;

	a.folder = folder ? (size_t)(folder - text) : len;
	if (len < 6 || strncasecmp(text, "multi(", 6) ||
		!number_of(text, a.folder, "rdisk(", &a.disk, &at, &count) ||
		!number_of(text, a.folder, "partition(", &a.partition, &a.number, &a.number_len))
		return false;
	*out = a;
	return true;
}

/* The partition of that number, SIZE_MAX: none; and the number of a partition, 0: none. */
static size_t volume_of(const struct volume_list *l, unsigned n)
{
	unsigned last = 0;

	for (unsigned k = 0; k < n; k++) {
		unsigned next = 0;
		size_t index = SIZE_MAX;

		for (size_t i = 0; i < l->count; i++) {
			const unsigned id = bcd_partition_number(&l->volume[i]);

			if (strcmp(l->volume[i].type, "mbr") || id <= last || (next && id >= next))
				continue;
			next = id;
			index = i;
		}
		if (!next)
			return SIZE_MAX;
		last = next;
		if (k + 1 == n)
			return index;
	}
	return SIZE_MAX;
}

static unsigned number_of_volume(const struct volume_list *l, size_t index)
{
	for (unsigned n = 1; n <= l->count; n++)
		if (volume_of(l, n) == index)
			return n;
	return 0;
}

static size_t arc_volume(const struct guest_image *g, const struct arc *a)
{
	return a->disk ? SIZE_MAX : volume_of(&g->volumes, a->partition);
}

/* Bytes of a code page that is not told as UTF-8: only ASCII is taken. */
static int text_copy(const char *text, size_t len, char **out, struct error *e)
{
	char *copy = strndup(text, len);

	if (!copy)
		return error_nomem(e, "boot.ini");
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	*out = copy;
	return 0;
}

/* The path that is started when nobody chooses. */
static bool chosen_of(const char *text, struct arc *out)
{
	struct ini_walk w = { .at = text };
	struct ini_line line;

	while (line_next(&w, &line))
		if (!line.systems && line.name_len == 7 && !strncasecmp(line.name, "default", 7))
			return arc_parse(line.value, line.value_len, out);
	/* Without it the first system is started. */
	w = (struct ini_walk){ .at = text };
	while (line_next(&w, &line))
		if (line.systems)
			return arc_parse(line.name, line.name_len, out);
	return false;
}

static bool is_same(const struct arc *a, const char *text, size_t len)
{
	return a->len == len && !strncasecmp(a->text, text, len);
}

static int device_text(
	const struct guest_image *g, const struct arc *a, struct buffer *out, struct error *e)
{
	if (arc_volume(g, a) != SIZE_MAX)
		return buffer_format(out, e, "partition %u",
			bcd_partition_number(&g->volumes.volume[arc_volume(g, a)]));
	return buffer_format(out, e, "missing partition %u of disk %u", a->partition, a->disk);
}

static int entry_read(const struct guest_image *g, const struct ini_line *line,
	const struct arc *chosen, struct windows_boot_entry *b, struct error *e)
{
	struct buffer device = { 0 };
	const char *title = line->value;
	size_t len = line->value_len;
	struct arc a;
	int rc;

	if (len && title[0] == '"') {
		const char *end = memchr(title + 1, '"', len - 1);

		title++;
		len = end ? (size_t)(end - title) : len - 1;
	}
	rc = text_copy(line->name, line->name_len, &b->guid, e);
	if (!rc)
		rc = text_copy(title, len, &b->description, e);
	b->kind = strdup("other");
	b->found = true;
	if (!rc && arc_parse(line->name, line->name_len, &a)) {
		free(b->kind);
		b->kind = strdup("loader");
		b->found = arc_volume(g, &a) != SIZE_MAX;
		b->is_default = chosen && is_same(chosen, line->name, line->name_len);
		rc = text_copy(a.text + a.folder, a.len - a.folder, &b->path, e);
		if (!rc)
			rc = device_text(g, &a, &device, e);
	} else if (!rc) {
		rc = buffer_string(&device, "unknown", e);
	}
	b->device = (char *)device.data;
	return rc || b->kind ? rc : error_nomem(e, "boot.ini");
}

int boot_ini_read(const struct bcd_place *p, struct buffer *out, struct error *e)
{
	return tree_read(p->tree, p->path, TEXT_LIMIT, out, e);
}

int boot_ini_entries(
	struct guest_image *g, const char *text, struct windows_bcd *out, struct error *e)
{
	struct ini_walk w = { .at = text };
	struct ini_line line;
	struct arc chosen;
	const bool has_chosen = chosen_of(text, &chosen);
	int rc = 0;

	out->entry = calloc(ENTRY_LIMIT, sizeof(*out->entry));
	if (!out->entry)
		return error_nomem(e, "boot.ini");
	while (!rc && out->entry_count < ENTRY_LIMIT && line_next(&w, &line))
		if (line.systems)
			rc = entry_read(g, &line, has_chosen ? &chosen : NULL,
				&out->entry[out->entry_count++], e);
	return rc;
}

/* Copies the text, with another partition in each path that equals the chosen one. */
static int text_change(const struct guest_image *g, const char *text, const struct arc *chosen,
	struct buffer *out, struct error *e)
{
	const unsigned n = number_of_volume(&g->volumes, g->root);
	struct ini_walk w = { .at = text };
	const char *done = text;
	struct ini_line line;
	int rc = 0;

	while (!rc && line_next(&w, &line)) {
		const char *path = line.systems ? line.name : line.value;
		const size_t len = line.systems ? line.name_len : line.value_len;
		const char *number = path + chosen->number;

		if (!is_same(chosen, path, len))
			continue;
		rc = buffer_append(out, done, (size_t)(number - done), e);
		if (!rc)
			rc = buffer_format(out, e, "%u", n);
		done = number + chosen->number_len;
	}
	return rc ? rc : buffer_string(out, done, e);
}

static bool is_root(struct guest_image *g, const struct arc *a)
{
	const char *root = windows_of(g)->root;
	const size_t len = a->len - a->folder;

	return len > 1 && strlen(root) == len &&
		!strncasecmp(a->text + a->folder + 1, root + 1, len - 1);
}

int boot_ini_plan(struct guest_image *g, const char *text, struct buffer *changed, char **now,
	struct error *e)
{
	struct buffer device = { 0 };
	struct arc a;
	int rc = 0;

	*now = NULL;
	/* Only a path to this Windows' own folder can be said to be wrong. */
	if (!chosen_of(text, &a) || arc_volume(g, &a) == g->root ||
		(!is_root(g, &a) && arc_volume(g, &a) != SIZE_MAX))
		return 0;
	rc = device_text(g, &a, &device, e);
	if (!rc && is_root(g, &a) && !a.disk && number_of_volume(&g->volumes, g->root))
		rc = text_change(g, text, &a, changed, e);
	if (rc)
		buffer_free(&device);
	*now = (char *)device.data;
	return rc;
}
