/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_arguments_scan.h"

#include <string.h>
#include <strings.h>

struct scan {
	const char *text;
	struct argument_lines *out;
};

static size_t word_length(const char *text)
{
	return strcspn(text, " \t\r\n");
}

static const char *skip(const char *text)
{
	return text + strspn(text, " \t");
}

/* One line of the text. */
struct line {
	const char *start, *end; /* without the line's end and blanks before it */
};

static bool holds(const struct line *l, const char *what)
{
	return memmem(l->start, (size_t)(l->end - l->start), what, strlen(what));
}

static void found(struct scan *s, const char *start, const char *end)
{
	if (s->out->count < ARGUMENT_LINES_LIMIT && end > start)
		s->out->line[s->out->count++] = (struct argument_line){
			.start = (size_t)(start - s->text), .len = (size_t)(end - start)
		};
}

/* Memory tests and hypervisors are started by the same command. */
static bool is_kernel(const char *path, size_t len)
{
	static const char *const names[] = { "vmlinu", "linux", "bzImage", "kernel", "Image" };
	const char *base = path;

	for (size_t i = 0; i < len; i++)
		if (path[i] == '/' || path[i] == ')')
			base = path + i + 1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strncmp(base, names[i], strlen(names[i])))
			return true;
	return false;
}

static void grub_line(struct scan *s, const struct line *l)
{
	static const char *const commands[] = { "linux", "linux16", "linuxefi", "kernel" };
	const char *word = skip(l->start), *path = skip(word + word_length(word));
	size_t len = word_length(word);
	bool known = false;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		known = known || (len == strlen(commands[i]) && !strncmp(word, commands[i], len));
	/* One that goes on in the next line is nothing that GRUB's tools write. */
	if (!known || path >= l->end || l->end[-1] == '\\' || holds(l, " #"))
		return;
	if (is_kernel(path, word_length(path)) || holds(l, " root="))
		found(s, path, l->end);
}

static void extlinux_line(struct scan *s, const struct line *l)
{
	const char *word = skip(l->start);

	if (word_length(word) == 6 && !strncasecmp(word, "append", 6) &&
		(holds(l, " root=") || holds(l, "initrd=")))
		found(s, word, l->end);
}

static void grubenv_line(struct scan *s, const struct line *l)
{
	static const char name[] = "kernelopts=";

	if (!strncmp(l->start, name, sizeof(name) - 1))
		found(s, l->start + sizeof(name) - 1, l->end);
}

static void extlinux_conf_line(struct scan *s, const struct line *l)
{
	static const char name[] = "default_kernel_opts=";
	const char *value = l->start + sizeof(name) - 1;

	if (strncmp(l->start, name, sizeof(name) - 1) || l->end - value < 2)
		return;
	if (*value == '"' && l->end[-1] == '"' &&
		!memchr(value + 1, '"', (size_t)(l->end - value - 2)))
		found(s, value + 1, l->end - 1);
}

/* Several lines of one file are one command line: the last is edited, the others are context. */
static int last_line(struct scan *s, const struct line *l, struct error *e)
{
	const struct argument_line *before = &s->out->line[0];
	int rc = 0;

	if (s->out->count) {
		rc = buffer_append(&s->out->context, s->text + before->start, before->len, e);
		if (!rc)
			rc = buffer_string(&s->out->context, " ", e);
		s->out->count = 0;
	}
	found(s, skip(l->start), l->end);
	return rc;
}

static int line_scan(
	enum argument_syntax syntax, struct scan *s, const struct line *l, struct error *e)
{
	const char *word = skip(l->start);

	switch (syntax) {
	case SYNTAX_GRUB:
		grub_line(s, l);
		break;
	case SYNTAX_EXTLINUX:
		extlinux_line(s, l);
		break;
	case SYNTAX_GRUBENV:
		grubenv_line(s, l);
		break;
	case SYNTAX_EXTLINUX_CONF:
		extlinux_conf_line(s, l);
		break;
	case SYNTAX_ENTRY:
		if (word_length(word) == 7 && !strncmp(word, "options", 7))
			return last_line(s, l, e);
		break;
	case SYNTAX_PLAIN:
		if (word < l->end && *word != '#')
			return last_line(s, l, e);
		break;
	}
	return 0;
}

int arguments_scan(
	enum argument_syntax syntax, const char *text, struct argument_lines *out, struct error *e)
{
	struct scan s = { .text = text, .out = out };
	int rc = 0;

	while (*text && !rc) {
		size_t len = strcspn(text, "\n"), used = len;

		while (used && strchr(" \t\r", text[used - 1]))
			used--;
		if (used)
			rc = line_scan(
				syntax, &s, &(struct line){ .start = text, .end = text + used }, e);
		text += len + (text[len] == '\n');
	}
	return rc;
}
