/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_PE_RESOURCE_H
#define LIBIMG_GUEST_PE_RESOURCE_H

#include "guest/pe.h"

/*
 * The file version in a PE image's version resource, highest number first.  *found false: it has
 * none.  ERR_CORRUPT, with the offset, when its resources are not what they say.
 */
int pe_file_version(const struct initramfs_source *source, const struct pe *pe, uint16_t version[4],
	bool *found, struct error *e);

#endif
