/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_QCOW2_H
#define FORMATS_QCOW2_H

#include <pthread.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "disk/chain.h"
#include "disk/format.h"
#include "formats/block_cache.h"

/*
 * qcow2 as specified in qemu's docs/interop/qcow2.txt.  A cluster of the guest is found through one
 * entry of the L1 table and one of the L2 table that it names; all integers are big endian.
 */
struct qcow2_header {
	uint8_t magic[4]; /* +0x00 "QFI" 0xfb */
	be32 version; /* +0x04 2 or 3 */
	be64 backing_off; /* +0x08 */
	be32 backing_len; /* +0x10 */
	be32 cluster_bits; /* +0x14 */
	be64 size; /* +0x18 */
	be32 crypt_method; /* +0x20 0 none, 1 AES, 2 LUKS */
	be32 l1_size; /* +0x24 entries */
	be64 l1_off; /* +0x28 */
	be64 refcount_off; /* +0x30 */
	be32 refcount_clusters; /* +0x38 */
	be32 snapshots; /* +0x3c */
	be64 snapshots_off; /* +0x40 */
	/* From here on version 3. */
	be64 incompatible; /* +0x48 */
	be64 compatible; /* +0x50 */
	be64 autoclear; /* +0x58 */
	be32 refcount_order; /* +0x60 */
	be32 header_len; /* +0x64 */
	uint8_t compression; /* +0x68 0 deflate, 1 zstd */
	uint8_t padding[7]; /* +0x69 */
};
_Static_assert(sizeof(struct qcow2_header) == 112, "qcow2 header");

enum {
	QCOW2_V2_HEADER = 72,
	QCOW2_V3_HEADER = 104,
	QCOW2_MIN_BITS = 9, /* clusters of 512 bytes */
	QCOW2_MAX_BITS = 21, /* clusters of 2 MiB */
	QCOW2_SECTOR = 512, /* unit of a compressed cluster's length */
	QCOW2_PAGE = 65536, /* most bytes of a table that are cached as one */
	QCOW2_CACHE = 8 << 20, /* bytes of tables, and as many of inflated clusters */
	QCOW2_FETCH = 1 << 20, /* compressed bytes to read in one go */
	QCOW2_BATCH = 128, /* clusters looked up in one go */
	QCOW2_TURNS = 16,
	QCOW2_SUBCLUSTERS = 32, /* in a cluster with extended L2 entries */
	QCOW2_EXTENDED_MIN_BITS = 14, /* subclusters of 512 bytes */
	QCOW2_FEATURE_NAMES_MAX = 3 * 64, /* entries looked at: a bit of each kind */
	QCOW2_NAME_MAX = 1023, /* bytes of a backing file's name */
};

enum qcow2_compression { QCOW2_DEFLATE, QCOW2_ZSTD };

/* Incompatible feature bits. */
enum qcow2_feature {
	QCOW2_DIRTY, /* refcounts may be off; content is not */
	QCOW2_CORRUPT,
	QCOW2_DATA_FILE,
	QCOW2_COMPRESSION, /* the header tells of which type */
	QCOW2_EXTENDED_L2,
	QCOW2_FEATURES, /* that are known */
};

/* Header extensions. */
#define QCOW2_END_EXTENSION 0u
#define QCOW2_BACKING_FORMAT_EXTENSION 0xe2792acau
#define QCOW2_DATA_FILE_EXTENSION 0x44415441u
#define QCOW2_FEATURE_NAMES_EXTENSION 0x6803f857u
struct qcow2_extension {
	be32 type;
	be32 len; /* of what follows, which is padded to 8 bytes */
};

/* An entry of the "Feature name table". */
struct qcow2_feature_name {
	uint8_t kind; /* +0x00 0: incompatible */
	uint8_t bit; /* +0x01 */
	char name[46]; /* +0x02 padded with zeros */
};
_Static_assert(sizeof(struct qcow2_feature_name) == 48, "qcow2 feature name");

/* What one reading thread needs to inflate; kept for the next one. */
struct qcow2_inflater;
struct qcow2_pool {
	pthread_mutex_t lock;
	struct qcow2_inflater *idle; /* under `lock` */
	/* Held by who inflates a cluster for the cache, so that others who want it wait and find
	 * it. */
	pthread_mutex_t turn[QCOW2_TURNS];
};

struct qcow2 {
	struct disk disk;
	struct disk *file;
	uint32_t version;
	unsigned cluster_bits;
	uint32_t cluster; /* bytes */
	uint32_t page; /* bytes of a table that are cached as one */
	uint64_t l1_off; /* host offset */
	uint64_t l1_count; /* entries that the guest size needs */
	enum qcow2_compression compression;
	uint32_t crypt_method;
	uint32_t snapshots;
	uint64_t snapshots_off; /* host offset of their table */
	uint64_t data_end; /* clusters start before it; no limit when they are in another file */
	bool has_data_file;
	bool extended_l2;
	bool corrupt; /* marked as such by who noticed */
	char *backing; /* NULL: none */
	char *backing_format; /* NULL: not named */
	char *data_file; /* NULL: not named */
	/* Open when the image has them and may have them. */
	struct chain_file below; /* the backing file */
	struct chain_file external; /* the data file */
	struct disk *content; /* where plain clusters are: `file` or the data file */
	/*
	 * Why reading fails although the header is sound; code 0 when it does not.  Opening
	 * succeeds, so that such an image can be described.
	 */
	struct error refusal;
	struct block_cache *tables; /* by host offset of the page */
	struct block_cache *clusters; /* inflated, by host offset of the compressed bytes */
	struct qcow2_pool pool;
};

/* qcow2_header.c: fills everything of `q` up to `data_file` from q->file. */
int qcow2_load(struct qcow2 *q, struct error *e);
/* Makes the L1 table of `entries` at `off` and the guest's size those of `q`, once checked. */
int qcow2_use_l1(struct qcow2 *q, uint64_t off, uint32_t entries, uint64_t size, struct error *e);

/* qcow2_features.c: adds the numbers of incompatible feature bits, "5 (name), 63", with the names
 * that the image of version 3 has for them. */
int qcow2_features_text(struct disk *file, const struct qcow2_header *h, uint64_t bits,
	struct buffer *out, struct error *e);

/* qcow2_refer.c: opens what the image refers to, or says in q->refusal why not. */
void qcow2_refer(struct qcow2 *q, const struct open_options *o);

/* qcow2_map.c */
enum qcow2_kind {
	QCOW2_NOTHING, /* what the backing file has; zeros without one */
	QCOW2_BLANK, /* reads as zeros, has no cluster */
	QCOW2_ZERO, /* reads as zeros, has a cluster all the same */
	QCOW2_PLAIN,
	QCOW2_COMPRESSED,
	QCOW2_MIXED, /* its subclusters differ: see qcow2_part */
};

struct qcow2_cluster {
	enum qcow2_kind kind;
	uint64_t off; /* host offset; a compressed one is inside the file */
	uint32_t stored; /* bytes that hold a compressed cluster, none past the end of file */
	uint32_t plain, zero; /* of a mixed one, a bit a subcluster, the lowest first */
};

/* Bits of the number of entries in an L2 table. */
static inline unsigned qcow2_l2_bits(const struct qcow2 *q)
{
	return q->cluster_bits - (q->extended_l2 ? 4 : 3);
}

/* Of an L1 or L2 entry, the bits that are an offset. */
#define QCOW2_TABLE_BITS UINT64_C(0x00fffffffffffe00)
/* Copies up to *count entries from host offset `off`, which is inside the file; fewer where a page
 * ends. */
int qcow2_table_read(struct qcow2 *q, uint64_t off, be64 *out, size_t *count, struct error *e);

/* What byte `at` of a mixed cluster is, and how many bytes from there are alike. */
enum qcow2_kind qcow2_part(
	const struct qcow2 *q, const struct qcow2_cluster *c, size_t at, size_t *len);

/*
 * Looks up `want` clusters from the one that holds guest offset `off`, fewer where a table ends: at
 * least one, at most QCOW2_BATCH.
 */
int qcow2_map(struct qcow2 *q, uint64_t off, uint64_t want, struct qcow2_cluster *out,
	size_t *count, struct error *e);

/* qcow2_extent.c */
int qcow2_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e);

/* qcow2_inflate.c */
void qcow2_pool_open(struct qcow2_pool *p);
void qcow2_pool_close(struct qcow2_pool *p);
/* Reads `count` whole compressed clusters into `buf`. */
int qcow2_inflate(struct qcow2 *q, const struct qcow2_cluster *c, size_t count, uint8_t *buf,
	struct error *e);
/* Reads `len` bytes from `skip` of one compressed cluster through the cache. */
int qcow2_inflate_part(struct qcow2 *q, const struct qcow2_cluster *c, size_t skip, void *buf,
	size_t len, struct error *e);

/* qcow2_spec.c: format.spec_of */
extern const struct format qcow2_format;
int qcow2_spec_of(
	struct disk *d, struct strings *options, struct image_spec *spec, struct error *e);

/* qcow2_read.c */
int qcow2_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e);

#endif
