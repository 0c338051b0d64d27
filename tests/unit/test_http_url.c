/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of an address is shown, and where a redirect may lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cloud/http_url.h"

static void shown(const char *url, const char *want, const char *content)
{
	struct buffer text = { 0 }, asked = { 0 };
	struct error e = { 0 };

	assert_int_equal(http_url_shown(url, &text, &e), 0);
	assert_string_equal(buffer_text(&text), want);
	assert_int_equal(http_url_content(url, &asked, &e), 0);
	assert_string_equal(buffer_text(&asked), content);
	buffer_free(&text);
	buffer_free(&asked);
}

static void test_shown(void **state)
{
	struct buffer text = { 0 };
	struct error e = { 0 };

	(void)state;
	shown("http://h/a/b.img", "http://h/a/b.img", "http://h/a/b.img");
	shown("HTTPS://u:word@h:8443/b?key=word#f", "https://h:8443/b",
		"https://h:8443/b?key=word");
	shown("http://token@[::1]/", "http://[::1]/", "http://[::1]/");
	assert_int_equal(http_url_shown("http://u:word@h:port/", &text, &e), -ERR_USAGE);
	assert_null(strstr(e.text, "word"));
	assert_int_equal(text.len, 0);
	assert_true(http_url_is("Http://h/"));
	assert_false(http_url_is("/srv/http://h/"));
	assert_false(http_url_is("ftp://h/"));
}

static void test_tells(void **state)
{
	const char *url = "https://user:p%40ssword@h/a?plain&key=s%2Fcret&n=12";

	(void)state;
	assert_true(http_url_tells(url, "no p@ssword"));
	assert_true(http_url_tells(url, "no p%40ssword"));
	assert_true(http_url_tells(url, "it was s/cret"));
	assert_true(http_url_tells(url, "it was plain"));
	assert_false(http_url_tells(url, "user of h asks for a, 12 times"));
	assert_false(http_url_tells("https://h/a", "h, a"));
}

/* `want` NULL: it is refused, with `code`. */
static void follows(const char *url, const char *location, const char *want, int code)
{
	struct buffer next = { 0 };
	struct error e = { 0 };

	assert_int_equal(http_url_follow(url, location, &next, &e), -code);
	assert_string_equal(buffer_text(&next), want ? want : "");
	assert_null(strstr(e.text, "word"));
	buffer_free(&next);
}

static void test_follow(void **state)
{
	(void)state;
	follows("http://h/a/b", "c?d", "http://h/a/c?d", 0);
	follows("http://h/a/b", "/c d", "http://h/c%20d", 0);
	follows("http://h/a", "https://i/", "https://i/", 0);
	follows("https://h/a", "//i/b", "https://i/b", 0);
	follows("http://u:word@h/a", "/b", "http://u:word@h/b", 0);
	follows("http://u:word@h/a", "http://H:80/b", "http://u:word@H:80/b", 0);
	follows("http://u:word@h/a", "http://h:81/b", "http://h:81/b", 0);
	follows("http://u:word@h/a", "https://h/b", "https://h/b", 0);
	follows("https://u:word@h/a", "//i/b", "https://i/b", 0);
	follows("http://h/a", "http://x:word@i/b", "http://i/b", 0);
	follows("https://h/a", "http://h/a", NULL, ERR_REFUSED);
	follows("http://h/a", "ftp://h/word", NULL, ERR_REFUSED);
	follows("http://h/a", "file:///word", NULL, ERR_REFUSED);
	follows("http://h/a", "http://[word", NULL, ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_tells),
		cmocka_unit_test(test_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
