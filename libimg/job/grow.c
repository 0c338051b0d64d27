/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last partition and its file system grow with the disk. */
#include "job/grow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "disk/slice.h"
#include "fs/ext_grow.h"
#include "fs/fs.h"
#include "volume/partition_grow.h"

static const char *what_of(const struct volume *v, const struct fs_id *id)
{
	if (id->type)
		return id->type;
	if (v->bios_boot)
		return "the BIOS boot partition";
	return v->pool ? "LVM2_member" : "nothing that hvimg knows";
}

static bool grows(const struct fs_id *id)
{
	return id->type &&
		(!strcmp(id->type, "ext2") || !strcmp(id->type, "ext3") ||
			!strcmp(id->type, "ext4"));
}

/* By place; logical volumes lie in partitions. */
static const struct volume *volume_last(const struct volume_list *l)
{
	const struct volume *last = NULL;

	for (size_t i = 0; i < l->count; i++)
		if (!l->volume[i].mapped && (!last || l->volume[i].off > last->off))
			last = &l->volume[i];
	return last;
}

/* Of the file systems that could be grown if they were last, the largest, which is most likely what
 * was meant. */
static int volume_meant(
	const struct volume_list *l, const struct volume **out, const char **type, struct error *e)
{
	*out = NULL;
	for (size_t i = 0; i < l->count; i++) {
		const struct volume *v = &l->volume[i];
		struct fs_id id;
		int rc = fs_identify(v->disk, &id, e);

		if (rc)
			return rc;
		if (!grows(&id) || (*out && (*out)->size >= v->size))
			continue;
		*out = v;
		*type = id.type;
	}
	return 0;
}

static int refuse(const struct volume_list *l, const struct volume *last, const struct fs_id *id,
	struct error *e)
{
	const struct volume *meant;
	const char *type = NULL;
	int rc = volume_meant(l, &meant, &type, e);

	if (rc)
		return rc;
	if (!meant)
		return error_set(e, ERR_REFUSED,
			"only ext2, ext3 and ext4 can be grown, and %s, the last on the disk, is "
			"%s",
			last->id, what_of(last, id));
	return error_set(e, ERR_REFUSED,
		"only the last partition can be grown: that is %s (%s), %s (%s) is before it",
		last->id, what_of(last, id), meant->id, type);
}

/* Partitions that the list has not could lie behind those that it has. */
static int table_is_whole(const struct report *r, struct error *e)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->finding[i].severity == SEVERITY_ERROR)
			return error_set(e, ERR_REFUSED,
				"nothing is grown in a damaged partition table: %s",
				r->finding[i].text);
	return 0;
}

static int volume_grow(struct disk *d, const struct volume *v, const struct fs_id *id,
	struct grown *out, struct error *e)
{
	struct grown g = { .done = true, .type = id->type };
	struct ext_growth growth = { 0 };
	struct disk *slice = NULL;
	uint64_t size = v->size;
	int rc = partition_grow(d, v, &size, e);

	if (rc)
		return rc;
	rc = slice_open(d, v->off, size, &slice, e);
	if (!rc)
		rc = ext_grow(slice, id->type, &growth, e);
	disk_close(slice);
	if (rc)
		return error_prefix(e, "volume %s", v->id);
	(void)snprintf(g.volume, sizeof(g.volume), "%s", v->id);
	g.from = growth.from;
	g.to = growth.to;
	*out = g;
	return 0;
}

static int note(const struct grown *g, struct report *notes, struct error *e)
{
	struct buffer text = { 0 };
	int rc = g->to > g->from
		? buffer_format(&text, e,
			  "%s and its %s file system were grown from %" PRIu64 " to %" PRIu64
			  " bytes",
			  g->volume, g->type, g->from, g->to)
		: buffer_format(&text, e,
			  "%s and its %s file system, %" PRIu64 " bytes, have no more room to grow",
			  g->volume, g->type, g->from);

	if (!rc)
		rc = report_add(notes,
			&(struct finding){ .code = (char *)(uintptr_t) "grown",
				.severity = SEVERITY_INFO,
				.text = (char *)(uintptr_t)buffer_text(&text) },
			e);
	buffer_free(&text);
	return rc;
}

int disk_grow(struct disk *d, struct grown *out, struct report *notes, struct error *e)
{
	const struct volume *last;
	struct report report = { 0 };
	struct volume_list list;
	struct fs_id id;
	int rc = volumes_open(d, &list, &report, e);

	if (rc)
		return rc;
	rc = table_is_whole(&report, e);
	last = volume_last(&list);
	if (!rc && !last)
		rc = error_set(e, ERR_REFUSED, "the disk has no partition that could be grown");
	if (!rc)
		rc = fs_identify(last->disk, &id, e);
	if (!rc)
		rc = grows(&id) ? volume_grow(d, last, &id, out, e) : refuse(&list, last, &id, e);
	if (!rc)
		rc = note(out, notes, e);
	volumes_close(&list);
	report_free(&report);
	return rc;
}
