/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The properties beside Glance's own: names, and values as Nova's objects take them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/guid.h"
#include "cloud/lint_private.h"

enum { FIX_MAX = 2 * VALUE_MAX, NOVA_VALUE_MAX = 255 };

static int wrong_value(struct lint *l, const char *name, const char *value, const char *wanted,
	const char *fix, struct error *e)
{
	return lint_note(l, SEVERITY_ERROR, "property-value", fix, e, "%s=%.64s: Nova takes %s",
		name, value, wanted);
}

static int check_word(
	struct lint *l, const struct known_property *p, const char *value, struct error *e)
{
	char near[VALUE_MAX], fix[FIX_MAX], wanted[640];
	bool guessed;

	if (value_listed(p->values, value, p->type == PROPERTY_FOLDED))
		return 0;
	guessed = value_near(p->values, value, near);
	if (guessed)
		snprintf(fix, sizeof(fix), "write %s", near);
	snprintf(wanted, sizeof(wanted), "one of %s", p->values);
	return wrong_value(l, p->name, value, wanted, guessed ? fix : NULL, e);
}

static bool is_number(const char *value)
{
	return *value && strspn(value, "0123456789") == strlen(value) && strlen(value) < 10;
}

static int check_value(
	struct lint *l, const struct known_property *p, const char *value, struct error *e)
{
	struct guid id;

	switch (p->type) {
	case PROPERTY_WORD:
	case PROPERTY_FOLDED:
		return check_word(l, p, value, e);
	case PROPERTY_BOOLEAN:
		if (value_listed("true|false|yes|no|on|off|1|0|t|f|y|n", value, true))
			return 0;
		return wrong_value(l, p->name, value, "true or false", NULL, e);
	case PROPERTY_NUMBER:
		return is_number(value) ? 0 : wrong_value(l, p->name, value, "a number", NULL, e);
	case PROPERTY_UUID:
		return guid_parse(value, &id) ? 0
					      : wrong_value(l, p->name, value, "a UUID", NULL, e);
	case PROPERTY_TEXT:
		break;
	}
	return 0;
}

/* Nova keeps an image's properties with the instance, in columns of that size, cut. */
static int check_length(struct lint *l, const char *name, const char *value, struct error *e)
{
	if (strlen(value) <= NOVA_VALUE_MAX || !strcmp(name, "img_signature"))
		return 0;
	return lint_note(l, SEVERITY_WARNING, "property-value-long", "shorten it", e,
		"%.64s: Nova cuts values after %d letters, this one has %zu", name, NOVA_VALUE_MAX,
		strlen(value));
}

static int check_unknown(struct lint *l, const char *name, struct error *e)
{
	const char *near = property_near(name);
	char fix[FIX_MAX];

	if (!near)
		return 0;
	snprintf(fix, sizeof(fix), "write %s", near);
	return lint_note(l, SEVERITY_WARNING, "property-typo", fix, e,
		"%.64s: nothing reads a property of this name, but %s", name, near);
}

/* "hw_numa_cpus.0" and such have a number for each node. */
static bool is_numbered(const char *name)
{
	return !strncmp(name, "hw_numa_cpus.", 13) || !strncmp(name, "hw_numa_mem.", 12);
}

static int check_each(struct lint *l, struct error *e)
{
	/* jansson has no iterator over a constant object. */
	json_t *body = (json_t *)(uintptr_t)l->body;
	const char *name;
	json_t *value;
	int rc = 0;

	json_object_foreach(body, name, value)
	{
		const struct known_property *p = property_by_name(name);
		const char *text = json_string_value(value);

		if (!text)
			continue;
		if (p)
			rc = check_value(l, p, text, e);
		else if (!is_numbered(name))
			rc = check_unknown(l, name, e);
		if (!rc)
			rc = check_length(l, name, text, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* One part of oslo.utils' VersionPredicate: an operator and a version of numbers. */
static bool is_predicate(const char *part, size_t len)
{
	static const char *const operators[] = { "<=", ">=", "==", "!=", "<", ">" };
	const char *end = part + len;
	bool digit = false;
	size_t i = 0;

	while (part < end && isspace((unsigned char)*part))
		part++;
	while (end > part && isspace((unsigned char)end[-1]))
		end--;
	while (i < 6 && strncmp(part, operators[i], strlen(operators[i])) != 0)
		i++;
	if (i == 6)
		return false;
	for (part += strlen(operators[i]); part < end && isspace((unsigned char)*part); part++)
		;
	for (; part < end; part++) {
		if (*part == '.' ? !digit : !isdigit((unsigned char)*part))
			return false;
		digit = *part != '.';
	}
	return digit;
}

static int check_version(struct lint *l, const char *name, struct error *e)
{
	const char *at = lint_text(l, name);
	size_t len;

	for (; at; at = at[len] ? at + len + 1 : NULL) {
		len = strcspn(at, ",");
		if (!is_predicate(at, len))
			return lint_note(l, SEVERITY_ERROR, "version-predicate", "write >=6.3", e,
				"%s=%.64s: not comparisons with versions, separated by commas: no "
				"host would do",
				name, lint_text(l, name));
	}
	return 0;
}

/* Glance verifies with all four, and with fewer not at all. */
static int check_signature(struct lint *l, struct error *e)
{
	static const char *const part[] = { "img_signature", "img_signature_hash_method",
		"img_signature_key_type", "img_signature_certificate_uuid" };
	size_t there = 0;
	const char *missing = NULL;

	for (size_t i = 0; i < 4; i++) {
		if (lint_text(l, part[i]))
			there++;
		else
			missing = part[i];
	}
	if (!there || !missing)
		return 0;
	return lint_note(l, SEVERITY_ERROR, "signature-incomplete",
		"sign with hvimg package --sign KEY --certificate-uuid UUID", e,
		"the signature is not verified without %s", missing);
}

static int check_distro(struct lint *l, struct error *e)
{
	static const char words[] = "almalinux|alpine|arch|centos|debian|fedora|freebsd|gentoo|"
				    "mandrake|mandriva|mes|msdos|netbsd|netware|ol|openbsd|"
				    "opensolaris|opensuse|rhel|rocky|sled|sles|ubuntu|windows";
	const char *distro = lint_text(l, "os_distro");
	char near[VALUE_MAX], fix[FIX_MAX];

	if (!distro || value_listed(words, distro, false) || !value_near(words, distro, near))
		return 0;
	snprintf(fix, sizeof(fix), "write %s", near);
	return lint_note(l, SEVERITY_WARNING, "os-distro", fix, e,
		"os_distro=%.64s: neither Glance's documents nor libosinfo have that word", distro);
}

int lint_extra(struct lint *l, struct error *e)
{
	int rc = check_each(l, e);

	if (!rc)
		rc = check_version(l, "hypervisor_version_requires", e);
	if (!rc)
		rc = check_version(l, "img_hv_requested_version", e);
	if (!rc)
		rc = check_signature(l, e);
	return rc ? rc : check_distro(l, e);
}
