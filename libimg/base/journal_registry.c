/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of a guest's registry, one entry a value or key however often it was edited. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/journal_private.h"

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

static void drop(struct journal *j, size_t i)
{
	struct registry_edit *edit = &j->registry[i];

	registry_free(edit);
	memmove(edit, edit + 1, (j->registry_count - i - 1) * sizeof(*edit));
	j->registry_count--;
}

static bool same_hive(const struct registry_edit *a, const struct registry_edit *b)
{
	return !strcmp(a->volume, b->volume) && !strcmp(a->hive, b->hive);
}

static bool same_value(const struct registry_edit *a, const struct registry_edit *b)
{
	return same_hive(a, b) && !strcasecmp(a->key, b->key) && !a->value == !b->value &&
		(!a->value || !strcasecmp(a->value, b->value));
}

static int registry_merge(
	struct journal *j, size_t i, const struct registry_edit *entry, struct error *e)
{
	struct registry_edit *old = &j->registry[i];
	struct registry_state after;
	char *why;

	/* A key that was removed comes back empty, which is not what it was. */
	if (registry_equal(&old->before, &entry->after) && (old->value || !old->before.present)) {
		drop(j, i);
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
	old->action = edit_action_of(old->before.present, after.present);
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
	to->action = edit_action_of(from->before.present, from->after.present);
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

/* Whether `key` is the other, or somewhere below it. */
static bool is_below(const char *key, const char *other)
{
	size_t len = strlen(other);

	return !strncasecmp(key, other, len) && (!key[len] || key[len] == '\\');
}

/* What was made in a key that is now removed has never been, and what was changed there is gone. */
static void forget_below(struct journal *j, const struct registry_edit *removed)
{
	for (size_t i = j->registry_count; i--;) {
		struct registry_edit *edit = &j->registry[i];

		if (!same_hive(edit, removed) || !is_below(edit->key, removed->key) ||
			(!edit->value && !strcasecmp(edit->key, removed->key)))
			continue;
		if (!edit->before.present) {
			drop(j, i);
			continue;
		}
		free(edit->after.data);
		edit->after = (struct registry_state){ 0 };
		edit->action = EDIT_REMOVE;
	}
}

/* Whether a key above this one is new, so that its entry tells of this one, too. */
static bool is_in_new(const struct journal *j, const struct registry_edit *key)
{
	for (size_t i = 0; i < j->registry_count; i++) {
		const struct registry_edit *edit = &j->registry[i];

		if (!edit->value && !edit->before.present && same_hive(edit, key) &&
			strcasecmp(edit->key, key->key) && is_below(key->key, edit->key))
			return true;
	}
	return false;
}

int journal_add_registry(struct journal *j, const struct registry_edit *entry, struct error *e)
{
	struct registry_edit copy;
	int rc;

	if (!entry->value && !entry->after.present)
		forget_below(j, entry);
	if (!entry->value && is_in_new(j, entry))
		return 0;
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

void journal_registry_free(struct journal *j)
{
	for (size_t i = 0; i < j->registry_count; i++)
		registry_free(&j->registry[i]);
	free(j->registry);
}
