/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VHD_WRITE_H
#define FORMATS_VHD_WRITE_H

#include "formats/vhd.h"

/* Between the VHD writer, vhd_write.c, and what is particular to a child, vhd_child.c. */

enum {
	VHD_ALIGNMENT = 4096,
	VHD_WINDOW_ENTRIES = 16384, /* 64 KiB of the BAT */
	VHD_CHILD_PAGE = 4096, /* guest bytes of a child that are written together */
	VHD_CHILD_PIECES = UNIT_SIZE / VHD_CHILD_PAGE,
};

struct vhd_child; /* what only a differencing disk has */
struct vhd_batmap; /* what only blktap's dialect has */

struct vhd_writer {
	struct writer writer;
	struct output *file; /* not owned */
	struct vhd_image image;
	bool has_identifier; /* image.id was given */
	bool fresh; /* unwritten bytes of the file read as zeros */
	uint64_t stride; /* bytes from one block to the next */
	uint64_t next; /* file offset of the next block's data */
	uint64_t filled; /* up to here everything is placed or cleared */
	uint64_t block; /* the last one that got a place; UINT64_MAX: none yet */
	uint64_t block_data; /* the place of its data */
	/* The part of the BAT being filled: entries come in rising order. */
	uint64_t window; /* index of its first entry */
	be32 entry[VHD_WINDOW_ENTRIES];
	struct vhd_child *child; /* owned; NULL: no parent */
	struct vhd_batmap *batmap; /* owned; NULL: none */
};

static inline struct vhd_writer *vhd_writer_of(struct writer *w)
{
	return (struct vhd_writer *)w;
}

/* Makes what lies between what is filled and `off` read as zeros. */
int vhd_clear_to(struct vhd_writer *v, uint64_t off, struct error *e);
/* Gives `block` the next place; its bitmap is left to be written. */
int vhd_block_allocate(struct vhd_writer *v, uint64_t block, struct error *e);
/* Gives a piece for guest offset `off` its place in the last block that was allocated. */
int vhd_piece_place(struct vhd_writer *v, uint64_t off, struct piece *p, struct error *e);
int vhd_range_check(const struct vhd_writer *v, const struct block *b, struct error *e);
/* All but the blocks, as writer_ops.finish. */
int vhd_tables_finish(struct writer *w, const struct content_summary *c, struct error *e);
void vhd_writer_close(struct writer *w);

/* Of a spec with a parent. */
int vhd_child_open(const struct image_spec *spec, struct vhd_child **out, struct error *e);
void vhd_child_free(struct vhd_child *c);
/* Gives the locators their places from `off` on, and returns where they end. */
uint64_t vhd_child_place_reference(struct vhd_child *c, uint64_t off);
/* Writes the locators, and what the header says of the parent. */
int vhd_child_header(struct vhd_writer *v, struct vhd_header *h, struct error *e);
extern const struct writer_ops vhd_child_ops;

/* vhd_reference.c: what a child says of its parent, the parent's identity not counted. */
struct vhd_reference {
	struct buffer name; /* of the parent's file, UTF-16, little endian */
	uint32_t timestamp;
	struct vhd_way {
		uint8_t platform[4];
		struct buffer text;
		uint64_t offset, room; /* in the file */
	} way[VHD_LOCATORS];
	size_t ways;
};
/* Free it after a failure, too. */
int vhd_reference_make(const struct parent_spec *p, struct vhd_reference *r, struct error *e);
/* What `child`, made by vhd_open, says. */
int vhd_reference_keep(struct disk *child, struct vhd_reference *r, struct error *e);
void vhd_reference_free(struct vhd_reference *r);
/* Gives the ways their places from `off` on, and returns where they end. */
uint64_t vhd_reference_place(struct vhd_reference *r, uint64_t off);
/* Writes them and fills the fields of the header. */
int vhd_reference_write(
	const struct vhd_reference *r, struct output *file, struct vhd_header *h, struct error *e);

/* vhd_batmap.c: for a table of `entries` that ends at `off`, on a sector's border. */
int vhd_batmap_open(uint64_t off, uint32_t entries, struct vhd_batmap **out, struct error *e);
void vhd_batmap_free(struct vhd_batmap *b); /* NULL is fine */
/* The file offset where it ends. */
uint64_t vhd_batmap_end(const struct vhd_batmap *b);
/* All sectors of the block are there, by its bitmap too. */
void vhd_batmap_set(struct vhd_batmap *b, uint64_t block);
int vhd_batmap_write(const struct vhd_batmap *b, struct output *file, struct error *e);

#endif
