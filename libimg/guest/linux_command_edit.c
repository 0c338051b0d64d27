/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_command_words.h"

#include <string.h>

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
		rc = argument_word(&word, "", a, e);
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

		*gone = argument_removed(word, len, a);
		if (a->action != ARGUMENT_SET || !argument_has_name(word, len, a))
			continue;
		*gone = true;
		if (d->set[i])
			continue;
		d->set[i] = true;
		rc = argument_word(&text, "", a, e);
		if (!rc)
			rc = put(d, text.item[0], strlen(text.item[0]), e);
		strings_free(&text);
	}
	return rc;
}

static int words_put(struct edit *d, const struct command_line *line, struct error *e)
{
	size_t at = 0, before = 0, len;
	bool ended = false, gone;
	const char *word;
	int rc = 0;

	while (!rc && (word = argument_next(line->text, line->len, &at, &len))) {
		if (!ended && argument_ends(word, len)) {
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
		d.set[i] = argument_is_set(line, wanted->item[i]) &&
			!argument_in_text(
				line->text, line->len, wanted->item[i], argument_has_name);
	if (!rc)
		rc = words_put(&d, line, e);
	if (!rc)
		rc = adds_put(&d, NULL, 0, e);
	if (!rc)
		rc = sets_put(&d, e);
	strings_free(&d.adds);
	return rc;
}
