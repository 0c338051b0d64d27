/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_command_words.h"

#include <string.h>

/* What the kernel takes for its screen when no console is named (admin-guide/serial-console). */
#define SCREEN "console=tty0"

static bool is_met(const struct command_line *l, const struct target_argument *a)
{
	switch (a->action) {
	case ARGUMENT_ADD:
		return argument_in_line(l, a, argument_is);
	case ARGUMENT_SET:
		return argument_is_set(l, a);
	case ARGUMENT_REMOVE:
		break;
	}
	return !argument_in_text(l->text, l->len, a, argument_removed);
}

static bool same_argument(const struct target_argument *a, const struct target_argument *b)
{
	const char *value = a->value ? a->value : "", *other = b->value ? b->value : "";

	if (strcmp(a->name, b->name) != 0)
		return false;
	/* Two that set one name can't both have it: the first does. */
	if (a->action == ARGUMENT_SET && b->action == ARGUMENT_SET)
		return true;
	if (!strcmp(a->name, "console") && a->value && b->value)
		return argument_same_console(value, strlen(value), other);
	return !strcmp(value, other) || (b->action == ARGUMENT_REMOVE && !b->value);
}

static bool is_listed(const struct argument_list *l, const struct target_argument *a)
{
	for (size_t i = 0; i < l->count; i++)
		if (same_argument(l->item[i], a))
			return true;
	return false;
}

/* Those of a kind: first all that add and set, then what is removed and not wanted by another. */
static int merge(const struct target_list *targets, bool removing, struct argument_list *out,
	struct error *e)
{
	for (size_t t = 0; t < targets->count; t++)
		for (size_t i = 0; i < targets->target[t].argument_count; i++) {
			const struct target_argument *a = &targets->target[t].argument[i];

			if ((a->action == ARGUMENT_REMOVE) != removing || is_listed(out, a))
				continue;
			if (out->count == ARGUMENT_LIMIT)
				return error_set(e, ERR_RANGE,
					"the targets have more than %d kernel arguments",
					ARGUMENT_LIMIT);
			out->item[out->count++] = a;
		}
	return 0;
}

int arguments_merge(const struct target_list *targets, struct argument_list *out, struct error *e)
{
	int rc;

	*out = (struct argument_list){ 0 };
	rc = merge(targets, false, out, e);
	return rc ? rc : merge(targets, true, out, e);
}

int command_line_lacks(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		if (!is_met(line, wanted->item[i]))
			rc = argument_word(out,
				wanted->item[i]->action == ARGUMENT_REMOVE ? "no " : "",
				wanted->item[i], e);
	return rc;
}

/* The first console that is named takes the screen's place as the main one.  Where none was named
 * and no screen is wanted, it is named too, last. */
static bool keeps_screen(const struct command_line *line, const struct argument_list *wanted)
{
	const struct target_argument any = { .name = (char *)(uintptr_t) "console" };
	bool adds = false;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct target_argument *a = wanted->item[i];

		if (strcmp(a->name, "console") != 0 || a->action != ARGUMENT_ADD || !a->value)
			continue;
		if (argument_is_screen(a->value, strcspn(a->value, ",")))
			return false;
		adds = true;
	}
	return adds && !argument_in_line(line, &any, argument_has_name);
}

int command_line_adds(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		if (wanted->item[i]->action == ARGUMENT_ADD && !is_met(line, wanted->item[i]))
			rc = argument_word(out, "", wanted->item[i], e);
	if (!rc && keeps_screen(line, wanted))
		rc = strings_add(out, SCREEN, e);
	return rc;
}

int command_line_find(
	const struct command_line *line, const char *prefix, struct strings *out, struct error *e)
{
	size_t at = 0, len, prefix_len = strlen(prefix);
	const char *word;
	int rc = 0;

	while (!rc && (word = argument_next(line->text, line->len, &at, &len)))
		if (len > prefix_len && !strncmp(word, prefix, prefix_len))
			rc = strings_add_len(out, word + prefix_len, len - prefix_len, e);
	return rc;
}
