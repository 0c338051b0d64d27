/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The disk: where its partitions are, and where there is data. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "job/report_html_private.h"

enum { BAR = 1000, SHADES = 6, NARROWEST = 4, GAP = 2 };

static uint64_t number_of(const json_t *object, const char *key)
{
	json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 ? (uint64_t)n : 0;
}

/* Only partitions lie on the disk side by side. */
static bool is_partition(const json_t *volume)
{
	const char *type = report_text(volume, "type");

	return type && strcmp(type, "lvm") != 0;
}

/* At least so wide that it is seen, and right of `*end`, which the one before left. */
static void partition_draw(
	struct html *h, const json_t *volume, size_t index, uint64_t disk, double *end)
{
	const double scale = disk ? BAR / (double)disk : 0;
	const double begin = (double)min_u64(number_of(volume, "offset"), disk) * scale;
	const double width = (double)min_u64(number_of(volume, "size"), disk) * scale;
	const unsigned x = (unsigned)(begin > *end ? begin : *end);
	const unsigned wide = width < NARROWEST ? NARROWEST : (unsigned)width;
	char at[REPORT_NUMBER], across[REPORT_NUMBER], shade[REPORT_NUMBER];

	*end = x + wide + GAP;
	snprintf(at, sizeof(at), "%u", x);
	snprintf(across, sizeof(across), "%u", wide);
	snprintf(shade, sizeof(shade), "v%zu", index % SHADES);
	html_put(h, "<rect class=\"%\" x=\"%\" width=\"%\" height=\"24\"><title>%</title></rect>",
		shade, at, across, report_text(volume, "id"));
}

static void partitions_draw(struct html *h, const struct report_html *r)
{
	const json_t *volumes = json_object_get(r->state, "volumes"), *volume;
	double end = 0;
	size_t i;

	html_markup(h,
		"<svg class=\"parts\" viewBox=\"0 0 1000 24\" preserveAspectRatio=\"none\" "
		"role=\"img\"><title>Partitions in their places</title>"
		"<rect class=\"h\" width=\"1000\" height=\"24\"/>");
	json_array_foreach(volumes, i, volume)
	{
		if (i < REPORT_ROWS && is_partition(volume))
			partition_draw(h, volume, i, r->map->size, &end);
	}
	html_markup(h, "</svg>\n");
}

static void volume_row(struct html *h, const json_t *volume, size_t index)
{
	char size[SIZE_TEXT], offset[SIZE_TEXT], shade[REPORT_NUMBER];
	const char *filesystem = report_text(volume, "filesystem");
	const char *use = report_text(volume, "use");

	size_text(number_of(volume, "size"), size);
	size_text(number_of(volume, "offset"), offset);
	snprintf(shade, sizeof(shade), "v%zu", index % SHADES);
	html_markup(h, "<tr><th scope=\"row\">");
	if (is_partition(volume))
		html_put(h,
			"<svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect "
			"class=\"%\" width=\"10\" height=\"10\"/></svg>",
			shade);
	html_put(h,
		"<code>%</code></th><td data-k=\"File system\">% <span "
		"class=\"volume\">%</span></td><td data-k=\"Label\">%</td>"
		"<td data-k=\"Starts at\" class=\"n\">%</td><td data-k=\"Size\" "
		"class=\"n\">%</td></tr>\n",
		report_text(volume, "id"),
		filesystem    ? filesystem
			: use ? ""
			      : "none known",
		use, report_text(volume, "label"), offset, size);
}

static void volumes_write(struct html *h, const struct report_html *r)
{
	const json_t *volumes = json_object_get(r->state, "volumes"), *volume;
	size_t i;

	html_markup(h,
		"<table class=\"stack\">\n<thead><tr><th scope=\"col\">Volume</th>"
		"<th scope=\"col\">File system</th><th scope=\"col\">Label</th>"
		"<th scope=\"col\" class=\"n\">Starts at</th><th scope=\"col\" "
		"class=\"n\">Size</th></tr></thead>\n<tbody>\n");
	json_array_foreach(volumes, i, volume)
	{
		if (i < REPORT_ROWS)
			volume_row(h, volume, i);
	}
	html_markup(h, "</tbody>\n</table>\n");
	report_more(h, json_array_size(volumes), NULL);
}

void report_disk(struct html *h, const struct report_html *r)
{
	const uint64_t hundredth = max_u64(r->map->size / 100, 1);
	char size[SIZE_TEXT], cell[SIZE_TEXT], percent[REPORT_NUMBER];

	size_text(r->map->size, size);
	size_text(r->map->cell, cell);
	snprintf(percent, sizeof(percent), "%" PRIu64,
		min_u64((r->map->total[MAP_DATA] + hundredth / 2) / hundredth, 100));
	html_markup(h, "<section>\n<h2>Disk</h2>\n");
	html_put(h,
		"<p>% after the edits. Each square is %, from the first byte to the last; the "
		"fuller "
		"its colour, the more of it holds data, as far as samples show. In all, about % "
		"percent is "
		"data, the rest zeros.</p>\n",
		size, cell, percent);
	partitions_draw(h, r);
	if (!h->rc)
		h->rc = map_picture_inline(r->map, "Where the disk holds data", h->out, h->e);
	html_markup(h,
		"<p class=\"legend\"><svg class=\"key\" viewBox=\"0 0 10 10\" aria-hidden=\"true\">"
		"<rect class=\"d\" width=\"10\" height=\"10\"/></svg>data <svg class=\"key\" "
		"viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"h\" width=\"10\" "
		"height=\"10\"/></svg>zeros</p>\n");
	volumes_write(h, r);
	html_markup(h, "</section>\n");
}
