/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether all keys are whole, each is reached once, and security descriptors are counted. */
#include <stdlib.h>
#include <string.h>

#include "guest/hive_check.h"

static int push(struct hive_check *c, uint32_t at, uint32_t parent, uint32_t depth, struct error *e)
{
	if (depth > HIVE_DEPTH_LIMIT)
		return hive_bad(e, at, "more than 512 levels of keys");
	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : 1024;
		void *more = reallocarray(c->stack, capacity, sizeof(*c->stack));

		if (!more)
			return error_nomem(e, "a registry hive");
		c->stack = more;
		c->capacity = capacity;
	}
	c->stack[c->count++] = (struct hive_check_key){ at, parent, depth };
	return 0;
}

/* Puts the keys of a leaf on the stack, claimed so that none comes twice, and counts them. */
static int check_leaf(struct hive_check *c, uint32_t at, const struct hive_check_key *parent,
	uint64_t *count, struct error *e)
{
	const struct hive_list *list = hive_check_claim(c, at, NULL, 4, e);
	unsigned step, n;

	if (!list)
		return -ERR_CORRUPT;
	if (memcmp(list->magic, "lf", 2) && memcmp(list->magic, "lh", 2) &&
		memcmp(list->magic, "li", 2))
		return hive_bad(e, at, "no list of keys");
	step = list->magic[1] == 'i' ? 1 : 2;
	n = get_le16(list->count);
	if (!hive_check_cell(c, at, NULL, 4 + 4 * step * n, e))
		return -ERR_CORRUPT;
	*count += n;
	for (unsigned i = 0; i < n; i++) {
		uint32_t key = get_le32(list->item[i * step]);
		int rc = hive_check_claim(c, key, "nk", HIVE_KEY_SIZE, e)
			? push(c, key, parent->at, parent->depth + 1, e)
			: -ERR_CORRUPT;

		if (rc)
			return rc;
	}
	return 0;
}

static int check_lists(struct hive_check *c, const struct hive_check_key *key, uint32_t at,
	uint64_t *count, struct error *e)
{
	const struct hive_list *list = hive_check_cell(c, at, NULL, 4, e);
	unsigned n;

	if (!list)
		return -ERR_CORRUPT;
	if (memcmp(list->magic, "ri", 2))
		return check_leaf(c, at, key, count, e);
	n = get_le16(list->count);
	if (!hive_check_claim(c, at, NULL, 4 + 4 * n, e))
		return -ERR_CORRUPT;
	for (unsigned i = 0; i < n; i++) {
		int rc = check_leaf(c, get_le32(list->item[i]), key, count, e);

		if (rc)
			return rc;
	}
	return 0;
}

static int check_subkeys(struct hive_check *c, const struct hive_check_key *key,
	const struct hive_key *k, struct error *e)
{
	uint64_t count = 0;
	int rc;

	if (get_le32(k->subkeys) > HIVE_SUBKEYS_LIMIT)
		return error_set(e, ERR_RANGE, "%u keys below one", get_le32(k->subkeys));
	rc = get_le32(k->subkeys) ? check_lists(c, key, get_le32(k->subkey_list), &count, e) : 0;

	if (!rc && count != get_le32(k->subkeys))
		rc = hive_bad(e, key->at, "a wrong number of keys below the one");
	return rc;
}

/* A descriptor and its neighbours in the ring. */
static int check_descriptor(
	struct hive_check *c, uint32_t at, const struct hive_security *s, struct error *e)
{
	const struct hive_security *next, *previous;

	if (!hive_check_cell(c, at, "sk", sizeof(*s) + (size_t)get_le32(s->size), e))
		return -ERR_CORRUPT;
	next = hive_check_cell(c, get_le32(s->next), "sk", sizeof(*s), e);
	previous = next ? hive_check_cell(c, get_le32(s->previous), "sk", sizeof(*s), e) : NULL;
	if (!previous)
		return -ERR_CORRUPT;
	if (get_le32(next->previous) != at || get_le32(previous->next) != at)
		return hive_bad(e, at, "a security descriptor outside the ring");
	return 0;
}

static int check_security(struct hive_check *c, uint32_t at, struct error *e)
{
	bool first;
	const struct hive_security *s = hive_check_share(c, at, "sk", sizeof(*s), &first, e);
	int rc;

	if (!s)
		return -ERR_CORRUPT;
	rc = first ? check_descriptor(c, at, s, e) : 0;
	return rc ? rc : buffer_append(&c->security, &at, sizeof(at), e);
}

/* A name has letters, and none of them is the one that parts names in a path. */
static int check_name(const struct hive_key *k, uint32_t at, struct error *e)
{
	const struct hive_name n = { k->name, get_le16(k->name_len),
		(get_le16(k->flags) & HIVE_KEY_COMPACT) != 0 };

	if (!n.len || (n.len % 2 && !n.compact))
		return hive_bad(e, at, "a key without a whole name");
	for (size_t i = 0; i < hive_name_units(&n); i++)
		if (hive_name_unit(&n, i) == '\\')
			return hive_bad(e, at, "a \"\\\" in the name of the key");
	return 0;
}

static int check_key(struct hive_check *c, const struct hive_check_key *key, struct error *e)
{
	const struct hive_key *k = hive_check_cell(c, key->at, "nk", HIVE_KEY_SIZE, e);
	size_t len = k ? get_le16(k->name_len) : 0;
	size_t class_len = k ? get_le16(k->class_len) : 0;
	int rc;

	if (!k || !hive_check_cell(c, key->at, "nk", HIVE_KEY_SIZE + len, e))
		return -ERR_CORRUPT;
	rc = check_name(k, key->at, e);
	if (rc)
		return rc;
	if (key->depth && get_le32(k->parent) != key->parent)
		return hive_bad(e, key->at, "a wrong parent of the key");
	if (class_len && !hive_check_claim(c, get_le32(k->class_name), NULL, class_len, e))
		return -ERR_CORRUPT;
	rc = check_security(c, get_le32(k->security), e);
	if (!rc)
		rc = hive_check_values(c, k, e);
	return rc ? rc : check_subkeys(c, key, k, e);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A descriptor that counts fewer users than it has would be freed too early. */
static int check_users(struct hive_check *c, struct error *e)
{
	uint32_t *at = (void *)c->security.data;
	size_t count = c->security.len / sizeof(*at);

	qsort(at, count, sizeof(*at), by_number);
	for (size_t i = 0, first = 0; i < count; i++) {
		const struct hive_security *s = (const void *)(c->bins + at[i] + HIVE_CELL_HEADER);

		if (i + 1 < count && at[i + 1] == at[i])
			continue;
		if (get_le32(s->users) < i + 1 - first)
			return hive_bad(e, at[i], "too few users of a security descriptor");
		if (get_le32(s->users) > INT32_MAX)
			return hive_bad(e, at[i], "too many users of a security descriptor");
		first = i + 1;
	}
	return 0;
}

int hive_check_keys(struct hive_check *c, uint32_t root, struct error *e)
{
	int rc = hive_check_claim(c, root, "nk", HIVE_KEY_SIZE, e) ? push(c, root, HIVE_NIL, 0, e)
								   : -ERR_CORRUPT;

	while (!rc && c->count) {
		struct hive_check_key key = c->stack[--c->count];

		rc = check_key(c, &key, e);
	}
	if (!rc)
		rc = check_users(c, e);
	free(c->stack);
	buffer_free(&c->security);
	return rc;
}
