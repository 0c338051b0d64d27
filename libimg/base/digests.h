/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_DIGESTS_H
#define LIBIMG_BASE_DIGESTS_H

#include <stddef.h>

#include "base/digest.h"

/* Several digests of one run of bytes, each computed in a thread of its own while the caller reads
 * on. */
enum { DIGESTS_MAX = 4, DIGESTS_DEPTH_MAX = 16 };

struct digests;
/* ERR_UNSUPPORTED names an algorithm that is not there, ERR_USAGE more than DIGESTS_MAX of them. */
int digests_open(
	struct digests **out, const char *const *algorithms, size_t count, struct error *e);
/* Before anything is added: so many pieces, 1 without this, up to DIGESTS_DEPTH_MAX, may wait for a
 * thread that is behind. */
void digests_set_depth(struct digests *s, unsigned depth);
/* `bytes` must stay as they are until `depth` more calls. */
void digests_add(struct digests *s, const void *bytes, size_t len);
/* The hexadecimal values, in the order of the algorithms; nothing can be added afterwards. */
void digests_finish(struct digests *s, char hex[][DIGEST_HEX_MAX]);
void digests_close(struct digests *s);

#endif
