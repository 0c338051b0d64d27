/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What targets say of Windows: the shipped ones, and what only code can refuse. */
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

enum {
	PATH_SIZE = 512,
	XP = 2600,
	WINDOWS_7 = 7601,
	WINDOWS_8_1 = 9600,
	WINDOWS_10 = 19045,
};

static struct target_list shipped(void)
{
	struct target_list l;
	struct error e = { 0 };

	if (targets_load_all("recipes", &l, &e))
		fail_msg("%s", e.text);
	return l;
}

static void test_generations(void **state)
{
	struct target_list l = shipped();
	const struct target *gen1 = target_by_name(&l, "hyperv-gen1"),
			    *gen2 = target_by_name(&l, "hyperv-gen2");

	(void)state;
	assert_int_equal(gen1->windows_first, 0);
	assert_false(gen1->windows_64);
	assert_int_equal(gen2->windows_first, 9200);
	assert_true(gen2->windows_64);
	/* Generation 1 starts any Windows from IDE, generation 2 from VMBus only. */
	assert_int_equal(target_driver_by_service(gen1, "storvsc", WINDOWS_10)->need, NEED_LATER);
	assert_int_equal(target_driver_by_service(gen2, "STORVSC", WINDOWS_10)->need, NEED_BOOT);
	assert_int_equal(target_driver_by_service(gen1, "atapi", XP)->need, NEED_BOOT);
	assert_null(target_driver_by_service(gen2, "atapi", WINDOWS_10));
	assert_null(target_driver_by_service(gen1, "vmbus", XP));
	targets_free(&l);
}

/* Values that Windows' own hives have. */
static void test_values(void **state)
{
	struct target_list l = shipped();
	const struct target *azure = target_by_name(&l, "azure");
	const struct target_driver *d = target_driver_by_service(azure, "storvsc", WINDOWS_10);

	(void)state;
	assert_int_equal(d->start, 0);
	assert_int_equal(d->error, 1);
	assert_string_equal(d->group, "Base");
	assert_string_equal(d->file, "storvsc.sys");
	assert_string_equal(d->files.item[0], "storport.sys");
	assert_string_equal(d->inf, "wstorvsc.inf");
	assert_string_equal(d->devices.item[0], "VMBUS\\{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}");
	assert_string_equal(d->install[0].configuration, "storvscDriveInstall");
	assert_int_equal(d->parameter_count, 2);
	assert_string_equal(d->parameter[1].key, "Parameters\\Device");
	assert_int_equal(d->parameter[0].value, 10);
	d = target_driver_by_service(azure, "storvsc", WINDOWS_7);
	assert_int_equal(d->install_count, 0);
	assert_string_equal(d->parameter[0].key, "");
	assert_int_equal(d->parameter[0].value, 1);
	d = target_driver_by_service(azure, "vmbus", WINDOWS_8_1);
	assert_string_equal(d->install[0].configuration, "VMBus_Device_WIN8_Child.NT");
	assert_string_equal(d->install[1].device, "ACPI\\MSFT1000");
	assert_true(d->install[2].support);
	assert_int_equal(d->devices.count, 2);
	assert_int_equal(target_driver_by_service(azure, "VMBusHID", WINDOWS_10)->error, 0);
	assert_int_equal(target_driver_by_service(azure, "pciide", XP)->start, TARGET_AS_FOUND);
	assert_null(target_driver_by_service(azure, "vmicshutdown", WINDOWS_10)->file);
	targets_free(&l);
}

static void test_inbox(void **state)
{
	struct target_list l = shipped();
	const struct target *gen1 = target_by_name(&l, "hyperv-gen1"),
			    *kvm = target_by_name(&l, "kvm");
	const struct target_driver *d = target_driver_by_service(gen1, "netvsc", WINDOWS_7);

	(void)state;
	assert_false(target_driver_is_inbox(d, WINDOWS_7));
	assert_true(target_driver_is_inbox(d, WINDOWS_8_1));
	assert_string_equal(d->file, "netvsc63.sys");
	assert_string_equal(
		target_driver_by_service(gen1, "netvsc", WINDOWS_10)->file, "netvsc.sys");
	d = target_driver_by_service(kvm, "viostor", WINDOWS_10);
	assert_int_equal(d->need, NEED_BOOT);
	assert_false(target_driver_is_inbox(d, WINDOWS_10));
	assert_string_equal(d->alternatives.item[0], "vioscsi");
	targets_free(&l);
}

static bool is_foreign(const struct target *t, const char *service)
{
	for (size_t i = 0; i < t->foreign_count; i++)
		if (!strcmp(t->foreign[i].service, service))
			return true;
	return false;
}

static void test_foreign_and_settings(void **state)
{
	struct target_list l = shipped();
	const struct target *xen = target_by_name(&l, "xen"), *kvm = target_by_name(&l, "kvm");

	(void)state;
	assert_true(is_foreign(kvm, "xenfilt") && is_foreign(kvm, "VMTools"));
	assert_true(is_foreign(xen, "prl_strg"));
	assert_false(is_foreign(xen, "xenfilt"));
	for (size_t i = 0; i < l.count; i++) {
		const struct target_setting *s = &l.target[i].setting[0];

		assert_false(is_foreign(&l.target[i], "viostor"));
		assert_string_equal(s->name, "SanPolicy");
		assert_string_equal(s->finding, "san-policy");
		assert_int_equal(s->value, 1);
		assert_true(s->present);
		assert_int_equal(s->instead_count, 2);
		assert_int_equal(s->instead[0], 3);
		assert_int_equal(s->instead[1], 4);
	}
	targets_free(&l);
}

#define HEAD                                                                                       \
	"<target name=\"t\" family=\"f\" firmware=\"bios\" disks=\"sd\" "                          \
	"evidence=\"tested\">\n<title>T</title>\n"
#define DRIVER(attributes, inside)                                                                 \
	"<driver service=\"a\" role=\"bus\" need=\"boot\" " attributes ">" inside "</driver>\n"
#define TAIL "</target>"

static void file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* Loads one target file from a directory with the shipped schema. */
static int load(const char *text, struct target_list *out, struct error *e)
{
	char root[] = "/tmp/hvimg-target-XXXXXX", here[PATH_SIZE], from[2 * PATH_SIZE];
	char directory[64], file[80], schema[64];
	int rc;

	assert_non_null(mkdtemp(root));
	assert_non_null(getcwd(here, sizeof(here)));
	snprintf(directory, sizeof(directory), "%s/targets", root);
	snprintf(file, sizeof(file), "%s/t.xml", directory);
	snprintf(schema, sizeof(schema), "%s/target.rng", root);
	snprintf(from, sizeof(from), "%s/recipes/target.rng", here);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(symlink(from, schema), 0);
	file_write(file, text);
	rc = targets_load_all(root, out, e);
	unlink(file);
	unlink(schema);
	rmdir(directory);
	rmdir(root);
	return rc;
}

static void refused(const char *text, const char *says)
{
	struct target_list l;
	struct error e = { 0 };

	assert_int_equal(load(text, &l, &e), -ERR_CORRUPT);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void test_refused(void **state)
{
	(void)state;
	refused(HEAD DRIVER("", "") DRIVER("first=\"9200\"", "") TAIL,
		"t.xml:4: target t has driver a twice for the same build");
	refused(HEAD DRIVER("first=\"9\" last=\"8\"", "") TAIL,
		"t.xml:3: driver a is for builds 9 to 8");
	refused(HEAD DRIVER("inbox-first=\"9\" inbox-last=\"8\"", "") TAIL,
		"t.xml:3: driver a is for builds 9 to 8");
	refused(HEAD DRIVER("", "<alternative name=\"b\"/>") TAIL,
		"t.xml:1: target t has no driver b, the alternative of a");
	refused(HEAD DRIVER("inbox-last=\"8\"", "") TAIL, "t.xml:3: ");
	refused(HEAD DRIVER("start=\"never\"", "") TAIL, "t.xml:3: ");
	refused(HEAD DRIVER("file=\"../a.sys\"", "") TAIL, "t.xml:3: ");
	refused(HEAD DRIVER("class=\"{4D36E97B}\"", "") TAIL, "t.xml:3: ");
	refused(HEAD DRIVER("", "<device id=\"A\" support=\"true\"/>") TAIL, "t.xml:3: ");
	refused(HEAD "\n<foreign service=\"a\"><key name=\"\\\\a\"/></foreign>" TAIL, "t.xml:4: ");
	refused(HEAD "<setting hive=\"SAM\" key=\"a\" name=\"b\" value=\"1\" finding=\"c\" "
		     "why=\"d\"/>" TAIL,
		"t.xml:3: ");
}

static void test_ranges(void **state)
{
	struct target_list l;
	struct error e = { 0 };
	const struct target *t;

	(void)state;
	if (load(HEAD DRIVER("last=\"9199\"", "") DRIVER("first=\"9200\" start=\"system\"", "")
			    TAIL,
		    &l, &e))
		fail_msg("%s", e.text);
	t = &l.target[0];
	assert_ptr_equal(target_driver_by_service(t, "A", 0), &t->driver[0]);
	assert_ptr_equal(target_driver_by_service(t, "a", 9199), &t->driver[0]);
	assert_ptr_equal(target_driver_by_service(t, "a", 9200), &t->driver[1]);
	assert_int_equal(t->driver[0].start, TARGET_AS_FOUND);
	assert_int_equal(t->driver[1].start, 1);
	assert_null(target_driver_by_service(t, "b", 9200));
	targets_free(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generations),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_inbox),
		cmocka_unit_test(test_foreign_and_settings),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
