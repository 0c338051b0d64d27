/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/journal.h"

static struct edit_state file(const char *sha)
{
	struct edit_state s = { .present = true, .mode = S_IFREG | 0644, .size = 3 };

	(void)snprintf(s.sha256, sizeof(s.sha256), "%s", sha);
	return s;
}

static const struct edit_state NONE = { 0 };

static void add(struct journal *j, const char *path, const char *why, struct edit_state before,
	struct edit_state after)
{
	char volume[] = "p1";
	char path_copy[64], why_copy[64];
	struct edit entry = { .volume = volume,
		.path = path_copy,
		.why = why_copy,
		.before = before,
		.after = after };
	struct error e = { 0 };

	(void)snprintf(path_copy, sizeof(path_copy), "%s", path);
	(void)snprintf(why_copy, sizeof(why_copy), "%s", why);
	assert_int_equal(journal_add(j, &entry, &e), 0);
}

static void second_edit_keeps_first_before(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add(&j, "/a", "one", file("1"), file("2"));
	add(&j, "/a", "two", file("2"), file("3"));
	assert_int_equal(j.count, 1);
	assert_int_equal(j.edit[0].action, EDIT_REPLACE);
	assert_string_equal(j.edit[0].before.sha256, "1");
	assert_string_equal(j.edit[0].after.sha256, "3");
	assert_string_equal(j.edit[0].why, "two");
	add(&j, "/a", "gone", file("3"), NONE);
	assert_int_equal(j.edit[0].action, EDIT_REMOVE);
	journal_free(&j);
}

static void restored_edit_vanishes(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add(&j, "/a", "x", file("1"), file("2"));
	add(&j, "/b", "x", NONE, file("2"));
	add(&j, "/c", "x", file("5"), NONE);
	add(&j, "/a", "x", file("2"), file("1"));
	assert_int_equal(j.count, 2);
	assert_string_equal(j.edit[0].path, "/b");
	assert_int_equal(j.edit[0].action, EDIT_CREATE);
	assert_string_equal(j.edit[1].path, "/c");
	add(&j, "/b", "x", file("2"), NONE);
	add(&j, "/c", "x", NONE, file("5"));
	assert_int_equal(j.count, 0);
	journal_free(&j);
}

static void edit_without_change_is_not_recorded(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add(&j, "/a", "x", file("1"), file("1"));
	assert_int_equal(j.count, 0);
	for (int i = 0; i < 40; i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "/%d", i);
		add(&j, path, "x", NONE, file("1"));
	}
	assert_int_equal(j.count, 40);
	assert_string_equal(j.edit[39].path, "/39");
	journal_free(&j);
}

static void add_value(struct journal *j, const char *key, const char *value, int before, int after)
{
	uint8_t data[2][4] = { { (uint8_t)before }, { (uint8_t)after } };
	char text[3][32];
	struct registry_edit entry = { .volume = text[2],
		.hive = text[2],
		.key = text[0],
		.value = value ? text[1] : NULL,
		.why = text[2],
		.before = { before >= 0, 4, value && before >= 0 ? data[0] : NULL, value ? 4 : 0 },
		.after = { after >= 0, 4, value && after >= 0 ? data[1] : NULL, value ? 4 : 0 } };
	struct error e = { 0 };

	(void)snprintf(text[0], sizeof(text[0]), "%s", key);
	(void)snprintf(text[1], sizeof(text[1]), "%s", value ? value : "");
	(void)snprintf(text[2], sizeof(text[2]), "p1");
	assert_int_equal(journal_add_registry(j, &entry, &e), 0);
}

static void registry_keeps_first_before(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add_value(&j, "Services\\vmbus", "Start", 3, 4);
	add_value(&j, "services\\VMBUS", "START", 4, 0);
	assert_int_equal(j.registry_count, 1);
	assert_int_equal(j.registry[0].action, EDIT_REPLACE);
	assert_int_equal(j.registry[0].before.data[0], 3);
	assert_int_equal(j.registry[0].after.data[0], 0);
	assert_string_equal(j.registry[0].value, "Start");
	add_value(&j, "Services\\vmbus", "Start", 0, 3);
	assert_int_equal(j.registry_count, 0);
	journal_free(&j);
}

static void keys_are_no_values(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add_value(&j, "a", NULL, -1, 1);
	add_value(&j, "a", "", -1, 1);
	add_value(&j, "a", "x", 1, -1);
	add_value(&j, "b", "x", 1, 1);
	assert_int_equal(j.registry_count, 3);
	assert_int_equal(j.registry[0].action, EDIT_CREATE);
	assert_null(j.registry[0].value);
	assert_int_equal(j.registry[2].action, EDIT_REMOVE);
	for (int i = 0; i < 200; i++) {
		char key[16];

		(void)snprintf(key, sizeof(key), "k%d", i);
		add_value(&j, key, "v", -1, 2);
	}
	assert_int_equal(j.registry_count, 203);
	assert_string_equal(j.registry[202].key, "k199");
	journal_free(&j);
}

static void removed_key_takes_all_along(void **state)
{
	struct journal j = { 0 };

	(void)state;
	add_value(&j, "Services\\new", NULL, -1, 1);
	add_value(&j, "services\\NEW\\sub", NULL, -1, 1);
	add_value(&j, "Services\\new", "v", -1, 1);
	add_value(&j, "Services\\newer", "v", -1, 1);
	add_value(&j, "Services\\old", "v", 1, 2);
	add_value(&j, "Services\\old\\sub", "w", -1, 2);
	assert_int_equal(j.registry_count, 5);
	add_value(&j, "Services\\NEW", NULL, 1, -1);
	assert_int_equal(j.registry_count, 3);
	assert_string_equal(j.registry[0].key, "Services\\newer");
	add_value(&j, "Services\\OLD", NULL, 1, -1);
	assert_int_equal(j.registry_count, 3);
	assert_string_equal(j.registry[1].value, "v");
	assert_int_equal(j.registry[1].action, EDIT_REMOVE);
	assert_int_equal(j.registry[1].before.data[0], 1);
	assert_null(j.registry[2].value);
	assert_int_equal(j.registry[2].action, EDIT_REMOVE);
	add_value(&j, "Services\\old", NULL, -1, 1);
	assert_int_equal(j.registry_count, 3);
	assert_int_equal(j.registry[2].action, EDIT_REPLACE);
	journal_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_edit_keeps_first_before),
		cmocka_unit_test(restored_edit_vanishes),
		cmocka_unit_test(edit_without_change_is_not_recorded),
		cmocka_unit_test(registry_keeps_first_before),
		cmocka_unit_test(keys_are_no_values),
		cmocka_unit_test(removed_key_takes_all_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
