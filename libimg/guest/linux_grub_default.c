/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_grub_default.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

#define VARIABLE "GRUB_CMDLINE_LINUX"
#define DIRECTORY GRUB_DEFAULT ".d"

enum { FILES_LIMIT = 256, VALUE_LIMIT = 64 << 10, ASSIGNMENT_LIMIT = 1024 };

void grub_default_free(struct grub_default *d)
{
	buffer_free(&d->line);
	buffer_free(&d->more);
	buffer_free(&d->last);
}

/* One assignment of a shell script: its value lies inside the quotes, when it has some. */
struct assignment {
	const char *value;
	size_t len;
	bool append; /* "+=" */
	bool quoted; /* in double quotes, and nothing behind them */
	bool clear; /* it can be followed */
};

static void value_find(const char *start, const char *end, struct assignment *a)
{
	const char *close;

	while (end > start && strchr(" \t\r", end[-1]))
		end--;
	*a = (struct assignment){ .value = start, .len = (size_t)(end - start) };
	if (end > start && (*start == '"' || *start == '\'')) {
		close = memchr(start + 1, *start, (size_t)(end - start - 1));
		/* A comment may follow. */
		if (!close || (close + 1 < end && !strchr(" \t", close[1])))
			return;
		if (close + 1 < end && close[1 + strspn(close + 1, " \t")] != '#')
			return;
		a->value = start + 1;
		a->len = (size_t)(close - start - 1);
		a->quoted = *start == '"';
		a->clear = true;
	} else {
		a->clear = !memchr(start, ' ', a->len) && !memchr(start, '"', a->len) &&
			!memchr(start, '\'', a->len);
	}
	for (size_t i = 0; i < a->len; i++)
		a->clear = a->clear && a->value[i] != '\\' && a->value[i] != '`' &&
			strncmp(a->value + i, "$(", 2) != 0;
}

/* Whether the line sets `name`. */
static bool is_assignment(const char *line, const char *name, struct assignment *a)
{
	const char *word = line + strspn(line, " \t"), *end = line + strcspn(line, "\n");
	size_t len = strlen(name);
	bool append;

	if (!strncmp(word, "export", 6) && (word[6] == ' ' || word[6] == '\t'))
		word += 6 + strspn(word + 6, " \t");
	if (strncmp(word, name, len) != 0)
		return false;
	word += len;
	append = word[0] == '+' && word[1] == '=';
	if (!append && *word != '=')
		return false;
	value_find(word + 1 + append, end, a);
	a->append = append;
	return true;
}

/* The value of a variable reference at `text`, its length in *used; NULL: none of ours. */
static const char *reference(
	const struct grub_default *d, const char *text, size_t len, size_t *used)
{
	const struct {
		const char *name;
		const struct buffer *value;
	} known[] = { { "${" VARIABLE "_DEFAULT}", &d->more }, { "${" VARIABLE "}", &d->line },
		{ "$" VARIABLE "_DEFAULT", &d->more }, { "$" VARIABLE, &d->line } };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		size_t name = strlen(known[i].name);

		if (len < name || strncmp(text, known[i].name, name))
			continue;
		if (known[i].name[1] != '{' && len > name &&
			(text[name] == '_' || (text[name] >= 'A' && text[name] <= 'Z') ||
				(text[name] >= 'a' && text[name] <= 'z') ||
				(text[name] >= '0' && text[name] <= '9')))
			continue;
		*used = name;
		return buffer_text(known[i].value);
	}
	return NULL;
}

static int assign(
	struct grub_default *d, const struct assignment *a, struct buffer *to, struct error *e)
{
	struct buffer value = { 0 };
	int rc;

	d->unclear = d->unclear || !a->clear || d->assignments++ == ASSIGNMENT_LIMIT;
	/* What can't be followed is neither shown nor edited. */
	if (d->unclear)
		return 0;
	rc = a->append ? buffer_append(&value, to->data, to->len, e) : 0;
	for (size_t i = 0; i < a->len && !rc && value.len < VALUE_LIMIT;) {
		size_t used = 1;
		const char *text = reference(d, a->value + i, a->len - i, &used);

		rc = text ? buffer_string(&value, text, e)
			  : buffer_append(&value, a->value + i, 1, e);
		i += used;
	}
	d->unclear = d->unclear || value.len >= VALUE_LIMIT;
	buffer_free(to);
	*to = value;
	return rc;
}

/* *sets: some line of it sets the variable that we would. */
static int script_take(struct grub_default *d, const char *text, bool *sets, struct error *e)
{
	int rc = 0;

	*sets = false;
	while (*text && !rc) {
		struct assignment a;

		if (is_assignment(text, VARIABLE, &a)) {
			*sets = true;
			rc = assign(d, &a, &d->line, e);
		} else if (is_assignment(text, VARIABLE "_DEFAULT", &a)) {
			rc = assign(d, &a, &d->more, e);
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return rc;
}

static int directory_take(struct guest_image *g, struct grub_default *d, struct error *e)
{
	struct strings names = { 0 };
	int rc = tree_is(g->tree, DIRECTORY, S_IFDIR) ? tree_list(g->tree, DIRECTORY, &names, e)
						      : 0;

	for (size_t i = 0; i < names.count && i < FILES_LIMIT && !rc; i++) {
		struct buffer path = { 0 }, text = { 0 };
		size_t len = strlen(names.item[i]);
		bool exists, sets = false;

		if (len < 5 || strcmp(names.item[i] + len - 4, ".cfg") || *names.item[i] == '.')
			continue;
		rc = buffer_format(&path, e, DIRECTORY "/%s", names.item[i]);
		if (!rc)
			rc = linux_text(g->tree, buffer_text(&path), &text, &exists, e);
		if (!rc)
			rc = script_take(d, buffer_text(&text), &sets, e);
		if (!rc && sets) {
			buffer_free(&d->last);
			rc = buffer_string(&d->last, names.item[i], e);
		}
		buffer_free(&path);
		buffer_free(&text);
	}
	strings_free(&names);
	return rc;
}

/* Debian's reads the directory, others' may not. */
static int maker_look(struct guest_image *g, struct grub_default *d, struct error *e)
{
	static const char *const paths[] = { "/usr/sbin/grub-mkconfig", "/usr/sbin/grub2-mkconfig",
		"/usr/bin/grub-mkconfig", "/sbin/grub2-mkconfig" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) && !rc && !d->used; i++) {
		struct buffer text = { 0 };

		rc = linux_text(g->tree, paths[i], &text, &d->used, e);
		d->has_directory = !rc && strstr(buffer_text(&text), "default/grub.d");
		buffer_free(&text);
	}
	return rc;
}

int grub_default_load(struct guest_image *g, struct grub_default *out, struct error *e)
{
	struct grub_default d = { 0 };
	struct buffer text = { 0 };
	bool exists = false, sets;
	int rc = maker_look(g, &d, e);

	if (!rc && d.used)
		rc = linux_text(g->tree, GRUB_DEFAULT, &text, &exists, e);
	if (!rc)
		rc = script_take(&d, buffer_text(&text), &sets, e);
	if (!rc && d.used && d.has_directory)
		rc = directory_take(g, &d, e);
	d.used = d.used && (exists || d.has_directory);
	buffer_free(&text);
	if (rc) {
		grub_default_free(&d);
		return rc;
	}
	*out = d;
	return 0;
}

/* A file that is read after all others, which puts words before the value there is. */
static int drop_in_write(struct guest_image *g, const struct grub_default *d,
	const struct strings *adds, struct error *e)
{
	const char *path = strcmp(buffer_text(&d->last), "99-hvimg.cfg") <= 0
		? DIRECTORY "/99-hvimg.cfg"
		: DIRECTORY "/zz-hvimg.cfg";
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	if (!rc && !exists)
		rc = buffer_string(&text, "# For the hypervisors that this image is for.\n", e);
	if (!rc)
		rc = buffer_string(&text, VARIABLE "=\"", e);
	for (size_t i = 0; i < adds->count && !rc; i++)
		rc = buffer_format(&text, e, "%s ", adds->item[i]);
	if (!rc)
		rc = buffer_string(&text, "$" VARIABLE "\"\n", e);
	if (!rc)
		rc = linux_put(g, path, text.data, text.len,
			"kernel arguments of the target, for the next grub.cfg", e);
	buffer_free(&text);
	return rc;
}

/* The last line that sets the variable; NULL: none. */
static const char *last_assignment(const char *text, struct assignment *out)
{
	const char *found = NULL;

	while (*text) {
		struct assignment a;

		if (is_assignment(text, VARIABLE, &a)) {
			*out = a;
			found = text;
		}
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return found;
}

static int value_edit(const struct grub_default *d, const struct buffer *text,
	const struct argument_list *wanted, struct buffer *out, struct error *e)
{
	struct assignment a = { .value = buffer_text(text) };
	const char *all = buffer_text(text), *line = last_assignment(all, &a);
	const char *quote = line && a.value > all && strchr("\"'", a.value[-1]) ? "" : "\"";
	const struct command_line l = {
		.text = a.value, .len = line ? a.len : 0, .context = buffer_text(&d->more)
	};
	size_t before = line ? (size_t)(a.value - all) : text->len, after = before + l.len;
	int rc = buffer_append(out, text->data, before, e);

	if (!rc && !line && before && all[before - 1] != '\n')
		rc = buffer_string(out, "\n", e);
	if (!rc && !line)
		rc = buffer_string(out, VARIABLE "=", e);
	if (!rc)
		rc = buffer_string(out, quote, e);
	if (!rc)
		rc = command_line_edit(&l, wanted, out, e);
	if (!rc)
		rc = buffer_string(out, quote, e);
	if (!rc && !line)
		rc = buffer_string(out, "\n", e);
	return rc ? rc : buffer_append(out, all + after, text->len - after, e);
}

static int file_edit(struct guest_image *g, const struct grub_default *d,
	const struct argument_list *wanted, struct error *e)
{
	struct buffer text = { 0 }, out = { 0 };
	bool exists;
	int rc = linux_text(g->tree, GRUB_DEFAULT, &text, &exists, e);

	if (!rc)
		rc = value_edit(d, &text, wanted, &out, e);
	if (!rc)
		rc = linux_put(g, GRUB_DEFAULT, out.data, out.len,
			"kernel arguments of the target, for the next grub.cfg", e);
	buffer_free(&text);
	buffer_free(&out);
	return rc;
}

int grub_default_apply(struct guest_image *g, const struct grub_default *d,
	const struct argument_list *wanted, struct error *e)
{
	const struct command_line line = {
		.text = buffer_text(&d->line), .len = d->line.len, .context = buffer_text(&d->more)
	};
	struct strings lacking = { 0 }, adds = { 0 };
	int rc = d->used && !d->unclear ? command_line_lacks(&line, wanted, &lacking, e) : 0;
	bool only_adds = true;

	for (size_t i = 0; i < wanted->count; i++)
		only_adds = only_adds && wanted->item[i]->action == ARGUMENT_ADD;
	if (!rc && lacking.count)
		rc = command_line_adds(&line, wanted, &adds, e);
	if (!rc && lacking.count)
		rc = only_adds && d->has_directory ? drop_in_write(g, d, &adds, e)
						   : file_edit(g, d, wanted, e);
	strings_free(&lacking);
	strings_free(&adds);
	return rc;
}
