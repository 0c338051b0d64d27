/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line as tables. */
#include "tools/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "base/buffer.h"

enum {
	COUNT_MAX = 1024,
	GIB_MAX = 65536, /* 64 TiB, the largest VHDX */
};

int option_flag(void *field, const char *value, struct error *e)
{
	(void)value;
	(void)e;
	*(bool *)field = true;
	return 0;
}

int option_text(void *field, const char *value, struct error *e)
{
	if (!*value)
		return error_set(e, ERR_USAGE, "is empty");
	*(const char **)field = value;
	return 0;
}

int option_folder(void *field, const char *value, struct error *e)
{
	if (value)
		return option_text(field, value, e);
	*(const char **)field = "";
	return 0;
}

int option_list(void *field, const char *value, struct error *e)
{
	return strings_add(field, value, e);
}

static int check_pair(const char *pair, struct error *e)
{
	const char *equals = strchr(pair, '=');

	if (!equals || equals == pair)
		return error_set(e, ERR_USAGE, "\"%s\" is not KEY=VALUE", pair);
	return 0;
}

int option_pair(void *field, const char *value, struct error *e)
{
	int rc = check_pair(value, e);

	return rc ? rc : strings_add(field, value, e);
}

/* As in qemu-img, a key alone is "key=on". */
int option_pairs(void *field, const char *value, struct error *e)
{
	struct strings words = { 0 };
	int rc = strings_split(&words, value, ",", e);

	if (!rc && !words.count)
		rc = error_set(e, ERR_USAGE, "is empty");
	for (size_t i = 0; !rc && i < words.count; i++) {
		struct buffer pair = { 0 };
		bool alone = !strchr(words.item[i], '=');

		rc = buffer_format(&pair, e, "%s%s", words.item[i], alone ? "=on" : "");
		if (!rc)
			rc = option_pair(field, buffer_text(&pair), e);
		buffer_free(&pair);
	}
	strings_free(&words);
	return rc;
}

int option_words(void *field, const char *value, struct error *e)
{
	return *value ? strings_split(field, value, ",", e) : error_set(e, ERR_USAGE, "is empty");
}

int option_selection(void *field, const char *value, struct error *e)
{
	return option_words(field, value ? value : "defaults", e);
}

int option_size_change(void *field, const char *value, struct error *e)
{
	return size_change_parse(value, field, e);
}

static int parse_number(const char *value, unsigned max, unsigned *out, struct error *e)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || end == value || *end || *value == '-' || n < 1 || n > max)
		return error_set(e, ERR_USAGE, "\"%s\" is not a number from 1 to %u", value, max);
	*out = (unsigned)n;
	return 0;
}

int option_gib(void *field, const char *value, struct error *e)
{
	unsigned n;
	int rc = parse_number(value, GIB_MAX, &n, e);

	if (!rc)
		*(uint64_t *)field = n;
	return rc;
}

int option_count(void *field, const char *value, struct error *e)
{
	return parse_number(value, COUNT_MAX, field, e);
}

static const struct option_spec *find_long(
	const struct option_spec *table, const char *name, size_t len)
{
	for (; table->name; table++)
		if (strlen(table->name) == len && !strncmp(table->name, name, len))
			return table;
	return NULL;
}

static const struct option_spec *find_letter(const struct option_spec *table, char letter)
{
	for (; table->name; table++)
		if (table->letter == letter)
			return table;
	return NULL;
}

static int store(const struct option_spec *o, void *settings, const char *value, struct error *e)
{
	int rc = o->set((char *)settings + o->field, value, e);

	return rc ? error_prefix(e, "--%s", o->name) : 0;
}

/* One "--name", "--name=value" or "--name value".  *used is how many words it took. */
static int parse_long(const struct option_spec *own, const struct option_spec *common, char **word,
	void *settings, size_t *used, struct error *e)
{
	const char *name = word[0] + 2;
	size_t len = strcspn(name, "=");
	const char *value = name[len] ? name + len + 1 : NULL;
	const struct option_spec *o = find_long(own, name, len);

	if (!o)
		o = find_long(common, name, len);
	if (!o)
		return error_set(
			e, ERR_USAGE, "unknown option --%.*s", (int)(len > 64 ? 64 : len), name);
	*used = 1;
	if (!o->argument && value)
		return error_set(e, ERR_USAGE, "--%s takes no value", o->name);
	if (o->argument && *o->argument != '[' && !value) {
		value = word[1];
		if (!value)
			return error_set(e, ERR_USAGE, "--%s needs %s", o->name, o->argument);
		*used = 2;
	}
	return store(o, settings, value, e);
}

/* One "-abc", "-fVALUE" or "-f VALUE". */
static int parse_letters(const struct option_spec *own, const struct option_spec *common,
	char **word, void *settings, size_t *used, struct error *e)
{
	int rc = 0;

	*used = 1;
	for (const char *letter = word[0] + 1; !rc && *letter; letter++) {
		const struct option_spec *o = find_letter(own, *letter);
		const char *value = letter[1] ? letter + 1 : word[1];

		if (!o)
			o = find_letter(common, *letter);
		if (!o)
			return error_set(e, ERR_USAGE, "unknown option -%c", *letter);
		if (!o->argument) {
			rc = store(o, settings, NULL, e);
			continue;
		}
		if (!value)
			return error_set(e, ERR_USAGE, "-%c needs %s", *letter, o->argument);
		*used = letter[1] ? 1 : 2;
		return store(o, settings, value, e);
	}
	return rc;
}

int options_parse(const struct option_spec *own, const struct option_spec *common, char **argv,
	void *settings, struct strings *rest, struct error *e)
{
	bool ended = false;
	int rc = 0;

	while (!rc && *argv) {
		size_t used = 1;

		/* A lone dash is a name: standard input or output. */
		if (ended || argv[0][0] != '-' || !argv[0][1])
			rc = strings_add(rest, *argv, e);
		else if (!strcmp(*argv, "--"))
			ended = true;
		else if (argv[0][1] == '-')
			rc = parse_long(own, common, argv, settings, &used, e);
		else
			rc = parse_letters(own, common, argv, settings, &used, e);
		argv += used;
	}
	return rc;
}

void options_free(const struct option_spec *table, void *settings)
{
	for (; table->name; table++)
		if (table->set == option_list || table->set == option_pairs ||
			table->set == option_pair || table->set == option_words ||
			table->set == option_selection)
			strings_free((struct strings *)((char *)settings + table->field));
}
