/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding a format, and the texts around it. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/zero.h"
#include "disk/format.h"

/* Other names that people and other tools use. */
static const struct {
	const char *alias;
	const char *name;
} aliases[] = {
	{ "vpc", "vhd" },
};

const struct format *format_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		if (!strcmp(name, aliases[i].alias))
			name = aliases[i].name;
	}
	for (const struct format *const *f = format_list; *f; f++) {
		if (!strcmp(name, (*f)->name))
			return *f;
	}
	return NULL;
}

static int unknown_format(const char *name, struct error *e)
{
	struct buffer known = { 0 };
	int rc = 0;

	for (const struct format *const *f = format_list; *f && !rc; f++)
		rc = buffer_format(&known, e, "%s%s", known.len ? ", " : "", (*f)->name);
	if (!rc)
		rc = error_set(e, ERR_USAGE, "unknown format %.64s; there are %s", name,
			buffer_text(&known));
	buffer_free(&known);
	return rc;
}

int format_named(const char *name, const struct format **out, struct error *e)
{
	const struct format *f = format_by_name(name);

	if (!f)
		return unknown_format(name, e);
	*out = f;
	return 0;
}

static bool has_ending(const struct format *f, const char *ending)
{
	for (const char *const *known = f->endings; known && *known; known++) {
		if (!strcasecmp(*known, ending))
			return true;
	}
	return false;
}

const struct format *format_by_ending(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash + 1 : path, '.');

	for (const struct format *const *f = format_list; dot && *f; f++) {
		if (has_ending(*f, dot + 1))
			return *f;
	}
	return NULL;
}

static bool has_option(const struct format *f, const char *key, size_t len)
{
	for (const struct format_option *o = f->options; o && o->name; o++) {
		if (strlen(o->name) == len && !memcmp(o->name, key, len))
			return true;
	}
	return false;
}

static int unknown_option(const struct format *f, const char *key, size_t len, struct error *e)
{
	struct buffer known = { 0 };
	int rc = 0;

	for (const struct format_option *o = f->options; o && o->name && !rc; o++)
		rc = buffer_format(&known, e, "%s%s", known.len ? ", " : "", o->name);
	if (!rc && !known.len)
		rc = error_set(e, ERR_USAGE, "%s takes no options: %.*s", f->name, (int)len, key);
	else if (!rc)
		rc = error_set(e, ERR_USAGE, "%s has no option %.*s; it knows %s", f->name,
			(int)len, key, buffer_text(&known));
	buffer_free(&known);
	return rc;
}

int format_check_options(const struct format *f, const struct strings *options, struct error *e)
{
	for (size_t i = 0; options && i < options->count; i++) {
		const char *option = options->item[i];
		size_t len = strcspn(option, "=");

		if (len > 100)
			return error_set(e, ERR_USAGE, "option name of %zu characters", len);
		if (!has_option(f, option, len))
			return unknown_option(f, option, len, e);
		if (!option[len])
			return error_set(
				e, ERR_USAGE, "option %s has no value: %s=VALUE", option, option);
	}
	return 0;
}

const char *option_value(const struct strings *options, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = options ? options->count : 0; i-- > 0;) {
		if (!strncmp(options->item[i], key, len) && options->item[i][len] == '=')
			return options->item[i] + len + 1;
	}
	return NULL;
}

void image_info_free(struct image_info *info)
{
	free(info->creator);
	free(info->parent_path);
	free(info->parent_identifier);
	for (size_t i = 0; i < info->snapshots_listed; i++) {
		free(info->snapshot[i].id);
		free(info->snapshot[i].name);
	}
	free(info->snapshot);
	strings_free(&info->references);
	strings_free(&info->identifiers);
	*info = (struct image_info){ 0 };
}

bool block_has_data(const struct writer *w, const struct block *b, size_t at, size_t len)
{
	size_t chunk = w->unit / BLOCK_CHUNKS, first = at / chunk, end = (at + len - 1) / chunk + 1;
	uint64_t below = end < BLOCK_CHUNKS ? (UINT64_C(1) << end) - 1 : UINT64_MAX;
	bool some = b->chunks & below & UINT64_MAX << first;

	if (!some || b->unread || (at % chunk == 0 && len % chunk == 0))
		return some;
	return !bytes_are_zero(b->data + at, len);
}
