/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of a VMDK: a sparse extent, or the descriptor of a disk. */
#include "formats/vmdk_check.h"

#include <stdlib.h>

static int extent_check(struct vmdk_checker *k, struct error *e)
{
	bool usable = false;
	int rc = vmdk_check_header(k, &usable, e);

	if (rc || !usable)
		return rc;
	rc = vmdk_check_descriptor(k->file, k->check, k->descriptor_off, k->descriptor_len, k, e);
	if (!rc)
		rc = vmdk_check_stream(k, e);
	return rc ? rc : vmdk_check_grains(k, e);
}

int vmdk_check_extent(struct disk *file, struct check *c, struct error *e)
{
	struct vmdk_checker *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return error_nomem(e, "a check");
	k->file = file;
	k->check = c;
	rc = extent_check(k, e);
	bitmap_close(&k->used);
	free(k);
	return rc;
}
