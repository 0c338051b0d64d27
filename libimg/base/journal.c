/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of a guest's files and registry, one entry a path however often it was written. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/journal.h"

static bool state_equal(const struct edit_state *a, const struct edit_state *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->size == b->size &&
		!strcmp(a->sha256, b->sha256);
}

static enum edit_action action_of(bool before, bool after)
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
	old->action = action_of(old->before.present, old->after.present);
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
	copy.action = action_of(copy.before.present, copy.after.present);
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

static bool registry_equal(const struct registry_state *a, const struct registry_state *b)
{
	if (!a->present || !b->present)
		return a->present == b->present;
	return a->type == b->type && a->len == b->len &&
		(!a->len || !memcmp(a->data, b->data, a->len));
}

static void registry_free(struct registry_edit *edit)
{
	free(edit->volume);
	free(edit->hive);
	free(edit->key);
	free(edit->value);
	free(edit->why);
	free(edit->before.data);
	free(edit->after.data);
}

/* Of a key nothing but its presence is kept. */
static bool state_copy(const struct registry_state *from, struct registry_state *to)
{
	*to = *from;
	to->data = NULL;
	if (!from->data)
		return true;
	to->data = malloc(from->len + 1);
	if (to->data && from->len)
		memcpy(to->data, from->data, from->len);
	return to->data != NULL;
}

static bool same_value(const struct registry_edit *a, const struct registry_edit *b)
{
	return !strcmp(a->volume, b->volume) && !strcmp(a->hive, b->hive) &&
		!strcasecmp(a->key, b->key) && !a->value == !b->value &&
		(!a->value || !strcasecmp(a->value, b->value));
}

static int registry_merge(
	struct journal *j, size_t i, const struct registry_edit *entry, struct error *e)
{
	struct registry_edit *old = &j->registry[i];
	struct registry_state after;
	char *why;

	if (registry_equal(&old->before, &entry->after)) {
		registry_free(old);
		memmove(old, old + 1, (j->registry_count - i - 1) * sizeof(*old));
		j->registry_count--;
		return 0;
	}
	why = strdup(entry->why ? entry->why : "");
	if (!why || !state_copy(&entry->after, &after)) {
		free(why);
		return error_nomem(e, "the edit journal");
	}
	free(old->why);
	free(old->after.data);
	old->why = why;
	old->after = after;
	old->action = action_of(old->before.present, after.present);
	return 0;
}

static int registry_grow(struct journal *j, struct error *e)
{
	size_t capacity = j->registry_capacity ? j->registry_capacity * 2 : 64;
	struct registry_edit *more;

	if (j->registry_count < j->registry_capacity)
		return 0;
	more = reallocarray(j->registry, capacity, sizeof(*more));
	if (!more)
		return error_nomem(e, "the edit journal");
	j->registry = more;
	j->registry_capacity = capacity;
	return 0;
}

static int registry_copy(
	const struct registry_edit *from, struct registry_edit *to, struct error *e)
{
	bool states = state_copy(&from->before, &to->before);

	states = state_copy(&from->after, &to->after) && states;
	to->action = action_of(from->before.present, from->after.present);
	to->volume = strdup(from->volume);
	to->hive = strdup(from->hive);
	to->key = strdup(from->key);
	to->value = from->value ? strdup(from->value) : NULL;
	to->why = strdup(from->why ? from->why : "");
	if (states && to->volume && to->hive && to->key && (!from->value || to->value) && to->why)
		return 0;
	registry_free(to);
	return error_nomem(e, "the edit journal");
}

int journal_add_registry(struct journal *j, const struct registry_edit *entry, struct error *e)
{
	struct registry_edit copy;
	int rc;

	for (size_t i = 0; i < j->registry_count; i++)
		if (same_value(&j->registry[i], entry))
			return registry_merge(j, i, entry, e);
	if (registry_equal(&entry->before, &entry->after))
		return 0;
	rc = registry_grow(j, e);
	if (!rc)
		rc = registry_copy(entry, &copy, e);
	if (!rc)
		j->registry[j->registry_count++] = copy;
	return rc;
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
	for (size_t i = 0; i < j->registry_count; i++)
		registry_free(&j->registry[i]);
	free(j->registry);
	*j = (struct journal){ 0 };
}
