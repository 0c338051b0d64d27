/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to ask for to get a qcow2 like another one. */
#include <stdio.h>

#include "formats/qcow2_write.h"

static int options_add(const struct qcow2 *q, struct strings *options, struct error *e)
{
	char size[48];
	int rc;

	snprintf(size, sizeof(size), "cluster_size=%u", q->cluster);
	rc = strings_add(options, size, e);
	if (!rc)
		rc = strings_add(options, q->version == 2 ? "compat=0.10" : "compat=1.1", e);
	if (!rc && q->compression == QCOW2_ZSTD)
		rc = strings_add(options, "compression_type=zstd", e);
	if (!rc && q->extended_l2)
		rc = strings_add(options, "extended_l2=on", e);
	return rc;
}

int qcow2_spec_of(struct disk *d, struct strings *options, struct image_spec *spec, struct error *e)
{
	const struct qcow2 *q = (const struct qcow2 *)d;
	struct image_info info = { 0 };
	int rc = qcow2_format.info(d, &info, e);

	spec->size = d->size;
	spec->compress = info.compressed;
	spec->like = q->backing ? d : NULL;
	image_info_free(&info);
	return rc ? rc : options_add(q, options, e);
}
