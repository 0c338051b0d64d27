/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/properties.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static const struct format vhdx = { .name = "vhdx", .glance_name = "vhdx" };
static const struct format vhd = { .name = "vhd", .glance_name = "vhd" };
static const struct format qcow2 = { .name = "qcow2", .glance_name = "qcow2" };
static const struct format vmx = { .name = "vmx" };

static uint64_t least(const struct format *f, const char *subformat, uint64_t size, uint64_t block)
{
	struct image_facts facts = {
		.format = f,
		.subformat = subformat,
		.virtual_size = size,
		.block_size = block,
	};

	return min_disk_gib(&facts);
}

/* What os-win's formula loses of a file of 40 GiB: 4 MiB at blocks of 1 MiB, 8 at 8, 32 at 32. */
static void test_vhdx_borders(void **state)
{
	(void)state;
	assert_int_equal(least(&vhdx, "dynamic", 40 * GIB - 4 * MIB, MIB), 40);
	assert_int_equal(least(&vhdx, "dynamic", 40 * GIB - 4 * MIB + 1, MIB), 41);
	assert_int_equal(least(&vhdx, "dynamic", 40 * GIB, MIB), 41);
	assert_int_equal(least(&vhdx, "fixed", 40 * GIB - 8 * MIB, 8 * MIB), 40);
	assert_int_equal(least(&vhdx, "fixed", 40 * GIB - 8 * MIB + 1, 8 * MIB), 41);
	assert_int_equal(least(&vhdx, "dynamic", 40 * GIB - 32 * MIB, 32 * MIB), 40);
	assert_int_equal(least(&vhdx, "dynamic", 40 * GIB - 32 * MIB + 1, 32 * MIB), 41);
	assert_int_equal(least(&vhdx, "dynamic", 1, MIB), 1);
	/* 64 TiB in blocks of 1 MiB: tables of 512 MiB and a little. */
	assert_int_equal(least(&vhdx, "dynamic", 65536 * GIB, MIB), 65537);
}

static void test_vhdx_log_counts(void **state)
{
	struct image_facts f = {
		.format = &vhdx,
		.virtual_size = 10 * GIB - 4 * MIB,
		.block_size = MIB,
	};

	(void)state;
	assert_int_equal(min_disk_gib(&f), 10);
	f.log_size = 2 * MIB;
	assert_int_equal(min_disk_gib(&f), 11);
}

static void test_vhd_borders(void **state)
{
	/* (S - 2048) * B / (B + 4) for 1 GiB and 2 MiB blocks. */
	uint64_t fits = (GIB - 2048) * (2 * MIB) / (2 * MIB + 4);

	(void)state;
	assert_int_equal(fits, 1073737728);
	assert_int_equal(least(&vhd, "dynamic", fits, 2 * MIB), 1);
	assert_int_equal(least(&vhd, "dynamic", fits + 1, 2 * MIB), 2);
	assert_int_equal(least(&vhd, "dynamic", GIB, 0), 2);
	assert_int_equal(least(&vhd, "fixed", GIB - 512, 0), 1);
	assert_int_equal(least(&vhd, "fixed", GIB - 511, 0), 2);
	assert_int_equal(least(&vhd, "dynamic", 2040 * GIB, 2 * MIB), 2041);
}

/* The largest disk for a flavor needs that flavor, and a little more needs the next one. */
static void test_flavor_is_the_inverse(void **state)
{
	const struct image_facts kinds[] = {
		{ .format = &vhdx, .block_size = MIB },
		{ .format = &vhdx, .block_size = 256 * MIB, .log_size = 7 * MIB },
		{ .format = &vhdx, .block_size = 32 * MIB, .logical_sector = 4096 },
		{ .format = &vhd, .subformat = "dynamic", .block_size = 512 << 10 },
		{ .format = &vhd, .subformat = "fixed" },
	};
	const uint64_t flavors[] = { 1, 2, 3, 40, 1023, 2040, 65536 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		for (size_t k = 0; k < sizeof(flavors) / sizeof(*flavors); k++) {
			struct image_facts f = kinds[i];

			f.virtual_size = flavor_disk_size(&f, flavors[k]);
			assert_true(f.virtual_size > 0);
			assert_int_equal(f.virtual_size % 512, 0);
			assert_int_equal(min_disk_gib(&f), flavors[k]);
			f.virtual_size += f.logical_sector ? f.logical_sector : 512;
			assert_int_equal(min_disk_gib(&f), flavors[k] + 1);
		}
}

static void test_other_formats_round_up(void **state)
{
	(void)state;
	assert_int_equal(least(&qcow2, NULL, 2 * GIB, 65536), 2);
	assert_int_equal(least(&qcow2, NULL, 2 * GIB + 1, 65536), 3);
	assert_int_equal(least(&qcow2, NULL, 0, 65536), 1);
}

static char *text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* A Debian guest described for Hyper-V, with what the user adds. */
static int describe(const char *properties, json_t **out, struct error *e)
{
	struct target_property property[] = {
		{ text("vm_mode"), text("hvm"), NULL },
		{ text("hw_machine_type"), text("hyperv-gen2"), NULL },
		{ text("os_secure_boot"), text("required"), text("windows") },
		{ text("logging_serial_port"), text("1"), text("linux") },
	};
	struct target target = { .name = text("hyperv-gen2"),
		.firmware = text("uefi"),
		.hypervisor = text("hyperv"),
		.property = property,
		.property_count = 4,
		.min_ram = 512 };
	struct guest guest = { .type = "linux",
		.distro = text("debian"),
		.version = text("12"),
		.arch = text("x86_64") };
	struct strings user = { 0 };
	struct image_facts f = { .name = "disk",
		.format = &vhdx,
		.subformat = "dynamic",
		.virtual_size = 2 * GIB,
		.block_size = MIB,
		.guest = &guest,
		.target = &target,
		.properties = &user };
	int rc;

	assert_int_equal(strings_split(&user, properties, "|", NULL), 0);
	rc = image_properties(&f, out, e);
	strings_free(&user);
	return rc;
}

static void has(const json_t *body, const char *name, const char *value)
{
	const char *found = json_string_value(json_object_get(body, name));

	if (!value) {
		assert_null(json_object_get(body, name));
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, value);
}

static void test_body(void **state)
{
	json_t *body;

	(void)state;
	assert_int_equal(describe("", &body, NULL), 0);
	has(body, "name", "disk");
	has(body, "disk_format", "vhdx");
	has(body, "container_format", "bare");
	has(body, "hypervisor_type", "hyperv");
	has(body, "hw_machine_type", "hyperv-gen2");
	has(body, "hw_firmware_type", "uefi");
	has(body, "vm_mode", "hvm");
	has(body, "os_type", "linux");
	has(body, "os_distro", "debian");
	has(body, "os_version", "12");
	has(body, "architecture", "x86_64");
	has(body, "logging_serial_port", "1");
	has(body, "os_secure_boot", NULL);
	assert_int_equal(json_integer_value(json_object_get(body, "min_disk")), 3);
	assert_int_equal(json_integer_value(json_object_get(body, "min_ram")), 512);
	json_decref(body);
}

static void test_user_wins(void **state)
{
	json_t *body;

	(void)state;
	assert_int_equal(
		describe("os_version=sid|vm_mode=|min_disk=20|protected=true|level=5", &body, NULL),
		0);
	has(body, "os_version", "sid");
	has(body, "vm_mode", NULL);
	has(body, "level", "5");
	assert_int_equal(json_integer_value(json_object_get(body, "min_disk")), 20);
	assert_true(json_is_true(json_object_get(body, "protected")));
	json_decref(body);
}

static void refused(const char *properties, const char *why)
{
	struct error e = { 0 };
	json_t *body;

	assert_int_equal(describe(properties, &body, &e), -ERR_USAGE);
	assert_string_equal(e.text, why);
}

static void test_refused_properties(void **state)
{
	(void)state;
	refused("size=5", "property size: Glance lets nobody set it");
	refused("os_glance_x=5", "property os_glance_x: Glance lets nobody set it");
	refused("min_disk=big", "min_disk=big: not a number from 0 to 2147483647");
	refused("min_ram=-1", "min_ram=-1: not a number from 0 to 2147483647");
	refused("os_hidden=yes", "os_hidden=yes: neither true nor false");
	refused("disk_format=", "property disk_format: an image needs one");
}

static void test_guest_texts_are_not_trusted(void **state)
{
	struct guest guest = { .type = "linux", .version = text("12\xff") };
	struct strings user = { 0 };
	struct image_facts f = {
		.name = "x", .format = &qcow2, .guest = &guest, .properties = &user
	};
	struct error e = { 0 };
	json_t *body;

	(void)state;
	assert_int_equal(image_properties(&f, &body, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "os_version"));
	assert_int_equal(strings_add(&user, "os_version=12", NULL), 0);
	assert_int_equal(image_properties(&f, &body, &e), 0);
	has(body, "os_version", "12");
	json_decref(body);
	strings_free(&user);
	guest.version = text("1\n2");
	f.properties = NULL;
	assert_int_equal(image_properties(&f, &body, &e), -ERR_UNSUPPORTED);
}

static void test_formats_that_glance_does_not_know(void **state)
{
	struct image_facts f = { .name = "x", .format = &vmx };
	struct error e = { 0 };
	json_t *body;

	(void)state;
	assert_int_equal(image_properties(&f, &body, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "vmx"));
}

static void test_disks_of_targets(void **state)
{
	struct target_list l;
	struct error e = { 0 };
	const struct target *t;

	(void)state;
	assert_int_equal(targets_load_all("recipes", &l, &e), 0);
	t = target_by_name(&l, "hyperv-gen2");
	assert_true(target_takes(t, "vhdx") && target_suits(t, "vhdx"));
	assert_false(target_takes(t, "vhd") || target_suits(t, "vhd"));
	t = target_by_name(&l, "hyperv-gen1");
	assert_true(target_takes(t, "vhd") && target_suits(t, "vhdx"));
	assert_false(target_takes(t, "qcow2") || target_suits(t, "qcow2"));
	t = target_by_name(&l, "kvm");
	assert_true(target_takes(t, "qcow2") && target_suits(t, "qcow2"));
	assert_true(target_takes(t, "vhdx") && !target_suits(t, "vhdx"));
	t = target_by_name(&l, "xen");
	assert_true(target_takes(t, "vhd") && !target_suits(t, "vhd"));
	/* There is no Glance. */
	assert_false(target_takes(target_by_name(&l, "azure"), "vhd"));
	targets_free(&l);
}

/* Where a target takes either firmware, the image says which. */
static void test_firmware_of_any(void **state)
{
	struct target target = {
		.name = text("kvm"), .firmware = text("any"), .hypervisor = text("qemu")
	};
	struct image_facts f = { .name = "x", .format = &qcow2, .target = &target };
	json_t *body;

	(void)state;
	f.firmware = "bios";
	assert_int_equal(image_properties(&f, &body, NULL), 0);
	has(body, "hw_firmware_type", "bios");
	json_decref(body);
	f.firmware = NULL;
	assert_int_equal(image_properties(&f, &body, NULL), 0);
	has(body, "hw_firmware_type", NULL);
	has(body, "hypervisor_type", "qemu");
	json_decref(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vhdx_borders),
		cmocka_unit_test(test_vhdx_log_counts),
		cmocka_unit_test(test_vhd_borders),
		cmocka_unit_test(test_flavor_is_the_inverse),
		cmocka_unit_test(test_other_formats_round_up),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_user_wins),
		cmocka_unit_test(test_refused_properties),
		cmocka_unit_test(test_guest_texts_are_not_trusted),
		cmocka_unit_test(test_formats_that_glance_does_not_know),
		cmocka_unit_test(test_disks_of_targets),
		cmocka_unit_test(test_firmware_of_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
