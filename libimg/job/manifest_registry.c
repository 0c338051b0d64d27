/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of the registry, as JSON: data as what its type makes of it, when that is all there is to
 * it. */
#include "job/manifest_registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/hive.h"
#include "job/manifest.h"

static json_t *hex_json(const uint8_t *data, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	char *text = malloc(len * 2 + 1);
	json_t *json;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[i * 2] = digit[data[i] >> 4];
		text[i * 2 + 1] = digit[data[i] & 15];
	}
	json = json_stringn(text, len * 2);
	free(text);
	return json;
}

/* Whether the bytes made of it are the data again; if not, there is more in it than the text says.
 */
static bool same(int rc, struct buffer *made, const struct registry_state *s)
{
	bool equal = !rc && made->len == s->len && !memcmp(made->data, s->data, s->len);

	buffer_free(made);
	return equal;
}

/* NULL: it is no text, or no memory, which hexadecimal digits then come upon too. */
static json_t *text_data_json(const struct registry_state *s)
{
	struct buffer made = { 0 };
	json_t *json = NULL;
	char *text;

	if (hive_data_text(s->data, s->len, &text, NULL))
		return NULL;
	if (same(hive_text_data(text, &made, NULL), &made, s))
		json = json_string(text);
	free(text);
	return json;
}

static json_t *list_data_json(const struct registry_state *s)
{
	struct strings list = { 0 };
	struct buffer made = { 0 };
	json_t *json = NULL;
	int rc = hive_data_list(s->data, s->len, &list, NULL);

	if (!rc && same(hive_list_data(&list, &made, NULL), &made, s)) {
		json = json_array();
		for (size_t i = 0; json && i < list.count; i++)
			if (json_array_append_new(json, json_string(list.item[i]))) {
				json_decref(json);
				json = NULL;
			}
	}
	strings_free(&list);
	return json;
}

/* NULL: the type does not explain the data. */
static json_t *typed_json(const struct registry_state *s)
{
	const void *data = s->data;

	if (s->type == HIVE_DWORD && s->len == sizeof(le32))
		return json_integer(get_le32(*(const le32 *)data));
	if (s->type == HIVE_QWORD && s->len == sizeof(le64) && !(s->data[7] >> 7))
		return json_integer((json_int_t)get_le64(*(const le64 *)data));
	if (s->type == HIVE_SZ || s->type == HIVE_EXPAND_SZ)
		return text_data_json(s);
	return s->type == HIVE_MULTI_SZ ? list_data_json(s) : NULL;
}

static bool is_typed(uint32_t type)
{
	return type == HIVE_DWORD || type == HIVE_QWORD || type == HIVE_SZ ||
		type == HIVE_EXPAND_SZ || type == HIVE_MULTI_SZ;
}

json_t *registry_data_json(const struct registry_state *s)
{
	json_t *json;

	if (!s->present || !s->data)
		return json_null();
	json = typed_json(s);
	return json ? json : hex_json(s->data, s->len);
}

/* Digits are told from a text that looks like them by their name. */
static json_t *state_json(const struct registry_state *s)
{
	const char *name = hive_type_name(s->type);
	const char *what = "data";
	char number[16];
	json_t *json;

	if (!s->present)
		return json_null();
	if (!s->data)
		return json_object();
	snprintf(number, sizeof(number), "0x%x", s->type);
	json = typed_json(s);
	if (!json) {
		json = hex_json(s->data, s->len);
		what = is_typed(s->type) ? "hex" : "data";
	}
	return json_pack("{s:s, s:o}", "type", name ? name : number, what, json);
}

json_t *registry_edit_json(const struct registry_edit *r)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s*, s:o, s:o}", "action",
		edit_action_name(r->action), "volume", guest_text_json(r->volume), "hive",
		guest_text_json(r->hive), "key", guest_text_json(r->key), "value",
		r->value ? guest_text_json(r->value) : json_null(), "why", r->why, "before",
		state_json(&r->before), "after", state_json(&r->after));
}
