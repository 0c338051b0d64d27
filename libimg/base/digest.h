/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_DIGEST_H
#define LIBIMG_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
	DIGEST_HEX_MAX = 129, /* hexadecimal sha512 and its NUL */
	FAST_DIGEST_SIZE = 16,
};

/* One running digest: "md5", "sha1", "sha256" or "sha512" (libcrypto). */
struct digest;
int digest_open(struct digest **out, const char *algorithm, struct error *e);
void digest_add(struct digest *d, const void *bytes, size_t len);
/* Writes the hexadecimal value; the digest is spent afterwards. */
void digest_hex(struct digest *d, char hex[DIGEST_HEX_MAX]);
void digest_close(struct digest *d);

/* Of one run of bytes. */
int digest_bytes(const char *algorithm, const void *bytes, size_t len, char hex[DIGEST_HEX_MAX],
	struct error *e);

/* XXH3-128 in canonical byte order: not cryptographic, the same on every processor. */
void fast_digest(const void *bytes, size_t len, uint8_t out[FAST_DIGEST_SIZE]);

#endif
