/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image and what Glance is to be told of it, in one folder. */
#include <stdlib.h>
#include <string.h>

#include "cloud/bundle.h"
#include "cloud/properties.h"
#include "cloud/sign.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "job/job.h"
#include "job/manifest.h"

struct packing {
	const struct package_job *job;
	const struct format *format;
	struct disk *disk;
	struct image_info info;
	struct guest_image *guest;
	const char *firmware; /* that starts it on result->target */
	struct bundle *bundle;
	struct package_result *result;
};

static int note(
	struct packing *p, const char *code, const char *text, const char *fix, struct error *e)
{
	/* report_add copies. */
	struct finding f = {
		.code = (char *)(uintptr_t)code,
		.severity = SEVERITY_WARNING,
		.text = (char *)(uintptr_t)text,
		.fix = (char *)(uintptr_t)fix,
	};

	return report_add(&p->result->findings, &f, e);
}

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
		if (rc || !firmware || !better(t, p->result->target))
			continue;
		p->result->target = t;
		p->firmware = firmware;
	}
	if (rc || p->result->target || !named)
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

		if (!target_takes(t, p->format->glance_name) || !firmware ||
			!better(t, p->result->target))
			continue;
		p->result->target = t;
		p->firmware = firmware;
	}
	if (!p->result->target)
		return error_set(e, ERR_NOTREADY,
			"nothing in the image boots with the firmware of %s", list->target[0].name);
	return note(p, "guest-unknown",
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

static int choose_target(struct packing *p, struct error *e)
{
	const struct target_list *named = p->job->targets;
	bool known = guest_image_guest(p->guest);
	int rc = named && named->count ? check_container(p, named, e) : 0;

	if (rc)
		return rc;
	if (named && named->count)
		return known ? choose_ready(p, named, true, e) : choose_unknown(p, named, e);
	return known ? choose_ready(p, p->job->known, false, e) : 0;
}

static int open_source(struct packing *p, struct error *e)
{
	int rc = image_open(p->job->source, p->job->source_format, &p->disk, &p->format, e);

	if (rc)
		return rc;
	rc = p->format->info(p->disk, &p->info, e);
	if (rc)
		return error_prefix(e, "%s", p->job->source);
	if (p->info.parent_path || p->info.references.count)
		return error_set(e, ERR_REFUSED,
			"%s: refers to %s: convert it to an image of its own first", p->job->source,
			p->info.parent_path ? p->info.parent_path : p->info.references.item[0]);
	if (!p->format->glance_name)
		return error_set(e, ERR_UNSUPPORTED,
			"%s: Glance has no disk_format for %s: convert it first", p->job->source,
			p->format->name);
	rc = guest_image_open(
		p->disk, &(struct guest_options){ .known = p->job->known }, &p->guest, e);
	if (!rc)
		rc = choose_target(p, e);
	return rc ? error_prefix(e, "%s", p->job->source) : 0;
}

/* The name without folder; the image name goes without the format's ending too. */
static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *image_name(const struct packing *p)
{
	const char *file = base_name(p->job->source);
	const char *dot = strrchr(file, '.');

	if (p->job->name)
		return strdup(p->job->name);
	for (size_t i = 0; dot && dot != file && p->format->endings && p->format->endings[i]; i++)
		if (!strcasecmp(dot + 1, p->format->endings[i]))
			return strndup(file, (size_t)(dot - file));
	return strdup(file);
}

static int describe(struct packing *p, struct error *e)
{
	struct image_facts facts = {
		.format = p->format,
		.subformat = p->info.subformat,
		.virtual_size = p->disk->size,
		.block_size = p->info.block_size,
		.log_size = p->info.log_size,
		.logical_sector = p->disk->logical_sector,
		.guest = guest_image_guest(p->guest),
		.target = p->result->target,
		.firmware = p->firmware,
		.properties = &p->job->properties,
	};
	char *name = image_name(p);
	int rc;

	if (!name)
		return error_nomem(e, "the image's name");
	facts.name = name;
	rc = image_properties(&facts, &p->result->image, e);
	free(name);
	if (rc)
		return rc;
	if (!strcmp(p->format->glance_name, "vhd") && p->info.subformat &&
		!strcmp(p->info.subformat, "fixed"))
		return note(p, "glance-fixed-vhd",
			"Glance 30 and later takes no fixed VHD for a vhd and refuses the upload",
			"convert it to a dynamic VHD or to VHDX", e);
	return 0;
}

static int sign_image(struct packing *p, struct disk *file, struct error *e)
{
	struct signing_key *key;
	int rc = signing_key_open(p->job->sign_key, &key, e);

	if (rc)
		return rc;
	rc = image_sign(key, file, p->job->certificate, p->result->image, e);
	signing_key_close(key);
	return rc;
}

/* Signs what was copied: the source must not change between the two. */
static int copy_image(struct packing *p, const char *name, struct error *e)
{
	struct disk *file = NULL;
	int rc = p->job->sign_key ? host_file_open(p->job->source, &file, e) : 0;

	if (!rc && file)
		rc = sign_image(p, file, e);
	if (!rc)
		rc = bundle_copy(
			p->bundle, p->job->source, name, &p->job->engine, &p->result->file_size, e);
	if (!rc && file)
		rc = host_file_unchanged(file, e);
	disk_close(file);
	return rc;
}

static int write_bundle(struct packing *p, struct error *e)
{
	const char *name = base_name(p->job->source);
	struct buffer text = { 0 };
	int rc;

	if (!bundle_name_fits(name) || !strcmp(name, "image.json"))
		return error_set(e, ERR_UNSUPPORTED,
			"%s: a file of this name cannot be in a bundle: rename it", p->job->source);
	rc = copy_image(p, name, e);
	if (rc)
		return rc;
	rc = json_text(p->result->image, &text, e);
	if (!rc)
		rc = bundle_add(p->bundle, "image.json", buffer_text(&text), text.len, e);
	buffer_free(&text);
	if (!rc)
		rc = bundle_commit(p->bundle, e);
	return rc ? error_prefix(e, "%s", p->job->destination) : 0;
}

int job_package(const struct package_job *j, struct package_result *result, struct error *e)
{
	struct packing p = { .job = j, .result = result };
	int rc;

	*result = (struct package_result){ 0 };
	rc = bundle_open(j->destination, j->output.no_sync, &p.bundle, e);
	if (rc)
		return error_prefix(e, "%s", j->destination);
	rc = open_source(&p, e);
	if (!rc)
		rc = describe(&p, e);
	if (!rc)
		rc = write_bundle(&p, e);
	guest_image_close(p.guest);
	image_info_free(&p.info);
	disk_close(p.disk);
	bundle_close(p.bundle);
	return rc;
}

void package_result_free(struct package_result *r)
{
	json_decref(r->image);
	report_free(&r->findings);
}
