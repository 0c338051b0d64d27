/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Would the image start on a target?  Firmware and volumes here, the guest in its own file. */
#include <stdlib.h>
#include <string.h>

#include "guest/guest_image.h"

static const struct volume *esp_find(const struct guest_image *g, size_t *index)
{
	for (size_t i = 0; i < g->volumes.count; i++) {
		if (!g->volumes.volume[i].esp)
			continue;
		*index = i;
		return &g->volumes.volume[i];
	}
	return NULL;
}

bool guest_image_boots(const struct guest_image *g, const char *firmware)
{
	size_t index;

	if (!strcmp(firmware, "bios"))
		return g->volumes.boot_code;
	return !strcmp(firmware, "uefi") && esp_find(g, &index);
}

/* UEFI 2.10, 3.5.1.1: what firmware starts from a disk that it has no boot entry for. */
static const char *fallback_name(const char *arch)
{
	if (arch && !strcmp(arch, "aarch64"))
		return "BOOTAA64.EFI";
	if (arch && !strcmp(arch, "i686"))
		return "BOOTIA32.EFI";
	return "BOOTX64.EFI";
}

static int fallback_check(struct guest_image *g, size_t esp, struct report *r, struct error *e)
{
	const char *const path[] = { "EFI", "BOOT", fallback_name(g->guest.arch) };
	const struct finding_text f = { .code = "no-fallback-loader",
		.severity = SEVERITY_ERROR,
		.fix = "copy the guest's loader to EFI/BOOT on its EFI system partition, as "
		       "\"grub-install --removable\" does" };
	struct fs *fs = g->volume[esp].fs;
	uint64_t node = fs->root;

	for (size_t i = 0; i < 3; i++) {
		int rc = fs->ops->lookup(fs, node, path[i], &node, e);

		if (rc == -ERR_NOTFOUND)
			return finding_add(r, &f, e,
				"the EFI system partition has no EFI/BOOT/%s, so that firmware "
				"without "
				"a boot entry starts nothing",
				path[2]);
		if (rc)
			return rc;
	}
	return 0;
}

static int uefi_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "no-esp", .severity = SEVERITY_ERROR };
	const struct finding_text unread = { .code = "esp-not-read", .severity = SEVERITY_INFO };
	size_t index;

	if (!esp_find(g, &index))
		return finding_add(r, &none, e,
			"the disk has no EFI system partition, so UEFI firmware can't start it");
	if (g->volume[index].fs)
		return fallback_check(g, index, r, e);
	return finding_add(r, &unread, e,
		"volume %s, the EFI system partition, was not looked into: whether it holds a "
		"loader is "
		"not known",
		g->volumes.volume[index].id);
}

static int bios_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "no-bios-boot-code", .severity = SEVERITY_ERROR };

	if (g->volumes.boot_code)
		return 0;
	return finding_add(
		r, &f, e, "the first sector holds no boot code, so a BIOS can't start the disk");
}

/* What was found when the image was opened and stands in the way of any target. */
static int image_check(const struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "no-guest", .severity = SEVERITY_ERROR };
	int rc = 0;

	for (size_t i = 0; i < g->report.count && !rc; i++)
		if (g->report.finding[i].severity == SEVERITY_ERROR || !g->type)
			rc = report_add(r, &g->report.finding[i], e);
	if (!rc && !g->type)
		rc = finding_add(r, &none, e, "no guest that hvimg knows was found");
	return rc;
}

/* An image that is only looked at is asked what editing it would meet. */
static int volume_check(struct guest_image *g, size_t i, struct error *e)
{
	struct guest_volume *v = &g->volume[i];
	struct error why = { 0 };

	if (v->checked || v->problem)
		return 0;
	v->checked = true;
	if (g->write || !fs_check_write(g->volumes.volume[i].disk, &g->fs_options, &why))
		return 0;
	if (error_of_host(&why, e))
		return error_of_host(&why, e);
	v->open_error = why.code;
	v->problem = strdup(why.text);
	return v->problem ? 0 : error_nomem(e, "a file system");
}

/* A guest that needs no edit starts as it is: its own kernel replays a journal. */
static int edits_check(struct guest_image *g, struct report *r, struct error *e)
{
	bool edits = false;
	int rc = 0;

	for (size_t i = 0; i < r->count; i++)
		edits = edits || r->finding[i].fixable;
	for (size_t i = 0; i < g->volumes.count && !rc; i++) {
		const struct guest_volume *v = &g->volume[i];
		struct finding_text f = { .severity = edits ? SEVERITY_ERROR : SEVERITY_WARNING };

		if (!v->used)
			continue;
		rc = volume_check(g, i, e);
		if (rc || !v->problem)
			continue;
		f.code = v->fs && v->fs->needs_recovery ? "fs-needs-recovery" : "fs-not-editable";
		rc = finding_add(r, &f, e, "volume %s: %s", g->volumes.volume[i].id, v->problem);
	}
	return rc;
}

static void conclude(struct readiness *r)
{
	r->ready = true;
	r->fixable = true;
	for (size_t i = 0; i < r->findings.count; i++) {
		const struct finding *f = &r->findings.finding[i];

		if (f->severity != SEVERITY_ERROR)
			continue;
		r->ready = false;
		r->fixable = r->fixable && f->fixable;
	}
	/* Nothing to fix is not "fixable". */
	r->fixable = r->fixable && !r->ready;
}

int guest_image_readiness(
	struct guest_image *g, const struct target *t, struct readiness *out, struct error *e)
{
	struct readiness r = { .target = t };
	int rc = image_check(g, &r.findings, e);

	if (!rc)
		rc = strcmp(t->firmware, "bios") ? uefi_check(g, &r.findings, e)
						 : bios_check(g, &r.findings, e);
	if (!rc && g->type)
		rc = g->type->readiness(g, t, &r.findings, e);
	if (!rc && g->tree)
		rc = tree_failure(g->tree, e);
	if (!rc && g->type)
		rc = edits_check(g, &r.findings, e);
	if (rc) {
		readiness_free(&r);
		return rc;
	}
	conclude(&r);
	*out = r;
	return 0;
}

void readiness_free(struct readiness *r)
{
	report_free(&r->findings);
	*r = (struct readiness){ 0 };
}
