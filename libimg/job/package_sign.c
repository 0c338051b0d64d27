/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The image into the bundle, signed where that was asked for. */
#include "cloud/sign.h"
#include "disk/host_file.h"
#include "job/package_private.h"

static int sign_image(struct packing *p, struct disk *file, struct error *e)
{
	struct signing_key *key;
	int rc = signing_key_open(p->job->sign_key, &key, e);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < p->result->image_count; i++)
		rc = image_sign(key, file, p->job->certificate, p->result->image[i].body, e);
	signing_key_close(key);
	return rc;
}

/* Signs what was copied: the source must not change between the two. */
int package_copy(struct packing *p, struct bundle *b, struct error *e)
{
	struct disk *file = NULL;
	int rc = p->job->sign_key ? host_file_open(p->job->source, &file, e) : 0;

	if (!rc && file)
		rc = sign_image(p, file, e);
	if (!rc)
		rc = bundle_copy(b, p->job->source, package_file_name(p), &p->job->engine,
			&p->result->file_size, e);
	if (!rc && file)
		rc = host_file_unchanged(file, e);
	disk_close(file);
	return rc;
}
