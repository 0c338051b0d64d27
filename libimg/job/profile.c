/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/profile.h"

#include <string.h>

static const struct profile profiles[] = {
	{ .name = "hyperv",
		.format = "vhdx",
		.formats = { "vhdx", "vhd" },
		.subformat = "dynamic",
		.why = "OpenStack on Hyper-V takes dynamic VHDX and VHD only" },
	{ .name = "azure",
		.format = "vhd",
		.formats = { "vhd" },
		.subformat = "fixed",
		.round = 1 << 20,
		.alone = "Azure takes no parent along",
		.why = "Azure takes fixed VHD of whole MiB only" },
	{ .name = "xen",
		.format = "vhd",
		.formats = { "vhd" },
		.subformat = "dynamic",
		.option = "dialect=blktap",
		.why = "XCP-ng and XenServer take dynamic VHD in the dialect of blktap only" },
	{ .name = "glance",
		.formats = { "vhdx", "vhd", "qcow2", "vmdk", "raw" },
		.forbidden = { { "vhd", "subformat=fixed",
				       "Glance 30 and later does not recognise a fixed VHD" },
			{ "qcow2", "extended_l2=on",
				"Glance's content check refuses extended L2 entries" } },
		.alone = "Glance takes one file, and refuses a qcow2 that names another",
		.why = "Glance's content check knows no other" },
};

int profile_find(const char *name, const struct profile **out, struct error *e)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (strcmp(profiles[i].name, name) == 0) {
			*out = &profiles[i];
			return 0;
		}
	return error_set(
		e, ERR_USAGE, "unknown profile %s: there are hyperv, azure, xen and glance", name);
}

static bool format_allowed(const struct profile *p, const struct format *f)
{
	size_t most = sizeof(p->formats) / sizeof(*p->formats);

	for (size_t i = 0; i < most && p->formats[i]; i++)
		if (strcmp(p->formats[i], f->name) == 0)
			return true;
	return false;
}

/* Whether the options, of which the last of a key counts, hold this "key=value". */
static bool is_asked(const struct strings *options, const char *pair)
{
	char key[32];
	size_t len = strcspn(pair, "=");
	const char *value;

	if (len >= sizeof(key))
		return false;
	memcpy(key, pair, len);
	key[len] = '\0';
	value = option_value(options, key);
	return value && strcmp(value, pair + len + 1) == 0;
}

static int check_forbidden(const struct profile *p, const struct format *f,
	const struct strings *options, struct error *e)
{
	for (size_t i = 0; i < sizeof(p->forbidden) / sizeof(*p->forbidden); i++) {
		const struct profile_refusal *r = &p->forbidden[i];

		if (r->format && strcmp(r->format, f->name) == 0 && is_asked(options, r->option))
			return error_set(e, ERR_USAGE, "profile %s forbids %s: %s", p->name,
				r->option, r->why);
	}
	return 0;
}

/* Adds "key=value"; refuses another value of the key. */
static int option_force(
	const struct profile *p, const char *option, struct strings *options, struct error *e)
{
	const char *value = strchr(option, '=') + 1;
	struct buffer key = { 0 };
	int rc = buffer_append(&key, option, (size_t)(value - 1 - option), e);
	const char *asked = rc ? NULL : option_value(options, buffer_text(&key));

	if (asked && strcmp(asked, value) != 0)
		rc = error_set(e, ERR_USAGE, "profile %s forbids %s=%s: %s", p->name,
			buffer_text(&key), asked, p->why);
	if (!rc)
		rc = strings_add_new(options, option, e);
	buffer_free(&key);
	return rc;
}

static int subformat_force(const struct profile *p, struct strings *options, struct error *e)
{
	struct buffer option = { 0 };
	int rc = buffer_format(&option, e, "subformat=%s", p->subformat);

	if (!rc)
		rc = option_force(p, buffer_text(&option), options, e);
	buffer_free(&option);
	return rc;
}

int profile_apply(const struct profile *p, const struct format *f, bool child,
	struct strings *options, struct error *e)
{
	int rc;

	if (!format_allowed(p, f))
		return error_set(
			e, ERR_USAGE, "profile %s is not for %s: %s", p->name, f->name, p->why);
	if (child && p->alone)
		return error_set(e, ERR_USAGE,
			"profile %s is not for a child, so not with --parent: %s", p->name,
			p->alone);
	rc = check_forbidden(p, f, options, e);
	if (!rc && p->subformat)
		rc = subformat_force(p, options, e);
	if (!rc && p->option)
		rc = option_force(p, p->option, options, e);
	return rc;
}
