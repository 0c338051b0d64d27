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

static const struct target_argument *argument_of(const struct target *t, const char *value)
{
	for (size_t i = 0; i < t->argument_count; i++)
		if (t->argument[i].value && !strcmp(t->argument[i].value, value))
			return &t->argument[i];
	return NULL;
}

static const struct target_service *service_of(const struct target *t, const char *name)
{
	for (size_t i = 0; i < t->service_count; i++)
		if (!strcmp(t->service[i].name, name))
			return &t->service[i];
	return NULL;
}

static void test_all(void **state)
{
	static const char *const names[] = { "azure", "hyperv-gen1", "hyperv-gen2", "kvm", "xen" };
	struct target_list l;
	struct error e = { 0 };

	(void)state;
	assert_int_equal(targets_load_all("recipes", &l, &e), 0);
	assert_int_equal(l.count, 5);
	for (size_t i = 0; i < l.count; i++) {
		const struct target *t = &l.target[i];

		assert_string_equal(t->name, names[i]);
		assert_false(t->by_family);
		assert_true(t->datasources.count > 0 && t->service_count > 0);
		for (size_t k = 0; k < t->argument_count; k++)
			assert_string_not_equal(t->argument[k].name, "rootdelay");
	}
	targets_free(&l);
}

/* What is in shared files comes where the target uses them. */
static void test_shared_parts(void **state)
{
	struct target_list l;
	struct error e = { 0 };
	const struct target *azure, *gen1, *kvm;

	(void)state;
	assert_int_equal(targets_load_all("recipes", &l, &e), 0);
	azure = target_by_name(&l, "azure");
	gen1 = target_by_name(&l, "hyperv-gen1");
	kvm = target_by_name(&l, "kvm");
	assert_int_equal(module_of(azure, "hv_storvsc")->need, NEED_BOOT);
	assert_string_equal(azure->firmware, "any");
	assert_null(azure->hypervisor);
	assert_string_equal(azure->argument[0].value, "tty1");
	assert_string_equal(azure->argument[1].value, "ttyS0,115200n8");
	assert_int_equal(azure->argument[1].action, ARGUMENT_ADD);
	assert_string_equal(azure->datasources.item[0], "Azure");
	assert_true(strings_have(&service_of(azure, "azure-agent")->units, "waagent.service"));
	assert_non_null(argument_of(gen1, "ttyS0,115200n8"));
	assert_string_equal(gen1->datasources.item[0], "ConfigDrive");
	assert_string_equal(gen1->datasources.item[1], "OpenStack");
	assert_true(strings_have(&service_of(gen1, "hyperv-kvp")->packages, "hyperv-daemons"));
	assert_string_equal(kvm->evidence, "tested");
	assert_string_equal(kvm->hypervisor, "qemu");
	assert_string_equal(property_of(kvm, "hw_disk_bus"), "virtio");
	assert_int_equal(module_of(kvm, "virtio_blk")->need, NEED_BOOT);
	assert_string_equal(property_of(target_by_name(&l, "xen"), "hw_vif_model"), "netfront");
	targets_free(&l);
}

/* A recipes directory with the shipped schema, one target file and one shared part. */
struct place {
	char root[PATH_SIZE], directory[PATH_SIZE], file[PATH_SIZE], schema[PATH_SIZE];
	char parts[PATH_SIZE], part[PATH_SIZE];
};

static void file_write(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void place_make(struct place *p, const char *text, const char *shared)
{
	char here[PATH_SIZE / 2], shipped[PATH_SIZE];

	strcpy(p->root, "/tmp/hvimg-target-XXXXXX");
	assert_non_null(mkdtemp(p->root));
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(p->directory, sizeof(p->directory), "%.99s/targets", p->root);
	snprintf(p->file, sizeof(p->file), "%.99s/targets/t.xml", p->root);
	snprintf(p->schema, sizeof(p->schema), "%.99s/target.rng", p->root);
	snprintf(shipped, sizeof(shipped), "%s/recipes/target.rng", here);
	snprintf(p->parts, sizeof(p->parts), "%.99s/targets/shared", p->root);
	snprintf(p->part, sizeof(p->part), "%.99s/targets/shared/s.xml", p->root);
	assert_int_equal(mkdir(p->directory, 0700), 0);
	assert_int_equal(mkdir(p->parts, 0700), 0);
	file_write(p->part, shared, strlen(shared));
	assert_int_equal(symlink(shipped, p->schema), 0);
	file_write(p->file, text, strlen(text));
}

static void place_remove(struct place *p)
{
	unlink(p->file);
	unlink(p->schema);
	unlink(p->part);
	rmdir(p->parts);
	rmdir(p->directory);
	rmdir(p->root);
}

#define PART "<shared><module name=\"b\" role=\"bus\" need=\"boot\"/></shared>"
#define HEAD                                                                                       \
	"<target name=\"t\" family=\"f\" firmware=\"bios\" disks=\"sd\" "                          \
	"evidence=\"tested\">\n<title>T</title>"
#define TAIL "</target>"

static void refused_with(const char *text, const char *shared, int rc, const char *says)
{
	struct place p;
	struct target_list l;
	struct error e = { 0 };

	place_make(&p, text, shared);
	assert_int_equal(targets_load_all(p.root, &l, &e), rc);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
	place_remove(&p);
}

static void refused(const char *text, int rc, const char *says)
{
	refused_with(text, PART, rc, says);
}

static void test_good_file(void **state)
{
	struct place p;
	struct target_list l;
	struct error e = { 0 };
	const struct target *t;

	(void)state;
	place_make(&p,
		"<target name=\"t\" family=\"f\" firmware=\"bios\" disks=\"sd\" "
		"evidence=\"tested\" "
		"min-ram=\"512\"><title>T</title>"
		"<module name=\"a\" role=\"bus\" need=\"boot\"><alternative name=\"c\"/></module>"
		"<use shared=\"s\"/><argument action=\"set\" name=\"x\" value=\"1\"/>"
		"<argument action=\"remove\" name=\"y\"/>"
		"<property name=\"x\" value=\"1\" when=\"windows\"/></target>",
		PART);
	assert_int_equal(targets_load(p.root, "f", &l, &e), 0);
	assert_int_equal(l.count, 1);
	t = &l.target[0];
	assert_int_equal(t->min_ram, 512);
	assert_string_equal(t->title, "T");
	assert_string_equal(t->family, "f");
	assert_null(t->hypervisor);
	assert_int_equal(t->module_count, 2);
	assert_int_equal(t->module[0].alternatives.count, 1);
	assert_string_equal(t->module[0].alternatives.item[0], "c");
	assert_null(t->module[0].config);
	assert_string_equal(t->module[1].name, "b");
	assert_int_equal(t->argument[0].action, ARGUMENT_SET);
	assert_int_equal(t->argument[1].action, ARGUMENT_REMOVE);
	assert_null(t->argument[1].value);
	assert_string_equal(t->property[0].when, "windows");
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
	refused(HEAD "<argument action=\"add\" name=\"a\" value=\"$(b)\"/>" TAIL, -ERR_CORRUPT,
		"t.xml:2: ");
	refused(HEAD "<module name", -ERR_CORRUPT, "t.xml:2: ");
	refused("", -ERR_CORRUPT, "t.xml");
	refused("<other/>", -ERR_CORRUPT, "t.xml:1: ");
	refused(PART, -ERR_CORRUPT, "t.xml:1: is no target");
	refused("<!DOCTYPE target [<!ENTITY a SYSTEM \"/etc/passwd\">]>" HEAD TAIL, -ERR_CORRUPT,
		"document type");
	refused("<target name=\"u\" family=\"f\" firmware=\"bios\" disks=\"sd\" "
		"evidence=\"tested\">"
		"<title>U</title></target>",
		-ERR_CORRUPT, "t.xml:1: target u has to be in a file u.xml");
	assert_non_null(large);
	memset(large, ' ', (1 << 20) + 1);
	large[(1 << 20) + 1] = 0;
	refused(large, -ERR_RANGE, "larger than");
	free(large);
}

static void test_refused_shared(void **state)
{
	(void)state;
	refused(HEAD "\n<use shared=\"none\"/>" TAIL, -ERR_CORRUPT,
		"t.xml:3: there is no shared part none");
	refused(HEAD "<use shared=\"../s\"/>" TAIL, -ERR_CORRUPT, "t.xml:2: ");
	refused(HEAD "<use shared=\"/etc/passwd\"/>" TAIL, -ERR_CORRUPT, "t.xml:2: ");
	refused(HEAD "<use shared=\"s\"/><use shared=\"s\"/>" TAIL, -ERR_CORRUPT,
		"s.xml:1: target t has b twice");
	refused(HEAD "<use shared=\"s\"/>\n<module name=\"b\" role=\"bus\" need=\"boot\"/>" TAIL,
		-ERR_CORRUPT, "t.xml:3: target t has b twice");
	/* A part uses no other, so none can use itself. */
	refused_with(HEAD "<use shared=\"s\"/>" TAIL, "<shared>\n<use shared=\"s\"/></shared>",
		-ERR_CORRUPT, "s.xml:");
	refused_with(
		HEAD "<use shared=\"s\"/>" TAIL, HEAD TAIL, -ERR_CORRUPT, "s.xml:1: is a target");
	refused_with(HEAD "<use shared=\"s\"/>" TAIL,
		"<shared><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" "
		"href=\"/etc/passwd\"/></shared>",
		-ERR_CORRUPT, "s.xml:1: ");
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
		cmocka_unit_test(test_refused_shared),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_shared_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
