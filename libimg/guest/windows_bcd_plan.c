/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which entries of a store name a partition that is not on this disk.  The boot manager finds a
 * partition by the ids of disk and partition, which a copy of the disk keeps; what was cloned onto
 * a disk with other ids does not start.
 */
#include "guest/windows_bcd.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int fix_add(
	struct bcd_plan *p, const char *object, const struct bcd_fix *fix, struct error *e)
{
	struct bcd_fix *bigger = reallocarray(p->fix, p->count + 1, sizeof(*bigger));
	struct bcd_fix f = *fix;

	if (!bigger)
		return error_nomem(e, "a boot configuration");
	p->fix = bigger;
	f.object = strdup(object);
	if (!f.object)
		return error_nomem(e, "a boot configuration");
	p->fix[p->count++] = f;
	return 0;
}

static int device_check(struct guest_image *g, struct hive *h, const char *object,
	struct bcd_fix fix, struct bcd_plan *p, struct error *e)
{
	struct buffer text = { 0 };
	struct bcd_device d;
	uint8_t unused[BCD_DEVICE_SIZE];
	int rc = bcd_device(h, object, fix.element, &d, e);

	if (rc || !d.has_partition || bcd_device_volume(&d, &g->volumes) != SIZE_MAX)
		return rc;
	rc = bcd_device_text(&d, &g->volumes, &text, e);
	if (!rc) {
		if (d.form != BCD_PARTITION || fix.volume == SIZE_MAX ||
			!bcd_device_make(&g->volumes, fix.volume, unused))
			fix.volume = SIZE_MAX;
		fix.now = (char *)text.data;
		rc = fix_add(p, object, &fix, e);
	}
	if (rc)
		buffer_free(&text);
	return rc;
}

/* Whether the entry starts a Windows in the folder that this guest's is in. */
static int is_ours(
	struct guest_image *g, struct hive *h, const char *object, bool *answer, struct error *e)
{
	const char *root = windows_of(g)->root;
	char *folder = NULL;
	int rc = bcd_text(h, object, BCD_SYSTEM_ROOT, &folder, e);

	*answer = !rc && folder && folder[0] == '\\' && !strcasecmp(folder + 1, root + 1);
	free(folder);
	return rc;
}

static int loader_check(struct guest_image *g, struct hive *h, const char *object,
	struct bcd_plan *p, struct error *e)
{
	struct bcd_fix fix = { .entry = "the entry that is started by itself", .needed = true };
	char *resume = NULL;
	bool ours;
	int rc = is_ours(g, h, object, &ours, e);

	fix.volume = ours ? g->root : SIZE_MAX;
	fix.element = BCD_DEVICE;
	if (!rc)
		rc = device_check(g, h, object, fix, p, e);
	fix.element = BCD_OS_DEVICE;
	if (!rc)
		rc = device_check(g, h, object, fix, p, e);
	if (!rc)
		rc = bcd_text(h, object, BCD_RESUME, &resume, e);
	fix.entry = "the entry that resumes from hibernation";
	fix.needed = false;
	if (!rc && resume)
		rc = device_check(g, h, resume, fix, p, e);
	fix.element = BCD_DEVICE;
	if (!rc && resume)
		rc = device_check(g, h, resume, fix, p, e);
	free(resume);
	return rc;
}

/* VMware's and other firmware's stores may have it; on a machine with one display only nothing is
 * seen then. */
static int graphics_check(struct hive *h, const char *object, struct bcd_plan *p, struct error *e)
{
	const struct bcd_fix fix = { .element = BCD_NO_GRAPHICS,
		.entry = "the entry that is started by itself",
		.volume = SIZE_MAX };
	bool off;
	int rc = bcd_flag(h, object, BCD_NO_GRAPHICS, &off, e);

	return rc || !off ? rc : fix_add(p, object, &fix, e);
}

static int lacks(struct bcd_plan *p, const char *what, struct error *e)
{
	p->lacks = strdup(what);
	return p->lacks ? 0 : error_nomem(e, "a boot configuration");
}

static int store_check(
	struct guest_image *g, struct bcd_store *s, struct bcd_plan *p, struct error *e)
{
	const struct bcd_fix manager = { .element = BCD_DEVICE,
		.entry = "the boot manager",
		.needed = true,
		.volume = s->place.volume };
	const struct bcd_fix memory = {
		.element = BCD_DEVICE, .entry = "the memory test", .volume = s->place.volume
	};
	char *chosen = NULL;
	int rc;

	if (!hive_has_key(s->file.hive, "Objects\\" BCD_BOOTMGR "\\Elements"))
		return lacks(p, "has no entry for the boot manager", e);
	rc = bcd_default(s->file.hive, &chosen, e);
	if (!rc && !chosen)
		rc = lacks(p, "names no entry that the boot manager could start", e);
	if (!rc)
		rc = device_check(g, s->file.hive, BCD_BOOTMGR, manager, p, e);
	if (!rc && chosen)
		rc = loader_check(g, s->file.hive, chosen, p, e);
	if (!rc)
		rc = device_check(g, s->file.hive, BCD_MEMTEST, memory, p, e);
	if (!rc && chosen && !strcmp(s->place.firmware, "uefi"))
		rc = graphics_check(s->file.hive, chosen, p, e);
	free(chosen);
	return rc;
}

int bcd_plan_make(struct guest_image *g, struct bcd_store *s, struct bcd_plan *out, struct error *e)
{
	struct bcd_plan p = { 0 };
	int rc = store_check(g, s, &p, e);

	if (rc)
		bcd_plan_free(&p);
	else
		*out = p;
	return rc;
}

void bcd_plan_free(struct bcd_plan *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->fix[i].object);
		free(p->fix[i].now);
	}
	free(p->fix);
	free(p->lacks);
	*p = (struct bcd_plan){ 0 };
}
