/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Integration services for Windows before 8.1 are updates: only Windows can install them, at its
 * first start.  It starts without them on a first-generation machine.
 */
#include <string.h>
#include <strings.h>

#include "guest/windows_inject.h"

/* Which Windows a cabinet is for, by the name that Microsoft gave it. */
struct cabinet_name {
	const char *prefix;
	uint32_t minor_first, minor_last; /* of Windows 6 */
	unsigned rank; /* the higher, the newer, of those for one Windows */
};
static const struct cabinet_name names[] = {
	{ "Windows6.2-", 2, 2, 1 },
	{ "Windows6.x-", 0, 1, 1 },
	{ "Windows6.1-", 1, 1, 0 },
	{ "Windows6.0-", 0, 0, 0 },
};

static bool ends_with_arch(const char *name, enum inf_arch arch)
{
	const char *end = arch == INF_AMD64 ? "-x64.cab" : "-x86.cab";
	size_t len = strlen(name), n = strlen(end);

	return arch != INF_ARM64 && len > n && !strcasecmp(name + len - n, end);
}

static const struct cabinet_name *cabinet_fits(const char *name, const struct inf_platform *p)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncasecmp(name, names[i].prefix, strlen(names[i].prefix)) && p->major == 6 &&
			p->minor >= names[i].minor_first && p->minor <= names[i].minor_last &&
			ends_with_arch(name, p->arch))
			return &names[i];
	return NULL;
}

/* dism came with 7; Vista and 2008 have its forerunner. */
static int cabinet_command(
	const struct guest_image *g, const char *name, struct buffer *out, struct error *e)
{
	return windows_of(g)->platform.minor
		? buffer_format(out, e,
			  "\"%%SystemRoot%%\\System32\\dism.exe\" /online /norestart /add-package "
			  "\"/packagepath:" WINDOWS_OWN_COMMAND "\\%s\"",
			  name)
		: buffer_format(out, e,
			  "start /wait \"\" \"%%SystemRoot%%\\System32\\pkgmgr.exe\" /ip "
			  "\"/m:" WINDOWS_OWN_COMMAND "\\%s\" /quiet /norestart",
			  name);
}

static int cabinet_put(struct guest_image *g, const struct servicing_package *s,
	struct strings *commands, struct error *e)
{
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
		rc = strings_add(commands, buffer_text(&command), e);
	buffer_free(&path);
	buffer_free(&command);
	buffer_free(&why);
	return rc;
}

int inject_servicing(struct guest_image *g, const struct driver_packages *packages,
	struct strings *commands, size_t *taken, struct error *e)
{
	const struct inf_platform *p = &windows_of(g)->platform;
	const struct servicing_package *best = NULL;
	const struct cabinet_name *of_best = NULL;

	*taken = 0;
	for (size_t i = 0; i < packages->servicing_count; i++) {
		const struct cabinet_name *n = cabinet_fits(packages->servicing[i].name, p);

		if (n && (!of_best || n->rank > of_best->rank)) {
			best = &packages->servicing[i];
			of_best = n;
		}
	}
	if (!best)
		return 0;
	*taken = 1;
	return cabinet_put(g, best, commands, e);
}
