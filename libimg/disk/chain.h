/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_CHAIN_H
#define LIBIMG_DISK_CHAIN_H

#include "disk/format.h"

/*
 * Files that an image refers to: backing files, parents, data files.  An image may come from
 * anybody, so a reference is followed only when the user allowed it, only into the folder that was
 * allowed, and only to a regular file that is not part of the chain yet.
 */

enum {
	CHAIN_MAX = 64, /* images in a chain, the first one counted */
	CHAIN_DATA_MAX = 512, /* data files of all of them: extents of 2 GiB of a disk of 1 TiB */
};

struct chain_link {
	char *path; /* as it was opened */
	const struct format *format; /* NULL: a data file, or not open yet */
	bool data; /* not an image, so that nothing it refers to is followed */
	uint64_t size; /* of the content, bytes */
	uint64_t device, inode;
};

/* The files that an image consists of, in the order of their opening; all zero is an empty one. */
struct chain {
	struct chain_link link[CHAIN_MAX + CHAIN_DATA_MAX];
	size_t count;
	size_t data; /* of them */
};

/* Notes an image that is being opened; refused when it is there already or when there are too many.
 * *link stays where it is. */
int chain_add(struct chain *c, const char *path, struct disk *file, struct chain_link **link,
	struct error *e);
void chain_free(struct chain *c);

/* A file that was referred to, opened. */
struct chain_file {
	struct disk *disk;
	const struct format *format; /* NULL: a data file */
	char *path; /* without symbolic links */
};
void chain_file_close(struct chain_file *f); /* all zero is fine */

/* What an image says about another file. */
struct reference {
	const char *path;
	const char *format; /* name; NULL: the content decides, and is never raw */
	bool windows; /* backslashes separate folders */
	bool data; /* not an image: its bytes are wanted as they are */
};

/* Whether references may be followed at all. */
static inline bool chain_allowed(const struct open_options *o)
{
	return o->allow_dir && o->chain;
}

/*
 * Opens what the image at o->path refers to.  A relative path is looked up in the folder of that
 * image and in o->allow_dir; an absolute one and a Windows one also by its file name in
 * o->allow_dir.  What is found has to be in o->allow_dir after all symbolic links.
 */
int chain_open(const struct open_options *o, const struct reference *r, struct chain_file *out,
	struct error *e);

/* The extent of a disk at `off` when `below` (may be NULL or shorter) holds it: one deeper, zeros
 * past the end of `below`; at most `length` bytes. */
int chain_extent(const struct chain_file *below, uint64_t off, uint64_t length, struct extent *out,
	struct error *e);
/* Reads from `below`; zeros past its end. */
int chain_read(
	const struct chain_file *below, uint64_t off, void *buf, size_t len, struct error *e);

#endif
