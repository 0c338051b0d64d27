/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_BUNDLE_PRIVATE_H
#define LIBIMG_CLOUD_BUNDLE_PRIVATE_H

#include "base/buffer.h"
#include "cloud/bundle.h"
#include "cloud/sums.h"

/* Where a bundle's files go. */
struct bundle_ops {
	int (*copy)(struct bundle *b, const char *source, const char *name,
		const struct convert_options *progress, uint64_t *size,
		char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e);
	/* NULL: is copied instead. */
	int (*take)(struct bundle *b, const char *path, const char *name, struct error *e);
	int (*add)(struct bundle *b, const char *name, const void *bytes, size_t len, unsigned mode,
		struct error *e);
	int (*commit)(struct bundle *b, struct error *e);
	void (*close)(struct bundle *b);
};

/* First member of each kind's own structure. */
struct bundle {
	const struct bundle_ops *ops;
	struct buffer sums[SUM_COUNT]; /* what the digest files will hold */
};

int bundle_folder_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e);
int bundle_tar_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e);

#endif
