/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first cluster of a new qcow2: header, extensions, and the name of a backing file. */
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_write.h"

enum { LAZY_REFCOUNTS_BIT = 0 /* of the compatible features */ };

/* "Feature name table": lets a reader that does not know a bit say what it lacks. */
struct feature_name {
	uint8_t kind; /* 0: incompatible */
	uint8_t bit;
	char name[46];
};
_Static_assert(sizeof(struct feature_name) == 48, "feature name");

static const struct feature_name feature_names[] = {
	{ .bit = QCOW2_COMPRESSION, .name = "compression type" },
	{ .bit = QCOW2_EXTENDED_L2, .name = "extended L2 entries" },
};

struct head {
	uint8_t *bytes;
	size_t len, room;
	bool full; /* more was to be put there than there is room */
};

static void head_add(struct head *h, const void *bytes, size_t len)
{
	h->full |= len > h->room - h->len;
	if (h->full)
		return;
	memcpy(h->bytes + h->len, bytes, len);
	h->len += len;
}

static void extension_add(struct head *h, uint32_t type, const void *bytes, size_t len)
{
	static const uint8_t padding[8];
	struct qcow2_extension x = { put_be32(type), put_be32((uint32_t)len) };

	head_add(h, &x, sizeof(x));
	head_add(h, bytes, len);
	head_add(h, padding, round_up(len, 8) - len);
}

static uint64_t features(const struct qcow2_plan *p)
{
	return (uint64_t)(p->compression == QCOW2_ZSTD) << QCOW2_COMPRESSION |
		(uint64_t)p->extended_l2 << QCOW2_EXTENDED_L2;
}

static void header_fill(
	const struct qcow2_plan *p, const struct qcow2_ends *ends, struct qcow2_header *h)
{
	*h = (struct qcow2_header){
		.magic = { 'Q', 'F', 'I', 0xfb },
		.version = put_be32(p->version),
		.cluster_bits = put_be32(p->cluster_bits),
		.size = put_be64(p->size),
		.l1_size = put_be32(ends->l1_size),
		.l1_off = put_be64(ends->l1_off),
		.refcount_off = put_be64(ends->refcount_off),
		.refcount_clusters = put_be32(ends->refcount_clusters),
	};
	if (p->version == 2)
		return;
	h->incompatible = put_be64(features(p));
	h->compatible = put_be64((uint64_t)p->lazy_refcounts << LAZY_REFCOUNTS_BIT);
	h->refcount_order = put_be32(QCOW2_REFCOUNT_ORDER);
	h->header_len = put_be32(p->compression == QCOW2_ZSTD ? sizeof(*h) : QCOW2_V3_HEADER);
	h->compression = (uint8_t)p->compression;
}

static void names_add(struct head *h, const struct qcow2_plan *p)
{
	struct feature_name names[sizeof(feature_names) / sizeof(*feature_names)];
	size_t count = 0;

	for (size_t i = 0; i < sizeof(feature_names) / sizeof(*feature_names); i++)
		if (features(p) >> feature_names[i].bit & 1)
			names[count++] = feature_names[i];
	if (count)
		extension_add(h, QCOW2_FEATURE_NAMES_EXTENSION, names, count * sizeof(*names));
}

/* What qemu calls the format. */
static const char *format_name(const struct format *f)
{
	return strcmp(f->name, "vhd") == 0 ? "vpc" : f->name;
}

static void backing_format_add(struct head *h, const struct qcow2_plan *p)
{
	const char *name = p->like ? p->like->backing_format : format_name(p->parent->format);

	if (name)
		extension_add(h, QCOW2_BACKING_FORMAT_EXTENSION, name, strlen(name));
}

/* qemu takes what comes before a colon for a protocol, unless a slash comes first. */
static void backing_add(struct head *h, const struct qcow2_plan *p)
{
	const char *name = p->like ? p->like->backing : p->parent->relative;

	if (!p->like && name[strcspn(name, ":/")] == ':')
		head_add(h, "./", 2);
	head_add(h, name, strlen(name));
}

int qcow2_head_fill(
	const struct qcow2_plan *p, const struct qcow2_ends *ends, uint8_t *bytes, struct error *e)
{
	struct head head = { .bytes = bytes, .room = (size_t)1 << p->cluster_bits };
	bool parent = p->parent;
	struct qcow2_header h;
	size_t start;

	header_fill(p, ends, &h);
	/* Its place in the header is filled in when it is known. */
	head_add(&head, &h, p->version == 2 ? QCOW2_V2_HEADER : get_be32(h.header_len));
	if (parent)
		backing_format_add(&head, p);
	names_add(&head, p);
	extension_add(&head, QCOW2_END_EXTENSION, "", 0);
	start = head.len;
	if (parent)
		backing_add(&head, p);
	if (head.full || head.len - start > QCOW2_NAME_MAX)
		return error_set(e, ERR_USAGE,
			"the parent's name has %zu bytes, which do not fit into the header: it has "
			"a cluster of %zu bytes, and a name at most %u",
			strlen(p->parent->relative), head.room, (unsigned)QCOW2_NAME_MAX);
	if (parent) {
		h.backing_off = put_be64(start);
		h.backing_len = put_be32((uint32_t)(head.len - start));
		memcpy(bytes, &h, QCOW2_V2_HEADER);
	}
	return 0;
}
