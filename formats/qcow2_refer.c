/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backing file and the data file. */
#include <ctype.h>

#include "formats/qcow2.h"

/* A name from an image, fit to be shown on a terminal. */
static void printable(const char *name, char *out, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		out[i] = iscntrl((unsigned char)name[i]) ? '?' : name[i];
	out[i] = '\0';
}

static void refuse_reference(struct qcow2 *q, const char *what, const char *name)
{
	char text[512];

	printable(name ? name : "not named in the image", text, sizeof(text));
	error_set(&q->refusal, ERR_REFUSED, "%s: %s%s", what, text,
		name ? "; --allow-parent permits files in the image's folder, --allow-parent=DIR "
		       "those in DIR"
		     : "");
}

static void refer_data(struct qcow2 *q, const struct open_options *o)
{
	struct reference r = { .path = q->data_file, .data = true };

	if (!q->data_file || !chain_allowed(o)) {
		refuse_reference(q, "the image keeps its content in another file", q->data_file);
		return;
	}
	if (!chain_open(o, &r, &q->external, &q->refusal))
		q->content = q->external.disk;
}

static void refer_backing(struct qcow2 *q, const struct open_options *o)
{
	struct reference r = { .path = q->backing, .format = q->backing_format };

	if (!chain_allowed(o))
		refuse_reference(q, "the image refers to a backing file", q->backing);
	else
		(void)chain_open(o, &r, &q->below, &q->refusal);
}

void qcow2_refer(struct qcow2 *q, const struct open_options *o)
{
	q->content = q->file;
	if (q->crypt_method)
		error_set(&q->refusal, ERR_UNSUPPORTED, "the image is encrypted (method %u, %s)",
			q->crypt_method,
			q->crypt_method == 1           ? "AES"
				: q->crypt_method == 2 ? "LUKS"
						       : "unknown");
	else if (q->corrupt)
		error_set(&q->refusal, ERR_CORRUPT,
			"the image is marked as corrupt; qemu-img check -r all may repair it");
	if (q->has_data_file && !q->refusal.code)
		refer_data(q, o);
	if (q->backing && !q->refusal.code)
		refer_backing(q, o);
}
