/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/free_space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/masked.h"
#include "fs/fs.h"
#include "volume/volume.h"
#include "volume/windows.h"

enum {
	PARTS_MAX = 1 << 20, /* 16 MiB of memory */
};

struct dropping {
	struct disk *mask;
	struct volume_list volumes;
	struct dropped *dropped;
	const struct drop_choice *what;
	const struct volume *volume; /* in work */
};

static int disk_hide(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	struct dropping *d = arg;

	return masked_hide(d->mask, off, len, e);
}

static int run_hide(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	struct dropping *d = arg;

	return volume_places(d->volume, off, len, disk_hide, d, e);
}

/* A host that can't read or has no memory is an error; what an image lacks leaves it whole. */
static bool is_image_fault(int rc)
{
	return rc == -ERR_CORRUPT || rc == -ERR_RANGE || rc == -ERR_UNSUPPORTED ||
		rc == -ERR_REFUSED;
}

/* What is free to one of two volumes of the table that overlap may be in use by the other. */
static int overlap_check(const struct volume_list *l, const struct volume *v, struct error *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct volume *other = &l->volume[i];

		if (other != v && !other->mapped && other->off < v->off + v->size &&
			v->off < other->off + other->size)
			return error_set(e, ERR_REFUSED, "it overlaps %s", other->id);
	}
	return 0;
}

/* Logical volumes are known to be apart, but not the volumes that they lie in. */
struct below {
	const struct volume_list *list;
	const struct volume *last; /* that was looked at */
};

static int below_check(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	struct below *b = arg;

	(void)len;
	if (b->last && off >= b->last->off && off - b->last->off < b->last->size)
		return 0;
	for (size_t i = 0; i < b->list->count; i++) {
		const struct volume *v = &b->list->volume[i];

		if (v->mapped || off < v->off || off - v->off >= v->size)
			continue;
		b->last = v;
		return overlap_check(b->list, v, e);
	}
	return 0;
}

/* Of what holds logical volumes, that which none of them has. */
static int pool_hide(struct dropping *d, struct error *e)
{
	const struct ranges *r = &d->volume->unused;
	int rc = 0;

	for (size_t i = 0; !rc && i < r->count; i++)
		rc = masked_hide(
			d->mask, r->range[i].start, r->range[i].end - r->range[i].start, e);
	return rc;
}

static int free_hide(
	struct dropping *d, const struct volume *v, const struct fs_id *id, struct error *e)
{
	return v->pool ? pool_hide(d, e) : fs_free_runs(v->disk, id, run_hide, d, e);
}

static int paging_hide(
	struct dropping *d, const struct volume *v, const struct fs_id *id, struct error *e)
{
	return v->pool ? 0 : fs_paging_runs(v->disk, id, run_hide, d, e);
}

typedef int (*volume_hide)(
	struct dropping *d, const struct volume *v, const struct fs_id *id, struct error *e);

static int apart_hide(
	struct dropping *d, size_t i, const struct fs_id *id, volume_hide hide, struct error *e)
{
	const struct volume *v = d->volume = &d->volumes.volume[i];
	struct below below = { .list = &d->volumes };
	const char *manager = windows_manager(v);
	int rc;

	if (manager)
		return error_set(e, ERR_REFUSED,
			"it makes the disk %s, so what is in it may be part of something larger",
			manager);
	rc = v->mapped ? volume_places(v, 0, v->size, below_check, &below, e)
		       : overlap_check(&d->volumes, v, e);

	return rc ? rc : hide(d, v, id, e);
}

static int kept(struct dropping *d, const struct error *why, const char *code, const char *what,
	struct error *e)
{
	char text[sizeof(why->text) + VOLUME_ID_SIZE + 128], name[32];
	const struct finding f = {
		.code = name,
		.severity = why->code == ERR_UNSUPPORTED ? SEVERITY_INFO : SEVERITY_WARNING,
		.text = text,
	};

	(void)snprintf(name, sizeof(name), "%s", code);
	(void)snprintf(text, sizeof(text), "%s: %s", what, why->text);
	return report_add(&d->dropped->findings, &f, e);
}

/* Swap space is free to both. */
static bool is_swap(const struct fs_id *id)
{
	return !strcmp(id->type, "swap") || !strcmp(id->type, "swsuspend");
}

static int volume_drop_kind(
	struct dropping *d, size_t i, const struct fs_id *id, volume_hide hide, struct error *e)
{
	const struct volume *v = &d->volumes.volume[i];
	bool is_free = hide == free_hide;
	char what[VOLUME_ID_SIZE + 64];
	struct error why = { 0 };
	int rc = apart_hide(d, i, id, hide, &why);

	if (!rc)
		return 0;
	if (is_image_fault(rc)) {
		(void)snprintf(what, sizeof(what),
			is_free ? "volume %s (%s) is left whole"
				: "the paging space of volume %s (%s) is kept",
			v->id, id->type);
		return kept(d, &why, is_free ? "free-space-kept" : "paging-kept", what, e);
	}
	*e = why;
	return error_prefix(e, "volume %s", v->id);
}

static int volume_drop(struct dropping *d, size_t i, struct error *e)
{
	const struct volume *v = &d->volumes.volume[i];
	struct dropped_volume *out = &d->dropped->volume[i];
	struct fs_id id;
	int rc = fs_identify(v->disk, &id, e);

	if (rc)
		return error_prefix(e, "volume %s", v->id);
	memcpy(out->id, v->id, sizeof(out->id));
	out->filesystem = id.type;
	if (id.type && d->what->free)
		rc = volume_drop_kind(d, i, &id, free_hide, e);
	if (!rc && d->what->paging && fs_may_page(&id) && !(d->what->free && is_swap(&id)))
		rc = volume_drop_kind(d, i, &id, paging_hide, e);
	return rc;
}

static int dropped_count(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	struct dropping *d = arg;

	(void)e;
	d->dropped->volume[d->volume - d->volumes.volume].dropped += masked_bytes(
		d->mask, off, len);
	return 0;
}

/* Of a pool, what was dropped of its volumes is theirs. */
static int volume_count(struct dropping *d, size_t i, struct error *e)
{
	const struct volume *v = d->volume = &d->volumes.volume[i];
	const struct ranges *r = &v->unused;
	int rc = 0;

	if (!v->pool)
		return volume_places(v, 0, v->size, dropped_count, d, e);
	for (size_t n = 0; !rc && n < r->count; n++)
		rc = dropped_count(d, r->range[n].start, r->range[n].end - r->range[n].start, e);
	return rc;
}

static int volumes_drop(struct dropping *d, struct error *e)
{
	int rc = 0;

	d->dropped->volume = calloc(d->volumes.count + 1, sizeof(*d->dropped->volume));
	if (!d->dropped->volume)
		return error_nomem(e, "the list of volumes");
	d->dropped->count = d->volumes.count;
	for (size_t i = 0; !rc && i < d->volumes.count; i++)
		rc = volume_drop(d, i, e);
	masked_freeze(d->mask);
	for (size_t i = 0; !rc && i < d->volumes.count; i++)
		rc = volume_count(d, i, e);
	return rc;
}

/* A partition table that can't be read leaves the whole disk whole. */
static int disk_volumes(struct dropping *d, struct disk *disk, struct error *e)
{
	struct error why = { 0 };
	int rc = volumes_open(disk, &d->volumes, &d->dropped->findings, &why);

	if (rc && is_image_fault(rc))
		return kept(d, &why, "free-space-kept", "the disk is left whole", e);
	if (rc)
		*e = why;
	return rc;
}

int free_space_mask(struct disk *disk, const struct drop_choice *what, struct disk **out,
	struct dropped *dropped, struct error *e)
{
	struct dropping d = { .dropped = dropped, .what = what };
	int rc = masked_open(disk, PARTS_MAX, &d.mask, e);

	*dropped = (struct dropped){ 0 };
	if (!rc)
		rc = disk_volumes(&d, disk, e);
	if (!rc)
		rc = volumes_drop(&d, e);
	volumes_close(&d.volumes);
	if (rc)
		disk_close(d.mask);
	else
		*out = d.mask;
	return rc;
}

void dropped_free(struct dropped *d)
{
	free(d->volume);
	report_free(&d->findings);
	*d = (struct dropped){ 0 };
}
