/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of the common types from what they stand for. */
#include <stdlib.h>
#include <string.h>

#include "guest/hive_private.h"

static int set_bytes(struct hive *h, const char *key, const char *name, uint32_t type,
	const void *data, size_t len, const char *why, struct error *e)
{
	struct hive_value v = { .type = type, .len = len };
	int rc;

	v.name = strdup(name);
	v.data = malloc(len + 1);
	if (!v.name || !v.data) {
		rc = error_nomem(e, "a registry value");
	} else {
		if (len)
			memcpy(v.data, data, len);
		rc = hive_set(h, key, &v, why, e);
	}
	hive_value_free(&v);
	return rc;
}

int hive_set_dword(struct hive *h, const char *key, const char *name, uint32_t value,
	const char *why, struct error *e)
{
	const le32 data = put_le32(value);

	return set_bytes(h, key, name, HIVE_DWORD, &data, sizeof(data), why, e);
}

int hive_text_data(const char *text, struct buffer *out, struct error *e)
{
	int rc = hive_utf16(text, strlen(text), out, e);

	return rc ? rc : buffer_zeros(out, 2, e);
}

int hive_list_data(const struct strings *list, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < list->count; i++)
		rc = *list->item[i]
			? hive_text_data(list->item[i], out, e)
			: error_set(e, ERR_USAGE, "an empty text would end a registry list");
	return rc ? rc : buffer_zeros(out, 2, e);
}

int hive_set_text(struct hive *h, const char *key, const char *name, enum hive_type type,
	const char *text, const char *why, struct error *e)
{
	struct buffer b = { 0 };
	int rc = hive_text_data(text, &b, e);

	if (!rc)
		rc = set_bytes(h, key, name, type, b.data, b.len, why, e);
	buffer_free(&b);
	return rc;
}

int hive_set_list(struct hive *h, const char *key, const char *name, const struct strings *list,
	const char *why, struct error *e)
{
	struct buffer b = { 0 };
	int rc = hive_list_data(list, &b, e);

	if (!rc)
		rc = set_bytes(h, key, name, HIVE_MULTI_SZ, b.data, b.len, why, e);
	buffer_free(&b);
	return rc;
}

const char *hive_type_name(uint32_t type)
{
	static const char *const names[] = { "REG_NONE", "REG_SZ", "REG_EXPAND_SZ", "REG_BINARY",
		"REG_DWORD", "REG_DWORD_BIG_ENDIAN", "REG_LINK", "REG_MULTI_SZ",
		"REG_RESOURCE_LIST", "REG_FULL_RESOURCE_DESCRIPTOR",
		"REG_RESOURCE_REQUIREMENTS_LIST", "REG_QWORD" };

	return type < sizeof(names) / sizeof(*names) ? names[type] : NULL;
}
