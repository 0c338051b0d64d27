/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_QCOW2_WRITE_H
#define FORMATS_QCOW2_WRITE_H

#include "formats/qcow2.h"

enum {
	QCOW2_REFCOUNT_ORDER = 4, /* 16 bits, the only width that version 2 knows */
	QCOW2_REFCOUNT_MAX = UINT16_MAX,
	QCOW2_REFTABLE_MAX = 8 << 20, /* bytes of a table that qemu opens */
};

#define QCOW2_COPIED (UINT64_C(1) << 63) /* the cluster's refcount is exactly one */
#define QCOW2_PACKED (UINT64_C(1) << 62) /* an L2 entry describes a compressed cluster */
#define QCOW2_ALL_ZERO UINT64_C(1) /* an L2 entry says zeros, whatever is below (version 3) */

/* What was asked for. */
struct qcow2_plan {
	uint64_t size;
	uint32_t version;
	unsigned cluster_bits;
	enum qcow2_compression compression;
	bool compress;
	bool best; /* smallest rather than fastest */
	bool lazy_refcounts;
	bool extended_l2;
	const struct parent_spec *parent; /* NULL: the image stands alone */
	const struct qcow2 *like; /* names the parent in the words to use; NULL: ours are */
};

/* qcow2_write_options.c */
extern const struct format_option qcow2_options[];
int qcow2_plan(const struct image_spec *spec, struct qcow2_plan *out, struct error *e);
uint64_t qcow2_l1_entries(uint64_t size, unsigned cluster_bits, bool extended_l2);

/*
 * qcow2_deflate.c: compressors, each used by one thread at a time and kept for the next one.  Any
 * thread may call.
 */
struct qcow2_deflaters;
int qcow2_deflaters_open(const struct qcow2_plan *p, struct qcow2_deflaters **out, struct error *e);
void qcow2_deflaters_close(struct qcow2_deflaters *d); /* NULL is fine */
struct qcow2_deflater;
int qcow2_deflater_take(struct qcow2_deflaters *d, struct qcow2_deflater **out, struct error *e);
void qcow2_deflater_give(struct qcow2_deflaters *d, struct qcow2_deflater *f);
/* Compresses `len` bytes to at most `room`; *made is 0 when they do not get that small. */
int qcow2_deflate(struct qcow2_deflater *f, const uint8_t *in, size_t len, uint8_t *out,
	size_t room, size_t *made, struct error *e);

/* qcow2_deflate_engines.c: one way to compress.  The same input always gives the same bytes. */
struct qcow2_engine {
	int (*open)(void **state, struct error *e);
	int (*run)(void *state, const uint8_t *in, size_t len, uint8_t *out, size_t room,
		size_t *made, struct error *e);
	void (*close)(void *state);
};
const struct qcow2_engine *qcow2_engine_for(enum qcow2_compression type, bool best);

/*
 * qcow2_write_tables.c: who uses which cluster of the file.  It only ever grows, so that at most
 * one L2 table and one refcount block are in memory: they are written when the next one begins.
 * Refcount block n counts, as its first cluster, itself; only block 0 comes after the header.  L1
 * and refcount table are as long as they turn out to be needed and therefore come last.
 */
struct qcow2_tables {
	struct output *file; /* not owned */
	bool fresh; /* unwritten bytes of the file read as zeros */
	unsigned cluster_bits;
	uint32_t cluster; /* bytes */
	uint64_t limit; /* no cluster has this number or a higher one */
	uint64_t next; /* number of the first cluster never used */
	uint64_t packed; /* file offset for the next compressed bytes, 0: in a new cluster */
	uint64_t block; /* refcount block in `count` */
	uint32_t per_block; /* clusters that it counts */
	be16 *count;
	uint64_t table; /* L2 table in `l2`; UINT64_MAX: none yet */
	uint64_t table_off; /* its file offset */
	uint64_t per_table; /* guest clusters that it describes */
	bool extended; /* entries of two words */
	be64 *l2;
	be64 *l1;
	uint64_t l1_count;
};

/* Where the tables ended up. */
struct qcow2_ends {
	uint64_t l1_off;
	uint64_t refcount_off;
	uint32_t refcount_clusters;
	uint32_t l1_size; /* entries */
	uint64_t file_size;
};

int qcow2_tables_open(
	struct qcow2_tables *t, const struct qcow2_plan *p, struct output *file, struct error *e);
void qcow2_tables_close(struct qcow2_tables *t); /* all zero is fine */
/* A cluster of its own. */
int qcow2_take_cluster(struct qcow2_tables *t, uint64_t *off, struct error *e);
/* Place for `len` compressed bytes, less than a cluster. */
int qcow2_take_packed(struct qcow2_tables *t, size_t len, uint64_t *off, struct error *e);
/* Guest clusters come in rising order; `bits` is the second word of an extended entry. */
int qcow2_set_entry(
	struct qcow2_tables *t, uint64_t cluster, uint64_t entry, uint64_t bits, struct error *e);
/* Nothing more comes: writes the L2 table begun and ends the compressed bytes. */
int qcow2_tables_end(struct qcow2_tables *t, struct error *e);

/* qcow2_write_tail.c: what comes last in the file. */
int qcow2_tail_write(struct qcow2_tables *t, struct qcow2_ends *out, struct error *e);

/* Number of the cluster that holds refcount block `n`, as long as it is not one of the tail. */
uint64_t qcow2_block_place(const struct qcow2_tables *t, uint64_t n);
/* One user more for a cluster that the current refcount block counts. */
void qcow2_count_use(struct qcow2_tables *t, uint64_t number);
/* Writes a cluster of the file by its number. */
int qcow2_write_cluster(
	struct qcow2_tables *t, uint64_t number, const void *bytes, struct error *e);
int qcow2_no_room(const struct qcow2_tables *t, struct error *e);

/*
 * qcow2_write_head.c: fills the first cluster, which is all zeros before: header, extensions, and
 * the backing file's name.  Fails when they need more than a cluster.
 */
int qcow2_head_fill(
	const struct qcow2_plan *p, const struct qcow2_ends *ends, uint8_t *bytes, struct error *e);

/* What becomes of a guest cluster. */
struct qcow2_placed {
	uint64_t word; /* first word of its L2 entry, 0: none */
	uint32_t stored; /* a bit a part of it, the lowest first: the file holds it as it is */
};

/* qcow2_write.c */
struct qcow2_writer {
	struct writer writer;
	struct qcow2_plan plan;
	struct qcow2_tables tables;
	struct qcow2_deflaters *deflaters; /* NULL: nothing is compressed */
	size_t part; /* bytes that are stored or left out together: a cluster, or a subcluster */
	unsigned parts; /* in a cluster */
	bool zeros_stored; /* zeros over a parent can't be told otherwise */
	struct qcow2_placed *placed; /* of the unit being placed */
};

/* qcow2_write_unit.c: the operations encode and place. */
int qcow2_encode(const struct writer *w, struct block *b, struct error *e);
int qcow2_place(struct writer *w, struct block *b, struct error *e);

int qcow2_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e);

#endif
