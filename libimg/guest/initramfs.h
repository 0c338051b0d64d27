/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_INITRAMFS_H
#define LIBIMG_GUEST_INITRAMFS_H

#include "base/buffer.h"
#include "base/strings.h"

/*
 * Reading an initramfs: uncompressed cpio segments (early microcode), then compressed or plain
 * ones, with zero padding between.  Linux:
 * Documentation/driver-api/early-userspace/buffer-format.rst.  Everything is streamed: memory does
 * not grow with the archive.
 */

/* Where the bytes come from. */
struct initramfs_source {
	uint64_t size;
	int (*read)(void *arg, uint64_t off, void *buf, size_t len, struct error *e);
	void *arg;
};

struct initramfs_entry {
	const char *name; /* without leading "./" or "/" */
	uint32_t mode; /* type and permissions */
	uint64_t size;
	unsigned segment; /* from 0 */
	const char *link; /* target of a symbolic link, else NULL */
};

/* What the archive is made of. */
struct initramfs_layout {
	char compression[16]; /* of the main (last compressed, else last) segment: "none" "gzip"
				 "zstd" "xz" "lz4" "lzma" "bzip2" */
	char last[16]; /* compression of the last segment */
	uint64_t last_unpacked; /* bytes that it unpacks to */
	unsigned segments;
	unsigned early_segments; /* uncompressed ones in front that hold only firmware */
	uint64_t end; /* end of the last segment, before trailing zeros */
};

struct initramfs_visitor {
	/* Called for each entry in order; true asks for the content, which then comes to `data`
	 * (files of up to INITRAMFS_FILE_LIMIT; larger ones are an error only when wanted). */
	bool (*entry)(void *arg, const struct initramfs_entry *entry);
	int (*data)(void *arg, const struct initramfs_entry *entry, const void *bytes, size_t len,
		struct error *e);
	void *arg;
};

enum { INITRAMFS_FILE_LIMIT = 16 << 20, INITRAMFS_ENTRY_LIMIT = 1 << 20 };
/* Bytes that an archive may unpack to. */
#define INITRAMFS_UNPACKED_LIMIT (UINT64_C(2) << 30)

/*
 * Visits all entries.  ERR_CORRUPT, with the offset, for what Linux would stop at: so a stream must
 * hold whole archives, and a plain archive must begin at a multiple of 4.  ERR_UNSUPPORTED for a
 * compression that Linux does not take (lz4 frames) or that we do not (lzop, windows above 64 MiB).
 * `layout` may be NULL.  A hard link's content comes when its last link is read.
 */
int initramfs_walk(const struct initramfs_source *source, const struct initramfs_visitor *visitor,
	struct initramfs_layout *layout, struct error *e);

/* Makes a newc archive: what an injected segment is. */
struct cpio_writer {
	struct buffer out;
	uint32_t inode;
	struct strings directories; /* already there, or emitted: never emitted again */
	int64_t mtime;
};

/* Declares a path that the base archive has (a directory or a link to one); it will not be emitted.
 */
int cpio_known_directory(struct cpio_writer *w, const char *path, struct error *e);
/* Emits a file (or what the type bits in `mode` say), after those of its parent directories that
 * are neither known nor emitted. */
int cpio_file(struct cpio_writer *w, const char *path, uint32_t mode, const void *bytes, size_t len,
	struct error *e);
/* Trailer, then zeros to a multiple of 512. */
int cpio_finish(struct cpio_writer *w, struct error *e);
/*
 * Packs `plain` in lz4's legacy format, for a place right behind such a stream: every Linux that
 * unpacks lz4 takes it for more of the same stream, whereas zeros end the unpacking of those before
 * "lib/decompress_unlz4.c: correctly handle zero-padding around initrds".
 */
int cpio_lz4(const struct buffer *plain, struct buffer *out, struct error *e);
void cpio_free(struct cpio_writer *w);

/*
 * How many zero bytes go between the end of the last segment and an appended plain one: at least 4
 * (lz4 needs them), up to a multiple of 512.
 */
uint64_t initramfs_padding(uint64_t end);

#endif
