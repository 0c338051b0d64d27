/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The package of a driver of Windows itself in DriverDatabase. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/firmware.h"
#include "guest/windows_enable_database.h"
#include "guest/windows_package_version.h"

enum {
	SIGNER_SCORE = 0x0d000003, /* inbox */
	STATUS_FLAGS = 0x12, /* as most packages have it */
};

static const char why[] = "Windows has to find the device's driver before it can install it";

/* 2006-06-21: of every driver of Windows itself, whatever its version. */
#define INBOX_DATE UINT64_C(0x01c694c5a38c8000)

static int version_make(struct database *d, struct windows_package_version *out, struct error *e)
{
	char *path = NULL, *text = NULL;
	unsigned v[4] = { 0 };
	int rc = enable_file_there(d->p, d->s->d->file, &path, e);

	if (!rc && path)
		rc = windows_file_version(d->p->g, path, &text, e);
	*out = (struct windows_package_version){ .inbox = 0xff,
		.always_ff = 0xff,
		.arch = put_le16(windows_arch_number(windows_of(d->p->g)->platform.arch)),
		.date = put_le64(INBOX_DATE) };
	if (text && sscanf(text, "%5u.%5u.%5u.%5u", &v[0], &v[1], &v[2], &v[3]) == 4)
		for (size_t i = 0; i < 4; i++)
			out->version[i] = put_le16((uint16_t)v[3 - i]);
	if (!rc && d->s->d->class_guid && !guid_parse(d->s->d->class_guid, &out->class_guid))
		rc = error_set(e, ERR_CORRUPT, "%s is no GUID", d->s->d->class_guid);
	free(path);
	free(text);
	return rc;
}

/* The package's folder in the driver store has the name of its key; without one, a name that
 * Windows never gives. */
static int package_name(struct database *d, struct error *e)
{
	const char *arch = inf_arch_name(windows_of(d->p->g)->platform.arch);
	struct buffer store = { 0 }, name = { 0 };
	struct strings folders = { 0 };
	struct error none = { 0 };
	int rc = buffer_format(&name, e, "%s_%s_", d->s->d->inf, arch);

	if (!rc &&
		(firmware_path_below(d->p->g->tree, windows_of(d->p->g)->system32,
			 "DriverStore/FileRepository", &store, &none) ||
			tree_list(d->p->g->tree, buffer_text(&store), &folders, &none)))
		rc = error_of_host(&none, e);
	for (size_t i = 0; i < folders.count && !rc && !d->package; i++)
		if (!strncasecmp(folders.item[i], buffer_text(&name), name.len)) {
			d->package = strdup(folders.item[i]);
			rc = d->package ? 0 : error_nomem(e, "a driver package");
		}
	if (!rc && !d->package)
		rc = buffer_format(&name, e, "0000000000000000");
	if (!rc && !d->package) {
		d->package = (char *)name.data;
		name = (struct buffer){ 0 };
	}
	buffer_free(&store);
	buffer_free(&name);
	strings_free(&folders);
	return rc;
}

/* A name of one key: what has none of that is as good as missing. */
static void name_check(char **name)
{
	if (*name && **name && !strchr(*name, '\\'))
		return;
	free(*name);
	*name = NULL;
}

/* The package in use of the INF, or the first of its packages. */
static int package_find(struct database *d, struct error *e)
{
	struct strings packages = { 0 };
	struct error none = { 0 };
	int rc = windows_text(d->p->h, d->inf, "Active", &d->package, e);

	name_check(&d->package);
	if (!rc && !d->package && hive_get_list(d->p->h, d->inf, "", &packages, &none))
		rc = error_of_host(&none, e);
	if (!rc && packages.count) {
		d->package = strdup(packages.item[0]);
		rc = d->package ? 0 : error_nomem(e, "a driver package");
		name_check(&d->package);
	}
	strings_free(&packages);
	if (!rc && !d->package)
		rc = package_name(d, e);
	return rc ? rc : enable_key(d->base, e, DATABASE "\\DriverPackages\\%s", d->package);
}

int database_open(struct database *d, struct error *e)
{
	int rc = enable_key(d->inf, e, DATABASE "\\DriverInfFiles\\%s", d->s->d->inf);

	return rc ? rc : package_find(d, e);
}

void database_close(struct database *d)
{
	free(d->package);
}

int database_tell(struct database *d, const char *what, struct error *e)
{
	const struct finding_text f = { .code = "driver-database",
		.severity = enable_severity(d->s),
		.fixable = true,
		.fix = "hvimg inject adds it" };

	return enable_tell(d->p, &f, d->s->d->service, e, "DriverDatabase has no %s of %s for %s",
		what, d->s->d->inf, d->s->d->service);
}

int database_text(struct database *d, enum enable_action action, const char *key, const char *name,
	const char *text, struct error *e)
{
	return step_text(d->p, action, key, name, text, why, e);
}

int database_number(
	struct database *d, const char *key, const char *name, uint32_t value, struct error *e)
{
	return step_number(d->p, key, name, value, why, e);
}

static int active_look(struct database *d, struct error *e)
{
	char *active = NULL;
	int rc = windows_text(d->p->h, d->inf, "Active", &active, e);

	if (!rc && (!active || strcmp(active, d->package) != 0)) {
		rc = database_tell(d, "package in use", e);
		if (!rc)
			rc = database_text(d, ENABLE_MEMBER, d->inf, "", d->package, e);
		if (!rc)
			rc = database_text(d, ENABLE_TEXT, d->inf, "Active", d->package, e);
	}
	free(active);
	return rc;
}

/* Without it Windows does not take the package. */
static int version_look(struct database *d, struct error *e)
{
	struct hive_value old = { 0 };
	struct error none = { 0 };
	struct windows_package_version v;
	int rc = hive_get(d->p->h, d->base, "Version", &old, &none);

	hive_value_free(&old);
	if (!rc)
		return 0;
	rc = error_of_host(&none, e);
	if (!rc)
		rc = database_tell(d, "version", e);
	if (!rc)
		rc = version_make(d, &v, e);
	return rc ? rc
		  : step_bytes(d->p, ENABLE_BINARY, d->base, "Version", (const uint8_t *)&v,
			    sizeof(v), why, e);
}

static int values_make(struct database *d, struct error *e)
{
	static const uint8_t nothing;
	char class[ENABLE_KEY_SIZE];
	int rc = database_tell(d, "package", e);

	if (!rc)
		rc = database_text(d, ENABLE_TEXT, d->base, "", d->s->d->inf, e);
	if (!rc)
		rc = database_text(d, ENABLE_TEXT, d->base, "Provider", "Microsoft", e);
	if (!rc)
		rc = database_number(d, d->base, "SignerScore", SIGNER_SCORE, e);
	if (!rc)
		rc = database_number(d, d->base, "StatusFlags", STATUS_FLAGS, e);
	if (rc || !d->s->d->class_guid)
		return rc;
	rc = enable_key(class, e, DATABASE "\\DeviceIds\\%s", d->s->d->class_guid);
	return rc ? rc : step_bytes(d->p, ENABLE_EMPTY, class, d->s->d->inf, &nothing, 0, why, e);
}

int database_package(struct database *d, struct error *e)
{
	int rc = active_look(d, e);

	if (!rc && !hive_has_key(d->p->h, d->base))
		rc = values_make(d, e);
	return rc ? rc : version_look(d, e);
}
