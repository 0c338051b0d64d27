/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logical volumes of the PVs that lie in a list of volumes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "volume/lvm.h"
#include "volume/raid.h"
#include "volume/table.h"

/* The newest text of one group. */
struct group_text {
	struct buffer text;
	char id[LVM_ID_SIZE + 1];
	uint64_t number;
	size_t volume; /* that has it */
	bool differs; /* another text has the same number */
};

struct lvm_reader {
	struct disk *disk;
	struct volume_list *list;
	struct report *report;
	struct lvm_pv *pv;
	size_t pvs;
	struct group_text group[LVM_GROUPS_MAX];
	size_t groups;
};

/* A host that can't read or has no memory is an error; what an image lacks is a finding. */
static int finding_of(struct lvm_reader *r, const struct error *why, const char *code,
	const struct volume *v, struct error *e)
{
	int rc = error_of_host(why, e);

	return rc ? rc
		  : volume_finding(r->report, SEVERITY_WARNING, code, v->off, e,
			    "LVM on volume %s: %s", v->id, why->text);
}

static int pv_add(struct lvm_reader *r, size_t i, struct error *e)
{
	const struct volume *v = &r->list->volume[i];
	struct lvm_pv *pv = &r->pv[r->pvs];
	struct raid_member member;
	struct error why = { 0 };
	bool found;
	int rc = raid_find(v->disk, &member, &found, e);

	/* With the superblock at the end, the start shows what is in the array. */
	if (rc || found)
		return rc;
	if (lvm_label_read(v->disk, pv, &found, &why))
		return finding_of(r, &why, "lvm-metadata-damaged", v, e);
	if (!found)
		return 0;
	if (r->pvs == LVM_PVS_MAX)
		return volume_finding(r->report, SEVERITY_WARNING, "lvm-volume-unsupported", v->off,
			e, "volume %s is one physical volume of LVM more than hvimg looks at",
			v->id);
	pv->volume = i;
	pv->off = v->off;
	for (size_t other = 0; other < r->pvs; other++)
		if (!strcmp(r->pv[other].id, pv->id))
			pv->twice = r->pv[other].twice = true;
	r->pvs++;
	return 0;
}

/* Keeps `text` when it is newer than what is there of its group. */
static int text_keep(struct lvm_reader *r, const struct lvm_group *g, size_t volume,
	struct buffer *text, struct error *e)
{
	struct group_text *t = r->group;

	while (t < r->group + r->groups && strcmp(t->id, g->id) != 0)
		t++;
	if (t == r->group + LVM_GROUPS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "more volume groups than hvimg looks at");
	if (t == r->group + r->groups) {
		r->groups++;
		memcpy(t->id, g->id, sizeof(t->id));
	} else if (g->number == t->number) {
		t->differs |= text->len != t->text.len ||
			memcmp(text->data, t->text.data, text->len) != 0;
		return 0;
	} else if (g->number < t->number) {
		return 0;
	}
	buffer_free(&t->text);
	t->text = *text;
	t->number = g->number;
	t->volume = volume;
	t->differs = false;
	*text = (struct buffer){ 0 };
	return 0;
}

static int copy_read(struct lvm_reader *r, const struct lvm_pv *pv, size_t copy, struct error *e)
{
	struct lvm_group g = { 0 };
	struct buffer text = { 0 };
	int rc = lvm_text_read(r->list->volume[pv->volume].disk, &pv->copy[copy], &text, e);

	if (!rc && text.len)
		rc = lvm_group_identify(&text, &g, e);
	if (!rc && text.len)
		rc = text_keep(r, &g, pv->volume, &text, e);
	lvm_group_free(&g);
	buffer_free(&text);
	return rc ? error_prefix(e, "metadata at byte %" PRIu64, pv->copy[copy].off) : 0;
}

static int copies_read(struct lvm_reader *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->pvs; i++)
		for (size_t c = 0; !rc && c < r->pv[i].copies; c++) {
			struct error why = { 0 };

			if (copy_read(r, &r->pv[i], c, &why))
				rc = finding_of(r, &why, "lvm-metadata-damaged",
					&r->list->volume[r->pv[i].volume], e);
		}
	return rc;
}

/* In the list the id is "group/volume"; another group of the same name can't be told apart. */
static bool id_is_taken(const struct volume_list *l, const char *id)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(l->volume[i].id, id))
			return true;
	return false;
}

/* The volume that has the first byte of an LV. */
static const struct volume *parent_of(
	const struct lvm_reader *r, const struct lvm_group *g, uint64_t off)
{
	for (size_t i = 0; i < g->members; i++) {
		const struct lvm_pv *pv = g->member[i].pv;

		if (pv && off >= pv->off && off - pv->off < pv->size)
			return &r->list->volume[pv->volume];
	}
	return NULL;
}

static int lv_open(struct lvm_reader *r, const struct lvm_group *g, const struct lvm_lv *lv,
	const char *id, struct error *e)
{
	struct volume v = { .type = "lvm", .off = lv->piece[0].at[0], .mapped = true };
	const struct volume *parent = parent_of(r, g, v.off);
	struct volume *all;
	int rc;

	(void)snprintf(v.id, sizeof(v.id), "%s", id);
	(void)snprintf(v.parent, sizeof(v.parent), "%s", parent ? parent->id : "");
	(void)snprintf(v.dm_uuid, sizeof(v.dm_uuid), "%s", lv->dm_uuid);
	all = reallocarray(r->list->volume, r->list->count + 1, sizeof(*all));
	if (!all)
		return error_nomem(e, "the list of volumes");
	r->list->volume = all;
	rc = mapped_open(r->disk, lv->piece, lv->pieces, lv->writable, &v.disk, e);
	if (rc)
		return error_prefix(e, "volume %s", id);
	v.size = v.disk->size;
	all[r->list->count++] = v;
	return 0;
}

static int lv_add(
	struct lvm_reader *r, const struct lvm_group *g, const struct lvm_lv *lv, struct error *e)
{
	char id[VOLUME_ID_SIZE];

	(void)snprintf(id, sizeof(id), "%s/%s", g->name, lv->name);
	if (lv->code)
		return volume_finding(r->report, SEVERITY_WARNING, lv->code,
			g->parts ? g->part[0].off : 0, e, "logical volume %s is not opened: %s", id,
			lv->problem);
	if (id_is_taken(r->list, id))
		return volume_finding(r->report, SEVERITY_WARNING, "lvm-volume-unsupported",
			lv->piece[0].at[0], e,
			"two logical volumes are called %s: only the first is opened", id);
	return lv_open(r, g, lv, id, e);
}

/* Says of a member's volume what of its extents no LV has. */
static int pool_set(
	const struct lvm_group *g, const struct lvm_member *m, struct volume *v, struct error *e)
{
	uint64_t at = m->start, end = m->start + m->extents * g->extent;
	int rc = 0;

	v->pool = true;
	for (size_t i = 0; !rc && i < g->parts && g->part[i].off < end; i++) {
		if (g->part[i].end <= at)
			continue;
		rc = ranges_add(&v->unused, at, g->part[i].off, e);
		at = g->part[i].end;
	}
	return rc ? rc : ranges_add(&v->unused, at, end, e);
}

static int group_add(struct lvm_reader *r, const struct lvm_group *g, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < g->lvs; i++)
		if (g->lv[i].visible)
			rc = lv_add(r, g, &g->lv[i], e);
	for (size_t i = 0; !rc && g->certain && i < g->members; i++)
		if (g->member[i].pv)
			rc = pool_set(
				g, &g->member[i], &r->list->volume[g->member[i].pv->volume], e);
	return rc;
}

static int group_read(struct lvm_reader *r, const struct group_text *t, struct error *e)
{
	struct lvm_group g = { 0 };
	struct error why = { 0 };
	int rc;

	if (t->differs)
		rc = error_set(&why, ERR_CORRUPT,
			"two copies of the metadata have the number %" PRIu64
			" and different texts: run vgck --updatemetadata in the guest",
			t->number);
	else
		rc = lvm_group_read(&t->text, r->pv, r->pvs, &g, &why);
	if (rc)
		return finding_of(r, &why, "lvm-metadata-damaged", &r->list->volume[t->volume], e);
	rc = group_add(r, &g, e);
	lvm_group_free(&g);
	return rc;
}

static int twins_report(struct lvm_reader *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->pvs; i++)
		if (r->pv[i].twice)
			rc = volume_finding(r->report, SEVERITY_WARNING, "lvm-volume-incomplete",
				r->pv[i].off, e,
				"volume %s has the same LVM id as another: LVM takes neither; "
				"remove the copy, or give it an id of its own with vgimportclone",
				r->list->volume[r->pv[i].volume].id);
	return rc;
}

int lvm_read(struct disk *d, struct volume_list *l, struct report *report, struct error *e)
{
	struct lvm_reader r = { .disk = d, .list = l, .report = report };
	int rc = 0;

	/* One more than are looked at is read and reported. */
	r.pv = calloc(LVM_PVS_MAX + 1, sizeof(*r.pv));
	if (!r.pv)
		return error_nomem(e, "physical volumes");
	for (size_t i = 0; !rc && i < l->count; i++)
		rc = pv_add(&r, i, e);
	if (!rc)
		rc = twins_report(&r, e);
	if (!rc)
		rc = copies_read(&r, e);
	for (size_t i = 0; !rc && i < r.groups; i++)
		rc = group_read(&r, &r.group[i], e);
	for (size_t i = 0; i < r.groups; i++)
		buffer_free(&r.group[i].text);
	free(r.pv);
	return rc;
}
