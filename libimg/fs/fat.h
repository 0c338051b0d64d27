/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_FAT_H
#define LIBIMG_FS_FAT_H

#include "base/bytes.h"
#include "fs/cache.h"
#include "fs/fs.h"

/*
 * FAT12, FAT16 and FAT32 with long names ("Microsoft FAT Specification", August 2005).  Node
 * numbers are the place of the short directory entry on the disk in units of entries, so that
 * replacing a file keeps its number, and removing it gives the number to whatever comes next.
 *
 * The mark of a volume that was not unmounted keeps nobody from editing it: Linux sets it as long
 * as the volume is mounted, which an EFI system partition is until the guest ends.  It stays as it
 * is.  Instead, every chain is followed before anything is edited; see fat_check.
 */
enum {
	FAT_ENTRY = 32, /* bytes of a directory entry */
	FAT_LONG_UNITS = 13, /* of UTF-16 in an entry of a long name */
	FAT_LONG_ENTRIES = 20,
	FAT_NAME_UNITS = 255, /* of UTF-16 in a name */
	FAT_NAME_BYTES = 3 * FAT_NAME_UNITS, /* of UTF-8 in a name */
	FAT_SHORT_UNITS = 12, /* of UTF-16 in a short name, with its dot */
	FAT_DIRECTORY_MAX = 65536, /* entries */
	FAT_ROOT_NODE = 1, /* an entry that lies in the boot sector */

	FAT_FREE = 0, /* in the table: nobody's cluster */
	FAT_BAD = 0x0ffffff7, /* a cluster that can't be used; what is above ends a chain */
	FAT_END = 0x0fffffff,

	FAT_READ_ONLY = 0x01, /* attributes */
	FAT_LABEL = 0x08,
	FAT_DIRECTORY = 0x10,
	FAT_ARCHIVE = 0x20,
	FAT_LONG_NAME = 0x0f,
	FAT_LONG_MASK = 0x3f,

	FAT_DELETED = 0xe5, /* first byte of an entry */
};

/* Section 6. */
struct fat_raw {
	uint8_t name[11];
	uint8_t attributes;
	uint8_t lower; /* Windows NT: 0x08 base, 0x10 extension in lower case */
	uint8_t create_tenth; /* of 10 ms */
	le16 create_time, create_date;
	le16 access_date;
	le16 cluster_high;
	le16 write_time, write_date;
	le16 cluster_low;
	le32 size;
};

/* Section 7. */
struct fat_raw_long {
	uint8_t order; /* from 1; 0x40 is added to the last, which comes first */
	le16 first[5];
	uint8_t attributes;
	uint8_t type;
	uint8_t checksum;
	le16 second[6];
	le16 zero;
	le16 third[2];
};

struct fat {
	struct fs fs;
	struct cache *cache;
	unsigned bits; /* 12, 16 or 32 */
	uint32_t cluster; /* bytes */
	uint32_t end; /* the first number past those of clusters, which begin at 2 */
	uint64_t table; /* bytes of the disk, of the first copy */
	uint64_t table_len; /* of one copy */
	uint32_t tables; /* copies */
	uint32_t active; /* the copy that counts */
	bool mirrored; /* writes go to all copies */
	bool differ; /* copies were not alike when opened */
	uint64_t root, root_len; /* of FAT12 and FAT16, bytes of the disk */
	uint32_t root_cluster; /* of FAT32, else 0 */
	uint64_t data; /* of cluster 2 */
	uint64_t info; /* of FAT32's FSInfo sector, 0: none */
	uint32_t free; /* clusters, once counted */
	bool counted;
	uint32_t search; /* no cluster below it is free */
	uint32_t last; /* cluster given away last, 0: none */
	bool changed;
	struct {
		uint32_t first, index, cluster;
	} spot; /* where the last read of a file ended; first 0: none */
};

static inline struct fat *fat_of(struct fs *fs)
{
	return (struct fat *)fs;
}

/* Opens what fs_identify called vfat. */
int fat_open(struct disk *d, const struct fs_id *id, const struct fs_options *o, struct fs **out,
	struct error *e);

/* The table: fat_table.c. */
static inline bool fat_is_cluster(const struct fat *f, uint32_t n)
{
	return n >= 2 && n < f->end;
}
static inline bool fat_is_end(uint32_t entry)
{
	return entry > FAT_BAD;
}
uint64_t fat_cluster_at(const struct fat *f, uint32_t cluster);
/* Decodes `count` entries of one copy from `first` on; with 12 bits `first` is even. */
int fat_entries(struct fat *f, uint32_t copy, uint32_t first, uint32_t count, uint32_t *out,
	struct error *e);
/* What follows a cluster: a cluster or an end; anything else is ERR_CORRUPT. */
int fat_next(struct fat *f, uint32_t cluster, uint32_t *out, struct error *e);
int fat_set(struct fat *f, uint32_t cluster, uint32_t value, struct error *e);
int fat_count_free(struct fat *f, struct error *e);
/* Takes the lowest free cluster and ends a chain there; `before` (0: none) is made to lead to it.
 */
int fat_take(struct fat *f, uint32_t before, uint32_t *out, struct error *e);
int fat_release(struct fat *f, uint32_t first, struct error *e);
/* Makes all copies alike, and FSInfo tell the truth. */
int fat_table_sync(struct fat *f, struct error *e);

/* Names: fat_unicode.c and fat_name.c.  UTF-16 in host order; answers are numbers of units. */
bool fat_name_read(const char *name, uint16_t out[FAT_NAME_UNITS], size_t *units);
/* What is no character, or would end a name, becomes U+FFFD. */
void fat_name_text(const uint16_t *name, size_t units, char out[FAT_NAME_BYTES + 1]);
bool fat_name_same(const uint16_t *a, size_t a_units, const uint16_t *b, size_t b_units);
size_t fat_short_text(const struct fat_raw *raw, bool lower, uint16_t out[FAT_SHORT_UNITS]);
uint8_t fat_short_sum(const uint8_t name[11]);

/* A short name in the making. */
struct fat_short {
	uint8_t name[11]; /* without a number */
	size_t base; /* length of its first part */
	bool exact; /* is the long name but for case: needs no number */
	bool plain; /* is the long name: needs no long one */
};
void fat_short_make(const uint16_t *name, size_t units, struct fat_short *out);
/* The number that an existing name has in the place where this one's would be, 0: none. */
uint32_t fat_short_number(const struct fat_short *s, const uint8_t name[11]);
void fat_short_numbered(const struct fat_short *s, uint32_t number, uint8_t out[11]);

/* Directories: fat_dir.c. */
struct fat_cursor {
	uint32_t cluster; /* the current one, 0: the root of FAT12 and FAT16 */
	uint64_t at; /* of the next entry in it, bytes */
	uint32_t index; /* of the next entry in the directory */
	uint64_t off; /* of the last entry given, bytes of the disk */
	bool over;
};
/* A name found. */
struct fat_found {
	struct fat_raw raw;
	uint16_t name[FAT_NAME_UNITS]; /* the long one, else as alias */
	size_t units;
	uint16_t alias[FAT_SHORT_UNITS];
	size_t alias_units;
	uint64_t slot[FAT_LONG_ENTRIES + 1]; /* places of all its entries, the short one is last */
	size_t slots;
};
/* Starts at a directory's node. */
int fat_cursor_open(struct fat *f, uint64_t dir, struct fat_cursor *out, struct error *e);
/* Places c->off at the next entry; c->over after the last. */
int fat_cursor_next(struct fat *f, struct fat_cursor *c, struct error *e);
/* The next file or directory except "." and ".."; c->over: none. */
int fat_dir_next(struct fat *f, struct fat_cursor *c, struct fat_found *out, struct error *e);
/* ERR_NOTFOUND when the directory has no such name. */
int fat_find(struct fat *f, uint64_t dir, const char *name, struct fat_found *out, struct error *e);
int fat_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e);
int fat_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e);

/* Adding to directories: fat_slots.c. */
int fat_dir_add(
	struct fat *f, uint64_t dir, const char *name, struct fat_raw *raw, struct error *e);
int fat_dir_take(struct fat *f, const struct fat_found *found, struct error *e);
/* ERR_USAGE when no file of a FAT volume can have the name. */
int fat_name_check(const char *name, struct error *e);

/* Files: fat_node.c. */
static inline uint32_t fat_first(const struct fat *f, const struct fat_raw *raw)
{
	uint32_t high = f->bits == 32 ? get_le16(raw->cluster_high) : 0;

	return high << 16 | get_le16(raw->cluster_low);
}
int fat_node(struct fat *f, uint64_t node, struct fat_raw *out, struct error *e);
/* First cluster of a directory, 0: the root of FAT12 and FAT16. */
int fat_directory(struct fat *f, uint64_t node, uint32_t *out, struct error *e);
int fat_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e);
int fat_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e);
/* Time and date as an entry has them, in UTC, cut to the years 1980 to 2107. */
void fat_time(int64_t seconds, le16 *time, le16 *date);

int fat_put(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e);
int fat_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e);

/*
 * Follows every chain from the root: ERR_CORRUPT when one leaves the volume, ends early, is cyclic
 * or meets another.  Clusters that belong to nobody are left as they are: they are not free, and
 * harm nothing.
 */
int fat_check(struct fat *f, struct error *e);
int fat_free_bytes(struct fs *fs, uint64_t *out, struct error *e);
/* After fat_check; ERR_REFUSED when copies of the table differ. */
int fat_free_runs(struct fs *fs,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);

#endif
