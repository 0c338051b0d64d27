/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows guests: class filters, other hypervisors' tools, settings, devices of Windows 7 and
 * older, and drivers that Windows has not itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "windows_sample.h"

#define ONE "ControlSet001"
#define SERVICE(name) ONE "\\Services\\" name
#define CLASS(guid) ONE "\\Control\\Class\\" guid
#define DISK CLASS("{4d36e967-e325-11ce-bfc1-08002be10318}")
#define SYSTEM_CLASS CLASS("{4d36e97d-e325-11ce-bfc1-08002be10318}")
#define MOUSE CLASS("{4d36e96f-e325-11ce-bfc1-08002be10318}")
#define PACKAGE "DriverDatabase\\DriverPackages\\viostor.inf_1"
#define CRITICAL(id) ONE "\\Control\\CriticalDeviceDatabase\\" id

/* What every Windows reads its disk with; for KVM nothing of Windows' own is missing then. */
static void start(struct sample *s, uint32_t build, enum inf_arch arch)
{
	static const char *const names[] = { "disk", "partmgr", "mountmgr", "volmgr", "intelide",
		"atapi", "viostor", "netkvm" };

	sample_start(s, build, arch);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		reg_service(s, ONE, names[i], 0, NULL);
	sample_driver(s, "viostor.sys");
	sample_driver(s, "netkvm.sys");
	reg_key(s, "DriverDatabase\\DeviceIds\\PCI\\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00");
	reg_text(s, "oem3.inf", HIVE_BINARY, "");
	reg_key(s, "DriverDatabase\\DriverInfFiles\\oem3.inf");
	reg_text(s, "Active", HIVE_SZ, "viostor.inf_1");
	reg_key(s, PACKAGE "\\Descriptors\\PCI\\VEN_1AF4&DEV_1001&SUBSYS_00021AF4&REV_00");
	reg_text(s, "Configuration", HIVE_SZ, "scsi_inst");
	reg_key(s, PACKAGE "\\Configurations\\scsi_inst");
	reg_text(s, "Service", HIVE_SZ, "VioStor");
}

static struct strings list_of(struct sample *s, const char *key, const char *name)
{
	struct strings list = { 0 };
	struct error e = { 0 };

	if (hive_get_list(s->w.hive[WINDOWS_SYSTEM].hive, key, name, &list, &e))
		fail_msg("%s", e.text);
	return list;
}

static bool has_value(struct sample *s, const char *key, const char *name)
{
	struct hive_value v = { 0 };
	struct error e = { 0 };
	int rc = hive_get(s->w.hive[WINDOWS_SYSTEM].hive, key, name, &v, &e);

	hive_value_free(&v);
	assert_true(!rc || rc == -ERR_NOTFOUND);
	return !rc;
}

static void test_dangling(void **state)
{
	struct sample s;
	struct strings kept;

	(void)state;
	start(&s, 19045, INF_AMD64);
	reg_service(&s, ONE, "fileless", 0, NULL);
	reg_service(&s, ONE, "stranger", 0, "\\??\\C:\\Windows\\System32\\drivers\\other.sys");
	sample_driver(&s, "other.sys");
	reg_key(&s, DISK);
	reg_text(&s, "UpperFilters", HIVE_MULTI_SZ, "keyless|partmgr|stranger");
	reg_text(&s, "LowerFilters", HIVE_MULTI_SZ, "fileless");
	reg_key(&s, MOUSE);
	reg_text(&s, "UpperFilters", HIVE_MULTI_SZ, "keyless");
	sample_open(&s, "kvm");
	assert_int_equal(sample_finding(sample_ask(&s), "filter-dangling", "keyless")->severity,
		SEVERITY_ERROR);
	assert_true(sample_finding(&s.report, "filter-dangling", "fileless")->fixable);
	assert_int_equal(s.report.count, 2);
	sample_apply(&s);
	kept = list_of(&s, DISK, "UpperFilters");
	assert_int_equal(kept.count, 2);
	assert_string_equal(kept.item[0], "partmgr");
	assert_string_equal(kept.item[1], "stranger");
	strings_free(&kept);
	assert_false(has_value(&s, DISK, "LowerFilters"));
	/* No disk is behind a mouse. */
	assert_true(has_value(&s, MOUSE, "UpperFilters"));
	assert_int_equal(sample_ask(&s)->count, 0);
	sample_end(&s);
}

static void reg_xen(struct sample *s)
{
	reg_service(s, ONE, "VMTools", 2, "\"C:\\Program Files\\VMware\\vmtoolsd.exe\"");
	reg_service(s, ONE, "xenbus", 0, NULL);
	reg_service(s, ONE, "xenfilt", 0, NULL);
	sample_driver(s, "xenbus.sys");
	sample_driver(s, "xen.sys");
	sample_driver(s, "xenfilt.sys");
	reg_key(s, SERVICE("XEN\\Unplug"));
	reg_text(s, "DISKS", HIVE_SZ, "xen");
	reg_key(s, SYSTEM_CLASS);
	reg_text(s, "UpperFilters", HIVE_MULTI_SZ, "XenFilt");
	reg_key(s, MOUSE);
	reg_text(s, "UpperFilters", HIVE_MULTI_SZ, "xenfilt|mouclass");
}

static void test_foreign(void **state)
{
	struct sample s;
	const struct finding *f;
	struct strings kept;

	(void)state;
	start(&s, 19045, INF_AMD64);
	reg_xen(&s);
	sample_open(&s, "kvm");
	f = sample_finding(sample_ask(&s), "foreign-tools", "VMTools, xenbus, xenfilt");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	assert_non_null(sample_finding(&s.report, "foreign-tools", "class filter"));
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("VMTools"), "Start"), 4);
	assert_int_equal(sample_number(&s, SERVICE("xenbus"), "Start"), 4);
	assert_int_equal(sample_number(&s, SERVICE("viostor"), "Start"), 0);
	assert_true(sample_has_key(&s, SERVICE("XEN")));
	assert_false(sample_has_key(&s, SERVICE("XEN\\Unplug")));
	assert_false(has_value(&s, SYSTEM_CLASS, "UpperFilters"));
	kept = list_of(&s, MOUSE, "UpperFilters");
	assert_int_equal(kept.count, 1);
	strings_free(&kept);
	assert_int_equal(sample_ask(&s)->count, 0);
	sample_end(&s);
}

static void test_too_many(void **state)
{
	struct sample s;
	struct report r = { 0 };
	struct error e = { 0 };
	char names[512] = "";

	(void)state;
	start(&s, 19045, INF_AMD64);
	for (size_t i = 0; i < 65; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%sf%zu",
			i ? "|" : "", i);
	reg_key(&s, MOUSE);
	reg_text(&s, "UpperFilters", HIVE_MULTI_SZ, names);
	sample_open(&s, "kvm");
	assert_int_equal(
		windows_enable_readiness(&s.g, &s.targets.target[0], &r, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "names 65 filters"));
	report_free(&r);
	sample_end(&s);
}

/* What one of the targets has drivers of, the other does not take away. */
static void test_foreign_wanted(void **state)
{
	struct sample s;

	(void)state;
	start(&s, 19045, INF_AMD64);
	reg_xen(&s);
	sample_open(&s, "kvm,xen");
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("VMTools"), "Start"), 4);
	assert_int_equal(sample_number(&s, SERVICE("xenbus"), "Start"), 0);
	assert_true(sample_has_key(&s, SERVICE("XEN\\Unplug")));
	assert_true(has_value(&s, SYSTEM_CLASS, "UpperFilters"));
	sample_end(&s);
}

static void san_policy(uint32_t before, uint32_t after)
{
	struct sample s;

	start(&s, 19045, INF_AMD64);
	reg_key(&s, SERVICE("partmgr\\Parameters"));
	reg_number(&s, "SanPolicy", before);
	sample_open(&s, "kvm");
	assert_int_equal(
		!sample_finding(sample_ask(&s), "san-policy", "SanPolicy"), before == after);
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("partmgr\\Parameters"), "SanPolicy"), after);
	assert_int_equal(sample_ask(&s)->count, 0);
	sample_end(&s);
}

static void test_settings(void **state)
{
	struct sample s;

	(void)state;
	san_policy(1, 1);
	san_policy(2, 2);
	san_policy(3, 1);
	san_policy(4, 1);
	start(&s, 19045, INF_AMD64);
	sample_open(&s, "kvm");
	sample_apply(&s);
	assert_false(sample_has_key(&s, SERVICE("partmgr\\Parameters")));
	sample_end(&s);
}

static void rename_to(char **text, const char *name)
{
	free(*text);
	*text = strdup(name);
	assert_non_null(*text);
}

/* No shipped target has one of SOFTWARE. */
static void test_software(void **state)
{
	static const struct hive_options o = { .write = true };
	uint8_t bytes[SAMPLE_SIZE];
	const struct hive_files files = { .primary = bytes, .primary_len = sizeof(bytes) };
	struct sample s;
	struct target_setting *wanted;
	struct hive *software;
	struct error e = { 0 };
	const struct finding *f;
	uint32_t value = 0;

	(void)state;
	start(&s, 19045, INF_AMD64);
	sample_open(&s, "kvm");
	sample_hive(bytes, 5);
	assert_int_equal(hive_open(&files, &o, &software, &e), 0);
	s.w.hive[WINDOWS_SOFTWARE] = (struct windows_hive){ .hive = software,
		.path = strdup("/S") };
	wanted = &s.targets.target[0].setting[0];
	rename_to(&wanted->hive, "SOFTWARE");
	rename_to(&wanted->key, "Some\\Key");
	wanted->present = false;
	f = sample_finding(sample_ask(&s), "san-policy", "Some\\Key: SanPolicy is missing");
	assert_non_null(f);
	assert_string_equal(f->path, "/S");
	sample_apply(&s);
	assert_int_equal(hive_get_dword(software, "Some\\Key", "SanPolicy", &value, &e), 0);
	assert_int_equal(value, 1);
	assert_int_equal(sample_ask(&s)->count, 0);
	hive_close(software);
	free(s.w.hive[WINDOWS_SOFTWARE].path);
	sample_end(&s);
}

static void test_windows_7(void **state)
{
	struct sample s;

	(void)state;
	start(&s, 7601, INF_AMD64);
	reg_service(&s, ONE, "vmbus", 3, "\\SystemRoot\\system32\\drivers\\vmbus.sys");
	reg_text(&s, "DriverPackageId", HIVE_SZ, "wvmbus.inf_amd64_neutral_fca91999602b0343");
	reg_service(&s, ONE, "storvsc", 3, "\\SystemRoot\\system32\\drivers\\storvsc.sys");
	reg_service(&s, ONE, "storflt", 0, "system32\\drivers\\vmstorfl.sys");
	reg_service(&s, ONE, "other", 0, NULL);
	sample_driver(&s, "other.sys");
	reg_key(&s, CRITICAL("PCI#VEN_8086&DEV_7111"));
	reg_text(&s, "Service", HIVE_SZ, "other");
	reg_key(&s, CRITICAL("Primary_IDE_Channel"));
	reg_text(&s, "Service", HIVE_SZ, "gone");
	sample_open(&s, "hyperv-gen1");
	assert_true(sample_finding(sample_ask(&s), "driver-start", "storvsc")->fixable);
	assert_int_equal(
		sample_finding(&s.report, "driver-database", "vmbus")->severity, SEVERITY_WARNING);
	assert_false(sample_finding(&s.report, "driver-missing", "netvsc")->fixable);
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("vmbus"), "Start"), 0);
	assert_true(sample_has_text(
		&s, SERVICE("storvsc"), "ImagePath", "system32\\drivers\\storvsc.sys"));
	assert_true(sample_has_text(&s, CRITICAL("ACPI#VMBus"), "Service", "vmbus"));
	assert_true(sample_has_text(
		&s, CRITICAL("ACPI#VMBus"), "ClassGUID", "{4d36e97d-e325-11ce-bfc1-08002be10318}"));
	assert_true(sample_has_text(&s, CRITICAL("ACPI#VMBus"), "DriverPackageId",
		"wvmbus.inf_amd64_neutral_fca91999602b0343"));
	assert_true(sample_has_text(&s, CRITICAL("VMBUS#{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}"),
		"Service", "storvsc"));
	assert_true(sample_has_text(&s, CRITICAL("PCI#VEN_8086&DEV_7111"), "Service", "other"));
	assert_true(sample_has_text(&s, CRITICAL("Primary_IDE_Channel"), "Service", "atapi"));
	for (size_t i = 0; i < sample_ask(&s)->count; i++)
		assert_false(s.report.finding[i].fixable);
	sample_end(&s);
}

/* From a machine with another controller. */
static void test_xp(void **state)
{
	struct sample s;

	(void)state;
	start(&s, 2600, INF_X86);
	sample_open(&s, "hyperv-gen1");
	assert_int_equal(sample_finding(sample_ask(&s), "driver-database", "intelide")->severity,
		SEVERITY_ERROR);
	sample_apply(&s);
	assert_true(sample_has_text(&s, CRITICAL("PCI#VEN_8086&DEV_7111"), "Service", "intelide"));
	assert_true(sample_has_text(&s, CRITICAL("secondary_ide_channel"), "Service", "atapi"));
	assert_false(sample_has_key(&s, SERVICE("vmbus")));
	sample_end(&s);
}

static void test_not_inbox(void **state)
{
	struct sample s;
	const struct finding *f;

	(void)state;
	sample_start(&s, 19045, INF_AMD64);
	reg_service(&s, ONE, "disk", 0, NULL);
	sample_open(&s, "kvm");
	f = sample_finding(sample_ask(&s), "driver-missing", "viostor");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_false(f->fixable);
	assert_non_null(strstr(f->fix, "--drivers"));
	assert_int_equal(
		sample_finding(&s.report, "driver-missing", "netkvm")->severity, SEVERITY_WARNING);
	assert_null(sample_finding(&s.report, "driver-missing", "BALLOON"));
	sample_end(&s);
}

/* Only the other driver of virtio disks is installed, and it is not started. */
static void test_alternative(void **state)
{
	struct sample s;
	const struct finding *f;

	(void)state;
	sample_start(&s, 7601, INF_AMD64);
	reg_service(&s, ONE, "vioscsi", 3, "\\SystemRoot\\system32\\drivers\\vioscsi.sys");
	sample_driver(&s, "vioscsi.sys");
	sample_open(&s, "kvm");
	assert_null(sample_finding(sample_ask(&s), "driver-missing", "viostor"));
	f = sample_finding(&s.report, "driver-start", "vioscsi");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_true(f->fixable);
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("vioscsi"), "Start"), 0);
	assert_true(sample_has_text(&s, CRITICAL("PCI#VEN_1AF4&DEV_1048"), "Service", "vioscsi"));
	assert_null(sample_finding(sample_ask(&s), "driver-database", "vioscsi"));
	sample_end(&s);
}

/* The package was added, and its device never seen. */
static void test_known(void **state)
{
	struct sample s;
	struct error e = { 0 };
	const struct finding *f;

	(void)state;
	start(&s, 19045, INF_AMD64);
	sample_open(&s, "kvm");
	assert_null(sample_finding(sample_ask(&s), "driver-database", "viostor"));
	assert_int_equal(
		hive_remove_key(s.w.hive[WINDOWS_SYSTEM].hive, PACKAGE "\\Descriptors", "test", &e),
		0);
	f = sample_finding(sample_ask(&s), "driver-database", "viostor");
	assert_non_null(f);
	assert_false(f->fixable);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	sample_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dangling),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_foreign_wanted),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_software),
		cmocka_unit_test(test_windows_7),
		cmocka_unit_test(test_xp),
		cmocka_unit_test(test_not_inbox),
		cmocka_unit_test(test_alternative),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
