/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Glance's own properties (glance/api/v2/images.py, get_base_properties) and limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guid.h"
#include "cloud/lint_private.h"

enum base_kind {
	BASE_TEXT, /* at most TEXT_MAX */
	BASE_WORD, /* one of the values */
	BASE_UUID,
	BASE_BOOLEAN,
	BASE_NUMBER,
	BASE_TAGS,
	BASE_FIXED, /* Glance sets it, or the name is reserved */
};

enum { TEXT_MAX = 255, TAGS_MAX = 128, EXTRA_MAX = 128 };

static const struct {
	const char *name;
	enum base_kind kind;
	const char *values;
} base[] = {
	{ "id", BASE_UUID, NULL },
	{ "name", BASE_TEXT, NULL },
	{ "owner", BASE_TEXT, NULL },
	{ "visibility", BASE_WORD, "community|public|private|shared" },
	{ "protected", BASE_BOOLEAN, NULL },
	{ "os_hidden", BASE_BOOLEAN, NULL },
	{ "container_format", BASE_WORD, "ami|ari|aki|bare|ovf|ova|docker|compressed" },
	{ "disk_format", BASE_WORD, "ami|ari|aki|vhd|vhdx|vmdk|raw|qcow2|vdi|iso|ploop" },
	{ "tags", BASE_TAGS, NULL },
	{ "min_ram", BASE_NUMBER, NULL },
	{ "min_disk", BASE_NUMBER, NULL },
	{ "status", BASE_FIXED, NULL },
	{ "checksum", BASE_FIXED, NULL },
	{ "os_hash_algo", BASE_FIXED, NULL },
	{ "os_hash_value", BASE_FIXED, NULL },
	{ "size", BASE_FIXED, NULL },
	{ "virtual_size", BASE_FIXED, NULL },
	{ "created_at", BASE_FIXED, NULL },
	{ "updated_at", BASE_FIXED, NULL },
	{ "direct_url", BASE_FIXED, NULL },
	{ "self", BASE_FIXED, NULL },
	{ "file", BASE_FIXED, NULL },
	{ "schema", BASE_FIXED, NULL },
	{ "stores", BASE_FIXED, NULL },
	{ "locations", BASE_FIXED, NULL },
	{ "location", BASE_FIXED, NULL },
	{ "deleted", BASE_FIXED, NULL },
	{ "deleted_at", BASE_FIXED, NULL },
};

static int wrong_type(struct lint *l, const char *name, const char *type, struct error *e)
{
	return lint_note(l, SEVERITY_ERROR, "property-type", NULL, e,
		"%.255s: Glance takes %s only", name, type);
}

static int check_word(
	struct lint *l, const char *name, const char *values, const char *value, struct error *e)
{
	char near[VALUE_MAX], fix[VALUE_MAX + 16];

	bool guessed;

	if (value_listed(values, value, false))
		return 0;
	guessed = value_near(values, value, near);
	if (guessed)
		snprintf(fix, sizeof(fix), "write %s", near);
	return lint_note(l, SEVERITY_ERROR, "property-value", guessed ? fix : NULL, e,
		"%s=%.64s: Glance takes one of %s by default", name, value, values);
}

static int check_tags(struct lint *l, const json_t *tags, struct error *e)
{
	const json_t *tag;
	size_t i;

	if (!json_is_array(tags))
		return wrong_type(l, "tags", "a list of texts", e);
	if (json_array_size(tags) > TAGS_MAX)
		return lint_note(l, SEVERITY_ERROR, "property-count", NULL, e,
			"%zu tags: Glance's quota is %d by default", json_array_size(tags),
			TAGS_MAX);
	json_array_foreach(tags, i, tag)
	{
		if (!json_is_string(tag) || json_string_length(tag) > TEXT_MAX)
			return wrong_type(l, "tags", "texts of at most 255 letters", e);
	}
	return 0;
}

static int check_base(struct lint *l, size_t i, const json_t *value, struct error *e)
{
	const char *name = base[i].name;
	const char *text = json_string_value(value);
	struct guid id;

	switch (base[i].kind) {
	case BASE_FIXED:
		return lint_note(l, SEVERITY_ERROR, "property-read-only", "leave it out", e,
			"%s: Glance lets nobody set it", name);
	case BASE_BOOLEAN:
		return json_is_boolean(value) ? 0 : wrong_type(l, name, "true or false", e);
	case BASE_NUMBER:
		return json_is_integer(value) && json_integer_value(value) >= 0 &&
				json_integer_value(value) <= INT32_MAX
			? 0
			: wrong_type(l, name, "a whole number from 0 to 2147483647", e);
	case BASE_TAGS:
		return check_tags(l, value, e);
	case BASE_UUID:
		return text && strlen(text) == 36 && guid_parse(text, &id)
			? 0
			: wrong_type(l, name, "a UUID", e);
	case BASE_TEXT:
		return json_is_null(value) || (text && strlen(text) <= TEXT_MAX)
			? 0
			: wrong_type(l, name, "a text of at most 255 letters", e);
	case BASE_WORD:
		break;
	}
	return text ? check_word(l, name, base[i].values, text, e)
		    : wrong_type(l, name, "a text", e);
}

static int check_name(struct lint *l, const char *name, struct error *e)
{
	if (!strncmp(name, "os_glance", 9))
		return lint_note(l, SEVERITY_ERROR, "property-read-only", "leave it out", e,
			"%.255s: names that begin with os_glance are Glance's", name);
	if (*name && strlen(name) <= TEXT_MAX)
		return 0;
	return lint_note(l, SEVERITY_ERROR, "property-name", "give it a shorter name", e,
		"%.32s...: a property's name has 1 to %d letters, not %zu", name, TEXT_MAX,
		strlen(name));
}

static int check_formats(struct lint *l, struct error *e)
{
	static const char *const needed[] = { "disk_format", "container_format" };
	int rc = 0;

	for (size_t i = 0; !rc && i < 2; i++)
		if (!json_object_get(l->body, needed[i]))
			rc = lint_note(l, SEVERITY_ERROR, "format-missing", NULL, e,
				"%s is not said: Glance takes no data without it", needed[i]);
	if (!rc && lint_text(l, "container_format") && !lint_is(l, "container_format", "bare"))
		rc = lint_note(l, SEVERITY_WARNING, "container-format",
			"unpack the image and write container_format bare", e,
			"container_format %.64s: Nova starts no instance from what is inside",
			lint_text(l, "container_format"));
	return rc;
}

int lint_base(struct lint *l, struct error *e)
{
	/* jansson has no iterator over a constant object. */
	json_t *body = (json_t *)(uintptr_t)l->body;
	size_t extra = 0;
	const char *name;
	json_t *value;
	int rc = 0;

	json_object_foreach(body, name, value)
	{
		size_t i = 0;

		while (i < sizeof(base) / sizeof(*base) && strcmp(base[i].name, name) != 0)
			i++;
		if (i < sizeof(base) / sizeof(*base)) {
			rc = check_base(l, i, value, e);
		} else {
			extra++;
			rc = check_name(l, name, e);
			if (!rc && !json_is_string(value))
				rc = wrong_type(l, name, "a text", e);
		}
		if (rc)
			return rc;
	}
	if (extra > EXTRA_MAX)
		rc = lint_note(l, SEVERITY_ERROR, "property-count", NULL, e,
			"%zu properties beside Glance's own: its quota is %d by default", extra,
			EXTRA_MAX);
	return rc ? rc : check_formats(l, e);
}
