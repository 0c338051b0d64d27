/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHDX_WRITE_H
#define FORMATS_VHDX_WRITE_H

#include "base/buffer.h"
#include "formats/vhdx.h"

/* Between the VHDX writer, vhdx_write.c, and what is particular to a child, vhdx_child.c. */

enum {
	VHDX_WINDOW_ENTRIES = 8192, /* 64 KiB, of which a BAT region holds a whole number */
	VHDX_CHILD_PIECES = UNIT_SIZE / 4096, /* at most, of a unit of a child */
};

struct vhdx_child; /* what only a differencing image has */

struct vhdx_writer {
	struct writer writer;
	struct output *file; /* not owned */
	struct vhdx_image image;
	bool has_identifier; /* image.disk_id was given */
	bool fresh; /* unwritten bytes of the file read as zeros */
	uint64_t payload; /* file offset of the first block */
	uint64_t next; /* file offset of the next block */
	uint64_t filled; /* up to here the payload is placed or cleared */
	uint64_t block; /* the last one that got a place; UINT64_MAX: none yet */
	uint64_t block_offset; /* its place */
	/* The part of the BAT being filled: entries come in rising order. */
	uint64_t window; /* index of its first entry */
	bool window_used;
	le64 entry[VHDX_WINDOW_ENTRIES];
	struct vhdx_child *child; /* owned; NULL: no parent */
};

static inline struct vhdx_writer *vhdx_writer_of(struct writer *w)
{
	return (struct vhdx_writer *)w;
}

/* Makes the payload from where it is filled to `off` read as zeros. */
int vhdx_payload_clear(struct vhdx_writer *v, uint64_t off, struct error *e);
/* Sets entry `index` of the BAT; each is set once at most, in rising order. */
int vhdx_bat_set(struct vhdx_writer *v, uint64_t index, uint64_t entry, struct error *e);
int vhdx_range_check(const struct vhdx_writer *v, const struct block *b, struct error *e);
/* All but the blocks, as writer_ops.finish. */
int vhdx_tables_finish(struct writer *w, const struct content_summary *c, struct error *e);
void vhdx_writer_close(struct writer *w);

/* Of a spec with a parent. */
int vhdx_child_open(const struct image_spec *spec, const struct vhdx_image *image,
	struct vhdx_child **out, struct error *e);
void vhdx_child_free(struct vhdx_child *c);
/* The metadata item Parent Locator (2.6.2.6); NULL without a child. */
const struct buffer *vhdx_child_locator(const struct vhdx_child *c);
extern const struct writer_ops vhdx_child_ops;

#endif
