/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_command_line.h"

#include <string.h>

/* What the kernel takes for its screen when no console is named (admin-guide/serial-console). */
#define SCREEN "console=tty0"

/* The next word at or behind *at, quotes and all; NULL: there is none. */
static const char *word_next(const char *text, size_t text_len, size_t *at, size_t *len)
{
	const char *start;
	bool quoted = false;
	size_t i = *at;

	while (i < text_len && (text[i] == ' ' || text[i] == '\t'))
		i++;
	start = text + i;
	for (; i < text_len && (quoted || (text[i] != ' ' && text[i] != '\t')); i++)
		quoted = quoted != (text[i] == '"');
	*len = (size_t)(text + i - start);
	*at = i;
	return *len ? start : NULL;
}

static bool is_named(const char *word, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len >= name_len && !strncmp(word, name, name_len) &&
		(len == name_len || word[name_len] == '=');
}

static bool is_screen(const char *device, size_t len)
{
	return len > 3 && !strncmp(device, "tty", 3) && strspn(device + 3, "0123456789") >= len - 3;
}

static bool same_console(const char *a, size_t a_len, const char *b)
{
	size_t device = 0, wanted = strcspn(b, ",");

	while (device < a_len && a[device] != ',')
		device++;
	/* Which of its virtual terminals a screen shows does not matter. */
	if (is_screen(a, device) && is_screen(b, wanted))
		return true;
	return device == wanted && !strncmp(a, b, device);
}

static bool is_same(const char *word, size_t len, const struct target_argument *a)
{
	size_t name_len = strlen(a->name);

	if (!is_named(word, len, a->name))
		return false;
	if (!a->value)
		return len == name_len;
	if (len == name_len)
		return false;
	word += name_len + 1;
	len -= name_len + 1;
	if (!strcmp(a->name, "console"))
		return same_console(word, len, a->value);
	return len == strlen(a->value) && !strncmp(word, a->value, len);
}

/* What REMOVE means: without a value every word of the name. */
static bool is_removed(const char *word, size_t len, const struct target_argument *a)
{
	return a->action == ARGUMENT_REMOVE &&
		(a->value ? is_same(word, len, a) : is_named(word, len, a->name));
}

static bool text_has(const char *text, size_t text_len, const struct target_argument *a,
	bool (*is)(const char *word, size_t len, const struct target_argument *a))
{
	size_t at = 0, len;
	const char *word;

	while ((word = word_next(text, text_len, &at, &len)))
		if (is(word, len, a))
			return true;
	return false;
}

static bool line_has(const struct command_line *l, const struct target_argument *a,
	bool (*is)(const char *word, size_t len, const struct target_argument *a))
{
	return text_has(l->text, l->len, a, is) ||
		(l->context && text_has(l->context, strlen(l->context), a, is));
}

static bool has_name(const char *word, size_t len, const struct target_argument *a)
{
	return is_named(word, len, a->name);
}

static bool differs(const char *word, size_t len, const struct target_argument *a)
{
	return has_name(word, len, a) && !is_same(word, len, a);
}

/* The name is there once or more, and always with that value. */
static bool is_set(const struct command_line *l, const struct target_argument *a)
{
	return line_has(l, a, is_same) && !line_has(l, a, differs);
}

static bool is_met(const struct command_line *l, const struct target_argument *a)
{
	switch (a->action) {
	case ARGUMENT_ADD:
		return line_has(l, a, is_same);
	case ARGUMENT_SET:
		return is_set(l, a);
	case ARGUMENT_REMOVE:
		break;
	}
	return !text_has(l->text, l->len, a, is_removed);
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
		return same_console(value, strlen(value), other);
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

static int word_add(
	struct strings *out, const char *before, const struct target_argument *a, struct error *e)
{
	struct buffer word = { 0 };
	int rc = buffer_format(&word, e, "%s%s%s%s", before, a->name, a->value ? "=" : "",
		a->value ? a->value : "");

	if (!rc)
		rc = strings_add(out, buffer_text(&word), e);
	buffer_free(&word);
	return rc;
}

int command_line_lacks(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		if (!is_met(line, wanted->item[i]))
			rc = word_add(out, wanted->item[i]->action == ARGUMENT_REMOVE ? "no " : "",
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
		if (is_screen(a->value, strcspn(a->value, ",")))
			return false;
		adds = true;
	}
	return adds && !line_has(line, &any, has_name);
}

int command_line_adds(const struct command_line *line, const struct argument_list *wanted,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < wanted->count && !rc; i++)
		if (wanted->item[i]->action == ARGUMENT_ADD && !is_met(line, wanted->item[i]))
			rc = word_add(out, "", wanted->item[i], e);
	if (!rc && keeps_screen(line, wanted))
		rc = strings_add(out, SCREEN, e);
	return rc;
}

/* A line that is being written. */
struct edit {
	const struct argument_list *wanted;
	struct strings adds; /* not written yet; those that are have no text left */
	bool set[ARGUMENT_LIMIT]; /* written */
	struct buffer *out;
	size_t start; /* of the line in `out` */
};

/* With a blank before it where there is none. */
static int put(struct edit *d, const char *word, size_t len, struct error *e)
{
	struct buffer *b = d->out;
	char last = b->len > d->start ? (char)b->data[b->len - 1] : ' ';
	int rc = last == ' ' || last == '\t' ? 0 : buffer_string(b, " ", e);

	return rc ? rc : buffer_append(b, word, len, e);
}

/* Words to be added: of the same name as `word`, or with NULL all that are left. */
static int adds_put(struct edit *d, const char *word, size_t len, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < d->adds.count && !rc; i++) {
		char *add = d->adds.item[i];
		size_t name = strcspn(add, "=");

		if (!*add ||
			(word &&
				(len < name || strncmp(add, word, name) ||
					(len > name && word[name] != '='))))
			continue;
		rc = put(d, add, strlen(add), e);
		*add = 0;
	}
	return rc;
}

static int sets_put(struct edit *d, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < d->wanted->count && !rc; i++) {
		const struct target_argument *a = d->wanted->item[i];
		struct strings word = { 0 };

		if (a->action != ARGUMENT_SET || d->set[i])
			continue;
		d->set[i] = true;
		rc = word_add(&word, "", a, e);
		if (!rc)
			rc = put(d, word.item[0], strlen(word.item[0]), e);
		strings_free(&word);
	}
	return rc;
}

/* Whether the word goes: it is removed, or was set anew before. */
static int word_replace(struct edit *d, const char *word, size_t len, bool *gone, struct error *e)
{
	int rc = 0;

	*gone = false;
	for (size_t i = 0; i < d->wanted->count && !rc && !*gone; i++) {
		const struct target_argument *a = d->wanted->item[i];
		struct strings text = { 0 };

		*gone = is_removed(word, len, a);
		if (a->action != ARGUMENT_SET || !has_name(word, len, a))
			continue;
		*gone = true;
		if (d->set[i])
			continue;
		d->set[i] = true;
		rc = word_add(&text, "", a, e);
		if (!rc)
			rc = put(d, text.item[0], strlen(text.item[0]), e);
		strings_free(&text);
	}
	return rc;
}

/* Behind "--" (GRUB's installers: "---") words are not the kernel's. */
static bool ends_arguments(const char *word, size_t len)
{
	return (len == 2 || len == 3) && !strncmp(word, "---", len);
}

static int words_put(struct edit *d, const struct command_line *line, struct error *e)
{
	size_t at = 0, before = 0, len;
	bool ended = false, gone;
	const char *word;
	int rc = 0;

	while (!rc && (word = word_next(line->text, line->len, &at, &len))) {
		if (!ended && ends_arguments(word, len)) {
			ended = true;
			rc = adds_put(d, NULL, 0, e);
			if (!rc)
				rc = sets_put(d, e);
		}
		if (!rc && !ended)
			rc = adds_put(d, word, len, e);
		gone = false;
		if (!rc && !ended)
			rc = word_replace(d, word, len, &gone, e);
		if (!rc && !gone) {
			const char *blanks = line->text + before;

			/* The blanks before a word stay as they are, unless some were written. */
			if (d->out->len == d->start ||
				(d->out->data[d->out->len - 1] != ' ' &&
					d->out->data[d->out->len - 1] != '\t'))
				rc = buffer_append(d->out, blanks, (size_t)(word - blanks), e);
			if (!rc)
				rc = put(d, word, len, e);
		}
		before = at;
	}
	return rc;
}

int command_line_edit(const struct command_line *line, const struct argument_list *wanted,
	struct buffer *out, struct error *e)
{
	struct edit d = { .wanted = wanted, .out = out, .start = out->len };
	int rc = command_line_adds(line, wanted, &d.adds, e);

	/* What is said elsewhere on the same line is not said again. */
	for (size_t i = 0; i < wanted->count; i++)
		d.set[i] = is_set(line, wanted->item[i]) &&
			!text_has(line->text, line->len, wanted->item[i], has_name);
	if (!rc)
		rc = words_put(&d, line, e);
	if (!rc)
		rc = adds_put(&d, NULL, 0, e);
	if (!rc)
		rc = sets_put(&d, e);
	strings_free(&d.adds);
	return rc;
}

int command_line_find(
	const struct command_line *line, const char *prefix, struct strings *out, struct error *e)
{
	size_t at = 0, len, prefix_len = strlen(prefix);
	const char *word;
	int rc = 0;

	while (!rc && (word = word_next(line->text, line->len, &at, &len)))
		if (len > prefix_len && !strncmp(word, prefix, prefix_len))
			rc = strings_add_len(out, word + prefix_len, len - prefix_len, e);
	return rc;
}
