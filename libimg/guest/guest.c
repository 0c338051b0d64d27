/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image taken apart: its volumes, their file systems, the guest that they make. */
#include <stdlib.h>
#include <string.h>

#include "disk/locked.h"
#include "fs/appliance.h"
#include "guest/bootloader.h"
#include "guest/guest_image.h"

#define GUEST_TYPE(name) extern const struct guest_type guest_type_##name;
#include "guest/list.def"
#undef GUEST_TYPE

#define GUEST_TYPE(name) &guest_type_##name,
const struct guest_type *const guest_type_list[] = {
#include "guest/list.def"
	NULL,
};
#undef GUEST_TYPE

size_t guest_volume_index(const struct guest_image *g, const char *id)
{
	for (size_t i = 0; i < g->volumes.count; i++)
		if (!strcmp(g->volumes.volume[i].id, id))
			return i;
	return SIZE_MAX;
}

static void guest_forget(struct guest_image *g)
{
	if (g->type)
		g->type->forget(g);
	g->type = NULL;
	g->state = NULL;
	guest_free(&g->guest);
	tree_close(g->tree);
	g->tree = NULL;
	for (size_t i = 0; i < g->view_count; i++)
		fs_close(g->view[i]);
	free(g->view);
	g->view = NULL;
	g->view_count = 0;
	for (size_t i = 0; i < g->volumes.count && g->volume; i++)
		g->volume[i].used = false;
}

/* Opens what can be opened.  A file system that may only be read is opened so, and the reason kept:
 * then the guest can still be described, and readiness says why it can't be edited. */
static int volume_open(struct guest_image *g, size_t i, struct error *e)
{
	struct guest_volume *v = &g->volume[i];
	struct fs_options o = g->fs_options;
	struct error why = { 0 };
	int rc;

	if (!g->id[i].type)
		return 0;
	o.write = g->write;
	rc = fs_open_with(g->volumes.volume[i].disk, &o, &v->fs, &why);
	if (!rc)
		return 0;
	rc = error_of_host(&why, e);
	if (rc)
		return rc;
	v->open_error = why.code;
	v->problem = strdup(why.text);
	if (!v->problem)
		return error_nomem(e, "a file system");
	o.write = false;
	if (!g->write || !fs_open_with(g->volumes.volume[i].disk, &o, &v->fs, &why))
		return 0;
	v->fs = NULL;
	return error_of_host(&why, e);
}

/* What an appliance shall open, it must be given before it is started. */
static int volume_identify(struct guest_image *g, size_t i, struct error *e)
{
	struct disk *d = g->volumes.volume[i].disk;
	int rc = fs_identify(d, &g->id[i], e);

	if (rc || !appliance_opens(g->id[i].type))
		return rc;
	if (!g->appliance) {
		rc = appliance_open(
			g->fs_options.tmpdir, g->cancelled, g->cancelled_arg, &g->appliance, e);
		g->fs_options.appliance = g->appliance;
	}
	return rc ? rc : appliance_add(g->appliance, d, &g->id[i], e);
}

int guest_view_open(
	struct guest_image *g, size_t index, const char *option, struct fs **out, struct error *e)
{
	struct fs *fs = g->volume[index].fs, **all;
	int rc;

	if (!fs->ops->view)
		return error_set(e, ERR_UNSUPPORTED, "%s has no parts like %s", fs->type, option);
	all = reallocarray(g->view, g->view_count + 1, sizeof(struct fs *));
	if (!all)
		return error_nomem(e, "a file system");
	g->view = all;
	rc = fs->ops->view(fs, option, out, e);
	if (!rc)
		g->view[g->view_count++] = *out;
	return rc;
}

/* File systems that hold no part of a running guest's tree, or that no guest was expected in, and
 * what the findings of the table tell of. */
static bool is_quiet(const struct guest_image *g, size_t i)
{
	const char *type = g->id[i].type;

	return !strcmp(type, "swap") || !strcmp(type, "iso9660") || !strcmp(type, "LVM2_member") ||
		!strcmp(type, "linux_raid_member") || g->volumes.volume[i].esp;
}

static int volume_report(struct guest_image *g, size_t i, struct error *e)
{
	const struct guest_volume *v = &g->volume[i];
	const struct volume *volume = &g->volumes.volume[i];
	struct finding_text f = { .severity = SEVERITY_WARNING };

	/* Of those the guest uses, readiness says more. */
	if (!v->problem || v->used || is_quiet(g, i))
		return 0;
	f.code = !strcmp(g->id[i].type, "BitLocker") ? "bitlocker"
		: v->open_error == ERR_REFUSED       ? "fs-not-editable"
		: v->open_error == ERR_CORRUPT       ? "filesystem-damaged"
						     : "filesystem-unsupported";
	return finding_add(
		&g->report, &f, e, "volume %s (%s): %s", volume->id, g->id[i].type, v->problem);
}

static int report_copy(const struct report *from, struct report *to, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < from->count && !rc; i++)
		rc = report_add(to, &from->finding[i], e);
	return rc;
}

/* An image may lie about what is in it: then there is a finding, and no guest. */
static bool is_image_fault(int rc)
{
	return rc == -ERR_CORRUPT || rc == -ERR_RANGE || rc == -ERR_UNSUPPORTED ||
		rc == -ERR_NOTFOUND;
}

static int guest_load(
	struct guest_image *g, size_t index, const struct guest_type *type, struct error *e)
{
	const struct finding_text f = { .code = "guest-unreadable", .severity = SEVERITY_ERROR };
	struct error why = { 0 };
	int rc;

	g->type = type;
	g->root = index;
	g->volume[index].used = true;
	g->guest.type = type->name;
	strcpy(g->guest.root, g->volumes.volume[index].id);
	rc = type->load(g, index, &why);
	if (!rc)
		rc = bootloaders_load(g, &why);
	if (!rc && g->tree)
		rc = tree_failure(g->tree, &why);
	if (!rc)
		return 0;
	guest_forget(g);
	if (!is_image_fault(rc)) {
		*e = why;
		return rc;
	}
	return finding_add(&g->report, &f, e, "the %s guest on volume %s could not be read: %s",
		type->name, g->volumes.volume[index].id, why.text);
}

static int guest_try(
	struct guest_image *g, size_t index, const struct guest_type *type, struct error *e)
{
	const struct finding_text more = { .code = "second-guest", .severity = SEVERITY_INFO };
	struct error why = { 0 };
	bool is_root = false;
	int rc = type->is_root(g, index, &is_root, &why);

	if (rc && !is_image_fault(rc)) {
		*e = why;
		return rc;
	}
	if (rc || !is_root)
		return 0;
	if (!g->type)
		return guest_load(g, index, type, e);
	return finding_add(&g->report, &more, e,
		"volume %s also looks like the root of a %s guest; only that of %s is considered",
		g->volumes.volume[index].id, type->name, g->guest.root);
}

/* Also after edits, when everything is looked at anew. */
int guest_find(struct guest_image *g, struct error *e)
{
	int rc;

	guest_forget(g);
	report_free(&g->report);
	rc = report_copy(&g->volume_report, &g->report, e);
	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		for (size_t t = 0; guest_type_list[t] && g->volume[i].fs && !rc; t++)
			rc = guest_try(g, i, guest_type_list[t], e);
	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		rc = volume_report(g, i, e);
	return rc;
}

int guest_image_open(
	struct disk *d, const struct guest_options *o, struct guest_image **out, struct error *e)
{
	struct guest_image *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return error_nomem(e, "an image");
	*g = (struct guest_image){ .write = o->write,
		.journal = o->journal,
		.known = o->known,
		.cancelled = o->cancelled,
		.cancelled_arg = o->cancelled_arg,
		.force_dirty = o->force_dirty,
		.fs_options = { .tmpdir = o->tmpdir, .force_dirty = o->force_dirty } };
	rc = locked_open(d, &g->disk, e);
	if (!rc)
		rc = volumes_open(g->disk, &g->volumes, &g->volume_report, e);
	if (!rc && g->volumes.count) {
		g->id = calloc(g->volumes.count, sizeof(*g->id));
		g->volume = calloc(g->volumes.count, sizeof(*g->volume));
		if (!g->id || !g->volume)
			rc = error_nomem(e, "volumes");
	}
	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		rc = volume_identify(g, i, e);
	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		rc = volume_open(g, i, e);
	if (!rc)
		rc = guest_find(g, e);
	if (rc) {
		guest_image_close(g);
		return rc;
	}
	*out = g;
	return 0;
}

void guest_image_close(struct guest_image *g)
{
	if (!g)
		return;
	guest_forget(g);
	report_free(&g->report);
	for (size_t i = 0; i < g->volumes.count && g->volume; i++) {
		fs_close(g->volume[i].fs);
		free(g->volume[i].problem);
	}
	free(g->volume);
	free(g->id);
	appliance_close(g->appliance);
	volumes_close(&g->volumes);
	disk_close(g->disk);
	report_free(&g->volume_report);
	free(g);
}

const struct volume_list *guest_image_volumes(const struct guest_image *g)
{
	return &g->volumes;
}

const struct fs_id *guest_image_filesystems(const struct guest_image *g)
{
	return g->id;
}

const struct guest *guest_image_guest(const struct guest_image *g)
{
	return g->type ? &g->guest : NULL;
}

const struct report *guest_image_report(const struct guest_image *g)
{
	return &g->report;
}

int guest_image_sync(struct guest_image *g, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		if (g->volume[i].fs && g->volume[i].fs->writable)
			rc = fs_sync(g->volume[i].fs, e);
	return rc;
}
