/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Targets: the shipped ones, families, and files that the schema or the parser must refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "guest/target.h"

enum { PATH_SIZE = 512 };

static const struct target_module *module_of(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->module_count; i++)
		if (!strcmp(t->module[i].name, name))
			return &t->module[i];
	return NULL;
}

static const char *property_of(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->property_count; i++)
		if (!strcmp(t->property[i].name, name))
			return t->property[i].value;
	return NULL;
}

static void test_family(void **state)
{
	struct target_list l;
	struct error e = { 0 };
	const struct target *gen1, *gen2;

	(void)state;
	assert_int_equal(targets_load("recipes", "hyperv", &l, &e), 0);
	assert_int_equal(l.count, 2);
	gen1 = target_by_name(&l, "hyperv-gen1");
	gen2 = target_by_name(&l, "hyperv-gen2");
	assert_non_null(gen1);
	assert_non_null(gen2);
	assert_true(gen1->by_family && gen2->by_family);
	assert_string_equal(gen1->firmware, "bios");
	assert_string_equal(gen2->firmware, "uefi");
	assert_string_equal(gen2->hypervisor, "hyperv");
	assert_string_equal(gen2->evidence, "inferred");
	assert_string_equal(property_of(gen1, "hw_machine_type"), "hyperv-gen1");
	assert_string_equal(property_of(gen2, "hw_machine_type"), "hyperv-gen2");
	assert_string_equal(property_of(gen2, "hypervisor_version_requires"), ">=6.3");
	assert_null(property_of(gen1, "hypervisor_version_requires"));
	targets_free(&l);
}

static void test_modules(void **state)
{
	struct target_list l;
	struct error e = { 0 };
	const struct target_module *m;

	(void)state;
	assert_int_equal(targets_load("recipes", "hyperv-gen1", &l, &e), 0);
	assert_int_equal(l.count, 1);
	assert_false(l.target[0].by_family);
	m = module_of(&l.target[0], "hv_storvsc");
	assert_non_null(m);
	assert_int_equal(m->need, NEED_BOOT);
	assert_true(m->initramfs);
	assert_string_equal(m->config, "CONFIG_HYPERV_STORAGE");
	m = module_of(&l.target[0], "hv_netvsc");
	assert_non_null(m);
	assert_int_equal(m->need, NEED_LATER);
	assert_true(m->initramfs);
	m = module_of(&l.target[0], "hv_balloon");
	assert_non_null(m);
	assert_int_equal(m->need, NEED_OPTIONAL);
	assert_false(m->initramfs);
	targets_free(&l);
}

static void test_own_name_is_a_must(void **state)
{
	struct target_list l;
	struct error e = { 0 };

	(void)state;
	assert_int_equal(targets_load("recipes", "hyperv,hyperv-gen1", &l, &e), 0);
	assert_int_equal(l.count, 2);
	assert_false(target_by_name(&l, "hyperv-gen1")->by_family);
	assert_true(target_by_name(&l, "hyperv-gen2")->by_family);
	targets_free(&l);

	assert_int_equal(targets_load("recipes", "hyperv-gen2,hyperv", &l, &e), 0);
	assert_int_equal(l.count, 2);
	assert_string_equal(l.target[0].name, "hyperv-gen2");
	assert_false(l.target[0].by_family);
	targets_free(&l);
}

static void test_unknown(void **state)
{
	struct target_list l;
	struct error e = { 0 };

	(void)state;
	assert_int_equal(targets_load("recipes", "hyperv,vmware", &l, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "vmware"));
	assert_non_null(strstr(e.text, "hyperv-gen2"));
	assert_int_equal(targets_load("recipes", ",", &l, &e), -ERR_USAGE);
	assert_int_equal(targets_load("/nonexistent", "hyperv", &l, &e), -ERR_NOTFOUND);
}

/* A recipes directory with the shipped schema and one target file of the given text. */
struct place {
	char root[PATH_SIZE], directory[PATH_SIZE], file[PATH_SIZE], schema[PATH_SIZE];
};

static void file_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void place_make(struct place *p, const char *text)
{
	char here[PATH_SIZE / 2], shipped[PATH_SIZE];

	strcpy(p->root, "/tmp/hvimg-target-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(p->directory, sizeof(p->directory), "%.99s/targets", p->root);
	snprintf(p->file, sizeof(p->file), "%.99s/targets/t.xml", p->root);
	snprintf(p->schema, sizeof(p->schema), "%.99s/target.rng", p->root);
	snprintf(shipped, sizeof(shipped), "%s/recipes/target.rng", here);
	assert_int_equal(mkdir(p->directory, 0700), 0);
	assert_int_equal(symlink(shipped, p->schema), 0);
	file_write(p->file, text, strlen(text));
}

static void place_remove(struct place *p)
{
	unlink(p->file);
	unlink(p->schema);
	rmdir(p->directory);
	rmdir(p->root);
}

static void refused(const char *text, int rc, const char *says)
{
	struct place p;
	struct target_list l;
	struct error e = { 0 };

	place_make(&p, text);
	assert_int_equal(targets_load_all(p.root, &l, &e), rc);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
	place_remove(&p);
}

#define HEAD "<targets family=\"f\" hypervisor=\"h\" evidence=\"tested\">\n"
#define TAIL "<target name=\"t\" firmware=\"bios\"><title>T</title></target></targets>"

static void test_good_file(void **state)
{
	struct place p;
	struct target_list l;
	struct error e = { 0 };

	(void)state;
	place_make(&p,
		HEAD
		"<module name=\"a\" role=\"bus\" need=\"boot\"><alternative name=\"b\"/></module>"
		"<target name=\"t\" firmware=\"bios\" min-ram=\"512\"><title>T</title>"
		"<property name=\"x\" value=\"1\" when=\"windows\"/></target></targets>");
	assert_int_equal(targets_load(p.root, "f", &l, &e), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(l.target[0].min_ram, 512);
	assert_string_equal(l.target[0].title, "T");
	assert_string_equal(l.target[0].family, "f");
	assert_int_equal(l.target[0].module[0].alternatives.count, 1);
	assert_string_equal(l.target[0].module[0].alternatives.item[0], "b");
	assert_null(l.target[0].module[0].config);
	assert_string_equal(l.target[0].property[0].when, "windows");
	targets_free(&l);
	place_remove(&p);
}

static void test_refused(void **state)
{
	char *large = malloc((1 << 20) + 2);

	(void)state;
	refused(HEAD "\n<module name=\"a\" role=\"bus\" need=\"perhaps\"/>\n" TAIL, -ERR_CORRUPT,
		"t.xml:3: ");
	refused(HEAD "<module name=\"../a\" role=\"bus\" need=\"boot\"/>" TAIL, -ERR_CORRUPT,
		"t.xml:2: ");
	refused(HEAD "<target name=\"t\"", -ERR_CORRUPT, "t.xml:2: ");
	refused("", -ERR_CORRUPT, "t.xml");
	refused("<other/>", -ERR_CORRUPT, "t.xml:1: ");
	refused("<!DOCTYPE targets [<!ENTITY a SYSTEM \"/etc/passwd\">]>" HEAD TAIL, -ERR_CORRUPT,
		"document type");
	refused(HEAD "<target name=\"t\" firmware=\"uefi\"><title>U</title></target>\n" TAIL,
		-ERR_CORRUPT, "t.xml:3: there already is a target t");
	assert_non_null(large);
	memset(large, ' ', (1 << 20) + 1);
	large[(1 << 20) + 1] = 0;
	refused(large, -ERR_RANGE, "larger than");
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_own_name_is_a_must),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_good_file),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
