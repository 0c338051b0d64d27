/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_INDEX_H
#define LIBIMG_GUEST_KMOD_INDEX_H

#include <stdint.h>

#include "base/buffer.h"
#include "guest/kmod_text.h"

/*
 * The trie in a ".bin" file, as libkmod searches it (kmod, libkmod/libkmod-index.c, describes the
 * format) and with the bytes that depmod gives it.
 */
struct index_entry {
	size_t key, key_len; /* in `text` */
	size_t value; /* in `text`, ends in NUL */
	uint32_t priority;
	uint32_t order; /* of insertion */
};

struct index {
	struct index_entry *entry;
	size_t count, capacity;
	struct buffer text;
};

enum { INDEX_KEY_LIMIT = 4095 }; /* libkmod's buffers end at PATH_MAX; also bounds the depth */

/* A key that is not ASCII is left out: the format has no place for it. */
int index_add(
	struct index *ix, struct span key, struct span value, uint32_t priority, struct error *e);
/* Sorts the entries and appends the file to `out`, which must be empty. */
int index_write(struct index *ix, struct buffer *out, struct error *e);
void index_free(struct index *ix);

#endif
