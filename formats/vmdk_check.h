/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_VMDK_CHECK_H
#define FORMATS_VMDK_CHECK_H

#include "disk/check.h"
#include "formats/bitmap.h"
#include "formats/hole.h"
#include "formats/vmdk.h"

enum {
	VMDK_FLAGS_KNOWN = 7 | VMDK_FLAG_COMPRESSED | VMDK_FLAG_MARKERS,
	VMDK_VERSION_MAX = 3,
	VMDK_GRAIN_MAX = 4096, /* sectors */
	VMDK_PER_TABLE_MAX = 512,
	VMDK_DIRECTORY_PAGE = 65536,
	VMDK_DIRECTORY_MAX = 1 << 29, /* tables: what qemu opens */
};

enum { VMDK_GRAIN_MARKER = 12 }; /* bytes in front of a grain */

/* The check of a sparse extent.  What is in sectors says so. */
struct vmdk_checker {
	struct disk *file;
	struct check *check;
	struct vmdk_header header; /* that counts: of a stream, the footer */
	bool stream; /* it has a footer */
	bool compressed, markers, zeroed;
	uint64_t capacity; /* sectors */
	uint32_t grain; /* sectors */
	uint32_t per_table;
	uint64_t tables; /* entries of a directory */
	uint64_t directory, redundant; /* sectors; 0: none that can be read */
	uint64_t descriptor_off, descriptor_len; /* bytes; 0: none */
	uint64_t walked; /* grain tables */
	struct bitmap used; /* sectors of the file */
	struct hole hole;
	le32 page[VMDK_DIRECTORY_PAGE / sizeof(le32)]; /* of the directory */
	le32 other_page[VMDK_DIRECTORY_PAGE / sizeof(le32)]; /* of the redundant one */
	le32 table[VMDK_PER_TABLE_MAX];
	le32 other_table[VMDK_PER_TABLE_MAX];
};

/* vmdk_check_header.c: fills the checker up to descriptor_len; *usable: the rest can be looked at.
 */
int vmdk_check_header(struct vmdk_checker *k, bool *usable, struct error *e);
/* vmdk_check_grains.c: directories, tables, and where the grains are. */
int vmdk_check_grains(struct vmdk_checker *k, struct error *e);
/* vmdk_check_stream.c: what lies behind each other in a stream. */
int vmdk_check_stream(struct vmdk_checker *k, struct error *e);
/*
 * vmdk_check_descriptor.c: the text of `len` bytes at `off`.  `k` is of the extent that it is part
 * of, NULL when it is a file of its own.
 */
int vmdk_check_descriptor(struct disk *file, struct check *c, uint64_t off, uint64_t len,
	const struct vmdk_checker *k, struct error *e);
/* vmdk_check.c: a file that is a sparse extent, or should be one. */
int vmdk_check_extent(struct disk *file, struct check *c, struct error *e);

#endif
