/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the registry of a Windows guest gets of a boot driver's INF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/windows_inject.h"
#include "hive_sample.h"

static const char inf_text[] =
	"[Version]\r\n"
	"Signature=\"$Windows NT$\"\r\n"
	"Class=SCSIAdapter\r\n"
	"ClassGUID={4D36E97B-E325-11CE-BFC1-08002BE10318}\r\n"
	"Provider=%Maker%\r\n"
	"DriverVer=06/21/2006,10.0.19041.1110\r\n"
	"[Manufacturer]\r\n"
	"%Maker%=Models,NTamd64\r\n"
	"[Models.NTamd64]\r\n"
	"%Disk%=inst, PCI\\VEN_1AF4&DEV_1001&SUBSYS_00021AF4, PCI\\VEN_1AF4&DEV_1001\r\n"
	"%Disk%=inst, PCI\\VEN_1AF4&DEV_1001, PCI\\CC_0100\r\n"
	"[SourceDisksNames]\r\n"
	"1=%Disk%\r\n"
	"[SourceDisksFiles]\r\n"
	"blk.sys=1\r\n"
	"[DestinationDirs]\r\n"
	"Files=12\r\n"
	"[inst]\r\n"
	"CopyFiles=Files\r\n"
	"[Files]\r\n"
	"blk.sys\r\n"
	"[inst.HW]\r\n"
	"AddReg=Hardware\r\n"
	"[Hardware]\r\n"
	"HKR,\"Interrupt Management\",,0x10\r\n"
	"HKR,\"Interrupt Management\",Count,0x10001,257\r\n"
	"[inst.Services]\r\n"
	"AddService=blk,2,Service\r\n"
	"[Service]\r\n"
	"DisplayName=%Disk%\r\n"
	"ServiceType=1\r\n"
	"StartType=0\r\n"
	"ErrorControl=3\r\n"
	"ServiceBinary=%12%\\blk.sys\r\n"
	"LoadOrderGroup=SCSI miniport\r\n"
	"Dependencies=+SCSI miniport,pci\r\n"
	"AddReg=Parameters\r\n"
	"[Parameters]\r\n"
	"HKR,Parameters,BusType,0x10001,10\r\n"
	"HKR,Parameters,Kept,0x10003,2\r\n"
	"HKR,Parameters,List,0x10008,two,three\r\n"
	"HKLM,Elsewhere,Value,0x10001,1\r\n"
	"[Strings]\r\n"
	"Maker=\"Some Maker\"\r\n"
	"Disk=\"A Disk\"\r\n";

static char inf_name[] = "blk.inf", own_inf[] = "hvimg-blk.inf", why[] = "driver of a test";
static char own_id[] = "hvimg-blk.inf_amd64_0000000000000000";

static struct error e;

static void ok(int rc)
{
	if (rc)
		fail_msg("%s", e.text);
}

struct world {
	struct windows_guest windows;
	struct guest_image g;
	struct guest_changes changes;
	struct driver_package package;
	struct inject in;
	const struct inf_device *device;
	const struct inf_service *service;
	struct hive *h;
};

static struct hive *open_bytes(const void *bytes, size_t len)
{
	struct hive_files files = { .primary = bytes, .primary_len = len };
	struct hive_options o = { .write = true, .volume = "p2", .path = "/SYSTEM" };
	struct hive *h;

	ok(hive_open(&files, &o, &h, &e));
	return h;
}

static void world_make(struct world *w)
{
	static uint8_t file[SAMPLE_SIZE];

	*w = (struct world){ .windows.platform = { INF_AMD64, 10, 0, 19045, 1, 0x409 } };
	w->g.state = &w->windows;
	w->package.inf_name = inf_name;
	ok(inf_parse(inf_text, sizeof(inf_text) - 1, &w->windows.platform, &w->package.inf, &e));
	w->in = (struct inject){ .g = &w->g,
		.changes = &w->changes,
		.package = &w->package,
		.inf = own_inf,
		.id = own_id,
		.why = why };
	assert_int_equal(w->package.inf.device_count, 2);
	w->device = w->package.inf.device;
	w->service = inject_boot_service(&w->in, w->device);
	assert_non_null(w->service);
	sample_hive(file, 5);
	w->h = open_bytes(file, sizeof(file));
}

static void world_free(struct world *w)
{
	inf_free(&w->package.inf);
	hive_close(w->h);
}

/* Writes the hive, and opens what was written. */
static void world_again(struct world *w)
{
	struct buffer bytes = { 0 };

	ok(hive_finish(w->h, &bytes, &e));
	hive_close(w->h);
	w->h = open_bytes(bytes.data, bytes.len);
	buffer_free(&bytes);
}

static void is_number(struct hive *h, const char *key, const char *name, uint32_t value)
{
	uint32_t n = ~value;

	ok(hive_get_dword(h, key, name, &n, &e));
	assert_int_equal(n, value);
}

static void is_text(struct hive *h, const char *key, const char *name, const char *text)
{
	char *found = NULL;

	ok(hive_get_text(h, key, name, &found, &e));
	assert_string_equal(found, text);
	free(found);
}

/* Items parted by "|". */
static void is_list(struct hive *h, const char *key, const char *name, const char *items)
{
	struct strings list = { 0 };
	struct buffer all = { 0 };

	ok(hive_get_list(h, key, name, &list, &e));
	for (size_t i = 0; i < list.count; i++)
		ok(buffer_format(&all, &e, "%s%s", i ? "|" : "", list.item[i]));
	assert_string_equal(buffer_text(&all), items);
	strings_free(&list);
	buffer_free(&all);
}

static void is_bytes(struct hive *h, const char *key, const char *name, uint32_t type,
	const void *bytes, size_t len)
{
	struct hive_value v;

	ok(hive_get(h, key, name, &v, &e));
	assert_int_equal(v.type, type);
	assert_int_equal(v.len, len);
	if (len)
		assert_memory_equal(v.data, bytes, len);
	hive_value_free(&v);
}

static bool has_value(struct hive *h, const char *key, const char *name)
{
	struct hive_value v = { 0 };
	bool has = !hive_get(h, key, name, &v, &e);

	hive_value_free(&v);
	return has;
}

static void test_version(void **state)
{
	struct world w;
	uint8_t blob[DRIVER_VERSION_SIZE];
	/* As the hive of a Windows 10 has it for a driver of that date and version. */
	static const uint8_t expected[DRIVER_VERSION_SIZE] = { 0x00, 0xff, 0x09, 0x00, 0, 0, 0, 0,
		0x7b, 0xe9, 0x36, 0x4d, 0x25, 0xe3, 0xce, 0x11, 0xbf, 0xc1, 0x08, 0x00, 0x2b, 0xe1,
		0x03, 0x18, 0x00, 0x80, 0x8c, 0xa3, 0xc5, 0x94, 0xc6, 0x01, 0x56, 0x04, 0x61, 0x4a,
		0x00, 0x00, 0x0a, 0x00 };

	(void)state;
	world_make(&w);
	ok(driver_version_blob(&w.package.inf, INF_AMD64, blob, &e));
	assert_memory_equal(blob, expected, sizeof(blob));
	ok(driver_version_blob(&w.package.inf, INF_ARM64, blob, &e));
	assert_int_equal(blob[2], 12);
	w.package.inf.day = 0;
	ok(driver_version_blob(&w.package.inf, INF_X86, blob, &e));
	assert_int_equal(blob[2], 0);
	assert_memory_equal(blob + 24, "\0\0\0\0\0\0\0\0", 8);
	free(w.package.inf.class_guid);
	w.package.inf.class_guid = NULL;
	assert_int_equal(driver_version_blob(&w.package.inf, INF_X86, blob, &e), -ERR_CORRUPT);
	world_free(&w);
}

/* What the guest has already under the service's name. */
static void make_old_service(struct hive *h)
{
	const char *parameters = "ControlSet001\\Services\\blk\\Parameters";
	struct strings list = { 0 };

	ok(strings_add(&list, "one", &e));
	ok(strings_add(&list, "two", &e));
	ok(hive_set_dword(h, "ControlSet001\\Services\\blk", "Start", 3, "", &e));
	ok(hive_set_dword(h, "ControlSet001\\Services\\blk", "Type", 9, "", &e));
	ok(hive_set_dword(h, "ControlSet001\\Services\\blk\\StartOverride", "0", 3, "", &e));
	ok(hive_set_dword(h, parameters, "Kept", 1, "", &e));
	ok(hive_set_list(h, parameters, "List", &list, "", &e));
	strings_free(&list);
}

static void put_service(struct world *w, bool keep)
{
	ok(driver_service_put(
		&w->in, w->h, "ControlSet001", w->service, "System32\\drivers\\blk.sys", keep, &e));
}

static void test_service(void **state)
{
	const char *key = "ControlSet001\\Services\\blk";
	const char *parameters = "ControlSet001\\Services\\blk\\Parameters";
	struct world w;

	(void)state;
	world_make(&w);
	make_old_service(w.h);
	put_service(&w, false);
	is_number(w.h, key, "Type", 1);
	is_number(w.h, key, "Start", 0);
	is_number(w.h, key, "ErrorControl", 3);
	is_text(w.h, key, "ImagePath", "System32\\drivers\\blk.sys");
	is_text(w.h, key, "Group", "SCSI miniport");
	is_text(w.h, key, "DisplayName", "A Disk");
	is_list(w.h, key, "DependOnService", "pci");
	is_list(w.h, key, "DependOnGroup", "SCSI miniport");
	assert_false(hive_has_key(w.h, "ControlSet001\\Services\\blk\\StartOverride"));
	is_number(w.h, parameters, "BusType", 10);
	is_number(w.h, parameters, "Kept", 1);
	is_list(w.h, parameters, "List", "one|two|three");
	assert_false(hive_has_key(w.h, "ControlSet001\\Services\\blk\\Elsewhere"));
	world_again(&w);
	put_service(&w, false);
	assert_false(hive_changed(w.h));
	world_free(&w);
}

/* A newer driver of the guest's is made to start, and not touched. */
static void test_service_kept(void **state)
{
	const char *key = "ControlSet001\\Services\\blk";
	struct world w;

	(void)state;
	world_make(&w);
	make_old_service(w.h);
	put_service(&w, true);
	is_number(w.h, key, "Start", 0);
	is_number(w.h, key, "Type", 9);
	assert_false(has_value(w.h, key, "ImagePath"));
	assert_false(hive_has_key(w.h, "ControlSet001\\Services\\blk\\StartOverride"));
	world_free(&w);
}

static void test_critical(void **state)
{
#define CRITICAL "ControlSet001\\Control\\CriticalDeviceDatabase\\"
	struct world w;

	(void)state;
	world_make(&w);
	ok(hive_set_text(w.h, CRITICAL "PCI#CC_0100", "Service", HIVE_SZ, "other", "", &e));
	for (size_t i = 0; i < 2; i++)
		ok(driver_critical_put(
			&w.in, w.h, "ControlSet001", &w.package.inf.device[i], w.service, &e));
	is_text(w.h, CRITICAL "PCI#VEN_1AF4&DEV_1001&SUBSYS_00021AF4", "Service", "blk");
	is_text(w.h, CRITICAL "PCI#VEN_1AF4&DEV_1001", "Service", "blk");
	is_text(w.h, CRITICAL "PCI#VEN_1AF4&DEV_1001", "ClassGUID",
		"{4d36e97b-e325-11ce-bfc1-08002be10318}");
	/* The guest's own driver of all such controllers stays. */
	is_text(w.h, CRITICAL "PCI#CC_0100", "Service", "other");
	assert_false(has_value(w.h, CRITICAL "PCI#CC_0100", "ClassGUID"));
	world_free(&w);
}

static void check_database(struct hive *h)
{
#define PACKAGE "DriverDatabase\\DriverPackages\\hvimg-blk.inf_amd64_0000000000000000"
	const char *inf = own_inf, *id = own_id;

	is_text(h, PACKAGE, "", inf);
	is_text(h, PACKAGE, "Provider", "Some Maker");
	is_text(h, PACKAGE "\\Strings", "disk", "A Disk");
	is_text(h, PACKAGE "\\Configurations\\inst", "Service", "blk");
	is_number(h, PACKAGE "\\Configurations\\inst", "ConfigFlags", 0);
	is_number(h, PACKAGE "\\Configurations\\inst", "ConfigScope", 7);
	is_number(h, PACKAGE "\\Configurations\\inst\\Device\\Interrupt Management", "Count", 257);
	is_number(h, PACKAGE "\\Configurations\\inst\\Services\\blk\\Parameters", "BusType", 10);
	is_bytes(h, PACKAGE "\\Configurations\\inst\\Services\\blk\\Parameters", "Kept", 0x20004,
		"\2\0\0\0", 4);
	is_text(h, PACKAGE "\\Descriptors\\PCI\\VEN_1AF4&DEV_1001", "Configuration", "inst");
	is_list(h, "DriverDatabase\\DriverInfFiles\\hvimg-blk.inf", "", id);
	is_text(h, "DriverDatabase\\DriverInfFiles\\hvimg-blk.inf", "Active", id);
	is_list(h, "DriverDatabase\\DriverInfFiles\\hvimg-blk.inf", "Configurations", "inst");
	is_bytes(h, "DriverDatabase\\DeviceIds\\PCI\\VEN_1AF4&DEV_1001&SUBSYS_00021AF4", inf,
		HIVE_BINARY, "\1\xff\0\0", 4);
	/* A hardware id in one line is none the less for being a compatible one in another. */
	is_bytes(h, "DriverDatabase\\DeviceIds\\PCI\\VEN_1AF4&DEV_1001", inf, HIVE_BINARY,
		"\1\xff\0\0", 4);
	is_bytes(h, "DriverDatabase\\DeviceIds\\PCI\\CC_0100", inf, HIVE_BINARY, "\2\xff\0\0", 4);
	is_bytes(h, "DriverDatabase\\DeviceIds\\{4d36e97b-e325-11ce-bfc1-08002be10318}", inf,
		HIVE_NONE, NULL, 0);
}

static void test_database(void **state)
{
	struct world w;

	(void)state;
	world_make(&w);
	assert_int_equal(driver_database_put(&w.in, w.h, &e), -ERR_NOTREADY);
	ok(hive_add_key(w.h, "DriverDatabase", "", &e));
	ok(driver_database_put(&w.in, w.h, &e));
	check_database(w.h);
	world_again(&w);
	ok(driver_database_put(&w.in, w.h, &e));
	assert_false(hive_changed(w.h));
	check_database(w.h);
	world_free(&w);
}

/* Another start type than the boot loader's: only when a target has its disk behind it. */
static void test_boot_service(void **state)
{
	struct target_driver driver = { .service = (char[]){ "other" }, .need = NEED_BOOT };
	struct target target = { .driver = &driver, .driver_count = 1 };
	struct target_list targets = { &target, 1 };
	struct world w;

	(void)state;
	world_make(&w);
	w.changes.targets = &targets;
	w.package.inf.device[0].service[0].start = 3;
	assert_null(inject_boot_service(&w.in, w.device));
	ok(strings_add(&driver.alternatives, "BLK", &e));
	assert_non_null(inject_boot_service(&w.in, w.device));
	driver.need = NEED_LATER;
	assert_null(inject_boot_service(&w.in, w.device));
	strings_free(&driver.alternatives);
	world_free(&w);
}

static void early(unsigned dirid, const char *subdirectory, const char *name, const char *expected)
{
	struct buffer path = { 0 };
	int rc = driver_early_path(dirid, subdirectory, name, &path, &e);

	if (expected)
		ok(rc);
	else
		assert_int_equal(rc, -ERR_UNSUPPORTED);
	assert_string_equal(buffer_text(&path), expected ? expected : "");
	buffer_free(&path);
}

/* Where a file lies before Windows has installed anything. */
static void test_places(void **state)
{
	(void)state;
	early(12, "", "a.sys", "System32/drivers/a.sys");
	early(12, "UMDF", "a.dll", "System32/drivers/UMDF/a.dll");
	early(11, "", "a.dll", "System32/a.dll");
	early(10, "", "a.exe", "a.exe");
	/* The driver store has no folder for it yet. */
	early(13, "sub", "a.SYS", "System32/drivers/a.SYS");
	early(13, "", "a.dll", NULL);
	early(16427, "", "a.sys", NULL);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(windows_is_plain_name("viostor 2 (x64).sys"));
	assert_false(windows_is_plain_name(""));
	assert_false(windows_is_plain_name(".."));
	assert_false(windows_is_plain_name("a%b.sys"));
	assert_false(windows_is_plain_name("a\"b.sys"));
	assert_false(windows_is_plain_name("a:b"));
	assert_false(windows_is_plain_name("a\nb"));
	assert_false(windows_is_plain_name("a. "));
	assert_false(windows_is_plain_name("\xc3\xa4.sys"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_service_kept),
		cmocka_unit_test(test_critical),
		cmocka_unit_test(test_database),
		cmocka_unit_test(test_boot_service),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("windows_inject", tests, NULL, NULL);
}
