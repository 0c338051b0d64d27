/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Would the target's firmware start the disk? */
#include "guest/firmware.h"

#include <string.h>

bool guest_image_boots(const struct guest_image *g, const char *firmware)
{
	struct error e;
	char why[256];

	if (!strcmp(firmware, "bios"))
		return g->volumes.boot_code &&
			(firmware_bios_fault(g, why, sizeof(why), &e) || !*why);
	return !strcmp(firmware, "uefi") && firmware_esp(g) != SIZE_MAX;
}

static int bios_check(struct guest_image *g, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "no-bios-boot-code",
		.severity = SEVERITY_ERROR,
		.fix = "install the guest's boot loader for a BIOS" };
	char why[256];
	int rc = firmware_bios_fault(g, why, sizeof(why), e);

	if (rc || !*why)
		return rc;
	return finding_add(r, &f, e, "%s, so a BIOS can't start the disk", why);
}

/* No error that stays. */
static bool suffices(const struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->finding[i].severity == SEVERITY_ERROR && !r->finding[i].fixable)
			return false;
	return true;
}

/* Nothing is said more loudly than `most`. */
static int findings_move(
	struct report *from, enum severity most, struct report *to, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < from->count && !rc; i++) {
		struct finding f = from->finding[i];

		if (f.severity > most)
			f.severity = most;
		rc = report_add(to, &f, e);
	}
	return rc;
}

/* One kind of firmware suffices: what keeps the other from starting the disk is no fault. */
static int any_check(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	struct report bios = { 0 }, uefi = { 0 };
	enum severity bios_most = SEVERITY_ERROR, uefi_most = SEVERITY_ERROR;
	int rc = bios_check(g, &bios, e);

	if (!rc)
		rc = firmware_uefi_check(g, t, &uefi, e);
	if (!report_count(&bios, SEVERITY_ERROR))
		uefi_most = SEVERITY_INFO;
	else if (suffices(&uefi))
		bios_most = SEVERITY_INFO;
	if (!rc)
		rc = findings_move(&bios, bios_most, out, e);
	if (!rc)
		rc = findings_move(&uefi, uefi_most, out, e);
	report_free(&bios);
	report_free(&uefi);
	return rc;
}

int firmware_check(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	if (!strcmp(t->firmware, "any"))
		return any_check(g, t, out, e);
	return strcmp(t->firmware, "bios") ? firmware_uefi_check(g, t, out, e)
					   : bios_check(g, out, e);
}
