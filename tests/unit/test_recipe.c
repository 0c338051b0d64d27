/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes: what the schema refuses and where, parameters, includes, and what becomes of steps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "job/recipe.h"

#define HEAD                                                                                       \
	"<recipe name=\"r\" tested=\"plan\">\n<title>A recipe</title>\n"                           \
	"<parameter name=\"disk\" default=\"disk.qcow2\" type=\"path\"/>\n"                        \
	"<parameter name=\"word\" default=\"usual\"/>\n"                                           \
	"<source image=\"${disk}\"/>\n"
#define TAIL "<output file=\"r.vhdx\" format=\"vhdx\"/>\n</recipe>\n"

static char folder[] = "/tmp/hvimg-recipe-XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static int load(struct recipe *r, struct error *e, const char *setting, const char *more)
{
	struct strings set = { 0 };
	char path[256];
	int rc;

	*r = (struct recipe){ 0 };
	*e = (struct error){ 0 };
	if (setting)
		assert_int_equal(strings_add(&set, setting, NULL), 0);
	if (more)
		assert_int_equal(strings_add(&set, more, NULL), 0);
	snprintf(path, sizeof(path), "%s/r.xml", folder);
	rc = recipe_load("recipes", path, &set, r, e);
	strings_free(&set);
	return rc;
}

/* The recipe is refused, with these texts in the message. */
static void refused(const char *text, int code, const char *where, const char *why)
{
	struct recipe r;
	struct error e;

	put("r.xml", text);
	assert_int_equal(load(&r, &e, NULL, NULL), -code);
	if (!strstr(e.text, where) || !strstr(e.text, why))
		fail_msg("\"%s\" has not %s and %s", e.text, where, why);
}

static void test_steps(void **state)
{
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml",
		HEAD "<write path=\"/etc/a\" mode=\"0640\">\n#!/bin/sh\necho $1 $${HOME} ${word}\n"
		     "</write>\n"
		     "<user name=\"op\" groups=\"sudo, adm\" sudo=\"true\"><key>ssh-ed25519 A</key>"
		     "</user>\n"
		     "<copy from=\"motd\" to=\"/etc/motd\"/>\n"
		     "<target name=\"hyperv\"/><target name=\"kvm\"/><target name=\"kvm\"/>\n"
		     "<seal operations=\"defaults,-logfiles\"/>\n" TAIL);
	assert_int_equal(load(&r, &e, "word=given", NULL), 0);
	assert_string_equal(r.name, "r");
	assert_string_equal(r.image_name, "r");
	assert_string_equal(r.bundle, "dir");
	assert_int_equal(r.edits.count, 3);
	assert_int_equal(r.edits.edit[0].kind, GUEST_WRITE);
	assert_int_equal(r.edits.edit[0].line, 6);
	assert_true(r.edits.edit[0].has_mode);
	assert_int_equal(r.edits.edit[0].mode, 0640);
	assert_string_equal(r.edits.edit[0].text, "#!/bin/sh\necho $1 ${HOME} given\n");
	assert_int_equal(r.edits.edit[1].kind, GUEST_USER);
	assert_true(r.edits.edit[1].sudo);
	assert_int_equal(r.edits.edit[1].list.count, 2);
	assert_string_equal(r.edits.edit[1].list.item[1], "adm");
	assert_string_equal(r.edits.edit[1].keys.item[0], "ssh-ed25519 A");
	assert_non_null(strstr(r.edits.edit[2].from, folder));
	assert_int_equal(r.targets.count, 2);
	assert_int_equal(r.seal.count, 2);
	recipe_free(&r);
}

/* A path that is given is of the current folder, the default one of the recipe's. */
static void test_paths(void **state)
{
	char here[256], want[512];
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml", HEAD TAIL);
	assert_int_equal(load(&r, &e, NULL, NULL), 0);
	snprintf(want, sizeof(want), "%s/disk.qcow2", folder);
	assert_string_equal(r.source.location, want);
	recipe_free(&r);
	assert_int_equal(load(&r, &e, "disk=mine.raw", NULL), 0);
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(want, sizeof(want), "%s/mine.raw", here);
	assert_string_equal(r.source.location, want);
	recipe_free(&r);
	assert_int_equal(load(&r, &e, "disk=/far/x.raw", NULL), 0);
	assert_string_equal(r.source.location, "/far/x.raw");
	recipe_free(&r);
}

static void test_substitution_once(void **state)
{
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml", HEAD "<write path=\"/a\">${word}</write>" TAIL);
	assert_int_equal(load(&r, &e, "word=${disk}<b>&amp;", NULL), 0);
	assert_string_equal(r.edits.edit[0].text, "${disk}<b>&amp;");
	recipe_free(&r);
	put("r.xml", HEAD "<hostname name=\"a-${word}-${word}\"/>" TAIL);
	assert_int_equal(load(&r, &e, "word=first", "word=x<y&amp;\"z"), 0);
	assert_string_equal(r.edits.edit[0].name, "a-x<y&amp;\"z-x<y&amp;\"z");
	recipe_free(&r);
	assert_int_equal(load(&r, &e, "nosuch=1", NULL), -ERR_USAGE);
	assert_non_null(strstr(e.text, "nosuch"));
	assert_int_equal(load(&r, &e, "word", NULL), -ERR_USAGE);
}

static void test_left_out(void **state)
{
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml", HEAD "<parameter/>" TAIL);
	assert_int_equal(load(&r, &e, NULL, NULL), -ERR_CORRUPT);
	put("r.xml",
		HEAD
		"<drivers when=\"${word}\" path=\"${word}\"/><hostname when=\"no\" name=\"a\"/>"
		"<timezone name=\"UTC\"/>" TAIL);
	assert_int_equal(load(&r, &e, "word=", NULL), 0);
	assert_int_equal(r.drivers.count, 0);
	assert_int_equal(r.edits.count, 1);
	assert_int_equal(r.edits.edit[0].kind, GUEST_TIMEZONE);
	recipe_free(&r);
	assert_int_equal(load(&r, &e, NULL, NULL), 0);
	assert_int_equal(r.drivers.count, 1);
	recipe_free(&r);
}

static void test_refusals(void **state)
{
	(void)state;
	refused("<recipe", ERR_CORRUPT, "r.xml:1: ", "");
	refused(HEAD "<wirte path=\"/a\">x</wirte>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "wirte");
	refused(HEAD "<chmod path=\"/a\" mode=\"999\"/>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "chmod");
	refused(HEAD "<remove path=\"relative\"/>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "remove");
	refused(HEAD "\n<write path=\"/a\">${nosuch}</write>\n" TAIL, ERR_CORRUPT,
		"r.xml:7: ", "nosuch");
	refused(HEAD "<write path=\"/a\">${open</write>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "}");
	refused(HEAD "<chmod path=\"/a\" mode=\"${word}\"/>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "");
	refused(HEAD "<chmod path=\"/a\" mode=\"$${word}\"/>\n" TAIL, ERR_CORRUPT, "r.xml:6: ", "");
	refused(HEAD "<seal operations=\"nonsense\"/>\n" TAIL, ERR_USAGE, "r.xml:6: ", "nonsense");
	refused(HEAD "<windows rtc=\"mars\"/>\n" TAIL, ERR_USAGE, "r.xml:6: ", "mars");
	refused(HEAD "<output file=\"../r\" format=\"vhdx\"/>\n" TAIL, ERR_CORRUPT,
		"r.xml:6: ", "../r");
	refused(HEAD "<output file=\"r.vhdx\" format=\"vhdx\"/>\n" TAIL, ERR_CORRUPT,
		"r.xml:7: ", "r.vhdx");
	refused(HEAD "<output file=\"r.vdi\" format=\"vdi\"/>\n" TAIL, ERR_CORRUPT,
		"r.xml:6: ", "");
	refused("<!DOCTYPE r [<!ENTITY a \"b\">]>" HEAD TAIL, ERR_CORRUPT,
		"r.xml:1: ", "document type");
	refused("<part><title>p</title></part>", ERR_CORRUPT, "r.xml:1: ", "part");
	refused("<recipe name=\"r\" tested=\"plan\"><title>t</title>\n<parameter name=\"must\"/>"
		"<source image=\"a\"/>" TAIL,
		ERR_USAGE, "r.xml:2: ", "--set must=VALUE");
	refused("<recipe name=\"r\" tested=\"plan\"><title>t</title>\n"
		"<source image=\"ftp://user:word@example.org/a\"/>" TAIL,
		ERR_UNSUPPORTED, "r.xml:2: ", "ftp: only http");
	refused("<recipe name=\"r\" tested=\"plan\"><title>t</title>\n"
		"<parameter name=\"a\" default=\"\"/>\n<parameter name=\"a\" default=\"\"/>\n"
		"<source image=\"a\"/>" TAIL,
		ERR_CORRUPT, "r.xml:3: ", "twice");
}

static void test_include(void **state)
{
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml",
		HEAD "<remove path=\"/1\"/><include file=\"p.xml\"/><remove path=\"/4\"/>" TAIL);
	put("p.xml",
		"<part><title>p</title><parameter name=\"word\" default=\"other\"/>"
		"<parameter name=\"own\" default=\"3\"/>"
		"<remove path=\"/2-${word}\"/><remove path=\"/${own}\"/></part>");
	assert_int_equal(load(&r, &e, NULL, NULL), 0);
	assert_int_equal(r.edits.count, 4);
	assert_string_equal(r.edits.edit[1].path, "/2-usual");
	assert_string_equal(r.edits.edit[2].path, "/3");
	assert_string_equal(r.edits.edit[3].path, "/4");
	assert_int_equal(r.files.count, 2);
	recipe_free(&r);
	assert_int_equal(load(&r, &e, "own=5", NULL), 0);
	assert_string_equal(r.edits.edit[2].path, "/5");
	recipe_free(&r);

	/* Of a whole recipe only the steps. */
	put("p.xml",
		"<recipe name=\"p\" tested=\"plan\"><title>p</title><source image=\"other\"/>"
		"<resize size=\"+1G\"/><remove path=\"/2\"/>"
		"<output file=\"p.raw\" format=\"raw\"/></recipe>");
	assert_int_equal(load(&r, &e, NULL, NULL), 0);
	assert_int_equal(r.edits.count, 3);
	assert_int_equal(r.output_count, 1);
	assert_int_equal(r.size.bytes, 0);
	assert_non_null(strstr(r.source.location, "disk.qcow2"));
	recipe_free(&r);
}

static void test_include_refusals(void **state)
{
	static const char two[] = "<part><title>p</title>\n<include file=\"p%d.xml\"/>"
				  "<include file=\"p%d.xml\"/></part>";
	char text[256], name[16];

	(void)state;
	refused(HEAD "<include file=\"none.xml\"/>" TAIL, ERR_NOTFOUND, "r.xml:6: ", "none.xml");
	put("p.xml", "<part><title>p</title>\n<include file=\"r.xml\"/></part>");
	refused(HEAD "<include file=\"p.xml\"/>" TAIL, ERR_CORRUPT, "p.xml:2: ", "r.xml");
	put("p.xml", "<part><title>p</title>\n\n<nonsense/></part>");
	refused(HEAD "<include file=\"p.xml\"/>" TAIL, ERR_CORRUPT, "p.xml:3: ", "nonsense");
	/* 2 + 4 + 8 ... files, and a chain that is too long. */
	for (int i = 1; i < 12; i++) {
		snprintf(name, sizeof(name), "p%d.xml", i);
		snprintf(text, sizeof(text), two, i + 1, i + 1);
		put(name, text);
	}
	refused(HEAD "<include file=\"p1.xml\"/>" TAIL, ERR_RANGE, "p7.xml:2: ", "8");
	put("p6.xml", "<part><title>p</title></part>");
	refused(HEAD "<include file=\"p1.xml\"/><include file=\"p1.xml\"/><include "
		     "file=\"p1.xml\"/>" TAIL,
		ERR_RANGE, "64", "files");
}

static void test_secret(void **state)
{
	static const char text[] = "<recipe name=\"r\" tested=\"plan\">\n<title>t</title>\n"
				   "<parameter name=\"key\" default=\"\" secret=\"true\"/>\n"
				   "<source image=\"a\"/>\n<write path=\"/k\">${key}</write>\n"
				   "<chmod path=\"/k\" mode=\"0${key}\"/>\n" TAIL;
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml", text);
	assert_int_equal(load(&r, &e, "key=hunter22", NULL), -ERR_CORRUPT);
	assert_null(strstr(e.text, "hunter22"));
	assert_int_equal(load(&r, &e, "key=abc", NULL), -ERR_USAGE);
	assert_int_equal(load(&r, &e, "key=0600", NULL), -ERR_CORRUPT);
	put("r.xml",
		"<recipe name=\"r\" tested=\"plan\">\n<title>t</title>\n"
		"<parameter name=\"key\" secret=\"true\"/>\n<source image=\"a\"/>\n"
		"<write path=\"/k\">${key}</write>\n" TAIL);
	assert_int_equal(load(&r, &e, "key=hunter22", NULL), 0);
	assert_true(recipe_has_secret(&r, "the hunter222"));
	assert_false(recipe_has_secret(&r, "the hunter2"));
	recipe_free(&r);
}

/* 64 KiB times 4096 references would be 256 MiB. */
static void test_bounded(void **state)
{
	enum { VALUE = 65536, REFERENCES = 4096 };
	char *setting = malloc(VALUE + 16), *text = malloc(REFERENCES * 8 + 2048);
	struct recipe r;
	struct error e;

	(void)state;
	assert_non_null(setting);
	assert_non_null(text);
	memcpy(setting, "word=", 5);
	memset(setting + 5, 'x', VALUE);
	setting[5 + VALUE] = '\0';
	strcpy(text, HEAD "<write path=\"/a\">");
	for (int i = 0; i < REFERENCES; i++)
		strcat(text, "${word}");
	strcat(text, "</write>" TAIL);
	put("r.xml", text);
	assert_int_equal(load(&r, &e, setting, NULL), -ERR_RANGE);
	free(setting);
	free(text);
}

static void test_template(void **state)
{
	struct recipe r;
	struct error e;

	(void)state;
	put("r.xml", HEAD "<template from=\"t.conf\" to=\"/etc/t.conf\"/>" TAIL);
	put("t.conf", "a=${word}\nb=$${word}\n");
	assert_int_equal(load(&r, &e, NULL, NULL), 0);
	assert_int_equal(r.edits.edit[0].kind, GUEST_WRITE);
	assert_null(r.edits.edit[0].from);
	assert_string_equal(r.edits.edit[0].text, "a=usual\nb=${word}\n");
	recipe_free(&r);
	put("t.conf", "${nosuch}");
	assert_int_equal(load(&r, &e, NULL, NULL), -ERR_CORRUPT);
}

static void test_shipped(void **state)
{
	struct recipe_summary *list;
	struct error e = { 0 };
	size_t count;

	(void)state;
	assert_int_equal(recipes_list("recipes", &list, &count, &e), 0);
	for (size_t i = 0; i < count; i++) {
		assert_true(!i || strcmp(list[i - 1].name, list[i].name) < 0);
		assert_true(*list[i].title);
	}
	recipes_list_free(list, count);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_substitution_once),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_refusals),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_shipped),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
