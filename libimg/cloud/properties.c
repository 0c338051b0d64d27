/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Glance's image properties from what is known of container, guest and target. */
#include "cloud/properties.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How Glance v2 sees a property (glance/api/v2/images.py, get_base_properties). */
enum property_kind { KIND_TEXT, KIND_NUMBER, KIND_BOOLEAN, KIND_FIXED };

static const struct {
	const char *name;
	enum property_kind kind;
} base_property[] = {
	{ "min_disk", KIND_NUMBER },
	{ "min_ram", KIND_NUMBER },
	{ "protected", KIND_BOOLEAN },
	{ "os_hidden", KIND_BOOLEAN },
	{ "tags", KIND_FIXED },
	{ "status", KIND_FIXED },
	{ "checksum", KIND_FIXED },
	{ "os_hash_algo", KIND_FIXED },
	{ "os_hash_value", KIND_FIXED },
	{ "size", KIND_FIXED },
	{ "virtual_size", KIND_FIXED },
	{ "created_at", KIND_FIXED },
	{ "updated_at", KIND_FIXED },
	{ "direct_url", KIND_FIXED },
	{ "self", KIND_FIXED },
	{ "file", KIND_FIXED },
	{ "schema", KIND_FIXED },
	{ "stores", KIND_FIXED },
	{ "locations", KIND_FIXED },
	{ "location", KIND_FIXED },
	{ "deleted", KIND_FIXED },
	{ "deleted_at", KIND_FIXED },
};

enum { TEXT_MAX = 255 };

static enum property_kind kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(base_property) / sizeof(*base_property); i++)
		if (!strcmp(base_property[i].name, name))
			return base_property[i].kind;
	return strncmp(name, "os_glance", 9) ? KIND_TEXT : KIND_FIXED;
}

bool target_takes(const struct target *t, const char *disk_format)
{
	for (size_t i = 0; i < t->disk_count; i++)
		if (!strcmp(t->disk[i].format, disk_format))
			return true;
	return t->hypervisor && !t->disk_count;
}

bool target_suits(const struct target *t, const char *disk_format)
{
	for (size_t i = 0; i < t->disk_count; i++)
		if (!strcmp(t->disk[i].format, disk_format))
			return t->disk[i].usual;
	return false;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static int set_text(json_t *body, const char *name, const char *value, struct error *e)
{
	json_t *text;

	errno = 0;
	text = strlen(value) > TEXT_MAX || has_control(value) ? NULL : json_string(value);
	if (!text && errno == ENOMEM)
		return error_nomem(e, name);
	if (!text)
		return error_set(e, ERR_UNSUPPORTED,
			"%s: its value is not UTF-8 of at most %d bytes; give one with --property "
			"%s=VALUE",
			name, TEXT_MAX, name);
	if (json_object_set_new(body, name, text))
		return error_nomem(e, name);
	return 0;
}

static int set_number(json_t *body, const char *name, const char *value, struct error *e)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	/* Glance keeps these two in 32 bit columns. */
	if (errno || end == value || *end || n < 0 || n > INT32_MAX)
		return error_set(
			e, ERR_USAGE, "%s=%s: not a number from 0 to %d", name, value, INT32_MAX);
	return json_object_set_new(body, name, json_integer(n)) ? error_nomem(e, name) : 0;
}

static int set_boolean(json_t *body, const char *name, const char *value, struct error *e)
{
	bool yes = !strcmp(value, "true");

	if (!yes && strcmp(value, "false") != 0)
		return error_set(e, ERR_USAGE, "%s=%s: neither true nor false", name, value);
	return json_object_set_new(body, name, json_boolean(yes)) ? error_nomem(e, name) : 0;
}

static int set_user(json_t *body, const char *pair, struct error *e)
{
	const char *equals = strchr(pair, '=');
	char name[TEXT_MAX + 1];
	size_t len = equals ? (size_t)(equals - pair) : 0;

	if (!len || len > TEXT_MAX)
		return error_set(e, ERR_USAGE, "property %.64s: not KEY=VALUE", pair);
	memcpy(name, pair, len);
	name[len] = '\0';
	if (!equals[1]) {
		if (!strcmp(name, "disk_format") || !strcmp(name, "container_format"))
			return error_set(e, ERR_USAGE, "property %s: an image needs one", name);
		json_object_del(body, name);
		return 0;
	}
	switch (kind_of(name)) {
	case KIND_TEXT:
		return set_text(body, name, equals + 1, e);
	case KIND_NUMBER:
		return set_number(body, name, equals + 1, e);
	case KIND_BOOLEAN:
		return set_boolean(body, name, equals + 1, e);
	case KIND_FIXED:
		break;
	}
	return error_set(e, ERR_USAGE, "property %s: Glance lets nobody set it", name);
}

/* Whether the user says something of `name`, so that what we know does not matter. */
static bool user_has(const struct image_facts *f, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; f->properties && i < f->properties->count; i++)
		if (!strncmp(f->properties->item[i], name, len) &&
			f->properties->item[i][len] == '=')
			return true;
	return false;
}

static int set_known(const struct image_facts *f, json_t *body, const char *name, const char *value,
	struct error *e)
{
	return value && *value && !user_has(f, name) ? set_text(body, name, value, e) : 0;
}

/* "linux" or "windows"; NULL when the guest is neither. */
static const char *os_type(const struct guest *g)
{
	if (g && (!strcmp(g->type, "linux") || !strcmp(g->type, "windows")))
		return g->type;
	return NULL;
}

static int add_target(const struct image_facts *f, json_t *body, struct error *e)
{
	const struct target *t = f->target;
	const char *os = os_type(f->guest);
	const char *firmware = strcmp(t->firmware, "any") ? t->firmware : f->firmware;
	int rc = set_known(f, body, "hypervisor_type", t->hypervisor, e);

	if (!rc)
		rc = set_known(f, body, "hw_firmware_type", firmware, e);
	for (size_t i = 0; !rc && i < t->property_count; i++) {
		const struct target_property *p = &t->property[i];

		if (!p->when || (os && !strcmp(p->when, os)))
			rc = set_known(f, body, p->name, p->value, e);
	}
	if (!rc && t->min_ram && !user_has(f, "min_ram") &&
		json_object_set_new(body, "min_ram", json_integer((json_int_t)t->min_ram)))
		return error_nomem(e, "min_ram");
	return rc;
}

/* Glance's word for a distribution (its useful-image-properties), where os-release has another. */
static const char *glance_distro(const char *id)
{
	if (id && (!strcmp(id, "opensuse-leap") || !strcmp(id, "opensuse-tumbleweed")))
		return "opensuse";
	return id;
}

static int add_guest(const struct image_facts *f, json_t *body, struct error *e)
{
	const struct guest *g = f->guest;
	int rc = set_known(f, body, "os_type", os_type(g), e);

	if (!rc)
		rc = set_known(f, body, "os_distro", glance_distro(g->distro), e);
	if (!rc)
		rc = set_known(f, body, "os_version", g->version, e);
	if (!rc)
		rc = set_known(f, body, "architecture", g->arch, e);
	return rc;
}

static int add_all(const struct image_facts *f, json_t *body, struct error *e)
{
	uint64_t disk = min_disk_gib(f);
	int rc = set_known(f, body, "name", f->name, e);

	if (!rc)
		rc = set_text(body, "disk_format", f->format->glance_name, e);
	if (!rc)
		rc = set_text(body, "container_format", "bare", e);
	if (!rc && json_object_set_new(body, "min_disk", json_integer((json_int_t)disk)))
		rc = error_nomem(e, "min_disk");
	if (!rc && f->target)
		rc = add_target(f, body, e);
	if (!rc && f->guest)
		rc = add_guest(f, body, e);
	for (size_t i = 0; !rc && f->properties && i < f->properties->count; i++)
		rc = set_user(body, f->properties->item[i], e);
	return rc;
}

int image_properties(const struct image_facts *f, json_t **out, struct error *e)
{
	json_t *body;
	int rc;

	if (!f->format->glance_name)
		return error_set(e, ERR_UNSUPPORTED,
			"Glance has no disk_format for %s: convert the image first",
			f->format->name);
	body = json_object();
	rc = body ? add_all(f, body, e) : error_nomem(e, "image properties");
	if (rc)
		json_decref(body);
	else
		*out = body;
	return rc;
}
