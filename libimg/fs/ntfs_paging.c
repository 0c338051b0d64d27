/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of NTFS whose content is worth nothing to a guest that was shut down. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/free.h"
#include "fs/ntfs_free.h"

enum {
	PIECE = 4096, /* bytes of $Bitmap at a time */
};

static const char *const names[] = { "pagefile.sys", "swapfile.sys", "hiberfil.sys" };

struct paging {
	const struct ntfs_volume *v;
	struct ntfs_stream bitmap;
	struct ntfs_fixed fixed;
	struct ntfs_stream file[sizeof(names) / sizeof(*names)];
};

static int used_check(struct paging *p, uint64_t start, uint64_t count, struct error *e)
{
	uint8_t bits[PIECE];
	uint64_t end = start + count;

	while (start < end) {
		uint64_t first = start / 8;
		size_t len = (size_t)min_u64(PIECE, div_up(end, 8) - first);
		int rc = ntfs_stream_read(p->v, &p->bitmap, first, bits, len, e);

		if (rc)
			return rc;
		for (; start < end && start / 8 - first < len; start++)
			if (!(bits[start / 8 - first] >> start % 8 & 1))
				return error_set(e, ERR_CORRUPT,
					"$Bitmap says that its cluster %" PRIu64 " is free", start);
	}
	return 0;
}

/* Its clusters have to be its alone, as far as the volume's own structures tell. */
static int runs_check(struct paging *p, const struct ntfs_stream *s, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < s->count; i++) {
		const struct ntfs_run *r = &s->run[i];
		uint64_t at;

		if (r->lcn == NTFS_HOLE)
			continue;
		if (ntfs_fixed_has(&p->fixed, r->lcn, r->count, &at))
			return error_set(e, ERR_CORRUPT,
				"its cluster %" PRIu64 " is used by a file of the volume's own",
				at);
		rc = used_check(p, r->lcn, r->count, e);
	}
	return rc;
}

/* Compressed or sparse ones, and those that have another name elsewhere, are no page files of
 * Windows: they are left as they are. */
static int file_open(struct paging *p, const char *name, struct ntfs_stream *out, struct error *e)
{
	struct ntfs_record *r;
	uint64_t number;
	bool found;
	int rc = ntfs_root_find(p->v, name, &number, &found, e);

	if (rc || !found)
		return rc;
	r = malloc(sizeof(*r));
	if (!r)
		return error_nomem(e, "a file record");
	rc = ntfs_record_read(p->v, number, r, e);
	if (!rc && number >= NTFS_SPARE && r->in_use && !r->directory && r->links == 1)
		rc = ntfs_stream_open(p->v, number, NTFS_DATA, "", out, e);
	if (!rc && out->flags & NTFS_ATTRIBUTE_PACKED)
		ntfs_stream_close(out);
	if (!rc)
		rc = runs_check(p, out, e);
	free(r);
	return rc ? error_prefix(e, "%s", name) : 0;
}

static int files_give(const struct paging *p, free_each each, void *arg, struct error *e)
{
	const uint64_t cluster = p->v->cluster;
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (size_t n = 0; !rc && n < p->file[i].count; n++)
			if (p->file[i].run[n].lcn != NTFS_HOLE)
				rc = each(arg, p->file[i].run[n].lcn * cluster,
					p->file[i].run[n].count * cluster, e);
	return rc;
}

/* A cluster that two of the files have would be given twice. */
static int files_part(struct paging *p, struct error *e)
{
	struct ntfs_fixed all = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(names) / sizeof(*names); i++)
		for (size_t n = 0; !rc && n < p->file[i].count; n++)
			if (p->file[i].run[n].lcn != NTFS_HOLE)
				rc = ntfs_fixed_add(
					&all, p->file[i].run[n].lcn, p->file[i].run[n].count, e);
	if (!rc)
		rc = ntfs_fixed_sort(&all, e);
	ntfs_fixed_free(&all);
	return rc;
}

static int volume_paging(const struct ntfs_volume *v, free_each each, void *arg, struct error *e)
{
	struct paging p = { .v = v };
	int rc = ntfs_state_check(v, e);

	if (!rc)
		rc = ntfs_fixed_find(v, &p.fixed, e);
	if (!rc)
		rc = ntfs_bitmap_open(v, &p.bitmap, e);
	for (size_t i = 0; !rc && i < sizeof(names) / sizeof(*names); i++)
		rc = file_open(&p, names[i], &p.file[i], e);
	if (!rc)
		rc = files_part(&p, e);
	if (!rc)
		rc = files_give(&p, each, arg, e);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		ntfs_stream_close(&p.file[i]);
	ntfs_stream_close(&p.bitmap);
	ntfs_fixed_free(&p.fixed);
	return rc;
}

int ntfs_paging_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct ntfs_volume v;
	int rc = ntfs_volume_open(&v, d, e);

	if (rc)
		return rc;
	rc = volume_paging(&v, each, arg, e);
	ntfs_volume_close(&v);
	return rc;
}
