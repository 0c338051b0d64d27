/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the chains of a FAT volume can be trusted, and what is free then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/fat.h"

enum { STEP = 8192 }; /* entries of the table in memory; even */

struct walk {
	struct fat *f;
	uint8_t *seen; /* a bit for each cluster that has an owner */
	uint32_t *todo; /* first clusters of directories */
	size_t count, capacity;
};

/* Follows a chain; *clusters is its length. */
static int chain_follow(struct walk *w, uint32_t first, uint64_t *clusters, struct error *e)
{
	uint32_t at = first;
	int rc = 0;

	*clusters = 0;
	while (!rc && !fat_is_end(at)) {
		uint32_t next = FAT_END;

		rc = fat_next(w->f, at, &next, e);
		if (!rc && w->seen[at / 8] >> at % 8 & 1)
			rc = error_set(e, ERR_CORRUPT,
				"cluster %u belongs to two chains, or twice to "
				"one",
				at);
		if (rc)
			break;
		w->seen[at / 8] = (uint8_t)(w->seen[at / 8] | 1 << at % 8);
		++*clusters;
		at = next;
	}
	return rc;
}

static int todo_add(struct walk *w, uint32_t first, struct error *e)
{
	if (w->count == w->capacity) {
		size_t capacity = w->capacity ? w->capacity * 2 : 64;
		uint32_t *more = reallocarray(w->todo, capacity, sizeof(*more));

		if (!more)
			return error_nomem(e, "directories");
		w->todo = more;
		w->capacity = capacity;
	}
	w->todo[w->count++] = first;
	return 0;
}

static int entry_check(struct walk *w, const struct fat_found *found, struct error *e)
{
	uint32_t first = fat_first(w->f, &found->raw);
	uint32_t size = get_le32(found->raw.size);
	bool directory = found->raw.attributes & FAT_DIRECTORY;
	uint64_t clusters = 0;
	int rc = 0;

	if (first || directory)
		rc = chain_follow(w, first, &clusters, e);
	if (!rc && directory)
		return todo_add(w, first, e);
	if (!rc && clusters * w->f->cluster < size)
		rc = error_set(e, ERR_CORRUPT,
			"a file of %u bytes has %" PRIu64 " clusters of %u bytes", size, clusters,
			w->f->cluster);
	return rc;
}

static int directory_check(struct walk *w, uint32_t first, struct error *e)
{
	struct fat_cursor c = { .cluster = first };
	struct fat_found found;
	int rc;

	while (!(rc = fat_dir_next(w->f, &c, &found, e)) && !c.over) {
		char name[FAT_NAME_BYTES + 1];

		rc = entry_check(w, &found, e);
		if (!rc)
			continue;
		fat_name_text(found.name, found.units, name);
		return error_prefix(e, "\"%.200s\"", name);
	}
	return rc;
}

/* The first difference between the copies is enough. */
static int copies_compare(struct fat *f, struct error *e)
{
	uint32_t *entry = malloc(2 * STEP * sizeof(*entry));
	int rc = entry ? 0 : error_nomem(e, "a file allocation table");

	for (uint32_t copy = 0; !rc && copy < f->tables && f->mirrored; copy++)
		for (uint32_t at = 0; !rc && at < f->end && !f->differ; at += STEP) {
			uint32_t count = (uint32_t)min_u64(STEP, f->end - at);

			rc = fat_entries(f, f->active, at, count, entry, e);
			if (!rc)
				rc = fat_entries(f, copy, at, count, entry + STEP, e);
			f->differ = !rc && memcmp(entry, entry + STEP, count * sizeof(*entry));
		}
	free(entry);
	return rc;
}

int fat_check(struct fat *f, struct error *e)
{
	struct walk w = { .f = f };
	uint64_t clusters;
	int rc;

	w.seen = calloc(1, f->end / 8 + 1);
	if (!w.seen)
		return error_nomem(e, "a map of clusters");
	rc = f->root_cluster ? chain_follow(&w, f->root_cluster, &clusters, e) : 0;
	if (!rc)
		rc = directory_check(&w, f->root_cluster, e);
	/* Each directory has a cluster of its own, so there are no more of them than clusters. */
	while (!rc && w.count)
		rc = directory_check(&w, w.todo[--w.count], e);
	if (!rc)
		rc = copies_compare(f, e);
	free(w.todo);
	free(w.seen);
	return rc;
}

int fat_free_bytes(struct fs *fs, uint64_t *out, struct error *e)
{
	struct fat *f = fat_of(fs);
	int rc = fat_count_free(f, e);

	if (!rc)
		*out = (uint64_t)f->free * f->cluster;
	return rc;
}

/* A run of free clusters, [from, to). */
struct run {
	uint32_t from, to;
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e);
	void *arg;
};

static int run_end(const struct fat *f, const struct run *r, struct error *e)
{
	if (r->from == r->to)
		return 0;
	return r->each(
		r->arg, fat_cluster_at(f, r->from), (uint64_t)(r->to - r->from) * f->cluster, e);
}

static int run_add(const struct fat *f, struct run *r, uint32_t cluster, struct error *e)
{
	int rc = 0;

	if (cluster != r->to) {
		rc = run_end(f, r, e);
		r->from = cluster;
	}
	r->to = cluster + 1;
	return rc;
}

static int runs_find(struct fat *f, struct run *r, struct error *e)
{
	uint32_t *entry = malloc(STEP * sizeof(*entry));
	int rc = entry ? 0 : error_nomem(e, "a file allocation table");

	for (uint32_t at = 0; !rc && at < f->end; at += STEP) {
		uint32_t count = (uint32_t)min_u64(STEP, f->end - at);

		rc = fat_entries(f, f->active, at, count, entry, e);
		for (uint32_t i = at ? 0 : 2; !rc && i < count; i++)
			if (entry[i] == FAT_FREE)
				rc = run_add(f, r, at + i, e);
	}
	free(entry);
	return rc ? rc : run_end(f, r, e);
}

int fat_free_runs(struct fs *fs,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	struct fat *f = fat_of(fs);
	struct run run = { .each = each, .arg = arg };
	int rc = fat_check(f, e);

	if (!rc && f->differ)
		rc = error_set(e, ERR_REFUSED,
			"its copies of the file allocation table are not alike: "
			"run fsck.fat on it");
	return rc ? rc : runs_find(f, &run, e);
}
