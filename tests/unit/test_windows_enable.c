/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drivers that Windows has itself: what is wrong with them, and set right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "windows_sample.h"

#define ONE "ControlSet001"
#define TWO "ControlSet002"
#define SERVICE(name) ONE "\\Services\\" name

/* What every Windows reads its disk with. */
static void reg_disk(struct sample *s, const char *set)
{
	static const char *const names[] = { "disk", "partmgr", "mountmgr", "volmgr", "intelide",
		"atapi" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		reg_service(s, set, names[i], 0, NULL);
}

static void reg_vmbus(struct sample *s, const char *set, uint32_t start)
{
	reg_service(s, set, "vmbus", start, "\\SystemRoot\\system32\\drivers\\vmbus.sys");
	reg_service(s, set, "storvsc", start, "\\SystemRoot\\system32\\drivers\\storvsc.sys");
	reg_service(s, set, "netvsc", 3, NULL);
}

/* Two packages as Windows 10 has them, if shorter. */
static void reg_database(struct sample *s)
{
	static const struct {
		const char *inf, *bus, *id, *configuration, *service;
	} entry[] = {
		{ "wvmbus.inf", "ACPI", "VMBus", "Own_Child.NT", "vmbus" },
		{ "wvmbus.inf", "VMBUS", "SUBCHANNEL", "Own_Channel.NT", "" },
		{ "wstorvsc.inf", "VMBUS", "{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}", "Own_Drive",
			"storvsc" },
	};
	char key[256], package[64];

	for (size_t i = 0; i < sizeof(entry) / sizeof(entry[0]); i++) {
		snprintf(package, sizeof(package), "%s_amd64_0123456789abcdef", entry[i].inf);
		snprintf(key, sizeof(key), "DriverDatabase\\DriverInfFiles\\%s", entry[i].inf);
		reg_key(s, key);
		reg_text(s, "", HIVE_MULTI_SZ, package);
		reg_text(s, "Active", HIVE_SZ, package);
		snprintf(key, sizeof(key), "DriverDatabase\\DeviceIds\\%s\\%s", entry[i].bus,
			entry[i].id);
		reg_key(s, key);
		assert_int_equal(
			buffer_format(&s->reg, NULL, "\"%s\"=hex(3):01,ff,00,00\n", entry[i].inf),
			0);
		snprintf(key, sizeof(key), "DriverDatabase\\DriverPackages\\%s", package);
		reg_key(s, key);
		assert_int_equal(buffer_string(&s->reg, "\"Version\"=hex(3):ff,ff\n", NULL), 0);
		snprintf(key, sizeof(key),
			"DriverDatabase\\DriverPackages\\%s\\Descriptors\\%s\\%s", package,
			entry[i].bus, entry[i].id);
		reg_key(s, key);
		reg_text(s, "Configuration", HIVE_SZ, entry[i].configuration);
		snprintf(key, sizeof(key), "DriverDatabase\\DriverPackages\\%s\\Configurations\\%s",
			package, entry[i].configuration);
		reg_key(s, key);
		reg_text(s, "Service", HIVE_SZ, entry[i].service);
	}
}

/* Windows 10 whose drivers are as on a machine without Hyper-V. */
static void start_10(struct sample *s)
{
	sample_start(s, 19045, INF_AMD64);
	reg_disk(s, ONE);
	reg_vmbus(s, ONE, 0);
	reg_database(s);
}

static void nothing_left(struct sample *s)
{
	const struct report *r = sample_ask(s);

	for (size_t i = 0; i < r->count; i++)
		if (r->finding[i].fixable)
			fail_msg("still: %s", r->finding[i].text);
}

static void nothing_told(struct sample *s)
{
	if (sample_ask(s)->count)
		fail_msg("%s", s->report.finding[0].text);
}

static void test_ready(void **state)
{
	struct sample s;

	(void)state;
	start_10(&s);
	sample_open(&s, "hyperv-gen2");
	nothing_told(&s);
	sample_apply(&s);
	assert_false(hive_changed(s.w.hive[WINDOWS_SYSTEM].hive));
	sample_end(&s);
}

static void test_override(void **state)
{
	struct sample s;
	const struct finding *f;

	(void)state;
	start_10(&s);
	reg_disk(&s, TWO);
	reg_vmbus(&s, TWO, 0);
	reg_override(&s, ONE, "storvsc");
	reg_override(&s, TWO, "vmbus");
	reg_override(&s, TWO, "stranger");
	sample_open(&s, "hyperv-gen2");
	f = sample_finding(sample_ask(&s), "driver-override", "storvsc");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_true(f->fixable);
	/* Only what Windows falls back to. */
	f = sample_finding(&s.report, "driver-override", "ControlSet002: driver vmbus");
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_WARNING);
	sample_apply(&s);
	assert_false(sample_has_key(&s, SERVICE("storvsc\\StartOverride")));
	assert_false(sample_has_key(&s, TWO "\\Services\\vmbus\\StartOverride"));
	assert_true(sample_has_key(&s, TWO "\\Services\\stranger\\StartOverride"));
	nothing_left(&s);
	sample_end(&s);
}

static void test_start(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 19045, INF_AMD64);
	reg_disk(&s, ONE);
	reg_vmbus(&s, ONE, 3);
	reg_database(&s);
	reg_service(&s, ONE, "vpci", 0, NULL);
	sample_driver(&s, "vpci.sys");
	reg_service(&s, ONE, "hyperkbd", 4, NULL);
	sample_driver(&s, "hyperkbd.sys");
	reg_service(&s, ONE, "vmicshutdown", 4, "%SystemRoot%\\system32\\svchost.exe -k X");
	reg_service(&s, ONE, "vmicvss", 2, "%SystemRoot%\\system32\\svchost.exe -k X");
	sample_open(&s, "hyperv-gen2");
	assert_int_equal(
		sample_finding(sample_ask(&s), "driver-start", "vmbus")->severity, SEVERITY_ERROR);
	assert_int_equal(
		sample_finding(&s.report, "driver-disabled", "hyperkbd")->severity, SEVERITY_INFO);
	assert_null(sample_finding(&s.report, "driver-start", "vpci"));
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("vmbus"), "Start"), 0);
	assert_int_equal(sample_number(&s, SERVICE("storvsc"), "Start"), 0);
	assert_int_equal(sample_number(&s, SERVICE("vpci"), "Start"), 0);
	assert_int_equal(sample_number(&s, SERVICE("netvsc"), "Start"), 3);
	assert_int_equal(sample_number(&s, SERVICE("hyperkbd"), "Start"), 3);
	assert_int_equal(sample_number(&s, SERVICE("vmicshutdown"), "Start"), 3);
	assert_int_equal(sample_number(&s, SERVICE("vmicvss"), "Start"), 2);
	/* Windows 8 and later take either form. */
	assert_true(sample_has_text(
		&s, SERVICE("vmbus"), "ImagePath", "\\SystemRoot\\system32\\drivers\\vmbus.sys"));
	nothing_left(&s);
	sample_end(&s);
}

/* A driver whose file is wrong must not be started.  `bytes` NULL: the file is not there. */
static void file_fault(const char *name, const uint8_t *bytes, size_t len, const char *says)
{
	struct sample s;
	struct sample_file *file;
	const struct finding *f;

	sample_start(&s, 19045, INF_AMD64);
	reg_disk(&s, ONE);
	reg_vmbus(&s, ONE, 3);
	reg_override(&s, ONE, "storvsc");
	reg_database(&s);
	file = sample_driver_of(&s, name);
	if (bytes)
		memcpy(file->bytes, bytes, len);
	else
		strcpy(file->path, "elsewhere.sys");
	file->len = len;
	sample_open(&s, "hyperv-gen2");
	f = sample_finding(sample_ask(&s), "driver-file-missing", says);
	assert_non_null(f);
	assert_int_equal(f->severity, SEVERITY_ERROR);
	assert_false(f->fixable);
	assert_non_null(strstr(f->text, name));
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("storvsc"), "Start"), 3);
	assert_true(sample_has_key(&s, SERVICE("storvsc\\StartOverride")));
	assert_int_equal(sample_number(&s, SERVICE("vmbus"), "Start"), 0);
	sample_end(&s);
}

static void test_file_faults(void **state)
{
	uint8_t stub[STUB_SIZE] = { 0 }, zeros[STUB_SIZE] = { 0 };

	(void)state;
	stub_make(stub, PE_MACHINE_I386);
	file_fault("storvsc.sys", stub, sizeof(stub), "is for another processor");
	file_fault("storport.sys", stub, sizeof(stub), "is for another processor");
	file_fault("storvsc.sys", zeros, 0, "is empty");
	/* What a file that NTFS keeps compressed elsewhere reads as. */
	file_fault("storvsc.sys", zeros, sizeof(zeros), "is no driver that can be read");
	file_fault("storvsc.sys", NULL, 0, "is not there");
	file_fault("storport.sys", NULL, 0, "is not there");
}

static void test_key_made(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 19045, INF_AMD64);
	reg_disk(&s, ONE);
	reg_service(&s, ONE, "vmbus", 0, NULL);
	reg_service(&s, ONE, "netvsc", 3, NULL);
	reg_database(&s);
	sample_open(&s, "hyperv-gen2");
	assert_true(sample_finding(sample_ask(&s), "driver-missing", "storvsc")->fixable);
	sample_apply(&s);
	assert_int_equal(sample_number(&s, SERVICE("storvsc"), "Type"), 1);
	assert_int_equal(sample_number(&s, SERVICE("storvsc"), "Start"), 0);
	assert_int_equal(sample_number(&s, SERVICE("storvsc"), "ErrorControl"), 1);
	assert_true(sample_has_text(&s, SERVICE("storvsc"), "Group", "Base"));
	assert_true(sample_has_text(
		&s, SERVICE("storvsc"), "ImagePath", "System32\\drivers\\storvsc.sys"));
	assert_int_equal(sample_number(&s, SERVICE("storvsc\\Parameters"), "BusType"), 10);
	assert_int_equal(sample_number(&s, SERVICE("storvsc\\Parameters\\Device"),
				 "EnableQueryAccessAlignment"),
		1);
	nothing_left(&s);
	sample_end(&s);
}

#define PACKAGE(inf) "DriverDatabase\\DriverPackages\\" inf "_amd64_0000000000000000"
#define VMBUS "DriverDatabase\\DriverPackages\\wvmbus.inf_amd64_0123456789abcdef"
#define DISK_ID "VMBUS\\{ba6163d9-04a1-4d29-b605-72e2ffb1dc7f}"

static void test_database_made(void **state)
{
	/* Offsets 0 to 23 of what Windows 10 itself has for the class SCSIAdapter. */
	static const uint8_t version[] = { 0xff, 0xff, 9, 0, 0, 0, 0, 0, 0x7b, 0xe9, 0x36, 0x4d,
		0x25, 0xe3, 0xce, 0x11, 0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1, 0x03, 0x18, 0x00, 0x80,
		0x8c, 0xa3, 0xc5, 0x94, 0xc6, 0x01 };
	struct hive_value v;
	struct error e = { 0 };
	struct sample s;

	(void)state;
	sample_start(&s, 19045, INF_AMD64);
	reg_disk(&s, ONE);
	reg_vmbus(&s, ONE, 0);
	reg_key(&s, "DriverDatabase\\DeviceIds");
	sample_open(&s, "hyperv-gen2");
	assert_int_equal(sample_finding(sample_ask(&s), "driver-database", "storvsc")->severity,
		SEVERITY_ERROR);
	sample_apply(&s);
	assert_true(sample_has_text(&s, "DriverDatabase\\DriverInfFiles\\wstorvsc.inf", "Active",
		"wstorvsc.inf_amd64_0000000000000000"));
	assert_true(sample_has_text(&s, PACKAGE("wstorvsc.inf"), "", "wstorvsc.inf"));
	assert_int_equal(hive_get(s.w.hive[0].hive, PACKAGE("wstorvsc.inf"), "Version", &v, &e), 0);
	assert_int_equal(v.len, 48);
	assert_memory_equal(v.data, version, sizeof(version));
	hive_value_free(&v);
	assert_true(sample_has_text(&s, PACKAGE("wstorvsc.inf") "\\Descriptors\\" DISK_ID,
		"Configuration", "storvscDriveInstall"));
	assert_true(
		sample_has_text(&s, PACKAGE("wstorvsc.inf") "\\Configurations\\storvscDriveInstall",
			"Service", "storvsc"));
	assert_int_equal(
		sample_number(&s, PACKAGE("wstorvsc.inf") "\\Configurations\\storvscDriveInstall",
			"ConfigScope"),
		7);
	assert_true(sample_has_text(&s,
		PACKAGE("wvmbus.inf") "\\Configurations\\VMBus_Support_Device.NT", "Service", ""));
	assert_int_equal(hive_get(s.w.hive[0].hive, "DriverDatabase\\DeviceIds\\" DISK_ID,
				 "wstorvsc.inf", &v, &e),
		0);
	assert_int_equal(v.len, 4);
	assert_memory_equal(v.data, "\1\xff\0\0", 4);
	hive_value_free(&v);
	nothing_left(&s);
	sample_end(&s);
}

/* Azure's newer hosts call VMBus otherwise: that is driven as the guest's own package does it. */
static void test_second_id(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 9600, INF_AMD64);
	reg_disk(&s, ONE);
	reg_vmbus(&s, ONE, 0);
	reg_service(&s, ONE, "storflt", 0, "system32\\drivers\\vmstorfl.sys");
	reg_database(&s);
	reg_key(&s, VMBUS "\\Strings");
	reg_text(&s, "stdmfg", HIVE_SZ, "its own");
	sample_open(&s, "azure");
	assert_true(
		sample_finding(sample_ask(&s), "driver-database", "wvmbus.inf for vmbus")->fixable);
	sample_apply(&s);
	assert_true(sample_has_text(
		&s, VMBUS "\\Descriptors\\ACPI\\MSFT1000", "Configuration", "Own_Child.NT"));
	assert_true(sample_has_text(&s, VMBUS "\\Strings", "stdmfg", "its own"));
	assert_false(sample_has_key(&s, VMBUS "\\Configurations\\VMBus_Device_WIN8_Child.NT"));
	assert_true(sample_has_key(&s, "DriverDatabase\\DeviceIds\\ACPI\\MSFT1000"));
	nothing_left(&s);
	sample_end(&s);
}

/* Names that lead nowhere, or elsewhere than below the key they are for. */
static void test_bad_names(void **state)
{
	static const char inf[] = "DriverDatabase\\DriverInfFiles\\wvmbus.inf";
	struct sample s;
	struct error e = { 0 };

	(void)state;
	start_10(&s);
	sample_open(&s, "hyperv-gen2");
	assert_int_equal(
		hive_set_text(s.w.hive[0].hive, inf, "Active", HIVE_SZ, "", "test", &e), 0);
	assert_int_equal(hive_set_text(s.w.hive[0].hive, VMBUS "\\Descriptors\\ACPI\\VMBus",
				 "Configuration", HIVE_SZ, "..\\x", "test", &e),
		0);
	assert_true(sample_finding(sample_ask(&s), "driver-database", "wvmbus.inf")->fixable);
	sample_apply(&s);
	assert_true(sample_has_text(&s, inf, "Active", "wvmbus.inf_amd64_0123456789abcdef"));
	assert_true(sample_has_text(
		&s, VMBUS "\\Descriptors\\ACPI\\VMBus", "Configuration", "VMBus_Device_Child.NT"));
	nothing_left(&s);
	sample_end(&s);
}

/* Without the whole database there is nothing to add to. */
static void test_database_gone(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 19045, INF_AMD64);
	reg_disk(&s, ONE);
	reg_vmbus(&s, ONE, 0);
	sample_open(&s, "hyperv-gen2");
	assert_false(
		sample_finding(sample_ask(&s), "driver-database", "no DriverDatabase")->fixable);
	sample_end(&s);
}

static void test_version_unknown(void **state)
{
	struct sample s;

	(void)state;
	sample_start(&s, 0, INF_AMD64);
	reg_disk(&s, ONE);
	sample_open(&s, "kvm");
	assert_false(
		sample_finding(sample_ask(&s), "windows-version-unknown", "not known")->fixable);
	sample_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_override),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_file_faults),
		cmocka_unit_test(test_key_made),
		cmocka_unit_test(test_database_made),
		cmocka_unit_test(test_second_id),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_database_gone),
		cmocka_unit_test(test_version_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
