/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Directories: the index $I30 is a tree whose nodes are the root in the record and blocks of
 * $INDEX_ALLOCATION, ordered by names without regard to case.  The walk is ours, since the
 * library's goes round in a damaged one without end and has Windows' idea of case for all or
 * nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_private.h"

/* A node of the tree that the walk stands in. */
struct level {
	uint8_t *block; /* owned; NULL in the root */
	const uint8_t *at, *end; /* the current entry, and of the entries */
	bool below; /* what is below the current entry has been seen */
};

struct walk {
	struct ntfs *n;
	ntfs_inode *dir;
	ntfs_attr_search_ctx *context; /* holds the root */
	ntfs_attr *blocks; /* NULL: the root is all */
	uint32_t block; /* bytes */
	uint8_t vcn_bits; /* log2 of the bytes that a block's number counts */
	uint64_t left; /* blocks that may still be read */
	ntfschar *index; /* its name, of 4 units */
	bool names; /* it is one of names, $I30 */
	int (*raw)(void *arg, const uint8_t *entry, size_t len); /* of others */
	const struct ntfs_name *key;
	struct level level[NTFS_DEPTH_MAX];
	size_t depth;
};

static int damaged(const struct walk *w, const char *what, struct error *e)
{
	return ntfs_corrupt(e, "the index of file record %" PRIu64 " is damaged: %s",
		(uint64_t)w->dir->mft_no, what);
}

static int push(
	struct walk *w, uint8_t *block, const INDEX_HEADER *header, size_t room, struct error *e)
{
	uint32_t from = le32_to_cpu(header->entries_offset);
	uint32_t to = le32_to_cpu(header->index_length);

	if (w->depth == NTFS_DEPTH_MAX || from < sizeof(*header) || from > to || to > room) {
		free(block);
		return damaged(w, "entries outside their block", e);
	}
	w->level[w->depth++] = (struct level){
		.block = block,
		.at = (const uint8_t *)header + from,
		.end = (const uint8_t *)header + to,
	};
	return 0;
}

static void pop(struct walk *w)
{
	free(w->level[--w->depth].block);
}

static int blocks_open(struct walk *w, struct error *e)
{
	w->blocks = ntfs_attr_open(w->dir, AT_INDEX_ALLOCATION, w->index, 4);
	if (!w->blocks)
		return errno == ENOENT && !w->n->io.error.code
			? 0
			: ntfs_error(w->n, e, "the index of file record %" PRIu64,
				  (uint64_t)w->dir->mft_no);
	w->left = min_u64((uint64_t)w->blocks->data_size, w->n->io.disk->size) / w->block;
	return 0;
}

static int walk_open(struct walk *w, struct error *e)
{
	const ntfs_volume *v = w->n->volume;
	const ATTR_RECORD *a;
	const INDEX_ROOT *root;
	int rc;

	if (w->names && !ntfs_is_directory(w->dir))
		return error_set(
			e, ERR_USAGE, "file %" PRIu64 " is no directory", (uint64_t)w->dir->mft_no);
	w->context = ntfs_attr_get_search_ctx(w->dir, NULL);
	if (!w->context)
		return error_nomem(e, "a directory");
	if (ntfs_attr_lookup(AT_INDEX_ROOT, w->index, 4, CASE_SENSITIVE, 0, NULL, 0, w->context))
		return ntfs_error(
			w->n, e, "the index of file record %" PRIu64, (uint64_t)w->dir->mft_no);
	a = w->context->attr;
	if (a->non_resident || le32_to_cpu(a->value_length) < sizeof(*root) ||
		!range_fits(le16_to_cpu(a->value_offset), le32_to_cpu(a->value_length),
			le32_to_cpu(a->length)))
		return damaged(w, "its root", e);
	root = (const INDEX_ROOT *)((const uint8_t *)a + le16_to_cpu(a->value_offset));
	w->block = le32_to_cpu(root->index_block_size);
	if (!is_power_of_two(w->block) || w->block < 512 || w->block > 64 << 10)
		return damaged(w, "the size of its blocks", e);
	w->vcn_bits = v->cluster_size <= w->block ? v->cluster_size_bits : NTFS_BLOCK_SIZE_BITS;
	rc = blocks_open(w, e);
	return rc ? rc
		  : push(w, NULL, &root->index,
			    le32_to_cpu(a->value_length) - offsetof(INDEX_ROOT, index), e);
}

static void walk_close(struct walk *w)
{
	while (w->depth)
		pop(w);
	if (w->blocks)
		ntfs_attr_close(w->blocks);
	if (w->context)
		ntfs_attr_put_search_ctx(w->context);
}

static int descend(struct walk *w, uint64_t vcn, struct error *e)
{
	uint64_t at = vcn << w->vcn_bits;
	INDEX_BLOCK *block;

	if (!w->blocks || vcn > (uint64_t)INT64_MAX >> w->vcn_bits ||
		!range_fits(at, w->block, (uint64_t)w->blocks->data_size))
		return damaged(w, "a block outside of it", e);
	if (!w->left--)
		return damaged(w, "a block is below itself", e);
	block = malloc(w->block);
	if (!block)
		return error_nomem(e, "a directory");
	if (ntfs_attr_mst_pread(w->blocks, (s64)at, 1, w->block, block) != 1) {
		free(block);
		return ntfs_error(w->n, e, "block %" PRIu64 " of directory %" PRIu64, vcn,
			(uint64_t)w->dir->mft_no);
	}
	if (ntfs_index_block_inconsistent(block, w->block, w->dir->mft_no, (VCN)vcn)) {
		free(block);
		return damaged(w, "a block that is none", e);
	}
	return push(w, (uint8_t *)block, &block->index, w->block - offsetof(INDEX_BLOCK, index), e);
}

static uint16_t upper(const struct ntfs *n, uint16_t c)
{
	return c < n->volume->upcase_len ? le16_to_cpu(n->volume->upcase[c]) : c;
}

/* COLLATION_FILE_NAME, but for case. */
static int compare(const struct ntfs *n, const struct ntfs_name *a, const struct ntfs_name *b)
{
	for (size_t i = 0; i < a->units && i < b->units; i++) {
		int difference = upper(n, a->text[i]) - upper(n, b->text[i]);

		if (difference)
			return difference;
	}
	return a->units - b->units;
}

/* The entry that the walk stands at, whose sizes are checked. */
static int entry_check(const struct walk *w, const INDEX_ENTRY **out, struct error *e)
{
	const struct level *l = &w->level[w->depth - 1];
	size_t room = (size_t)(l->end - l->at), len;
	const INDEX_ENTRY *entry = (const INDEX_ENTRY *)l->at;

	if (room < sizeof(INDEX_ENTRY_HEADER))
		return damaged(w, "no entry is the last", e);
	len = le16_to_cpu(entry->length);
	if (len < sizeof(INDEX_ENTRY_HEADER) || len > room)
		return damaged(w, "an entry's length", e);
	if (entry->ie_flags & INDEX_ENTRY_NODE && len < sizeof(INDEX_ENTRY_HEADER) + 8)
		return damaged(w, "an entry's length", e);
	if (w->names && !(entry->ie_flags & INDEX_ENTRY_END) &&
		(len < offsetof(INDEX_ENTRY, key.file_name.file_name) ||
			2 * (size_t)entry->key.file_name.file_name_length >
				len - offsetof(INDEX_ENTRY, key.file_name.file_name)))
		return damaged(w, "a name's length", e);
	*out = entry;
	return 0;
}

static uint64_t entry_vcn(const INDEX_ENTRY *entry)
{
	uint8_t bytes[8];
	uint64_t vcn = 0;

	memcpy(bytes, (const uint8_t *)entry + le16_to_cpu(entry->length) - 8, 8);
	for (size_t i = 8; i--;)
		vcn = vcn << 8 | bytes[i];
	return vcn;
}

static void entry_read(const INDEX_ENTRY *entry, struct ntfs_entry *out)
{
	out->node = le64_to_cpu(entry->indexed_file);
	out->space = entry->key.file_name.file_name_type;
	ntfs_name_load((const uint8_t *)entry + offsetof(INDEX_ENTRY, key.file_name.file_name),
		entry->key.file_name.file_name_length, &out->name);
}

/* One step: an entry left behind, or a level up or down. */
static int step(struct walk *w, int (*each)(void *arg, const struct ntfs_entry *entry), void *arg,
	struct error *e)
{
	struct level *l = &w->level[w->depth - 1];
	const INDEX_ENTRY *entry = NULL;
	struct ntfs_entry found;
	bool last;
	int rc = entry_check(w, &entry, e), order = 0;

	if (rc)
		return rc;
	last = entry->ie_flags & INDEX_ENTRY_END;
	if (!last && w->names)
		entry_read(entry, &found);
	if (w->key)
		order = last ? -1 : compare(w->n, w->key, &found.name);
	if (order <= 0 && entry->ie_flags & INDEX_ENTRY_NODE && !l->below) {
		l->below = true;
		return descend(w, entry_vcn(entry), e);
	}
	l->below = false;
	l->at += le16_to_cpu(entry->length);
	if (last || order < 0) {
		pop(w);
		return 0;
	}
	if (!w->names)
		return w->raw(arg, (const uint8_t *)entry, le16_to_cpu(entry->length));
	return order ? 0 : each(arg, &found);
}

static int run(struct walk *w, int (*each)(void *arg, const struct ntfs_entry *entry), void *arg,
	struct error *e)
{
	int rc = walk_open(w, e);

	while (!rc && w->depth)
		rc = step(w, each, arg, e);
	walk_close(w);
	return rc;
}

int ntfs_dir_walk(struct ntfs *n, ntfs_inode *dir, const struct ntfs_name *key,
	int (*each)(void *arg, const struct ntfs_entry *entry), void *arg, struct error *e)
{
	struct walk w = { .n = n, .dir = dir, .index = NTFS_INDEX_I30, .names = true, .key = key };

	return run(&w, each, arg, e);
}

int ntfs_index_walk(struct ntfs *n, ntfs_inode *ni, ntfschar *name,
	int (*each)(void *arg, const uint8_t *entry, size_t len), void *arg, struct error *e)
{
	struct walk w = { .n = n, .dir = ni, .index = name, .raw = each };

	return run(&w, NULL, arg, e);
}
