/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Driver packages from the host.  Each is laid down whole where Windows finds it, and installed by
 * Windows itself at its next start: ranking, signatures and the driver store are its business.  Of
 * a driver that Windows needs to get that far, also what installing it would leave.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_inject.h"

enum { NAME_LIMIT = 64 };

int inject_note(const struct inject *in, const char *code, enum severity severity, const char *path,
	struct error *e, const char *format, ...)
{
	const struct finding_text f = { .code = code, .severity = severity, .path = path };
	struct report *notes = in->changes->notes;
	char text[512];
	va_list args;

	if (!notes)
		return 0;
	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* Two devices of a package may have the same to say. */
	for (size_t i = 0; i < notes->count; i++)
		if (!strcmp(notes->finding[i].code, code) && !strcmp(notes->finding[i].text, text))
			return 0;
	return finding_add(notes, &f, e, "%s", text);
}

static void inject_free(struct inject *in)
{
	free(in->name);
	free(in->folder);
	free(in->inf);
	free(in->id);
	free(in->why);
}

/* The INF's name in lower case, without its end, of what is harmless in any path and registry. */
static int package_name(const char *inf, char **out, struct error *e)
{
	size_t len = strlen(inf);

	if (len > 4 && !strcasecmp(inf + len - 4, ".inf"))
		len -= 4;
	if (!len || len > NAME_LIMIT)
		return error_set(e, ERR_UNSUPPORTED, "the INF's name \"%s\" is %s", inf,
			len ? "too long" : "empty");
	*out = strndup(inf, len);
	if (!*out)
		return error_nomem(e, "a driver package");
	for (char *c = *out; *c; c++)
		*c = isalnum((unsigned char)*c) && !(*c & 0x80) ? (char)tolower((unsigned char)*c)
			: strchr("-_", *c)                      ? *c
								: '_';
	return 0;
}

static int format_owned(char **out, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int format_owned(char **out, struct error *e, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(out, format, args);
	va_end(args);
	if (n >= 0)
		return 0;
	*out = NULL;
	return error_nomem(e, "a driver package");
}

static int inject_names(struct inject *in, struct error *e)
{
	const struct windows_guest *w = windows_of(in->g);
	int rc = package_name(in->package->inf_name, &in->name, e);

	if (!rc)
		rc = format_owned(
			&in->folder, e, "%s/" WINDOWS_OWN_FOLDER "/%s", w->root, in->name);
	if (!rc)
		rc = format_owned(&in->inf, e, "hvimg-%s.inf", in->name);
	/* Windows has a digest of the package there, which is not known how to make. */
	if (!rc)
		rc = format_owned(&in->id, e, "%s_%s_0000000000000000", in->inf,
			inf_arch_name(w->platform.arch));
	return rc ? rc : format_owned(&in->why, e, "driver of %s", in->package->origin);
}

static int install_command(const struct inject *in, struct strings *commands, struct error *e)
{
	char *command = NULL;
	int rc;

	if (windows_of(in->g)->platform.major < 6)
		return inject_note(in, "driver-by-search", SEVERITY_INFO, in->folder, e,
			"%s: this Windows has no pnputil; it looks for the package when it finds "
			"the device",
			in->package->origin);
	/* The older form of its arguments, which every version takes. */
	rc = format_owned(&command, e,
		"\"%%SystemRoot%%\\System32\\pnputil.exe\" -i -a \"" WINDOWS_OWN_COMMAND
		"\\%s\\%s\"",
		in->name, in->package->inf_name);
	if (!rc)
		rc = strings_add(commands, command, e);
	free(command);
	return rc;
}

/* Names of packages that are done, and what Windows is to run: boot drivers before others. */
struct progress_of_packages {
	struct strings names, first, later;
};

static int package_apply(struct guest_image *g, const struct guest_changes *c,
	const struct driver_package *p, struct progress_of_packages *done, struct error *e)
{
	struct inject in = { .g = g, .changes = c, .package = p };
	bool boot = false;
	int rc = inject_names(&in, e);

	if (!rc && strings_have(&done->names, in.name))
		rc = error_set(e, ERR_USAGE, "another package has an INF of that name");
	if (!rc)
		rc = strings_add(&done->names, in.name, e);
	if (!rc)
		rc = inject_stage(&in, e);
	if (!rc)
		rc = inject_boot(&in, &boot, e);
	if (!rc)
		rc = install_command(&in, boot ? &done->first : &done->later, e);
	inject_free(&in);
	return rc ? error_prefix(e, "--drivers: %s", p->origin) : 0;
}

static int packages_apply(struct guest_image *g, const struct guest_changes *c,
	const struct driver_packages *packages, struct error *e)
{
	struct progress_of_packages done = { 0 };
	size_t taken = 0;
	int rc = 0;

	for (size_t i = 0; i < packages->count && !rc; i++)
		rc = package_apply(g, c, &packages->package[i], &done, e);
	for (size_t i = 0; i < done.later.count && !rc; i++)
		rc = strings_add(&done.first, done.later.item[i], e);
	if (!rc)
		rc = inject_servicing(g, packages, &done.first, &taken, e);
	if (!rc && !packages->count && !taken)
		rc = error_set(e, ERR_NOTREADY,
			"--drivers: %s: these integration services are for another Windows",
			packages->servicing_count ? packages->servicing[0].origin : "nothing");
	if (!rc)
		rc = windows_first_boot_add(g, "10-drivers", &done.first, e);
	strings_free(&done.names);
	strings_free(&done.first);
	strings_free(&done.later);
	return rc;
}

/* Hardware ids of all targets. */
static int devices_wanted(const struct target_list *targets, struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; targets && i < targets->count; i++) {
		const struct target *t = &targets->target[i];

		for (size_t j = 0; j < t->driver_count; j++)
			for (size_t k = 0; k < t->driver[j].devices.count && !rc; k++)
				rc = strings_add_new(out, t->driver[j].devices.item[k], e);
	}
	return rc;
}

/* What there must be before anything can be put in. */
static int check_guest(const struct guest_image *g, struct error *e)
{
	const struct windows_guest *w = windows_of(g);
	struct hive *h = NULL;
	int rc = windows_hive_edit((struct guest_image *)(uintptr_t)g, WINDOWS_SYSTEM, &h, e);

	if (!rc && !w->platform.build)
		rc = error_set(e, ERR_NOTREADY, "--drivers: the version of Windows is not known");
	if (!rc && !w->control_sets.count)
		rc = error_set(e, ERR_NOTREADY, "--drivers: the hive SYSTEM has no control set");
	return rc;
}

int windows_inject_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	struct strings devices = { 0 };
	struct driver_packages packages = { 0 };
	struct driver_wish wish = { .platform = windows_of(g)->platform,
		.devices = &devices,
		.allow_unsigned = c->allow_unsigned };
	int rc = check_guest(g, e);

	if (!rc)
		rc = devices_wanted(c->targets, &devices, e);
	if (!rc)
		rc = driver_packages_load(c->drivers, &wish, &packages, e);
	if (!rc)
		rc = packages_apply(g, c, &packages, e);
	driver_packages_free(&packages);
	strings_free(&devices);
	return rc;
}
