/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/profile.h"

#include <string.h>

static const struct profile profiles[] = {
	{ "hyperv", "vhdx", { "vhdx", "vhd" }, "dynamic", NULL, 0,
		"OpenStack on Hyper-V takes dynamic VHDX and VHD only" },
	{ "azure", "vhd", { "vhd" }, "fixed", NULL, 1 << 20,
		"Azure takes fixed VHD of whole MiB only" },
	{ "glance", NULL, { "vhdx", "vhd", "qcow2", "raw" }, NULL, "subformat=fixed", 0,
		"Glance 30 and later does not recognise a fixed VHD" },
};

int profile_find(const char *name, const struct profile **out, struct error *e)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(*profiles); i++)
		if (strcmp(profiles[i].name, name) == 0) {
			*out = &profiles[i];
			return 0;
		}
	return error_set(
		e, ERR_USAGE, "unknown profile %s: there are hyperv, azure and glance", name);
}

static bool format_allowed(const struct profile *p, const struct format *f)
{
	for (size_t i = 0; i < 4 && p->formats[i]; i++)
		if (strcmp(p->formats[i], f->name) == 0)
			return true;
	return false;
}

/* Whether the options hold the "key=value" that the profile forbids; a fixed VHDX is no fixed VHD.
 */
static bool is_forbidden(
	const struct profile *p, const struct format *f, const struct strings *options)
{
	return p->forbidden && strcmp(f->name, "vhd") == 0 && strings_have(options, p->forbidden);
}

int profile_apply(
	const struct profile *p, const struct format *f, struct strings *options, struct error *e)
{
	const char *asked = option_value(options, "subformat");
	struct buffer option = { 0 };
	int rc;

	if (!format_allowed(p, f))
		return error_set(
			e, ERR_USAGE, "profile %s is not for %s: %s", p->name, f->name, p->why);
	if (is_forbidden(p, f, options))
		return error_set(
			e, ERR_USAGE, "profile %s forbids %s: %s", p->name, p->forbidden, p->why);
	if (!p->subformat)
		return 0;
	if (asked && strcmp(asked, p->subformat) != 0)
		return error_set(e, ERR_USAGE, "profile %s forbids subformat=%s: %s", p->name,
			asked, p->why);
	rc = buffer_format(&option, e, "subformat=%s", p->subformat);
	if (!rc)
		rc = strings_add_new(options, buffer_text(&option), e);
	buffer_free(&option);
	return rc;
}
