/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_NTFS_FREE_H
#define LIBIMG_FS_NTFS_FREE_H

#include "base/bytes.h"
#include "disk/disk.h"

/* NTFS as far as it tells what is free and what is worth nothing after a shutdown: file records,
 * attributes, runs, the index of the root directory.  Names as in the NTFS documentation of the
 * Linux-NTFS project. */

enum {
	NTFS_RECORD_MAX = 4096, /* bytes of a file record */
	NTFS_UNITS_MAX = 255, /* of a name */

	/* Files with a fixed record. */
	NTFS_MFT = 0,
	NTFS_LOG = 2,
	NTFS_VOLUME = 3,
	NTFS_ROOT = 5,
	NTFS_BITMAP = 6,
	NTFS_FIXED = 11, /* all below are there in every version */
	NTFS_SPARE = 16, /* all below are kept for the volume's own */

	NTFS_ATTRIBUTE_LIST = 0x20,
	NTFS_VOLUME_INFORMATION = 0x70,
	NTFS_DATA = 0x80,
	NTFS_INDEX_ROOT = 0x90,
	NTFS_INDEX_ALLOCATION = 0xa0,
	NTFS_INDEX_BITMAP = 0xb0,

	NTFS_ATTRIBUTE_PACKED = 0xc0ff, /* compressed, encrypted or sparse */
};
#define NTFS_HOLE UINT64_MAX

/* A run of clusters of a stream. */
struct ntfs_run {
	uint64_t vcn, count; /* place in the stream */
	uint64_t lcn; /* on the volume, inside it; NTFS_HOLE: nowhere */
};

/* The bytes of an attribute. */
struct ntfs_stream {
	bool found;
	uint16_t flags;
	uint64_t size, initialized; /* bytes; from `initialized` on they read as zeros */
	uint64_t clusters; /* in runs */
	struct ntfs_run *run;
	size_t count, capacity;
	uint8_t *resident; /* `size` bytes; NULL: they are in runs */
};

struct ntfs_volume {
	struct disk *disk;
	uint32_t cluster, record; /* bytes */
	uint64_t clusters;
	uint64_t mft; /* cluster of the first file record */
	struct ntfs_stream records; /* the master file table */
};

/* An attribute in a record, checked to lie in it. */
struct ntfs_attribute {
	uint32_t type;
	uint16_t flags, instance;
	bool resident;
	const uint8_t *bytes; /* of the whole attribute */
	uint32_t len;
	const uint8_t *name; /* UTF-16 */
	size_t name_units;
};

/* ntfs_free_record.c: ERR_CORRUPT or ERR_UNSUPPORTED when the boot sector or the master file table
 * make no sense.  Closes what it was given, too, after a failure. */
int ntfs_volume_open(struct ntfs_volume *v, struct disk *d, struct error *e);
void ntfs_volume_close(struct ntfs_volume *v);
/* Puts back the last bytes of each 512, kept apart by the update sequence; whether it was whole. */
bool ntfs_fixup(uint8_t *bytes, size_t len);
/* What stands in a file's base record. */
struct ntfs_record {
	bool in_use, directory;
	uint16_t sequence, links;
	uint64_t base; /* reference of the record that this one adds to; 0: none */
	uint32_t attributes, end; /* where they start and end */
	uint8_t bytes[NTFS_RECORD_MAX];
};
int ntfs_record_read(
	const struct ntfs_volume *v, uint64_t number, struct ntfs_record *out, struct error *e);
/* The attribute at *at, which is moved on; *found is false at the end of them. */
int ntfs_attribute_next(const struct ntfs_record *r, uint32_t *at, struct ntfs_attribute *out,
	bool *found, struct error *e);
/* ntfs_free_list.c: calls back for every attribute of a file that is of that type (0: of all),
 * those in further records too, in the order of the attribute list. */
int ntfs_attributes(const struct ntfs_volume *v, uint64_t number, uint32_t type,
	int (*each)(void *arg, const struct ntfs_attribute *a, struct error *e), void *arg,
	struct error *e);

/* ntfs_free_stream.c: adds the runs of one attribute record. */
int ntfs_runs_add(const struct ntfs_volume *v, struct ntfs_stream *s,
	const struct ntfs_attribute *a, struct error *e);
/* The attribute's first record, and what follows on it: runs or bytes, and sizes. */
int ntfs_stream_add(const struct ntfs_volume *v, struct ntfs_stream *s,
	const struct ntfs_attribute *a, struct error *e);
/* Whether the sizes and the runs fit. */
int ntfs_stream_check(const struct ntfs_volume *v, const struct ntfs_stream *s, struct error *e);
/* `name` is ASCII, "" for none.  What is not there leaves `found` false. */
int ntfs_stream_open(const struct ntfs_volume *v, uint64_t number, uint32_t type, const char *name,
	struct ntfs_stream *out, struct error *e);
int ntfs_stream_read(const struct ntfs_volume *v, const struct ntfs_stream *s, uint64_t off,
	void *buf, size_t len, struct error *e);
void ntfs_stream_close(struct ntfs_stream *s);

/* ntfs_free_index.c: a file in the root directory by its name, in ASCII; letters match whatever
 * their case is. */
int ntfs_root_find(const struct ntfs_volume *v, const char *name, uint64_t *number, bool *found,
	struct error *e);

/* Clusters from `start` to before `end`. */
struct ntfs_span {
	uint64_t start, end;
};

/* ntfs_free_fixed.c: the clusters of the files with fixed records, rising; all zero is none.  Free
 * it after a failure, too. */
struct ntfs_fixed {
	struct ntfs_span *span;
	size_t count, capacity;
};
int ntfs_fixed_add(struct ntfs_fixed *f, uint64_t start, uint64_t count, struct error *e);
/* ERR_CORRUPT when some clusters are in it twice. */
int ntfs_fixed_sort(struct ntfs_fixed *f, struct error *e);
int ntfs_fixed_find(const struct ntfs_volume *v, struct ntfs_fixed *out, struct error *e);
/* Whether some of the clusters are theirs; *at is the first. */
bool ntfs_fixed_has(const struct ntfs_fixed *f, uint64_t start, uint64_t count, uint64_t *at);
void ntfs_fixed_free(struct ntfs_fixed *f);
/* $Bitmap, with a bit for every cluster. */
int ntfs_bitmap_open(const struct ntfs_volume *v, struct ntfs_stream *out, struct error *e);

/* ntfs_free_state.c: ERR_REFUSED when the volume was not shut down so that what is on the disk is
 * all there is. */
int ntfs_state_check(const struct ntfs_volume *v, struct error *e);
/* ntfs_free_shadow.c: ERR_REFUSED when there are shadow copies: they need what is free. */
int ntfs_shadow_check(const struct ntfs_volume *v, struct error *e);

#endif
