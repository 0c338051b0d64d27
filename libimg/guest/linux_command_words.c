/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_command_words.h"

#include <string.h>

const char *argument_next(const char *text, size_t text_len, size_t *at, size_t *len)
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

static bool argument_named(const char *word, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len >= name_len && !strncmp(word, name, name_len) &&
		(len == name_len || word[name_len] == '=');
}

bool argument_is_screen(const char *device, size_t len)
{
	return len > 3 && !strncmp(device, "tty", 3) && strspn(device + 3, "0123456789") >= len - 3;
}

bool argument_same_console(const char *a, size_t a_len, const char *b)
{
	size_t device = 0, wanted = strcspn(b, ",");

	while (device < a_len && a[device] != ',')
		device++;
	/* Which of its virtual terminals a screen shows does not matter. */
	if (argument_is_screen(a, device) && argument_is_screen(b, wanted))
		return true;
	return device == wanted && !strncmp(a, b, device);
}

bool argument_is(const char *word, size_t len, const struct target_argument *a)
{
	size_t name_len = strlen(a->name);

	if (!argument_named(word, len, a->name))
		return false;
	if (!a->value)
		return len == name_len;
	if (len == name_len)
		return false;
	word += name_len + 1;
	len -= name_len + 1;
	if (!strcmp(a->name, "console"))
		return argument_same_console(word, len, a->value);
	return len == strlen(a->value) && !strncmp(word, a->value, len);
}

bool argument_removed(const char *word, size_t len, const struct target_argument *a)
{
	return a->action == ARGUMENT_REMOVE &&
		(a->value ? argument_is(word, len, a) : argument_named(word, len, a->name));
}

bool argument_ends(const char *word, size_t len)
{
	return (len == 2 || len == 3) && !strncmp(word, "---", len);
}

bool argument_in_text(
	const char *text, size_t text_len, const struct target_argument *a, argument_match *is)
{
	size_t at = 0, len;
	const char *word;

	while ((word = argument_next(text, text_len, &at, &len)) && !argument_ends(word, len))
		if (is(word, len, a))
			return true;
	return false;
}

bool argument_in_line(
	const struct command_line *l, const struct target_argument *a, argument_match *is)
{
	return argument_in_text(l->text, l->len, a, is) ||
		(l->context && argument_in_text(l->context, strlen(l->context), a, is));
}

bool argument_has_name(const char *word, size_t len, const struct target_argument *a)
{
	return argument_named(word, len, a->name);
}

static bool differs(const char *word, size_t len, const struct target_argument *a)
{
	return argument_has_name(word, len, a) && !argument_is(word, len, a);
}

bool argument_is_set(const struct command_line *l, const struct target_argument *a)
{
	return argument_in_line(l, a, argument_is) && !argument_in_line(l, a, differs);
}

int argument_word(
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
