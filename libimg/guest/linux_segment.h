/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_SEGMENT_H
#define LIBIMG_GUEST_LINUX_SEGMENT_H

#include "guest/linux.h"

/* What is put behind an initramfs.  Private to linux_segment*.c. */
struct linux_segment {
	struct buffer path; /* of the file, resolved */
	struct linux_uki uki; /* when that is a unified kernel image */
	uint64_t end; /* of the old archives */
	uint64_t start; /* of `bytes`; zeros before */
	struct buffer bytes; /* empty: nothing is lacking */
	int64_t mtime;
};

/* The caller frees path and bytes, also after a failure. */
int linux_segment_make(struct guest_image *g, size_t kernel, const struct target_list *targets,
	struct linux_segment *out, struct error *e);

#endif
