/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making keys, and freeing what belongs to keys and values. */
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum { KEY_NAME_LIMIT = 255, BATCH = 500 };

static struct hive_security *security_of(const struct hive *h, uint32_t key)
{
	return hive_cell(h, get_le32(((struct hive_key *)hive_cell(h, key))->security));
}

static void users_add(const struct hive *h, uint32_t key, uint32_t change)
{
	struct hive_security *s = security_of(h, key);

	s->users = put_le32(get_le32(s->users) + change);
}

/* Lists are sorted by Windows' own table of upper case, which is known here for ASCII only. */
static int check_name(const char *name, size_t len, struct error *e)
{
	if (len > KEY_NAME_LIMIT)
		return error_set(e, ERR_UNSUPPORTED, "a key's name of %zu letters", len);
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)name[i] < 0x20 || (uint8_t)name[i] > 0x7e)
			return error_set(e, ERR_UNSUPPORTED,
				"a key named %.*s can't be made: byte 0x%02x is not ASCII",
				(int)len, name, (uint8_t)name[i]);
	return 0;
}

static void key_fill(struct hive *h, uint32_t at, uint32_t parent, const char *name, size_t len)
{
	struct hive_key *k = hive_cell(h, at), *above = hive_cell(h, parent);

	memcpy(k->magic, "nk", 2);
	k->flags = put_le16(HIVE_KEY_COMPACT);
	k->written = above->written;
	k->parent = put_le32(parent);
	k->subkey_list = k->volatile_list = k->value_list = k->class_name = put_le32(HIVE_NIL);
	k->security = above->security;
	k->name_len = put_le16((uint16_t)len);
	memcpy(k->name, name, len);
}

static int key_new(struct hive *h, uint32_t parent, const char *name, size_t len, uint32_t *out,
	struct error *e)
{
	struct hive_key *above;
	uint32_t at;
	int rc = check_name(name, len, e);

	if (!rc && get_le32(security_of(h, parent)->users) == INT32_MAX)
		rc = error_set(e, ERR_UNSUPPORTED, "too many keys share a security descriptor");
	if (!rc)
		rc = hive_cell_new(h, HIVE_KEY_SIZE + len, &at, e);
	if (rc)
		return rc;
	key_fill(h, at, parent, name, len);
	rc = hive_list_insert(h, parent, at, name, len, e);
	if (rc) {
		hive_cell_free(h, at, NULL);
		return rc;
	}
	users_add(h, at, 1);
	above = hive_cell(h, parent);
	if (get_le16(above->subkey_name_max) < len * 2)
		above->subkey_name_max = put_le16((uint16_t)(len * 2));
	*out = at;
	return 0;
}

int hive_make_key(struct hive *h, const char *path, uint32_t *out, size_t *made, struct error *e)
{
	uint32_t key = h->root, depth = 0;
	const char *whole = path;
	size_t len;
	const char *part = hive_path_part(&path, &len);
	int rc = 0;

	*made = 0;
	while (!rc && len) {
		uint32_t below = hive_subkey(h, key, part, len);

		if (++depth > HIVE_DEPTH_LIMIT)
			return error_set(e, ERR_UNSUPPORTED, "more than 512 levels of keys");
		if (below == HIVE_NIL) {
			rc = key_new(h, key, part, len, &below, e);
			if (!*made)
				*made = (size_t)(path - whole);
		}
		key = below;
		part = hive_path_part(&path, &len);
	}
	*out = key;
	return rc;
}

int hive_drop_data(struct hive *h, uint32_t value, struct error *e)
{
	struct hive_data *v = hive_cell(h, value);
	uint32_t size = get_le32(v->size), data = get_le32(v->data);
	bool big = hive_value_big(h, v);
	int rc = 0;

	v->size = put_le32(HIVE_INLINE);
	v->data = put_le32(0);
	h->changed = true;
	if (size & HIVE_INLINE || !size)
		return 0;
	if (big) {
		const struct hive_list *db = hive_cell(h, data);
		uint32_t list = get_le32(db->item[0]);
		const le32 *segment = hive_cell(h, list);

		for (unsigned i = 0; !rc && i < get_le16(db->count); i++)
			rc = hive_cell_free(h, get_le32(segment[i]), e);
		if (!rc)
			rc = hive_cell_free(h, list, e);
	}
	return rc ? rc : hive_cell_free(h, data, e);
}

int hive_drop_value(struct hive *h, uint32_t value, struct error *e)
{
	int rc = hive_drop_data(h, value, e);

	return rc ? rc : hive_cell_free(h, value, e);
}

static int values_drop(struct hive *h, uint32_t key, struct error *e)
{
	const struct hive_key *k = hive_cell(h, key);
	uint32_t count = get_le32(k->values);
	const le32 *list = count ? hive_cell(h, get_le32(k->value_list)) : NULL;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < count; i++)
		rc = hive_drop_value(h, get_le32(list[i]), e);
	return rc || !count ? rc : hive_cell_free(h, get_le32(k->value_list), e);
}

static int lists_drop(struct hive *h, uint32_t key, struct error *e)
{
	const struct hive_key *k = hive_cell(h, key);
	uint32_t at = get_le32(k->subkey_list);
	const struct hive_list *list;
	int rc = 0;

	if (!get_le32(k->subkeys))
		return 0;
	list = hive_cell(h, at);
	if (!memcmp(list->magic, "ri", 2))
		for (unsigned i = 0; !rc && i < get_le16(list->count); i++)
			rc = hive_cell_free(h, get_le32(list->item[i]), e);
	return rc ? rc : hive_cell_free(h, at, e);
}

/* One user of a descriptor less; the last one takes it out of the ring. */
static int security_drop(struct hive *h, uint32_t key, struct error *e)
{
	struct hive_security *s = security_of(h, key), *next, *previous;
	uint32_t at = get_le32(((struct hive_key *)hive_cell(h, key))->security);

	users_add(h, key, UINT32_MAX);
	if (get_le32(s->users))
		return 0;
	next = hive_cell(h, get_le32(s->next));
	previous = hive_cell(h, get_le32(s->previous));
	next->previous = s->previous;
	previous->next = s->next;
	return hive_cell_free(h, at, e);
}

static int key_drop(struct hive *h, uint32_t key, struct error *e)
{
	const struct hive_key *k = hive_cell(h, key);
	int rc = values_drop(h, key, e);

	if (!rc)
		rc = lists_drop(h, key, e);
	if (!rc)
		rc = security_drop(h, key, e);
	if (!rc && get_le16(k->class_len))
		rc = hive_cell_free(h, get_le32(k->class_name), e);
	return rc ? rc : hive_cell_free(h, key, e);
}

int hive_drop_tree(struct hive *h, uint32_t key, struct error *e)
{
	struct buffer keys = { 0 };
	uint32_t parent = get_le32(((struct hive_key *)hive_cell(h, key))->parent), at;
	int rc = buffer_append(&keys, &key, sizeof(key), e);

	for (size_t i = 0; !rc && i < keys.len; i += sizeof(at)) {
		memcpy(&at, keys.data + i, sizeof(at));
		struct hive_walk w = hive_walk_start(h, at);

		while (!rc && hive_walk_next(&w, &at))
			rc = buffer_append(&keys, &at, sizeof(at), e);
	}
	if (!rc)
		rc = hive_list_remove(h, parent, key, e);
	if (keys.len / sizeof(key) > BATCH)
		hive_cells_batch(h);
	for (size_t i = 0; !rc && i < keys.len; i += sizeof(at)) {
		memcpy(&at, keys.data + i, sizeof(at));
		rc = key_drop(h, at, e);
	}
	buffer_free(&keys);
	return rc ? rc : hive_cells_batch_end(h, e);
}
