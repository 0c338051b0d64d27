/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_OUTPUT_H
#define LIBIMG_DISK_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "disk/disk.h"

/*
 * A file that comes to exist whole or not at all.  It is written without a name beside its
 * destination (O_TMPFILE; a named temporary one where the file system lacks that), synced, and
 * linked into place. A block device is written in place.
 */
struct output;

struct output_options {
	bool force; /* replace what is there; needed for a block device */
	bool no_sync;
};

int output_open(
	const char *path, const struct output_options *o, struct output **out, struct error *e);
/* A file without a name in `tmpdir`, to be read back; it can't be committed. */
int output_scratch_open(const char *tmpdir, struct output **out, struct error *e);
/* One that forgets what is written to it; it cannot be read, opened again or committed. */
int output_discard_open(struct output **out, struct error *e);
/* ERR_RANGE when it is a block device of fewer than `size` bytes: better told before any is lost.
 */
int output_check_room(const struct output *o, uint64_t size, struct error *e);
/* Any thread.  Bytes never written read as zeros. */
int output_write(struct output *o, uint64_t off, const void *buf, size_t len, struct error *e);
/*
 * Makes `len` bytes at `off` share the storage of those at `from` of a host file; all three are
 * multiples of the file system's block.  *cloned is false when the file system does not do that.
 * Any thread.
 */
int output_clone(struct output *o, uint64_t off, struct disk *file, uint64_t from, uint64_t len,
	bool *cloned, struct error *e);
int output_read(struct output *o, uint64_t off, void *buf, size_t len, struct error *e);
/* Whether unwritten bytes read as zeros (a fresh file; not a block device). */
bool output_is_fresh(const struct output *o);
/* Gives every byte of the first `size` storage of its own place; holes read as zeros as before. */
int output_fill_holes(struct output *o, uint64_t size, struct error *e);
/*
 * Sets the final length and gives a path under which this process can open what was written, before
 * it has a name; valid until the output is closed.  A block device keeps its length and its own
 * path.
 */
int output_reopen_path(struct output *o, uint64_t size, struct buffer *path, struct error *e);
/* Sets the final length, syncs and gives the file its name.  The output stays open. */
int output_commit(struct output *o, uint64_t size, struct error *e);
/* Without a commit before, nothing is left behind.  NULL is fine. */
void output_close(struct output *o);

/* A small file of known bytes, whole or not at all. */
int output_file(const char *path, const void *bytes, size_t len, const struct output_options *o,
	struct error *e);

#endif
