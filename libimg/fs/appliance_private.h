/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_APPLIANCE_PRIVATE_H
#define LIBIMG_FS_APPLIANCE_PRIVATE_H

#include "disk/nbd_export.h"
#include "fs/appliance.h"
#include "fs/appliance_node.h"
#include "fs/guestfs_library.h"

enum { APPLIANCE_DRIVES = 24 };

/* One volume. */
struct drive {
	struct appliance *appliance;
	struct disk *volume; /* as given */
	struct disk *scratch; /* what the appliance writes to */
	struct nbd_export *export;
	struct fs_id id;
	char socket[128];
	char device[16]; /* "/dev/sda", in the appliance */
	char path[8]; /* "/v0", where it is mounted there */
	bool mounted, writable, edited;
	struct nodes nodes;
};

struct appliance {
	char tmpdir[256];
	char folder[288]; /* of the sockets; "" when there is none */
	struct guestfs_library lib;
	guestfs_h *g; /* NULL: not started */
	bool (*cancelled)(void *arg);
	void *cancelled_arg;
	bool over; /* it was */
	struct error problem; /* why it could not be started */
	char first[256]; /* the first that went wrong while it started */
	struct drive drive[APPLIANCE_DRIVES];
	size_t count;
};

/* A drive's file system, or the part of it below one directory. */
struct appliance_fs {
	struct fs fs;
	struct drive *drive;
};

static inline struct drive *drive_of(struct fs *fs)
{
	return ((struct appliance_fs *)fs)->drive;
}

/* appliance.c: ERR_CANCELLED when that was asked for. */
int appliance_go_on(struct appliance *a, struct error *e);
/* Starts it unless it runs. */
int appliance_start(struct appliance *a, struct error *e);

/* appliance_drive.c: what the call named `what` met in the appliance; -code. */
int drive_error(struct drive *d, const char *what, struct error *e);
int drive_mount(struct drive *d, struct error *e);
/* Unmounts, and gives the volume what was edited. */
int drive_sync(struct drive *d, struct error *e);

/* appliance_directory.c: the path of a node in the appliance, the drive mounted; with `name` that
 * of a name in it. */
int drive_path(
	struct drive *d, uint64_t node, const char *name, struct buffer *out, struct error *e);
/* The node of `name` in `dir`; ERR_NOTFOUND. */
int drive_lookup(struct drive *d, uint64_t dir, const char *name, uint64_t *node, struct error *e);
/* A directory whose children are all known. */
int drive_directory(struct drive *d, uint64_t dir, struct node **out, struct error *e);
/* Looks at the root directory. */
int drive_look(struct drive *d, struct error *e);
/* Looks at `name` in `dir` anew, after an edit. */
int drive_refresh(struct drive *d, uint64_t dir, const char *name, struct error *e);
/* A node that is there; ERR_NOTFOUND. */
int drive_node(struct drive *d, uint64_t node, struct node **out, struct error *e);

/* appliance_write.c */
int appliance_put(
	struct fs *fs, uint64_t dir, const char *name, const struct fs_put *p, struct error *e);
int appliance_remove(struct fs *fs, uint64_t dir, const char *name, struct error *e);
int appliance_set_looks(
	struct fs *fs, uint64_t node, uint32_t mode, uint32_t uid, uint32_t gid, struct error *e);

/* appliance_fs.c */
int appliance_xattrs_at(
	struct drive *d, const char *path, struct xattr **out, size_t *count, struct error *e);
int appliance_fs_make(struct drive *d, uint64_t root, struct fs **out, struct error *e);

/* appliance_btrfs.c: the directory that a mount of the volume shows as its root. */
int appliance_btrfs_root(struct drive *d, uint64_t *out, struct error *e);
int appliance_btrfs_view(struct fs *fs, const char *option, struct fs **out, struct error *e);

#endif
