/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VMDK_H
#define FORMATS_VMDK_H

#include "base/bytes.h"
#include "disk/chain.h"
#include "disk/format.h"

/*
 * VMDK as specified in VMware's "Virtual Disk Format 5.0".  A text, the descriptor, says of which
 * extents a disk consists; it is a file by itself, or part of the only, sparse, extent.
 */

enum {
	VMDK_SECTOR = 512,
	VMDK_DESCRIPTOR_MAX = 1 << 20, /* bytes */
	VMDK_NAME_MAX = 1023, /* bytes of a file name */
	VMDK_PARTS_MAX = CHAIN_DATA_MAX, /* extents of a disk */
};

/* vmdk_descriptor.c */
enum vmdk_kind { VMDK_FLAT, VMDK_SPARSE, VMDK_ZERO };

/* A line such as: RW 20480 SPARSE "disk-s001.vmdk" */
struct vmdk_line {
	enum vmdk_kind kind;
	uint64_t size; /* bytes */
	uint64_t off; /* bytes into the file; flat ones only */
	char *name; /* NULL: none */
};

struct vmdk_descriptor {
	const char *type; /* createType; static text */
	bool delta; /* has a parent */
	bool has_cid;
	uint32_t cid;
	char *parent; /* parentFileNameHint, NULL when absent */
	struct vmdk_line line[VMDK_PARTS_MAX];
	size_t lines;
};

/* Parses `text`, which it changes.  `out` is to be freed also after a failure. */
int vmdk_descriptor_parse(char *text, struct vmdk_descriptor *out, struct error *e);
void vmdk_descriptor_free(struct vmdk_descriptor *d);
/* Reads `len` bytes of text; the caller frees *out. */
int vmdk_text_read(struct disk *file, uint64_t off, uint64_t len, char **out, struct error *e);

enum {
	VMDK_FLAG_LINE_ENDS = 1 << 0,
	VMDK_FLAG_REDUNDANT = 1 << 1,
	VMDK_FLAG_ZEROED = 1 << 2,
	VMDK_FLAG_COMPRESSED = 1 << 16,
	VMDK_FLAG_MARKERS = 1 << 17,
};

/* vmdk_sparse.c */
struct vmdk_header {
	uint8_t magic[4]; /* +0x00 "KDMV" */
	le32 version; /* +0x04 1..3 */
	le32 flags; /* +0x08 */
	le64 capacity; /* +0x0c this and what follows in sectors */
	le64 grain; /* +0x14 */
	le64 descriptor_off; /* +0x1c */
	le64 descriptor_size; /* +0x24 */
	le32 per_table; /* +0x2c entries of a grain table */
	le64 redundant_off; /* +0x30 grain directory, second copy */
	le64 directory_off; /* +0x38 all ones: see the footer */
	le64 overhead; /* +0x40 */
	uint8_t unclean; /* +0x48 */
	uint8_t line_ends[4]; /* +0x49 "\n \r\n" */
	le16 compression; /* +0x4d 0 none, 1 deflate */
	uint8_t padding[433]; /* +0x4f */
};
_Static_assert(sizeof(struct vmdk_header) == VMDK_SECTOR, "VMDK sparse header");

enum { VMDK_MARKER_END = 0, VMDK_MARKER_TABLE, VMDK_MARKER_DIRECTORY, VMDK_MARKER_FOOTER };

/* In front of each part of an extent that is read as a stream. */
struct vmdk_mark {
	le64 value; /* +0x00 of a grain: its sector of the guest; else sectors that follow */
	le32 size; /* +0x08 compressed bytes, which follow at +0x0c; 0: not a grain */
	le32 type; /* +0x0c of what is not a grain: VMDK_MARKER_* */
};
_Static_assert(sizeof(struct vmdk_mark) == 16, "VMDK mark");

/* What is not a grain has one of a sector. */
struct vmdk_marker {
	struct vmdk_mark mark;
	uint8_t padding[496]; /* +0x10 */
};
_Static_assert(sizeof(struct vmdk_marker) == VMDK_SECTOR, "VMDK marker");

struct block_cache;

/* The content of one sparse extent. */
struct vmdk_sparse {
	struct disk disk;
	struct disk *file; /* not owned */
	bool compressed, markers, zeroed;
	bool delta; /* what is not there is in a parent */
	uint32_t grain; /* bytes */
	uint32_t per_table;
	uint64_t directory; /* file offset */
	uint64_t tables; /* entries of the directory */
	uint64_t descriptor_off, descriptor_size; /* bytes; 0 when there is none */
	uint64_t data_start; /* no grain is in front of it */
	struct block_cache *pages; /* of directory and tables */
	/* Inflated, by number; NULL when not compressed, and when one would be over the bound. */
	struct block_cache *grains;
};

/* `cache` bytes are spent on tables and as many on inflated grains. */
int vmdk_sparse_open(struct disk *file, size_t cache, struct vmdk_sparse **out, struct error *e);
void vmdk_sparse_close(struct vmdk_sparse *s);

/* vmdk_map.c */
enum vmdk_grain { VMDK_NOTHING, VMDK_ZEROED, VMDK_PLAIN, VMDK_DEFLATED };

/* Grains that follow each other in the guest and are alike; plain ones also in the file. */
struct vmdk_run {
	enum vmdk_grain kind;
	uint64_t off; /* file offset of the first */
	uint64_t count;
};

/* What is at grain number `grain`; a run ends where a grain table does, or with the last of several
 * that are not there. */
int vmdk_run_find(struct vmdk_sparse *s, uint64_t grain, struct vmdk_run *out, struct error *e);
int vmdk_sparse_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

/* vmdk_read.c */
int vmdk_sparse_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);

/* vmdk_parts.c: a disk of extents one behind the other. */
struct vmdk_part {
	uint64_t start, size; /* guest bytes */
	uint64_t off; /* into the file of a flat one */
	enum vmdk_kind kind;
	struct chain_file file; /* that was referred to; all zero when it is the image itself */
	struct vmdk_sparse *sparse; /* owned */
};

struct vmdk {
	struct disk disk;
	struct disk *file; /* owned */
	struct vmdk_descriptor descriptor;
	struct vmdk_part part[VMDK_PARTS_MAX];
	size_t parts;
	/* Why reading fails although the image can be described; code 0 when it does not. */
	struct error refusal;
};

/* Opens what the descriptor refers to, or says in v->refusal why not.  Sets the disk's size. */
int vmdk_parts_open(struct vmdk *v, const struct open_options *o, struct error *e);
/* As vmdk_parts_open when the image's file is the only extent; takes over `s`. */
int vmdk_own_open(struct vmdk *v, struct vmdk_sparse *s, struct error *e);
void vmdk_parts_close(struct vmdk *v);
int vmdk_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);
int vmdk_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

/* vmdk_write.c: what is written is always streamOptimized. */
enum {
	VMDK_GRAIN = 65536, /* bytes; this and the next are what VMware's own streams have */
	VMDK_PER_TABLE = 512,
	VMDK_HEAD_SIZE = 65536, /* bytes in front of the first grain */
	VMDK_TABLES_MAX = 1 << 23, /* a grain's number has 32 bits */
};

struct vmdk_plan {
	uint64_t size; /* of the guest's disk, bytes */
	const char *adapter; /* static text */
	bool best; /* smallest rather than fastest */
	struct guid identifier; /* set when has_identifier */
	bool has_identifier;
};

int vmdk_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e);

/* vmdk_write_options.c */
extern const struct format_option vmdk_options[];
int vmdk_plan(const struct image_spec *spec, struct vmdk_plan *out, struct error *e);
/* The header and the descriptor, VMDK_HEAD_SIZE bytes; `directory` is a file offset. */
void vmdk_head_make(const struct vmdk_plan *p, uint64_t directory, const struct content_summary *c,
	uint8_t *out);

#endif
