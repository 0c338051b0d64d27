/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of the registry, given as text. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "guest/windows_edit.h"

static int number_read(const char *text, uint64_t max, uint64_t *out, struct error *e)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, strncasecmp(text, "0x", 2) ? 10 : 16);
	if (!isdigit((unsigned char)*text) || *end || errno || *out > max)
		return error_set(e, ERR_USAGE, "\"%.40s\" is no number of 0 to 0x%llx", text,
			(unsigned long long)max);
	return 0;
}

static int dword_make(const char *text, struct buffer *out, struct error *e)
{
	uint64_t n;
	le32 data;
	int rc = number_read(text, UINT32_MAX, &n, e);

	if (rc)
		return rc;
	data = put_le32((uint32_t)n);
	return buffer_append(out, &data, sizeof(data), e);
}

static int qword_make(const char *text, struct buffer *out, struct error *e)
{
	uint64_t n;
	le64 data;
	int rc = number_read(text, UINT64_MAX, &n, e);

	if (rc)
		return rc;
	data = put_le64(n);
	return buffer_append(out, &data, sizeof(data), e);
}

static int digit_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* "0a 1b,2c" or "0a1b2c" */
static int binary_make(const char *text, struct buffer *out, struct error *e)
{
	int rc = 0;

	while (*(text += strspn(text, " ,\t\r\n")) && !rc) {
		uint8_t byte;

		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return error_set(e, ERR_USAGE,
				"\"%.10s\" is no byte of two hexadecimal digits", text);
		byte = (uint8_t)(digit_value(text[0]) << 4 | digit_value(text[1]));
		rc = buffer_append(out, &byte, 1, e);
		text += 2;
	}
	return rc;
}

/* A text a line. */
static int list_make(const char *text, struct buffer *out, struct error *e)
{
	struct strings list = { 0 };
	int rc = strings_split(&list, text, "\r\n", e);

	if (!rc)
		rc = hive_list_data(&list, out, e);
	strings_free(&list);
	return rc;
}

/* How the data of a type is made. */
static const struct kind {
	const char *name;
	enum hive_type type;
	int (*make)(const char *text, struct buffer *out, struct error *e);
} kinds[] = {
	{ "sz", HIVE_SZ, hive_text_data },
	{ "expand-sz", HIVE_EXPAND_SZ, hive_text_data },
	{ "multi-sz", HIVE_MULTI_SZ, list_make },
	{ "dword", HIVE_DWORD, dword_make },
	{ "qword", HIVE_QWORD, qword_make },
	{ "binary", HIVE_BINARY, binary_make },
	{ "none", HIVE_NONE, binary_make },
};

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* What follows the first part of a path when that is `name`; else NULL. */
static const char *behind(const char *path, const char *name)
{
	const size_t len = strlen(name);

	if (strncasecmp(path, name, len) != 0 || path[len] != '\\')
		return NULL;
	return path + len + 1;
}

static int hive_of(
	const struct edit_work *w, enum windows_hive_name *n, const char **key, struct error *e)
{
	static const char *const roots[] = { "HKLM", "HKEY_LOCAL_MACHINE" };
	const char *path = w->edit->path;

	for (size_t i = 0; i < 2; i++)
		if (behind(path, roots[i]))
			path = behind(path, roots[i]);
	*n = WINDOWS_SYSTEM;
	*key = behind(path, "SYSTEM");
	if (!*key) {
		*n = WINDOWS_SOFTWARE;
		*key = behind(path, "SOFTWARE");
	}
	if (!*key || !**key)
		return error_set(e, ERR_NOTREADY,
			"%.200s is no key of the hives that are edited, SYSTEM and SOFTWARE",
			w->edit->path);
	for (const char *part = *key; part;
		part = strchr(part, '\\') ? strchr(part, '\\') + 1 : NULL)
		if (!strcspn(part, "\\"))
			return error_set(e, ERR_USAGE, "%.200s has an empty part", w->edit->path);
	return 0;
}

/* CurrentControlSet is made by Windows when it runs: it means every set, as the one that starts
 * next is not known. */
static int sets_put(const struct edit_work *w, struct hive *h, const char *below,
	const struct hive_value *v, struct error *e)
{
	const struct strings *sets = &windows_of(w->g)->control_sets;
	int rc = sets->count ? 0 : error_set(e, ERR_NOTREADY, "the hive SYSTEM has no control set");

	for (size_t i = 0; i < sets->count && !rc; i++) {
		struct buffer key = { 0 };

		rc = buffer_format(&key, e, "%s\\%s", sets->item[i], below);
		if (!rc)
			rc = hive_set(h, buffer_text(&key), v, w->why, e);
		buffer_free(&key);
	}
	return rc;
}

int windows_registry_edit(const struct edit_work *w, struct error *e)
{
	const char *type = w->edit->type ? w->edit->type : "sz";
	const struct kind *kind = kind_of(type);
	struct hive_value v = { .name = w->edit->name };
	struct buffer data = { 0 };
	enum windows_hive_name n;
	const char *key, *below;
	char none[] = "";
	struct hive *h = NULL;
	int rc = hive_of(w, &n, &key, e);

	if (!rc && !kind)
		rc = error_set(e, ERR_USAGE, "%.20s is no type of a registry value", type);
	if (!rc)
		rc = windows_hive_edit(w->g, n, &h, e);
	if (!rc)
		rc = kind->make(w->edit->text ? w->edit->text : "", &data, e);
	if (!rc) {
		v.name = w->edit->name ? w->edit->name : none;
		v.type = kind->type;
		v.data = data.data;
		v.len = data.len;
		below = n == WINDOWS_SYSTEM ? behind(key, "CurrentControlSet") : NULL;
		rc = below ? sets_put(w, h, below, &v, e) : hive_set(h, key, &v, w->why, e);
	}
	buffer_free(&data);
	return rc;
}
