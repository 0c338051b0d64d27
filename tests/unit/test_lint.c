/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Releases, likely meanings, and descriptions that no program would write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/near.h"
#include "cloud/lint_private.h"

static void test_releases(void **state)
{
	static const struct {
		const char *text;
		unsigned glance; /* 0: no such */
	} cases[] = {
		{ "25", 25 },
		{ "zed", 25 },
		{ "Zed", 25 },
		{ "2023.1", 26 },
		{ "antelope", 26 },
		{ "2025.1", 30 },
		{ "epoxy", 30 },
		{ "33", 33 },
		{ "2026.2", 33 },
		{ "17", 17 },
		{ "16", 0 },
		{ "34", 0 },
		{ "", 0 },
		{ "25.1", 0 },
		{ "-25", 0 },
		{ " 25", 0 },
		{ "2023", 0 },
		{ "99999999999999999999", 0 },
		{ "nova", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct error e = { 0 };
		unsigned glance = 0;
		int rc = lint_release(cases[i].text, &glance, &e);

		assert_int_equal(rc, cases[i].glance ? 0 : -ERR_USAGE);
		assert_int_equal(glance, cases[i].glance);
	}
	assert_int_equal(lint_newest(), 33);
}

static void test_distance(void **state)
{
	char near[VALUE_MAX];

	(void)state;
	assert_int_equal(edit_distance("kitten", "sitting", 9), 3);
	assert_int_equal(edit_distance("", "abc", 9), 3);
	assert_int_equal(edit_distance("abcd", "abdc", 9), 1);
	assert_int_equal(edit_distance("same", "same", 2), 0);
	assert_true(edit_distance("a", "abcdef", 2) > 2);
	assert_string_equal(property_near("os_secureboot"), "os_secure_boot");
	assert_string_equal(property_near("hw_machine_typ"), "hw_machine_type");
	assert_null(property_near("owner_specified.openstack.md5"));
	assert_null(property_near("x"));
	assert_true(value_near("required|optional|disabled", "REQUIRED", near));
	assert_string_equal(near, "required");
	assert_true(value_near("uefi|bios", "uefii", near));
	assert_string_equal(near, "uefi");
	assert_false(value_near("uefi|bios", "coreboot", near));
	assert_true(value_listed("a|bc|d", "bc", false));
	assert_false(value_listed("a|bc|d", "b", false));
	assert_false(value_listed("a|bc|d", "", false));
	assert_false(value_listed("a|bc|d", "BC", false));
	assert_true(value_listed("a|bc|d", "BC", true));
}

/* Each name is there once and is no misspelling of itself. */
static void test_table(void **state)
{
	(void)state;
	for (const struct known_property *p = known_properties; p->name; p++) {
		assert_ptr_equal(property_by_name(p->name), p);
		assert_int_equal(
			p->values != NULL, p->type == PROPERTY_WORD || p->type == PROPERTY_FOLDED);
		for (const struct known_property *q = p + 1; q->name; q++)
			assert_true(strcmp(p->name, q->name) < 0);
	}
	assert_null(property_by_name("hw_"));
}

/* Whether that code is found, at that severity. */
static bool finds(const char *json, unsigned glance, const char *code, enum severity severity)
{
	const struct target_list none = { 0 };
	const struct lint_rules rules = { .glance = glance, .known = &none };
	json_t *body = json_loads(json, JSON_DECODE_ANY, NULL);
	struct report report = { 0 };
	struct error e = { 0 };
	bool found = false;

	assert_non_null(body);
	assert_int_equal(lint_body(body, &rules, &report, &e), 0);
	for (size_t i = 0; i < report.count; i++)
		found = found ||
			(!strcmp(report.finding[i].code, code) &&
				report.finding[i].severity == severity);
	report_free(&report);
	json_decref(body);
	return found;
}

static void test_odd_bodies(void **state)
{
	static const char *const shapes[] = { "[]", "null", "1", "\"a\"", "true" };

	(void)state;
	for (size_t i = 0; i < 5; i++)
		assert_true(finds(shapes[i], 33, "body-shape", SEVERITY_ERROR));
	assert_true(finds("{}", 33, "format-missing", SEVERITY_ERROR));
	assert_true(finds("{\"disk_format\":null}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"\":\"x\"}", 33, "property-name", SEVERITY_ERROR));
	assert_true(finds("{\"tags\":[1]}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"tags\":{}}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"min_disk\":-1}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"min_disk\":3000000000}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"id\":\"no\"}", 33, "property-type", SEVERITY_ERROR));
	assert_true(finds("{\"hw_machine_type\":{\"a\":[]}}", 33, "property-type", SEVERITY_ERROR));
}

static void test_versions(void **state)
{
	static const char *const good[] = { ">=6.3", ">= 10.0", "<7,>=6.2", " ==10.0 , !=10.1 " };
	static const char *const bad[] = { "", "10.0", ">=", ">=ten", ">=6.3,", ">=.3", ">=6.",
		"=>6", ">=6..3", ">=6 3" };
	char json[128];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(json, sizeof(json), "{\"hypervisor_version_requires\":\"%s\"}", good[i]);
		assert_false(finds(json, 33, "version-predicate", SEVERITY_ERROR));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(json, sizeof(json), "{\"hypervisor_version_requires\":\"%s\"}", bad[i]);
		assert_true(finds(json, 33, "version-predicate", SEVERITY_ERROR));
	}
}

static void test_values(void **state)
{
	(void)state;
	assert_false(finds("{\"os_type\":\"Windows\"}", 25, "property-value", SEVERITY_ERROR));
	assert_true(finds("{\"os_type\":\"bsd\"}", 25, "property-value", SEVERITY_ERROR));
	assert_false(finds("{\"hw_boot_menu\":\"Yes\"}", 25, "property-value", SEVERITY_ERROR));
	assert_true(finds("{\"hw_boot_menu\":\"maybe\"}", 25, "property-value", SEVERITY_ERROR));
	assert_true(finds("{\"hw_cpu_cores\":\"two\"}", 25, "property-value", SEVERITY_ERROR));
	assert_true(finds("{\"hw_cpu_cores\":\"\"}", 25, "property-value", SEVERITY_ERROR));
	assert_false(finds("{\"hw_numa_cpus.0\":\"0-3\"}", 25, "property-typo", SEVERITY_WARNING));
	assert_true(finds("{\"hypervisor_type\":\"hyperv\",\"disk_format\":\"raw\"}", 25,
		"hyperv-disk-format", SEVERITY_ERROR));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_releases),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_odd_bodies),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
