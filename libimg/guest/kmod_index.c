/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the trie of a ".bin" index.  The entries are sorted first, so each node is a run of
 * neighbours and no tree is ever built: a stack of runs, as deep as the longest key, gives depmod's
 * post-order.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "guest/kmod_index.h"

enum {
	INDEX_MAGIC = (int)0xB007F457,
	INDEX_VERSION = 0x00020001,
	INDEX_CHARACTERS = 128,
	INDEX_SIZE_LIMIT = 64 << 20, /* an offset has 28 bits; real files stay below 2 MiB */
};
#define INDEX_NODE_PREFIX 0x80000000u
#define INDEX_NODE_VALUES 0x40000000u
#define INDEX_NODE_CHILDS 0x20000000u

/* A node: the entries that share the key's first `end` bytes. */
struct node {
	size_t low, high; /* entries; those with a value here come first */
	size_t values; /* end of those */
	size_t next; /* first entry whose child is not written yet */
	size_t start, end; /* of the prefix in the key */
	uint8_t first, last; /* characters that the children branch on */
	uint8_t branch; /* the child in work */
	be32 child[INDEX_CHARACTERS];
};

struct nodes {
	struct node *item;
	size_t count, capacity;
};

static bool is_ascii(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.text[i] >= INDEX_CHARACTERS)
			return false;
	return true;
}

static int index_room(struct index *ix, struct error *e)
{
	size_t capacity = ix->capacity ? ix->capacity * 2 : 256;
	struct index_entry *grown;

	if (ix->count < ix->capacity)
		return 0;
	grown = reallocarray(ix->entry, capacity, sizeof(*grown));
	if (!grown)
		return error_nomem(e, "index entries");
	ix->entry = grown;
	ix->capacity = capacity;
	return 0;
}

int index_add(
	struct index *ix, struct span key, struct span value, uint32_t priority, struct error *e)
{
	struct index_entry entry = {
		.key = ix->text.len, .key_len = key.len, .priority = priority
	};
	int rc;

	if (key.len > INDEX_KEY_LIMIT)
		return error_set(e, ERR_RANGE, "index key of %zu bytes, more than %d", key.len,
			INDEX_KEY_LIMIT);
	if (!is_ascii(key))
		return 0;
	rc = index_room(ix, e);
	if (!rc)
		rc = buffer_append(&ix->text, key.text, key.len, e);
	entry.value = ix->text.len;
	entry.order = (uint32_t)ix->count;
	if (!rc)
		rc = buffer_append(&ix->text, value.text, value.len, e);
	if (!rc)
		rc = buffer_zeros(&ix->text, 1, e);
	if (!rc)
		ix->entry[ix->count++] = entry;
	return rc;
}

static int entry_compare(const void *a, const void *b, void *text)
{
	const struct index_entry *x = a, *y = b;
	const char *keys = text;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order = memcmp(keys + x->key, keys + y->key, len);

	if (order)
		return order;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	/* depmod puts a new value in front of those with its priority. */
	return (x->order < y->order) - (x->order > y->order);
}

static const uint8_t *entry_key(const struct index *ix, size_t i)
{
	return ix->text.data + ix->entry[i].key;
}

/* The end of what the keys of a run have in common; being sorted, its first and last decide. */
static size_t common_end(const struct index *ix, size_t low, size_t high, size_t start)
{
	const uint8_t *a = entry_key(ix, low), *b = entry_key(ix, high - 1);
	size_t end = start;

	while (end < ix->entry[low].key_len && end < ix->entry[high - 1].key_len &&
		a[end] == b[end])
		end++;
	return end;
}

static int node_push(struct nodes *nodes, const struct index *ix, size_t low, size_t high,
	size_t start, struct error *e)
{
	struct node *n;

	if (nodes->count == nodes->capacity) {
		size_t capacity = nodes->capacity ? nodes->capacity * 2 : 32;
		struct node *grown = reallocarray(nodes->item, capacity, sizeof(*grown));

		if (!grown)
			return error_nomem(e, "index nodes");
		nodes->item = grown;
		nodes->capacity = capacity;
	}
	n = &nodes->item[nodes->count];
	/* The root never has a prefix, even when all keys begin alike. */
	*n = (struct node){ .low = low,
		.high = high,
		.values = low,
		.start = start,
		.end = nodes->count ? common_end(ix, low, high, start) : start };
	nodes->count++;
	while (n->values < high && ix->entry[n->values].key_len == n->end)
		n->values++;
	n->next = n->values;
	if (n->next < high) {
		n->first = entry_key(ix, n->next)[n->end];
		n->last = entry_key(ix, high - 1)[n->end];
	}
	return 0;
}

/* Pushes the next child of the topmost node. */
static int node_descend(struct nodes *nodes, const struct index *ix, struct error *e)
{
	struct node *n = &nodes->item[nodes->count - 1];
	size_t low = n->next, start = n->end + 1;

	n->branch = entry_key(ix, low)[n->end];
	while (n->next < n->high && entry_key(ix, n->next)[n->end] == n->branch)
		n->next++;
	return node_push(nodes, ix, low, n->next, start, e);
}

static int values_write(
	const struct index *ix, const struct node *n, struct buffer *out, struct error *e)
{
	be32 word = put_be32((uint32_t)(n->values - n->low));
	int rc = buffer_append(out, &word, sizeof(word), e);

	for (size_t i = n->low; i < n->values && !rc; i++) {
		const char *value = (const char *)ix->text.data + ix->entry[i].value;

		word = put_be32(ix->entry[i].priority);
		rc = buffer_append(out, &word, sizeof(word), e);
		if (!rc)
			rc = buffer_append(out, value, strlen(value) + 1, e);
	}
	return rc;
}

/* *where becomes the node's offset with its flags. */
static int node_write(const struct index *ix, const struct node *n, struct buffer *out, be32 *where,
	struct error *e)
{
	uint32_t flags = (uint32_t)out->len;
	int rc = 0;

	if (out->len > INDEX_SIZE_LIMIT)
		return error_set(e, ERR_RANGE, "index file larger than %d bytes", INDEX_SIZE_LIMIT);
	if (n->end > n->start) {
		flags |= INDEX_NODE_PREFIX;
		rc = buffer_append(out, entry_key(ix, n->low) + n->start, n->end - n->start, e);
		if (!rc)
			rc = buffer_zeros(out, 1, e);
	}
	if (!rc && n->values < n->high) {
		const uint8_t range[] = { n->first, n->last };
		size_t children = (size_t)(n->last - n->first) + 1;

		flags |= INDEX_NODE_CHILDS;
		rc = buffer_append(out, range, sizeof(range), e);
		if (!rc)
			rc = buffer_append(out, n->child, children * sizeof(*n->child), e);
	}
	if (!rc && n->values > n->low) {
		flags |= INDEX_NODE_VALUES;
		rc = values_write(ix, n, out, e);
	}
	*where = put_be32(flags);
	return rc;
}

static int nodes_write(struct index *ix, struct buffer *out, be32 *root, struct error *e)
{
	struct nodes nodes = { 0 };
	int rc = node_push(&nodes, ix, 0, ix->count, 0, e);

	while (!rc && nodes.count) {
		struct node *n = &nodes.item[nodes.count - 1], *parent = n - 1;
		be32 where;

		if (n->next < n->high) {
			rc = node_descend(&nodes, ix, e);
			continue;
		}
		rc = node_write(ix, n, out, &where, e);
		if (--nodes.count)
			parent->child[parent->branch - parent->first] = where;
		else
			*root = where;
	}
	free(nodes.item);
	return rc;
}

int index_write(struct index *ix, struct buffer *out, struct error *e)
{
	be32 header[] = { put_be32((uint32_t)INDEX_MAGIC), put_be32(INDEX_VERSION), put_be32(0) };
	int rc = buffer_append(out, header, sizeof(header), e);

	if (ix->count)
		qsort_r(ix->entry, ix->count, sizeof(*ix->entry), entry_compare, ix->text.data);
	if (!rc)
		rc = nodes_write(ix, out, &header[2], e);
	if (!rc)
		memcpy(out->data, header, sizeof(header));
	return rc;
}

void index_free(struct index *ix)
{
	free(ix->entry);
	buffer_free(&ix->text);
	*ix = (struct index){ 0 };
}
