/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_PACK_H
#define LIBIMG_CLOUD_PACK_H

#include "disk/output.h"

enum pack_kind { PACK_NONE, PACK_GZIP, PACK_ZSTD };

/*
 * A stream into an output, compressed on the way.  Pieces of fixed size become gzip members or zstd
 * frames of their own, so that they are made in parallel and the bytes do not depend on the
 * threads; both formats define members one after the other as one stream (RFC 1952, 2.2; RFC 8878,
 * 3.1).
 */
struct pack;

/* `threads` 0: one a processor.  The output stays the caller's. */
int pack_open(enum pack_kind kind, unsigned threads, struct output *file, struct pack **out,
	struct error *e);
int pack_write(struct pack *p, const void *bytes, size_t len, struct error *e);
/* Writes what is left; *size is how much the output holds then. */
int pack_finish(struct pack *p, uint64_t *size, struct error *e);
/* NULL is fine. */
void pack_close(struct pack *p);

#endif
