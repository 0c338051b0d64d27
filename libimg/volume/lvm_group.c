/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A volume group from its text: members, logical volumes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "volume/lvm.h"

enum { EXTENT_SECTORS_MAX = 1 << 23 /* 4 GiB, LVM's limit */ };

/* Without the dashes, as a PV's header has it.  Other text gives an empty id, which nothing has. */
static void id_pack(const char *text, char out[LVM_ID_SIZE + 1])
{
	size_t len = 0;

	for (; text && *text && len < LVM_ID_SIZE; text++)
		if (*text != '-')
			out[len++] = *text;
	if (len < LVM_ID_SIZE)
		len = 0;
	out[len] = '\0';
}

/* lvm(8), VALID NAMES. */
static bool name_is_valid(const char *name)
{
	return *name && *name != '-' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
		strlen(name) <= LVM_NAME_MAX;
}

/* The one section on the outside; LVM writes the values about the file behind it. */
static int section_find(struct lvm_group *g, struct error *e)
{
	const struct lvm_config *c = &g->config;
	const char *id;
	uint64_t version = 0;

	g->section = c->node[0].child;
	while (g->section && c->node[g->section].kind != LVM_SECTION)
		g->section = c->node[g->section].next;
	if (!g->section || !lvm_number(c, 0, "version", &version) || version != 1)
		return error_set(e, ERR_UNSUPPORTED,
			"no volume group in LVM metadata of version %" PRIu64, version);
	g->name = c->node[g->section].name;
	id = lvm_text(c, g->section, "id");
	id_pack(id, g->id);
	if (!name_is_valid(g->name) || !*g->id || !lvm_number(c, g->section, "seqno", &g->number))
		return error_set(e, ERR_CORRUPT, "the volume group has no name, id or seqno");
	return 0;
}

int lvm_group_identify(const struct buffer *text, struct lvm_group *out, struct error *e)
{
	struct lvm_group g = { 0 };
	int rc = lvm_config_parse(buffer_text(text), text->len, &g.config, e);

	if (!rc)
		rc = section_find(&g, e);
	if (rc)
		lvm_group_free(&g);
	else
		*out = g;
	return rc;
}

static size_t sections_count(const struct lvm_config *c, size_t section)
{
	size_t count = 0;

	for (size_t i = c->node[section].child; i; i = c->node[i].next)
		count += c->node[i].kind == LVM_SECTION;
	return count;
}

/* All extents lie inside the PV, and outside its label and metadata. */
static int extents_check(const struct lvm_group *g, const struct lvm_pv *pv, uint64_t start,
	uint64_t count, const char *name, struct error *e)
{
	uint64_t bytes;
	bool fits = mul_fits(count, g->extent, &bytes) && range_fits(start, bytes, pv->size) &&
		start >= LVM_LABEL_SECTORS * LVM_SECTOR;

	for (size_t i = 0; fits && i < pv->copies; i++)
		fits = pv->copy[i].off + pv->copy[i].len <= start ||
			start + bytes <= pv->copy[i].off;
	if (fits)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"%" PRIu64 " extents of %s from byte %" PRIu64 " are not inside its %" PRIu64
		" bytes, or lie over its metadata",
		count, name, start, pv->size);
}

static int member_read(struct lvm_group *g, size_t section, const struct lvm_pv *pv, size_t pvs,
	struct lvm_member *out, struct error *e)
{
	const struct lvm_config *c = &g->config;
	char id[LVM_ID_SIZE + 1];
	uint64_t start = 0, count = 0;
	int rc;

	*out = (struct lvm_member){ .name = c->node[section].name };
	id_pack(lvm_text(c, section, "id"), id);
	for (size_t i = 0; i < pvs && !out->pv; i++)
		if (*id && !strcmp(pv[i].id, id) && !pv[i].twice)
			out->pv = &pv[i];
	/* LVM does not trust a PV again that was away, until it is told to. */
	if (lvm_has(c, section, "flags", "MISSING"))
		out->pv = NULL;
	if (!out->pv)
		return 0;
	if (!lvm_number(c, section, "pe_start", &start) ||
		!lvm_number(c, section, "pe_count", &count) || !mul_fits(start, LVM_SECTOR, &start))
		return error_set(e, ERR_CORRUPT, "%s has no extents", out->name);
	rc = extents_check(g, out->pv, start, count, out->name, e);
	out->start = out->pv->off + start;
	out->extents = count;
	return rc;
}

static int members_read(struct lvm_group *g, const struct lvm_pv *pv, size_t pvs, struct error *e)
{
	const struct lvm_config *c = &g->config;
	size_t all = lvm_find(c, g->section, "physical_volumes", LVM_SECTION);
	size_t count = all ? sections_count(c, all) : 0;
	int rc = 0;

	if (!count || count > LVM_PVS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "%zu physical volumes", count);
	g->member = calloc(count, sizeof(*g->member));
	if (!g->member)
		return error_nomem(e, "physical volumes");
	for (size_t i = c->node[all].child; !rc && i; i = c->node[i].next)
		if (c->node[i].kind == LVM_SECTION)
			rc = member_read(g, i, pv, pvs, &g->member[g->members++], e);
	/* One PV under two names would give its extents twice. */
	for (size_t i = 0; !rc && i < g->members; i++)
		for (size_t j = 0; !rc && j < i; j++)
			if (g->member[i].pv && g->member[i].pv == g->member[j].pv)
				rc = error_set(e, ERR_CORRUPT, "%s and %s have one id",
					g->member[j].name, g->member[i].name);
	return rc;
}

static int lvs_read(struct lvm_group *g, struct error *e)
{
	const struct lvm_config *c = &g->config;
	size_t all = lvm_find(c, g->section, "logical_volumes", LVM_SECTION);
	size_t count = all ? sections_count(c, all) : 0;
	int rc = 0;

	if (count > LVM_VOLUMES_MAX)
		return error_set(e, ERR_UNSUPPORTED,
			"%zu logical volumes are more than hvimg looks at", count);
	g->lv = calloc(count + 1, sizeof(*g->lv));
	if (!g->lv)
		return error_nomem(e, "logical volumes");
	for (size_t i = all ? c->node[all].child : 0; !rc && i; i = c->node[i].next) {
		if (c->node[i].kind != LVM_SECTION)
			continue;
		if (!name_is_valid(c->node[i].name))
			return error_set(e, ERR_CORRUPT, "a logical volume has no valid name");
		rc = lvm_lv_read(g, i, &g->lv[g->lvs++], e);
	}
	return rc;
}

static int group_load(struct lvm_group *g, const struct lvm_pv *pv, size_t pvs, struct error *e)
{
	const struct lvm_config *c = &g->config;
	uint64_t sectors = 0;
	int rc;

	if (lvm_has(c, g->section, "status", "EXPORTED"))
		return error_set(e, ERR_UNSUPPORTED,
			"it is exported, so that no system starts it: run vgimport %s on a system "
			"that has it",
			g->name);
	if (!lvm_number(c, g->section, "extent_size", &sectors) || !sectors ||
		sectors > EXTENT_SECTORS_MAX)
		return error_set(e, ERR_CORRUPT, "extents of %" PRIu64 " sectors", sectors);
	g->extent = sectors * LVM_SECTOR;
	g->certain = true;
	rc = members_read(g, pv, pvs, e);
	if (!rc)
		rc = lvs_read(g, e);
	if (!rc)
		lvm_conflicts_mark(g);
	return rc;
}

int lvm_group_read(const struct buffer *text, const struct lvm_pv *pv, size_t pvs,
	struct lvm_group *out, struct error *e)
{
	struct lvm_group g;
	int rc = lvm_group_identify(text, &g, e);

	if (rc)
		return rc;
	rc = group_load(&g, pv, pvs, e);
	if (rc) {
		rc = error_prefix(e, "volume group %s", g.name);
		lvm_group_free(&g);
	} else {
		*out = g;
	}
	return rc;
}

void lvm_group_free(struct lvm_group *g)
{
	for (size_t i = 0; i < g->lvs; i++) {
		for (size_t p = 0; p < g->lv[i].pieces; p++)
			free(g->lv[i].piece[p].at);
		free(g->lv[i].piece);
	}
	free(g->lv);
	free(g->member);
	free(g->part);
	lvm_config_free(&g->config);
	*g = (struct lvm_group){ 0 };
}
