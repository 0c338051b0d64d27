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

/* What was asked for. */
struct qcow2_plan {
	uint64_t size;
	uint32_t version;
	unsigned cluster_bits;
	enum qcow2_compression compression;
	bool compress;
	bool best; /* smallest rather than fastest */
	bool lazy_refcounts;
};

/* qcow2_write_options.c */
extern const struct format_option qcow2_options[];
int qcow2_plan(const struct image_spec *spec, struct qcow2_plan *out, struct error *e);
uint64_t qcow2_l1_entries(uint64_t size, unsigned cluster_bits);

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
	be64 *l2;
	be64 *l1;
	uint64_t l1_count;
};

/* Where the tables ended up. */
struct qcow2_ends {
	uint64_t l1_off;
	uint64_t refcount_off;
	uint32_t refcount_clusters;
	uint64_t file_size;
};

int qcow2_tables_open(
	struct qcow2_tables *t, const struct qcow2_plan *p, struct output *file, struct error *e);
void qcow2_tables_close(struct qcow2_tables *t);
/* A cluster of its own. */
int qcow2_take_cluster(struct qcow2_tables *t, uint64_t *off, struct error *e);
/* Place for `len` compressed bytes, less than a cluster. */
int qcow2_take_packed(struct qcow2_tables *t, size_t len, uint64_t *off, struct error *e);
/* Guest clusters come in rising order. */
int qcow2_set_entry(struct qcow2_tables *t, uint64_t cluster, uint64_t entry, struct error *e);
/* Writes what is left of the tables. */
int qcow2_tables_finish(struct qcow2_tables *t, struct qcow2_ends *out, struct error *e);

/* qcow2_write.c */
struct qcow2_writer {
	struct writer writer;
	struct qcow2_plan plan;
	struct qcow2_tables tables;
	struct qcow2_deflaters *deflaters; /* NULL: nothing is compressed */
	uint64_t *entry; /* L2 entries of the unit being placed, 0: none */
};
int qcow2_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e);

#endif
