/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the boot manager of the target's firmware would find Windows, and making it so. */
#include "guest/windows_bcd.h"

#include <stdlib.h>
#include <string.h>

static int unreadable(
	struct guest_image *g, const struct bcd_store *s, struct report *out, struct error *e)
{
	/* The boot manager brings a dirty one up to date by itself, or takes it as it is. */
	const bool dirty = s->file.hive != NULL;
	const struct finding_text f = { .code = dirty ? "hive-dirty" : "hive-damaged",
		.severity = dirty ? SEVERITY_WARNING : SEVERITY_ERROR,
		.path = s->place.path,
		.fix = dirty ? "start Windows and shut it down, or use --force-dirty"
			     : "repair the boot configuration with Windows' recovery media" };

	return finding_add(out, &f, e, "the boot configuration on volume %s can't be %s: %s",
		g->volumes.volume[s->place.volume].id, dirty ? "edited" : "read", s->file.problem);
}

static int device_finding(struct guest_image *g, const struct bcd_store *s,
	const struct bcd_fix *fix, struct report *out, struct error *e)
{
	struct finding_text f = { .code = "bcd-device-moved",
		.severity = fix->needed ? SEVERITY_ERROR : SEVERITY_INFO,
		.path = s->place.path };
	int rc = guest_volume_check(g, s->place.volume, e);

	f.fixable = fix->volume != SIZE_MAX && !g->volume[s->place.volume].problem &&
		!s->file.problem;
	f.fix = f.fixable ? "hvimg inject names the partition that is on this disk"
			  : "set the entry's device with bcdedit, from Windows' recovery media";
	if (rc)
		return rc;
	return finding_add(out, &f, e,
		"in the boot configuration, %s names %s, which is not on "
		"this disk",
		fix->entry, fix->now);
}

static int graphics_finding(const struct bcd_store *s, struct report *out, struct error *e)
{
	const struct finding_text f = { .code = "bcd-graphics-disabled",
		.severity = SEVERITY_WARNING,
		.fixable = !s->file.problem,
		.path = s->place.path,
		.fix = "hvimg inject removes the setting" };

	return finding_add(out, &f, e,
		"the boot configuration has graphicsmodedisabled: the screen may stay black");
}

static int lacks_finding(const struct guest_image *g, const struct bcd_place *p, const char *what,
	struct report *out, struct error *e)
{
	const struct finding_text f = { .code = "bcd-missing",
		.severity = SEVERITY_ERROR,
		.path = p->path,
		.fix = "make one with bcdboot, from Windows' recovery media" };

	return finding_add(out, &f, e, "the boot configuration on volume %s %s",
		g->volumes.volume[p->volume].id, what);
}

static int store_readiness(
	struct guest_image *g, struct bcd_store *s, struct report *out, struct error *e)
{
	struct bcd_plan plan = { 0 };
	int rc = s->file.problem ? unreadable(g, s, out, e) : 0;

	if (!rc && s->file.hive)
		rc = bcd_plan_make(g, s, &plan, e);
	if (!rc && plan.lacks)
		rc = lacks_finding(g, &s->place, plan.lacks, out, e);
	for (size_t i = 0; i < plan.count && !rc; i++)
		rc = plan.fix[i].element == BCD_NO_GRAPHICS
			? graphics_finding(s, out, e)
			: device_finding(g, s, &plan.fix[i], out, e);
	bcd_plan_free(&plan);
	return rc;
}

static int text_readiness(
	struct guest_image *g, const struct bcd_place *p, struct report *out, struct error *e)
{
	struct finding_text f = {
		.code = "bcd-device-moved", .severity = SEVERITY_ERROR, .path = p->path
	};
	struct buffer text = { 0 }, changed = { 0 };
	char *now = NULL;
	int rc = boot_ini_read(p, &text, e);

	if (!rc)
		rc = boot_ini_plan(g, buffer_text(&text), &changed, &now, e);
	if (!rc)
		rc = guest_volume_check(g, p->volume, e);
	f.fixable = changed.len && !g->volume[p->volume].problem;
	f.fix = f.fixable ? "hvimg inject names the partition that Windows is on"
			  : "put the partition's number right in boot.ini";
	if (!rc && now)
		rc = finding_add(
			out, &f, e, "boot.ini starts %s, which is not where Windows is", now);
	free(now);
	buffer_free(&changed);
	buffer_free(&text);
	return rc;
}

static int missing(
	const struct guest_image *g, const char *firmware, struct report *out, struct error *e)
{
	const struct finding_text f = { .code = "bcd-missing",
		.severity = SEVERITY_ERROR,
		.fix = bcd_is_text(g) ? "put a boot.ini beside NTLDR"
				      : "make one with bcdboot, from Windows' recovery media" };
	const bool uefi = !strcmp(firmware, "uefi");

	return finding_add(out, &f, e, "%s has no %s, so Windows' boot manager starts nothing",
		uefi ? "the EFI system partition" : "the active partition",
		bcd_is_text(g) ? "boot.ini"
			: uefi ? "EFI/Microsoft/Boot/BCD"
			       : "Boot/BCD");
}

int windows_bcd_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	const char *firmware = bcd_firmware_of(g, t);
	struct bcd_store s = { 0 };
	struct bcd_place place;
	int rc = bcd_place_of(g, firmware, &place, e);

	if (rc)
		return rc;
	/* Firmware's own checks tell of a partition that is missing. */
	if (!place.tree)
		return bcd_has_place(g, firmware) ? missing(g, firmware, out, e) : 0;
	if (place.is_text) {
		rc = text_readiness(g, &place, out, e);
		bcd_place_close(&place);
		return rc;
	}
	rc = bcd_store_open(g, &place, &s, e);
	if (!rc)
		rc = store_readiness(g, &s, out, e);
	bcd_store_close(&s);
	if (!rc && !strcmp(firmware, "uefi"))
		rc = windows_loader_readiness(g, out, e);
	return rc;
}

static int fix_apply(
	struct guest_image *g, struct hive *h, const struct bcd_fix *fix, struct error *e)
{
	static const char why[] = "the partition that is on this disk";
	uint8_t bytes[BCD_DEVICE_SIZE];
	const struct hive_value v = { .name = (char[]){ "Element" },
		.type = HIVE_BINARY,
		.data = bytes,
		.len = sizeof(bytes) };
	char key[640];

	if (fix->element == BCD_NO_GRAPHICS) {
		bcd_element_key(key, sizeof(key), fix->object, fix->element);
		return hive_remove_key(h, key, "the screen of the machine shows what starts", e);
	}
	if (fix->volume == SIZE_MAX || !bcd_device_make(&g->volumes, fix->volume, bytes))
		return 0;
	bcd_element_key(key, sizeof(key), fix->object, fix->element);
	return hive_set(h, key, &v, why, e);
}

static int store_apply(
	struct guest_image *g, struct bcd_store *s, bool fixes, bool ems, struct error *e)
{
	struct bcd_plan plan = { 0 };
	int rc = fixes ? bcd_plan_make(g, s, &plan, e) : 0;

	for (size_t i = 0; i < plan.count && !rc; i++)
		rc = fix_apply(g, s->file.hive, &plan.fix[i], e);
	bcd_plan_free(&plan);
	if (!rc && ems)
		rc = bcd_ems_set(s->file.hive, e);
	return rc ? rc : bcd_store_write(s, e);
}

static int text_apply(
	struct guest_image *g, struct bcd_place *p, bool fixes, bool ems, struct error *e)
{
	struct tree_put put = { .why = "the partition that Windows is on" };
	struct buffer text = { 0 }, changed = { 0 };
	char *now = NULL;
	int rc = 0;

	if (ems)
		rc = error_set(e, ERR_NOTREADY,
			"--ems: Windows before Vista takes that from boot.ini, which is not done");
	if (!rc && fixes)
		rc = boot_ini_read(p, &text, e);
	if (!rc && fixes)
		rc = boot_ini_plan(g, buffer_text(&text), &changed, &now, e);
	if (!rc && changed.len)
		rc = bcd_place_time(p, &put.mtime, e);
	if (!rc && changed.len)
		rc = tree_put_bytes(p->tree, p->path, changed.data, changed.len, &put, e);
	free(now);
	buffer_free(&changed);
	buffer_free(&text);
	return rc;
}

static int firmware_apply(struct guest_image *g, const char *firmware, bool fixes, bool ems,
	bool *found, struct error *e)
{
	struct bcd_store s = { 0 };
	struct bcd_place place;
	int rc = bcd_place_of(g, firmware, &place, e);

	if (rc || !place.tree)
		return rc;
	if (g->volume[place.volume].problem) {
		bcd_place_close(&place);
		return 0;
	}
	*found = true;
	if (place.is_text) {
		rc = text_apply(g, &place, fixes, ems, e);
		bcd_place_close(&place);
		return rc;
	}
	rc = bcd_store_open(g, &place, &s, e);
	if (!rc && s.file.problem && ems)
		rc = error_set(e, ERR_NOTREADY, "--ems: %s", s.file.problem);
	/* Readiness has told of it, and that nothing in it is needed. */
	else if (!rc && !s.file.problem)
		rc = store_apply(g, &s, fixes, ems, e);
	bcd_store_close(&s);
	return rc;
}

static bool is_asked(const struct guest_image *g, const struct target_list *l, const char *firmware)
{
	for (size_t i = 0; i < l->count; i++)
		if (!strcmp(bcd_firmware_of(g, &l->target[i]), firmware))
			return true;
	return false;
}

int windows_bcd_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	static const char *const firmware[] = { "bios", "uefi" };
	const bool ems = c->windows && c->windows->ems;
	bool found = false;
	int rc = 0;

	for (int i = 0; i < 2 && !rc; i++) {
		const bool fixes = is_asked(g, c->targets, firmware[i]);

		if (fixes || ems)
			rc = firmware_apply(g, firmware[i], fixes, ems, &found, e);
	}
	if (!rc && ems && !found)
		rc = error_set(e, ERR_NOTREADY,
			"--ems: no boot configuration that can be edited was found");
	return rc;
}
