/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_ROOT_UNPACK_PRIVATE_H
#define LIBIMG_GUEST_ROOT_UNPACK_PRIVATE_H

#include <archive.h>
#include <archive_entry.h>

#include "fs/ext_fill.h"
#include "guest/root_names.h"
#include "guest/root_unpack.h"

struct unpacking {
	const struct root_unpack *job;
	struct archive *archive;
	struct root_names names;
	struct root_size *size;
	uint64_t tar_size; /* bytes of the host's file */
	uint64_t left_out; /* attributes that ext4 has no place for */
	uint64_t sockets;
	struct error full; /* what did not fit */
};

/* What libarchive has to say. */
int unpack_fault(struct unpacking *u, struct error *e);

/* The place of a path of the tar, whose directories are made where they are missing: in `dir`, and
 * the last part of the path in `name`, of `len` bytes; 0 for the root itself. */
struct unpack_place {
	uint32_t dir;
	const char *name;
	size_t len;
};
int unpack_place_make(
	struct unpacking *u, const char *path, struct unpack_place *out, struct error *e);
/* The name that stands at a path; ERR_CORRUPT when there is none. */
int unpack_place_find(struct unpacking *u, const char *path, uint32_t *out, struct error *e);

/* Attributes and ACLs of an entry, in put->xattr; to be freed with xattrs_free. */
int unpack_xattrs(
	struct unpacking *u, struct archive_entry *entry, struct fs_put *put, struct error *e);

/* Makes what the entry says. */
int unpack_entry(struct unpacking *u, struct archive_entry *entry, struct error *e);

#endif
