/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk as squares, row by row from its start: the colour is what most of the square holds, the
 * strength how much of it. */
#include "job/map_svg.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/size.h"

enum {
	MARGIN = 28,
	PITCH = 12, /* from one square to the next */
	TOP = 84,
	LEGEND = 58,
	WIDTH = 2 * MARGIN + MAP_COLUMNS * PITCH,
	SMALLEST = 4096, /* bytes in a square */
	STRENGTHS = 4,
};

static const struct {
	const char *name, *label;
} kinds[MAP_KINDS] = {
	[MAP_HOLE] = { "h", "hole" },
	[MAP_RESERVED] = { "r", "zeros, allocated" },
	[MAP_DATA] = { "d", "data" },
	[MAP_COMPRESSED] = { "c", "compressed" },
	[MAP_PARENT] = { "p", "in a parent" },
};

static const char style[] =
	"<style>"
	"svg{background:#fff;font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2933}"
	".t{font-size:18px;font-weight:600}.n{fill:#616e7c}"
	".h{fill:#e4e7eb}.r{fill:#b8a9d9}.d{fill:#1769aa}.c{fill:#0f8f6f}.p{fill:#d9822b}"
	".s1{opacity:.4}.s2{opacity:.6}.s3{opacity:.8}"
	"</style>\n";

enum map_kind map_kind_of(const struct extent *x)
{
	if (!x->stored)
		return MAP_HOLE;
	if (x->depth)
		return MAP_PARENT;
	if (x->zero)
		return MAP_RESERVED;
	return x->compressed ? MAP_COMPRESSED : MAP_DATA;
}

int map_picture_open(struct map_picture *p, uint64_t size, unsigned rows, struct error *e)
{
	const size_t cells = (size_t)rows * MAP_COLUMNS;

	*p = (struct map_picture){
		.size = size,
		.cell = max_u64(round_up(div_up(size, cells), SMALLEST), SMALLEST),
		.cells = calloc(cells, sizeof(*p->cells)),
	};
	return p->cells ? 0 : error_nomem(e, "a picture");
}

void map_picture_add(struct map_picture *p, uint64_t off, const struct extent *x)
{
	enum map_kind kind = map_kind_of(x);
	uint64_t end = off + x->length;

	p->total[kind] += x->length;
	while (off < end) {
		uint64_t next = min_u64(end, (off / p->cell + 1) * p->cell);

		p->cells[off / p->cell].bytes[kind] += next - off;
		off = next;
	}
}

/* How a square looks; the strength is 1 to STRENGTHS, more being fuller. */
static enum map_kind cell_look(const struct map_picture *p, uint64_t index, unsigned *strength)
{
	const struct map_cell *c = &p->cells[index];
	uint64_t bytes = min_u64(p->cell, p->size - index * p->cell), stored = 0;
	enum map_kind most = MAP_HOLE;

	*strength = STRENGTHS;
	for (enum map_kind k = MAP_RESERVED; k < MAP_KINDS; k++) {
		stored += c->bytes[k];
		if (c->bytes[k] && (most == MAP_HOLE || c->bytes[k] > c->bytes[most]))
			most = k;
	}
	/* In floating point, as a square's bytes times a small number need not fit. */
	if (most != MAP_HOLE && stored < bytes)
		*strength = 1 + (unsigned)((double)stored / (double)bytes * (STRENGTHS - 1));
	return most;
}

/* All squares that look so, in one path. */
static int look_draw(const struct map_picture *p, enum map_kind kind, unsigned strength,
	unsigned top, struct buffer *out, struct error *e)
{
	const uint64_t cells = div_up(p->size, p->cell);
	bool any = false;
	int rc = 0;

	for (uint64_t i = 0; !rc && i < cells; i++) {
		unsigned its;

		if (cell_look(p, i, &its) != kind || its != strength)
			continue;
		if (!any)
			rc = buffer_format(
				out, e, "<path class=\"%s s%u\" d=\"", kinds[kind].name, strength);
		any = true;
		if (!rc)
			rc = buffer_format(out, e, "M%u %uh%dv%dh-%dz",
				(unsigned)(i % MAP_COLUMNS * PITCH),
				top + (unsigned)(i / MAP_COLUMNS) * PITCH, PITCH - 2, PITCH - 2,
				PITCH - 2);
	}
	return rc || !any ? rc : buffer_string(out, "\"/>\n", e);
}

static int squares_draw(
	const struct map_picture *p, unsigned top, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (enum map_kind k = 0; !rc && k < MAP_KINDS; k++)
		for (unsigned s = 1; !rc && s <= STRENGTHS; s++)
			rc = look_draw(p, k, s, top, out, e);
	return rc;
}

static int text_put(struct buffer *out, const char *text, struct error *e)
{
	int rc = 0;

	for (; !rc && *text; text++) {
		switch (*text) {
		case '<':
			rc = buffer_string(out, "&lt;", e);
			break;
		case '&':
			rc = buffer_string(out, "&amp;", e);
			break;
		default:
			/* Controls are no XML, and bytes past ASCII may be no UTF-8. */
			rc = (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e
				? buffer_string(out, "?", e)
				: buffer_append(out, text, 1, e);
		}
	}
	return rc;
}

static int size_put(struct buffer *out, uint64_t bytes, struct error *e)
{
	char text[SIZE_TEXT];

	size_text(bytes, text);
	return buffer_string(out, text, e);
}

static int head_draw(const struct map_picture *p, unsigned height, const char *title,
	const char *format, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\" role=\"img\">\n<title>",
		WIDTH, height, WIDTH, height);

	if (!rc)
		rc = text_put(out, title, e);
	if (!rc)
		rc = buffer_format(out, e,
			"</title>\n%s<defs><rect id=\"q\" width=\"%d\" height=\"%d\" rx=\"2\"/>"
			"</defs>\n<rect width=\"%d\" height=\"%u\" fill=\"#fff\"/>\n"
			"<text class=\"t\" x=\"%d\" y=\"40\">",
			style, PITCH - 2, PITCH - 2, WIDTH, height, MARGIN);
	if (!rc)
		rc = text_put(out, title, e);
	if (!rc)
		rc = buffer_format(out, e, "</text>\n<text class=\"n\" x=\"%d\" y=\"64\">%s, ",
			MARGIN, format);
	if (!rc)
		rc = size_put(out, p->size, e);
	if (!rc)
		rc = buffer_string(out, "; each square is ", e);
	if (!rc)
		rc = size_put(out, p->cell, e);
	return rc ? rc : buffer_string(out, ", paler where little of it is stored</text>\n", e);
}

static int legend_draw(const struct map_picture *p, unsigned y, struct buffer *out, struct error *e)
{
	unsigned x = MARGIN;
	int rc = 0;

	for (unsigned k = 0; !rc && k < MAP_KINDS; k++) {
		unsigned start = x;

		if (!p->total[k])
			continue;
		x += WIDTH / MAP_KINDS - MARGIN / 2;
		rc = buffer_format(out, e,
			"<use href=\"#q\" x=\"%u\" y=\"%u\" class=\"%s\"/>"
			"<text x=\"%u\" y=\"%u\">%s</text>"
			"<text class=\"n\" x=\"%u\" y=\"%u\">",
			start, y, kinds[k].name, start + PITCH + 6, y + PITCH - 2, kinds[k].label,
			start + PITCH + 6, y + 2 * PITCH + 4);
		if (!rc)
			rc = size_put(out, p->total[k], e);
		if (!rc)
			rc = buffer_string(out, "</text>\n", e);
	}
	return rc;
}

int map_picture_draw(const struct map_picture *p, const char *title, const char *format,
	struct buffer *out, struct error *e)
{
	uint64_t cells = div_up(p->size, p->cell);
	unsigned bottom = TOP + (unsigned)div_up(cells, MAP_COLUMNS) * PITCH;
	int rc = head_draw(p, bottom + LEGEND, title, format, out, e);

	if (!rc)
		rc = buffer_format(out, e, "<g transform=\"translate(%d)\">\n", MARGIN);
	if (!rc)
		rc = squares_draw(p, TOP, out, e);
	if (!rc)
		rc = buffer_string(out, "</g>\n", e);
	if (!rc)
		rc = legend_draw(p, bottom + PITCH, out, e);
	return rc ? rc : buffer_string(out, "</svg>\n", e);
}

int map_picture_inline(
	const struct map_picture *p, const char *label, struct buffer *out, struct error *e)
{
	const uint64_t rows = div_up(div_up(p->size, p->cell), MAP_COLUMNS);
	int rc = buffer_format(out, e,
		"<svg class=\"map\" viewBox=\"0 0 %d %u\" role=\"img\"><title>",
		MAP_COLUMNS * PITCH - 2, (unsigned)max_u64(rows, 1) * PITCH - 2);

	if (!rc)
		rc = text_put(out, label, e);
	if (!rc)
		rc = buffer_string(out, "</title>\n", e);
	if (!rc)
		rc = squares_draw(p, 0, out, e);
	return rc ? rc : buffer_string(out, "</svg>\n", e);
}

void map_picture_close(struct map_picture *p)
{
	free(p->cells);
}
