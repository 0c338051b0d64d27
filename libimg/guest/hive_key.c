/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding keys and values of a hive that has been checked. */
#include <stdlib.h>
#include <string.h>

#include "guest/hive_private.h"

struct hive_walk hive_walk_start(const struct hive *h, uint32_t key)
{
	const struct hive_key *k = hive_cell(h, key);

	return (struct hive_walk){ .h = h,
		.list = get_le32(k->subkeys) ? get_le32(k->subkey_list) : HIVE_NIL };
}

bool hive_walk_next(struct hive_walk *w, uint32_t *key)
{
	while (w->list != HIVE_NIL) {
		const struct hive_list *list = hive_cell(w->h, w->list), *leaf = list;
		bool root = !memcmp(list->magic, "ri", 2);

		if (w->leaf >= (root ? get_le16(list->count) : 1u))
			break;
		if (root)
			leaf = hive_cell(w->h, get_le32(list->item[w->leaf]));
		if (w->i < get_le16(leaf->count)) {
			*key = get_le32(leaf->item[w->i++ * (leaf->magic[1] == 'i' ? 1 : 2)]);
			return true;
		}
		w->leaf++;
		w->i = 0;
	}
	return false;
}

uint32_t hive_subkey(const struct hive *h, uint32_t key, const char *name, size_t len)
{
	struct hive_walk w = hive_walk_start(h, key);
	uint32_t below;

	while (hive_walk_next(&w, &below)) {
		struct hive_name n = hive_key_name(h, below);

		if (hive_name_is(&n, name, len))
			return below;
	}
	return HIVE_NIL;
}

const char *hive_path_part(const char **path, size_t *len)
{
	const char *part = *path + strspn(*path, "\\");

	*len = strcspn(part, "\\");
	*path = part + *len;
	return part;
}

uint32_t hive_find(const struct hive *h, const char *path)
{
	uint32_t key = h->root;
	size_t len;
	const char *part = hive_path_part(&path, &len);

	while (len && key != HIVE_NIL) {
		key = hive_subkey(h, key, part, len);
		part = hive_path_part(&path, &len);
	}
	return key;
}

uint32_t hive_find_value(const struct hive *h, uint32_t key, const char *name, size_t *index)
{
	const struct hive_key *k = hive_cell(h, key);
	size_t count = get_le32(k->values), len = strlen(name);
	const le32 *list = count ? hive_cell(h, get_le32(k->value_list)) : NULL;

	for (size_t i = 0; i < count; i++) {
		struct hive_name n = hive_value_name(h, get_le32(list[i]));

		if (hive_name_is(&n, name, len)) {
			if (index)
				*index = i;
			return get_le32(list[i]);
		}
	}
	return HIVE_NIL;
}

bool hive_has_key(struct hive *h, const char *key)
{
	return hive_find(h, key) != HIVE_NIL;
}

static int no_key(const char *key, struct error *e)
{
	return error_set(e, ERR_NOTFOUND, "there is no registry key %s", key);
}

int hive_keys(struct hive *h, const char *key, struct strings *out, struct error *e)
{
	uint32_t at = hive_find(h, key), below;
	struct strings names = { 0 };
	struct hive_walk w;
	int rc = 0;

	if (at == HIVE_NIL)
		return no_key(key, e);
	w = hive_walk_start(h, at);
	while (!rc && hive_walk_next(&w, &below)) {
		struct hive_name n = hive_key_name(h, below);
		char *text;

		rc = hive_name_text(&n, &text, e);
		if (!rc) {
			rc = strings_add(&names, text, e);
			free(text);
		}
	}
	strings_sort(&names);
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = strings_add(out, names.item[i], e);
	strings_free(&names);
	return rc;
}

int hive_values(
	struct hive *h, const char *key, struct hive_value **out, size_t *count, struct error *e)
{
	uint32_t at = hive_find(h, key);
	struct hive_value *v;
	size_t n;
	int rc = 0;

	if (at == HIVE_NIL)
		return no_key(key, e);
	const struct hive_key *k = hive_cell(h, at);

	n = get_le32(k->values);
	v = calloc(n + 1, sizeof(*v));
	if (!v)
		return error_nomem(e, "registry values");
	for (size_t i = 0; !rc && i < n; i++) {
		const le32 *list = hive_cell(h, get_le32(k->value_list));

		rc = hive_value_read(h, get_le32(list[i]), &v[i], e);
	}
	if (rc) {
		hive_values_free(v, n);
		return rc;
	}
	*out = v;
	*count = n;
	return 0;
}

int hive_get(
	struct hive *h, const char *key, const char *name, struct hive_value *out, struct error *e)
{
	uint32_t at = hive_find(h, key);
	uint32_t value = at == HIVE_NIL ? HIVE_NIL : hive_find_value(h, at, name, NULL);

	if (at == HIVE_NIL)
		return no_key(key, e);
	if (value == HIVE_NIL)
		return error_set(
			e, ERR_NOTFOUND, "the registry key %s has no value \"%s\"", key, name);
	return hive_value_read(h, value, out, e);
}
