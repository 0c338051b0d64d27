/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DRIVER_CATALOG_H
#define LIBIMG_GUEST_DRIVER_CATALOG_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/strings.h"
#include "guest/pe.h"

/*
 * Security catalogues (.cat): a certificate trust list of digests of files, signed as PKCS #7.
 * Neither signature nor certificates are verified: whom Windows trusts is not known here.
 */
struct driver_catalog {
	struct strings digests; /* hexadecimal, lower case, sorted: SHA-1 or SHA-256 */
};

/* ERR_CORRUPT when it is no signed list. */
int driver_catalog_read(const struct buffer *bytes, struct driver_catalog *out, struct error *e);
/* Whether it lists the file: by all bytes, or, where `pe` is not NULL, by those of an image that
 * its signature covers ("Windows Authenticode Portable Executable Signature Format"). */
int driver_catalog_has(const struct driver_catalog *c, const struct buffer *bytes,
	const struct pe *pe, bool *answer, struct error *e);
void driver_catalog_free(struct driver_catalog *c);

#endif
