/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of values and keys, each recorded with what was there before. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum { VALUE_NAME_LIMIT = 16383, SPARE_LIMIT = 64 };

static int editable(const struct hive *h, struct error *e)
{
	return h->write && !h->finished
		? 0
		: error_set(e, ERR_USAGE, "the registry hive is open for reading");
}

static struct registry_state state_of(const struct hive_value *v)
{
	if (!v)
		return (struct registry_state){ 0 };
	return (struct registry_state){
		.present = true, .type = v->type, .data = v->data, .len = v->len
	};
}

/* `name` NULL: the key itself. */
static int record(struct hive *h, const char *key, const char *name, struct registry_state before,
	struct registry_state after, const char *why, struct error *e)
{
	char *text[5] = { strdup(h->volume ? h->volume : ""), strdup(h->path ? h->path : ""),
		strdup(key + strspn(key, "\\")), name ? strdup(name) : NULL,
		strdup(why ? why : "") };
	const struct registry_edit entry = { .volume = text[0],
		.hive = text[1],
		.key = text[2],
		.value = text[3],
		.why = text[4],
		.before = before,
		.after = after };
	bool whole = text[0] && text[1] && text[2] && (!name || text[3]) && text[4];
	int rc = 0;

	if (!whole)
		rc = error_nomem(e, "the edit journal");
	else if (h->journal)
		rc = journal_add_registry(h->journal, &entry, e);
	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
		free(text[i]);
	return rc;
}

/* Finds the key, making it and those above it; the first that is new is recorded. */
static int key_at(struct hive *h, const char *path, const char *why, uint32_t *out, struct error *e)
{
	const struct registry_state none = { 0 }, there = { .present = true };
	size_t made;
	int rc = hive_make_key(h, path, out, &made, e);
	char *new;

	if (rc || !made)
		return rc;
	new = strndup(path, made);
	if (!new)
		return error_nomem(e, "the edit journal");
	rc = record(h, new, NULL, none, there, why, e);
	free(new);
	return rc;
}

static void max_raise(le32 *field, size_t len)
{
	if (get_le32(*field) < len)
		*field = put_le32((uint32_t)len);
}

static void data_inline(struct hive *h, uint32_t value, const struct hive_value *new)
{
	struct hive_data *v = hive_cell(h, value);

	v->size = put_le32((uint32_t) new->len | HIVE_INLINE);
	if (new->len)
		memcpy(v->data.b, new->data, new->len);
}

/* The data goes to where it was if that is neither too small nor much too large. */
static int data_put(struct hive *h, uint32_t value, const struct hive_value *new, struct error *e)
{
	struct hive_data *v = hive_cell(h, value);
	uint32_t size = get_le32(v->size), at = get_le32(v->data), room;
	bool plain = size && !(size & HIVE_INLINE) && !hive_value_big(h, v);
	int rc = 0;

	h->changed = true;
	if (new->len <= sizeof(v->data)) {
		rc = hive_drop_data(h, value, e);
		if (!rc)
			data_inline(h, value, new);
		return rc;
	}
	room = plain ? hive_cell_room(h, at) : 0;
	if (room < new->len || room - new->len > SPARE_LIMIT) {
		rc = hive_cell_new(h, new->len, &at, e);
		if (!rc)
			rc = hive_drop_data(h, value, e);
	}
	if (rc)
		return rc;
	v = hive_cell(h, value);
	memset(hive_cell(h, at), 0, hive_cell_room(h, at));
	memcpy(hive_cell(h, at), new->data, new->len);
	v->size = put_le32((uint32_t) new->len);
	v->data = put_le32(at);
	return 0;
}

/* A name of Latin-1 letters is kept as such. */
static int name_bytes(const char *name, struct buffer *out, bool *compact, struct error *e)
{
	int rc = hive_utf16(name, strlen(name), out, e);
	struct hive_name n = { .bytes = out->data, .len = out->len };
	size_t units = hive_name_units(&n);

	if (rc)
		return rc;
	*compact = units > 0;
	if (units > VALUE_NAME_LIMIT)
		return error_set(e, ERR_UNSUPPORTED, "a value's name of %zu letters", units);
	for (size_t i = 0; i < units; i++)
		if (hive_name_unit(&n, i) > 0xff)
			*compact = false;
	if (*compact) {
		for (size_t i = 0; i < units; i++)
			out->data[i] = out->data[i * 2];
		out->len = units;
	}
	return 0;
}

static int value_new(struct hive *h, const struct hive_value *new, uint32_t *out, struct error *e)
{
	struct buffer name = { 0 };
	struct hive_data *v;
	bool compact;
	int rc = name_bytes(new->name, &name, &compact, e);

	if (!rc)
		rc = hive_cell_new(h, HIVE_DATA_SIZE + name.len, out, e);
	if (!rc) {
		v = hive_cell(h, *out);
		memcpy(v->magic, "vk", 2);
		v->name_len = put_le16((uint16_t)name.len);
		v->size = put_le32(HIVE_INLINE);
		v->flags = put_le16(compact ? HIVE_VALUE_COMPACT : 0);
		if (name.len)
			memcpy(v->name, name.data, name.len);
	}
	buffer_free(&name);
	return rc;
}

static int value_add(struct hive *h, uint32_t key, uint32_t value, struct error *e)
{
	struct hive_key *k = hive_cell(h, key);
	uint32_t count = get_le32(k->values), at = get_le32(k->value_list);
	struct hive_name name = hive_value_name(h, value);
	size_t len = hive_name_units(&name) * 2;
	int rc = count ? hive_cell_grow(h, &at, (count + 1) * 4, e) : hive_cell_new(h, 4, &at, e);

	if (rc)
		return rc;
	((le32 *)hive_cell(h, at))[count] = put_le32(value);
	k = hive_cell(h, key);
	k->value_list = put_le32(at);
	k->values = put_le32(count + 1);
	max_raise(&k->value_name_max, len);
	return 0;
}

static int value_put(
	struct hive *h, uint32_t key, uint32_t value, const struct hive_value *new, struct error *e)
{
	bool missing = value == HIVE_NIL;
	int rc = missing ? value_new(h, new, &value, e) : 0;

	if (!rc)
		rc = data_put(h, value, new, e);
	if (!rc && missing)
		rc = value_add(h, key, value, e);
	if (rc)
		return rc;
	((struct hive_data *)hive_cell(h, value))->type = put_le32(new->type);
	max_raise(&((struct hive_key *)hive_cell(h, key))->value_data_max, new->len);
	return 0;
}

static bool same(const struct hive_value *a, const struct hive_value *b)
{
	return a->type == b->type && a->len == b->len &&
		(!a->len || !memcmp(a->data, b->data, a->len));
}

int hive_set(struct hive *h, const char *key, const struct hive_value *v, const char *why,
	struct error *e)
{
	struct hive_value old = { 0 };
	uint32_t at = HIVE_NIL, value = HIVE_NIL;
	int rc = editable(h, e);

	if (!rc && v->len > HIVE_VALUE_LIMIT)
		rc = error_set(
			e, ERR_UNSUPPORTED, "%s\\%s: a value of %zu bytes", key, v->name, v->len);
	if (!rc)
		rc = key_at(h, key, why, &at, e);
	if (!rc)
		value = hive_find_value(h, at, v->name, NULL);
	if (!rc && value != HIVE_NIL)
		rc = hive_value_read(h, value, &old, e);
	if (!rc && (value == HIVE_NIL || !same(&old, v))) {
		rc = value_put(h, at, value, v, e);
		if (!rc)
			rc = record(h, key, v->name, state_of(value == HIVE_NIL ? NULL : &old),
				state_of(v), why, e);
	}
	hive_value_free(&old);
	return rc;
}

int hive_add_key(struct hive *h, const char *key, const char *why, struct error *e)
{
	uint32_t at;
	int rc = editable(h, e);

	return rc ? rc : key_at(h, key, why, &at, e);
}

/* Takes the value at `index` out of the key's list, and frees it. */
static int value_remove(struct hive *h, uint32_t key, size_t index, struct error *e)
{
	struct hive_key *k = hive_cell(h, key);
	uint32_t count = get_le32(k->values), list = get_le32(k->value_list);
	le32 *item = hive_cell(h, list);
	uint32_t value = get_le32(item[index]);
	int rc = 0;

	memmove(item + index, item + index + 1, 4 * (count - index - 1));
	k->values = put_le32(count - 1);
	h->changed = true;
	if (count == 1) {
		k->value_list = put_le32(HIVE_NIL);
		rc = hive_cell_free(h, list, e);
	}
	return rc ? rc : hive_drop_value(h, value, e);
}

int hive_remove_value(
	struct hive *h, const char *key, const char *name, const char *why, struct error *e)
{
	const struct registry_state none = { 0 };
	uint32_t at = hive_find(h, key), value = HIVE_NIL;
	struct hive_value old;
	size_t index;
	int rc = editable(h, e);

	if (!rc && at != HIVE_NIL)
		value = hive_find_value(h, at, name, &index);
	if (rc || value == HIVE_NIL)
		return rc;
	rc = hive_value_read(h, value, &old, e);
	if (rc)
		return rc;
	rc = value_remove(h, at, index, e);
	if (!rc)
		rc = record(h, key, name, state_of(&old), none, why, e);
	hive_value_free(&old);
	return rc;
}

int hive_remove_key(struct hive *h, const char *key, const char *why, struct error *e)
{
	const struct registry_state none = { 0 }, there = { .present = true };
	uint32_t at = hive_find(h, key);
	int rc = editable(h, e);

	if (rc || at == HIVE_NIL)
		return rc;
	if (at == h->root)
		return error_set(e, ERR_USAGE, "a hive's root key can't be removed");
	rc = hive_drop_tree(h, at, e);
	return rc ? rc : record(h, key, NULL, there, none, why, e);
}
