/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_NTFS_PRIVATE_H
#define LIBIMG_FS_NTFS_PRIVATE_H

/* What the library's headers need and do not include. */
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* base/bytes.h has other types of the same names: no file has both. */
#include <ntfs-3g/volume.h>

#include <ntfs-3g/acls.h>
#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/index.h>
#include <ntfs-3g/layout.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/security.h>

#include "fs/cache.h"
#include "fs/fs.h"
#include "fs/ntfs.h"
#include "fs/ntfs_name.h"

/*
 * NTFS by libntfs-3g.  Nodes are numbers of records of the master file table, with the sequence
 * number in their upper 16 bits where they come from a directory.
 */
enum {
	NTFS_DEPTH_MAX = 32, /* levels of a directory's index, as libntfs-3g has it */
	NTFS_REPARSE_MAX = 16 << 10, /* bytes of a reparse point ([MS-FSA] 2.1.5.10.37) */
};

/* libntfs-3g's view of a disk.  What failed below it is kept here, as the library passes on no more
 * than a number. */
struct ntfs_io {
	struct disk *disk;
	struct cache *cache;
	struct ntfs_device_operations operations;
	int64_t position;
	struct error error; /* the first failure since ntfs_begin */
};

struct ntfs {
	struct fs fs;
	struct ntfs_io io;
	ntfs_volume *volume;
	char *tmpdir;
	bool discard_log; /* before anything is written */
	bool touched; /* the current edit has changed something */
	struct error failure; /* an edit that failed half-way: nothing may be written any more */
};

static inline struct ntfs *ntfs_of(struct fs *fs)
{
	return (struct ntfs *)fs;
}

/* The disk: ntfs_io.c. */
int ntfs_io_open(struct disk *d, struct ntfs_io *io, struct error *e);
void ntfs_io_close(struct ntfs_io *io);
/* A device for one mount, NULL when out of memory. */
struct ntfs_device *ntfs_io_device(struct ntfs_io *io);
/* Forgets failures that were told. */
void ntfs_begin(struct ntfs *n);
/* After a call of the library: the failure of the disk, if there was one. */
int ntfs_io_error(struct ntfs *n, struct error *e);
/* As error_set, for a call of the library that failed: the disk's failure, or what errno says. */
int ntfs_error(struct ntfs *n, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* As error_set with ERR_CORRUPT, and what to do. */
int ntfs_corrupt(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the library must not see: ntfs_check.c. */
int ntfs_check_boot(struct disk *d, struct error *e);
/* Sizes of what the library reads without asking, and the root's index, which it walks without end
 * when that is a ring. */
int ntfs_check_volume(struct ntfs *n, struct error *e);

/* Whether the volume is in a state to be edited: ntfs_state.c.  *unclean tells whether Windows
 * has changes for it; *discard whether the log has to be thrown away first. */
int ntfs_check_state(struct ntfs *n, bool force, bool *discard, struct error *e);

/* Directories: ntfs_index.c and ntfs_dir.c. */
struct ntfs_entry {
	MFT_REF node;
	uint8_t space; /* FILE_NAME_POSIX, ... */
	struct ntfs_name name;
};
/*
 * Calls back for each name in the directory in the order of its index, `.` and `..` not being among
 * them; with `key` only for those that are equal but for case.  A non-zero answer ends it and is
 * returned.
 */
int ntfs_dir_walk(struct ntfs *n, ntfs_inode *dir, const struct ntfs_name *key,
	int (*each)(void *arg, const struct ntfs_entry *entry), void *arg, struct error *e);
/* As ntfs_dir_walk, an index of another kind, whose name has 4 units. */
int ntfs_index_walk(struct ntfs *n, ntfs_inode *ni, ntfschar *name,
	int (*each)(void *arg, const uint8_t *entry, size_t len), void *arg, struct error *e);
/* The entry that Windows takes for `name`, of two that differ by case the one that is spelled so;
 * ERR_NOTFOUND. */
int ntfs_dir_find(struct ntfs *n, ntfs_inode *dir, const struct ntfs_name *name,
	struct ntfs_entry *out, struct error *e);
int ntfs_lookup(struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e);
int ntfs_spelling(
	struct fs *fs, uint64_t dir, const char *name, char out[FS_NAME_MAX + 1], struct error *e);
int ntfs_list(struct fs *fs, uint64_t dir, int (*each)(void *arg, const char *name, uint64_t node),
	void *arg, struct error *e);

/* Files: ntfs_node.c. */
int ntfs_node_open(struct ntfs *n, uint64_t node, ntfs_inode **out, struct error *e);
/* Of a node that was only read. */
void ntfs_node_drop(ntfs_inode *ni);
static inline bool ntfs_is_directory(const ntfs_inode *ni)
{
	return ni->mrec->flags & MFT_RECORD_IS_DIRECTORY;
}
/* Calls back for each of the node's names. */
int ntfs_node_names(struct ntfs *n, ntfs_inode *ni,
	int (*each)(void *arg, FILE_NAME_ATTR *name, struct error *e), void *arg, struct error *e);
/* Names, short ones not counted. */
int ntfs_node_links(struct ntfs *n, ntfs_inode *ni, uint32_t *out, struct error *e);
int ntfs_stat(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e);
/* Exactly `len` bytes of a stream; past its end is ERR_RANGE. */
int ntfs_data_read(
	struct ntfs *n, ntfs_attr *a, uint64_t off, void *buf, size_t len, struct error *e);
int ntfs_read(struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e);

/* Reparse points: ntfs_reparse.c. */
enum ntfs_reparse_kind {
	NTFS_REPARSE_NONE,
	NTFS_REPARSE_LINK,
	NTFS_REPARSE_WOF, /* compressed by Windows */
	NTFS_REPARSE_OTHER,
};
/* All of it; *out is the caller's, NULL when there is none. */
int ntfs_reparse_load(struct ntfs *n, ntfs_inode *ni, uint8_t **out, size_t *len, struct error *e);
/* *tag 0: the node has none. */
int ntfs_reparse_tag(struct ntfs *n, ntfs_inode *ni, uint32_t *tag, struct error *e);
enum ntfs_reparse_kind ntfs_reparse_kind(uint32_t tag);
/* ERR_UNSUPPORTED, with the name of what keeps the content. */
int ntfs_reparse_unread(uint32_t tag, struct error *e);
int ntfs_readlink(struct fs *fs, uint64_t node, struct buffer *out, struct error *e);

/* A file that Windows compressed: ntfs_compact.c. */
int ntfs_compact_read(
	struct ntfs *n, ntfs_inode *ni, uint64_t off, void *buf, size_t len, struct error *e);

/* Security: ntfs_descriptor.c and ntfs_security.c. */
/* The id, as stored, of a descriptor in $Secure, where it is put unless it is there. */
int ntfs_descriptor_id(
	struct ntfs *n, const uint8_t *descriptor, size_t len, uint32_t *out, struct error *e);
/* The id of the descriptor that a new node in `dir` gets. */
int ntfs_security_new(
	struct ntfs *n, ntfs_inode *dir, bool directory, uint32_t *out, struct error *e);

/* Times: ntfs_times.c. */
struct ntfs_times {
	uint64_t created, changed, record, accessed; /* as stored */
};
struct ntfs_times ntfs_times_of(const ntfs_inode *ni);
/* All four. */
struct ntfs_times ntfs_times_at(int64_t seconds);
int64_t ntfs_seconds(uint64_t stored);
/* Written with the node, to its directory entries too. */
void ntfs_times_set(ntfs_inode *ni, const struct ntfs_times *t);
/* As ntfs_times_set, and to the names in its record, which otherwise stay as the node was made. */
int ntfs_times_new(struct ntfs *n, ntfs_inode *ni, const struct ntfs_times *t, struct error *e);

/* Content: ntfs_content.c. */
/* A file's bytes, which may be made from those of a file that is there, kept while that is
 * replaced. */
struct ntfs_content;
int ntfs_content_keep(
	struct ntfs *n, const struct fs_put *p, struct ntfs_content **out, struct error *e);
int ntfs_content_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
void ntfs_content_free(struct ntfs_content *c);
/* Makes them the node's. */
int ntfs_content_write(struct ntfs *n, ntfs_inode *ni, const struct fs_put *p, struct error *e);
/* `returned` bytes were in use that become free. */
int ntfs_check_space(struct ntfs *n, uint64_t size, uint64_t returned, struct error *e);

/* Steps of an edit: ntfs_edit.c. */
/* What a new node takes over from the one that it replaces. */
struct ntfs_heritage {
	uint32_t security; /* as stored; 0: from the directory */
	FILE_ATTR_FLAGS flags;
};
/* Before the first step. */
int ntfs_edit_begin(struct ntfs *n, struct error *e);
int ntfs_edit_create(struct ntfs *n, uint64_t dir, const struct ntfs_name *name,
	const struct fs_put *p, const struct ntfs_heritage *h, struct error *e);
/* Takes a name away, and with the last one the node. */
int ntfs_edit_erase(struct ntfs *n, uint64_t dir, const struct ntfs_entry *entry, struct error *e);
/* New content in place: the record keeps its number, its descriptor and all its names. */
int ntfs_edit_rewrite(struct ntfs *n, uint64_t node, const struct fs_put *p, struct error *e);

/* Edits: ntfs_write.c. */
int ntfs_put(
	struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e);
int ntfs_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e);
int ntfs_free_bytes(struct fs *fs, uint64_t *out, struct error *e);

#endif
