/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_HASH_H
#define LIBIMG_DISK_HASH_H

#include "base/digests.h"
#include "base/strings.h"
#include "disk/convert.h"

/* Digests of whole disks and files, all bytes in order, zeros included. */

struct hash_values {
	char hex[DIGESTS_MAX][DIGEST_HEX_MAX]; /* in the order of the algorithms asked for */
};

/* ERR_USAGE when one of the algorithms is not there, or there are too many. */
int hash_check(const struct strings *algorithms, struct error *e);
/* Of the guest's bytes.  Only `progress` of the options counts. */
int disk_hash(struct disk *d, const struct strings *algorithms, const struct convert_options *o,
	struct hash_values *out, struct error *e);
/* Of the first `size` bytes of a file that was written but not committed. */
int output_hash(struct output *file, uint64_t size, const struct strings *algorithms,
	const struct convert_options *o, struct hash_values *out, struct error *e);

#endif
