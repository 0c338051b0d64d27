/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of a guest's files, one entry a path however often it was written. */
#include <stdlib.h>
#include <string.h>

#include "base/journal_private.h"

static bool state_equal(const struct edit_state *a, const struct edit_state *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->size == b->size &&
		!strcmp(a->sha256, b->sha256);
}

enum edit_action edit_action_of(bool before, bool after)
{
	if (!before)
		return EDIT_CREATE;
	return after ? EDIT_REPLACE : EDIT_REMOVE;
}

static void edit_free(struct edit *edit)
{
	free(edit->volume);
	free(edit->path);
	free(edit->why);
}

static struct edit *find(const struct journal *j, const struct edit *entry)
{
	for (size_t i = 0; i < j->count; i++)
		if (!strcmp(j->edit[i].path, entry->path) &&
			!strcmp(j->edit[i].volume, entry->volume))
			return &j->edit[i];
	return NULL;
}

static void drop(struct journal *j, struct edit *edit)
{
	size_t after = j->count - (size_t)(edit - j->edit) - 1;

	edit_free(edit);
	memmove(edit, edit + 1, after * sizeof(*edit));
	j->count--;
}

static int merge(struct journal *j, struct edit *old, const struct edit *entry, struct error *e)
{
	char *why;

	if (state_equal(&old->before, &entry->after)) {
		drop(j, old);
		return 0;
	}
	why = strdup(entry->why ? entry->why : "");
	if (!why)
		return error_nomem(e, "the edit journal");
	free(old->why);
	old->why = why;
	old->after = entry->after;
	old->action = edit_action_of(old->before.present, old->after.present);
	return 0;
}

static int grow(struct journal *j, struct error *e)
{
	size_t capacity = j->capacity ? j->capacity * 2 : 16;
	struct edit *edit;

	if (j->count < j->capacity)
		return 0;
	edit = reallocarray(j->edit, capacity, sizeof(*edit));
	if (!edit)
		return error_nomem(e, "the edit journal");
	j->edit = edit;
	j->capacity = capacity;
	return 0;
}

int journal_add(struct journal *j, const struct edit *entry, struct error *e)
{
	struct edit *old = find(j, entry);
	struct edit copy = *entry;
	int rc;

	if (old)
		return merge(j, old, entry, e);
	if (state_equal(&entry->before, &entry->after))
		return 0;
	rc = grow(j, e);
	if (rc)
		return rc;
	copy.action = edit_action_of(copy.before.present, copy.after.present);
	copy.volume = strdup(entry->volume);
	copy.path = strdup(entry->path);
	copy.why = strdup(entry->why ? entry->why : "");
	if (!copy.volume || !copy.path || !copy.why) {
		edit_free(&copy);
		return error_nomem(e, "the edit journal");
	}
	j->edit[j->count++] = copy;
	return 0;
}

const char *edit_action_name(enum edit_action a)
{
	switch (a) {
	case EDIT_CREATE:
		return "create";
	case EDIT_REPLACE:
		return "replace";
	case EDIT_REMOVE:
		return "remove";
	}
	return "?";
}

void journal_free(struct journal *j)
{
	for (size_t i = 0; i < j->count; i++)
		edit_free(&j->edit[i]);
	free(j->edit);
	journal_registry_free(j);
	*j = (struct journal){ 0 };
}
