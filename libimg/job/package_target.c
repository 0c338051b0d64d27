/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machine an image is described for. */
#include <string.h>

#include "cloud/properties.h"
#include "job/package_private.h"

/* UEFI before BIOS: what a guest boots either way is described for the newer machine. */
static bool better(const struct target *t, const struct target *than)
{
	return !than || (!strcmp(t->firmware, "uefi") && strcmp(than->firmware, "uefi") != 0);
}

/* Newest first. */
static const char *const firmware_known[] = { "uefi", "bios" };
enum { FIRMWARE_COUNT = sizeof(firmware_known) / sizeof(*firmware_known) };

static bool has_firmware(const struct target *t, const char *firmware)
{
	return !strcmp(t->firmware, firmware) || !strcmp(t->firmware, "any");
}

static const char *first_error(const struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->finding[i].severity == SEVERITY_ERROR)
			return r->finding[i].text;
	return "no reason found";
}

/* The newest firmware that the guest is ready to be started by on that target; *out NULL: none, and
 * `why` has the first reason. */
static int ready_firmware(struct packing *p, const struct target *t, const char **out,
	struct error *why, struct error *e)
{
	int rc = 0;

	*out = NULL;
	for (size_t i = 0; !rc && !*out && i < FIRMWARE_COUNT; i++) {
		struct target machine = *t;
		struct readiness r = { 0 };

		if (!has_firmware(t, firmware_known[i]))
			continue;
		machine.firmware = (char *)(uintptr_t)firmware_known[i];
		rc = guest_image_readiness(p->guest, &machine, &r, e);
		if (!rc && r.ready)
			*out = firmware_known[i];
		else if (!rc && !why->code)
			error_set(why, ERR_NOTREADY, "not ready for %s: %s", t->name,
				first_error(&r.findings));
		readiness_free(&r);
	}
	return rc;
}

/* Picks the best of the named targets that the guest is ready for. */
static int choose_ready(
	struct packing *p, const struct target_list *list, bool named, struct error *e)
{
	struct error why = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < list->count; i++) {
		const struct target *t = &list->target[i];
		const char *firmware;

		if (!(named ? target_takes(t, p->format->glance_name)
			    : target_suits(t, p->format->glance_name)))
			continue;
		rc = ready_firmware(p, t, &firmware, &why, e);
		if (rc || !firmware || !better(t, p->target))
			continue;
		p->target = t;
		p->firmware = firmware;
	}
	if (rc || p->target || !named)
		return rc;
	return error_set(
		e, ERR_NOTREADY, "%.900s; hvimg inject makes it ready where it can", why.text);
}

static const char *boot_firmware(const struct packing *p, const struct target *t)
{
	for (size_t i = 0; i < FIRMWARE_COUNT; i++)
		if (has_firmware(t, firmware_known[i]) &&
			guest_image_boots(p->guest, firmware_known[i]))
			return firmware_known[i];
	return NULL;
}

/* Of a guest that hvimg cannot look into the user knows more; its firmware can still be seen. */
static int choose_unknown(struct packing *p, const struct target_list *list, struct error *e)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct target *t = &list->target[i];

		const char *firmware = boot_firmware(p, t);

		if (!target_takes(t, p->format->glance_name) || !firmware || !better(t, p->target))
			continue;
		p->target = t;
		p->firmware = firmware;
	}
	if (!p->target)
		return error_set(e, ERR_NOTREADY,
			"nothing in the image boots with the firmware of %s", list->target[0].name);
	return package_note(p, "guest-unknown",
		"no guest was recognised: that it is ready for the target is not known",
		"set os_type, os_distro and architecture with --property", e);
}

static int check_container(const struct packing *p, const struct target_list *list, struct error *e)
{
	for (size_t i = 0; i < list->count; i++)
		if (target_takes(&list->target[i], p->format->glance_name))
			return 0;
	if (!list->target[0].hypervisor)
		return error_set(e, ERR_UNSUPPORTED,
			"there is no OpenStack on %s, so that Glance has nothing to be told of it",
			list->target[0].name);
	return error_set(e, ERR_UNSUPPORTED,
		"clouds with %s take no %s: convert the image to %s first", list->target[0].name,
		p->format->name, list->target[0].disk[list->target[0].disk_count - 1].format);
}

int package_target_choose(struct packing *p, const struct target_list *named, struct error *e)
{
	bool known = guest_image_guest(p->guest);
	int rc = named ? check_container(p, named, e) : 0;

	p->target = NULL;
	p->firmware = NULL;
	if (rc)
		return rc;
	if (named)
		return known ? choose_ready(p, named, true, e) : choose_unknown(p, named, e);
	return known ? choose_ready(p, p->job->known, false, e) : 0;
}
