/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* tools are no library: the test takes the file itself. */
#include "tools/options.c"

struct settings {
	bool flag, other, help;
	const char *text;
	struct strings list, pairs;
	unsigned count;
};

#define FIELD(name) offsetof(struct settings, name)
static const struct option_spec own[] = {
	{ "flag", 'a', NULL, "", option_flag, FIELD(flag) },
	{ "other", 'b', NULL, "", option_flag, FIELD(other) },
	{ "text", 't', "TEXT", "", option_text, FIELD(text) },
	{ "list", 0, "ITEM", "", option_list, FIELD(list) },
	{ "pairs", 'o', "K=V,...", "", option_pairs, FIELD(pairs) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
static const struct option_spec common[] = {
	{ "threads", 0, "N", "", option_count, FIELD(count) },
	{ "help", 'h', NULL, "", option_flag, FIELD(help) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

struct parsed {
	struct settings s;
	struct strings rest;
	struct error e;
	int rc;
};

static struct parsed parse(const char *first, ...)
{
	struct parsed p = { .rc = 0 };
	char *argv[16] = { NULL };
	va_list args;
	size_t count = 0;

	va_start(args, first);
	for (const char *word = first; word; word = va_arg(args, const char *)) {
		assert_true(count < 15);
		argv[count] = strdup(word);
		assert_non_null(argv[count++]);
	}
	va_end(args);
	p.rc = options_parse(own, common, argv, &p.s, &p.rest, &p.e);
	/* Texts point into argv, as they do in the program. */
	if (p.s.text)
		p.s.text = strdup(p.s.text);
	for (size_t i = 0; i < count; i++)
		free(argv[i]);
	return p;
}

static void parsed_free(struct parsed *p)
{
	free((void *)(uintptr_t)p->s.text);
	options_free(own, &p->s);
	strings_free(&p->rest);
}

static void refused(struct parsed p, const char *why)
{
	assert_int_equal(p.rc, -ERR_USAGE);
	assert_string_equal(p.e.text, why);
	parsed_free(&p);
}

static void test_long_options(void **state)
{
	struct parsed p = parse("--text=x=y", "--flag", "one", "--threads", "7", "two", NULL);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_string_equal(p.s.text, "x=y");
	assert_true(p.s.flag);
	assert_false(p.s.other);
	assert_int_equal(p.s.count, 7);
	assert_int_equal(p.rest.count, 2);
	assert_string_equal(p.rest.item[1], "two");
	parsed_free(&p);
}

static void test_letters(void **state)
{
	struct parsed p = parse("-abtvalue", NULL);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_true(p.s.flag && p.s.other);
	assert_string_equal(p.s.text, "value");
	parsed_free(&p);
	p = parse("-t", "value", "-h", NULL);
	assert_string_equal(p.s.text, "value");
	assert_true(p.s.help);
	parsed_free(&p);
}

static void test_pairs_are_split_and_lists_are_not(void **state)
{
	struct parsed p = parse("-o", "a=1,b=2", "-oc=3,d", "--list", "x,y", NULL);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.s.pairs.count, 4);
	assert_string_equal(p.s.pairs.item[2], "c=3");
	assert_string_equal(p.s.pairs.item[3], "d=on");
	assert_int_equal(p.s.list.count, 1);
	parsed_free(&p);
}

static void test_end_of_options(void **state)
{
	struct parsed p = parse("-", "--", "--flag", "-a", NULL);

	(void)state;
	assert_int_equal(p.rc, 0);
	assert_int_equal(p.rest.count, 3);
	assert_false(p.s.flag);
	parsed_free(&p);
}

static void test_refusals(void **state)
{
	(void)state;
	refused(parse("--fla", NULL), "unknown option --fla");
	refused(parse("-az", NULL), "unknown option -z");
	refused(parse("--flag=1", NULL), "--flag takes no value");
	refused(parse("--text", NULL), "--text needs TEXT");
	refused(parse("-t", NULL), "-t needs TEXT");
	refused(parse("--text=", NULL), "--text: is empty");
	refused(parse("-o", ",", NULL), "--pairs: is empty");
	refused(parse("-o", "a=1,=2", NULL), "--pairs: \"=2\" is not KEY=VALUE");
	refused(parse("--threads", "0", NULL), "--threads: \"0\" is not a number from 1 to 1024");
	refused(parse("--threads", "-1", NULL), "--threads: \"-1\" is not a number from 1 to 1024");
	refused(parse("--threads", "2x", NULL), "--threads: \"2x\" is not a number from 1 to 1024");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_options),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_pairs_are_split_and_lists_are_not),
		cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
