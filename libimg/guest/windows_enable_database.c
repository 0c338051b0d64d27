/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DriverDatabase of Windows 8 and later, where the boot loader and the kernel look a device up that
 * is not installed yet: DeviceIds leads to an INF, DriverInfFiles to its package in use, whose
 * Descriptors lead to a configuration with the service.  What is there is left as it is; what is
 * missing is made as Windows' own entries are.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable_database.h"

enum {
	FIRST_WITH_SCOPE = 10240,
	DRIVER_SCOPE = 7, /* as most configurations with a service have it */
	SUPPORT_SCOPE = 5, /* as those without */
};

/* What the service needs when it is installed. */
static int parameters_make(struct database *d, const char *configuration, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < d->s->d->parameter_count && !rc; i++) {
		const struct target_parameter *v = &d->s->d->parameter[i];
		char key[ENABLE_KEY_SIZE];

		rc = enable_key(key, e, "%s\\Services\\%s%s%s", configuration, d->s->d->service,
			*v->key ? "\\" : "", v->key);
		if (!rc)
			rc = database_number(d, key, v->name, v->value, e);
	}
	return rc;
}

static int configuration_make(
	struct database *d, const struct target_install *i, const char *name, struct error *e)
{
	char key[ENABLE_KEY_SIZE];
	int rc = enable_key(key, e, "%s\\Configurations\\%s", d->base, name);

	if (!rc)
		rc = database_text(
			d, ENABLE_TEXT, key, "Service", i->support ? "" : d->s->d->service, e);
	if (!rc)
		rc = database_number(d, key, "ConfigFlags", 0, e);
	if (!rc && d->p->build >= FIRST_WITH_SCOPE)
		rc = database_number(
			d, key, "ConfigScope", i->support ? SUPPORT_SCOPE : DRIVER_SCOPE, e);
	if (!rc && !i->support)
		rc = parameters_make(d, key, e);
	return rc ? rc : database_text(d, ENABLE_MEMBER, d->inf, "Configurations", name, e);
}

/* Whether the configuration is there and leads to the driver. */
static int configuration_look(
	struct database *d, const struct target_install *i, const char *name, struct error *e)
{
	char key[ENABLE_KEY_SIZE], *service = NULL;
	bool right;
	int rc = enable_key(key, e, "%s\\Configurations\\%s", d->base, name);

	if (!rc)
		rc = windows_text(d->p->h, key, "Service", &service, e);
	right = !rc && hive_has_key(d->p->h, key) &&
		(i->support || (service && !strcasecmp(service, d->s->d->service)));
	free(service);
	if (rc || right)
		return rc;
	rc = database_tell(d, "configuration", e);
	return rc ? rc : configuration_make(d, i, name, e);
}

/* A word for people that is there already is the guest's own. */
static int string_make(struct database *d, const char *word, const char *text, struct error *e)
{
	char key[ENABLE_KEY_SIZE], *old = NULL;
	int rc = enable_key(key, e, "%s\\Strings", d->base);

	if (!rc)
		rc = windows_text(d->p->h, key, word, &old, e);
	if (!rc && !old)
		rc = database_text(d, ENABLE_TEXT, key, word, text, e);
	free(old);
	return rc;
}

/* What people read of the device, as Windows keeps it: by a word that Strings explains. */
static int description_make(
	struct database *d, const struct target_install *i, const char *key, struct error *e)
{
	char word[ENABLE_KEY_SIZE], token[ENABLE_KEY_SIZE + 2];
	int rc = 0;

	if (!i->description)
		return 0;
	rc = enable_key(word, e, "%s.devicedesc", i->configuration);
	for (char *c = word; !rc && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (!rc)
		rc = string_make(d, word, i->description, e);
	if (!rc)
		rc = string_make(d, "stdmfg", "Microsoft", e);
	if (!rc)
		rc = enable_key(token, e, "%%%s%%", word);
	if (!rc)
		rc = database_text(d, ENABLE_TEXT, key, "Description", token, e);
	return rc ? rc : database_text(d, ENABLE_TEXT, key, "Manufacturer", "%stdmfg%", e);
}

/* The configuration of a device in the guest's package; *name NULL: it is not described there. */
static int described(struct database *d, const char *device, char **name, struct error *e)
{
	char key[ENABLE_KEY_SIZE];
	int rc = enable_key(key, e, "%s\\Descriptors\\%s", d->base, device);

	*name = NULL;
	if (!rc)
		rc = windows_text(d->p->h, key, "Configuration", name, e);
	if (*name && (!**name || strchr(*name, '\\'))) {
		free(*name);
		*name = NULL;
	}
	return rc;
}

/* What another device of the same configuration has there, which the guest's package may call
 * otherwise. */
static int configuration_name(
	struct database *d, const struct target_install *i, char **name, struct error *e)
{
	int rc = 0;

	*name = NULL;
	for (size_t k = 0; k < d->s->d->install_count && !rc && !*name; k++)
		if (!strcmp(d->s->d->install[k].configuration, i->configuration))
			rc = described(d, d->s->d->install[k].device, name, e);
	if (!rc && !*name) {
		*name = strdup(i->configuration);
		rc = *name ? 0 : error_nomem(e, "a driver package");
	}
	return rc;
}

static int descriptor_make(
	struct database *d, const struct target_install *i, const char *name, struct error *e)
{
	char key[ENABLE_KEY_SIZE];
	int rc = enable_key(key, e, "%s\\Descriptors\\%s", d->base, i->device);

	if (!rc)
		rc = database_tell(d, "descriptor", e);
	if (!rc)
		rc = database_text(d, ENABLE_TEXT, key, "Configuration", name, e);
	return rc ? rc : description_make(d, i, key, e);
}

static int descriptor_look(struct database *d, const struct target_install *i, struct error *e)
{
	char *name;
	int rc = described(d, i->device, &name, e);

	if (!rc && !name) {
		rc = configuration_name(d, i, &name, e);
		if (!rc)
			rc = descriptor_make(d, i, name, e);
	}
	if (!rc)
		rc = configuration_look(d, i, name, e);
	free(name);
	return rc;
}

/* The id is a hardware id, and the INF gives the driver no rank of its own. */
static int id_look(struct database *d, const struct target_install *i, struct error *e)
{
	static const uint8_t rank[4] = { 1, 0xff, 0, 0 };
	struct hive_value old = { 0 };
	struct error none = { 0 };
	char key[ENABLE_KEY_SIZE];
	int rc = enable_key(key, e, DATABASE "\\DeviceIds\\%s", i->device);

	if (rc)
		return rc;
	rc = hive_get(d->p->h, key, d->s->d->inf, &old, &none);
	hive_value_free(&old);
	if (!rc)
		return 0;
	rc = error_of_host(&none, e);
	if (!rc)
		rc = database_tell(d, "device id", e);
	return rc ? rc
		  : step_bytes(d->p, ENABLE_BINARY, key, d->s->d->inf, rank, sizeof(rank),
			    "Windows has to know the device before it can install it", e);
}

static int absent_tell(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	const struct finding_text f = { .code = "driver-database",
		.severity = enable_severity(s),
		.fix = "restore the hive SYSTEM, as Windows' own recovery does" };

	return enable_tell(p, &f, "", e,
		"the hive SYSTEM has no DriverDatabase, where Windows looks for boot drivers");
}

int enable_database(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	struct database d = { .p = p, .s = s };
	int rc;

	if (!s->d->install_count || !s->d->inf)
		return 0;
	if (!hive_has_key(p->h, DATABASE))
		return absent_tell(p, s, e);
	rc = database_open(&d, e);
	if (!rc)
		rc = database_package(&d, e);
	for (size_t i = 0; i < s->d->install_count && !rc; i++) {
		rc = id_look(&d, &s->d->install[i], e);
		if (!rc)
			rc = descriptor_look(&d, &s->d->install[i], e);
	}
	database_close(&d);
	return rc;
}
