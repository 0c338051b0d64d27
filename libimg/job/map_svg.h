/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_MAP_SVG_H
#define LIBIMG_JOB_MAP_SVG_H

#include "base/buffer.h"
#include "disk/disk.h"

/* A picture of what a disk holds where, of bounded size whatever the disk's. */

enum { MAP_COLUMNS = 64, MAP_ROWS = 64 };

enum map_kind { MAP_HOLE, MAP_RESERVED, MAP_DATA, MAP_COMPRESSED, MAP_PARENT, MAP_KINDS };

enum map_kind map_kind_of(const struct extent *x);

struct map_cell {
	uint64_t bytes[MAP_KINDS];
};

struct map_picture {
	uint64_t size, cell; /* bytes: of the disk, and of it in one cell */
	uint64_t total[MAP_KINDS]; /* bytes */
	struct map_cell *cells;
};

/* Of at most `rows` times MAP_COLUMNS squares. */
int map_picture_open(struct map_picture *p, uint64_t size, unsigned rows, struct error *e);
/* The extent at `off`, which lies inside the disk. */
void map_picture_add(struct map_picture *p, uint64_t off, const struct extent *x);
/* Appends the SVG document. */
int map_picture_draw(const struct map_picture *p, const char *title, const char *format,
	struct buffer *out, struct error *e);
/* Appends the squares alone, as an element of a page: class "map", with paths of the classes h r d
 * c p (hole, reserved, data, compressed, parent) and s1 to s4 (paler to full) that the page gives
 * colours. */
int map_picture_inline(
	const struct map_picture *p, const char *label, struct buffer *out, struct error *e);
void map_picture_close(struct map_picture *p);

#endif
