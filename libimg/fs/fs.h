/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_FS_H
#define LIBIMG_FS_FS_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/strings.h"
#include "disk/disk.h"

/* One file system on a disk.  Nodes are named by number (inode); paths are the tree's business. */
struct fs;
struct appliance;

enum { FS_NAME_MAX = 255, FS_ID_SIZE = 40, FS_LABEL_SIZE = 64 };

struct xattr {
	char *name; /* with its prefix, "security.selinux" */
	uint8_t *value;
	size_t len;
};

struct fs_stat {
	uint64_t node;
	uint32_t mode; /* type and permissions, as st_mode */
	uint32_t uid, gid;
	uint32_t links;
	uint64_t size; /* bytes */
	int64_t mtime; /* seconds since 1970 */
};

/* What a new or replaced node shall be.  A file's bytes come from `read`, a link's target is
 * `target`. */
struct fs_put {
	uint32_t mode; /* S_IFREG, S_IFDIR or S_IFLNK with permissions */
	uint32_t uid, gid;
	int64_t mtime;
	const struct xattr *xattr;
	size_t xattr_count;
	const char *target;
	uint64_t size;
	/* Fills exactly `len` bytes from `off` of the new file. */
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
	void *read_arg;
};

struct fs_ops {
	/* ERR_NOTFOUND when the directory has no such name. */
	int (*lookup)(
		struct fs *fs, uint64_t dir, const char *name, uint64_t *node, struct error *e);
	/* Calls back for each name except "." and ".."; a non-zero answer ends the listing and is
	 * returned. */
	int (*list)(struct fs *fs, uint64_t dir,
		int (*each)(void *arg, const char *name, uint64_t node), void *arg,
		struct error *e);
	/* How the directory itself spells a name that lookup finds there.  NULL: as it was asked
	 * for.
	 */
	int (*spelling)(struct fs *fs, uint64_t dir, const char *name, char out[FS_NAME_MAX + 1],
		struct error *e);
	int (*stat)(struct fs *fs, uint64_t node, struct fs_stat *out, struct error *e);
	/* *out is the caller's: free with xattrs_free. */
	int (*xattrs)(
		struct fs *fs, uint64_t node, struct xattr **out, size_t *count, struct error *e);
	/* Reads exactly `len` bytes of a regular file; past the end is ERR_RANGE. */
	int (*read)(
		struct fs *fs, uint64_t node, uint64_t off, void *buf, size_t len, struct error *e);
	/* Target of a symbolic link. */
	int (*readlink)(struct fs *fs, uint64_t node, struct buffer *out, struct error *e);
	/* Creates `name` in `dir`, or replaces a file or link of that name.  Crash safety is the
	 * overlay's. */
	int (*put)(struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p,
		struct error *e);
	/* Removes a file, a link or an empty directory. */
	int (*remove)(struct fs *fs, uint64_t dir, const char *name, struct error *e);
	/* Permissions and owner of a node; all else of it stays.  NULL: this kind stores none. */
	int (*set_looks)(struct fs *fs, uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid,
		struct error *e);
	int (*free_bytes)(struct fs *fs, uint64_t *out, struct error *e);
	/*
	 * Calls back for each run of bytes of the disk that no file and no structure of the file
	 * system uses, rising and apart from each other; a non-zero answer ends it and is returned.
	 * All that says what is free has been checked before the first call.  ERR_REFUSED,
	 * ERR_CORRUPT or ERR_RANGE when what is free can't be told for certain.  NULL: hvimg can't
	 * tell for this kind.
	 */
	int (*free_runs)(struct fs *fs,
		int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
		struct error *e);
	/*
	 * Another part of the same file system, which `option` names as mount options do
	 * ("subvol=", "subvolid="), as a file system of its own; to be closed before `fs`.  NULL:
	 * this kind has no such parts.
	 */
	int (*view)(struct fs *fs, const char *option, struct fs **out, struct error *e);
	/* Writes everything back to the disk. */
	int (*sync)(struct fs *fs, struct error *e);
	void (*close)(struct fs *fs);
};

/* Embedded as the first member of each kind's own structure. */
struct fs {
	const struct fs_ops *ops;
	const char *type; /* static: "ext4", "vfat", ... */
	uint64_t root; /* node of the root directory */
	char uuid[FS_ID_SIZE]; /* as blkid prints it, "" when there is none */
	char label[FS_LABEL_SIZE];
	bool writable;
	bool permissions; /* owner and mode are stored, not made up */
	/* The journal holds changes that reading does not see: what is read may be older than what
	 * the guest wrote. */
	bool needs_recovery;
};

/* What a volume holds, by its superblock alone; nothing is opened. */
struct fs_id {
	const char *type; /* static: "ext2", "ext3", "ext4", "vfat", "xfs", "btrfs", "ntfs", "swap",
			     "swsuspend" (swap space with a hibernated system),
			     "LVM2_member", "crypto_LUKS", "BitLocker", "ReFS", "linux_raid_member",
			     "iso9660"; NULL: nothing known */
	char uuid[FS_ID_SIZE];
	char label[FS_LABEL_SIZE];
};
int fs_identify(struct disk *d, struct fs_id *out, struct error *e);

/* What an open may use of the host. */
struct fs_options {
	bool write;
	bool force_dirty; /* edit an NTFS volume that was not unmounted, where that is safe */
	const char *tmpdir; /* for what a helper must keep; NULL: /var/tmp */
	/* Where file systems are opened that hvimg has no code for, if `d` was added to it; NULL:
	 * they are not. */
	struct appliance *appliance;
};

/*
 * Opens the file system on `d` (not owned).  ERR_UNSUPPORTED when hvimg has no reader for it,
 * ERR_REFUSED when it is not in a state to be edited (`write`), each saying what the user can do.
 */
int fs_open(struct disk *d, bool write, struct fs **out, struct error *e);
int fs_open_with(struct disk *d, const struct fs_options *o, struct fs **out, struct error *e);
/* As free_runs of fs_ops, for what fs_identify called `id`; also of kinds that nothing opens.  The
 * runs are apart from each other, in any order. */
int fs_free_runs(struct disk *d, const struct fs_id *id,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);
/* Likewise what a system that was shut down does not need of its memory: swap space, which
 * fs_free_runs gives too, and Windows' page files, which are in use. */
int fs_paging_runs(struct disk *d, const struct fs_id *id,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e);
/* Whether fs_paging_runs knows such things of that kind; of others it gives none. */
bool fs_may_page(const struct fs_id *id);
/* ERR_UNSUPPORTED, with what to do about a kind that hvimg names and does not open. */
int fs_unreadable(const char *type, struct error *e);
/* Whether fs_open_with could open it for editing, as far as can be told without starting anything;
 * the error that it would give. */
int fs_check_write(struct disk *d, const struct fs_options *o, struct error *e);
int fs_sync(struct fs *fs, struct error *e);
void fs_close(struct fs *fs);
void xattrs_free(struct xattr *x, size_t count);

#endif
