/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Driver packages from the host.  Each is laid down whole where Windows finds it, and installed by
 * Windows itself at its next start: ranking, signatures and the driver store are its business.  Of
 * a driver that Windows needs to get that far, also what installing it would leave.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int inject_stem(const char *file, char **out, struct error *e)
{
	const char *dot = strrchr(file, '.');
	size_t len = dot ? (size_t)(dot - file) : strlen(file);

	if (!len || len > NAME_LIMIT)
		return error_set(e, ERR_UNSUPPORTED, "the name \"%s\" is too %s", file,
			len ? "long" : "short");
	*out = strndup(file, len);
	if (!*out)
		return error_nomem(e, "a driver package");
	for (char *c = *out; *c; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", *c))
			*c = '_';
	}
	return 0;
}

int inject_command(struct guest_image *g, const char *order, const char *stem, const char *command,
	struct error *e)
{
	struct strings commands = { 0 };
	struct buffer name = { 0 };
	int rc = buffer_format(&name, e, "%s-%s", order, stem);

	if (!rc)
		rc = strings_add(&commands, command, e);
	if (!rc)
		rc = windows_first_boot_add(g, buffer_text(&name), &commands, e);
	buffer_free(&name);
	strings_free(&commands);
	return rc;
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
	int rc = inject_stem(in->package->inf_name, &in->name, e);

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

/* By Windows itself, boot drivers before others. */
static int install(const struct inject *in, bool boot, struct error *e)
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
		rc = inject_command(in->g, boot ? "10" : "20", in->name, command, e);
	free(command);
	return rc;
}

/* `done`: the names of those before it. */
static int package_apply(struct guest_image *g, const struct guest_changes *c,
	const struct driver_package *p, struct strings *done, struct error *e)
{
	struct inject in = { .g = g, .changes = c, .package = p };
	bool boot = false;
	int rc = inject_names(&in, e);

	if (!rc && strings_have(done, in.name))
		rc = error_set(e, ERR_USAGE, "another package has an INF of that name");
	if (!rc)
		rc = strings_add(done, in.name, e);
	if (!rc)
		rc = inject_stage(&in, e);
	if (!rc)
		rc = inject_boot(&in, &boot, e);
	if (!rc)
		rc = install(&in, boot, e);
	inject_free(&in);
	return rc ? error_prefix(e, "--drivers: %s", p->origin) : 0;
}

static int packages_apply(struct guest_image *g, const struct guest_changes *c,
	const struct driver_packages *packages, struct error *e)
{
	const struct inject none = { .g = g, .changes = c };
	struct strings done = { 0 };
	int rc = 0;

	for (size_t i = 0; i < packages->count && !rc; i++)
		rc = package_apply(g, c, &packages->package[i], &done, e);
	if (!rc)
		rc = inject_servicing(g, packages, e);
	for (size_t i = 0; i < packages->passed_over.count && !rc; i++)
		rc = inject_note(&none, "driver-unreadable", SEVERITY_INFO, NULL, e, "%s",
			packages->passed_over.item[i]);
	strings_free(&done);
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
