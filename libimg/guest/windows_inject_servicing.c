/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Integration services for Windows before 8.1 are updates: only Windows can install them, at its
 * next start.  It starts without them on a first-generation machine.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_inject.h"

static const char integration[] = "-HyperVIntegrationServices-";

static bool is_integration(const char *name, const char *windows)
{
	size_t len = strlen(windows);

	return !strncasecmp(name, windows, len) &&
		!strncasecmp(name + len, integration, strlen(integration));
}

/* Media have the older ones of Vista and 7 beside those for both. */
static bool is_superseded(const struct driver_packages *all, const char *name)
{
	if (!is_integration(name, "Windows6.0") && !is_integration(name, "Windows6.1"))
		return false;
	for (size_t i = 0; i < all->servicing_count; i++)
		if (is_integration(all->servicing[i].name, "Windows6.x"))
			return true;
	return false;
}

/* dism came with 7; Vista and 2008 have its forerunner. */
static int cabinet_command(
	const struct guest_image *g, const char *name, struct buffer *out, struct error *e)
{
	return windows_of(g)->platform.major > 6 || windows_of(g)->platform.minor
		? buffer_format(out, e,
			  "\"%%SystemRoot%%\\System32\\dism.exe\" /online /norestart /add-package "
			  "\"/packagepath:" WINDOWS_OWN_COMMAND "\\%s\"",
			  name)
		: buffer_format(out, e,
			  "start /wait \"\" \"%%SystemRoot%%\\System32\\pkgmgr.exe\" /ip "
			  "\"/m:" WINDOWS_OWN_COMMAND "\\%s\" /quiet /norestart",
			  name);
}

static int cabinet_put(struct guest_image *g, const struct servicing_package *s, struct error *e)
{
	char *stem = NULL;
	struct buffer path = { 0 }, command = { 0 }, why = { 0 };
	int rc = 0;

	if (!windows_is_plain_name(s->name))
		return error_set(e, ERR_UNSUPPORTED,
			"\"%s\" is a name that can't be given to a file of the guest", s->name);
	rc = buffer_format(&path, e, "%s/" WINDOWS_OWN_FOLDER "/%s", windows_of(g)->root, s->name);
	if (!rc)
		rc = buffer_format(&why, e, "integration services of %s", s->origin);
	if (!rc)
		rc = windows_put(
			g, buffer_text(&path), s->bytes.data, s->bytes.len, buffer_text(&why), e);
	if (!rc)
		rc = cabinet_command(g, s->name, &command, e);
	if (!rc)
		rc = inject_stem(s->name, &stem, e);
	if (!rc)
		rc = inject_command(g, "30", stem, buffer_text(&command), e);
	free(stem);
	buffer_free(&path);
	buffer_free(&command);
	buffer_free(&why);
	return rc;
}

int inject_servicing(struct guest_image *g, const struct driver_packages *packages, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	for (size_t i = 0; i < packages->servicing_count && !rc; i++) {
		const struct servicing_package *s = &packages->servicing[i];

		if (is_superseded(packages, s->name))
			continue;
		if (strings_have(&names, s->name))
			rc = error_set(e, ERR_USAGE, "--drivers: another package is called as %s",
				s->origin);
		if (!rc)
			rc = strings_add(&names, s->name, e);
		if (!rc)
			rc = cabinet_put(g, s, e);
	}
	strings_free(&names);
	return rc;
}
