/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data of values, and what their types make of it. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum { DWORD_BIG_ENDIAN = 5 };

bool hive_value_big(const struct hive *h, const struct hive_data *v)
{
	uint32_t size = get_le32(v->size);

	return !(size & HIVE_INLINE) && size > HIVE_SEGMENT && h->minor > 3;
}

static void data_copy(const struct hive *h, const struct hive_data *v, uint8_t *to, size_t len)
{
	const struct hive_list *db;
	const le32 *segment;

	if (get_le32(v->size) & HIVE_INLINE) {
		memcpy(to, v->data.b, len);
		return;
	}
	if (!hive_value_big(h, v)) {
		if (len)
			memcpy(to, hive_cell(h, get_le32(v->data)), len);
		return;
	}
	db = hive_cell(h, get_le32(v->data));
	segment = hive_cell(h, get_le32(db->item[0]));
	for (size_t i = 0; len; i++) {
		size_t n = min_u64(len, HIVE_SEGMENT);

		memcpy(to, hive_cell(h, get_le32(segment[i])), n);
		to += n;
		len -= n;
	}
}

int hive_value_read(const struct hive *h, uint32_t value, struct hive_value *out, struct error *e)
{
	const struct hive_data *v = hive_cell(h, value);
	struct hive_name n = hive_value_name(h, value);
	struct hive_value made = { .type = get_le32(v->type),
		.len = get_le32(v->size) & ~HIVE_INLINE };
	int rc = hive_name_text(&n, &made.name, e);

	if (rc)
		return rc;
	made.data = malloc(made.len + 1);
	if (!made.data) {
		hive_value_free(&made);
		return error_nomem(e, "a registry value");
	}
	data_copy(h, v, made.data, made.len);
	*out = made;
	return 0;
}

void hive_value_free(struct hive_value *v)
{
	if (!v)
		return;
	free(v->name);
	free(v->data);
	*v = (struct hive_value){ 0 };
}

void hive_values_free(struct hive_value *v, size_t count)
{
	for (size_t i = 0; v && i < count; i++)
		hive_value_free(&v[i]);
	free(v);
}

static int wrong_type(
	const struct hive_value *v, const char *key, const char *wanted, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "%s\\%s is %zu bytes of type 0x%x, not %s", key, v->name,
		v->len, v->type, wanted);
}

int hive_get_dword(
	struct hive *h, const char *key, const char *name, uint32_t *out, struct error *e)
{
	struct hive_value v;
	int rc = hive_get(h, key, name, &v, e);
	const void *data = v.data;

	if (rc)
		return rc;
	if (v.type == HIVE_DWORD && v.len == 4)
		*out = get_le32(*(const le32 *)data);
	else if (v.type == DWORD_BIG_ENDIAN && v.len == 4)
		*out = get_be32(*(const be32 *)data);
	else if (v.type == HIVE_QWORD && v.len == 8 && get_le64(*(const le64 *)data) <= UINT32_MAX)
		*out = (uint32_t)get_le64(*(const le64 *)data);
	else
		rc = wrong_type(&v, key, "a DWORD", e);
	hive_value_free(&v);
	return rc;
}

/* The text at the start of `len` bytes: up to a NUL, *used bytes with it. */
static struct hive_name text_at(const uint8_t *data, size_t len, size_t *used)
{
	struct hive_name n = { .bytes = data };

	while (n.len + 2 <= len && (data[n.len] || data[n.len + 1]))
		n.len += 2;
	*used = n.len + 2 <= len ? n.len + 2 : len;
	return n;
}

int hive_data_text(const uint8_t *data, size_t len, char **out, struct error *e)
{
	size_t used;
	struct hive_name n = text_at(data, len, &used);

	return hive_name_text(&n, out, e);
}

int hive_data_list(const uint8_t *data, size_t len, struct strings *out, struct error *e)
{
	int rc = 0;

	while (!rc && len) {
		size_t used;
		struct hive_name n = text_at(data, len, &used);
		char *text;

		if (!n.len)
			break;
		rc = hive_name_text(&n, &text, e);
		if (!rc) {
			rc = strings_add(out, text, e);
			free(text);
		}
		data += used;
		len -= used;
	}
	return rc;
}

int hive_get_text(struct hive *h, const char *key, const char *name, char **out, struct error *e)
{
	struct hive_value v;
	int rc = hive_get(h, key, name, &v, e);

	if (rc)
		return rc;
	if (v.type == HIVE_SZ || v.type == HIVE_EXPAND_SZ)
		rc = hive_data_text(v.data, v.len, out, e);
	else
		rc = wrong_type(&v, key, "text", e);
	hive_value_free(&v);
	return rc;
}

int hive_get_list(
	struct hive *h, const char *key, const char *name, struct strings *out, struct error *e)
{
	struct hive_value v;
	char *text;
	int rc = hive_get(h, key, name, &v, e);

	if (rc)
		return rc;
	if (v.type == HIVE_MULTI_SZ) {
		rc = hive_data_list(v.data, v.len, out, e);
	} else if (v.type == HIVE_SZ || v.type == HIVE_EXPAND_SZ) {
		rc = hive_data_text(v.data, v.len, &text, e);
		if (!rc) {
			rc = strings_add(out, text, e);
			free(text);
		}
	} else {
		rc = wrong_type(&v, key, "a list of texts", e);
	}
	hive_value_free(&v);
	return rc;
}
