/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A driver that Windows needs to reach its own disk: its files, its service and its devices are
 * written as Windows would have them after it had installed the package.  Once it runs, it installs
 * the package itself, and what it writes then stands.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_inject.h"

static bool target_boots_from(const struct target *t, const char *service)
{
	for (size_t i = 0; i < t->driver_count; i++) {
		const struct target_driver *d = &t->driver[i];

		if (d->need != NEED_BOOT)
			continue;
		if (!strcasecmp(d->service, service))
			return true;
		for (size_t j = 0; j < d->alternatives.count; j++)
			if (!strcasecmp(d->alternatives.item[j], service))
				return true;
	}
	return false;
}

/* Also a driver that its INF starts later, when a target has its disk behind it. */
static bool is_early(const struct inject *in, const struct inf_service *s)
{
	const struct target_list *targets = in->changes->targets;

	if (s->start == 0)
		return true;
	for (size_t i = 0; targets && i < targets->count; i++)
		if (target_boots_from(&targets->target[i], s->name))
			return true;
	return false;
}

const struct inf_service *inject_boot_service(const struct inject *in, const struct inf_device *d)
{
	/* Without a device nothing of it is needed to find one. */
	for (size_t i = 0; d->ids.count && i < d->service_count; i++)
		if (d->service[i].function)
			return is_early(in, &d->service[i]) ? &d->service[i] : NULL;
	return NULL;
}

/* The file of the package that is the service's program. */
static int service_source(const struct inject *in, const struct inf_device *d,
	const struct inf_service *s, const struct driver_file **out, struct error *e)
{
	for (size_t i = 0; i < d->file_count; i++)
		if (!strcasecmp(d->file[i].name, s->binary))
			return inject_file(in, d->file[i].source, out, e);
	return error_set(e, ERR_NOTREADY, "%s, the program of the service %s, is not copied",
		s->binary, s->name);
}

static int has_service(
	struct hive *h, const char *set, const struct inf_service *s, bool *has, struct error *e)
{
	struct buffer key = { 0 };
	int rc = buffer_format(&key, e, "%s\\Services\\%s", set, s->name);

	if (!rc)
		*has = hive_has_key(h, buffer_text(&key));
	buffer_free(&key);
	return rc;
}

/* Whether the guest has a newer driver under the service's name. */
static int is_served(const struct inject *in, struct hive *h, const struct inf_device *d,
	const struct inf_service *s, bool *newer, struct error *e)
{
	const char *current = windows_of(in->g)->control_sets.item[0];
	const struct driver_file *file = NULL;
	char *path = NULL;
	bool has = false;
	int rc = has_service(h, current, s, &has, e);

	*newer = false;
	if (rc || !has)
		return rc;
	rc = service_source(in, d, s, &file, e);
	if (!rc)
		rc = windows_service_file(in->g, current, s->name, &path, e);
	if (!rc && path)
		rc = driver_is_newer_at(in, path, file, newer, e);
	if (!rc && *newer)
		rc = inject_note(in, "driver-newer-kept", SEVERITY_INFO, path, e,
			"the guest's own %s is newer than that of %s and stays", s->name,
			in->package->origin);
	free(path);
	return rc;
}

/* ImagePath, relative to the folder of Windows: the loader knows no drive yet. */
static int image_path(const struct inf_service *s, struct buffer *out, struct error *e)
{
	int rc = driver_early_path(s->binary_dirid, s->binary_subdirectory, s->binary, out, e);

	for (size_t i = 0; i < out->len && !rc; i++)
		if (out->data[i] == '/')
			out->data[i] = '\\';
	return rc;
}

static bool has_database(const struct inf_platform *p)
{
	return p->major > 6 || (p->major == 6 && p->minor >= 2);
}

static int put_service(const struct inject *in, struct hive *h, const struct inf_device *d,
	const struct inf_service *s, bool newer, struct error *e)
{
	const struct windows_guest *w = windows_of(in->g);
	struct buffer binary = { 0 };
	int rc = image_path(s, &binary, e);

	for (size_t i = 0; i < w->control_sets.count && !rc; i++) {
		const char *set = w->control_sets.item[i];
		bool has = false;

		rc = has_service(h, set, s, &has, e);
		if (!rc)
			rc = driver_service_put(
				in, h, set, s, buffer_text(&binary), newer && has, e);
		if (!rc && s->function && !has_database(&w->platform))
			rc = driver_critical_put(in, h, set, d, s, e);
	}
	buffer_free(&binary);
	return rc;
}

static int put_device(
	const struct inject *in, struct hive *h, const struct inf_device *d, struct error *e)
{
	const struct inf_service *own = inject_boot_service(in, d);
	bool newer = false;
	int rc = 0;

	for (size_t i = 0; i < d->service_count && !rc; i++)
		if (!*d->service[i].name || strchr(d->service[i].name, '\\'))
			rc = error_set(e, ERR_CORRUPT, "\"%s\" is no name of a service",
				d->service[i].name);
	if (!rc)
		rc = is_served(in, h, d, own, &newer, e);

	for (size_t i = 0; i < d->file_count && !rc && !newer; i++)
		rc = driver_file_put(in, &d->file[i], e);
	for (size_t i = 0; i < d->service_count && !rc; i++) {
		const struct inf_service *s = &d->service[i];

		/* Others of the section, as filters, are Windows' to install, unless they are
		 * loaded with it. */
		if (s == own || s->start == 0)
			rc = put_service(in, h, d, s, newer, e);
	}
	return rc;
}

/* The loader of 64-bit Windows takes a driver that is signed itself, or in an installed catalogue.
 */
static int put_catalog(const struct inject *in, struct error *e)
{
	const struct driver_package *p = in->package;
	const struct driver_file *catalog = NULL;
	struct buffer path = { 0 };
	int rc;

	if (p->embedded)
		return 0;
	if (!p->cataloged || !p->inf.catalog)
		return inject_note(in, "driver-unsigned", SEVERITY_WARNING, in->folder, e,
			"%s has no signature: %s", p->origin,
			windows_of(in->g)->platform.arch == INF_X86
				? "Windows may ask before it installs it"
				: "Windows does not load it unless it is told to take such "
				  "drivers");
	rc = inject_file(in, p->inf.catalog, &catalog, e);
	if (!rc)
		rc = buffer_format(&path, e,
			"%s/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/hvimg-%s.cat",
			windows_of(in->g)->system32, in->name);
	if (!rc)
		rc = windows_put(in->g, buffer_text(&path), catalog->bytes.data, catalog->bytes.len,
			in->why, e);
	buffer_free(&path);
	return rc;
}

int inject_boot(const struct inject *in, bool *boot, struct error *e)
{
	const struct inf *inf = &in->package->inf;
	struct hive *h = NULL;
	int rc = windows_hive_edit(in->g, WINDOWS_SYSTEM, &h, e);

	*boot = false;
	for (size_t i = 0; i < inf->device_count && !rc; i++) {
		if (!inject_boot_service(in, &inf->device[i]))
			continue;
		if (!inf->class_guid)
			rc = error_set(
				e, ERR_CORRUPT, "%s has no ClassGUID", in->package->inf_name);
		else
			rc = put_device(in, h, &inf->device[i], e);
		*boot = true;
	}
	if (rc || !*boot)
		return rc;
	if (has_database(&windows_of(in->g)->platform))
		rc = driver_database_put(in, h, e);
	return rc ? rc : put_catalog(in, e);
}
