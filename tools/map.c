/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg map: what is stored where. */
#include <string.h>

#include "disk/image.h"
#include "disk/output.h"
#include "job/map_svg.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/text.h"

struct map_settings {
	struct common common;
	const char *format, *allow_parent, *snapshot, *svg;
	bool force;
};

struct map {
	const struct map_settings *settings;
	const char *path; /* of the image */
	const struct format *format;
	struct disk *disk;
	struct map_picture picture; /* without cells when none is wanted */
	bool first;
};

static bool same_file(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* Whether `next`, which follows `x`, is more of the same. */
static bool extent_continues(const struct extent *x, const struct extent *next)
{
	return x->zero == next->zero && x->stored == next->stored &&
		x->compressed == next->compressed && x->plain == next->plain &&
		x->depth == next->depth && same_file(x->file, next->file) &&
		(!x->plain || x->offset + x->length == next->offset);
}

static int show_json(struct map *m, uint64_t off, const struct extent *x, struct error *e)
{
	const char *file = x->file ? x->file : m->path;
	json_t *row = json_pack("{s:o,s:o,s:b,s:b,s:b,s:i,s:o,s:o}", "start", number_json(off),
		"length", number_json(x->length), "data", x->stored && !x->zero, "zero", x->zero,
		"compressed", x->compressed, "depth", (int)x->depth, "file",
		x->stored ? text_json(file) : json_null(), "offset",
		x->stored && x->plain ? number_json(x->offset) : json_null());
	int rc = 0;

	fputs(m->first ? "[\n  " : ",\n  ", stdout);
	if (!row)
		rc = error_nomem(e, "JSON");
	else if (json_dumpf(row, stdout, JSON_COMPACT))
		rc = ferror(stdout) ? error_set(e, ERR_IO, "cannot print JSON")
				    : error_nomem(e, "JSON");
	json_decref(row);
	return rc;
}

static const char *content_name(const struct extent *x)
{
	if (x->zero)
		return "zeros";
	return x->compressed ? "compressed" : "data";
}

static void show_row(const struct map *m, uint64_t off, const struct extent *x)
{
	if (m->first)
		printf("%16s %16s  %-10s %5s %16s  %s\n", "start", "length", "content", "depth",
			"offset", "file");
	printf("%16" PRIu64 " %16" PRIu64 "  ", off, x->length);
	if (!x->stored) {
		fputs("hole", stdout);
	} else {
		printf("%-10s %5u ", content_name(x), x->depth);
		if (x->plain)
			printf("%16" PRIu64 "  ", x->offset);
		else
			printf("%16s  ", "-");
		put_text(stdout, x->file ? x->file : m->path);
	}
	putchar('\n');
}

static int show(struct map *m, uint64_t off, const struct extent *x, struct error *e)
{
	int rc = 0;

	if (m->picture.cells)
		map_picture_add(&m->picture, off, x);
	if (m->settings->common.json)
		rc = show_json(m, off, x, e);
	else if (!m->settings->common.quiet)
		show_row(m, off, x);
	m->first = false;
	return rc;
}

/* Shows extents as they are found: a map can be larger than memory. */
static int walk(struct map *m, struct error *e)
{
	struct extent run = { 0 }, next;
	uint64_t off = 0, start = 0;
	int rc = 0;

	while (!rc && off < m->disk->size) {
		if (interrupted())
			return error_set(e, ERR_CANCELLED, "cancelled");
		rc = disk_extent(m->disk, off, &next, e);
		if (rc)
			return error_prefix(e, "%s", m->path);
		if (!run.length || !extent_continues(&run, &next)) {
			rc = run.length ? show(m, start, &run, e) : 0;
			start = off;
			run = next;
		} else {
			run.length += next.length;
		}
		off += next.length;
	}
	return !rc && run.length ? show(m, start, &run, e) : rc;
}

static int draw(const struct map *m, struct error *e)
{
	const struct output_options o = { .force = m->settings->force, .no_sync = true };
	const char *slash = strrchr(m->path, '/');
	struct buffer text = { 0 };
	int rc = map_picture_draw(
		&m->picture, slash ? slash + 1 : m->path, m->format->name, &text, e);

	if (!rc)
		rc = output_file(m->settings->svg, text.data, text.len, &o, e);
	buffer_free(&text);
	return rc ? error_prefix(e, "%s", m->settings->svg) : 0;
}

/* Rows of a child whose parent must not be read would call holes what the parent may hold. */
static int parts_check(const struct map *m, struct error *e)
{
	uint8_t sector[512];
	struct error why = { 0 };

	if (m->disk->size < sizeof(sector) ||
		disk_read(m->disk, 0, sector, sizeof(sector), &why) != -ERR_REFUSED)
		return 0;
	*e = why;
	return error_prefix(e, "%s", m->path);
}

static int map_run(const void *settings, char *const *argument, struct error *e)
{
	const struct map_settings *s = settings;
	struct map m = { .settings = s, .path = argument[0], .first = true };
	struct open_options o = { .allow_dir = s->allow_parent, .snapshot = s->snapshot };
	int rc;

	if (s->svg && !strcmp(s->svg, "-"))
		return error_set(
			e, ERR_USAGE, "--svg: the drawing is not sent to a pipe: name a file");
	rc = image_open_with(m.path, s->format, &o, &m.disk, &m.format, e);
	if (rc)
		return rc;
	rc = parts_check(&m, e);
	if (!rc && s->svg)
		rc = map_picture_open(&m.picture, m.disk->size, MAP_ROWS, e);
	if (!rc)
		rc = walk(&m, e);
	if (!rc && s->common.json)
		puts(m.first ? "[]" : "\n]");
	if (!rc && s->svg)
		rc = draw(&m, e);
	map_picture_close(&m.picture);
	disk_close(m.disk);
	return rc;
}

#define FIELD(name) offsetof(struct map_settings, name)
static const struct option_spec map_options[] = {
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, FIELD(format) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	SNAPSHOT_OPTION(FIELD(snapshot)),
	{ "svg", 0, "FILE", "Draw the map to FILE too.", option_text, FIELD(svg) },
	{ "force", 0, NULL, "Replace an existing FILE.", option_flag, FIELD(force) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_map;
const struct command command_map = {
	.name = "map",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "show which parts of a disk an image stores, and where",
	.description =
		"Lists the guest's disk from start to end in runs that are alike: a hole, zeros "
		"that have room in the file, data, compressed data. \"depth\" counts the parents "
		"down to the file that stores the run; \"offset\" is the place in that file, when "
		"the guest's bytes lie there as they are. Nothing is read but the container's "
		"tables and the file's holes.\n\n"
		"With --json the document is an array, as that of qemu-img map, with a row for "
		"each run: start, length, data, zero, compressed, depth, file, offset. file is "
		"null for holes, offset when there is none.",
	.options = map_options,
	.settings_size = sizeof(struct map_settings),
	.run = map_run,
};
