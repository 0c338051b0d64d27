/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_FORMAT_H
#define LIBIMG_DISK_FORMAT_H

#include "base/digest.h"
#include "base/guid.h"
#include "base/report.h"
#include "base/strings.h"
#include "disk/disk.h"
#include "disk/output.h"

/*
 * A container format: how the bytes of a host file become a disk, and back.  Adding one is a file
 * in formats/ and a line in formats/list.def.
 */

enum { PROBE_SIZE = 65536 };

/* What a probe may look at. */
struct probe {
	const uint8_t *head; /* first bytes of the file */
	size_t head_len; /* up to PROBE_SIZE */
	const uint8_t *tail; /* last 512 bytes, NULL when the file is shorter */
	uint64_t size; /* bytes in the file */
};

enum probe_answer {
	PROBE_NO,
	PROBE_FALLBACK, /* anything could be this: raw, only when nobody else claims the file */
	PROBE_DOUBTFUL, /* has our signature, but not our length: could be raw as well */
	PROBE_YES,
};

struct chain; /* disk/chain.h */
struct check; /* disk/check.h */
struct convert_options; /* disk/convert.h */

struct open_options {
	const char *path; /* of the host file, for messages and references; may be NULL */
	/*
	 * The folder whose files the image may refer to; NULL: no references are followed.  For
	 * image_open_with
	 * "" is the image's own folder.
	 */
	const char *allow_dir;
	struct chain *chain; /* of the files opened so far, NULL when allow_dir is */
	/* Where the parent is, for whoever knows better than the image; NULL: where that says. */
	const char *parent;
	const char *snapshot; /* internal snapshot to read, by name or id; NULL: the active disk */
};

/* An internal snapshot. */
struct snapshot_info {
	char *id, *name;
	uint64_t virtual_size; /* bytes */
	uint64_t date; /* seconds since 1970 */
};

/* What `info` reports beside the disk itself.  Texts are owned by the struct; NULL when absent. */
struct image_info {
	const char *subformat; /* static text: "fixed", "dynamic", "differencing" or NULL */
	const char *create_type; /* static text: what a VMDK calls its layout, else NULL */
	uint64_t block_size; /* bytes; 0 when the format has none */
	bool compressed;
	bool log_dirty;
	uint64_t log_size; /* bytes; 0 when the format has no log */
	bool encrypted;
	uint32_t snapshots;
	struct snapshot_info *snapshot; /* the first snapshots_listed of them */
	size_t snapshots_listed;
	char *creator;
	char *parent_path;
	char *parent_identifier; /* by which the image knows it */
	struct strings references; /* other files that the image names */
	struct strings identifiers; /* "name=value" in the order to show */
};
void image_info_free(struct image_info *info);

/* One -o key: its name, what it takes and the help line. */
struct format_option {
	const char *name;
	const char *values; /* e.g. "1M..256M", shown to people */
	const char *help;
};

/* What a child is made over.  All of it lives at least as long as the writer. */
struct parent_spec {
	const char *path; /* absolute, in this host's words */
	const char *relative; /* the same, from the child's folder */
	const struct format *format;
	struct disk *disk; /* its content, as `format` opened it */
};

/* What to create.  Sizes in bytes; 0 means the format's default. */
struct image_spec {
	uint64_t size; /* guest size */
	uint32_t logical_sector;
	const struct strings
		*options; /* "key=value" of -o, already known to be keys of the format */
	struct guid identifier; /* set when has_identifier */
	bool has_identifier;
	bool compress; /* only for a format that compresses */
	const struct parent_spec *parent; /* NULL: the image stands alone */
	/* With a parent: a child by this format's open, whose words about its parent are kept as
	 * they are; NULL: they are made of the parent_spec. */
	struct disk *like;
	/* By which a VHDX's children know it (data write GUID); set when has_data_write. */
	struct guid data_write;
	bool has_data_write;
};

enum {
	UNIT_SIZE = 1 << 20, /* guest bytes that travel through convert together, usually */
	UNIT_MAX = 2 << 20,
	CHANGE_SIZE = 512,
	BLOCK_CHUNKS = 64, /* parts of a unit; those of zeros are left as holes */
};

struct writer;

/* Bytes of a block that lie together in the file. */
struct piece {
	const uint8_t *bytes; /* in the block's data or scratch */
	size_t len;
	uint64_t file_off;
};

/*
 * One unit on its way.  Units come in rising order to place().  Without a parent, all-zero ones do
 * not come at all; with one, those that are the same there do not, and zeros do.
 */
struct block {
	uint64_t off; /* guest offset, a multiple of the writer's unit */
	size_t len; /* guest bytes: the unit, less at the end of the disk */
	uint8_t *data; /* the guest's bytes, zero-padded in memory to a whole unit */
	uint64_t chunks; /* a bit for each of BLOCK_CHUNKS parts, the lowest first: not all zero */
	bool unread; /* `data` was not read: only `chunks` tells what is there */
	/*
	 * What is written where.  Comes as one piece, all of data.  encode may put others there, up
	 * to the writer's pieces_max; place sets their file offsets.
	 */
	struct piece *piece;
	size_t pieces;
	uint8_t *scratch; /* writer's scratch_size bytes */
	/*
	 * With a parent, a bit for each CHANGE_SIZE bytes of data, the lowest of a byte first: set
	 * where the guest's bytes are not the parent's.  NULL without one.
	 */
	const uint8_t *changed;
};

/* Whether there is anything but zeros in `len` bytes at `at` of the data of a block of `w`. */
bool block_has_data(const struct writer *w, const struct block *b, size_t at, size_t len);

/* Filled when all blocks have been placed. */
struct content_summary {
	uint8_t digest[FAST_DIGEST_SIZE]; /* of the guest's content, the same for any container */
	uint64_t data_bytes; /* guest bytes in units that are not all zero */
};

/*
 * Writes one container.  encode is pure and runs in any thread; place runs in one thread at a time,
 * in order, and assigns the pieces their places (writing tables if need be); then convert writes
 * them, in any thread, in any order.  finish runs after the last write: headers, tables, footer.
 */
struct writer_ops {
	int (*encode)(const struct writer *w, struct block *b, struct error *e); /* NULL: as is */
	int (*place)(struct writer *w, struct block *b, struct error *e);
	int (*finish)(struct writer *w, const struct content_summary *c, struct error *e);
	void (*close)(struct writer *w);
};

struct writer {
	const struct writer_ops *ops;
	uint32_t unit; /* guest bytes a block: a power of two, UNIT_SIZE..UNIT_MAX */
	size_t scratch_size; /* bytes of scratch each block needs, 0 for none */
	size_t pieces_max; /* 0 means 1 */
	bool blind; /* encode looks at the data through block_has_data only */
	uint64_t file_size; /* set by finish: the length of the finished file */
};

struct format {
	const char *name;
	const char *help;
	const char *const *endings; /* of file names, without the dot, NULL-terminated */
	const char *glance_name; /* Glance's disk_format, NULL when it has none */
	bool compresses; /* takes image_spec.compress */
	bool has_snapshots; /* takes open_options.snapshot */
	const struct format_option *options; /* -o keys, ended by a NULL name; NULL: none */
	enum probe_answer (*probe)(const struct probe *p);
	/* Opens the container in `file`.  On success the disk owns `file`. */
	int (*open)(struct disk *file, const struct open_options *o, struct disk **out,
		struct error *e);
	/* Describes a disk made by this format's open. */
	int (*info)(struct disk *d, struct image_info *out, struct error *e);
	/*
	 * Guest bytes that a disk made by this format's open stores itself, as counting its extents
	 * would give; NULL: that is fast enough.
	 */
	int (*allocated)(struct disk *d, uint64_t *out, struct error *e);
	/*
	 * Compares all of the file with the digests that it carries; of the options only progress
	 * counts, which is asked whether to stop.  NULL: it carries none.
	 */
	int (*sums_check)(struct disk *d, const struct convert_options *o, struct error *e);
	bool has_identifier; /* the writer takes that of the image_spec */
	/*
	 * Looks at every structure of the container in `file`, which is not known to be one and is
	 * not opened; reads no guest data.  What is wrong goes to `c`: only what keeps the check
	 * itself from going on is an error.  NULL: not checked.
	 */
	int (*check)(struct disk *file, struct check *c, struct error *e);
	/*
	 * Whether a file that no probe claims has whole structures of this container, so that it
	 * is a damaged one rather than a raw disk.  NULL: cannot be told.
	 */
	bool (*remains)(struct disk *file);
	/*
	 * What to ask create for to get a container like that of `d`: sizes, identifiers and `like`
	 * go to *spec, which leaves a child's parent to the caller; the rest is added to `options`.
	 * Where create can't give the same block size, the usual one is asked for.
	 * ERR_UNSUPPORTED names what else create can't do.  NULL: such a container is not written.
	 */
	int (*spec_of)(
		struct disk *d, struct strings *options, struct image_spec *spec, struct error *e);
	bool has_parents; /* the writer takes the parent of the image_spec */
	/* NULL: not written.  The writer does not own `file`. */
	int (*create)(const struct image_spec *spec, struct output *file, struct writer **out,
		struct error *e);
};

/* Every format that this build knows, ended by NULL; defined in formats/. */
extern const struct format *const format_list[];

const struct format *format_by_name(const char *name); /* knows aliases; NULL: no such */
/* ERR_USAGE with the known ones when `name` is none. */
int format_named(const char *name, const struct format **out, struct error *e);
const struct format *format_by_ending(const char *path); /* by the file name; NULL: no such */
/* Fails with ERR_USAGE naming the known keys when one of "key=value" in `options` is unknown. */
int format_check_options(const struct format *f, const struct strings *options, struct error *e);
/* The value of a key in "key=value" strings, or NULL; the last one wins. */
const char *option_value(const struct strings *options, const char *key);

#endif
