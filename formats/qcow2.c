/* SPDX-License-Identifier: GPL-3.0-or-later */
/* qcow2 (qemu's docs/interop/qcow2.txt): its entry in the list of formats. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/qcow2_snapshot.h"
#include "formats/qcow2_check.h"
#include "formats/qcow2_write.h"

static enum probe_answer qcow2_probe(const struct probe *p)
{
	/* Version 1 is another format with the same magic; opening refuses what is neither. */
	bool magic = p->head_len >= 8 && !memcmp(p->head, "QFI\xfb", 4);

	return magic && memcmp(p->head + 4, "\0\0\0\1", 4) ? PROBE_YES : PROBE_NO;
}

/* Frees all but the file. */
static void qcow2_free(struct qcow2 *q)
{
	qcow2_pool_close(&q->pool);
	block_cache_close(q->tables);
	block_cache_close(q->clusters);
	chain_file_close(&q->below);
	chain_file_close(&q->external);
	free(q->backing);
	free(q->backing_format);
	free(q->data_file);
	free(q);
}

static void qcow2_close(struct disk *d)
{
	struct qcow2 *q = (struct qcow2 *)d;

	disk_close(q->file);
	qcow2_free(q);
}

static const struct disk_ops qcow2_disk_ops = {
	.read = qcow2_read,
	.extent = qcow2_extent,
	.close = qcow2_close,
};

/* The deeper in a chain, the less is cached, so that all together keep to a few times the first. */
static size_t cache_size(const struct open_options *o)
{
	size_t size = o->chain && o->chain->count ? QCOW2_CACHE / o->chain->count : QCOW2_CACHE;

	return size < QCOW2_PAGE ? QCOW2_PAGE : size;
}

static int qcow2_open(
	struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct qcow2 *q = calloc(1, sizeof(*q));
	size_t cache = cache_size(o);
	int rc;

	if (!q)
		return error_nomem(e, "a qcow2 image");
	qcow2_pool_open(&q->pool);
	q->file = file;
	q->disk.ops = &qcow2_disk_ops;
	q->disk.logical_sector = 512;
	rc = qcow2_load(q, e);
	if (!rc && o->snapshot)
		rc = qcow2_snapshot_select(q, o->snapshot, e);
	if (!rc)
		rc = block_cache_open(q->page, cache, &q->tables, e);
	if (!rc)
		rc = block_cache_open(q->cluster, max_u64(cache, q->cluster), &q->clusters, e);
	if (!rc) {
		qcow2_refer(q, o);
		rc = error_of_host(&q->refusal, e);
	}
	if (rc) {
		qcow2_free(q);
		return rc;
	}
	*out = &q->disk;
	return 0;
}

/* Whether there is a compressed cluster, as far as a bounded look finds one. */
static int find_compressed(struct qcow2 *q, bool *found, struct error *e)
{
	enum { STEPS = 1 << 16 };
	struct extent x;
	uint64_t off = 0;

	*found = false;
	for (unsigned i = 0; i < STEPS && off < q->disk.size && !*found; i++) {
		int rc = disk_extent(&q->disk, off, &x, e);

		if (rc)
			return rc;
		*found = x.compressed && !x.depth;
		off += x.length;
	}
	return 0;
}

static int add_reference(struct image_info *out, const char *name, struct error *e)
{
	return name ? strings_add_new(&out->references, name, e) : 0;
}

static int qcow2_info(struct disk *d, struct image_info *out, struct error *e)
{
	struct qcow2 *q = (struct qcow2 *)d;
	int rc;

	out->block_size = q->cluster;
	out->encrypted = q->crypt_method != 0;
	out->snapshots = q->snapshots;
	if (q->backing && !(out->parent_path = strdup(q->backing)))
		return error_nomem(e, "a file name");
	rc = add_reference(out, q->backing, e);
	if (!rc)
		rc = add_reference(out, q->data_file, e);
	if (!rc)
		rc = find_compressed(q, &out->compressed, e);
	if (!rc)
		rc = qcow2_snapshot_list(q, out, e);
	if (rc)
		image_info_free(out);
	return rc;
}

static const char *const qcow2_endings[] = { "qcow2", "qcow", NULL };

const struct format qcow2_format = {
	.name = "qcow2",
	.help = "QEMU copy on write, versions 2 and 3",
	.endings = qcow2_endings,
	.glance_name = "qcow2",
	.compresses = true,
	.has_snapshots = true,
	.options = qcow2_options,
	.probe = qcow2_probe,
	.spec_of = qcow2_spec_of,
	.open = qcow2_open,
	.info = qcow2_info,
	.has_parents = true,
	.create = qcow2_create,
	.check = qcow2_check,
};
