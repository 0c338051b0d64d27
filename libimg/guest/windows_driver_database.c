/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DriverDatabase of Windows 8 and later: what Windows knows of a device before anything is
 * installed for it.  Nothing is written under a name that Windows gives; what it installs later
 * from the package itself comes beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "guest/windows_inject.h"

#define DATABASE "DriverDatabase"

enum { CONFIG_SCOPE = 7 }; /* as most packages of Windows 10 have it */

struct database {
	const struct inject *in;
	struct hive *h;
	struct buffer package; /* key of the package */
	struct strings sections; /* install sections that are in it */
	struct buffer key; /* scratch */
};

static int set_text(struct database *d, const char *name, const char *text, struct error *e)
{
	return hive_set_text(d->h, buffer_text(&d->key), name, HIVE_SZ, text, d->in->why, e);
}

static int set_list(
	struct database *d, const char *name, const struct strings *list, struct error *e)
{
	return hive_set_list(d->h, buffer_text(&d->key), name, list, d->in->why, e);
}

static int set_dword(struct database *d, const char *name, uint32_t value, struct error *e)
{
	return hive_set_dword(d->h, buffer_text(&d->key), name, value, d->in->why, e);
}

static int set_bytes(struct database *d, const char *name, uint32_t type, const uint8_t *bytes,
	size_t len, struct error *e)
{
	struct hive_value v = { .name = (char *)(uintptr_t)name,
		.type = type,
		.data = (uint8_t *)(uintptr_t)bytes,
		.len = len };

	return hive_set(d->h, buffer_text(&d->key), &v, d->in->why, e);
}

/* Makes d->key PARENT\...; an id keeps its place below its bus. */
static int key_set(struct database *d, const char *parent, const char *child, struct error *e)
{
	const char *slash = strchr(child, '\\');

	if (slash && strchr(slash + 1, '\\'))
		return error_set(e, ERR_UNSUPPORTED, "device id \"%s\" has two separators", child);
	buffer_free(&d->key);
	return buffer_format(&d->key, e, "%s\\%s", parent, child);
}

/* The first id of a line of the INF is a hardware id, what follows are compatible ones. */
static int put_id(
	struct database *d, const struct inf_device *device, size_t index, struct error *e)
{
	uint8_t rank[4] = { index || device->compatible_only ? 2 : 1, device->feature_score };
	int rc = key_set(d, DATABASE "\\DeviceIds", device->ids.item[index], e);

	return rc ? rc : set_bytes(d, d->in->inf, HIVE_BINARY, rank, sizeof(rank), e);
}

/* A text of the INF: its token, which is in lower case here as in Strings, where it has one. */
static int set_described(
	struct database *d, const char *name, const char *token, const char *text, struct error *e)
{
	char *lower;
	int rc;

	if (!token)
		return text ? set_text(d, name, text, e) : 0;
	lower = strdup(token);
	if (!lower)
		return error_nomem(e, "a driver package");
	for (char *c = lower; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	rc = set_text(d, name, lower, e);
	free(lower);
	return rc;
}

static int put_descriptor(
	struct database *d, const struct inf_device *device, const char *id, struct error *e)
{
	struct buffer parent = { 0 };
	int rc = buffer_format(&parent, e, "%s\\Descriptors", buffer_text(&d->package));

	if (!rc)
		rc = key_set(d, buffer_text(&parent), id, e);
	if (!rc)
		rc = set_text(d, "Configuration", device->section, e);
	if (!rc)
		rc = set_described(
			d, "Description", device->description_token, device->description, e);
	if (!rc)
		rc = set_described(
			d, "Manufacturer", device->manufacturer_token, device->manufacturer, e);
	buffer_free(&parent);
	return rc;
}

static int put_registry(struct database *d, const char *section, const char *below,
	const struct inf_regs *r, struct error *e)
{
	int rc;

	buffer_free(&d->key);
	rc = buffer_format(
		&d->key, e, "%s\\Configurations\\%s\\%s", buffer_text(&d->package), section, below);

	return rc ? rc
		  : driver_registry_put(
			    d->h, buffer_text(&d->key), r, REGISTRY_RECORD, d->in->why, e);
}

static int put_services(struct database *d, const struct inf_device *device, struct error *e)
{
	struct buffer below = { 0 };
	int rc = 0;

	for (size_t i = 0; i < device->service_count && !rc; i++) {
		buffer_free(&below);
		rc = buffer_format(&below, e, "Services\\%s", device->service[i].name);
		if (!rc)
			rc = put_registry(d, device->section, buffer_text(&below),
				&device->service[i].registry, e);
	}
	buffer_free(&below);
	return rc;
}

static int put_filters(struct database *d, const struct inf_device *device, struct error *e)
{
	int rc = 0;

	if (device->upper_filters.count)
		rc = set_list(d, "UpperFilters", &device->upper_filters, e);
	if (!rc && device->lower_filters.count)
		rc = set_list(d, "LowerFilters", &device->lower_filters, e);
	return rc;
}

static int put_configuration(struct database *d, const struct inf_device *device,
	const struct inf_service *s, struct error *e)
{
	int rc = strings_add(&d->sections, device->section, e);

	buffer_free(&d->key);
	if (!rc)
		rc = buffer_format(&d->key, e, "%s\\Configurations\\%s", buffer_text(&d->package),
			device->section);
	if (!rc)
		rc = set_text(d, "Service", s->name, e);
	if (!rc)
		rc = set_dword(d, "ConfigFlags", 0, e);
	if (!rc && windows_of(d->in->g)->platform.major >= 10)
		rc = set_dword(d, "ConfigScope", CONFIG_SCOPE, e);
	if (!rc)
		rc = put_filters(d, device, e);
	if (!rc && d->in->package->inf.included.count)
		rc = set_list(d, "IncludedInfs", &d->in->package->inf.included, e);
	if (!rc)
		rc = put_registry(d, device->section, "Device", &device->hardware, e);
	if (!rc)
		rc = put_registry(d, device->section, "Driver", &device->registry, e);
	return rc ? rc : put_services(d, device, e);
}

/* `hardware`: ids that are hardware ids in some line, which says more than another where the same
 * is a compatible one. */
static int put_device(struct database *d, const struct inf_device *device,
	const struct inf_service *s, const struct strings *hardware, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < device->ids.count && !rc; i++) {
		if ((i || device->compatible_only) && strings_have(hardware, device->ids.item[i]))
			continue;
		rc = put_id(d, device, i, e);
		if (!rc)
			rc = put_descriptor(d, device, device->ids.item[i], e);
	}
	if (!rc && !strings_have(&d->sections, device->section))
		rc = put_configuration(d, device, s, e);
	return rc;
}

static int put_devices(struct database *d, struct error *e)
{
	const struct inf *inf = &d->in->package->inf;
	struct strings hardware = { 0 };
	int rc = 0;

	for (size_t i = 0; i < inf->device_count && !rc; i++)
		if (inf->device[i].ids.count && !inf->device[i].compatible_only)
			rc = strings_add_new(&hardware, inf->device[i].ids.item[0], e);
	for (size_t i = 0; i < inf->device_count && !rc; i++) {
		const struct inf_service *s = inject_boot_service(d->in, &inf->device[i]);

		if (s)
			rc = put_device(d, &inf->device[i], s, &hardware, e);
	}
	strings_free(&hardware);
	return rc;
}

static int put_package(struct database *d, struct error *e)
{
	const struct inf *inf = &d->in->package->inf;
	uint8_t version[DRIVER_VERSION_SIZE];
	int rc = driver_version_blob(inf, windows_of(d->in->g)->platform.arch, version, e);

	buffer_free(&d->key);
	if (!rc)
		rc = buffer_string(&d->key, buffer_text(&d->package), e);
	if (!rc)
		rc = set_text(d, "", d->in->inf, e);
	if (!rc)
		rc = set_bytes(d, "Version", HIVE_BINARY, version, sizeof(version), e);
	if (!rc && inf->provider)
		rc = set_text(d, "Provider", inf->provider, e);
	buffer_free(&d->key);
	if (!rc)
		rc = buffer_format(&d->key, e, "%s\\Strings", buffer_text(&d->package));
	for (size_t i = 0; i < inf->string_names.count && !rc; i++)
		rc = set_text(d, inf->string_names.item[i], inf->string_values.item[i], e);
	return rc;
}

/* Which package the INF's name means, and that there is one of the class. */
static int put_inf(struct database *d, struct error *e)
{
	struct strings packages = { 0 };
	int rc = strings_add(&packages, d->in->id, e);

	if (!rc)
		rc = key_set(d, DATABASE "\\DriverInfFiles", d->in->inf, e);
	if (!rc)
		rc = set_list(d, "", &packages, e);
	if (!rc)
		rc = set_text(d, "Active", d->in->id, e);
	if (!rc)
		rc = set_list(d, "Configurations", &d->sections, e);
	if (!rc)
		rc = key_set(d, DATABASE "\\DeviceIds", d->in->package->inf.class_guid, e);
	if (!rc)
		rc = set_bytes(d, d->in->inf, HIVE_NONE, NULL, 0, e);
	strings_free(&packages);
	return rc;
}

int driver_database_put(const struct inject *in, struct hive *h, struct error *e)
{
	struct database d = { .in = in, .h = h };
	int rc = 0;

	if (!hive_has_key(h, DATABASE))
		return error_set(e, ERR_NOTREADY,
			"the hive SYSTEM has no " DATABASE
			", where Windows looks for boot drivers");
	rc = buffer_format(&d.package, e, DATABASE "\\DriverPackages\\%s", in->id);
	if (!rc)
		rc = put_package(&d, e);
	if (!rc)
		rc = put_devices(&d, e);
	if (!rc)
		rc = put_inf(&d, e);
	buffer_free(&d.package);
	buffer_free(&d.key);
	strings_free(&d.sections);
	return rc;
}
