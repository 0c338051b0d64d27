/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a module says of itself, from an object file made here, and from parts of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/vermagic.h"

static const char program[] =
	"printf '%s\\n' '__attribute__((section(\".modinfo\"),used)) static const char i[] = "
	"\"name=x_y\\0vermagic=6.1.0 SMP mod_unload \\0\\0depends=a,b-c\\0alias=pci:v1*\\0\""
	"\"alias=x\\0softdep=pre: z\\0depends=\"; int __ksymtab_one, __ksymtab_two, three;' | "
	"cc -x c -c - -o ";

static void make(const char *path, const char *more, struct buffer *out)
{
	char command[1024];
	struct error e = { 0 };
	size_t got;
	FILE *f;

	snprintf(command, sizeof(command), "%s%s%s", program, path, more);
	assert_int_equal(system(command), 0);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(buffer_reserve(out, 1 << 20, &e), 0);
	got = fread(out->data, 1, 1 << 20, f);
	fclose(f);
	out->len = got;
	remove(path);
}

static void expect_module(const struct buffer *b)
{
	struct module_info m;
	struct error e = { 0 };

	if (module_info_read(b->data, b->len, &m, &e))
		fail_msg("%s", e.text);
	assert_string_equal(m.name, "x_y");
	assert_string_equal(m.vermagic, "6.1.0 SMP mod_unload");
	assert_int_equal(m.depends.count, 2);
	assert_string_equal(m.depends.item[1], "b-c");
	assert_int_equal(m.aliases.count, 2);
	assert_string_equal(m.aliases.item[0], "pci:v1*");
	assert_int_equal(m.softdeps.count, 1);
	assert_int_equal(m.exports.count, 2);
	assert_true(strings_have(&m.exports, "one") && strings_have(&m.exports, "two"));
	module_info_free(&m);
}

static void test_read(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	if (system("command -v cc xz >/dev/null"))
		skip();
	make("build-vermagic.ko", "", &b);
	expect_module(&b);
	buffer_free(&b);
	make("build-vermagic.ko",
		"; xz --check=crc32 -c build-vermagic.ko >build-vermagic.ko.xz; "
		"mv build-vermagic.ko.xz build-vermagic.ko",
		&b);
	expect_module(&b);
	buffer_free(&b);
}

/* Every length, and every byte changed: an answer or an error, and nothing read outside. */
static void test_hostile(void **state)
{
	struct buffer b = { 0 };
	struct module_info m;
	struct error e = { 0 };

	(void)state;
	if (system("command -v cc >/dev/null"))
		skip();
	make("build-vermagic.ko", "", &b);
	for (size_t len = 0; len < b.len; len++) {
		uint8_t *part = malloc(len + 1);

		memcpy(part, b.data, len);
		assert_true(module_info_read(part, len, &m, &e) < 0);
		free(part);
	}
	for (size_t i = 0; i < b.len; i++) {
		static const uint8_t masks[] = { 0x80, 0xff, 0x01 };

		for (size_t j = 0; j < sizeof(masks); j++) {
			b.data[i] ^= masks[j];
			if (!module_info_read(b.data, b.len, &m, &e))
				module_info_free(&m);
			b.data[i] ^= masks[j];
		}
	}
	expect_module(&b);
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
