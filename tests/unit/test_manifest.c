/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of the registry in the manifest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "job/manifest.h"

static struct error e;

static char *text_of(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	json_decref(json);
	return text;
}

static void state_is(uint32_t type, const void *data, size_t len, const char *want)
{
	char name[] = "v", path[] = "/SYSTEM", key[] = "a\\b";
	uint8_t bytes[64];
	struct registry_edit entry = { .volume = name,
		.hive = path,
		.key = key,
		.value = name,
		.why = name,
		.after = { true, type, bytes, len } };
	struct strings none = { 0 };
	struct journal j = { 0 };
	json_t *json;
	char *text;

	memcpy(bytes, data, len);
	assert_int_equal(journal_add_registry(&j, &entry, &e), 0);
	assert_int_equal(manifest_json(&j, &none, &json, &e), 0);
	text = text_of(json_incref(
		json_object_get(json_array_get(json_object_get(json, "registry"), 0), "after")));
	assert_string_equal(text, want);
	free(text);
	json_decref(json);
	journal_free(&j);
}

static void test_data(void **state)
{
	(void)state;
	state_is(4, "\1\2\0", 4, "{\"type\":\"REG_DWORD\",\"data\":513}");
	state_is(4, "\1", 1, "{\"type\":\"REG_DWORD\",\"hex\":\"01\"}");
	state_is(11, "\5\0\0\0\1\0\0", 8, "{\"type\":\"REG_QWORD\",\"data\":4294967301}");
	state_is(1, "a\0b\0\0", 6, "{\"type\":\"REG_SZ\",\"data\":\"ab\"}");
	state_is(2, "a\0b", 4, "{\"type\":\"REG_EXPAND_SZ\",\"hex\":\"61006200\"}");
	state_is(1, "a\0\0\0x", 6, "{\"type\":\"REG_SZ\",\"hex\":\"610000007800\"}");
	state_is(7, "a\0\0\0b\0\0\0\0", 10, "{\"type\":\"REG_MULTI_SZ\",\"data\":[\"a\",\"b\"]}");
	state_is(7, "a\0\0", 4, "{\"type\":\"REG_MULTI_SZ\",\"hex\":\"61000000\"}");
	state_is(3, "\xff\1", 2, "{\"type\":\"REG_BINARY\",\"data\":\"ff01\"}");
	state_is(0, "", 0, "{\"type\":\"REG_NONE\",\"data\":\"\"}");
	state_is(0xffff0012, "a", 2, "{\"type\":\"0xffff0012\",\"data\":\"6100\"}");
}

static void test_key(void **state)
{
	char text[] = "p1", path[] = "/SYSTEM", key[] = "a\\b", why[] = "why";
	struct registry_edit entry = {
		.volume = text, .hive = path, .key = key, .why = why, .before = { .present = true }
	};
	struct strings none = { 0 };
	struct journal j = { 0 };
	json_t *json;
	char *got;

	(void)state;
	assert_int_equal(journal_add_registry(&j, &entry, &e), 0);
	assert_int_equal(manifest_json(&j, &none, &json, &e), 0);
	got = text_of(json);
	assert_string_equal(got,
		"{\"schema\":1,\"targets\":[],\"edits\":[],\"registry\":[{\"action\":\"remove\","
		"\"volume\":\"p1\",\"hive\":\"/SYSTEM\",\"key\":\"a\\\\b\",\"value\":null,"
		"\"why\":\"why\",\"before\":{},\"after\":null}]}");
	free(got);
	journal_free(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
