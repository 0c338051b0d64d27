/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMware's disk images: VMware's "Virtual Disk Format 5.0". */
#include "formats/vmdk.h"

#include "formats/vmdk_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"

enum { CACHE = 4 << 20 }; /* bytes of tables, and as many of inflated grains */

static const char text_magic[] = "# Disk DescriptorFile";

enum vmdk_file { NO_VMDK, HOSTED, TEXT, COWD, SESPARSE };

static enum vmdk_file file_kind(const uint8_t *head, size_t len)
{
	if (len >= 4 && !memcmp(head, "KDMV", 4))
		return HOSTED;
	if (len >= 4 && !memcmp(head, "COWD", 4))
		return COWD;
	if (len >= 8 && !memcmp(head, "\xbe\xba\xfe\xca\0\0\0\0", 8))
		return SESPARSE;
	if (len >= sizeof(text_magic) - 1 &&
		!strncasecmp((const char *)head, text_magic, sizeof(text_magic) - 1))
		return TEXT;
	return NO_VMDK;
}

static enum probe_answer vmdk_probe(const struct probe *p)
{
	return file_kind(p->head, p->head_len) == NO_VMDK ? PROBE_NO : PROBE_YES;
}

/* Frees all but the file. */
static void vmdk_free(struct vmdk *v)
{
	vmdk_parts_close(v);
	vmdk_descriptor_free(&v->descriptor);
	free(v);
}

static void vmdk_close(struct disk *d)
{
	struct vmdk *v = (struct vmdk *)d;

	disk_close(v->file);
	vmdk_free(v);
}

static const struct disk_ops vmdk_ops = {
	.read = vmdk_read,
	.extent = vmdk_extent,
	.close = vmdk_close,
};

static int descriptor_load(struct vmdk *v, uint64_t off, uint64_t len, struct error *e)
{
	char *text;
	int rc = vmdk_text_read(v->file, off, len, &text, e);

	if (rc)
		return rc;
	/* An extent of several leaves the room for it empty. */
	rc = *text ? vmdk_descriptor_parse(text, &v->descriptor, e)
		   : error_set(e, ERR_UNSUPPORTED,
			     "a VMDK extent without descriptor, which may be any part of a disk; "
			     "what can be read is the descriptor that names it");
	free(text);
	return rc;
}

static int hosted_open(struct vmdk *v, struct error *e)
{
	struct vmdk_sparse *s;
	int rc = vmdk_sparse_open(v->file, CACHE, &s, e);

	if (rc)
		return rc;
	rc = descriptor_load(v, s->descriptor_off, s->descriptor_size, e);
	if (rc) {
		vmdk_sparse_close(s);
		return rc;
	}
	return vmdk_own_open(v, s, e);
}

static int kind_refuse(enum vmdk_file kind, struct error *e)
{
	return error_set(e, ERR_UNSUPPORTED, "VMDK extent of type %s, which is not read",
		kind == COWD ? "vmfsSparse (COWD)" : "SESparse");
}

static int content_open(struct vmdk *v, const struct open_options *o, struct error *e)
{
	uint8_t head[sizeof(text_magic)];
	size_t len = (size_t)min_u64(sizeof(head), v->file->size);
	int rc = disk_read(v->file, 0, head, len, e);

	if (rc)
		return rc;
	switch (file_kind(head, len)) {
	case HOSTED:
		return hosted_open(v, e);
	case TEXT:
		rc = descriptor_load(v, 0, v->file->size, e);
		return rc ? rc : vmdk_parts_open(v, o, e);
	case COWD:
	case SESPARSE:
		return kind_refuse(file_kind(head, len), e);
	case NO_VMDK:
		break;
	}
	return error_set(e, ERR_CORRUPT, "no VMDK: the signature is missing");
}

static int vmdk_open(
	struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vmdk *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return error_nomem(e, "a VMDK");
	v->disk = (struct disk){ .ops = &vmdk_ops, .logical_sector = VMDK_SECTOR };
	v->file = file;
	rc = content_open(v, o, e);
	if (!rc)
		rc = error_of_host(&v->refusal, e);
	if (rc) {
		vmdk_free(v);
		return rc;
	}
	*out = &v->disk;
	return 0;
}

static int references_add(const struct vmdk *v, struct image_info *out, struct error *e)
{
	const struct vmdk_descriptor *d = &v->descriptor;
	bool own = v->parts && v->part[0].sparse && !v->part[0].file.disk;
	int rc = 0;

	/* An extent that has its descriptor in it names itself, by what it was called once. */
	for (size_t i = 0; i < d->lines && !rc && !own; i++)
		if (d->line[i].name)
			rc = strings_add_new(&out->references, d->line[i].name, e);
	if (!rc && d->parent)
		rc = strings_add_new(&out->references, d->parent, e);
	return rc;
}

static int vmdk_info(struct disk *d, struct image_info *out, struct error *e)
{
	const struct vmdk *v = (const struct vmdk *)d;
	char cid[32];
	int rc;

	out->create_type = v->descriptor.type;
	out->subformat = "fixed";
	for (size_t i = 0; i < v->parts; i++) {
		const struct vmdk_sparse *s = v->part[i].sparse;

		if (!s)
			continue;
		out->subformat = "dynamic";
		out->block_size = max_u64(out->block_size, s->grain);
		out->compressed |= s->compressed;
	}
	if (v->descriptor.parent)
		out->subformat = "differencing";
	if (v->descriptor.parent && !(out->parent_path = strdup(v->descriptor.parent)))
		return error_nomem(e, "a file name");
	snprintf(cid, sizeof(cid), "cid=%08x", v->descriptor.cid);
	rc = strings_add(&out->identifiers, cid, e);
	if (!rc)
		rc = references_add(v, out, e);
	if (rc)
		image_info_free(out);
	return rc;
}

static int vmdk_check(struct disk *file, struct check *c, struct error *e)
{
	uint8_t head[sizeof(text_magic)];
	size_t len = (size_t)min_u64(sizeof(head), file->size);
	int rc = disk_read(file, 0, head, len, e);

	if (rc)
		return rc;
	switch (file_kind(head, len)) {
	case TEXT:
		return vmdk_check_descriptor(file, c, 0, file->size, NULL, e);
	case COWD:
	case SESPARSE:
		return kind_refuse(file_kind(head, len), e);
	case HOSTED:
	case NO_VMDK:
		break;
	}
	return vmdk_check_extent(file, c, e);
}

static const char *const vmdk_endings[] = { "vmdk", NULL };

const struct format vmdk_format = {
	.name = "vmdk",
	.help = "VMware disk image; always written as streamOptimized, compressed",
	.endings = vmdk_endings,
	.glance_name = "vmdk",
	.compresses = true,
	.options = vmdk_options,
	.probe = vmdk_probe,
	.open = vmdk_open,
	.info = vmdk_info,
	.create = vmdk_create,
	.check = vmdk_check,
};
