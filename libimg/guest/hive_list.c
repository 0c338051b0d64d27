/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sorted lists of keys below a key.  Windows finds a key by halving, so one at a wrong place is
 * lost to it. */
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum {
	/* What fits a bin of 4096 bytes; Windows splits longer lists. */
	PAIRS_LIMIT = 507,
	SINGLES_LIMIT = 1012,
};

struct place {
	unsigned slot, i; /* in the "ri", in the leaf */
};

static unsigned step_of(const struct hive_list *leaf)
{
	return leaf->magic[1] == 'i' ? 1 : 2;
}

static bool is_root(const struct hive_list *list)
{
	return !memcmp(list->magic, "ri", 2);
}

/* Where the offset of a leaf is kept. */
static le32 *leaf_slot(const struct hive *h, uint32_t parent, unsigned slot)
{
	struct hive_key *k = hive_cell(h, parent);
	struct hive_list *list = hive_cell(h, get_le32(k->subkey_list));

	return is_root(list) ? &list->item[slot] : &k->subkey_list;
}

/* The order of names in upper case.  *sure is false where it hangs on letters outside ASCII. */
static int compare(const struct hive *h, uint32_t a, uint32_t b, bool *sure)
{
	struct hive_name x = hive_key_name(h, a), y = hive_key_name(h, b);
	size_t n = hive_name_units(&x), m = hive_name_units(&y);

	*sure = true;
	for (size_t i = 0; i < n && i < m; i++) {
		uint16_t c = hive_unit_upper(hive_name_unit(&x, i));
		uint16_t d = hive_unit_upper(hive_name_unit(&y, i));

		if (c != d) {
			*sure = c < 0x80 || d < 0x80;
			return c < d ? -1 : 1;
		}
	}
	return (n > m) - (n < m);
}

/* Where `key` is to go; all names are looked at, because in a list that is not sorted no place is
 * right. */
static int find_place(
	const struct hive *h, uint32_t parent, uint32_t key, struct place *out, struct error *e)
{
	struct hive_walk w = hive_walk_start(h, parent);
	uint32_t at, before = HIVE_NIL;
	bool found = false, sure;

	*out = (struct place){ 0 };
	while (hive_walk_next(&w, &at)) {
		if (before != HIVE_NIL && compare(h, before, at, &sure) >= 0 && sure)
			return error_set(e, ERR_CORRUPT,
				"the keys below the one at 0x%llx are not sorted",
				HIVE_BASE_SIZE + 0ull + parent);
		if (!found && compare(h, at, key, &sure) > 0) {
			*out = (struct place){ w.leaf, w.i - 1 };
			found = true;
		} else if (!found) {
			*out = (struct place){ w.leaf, w.i };
		}
		before = at;
	}
	return 0;
}

static le32 hint(const char *magic, const char *name, size_t len)
{
	le32 first = { { 0 } };
	uint32_t hash = 0;

	memcpy(first.b, name, min_u64(len, sizeof(first)));
	for (size_t i = 0; i < len; i++)
		hash = hash * 37 + hive_unit_upper((uint8_t)name[i]);
	return magic[1] == 'h' ? put_le32(hash) : first;
}

/* A leaf for the first key: of hashes since 1.5. */
static int leaf_new(struct hive *h, uint32_t parent, struct error *e)
{
	struct hive_list *list;
	uint32_t at;
	int rc = hive_cell_new(h, sizeof(*list) + 8, &at, e);

	if (rc)
		return rc;
	list = hive_cell(h, at);
	memcpy(list->magic, h->minor > 4 ? "lh" : "lf", 2);
	((struct hive_key *)hive_cell(h, parent))->subkey_list = put_le32(at);
	return 0;
}

/* Makes room for one more leaf behind that of `slot`, under a new "ri" if there is none. */
static int root_grow(struct hive *h, uint32_t parent, unsigned slot, uint32_t leaf, struct error *e)
{
	uint32_t at = get_le32(((struct hive_key *)hive_cell(h, parent))->subkey_list), old = at;
	struct hive_list *list = hive_cell(h, at);
	unsigned count = is_root(list) ? get_le16(list->count) : 1;
	int rc;

	if (count >= SINGLES_LIMIT)
		return error_set(e, ERR_UNSUPPORTED,
			"there are too many keys below the one at 0x%llx",
			HIVE_BASE_SIZE + 0ull + parent);
	if (is_root(list)) {
		rc = hive_cell_grow(h, &at, sizeof(*list) + 4 * (count + 1), e);
	} else {
		rc = hive_cell_new(h, sizeof(*list) + 4 * 2, &at, e);
		if (!rc) {
			list = hive_cell(h, at);
			memcpy(list->magic, "ri", 2);
			list->item[0] = put_le32(old);
		}
	}
	if (rc)
		return rc;
	list = hive_cell(h, at);
	memmove(&list->item[slot + 2], &list->item[slot + 1], 4 * (count - slot - 1));
	list->item[slot + 1] = put_le32(leaf);
	list->count = put_le16((uint16_t)(count + 1));
	((struct hive_key *)hive_cell(h, parent))->subkey_list = put_le32(at);
	return 0;
}

/* Moves the second half of a full leaf to one of its own. */
static int leaf_split(struct hive *h, uint32_t parent, struct place *place, struct error *e)
{
	uint32_t from = get_le32(*leaf_slot(h, parent, place->slot)), to;
	struct hive_list *leaf = hive_cell(h, from), *more;
	unsigned step = step_of(leaf), count = get_le16(leaf->count), half = count / 2;
	int rc;

	if (count < (step == 1 ? SINGLES_LIMIT : PAIRS_LIMIT))
		return 0;
	rc = hive_cell_new(h, sizeof(*leaf) + 4 * step * (count - half), &to, e);
	if (rc)
		return rc;
	leaf = hive_cell(h, from);
	more = hive_cell(h, to);
	memcpy(more->magic, leaf->magic, 2);
	more->count = put_le16((uint16_t)(count - half));
	memcpy(more->item, leaf->item + half * step, 4 * step * (count - half));
	rc = root_grow(h, parent, place->slot, to, e);
	if (rc)
		return rc;
	leaf = hive_cell(h, from);
	leaf->count = put_le16((uint16_t)half);
	if (place->i > half) {
		place->slot++;
		place->i -= half;
	}
	return 0;
}

static int leaf_insert(struct hive *h, uint32_t parent, const struct place *place, uint32_t key,
	const char *name, size_t len, struct error *e)
{
	uint32_t at = get_le32(*leaf_slot(h, parent, place->slot));
	struct hive_list *leaf = hive_cell(h, at);
	unsigned step = step_of(leaf), count = get_le16(leaf->count);
	le32 *item;
	int rc = hive_cell_grow(h, &at, sizeof(*leaf) + 4 * step * (count + 1), e);

	if (rc)
		return rc;
	*leaf_slot(h, parent, place->slot) = put_le32(at);
	leaf = hive_cell(h, at);
	item = leaf->item + place->i * step;
	memmove(item + step, item, 4 * step * (count - place->i));
	item[0] = put_le32(key);
	if (step == 2)
		item[1] = hint(leaf->magic, name, len);
	leaf->count = put_le16((uint16_t)(count + 1));
	return 0;
}

int hive_list_insert(struct hive *h, uint32_t parent, uint32_t key, const char *name, size_t len,
	struct error *e)
{
	struct place place = { 0 };
	uint32_t count = get_le32(((struct hive_key *)hive_cell(h, parent))->subkeys);
	int rc = count ? find_place(h, parent, key, &place, e) : leaf_new(h, parent, e);

	if (!rc)
		rc = leaf_split(h, parent, &place, e);
	if (!rc)
		rc = leaf_insert(h, parent, &place, key, name, len, e);
	if (!rc)
		((struct hive_key *)hive_cell(h, parent))->subkeys = put_le32(count + 1);
	return rc;
}

/* Takes an empty leaf out of its "ri", and with the last one that too. */
static int leaf_drop(struct hive *h, uint32_t parent, unsigned slot, struct error *e)
{
	struct hive_key *k = hive_cell(h, parent);
	uint32_t at = get_le32(k->subkey_list), leaf = get_le32(*leaf_slot(h, parent, slot));
	struct hive_list *list = hive_cell(h, at);
	unsigned count = get_le16(list->count);
	int rc = 0;

	if (is_root(list) && count > 1) {
		memmove(&list->item[slot], &list->item[slot + 1], 4 * (count - slot - 1));
		list->count = put_le16((uint16_t)(count - 1));
		return hive_cell_free(h, leaf, e);
	}
	k->subkey_list = put_le32(HIVE_NIL);
	if (is_root(list))
		rc = hive_cell_free(h, at, e);
	return rc ? rc : hive_cell_free(h, leaf, e);
}

int hive_list_remove(struct hive *h, uint32_t parent, uint32_t key, struct error *e)
{
	struct hive_walk w = hive_walk_start(h, parent);
	struct hive_key *k = hive_cell(h, parent);
	uint32_t at = HIVE_NIL;

	while (at != key && hive_walk_next(&w, &at))
		;
	struct hive_list *leaf = hive_cell(h, get_le32(*leaf_slot(h, parent, w.leaf)));
	unsigned step = step_of(leaf), count = get_le16(leaf->count);

	memmove(leaf->item + (w.i - 1) * step, leaf->item + w.i * step, 4 * step * (count - w.i));
	leaf->count = put_le16((uint16_t)(count - 1));
	k->subkeys = put_le32(get_le32(k->subkeys) - 1);
	h->changed = true;
	return count == 1 ? leaf_drop(h, parent, w.leaf, e) : 0;
}
