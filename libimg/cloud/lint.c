/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "cloud/lint_private.h"
#include "cloud/properties.h"

int lint_note(struct lint *l, enum severity severity, const char *code, const char *fix,
	struct error *e, const char *format, ...)
{
	struct finding f = {
		.code = (char *)(uintptr_t)code, .severity = severity, .fix = (char *)(uintptr_t)fix
	};
	va_list ap;
	int len, rc;

	va_start(ap, format);
	len = vasprintf(&f.text, format, ap);
	va_end(ap);
	if (len < 0)
		return error_nomem(e, "a finding");
	rc = report_add(l->out, &f, e);
	free(f.text);
	return rc;
}

const char *lint_text(const struct lint *l, const char *name)
{
	return json_string_value(json_object_get(l->body, name));
}

bool lint_is(const struct lint *l, const char *name, const char *value)
{
	const char *text = lint_text(l, name);

	return text && !strcmp(text, value);
}

bool lint_for_hyperv(const struct lint *l)
{
	const char *hypervisor = lint_text(l, "hypervisor_type");
	const char *machine = lint_text(l, "hw_machine_type");

	if (!hypervisor)
		hypervisor = lint_text(l, "img_hv_type");
	if (hypervisor)
		return !strcasecmp(hypervisor, "hyperv");
	return machine && !strncmp(machine, "hyperv-", 7);
}

/* The targets' clouds whose Nova has that hypervisor_type. */
int lint_clouds(struct lint *l, struct error *e)
{
	const char *hypervisor = lint_text(l, "hypervisor_type");
	const char *disk_format = lint_text(l, "disk_format");
	bool any = false, taken = false;

	/* lint_hyperv knows more of its own. */
	if (!hypervisor || !disk_format || !strcmp(disk_format, "iso") || lint_for_hyperv(l))
		return 0;
	for (size_t i = 0; i < l->rules->known->count; i++) {
		const struct target *t = &l->rules->known->target[i];

		if (!t->hypervisor || strcasecmp(t->hypervisor, hypervisor) != 0)
			continue;
		any = true;
		taken = taken || target_takes(t, disk_format);
	}
	if (!any || taken)
		return 0;
	return lint_note(l, SEVERITY_ERROR, "cloud-disk-format",
		"convert the image: hvimg package --target names what fits", e,
		"clouds with hypervisor_type %.64s start nothing from disk_format %.64s",
		hypervisor, disk_format);
}

/* What Glance's own copying between clouds leaves behind
 * (glance/async_/flows/_internal_plugins/glance_download.py: extra_properties). */
static bool download_keeps(const char *name)
{
	static const char *const prefix[] = { "hw_", "trait:", "os_distro", "os_secure_boot",
		"os_type" };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(*prefix); i++)
		if (!strncmp(name, prefix[i], strlen(prefix[i])))
			return true;
	return false;
}

static int lint_download(struct lint *l, struct error *e)
{
	struct buffer lost = { 0 };
	int rc = 0;

	for (const struct known_property *p = known_properties; !rc && p->name; p++)
		if (lint_text(l, p->name) && !download_keeps(p->name))
			rc = buffer_format(&lost, e, "%s%s", lost.len ? ", " : "", p->name);
	if (!rc && lost.len)
		rc = lint_note(l, SEVERITY_INFO, "glance-download-drops",
			"set them again in the other cloud, or have its operator add them to "
			"[glance_download_properties]/extra_properties",
			e,
			"an import by glance-download into another cloud leaves out, by default: "
			"%s",
			buffer_text(&lost));
	buffer_free(&lost);
	return rc;
}

int lint_body(const json_t *body, const struct lint_rules *r, struct report *out, struct error *e)
{
	static int (*const part[])(struct lint *, struct error *) = { lint_base, lint_extra,
		lint_hyperv, lint_clouds, lint_download };
	struct lint l = { .body = body, .rules = r, .out = out };
	int rc = 0;

	if (!json_is_object(body))
		return lint_note(&l, SEVERITY_ERROR, "body-shape",
			"write {\"name\":...,\"disk_format\":...,...}", e,
			"the description is no JSON object");
	for (size_t i = 0; !rc && i < sizeof(part) / sizeof(*part); i++)
		rc = part[i](&l, e);
	return rc;
}
