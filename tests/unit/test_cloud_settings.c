/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which cloud is meant, and what its values are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/cloud_settings.h"
#include "cloud/keystone.h"

enum { VARIABLES = 8 };

/* A home of its own, with the two files; the working folder has none. */
struct home {
	char path[64];
	char variable[VARIABLES][160];
	char *environment[VARIABLES + 1];
	size_t count;
};

static void set(struct home *h, const char *name, const char *value)
{
	assert_true(h->count < VARIABLES);
	snprintf(h->variable[h->count], sizeof(h->variable[0]), "%s=%s", name, value);
	h->environment[h->count] = h->variable[h->count];
	h->count++;
}

static void put(const struct home *h, const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", h->path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void home_open(struct home *h, const char *clouds)
{
	char path[128];

	*h = (struct home){ .path = "/tmp/hvimg-clouds-XXXXXX" };
	assert_non_null(mkdtemp(h->path));
	put(h, "clouds.yaml", clouds);
	snprintf(path, sizeof(path), "%s/clouds.yaml", h->path);
	set(h, "OS_CLIENT_CONFIG_FILE", path);
}

static void home_close(struct home *h)
{
	static const char *const names[] = { "clouds.yaml", "secure.yaml" };
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", h->path, names[i]);
		unlink(path);
	}
	rmdir(h->path);
}

static void value_is(const struct cloud_settings *s, const char *key, const char *want)
{
	const char *got = cloud_value(s, key);

	if (!want)
		assert_null(got);
	else if (!got)
		fail_msg("%s is not set", key);
	else
		assert_string_equal(got, want);
}

static const char two[] =
	"clouds:\n"
	"  a:\n"
	"    auth: {auth_url: u, username: n, project_name: p, domain-id: d, password: low}\n"
	"    verify: no\n"
	"    region_name: r\n"
	"  b: {auth: {token: t, tenant_name: x}, regions: [{name: r1, values: {interface: admin}}, "
	"r2]}\n";

static void test_named(void **state)
{
	struct cloud_settings s;
	struct error e = { 0 };
	char path[128];
	struct home h;

	(void)state;
	home_open(&h, two);
	put(&h, "secure.yaml", "clouds: {a: {auth: {password: 0123}}}\n");
	snprintf(path, sizeof(path), "%s/secure.yaml", h.path);
	set(&h, "OS_CLIENT_SECURE_FILE", path);
	set(&h, "OS_PASSWORD", "of the environment");
	assert_int_equal(cloud_settings_load("a", h.environment, &s, &e), 0);
	value_is(&s, "password", "0123"); /* a text, whatever YAML makes of it */
	value_is(&s, "user_domain_id", "d");
	value_is(&s, "project_domain_id", "d");
	assert_int_equal(s.auth, CLOUD_AUTH_PASSWORD);
	assert_true(s.insecure);
	cloud_settings_free(&s);
	home_close(&h);
}

static void test_regions(void **state)
{
	struct cloud_settings s;
	struct error e = { 0 };
	struct home h;

	(void)state;
	home_open(&h, two);
	assert_int_equal(cloud_settings_load("b", h.environment, &s, &e), 0);
	value_is(&s, "region_name", "r1");
	value_is(&s, "interface", "admin");
	value_is(&s, "project_name", "x");
	assert_int_equal(s.auth, CLOUD_AUTH_TOKEN);
	cloud_settings_free(&s);
	set(&h, "OS_REGION_NAME", "r2");
	assert_int_equal(cloud_settings_load("b", h.environment, &s, &e), 0);
	value_is(&s, "region_name", "r2");
	value_is(&s, "interface", NULL);
	cloud_settings_free(&s);
	assert_int_equal(cloud_settings_load("a", h.environment, &s, &e), -ERR_NOTFOUND);
	home_close(&h);
}

static void test_environment(void **state)
{
	struct cloud_settings s;
	struct error e = { 0 };
	struct home h;

	(void)state;
	home_open(&h, two);
	/* Two clouds, and selectors only: which one is not said. */
	assert_int_equal(cloud_settings_load(NULL, h.environment, &s, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "a, b"));
	set(&h, "OS_AUTH_TYPE", "none");
	set(&h, "OS_ENDPOINT", "e");
	assert_int_equal(cloud_settings_load(NULL, h.environment, &s, &e), 0);
	assert_string_equal(s.name, "envvars");
	assert_int_equal(s.auth, CLOUD_AUTH_NONE);
	value_is(&s, "endpoint", "e");
	value_is(&s, "password", NULL);
	cloud_settings_free(&s);
	set(&h, "OS_CLOUD", "a");
	assert_int_equal(cloud_settings_load(NULL, h.environment, &s, &e), 0);
	assert_string_equal(s.name, "a");
	value_is(&s, "endpoint", NULL);
	cloud_settings_free(&s);
	home_close(&h);
}

static void refuses(const char *clouds, int code, const char *word)
{
	struct cloud_settings s;
	struct error e = { 0 };
	struct home h;

	home_open(&h, clouds);
	assert_int_equal(cloud_settings_load("a", h.environment, &s, &e), -code);
	if (!strstr(e.text, word))
		fail_msg("no \"%s\" in: %s", word, e.text);
	home_close(&h);
}

static void test_refused(void **state)
{
	(void)state;
	refuses("clouds: {a: {auth_type: v3kerberos}}", ERR_UNSUPPORTED, "v3kerberos");
	refuses("clouds: {a: {verify: perhaps}}", ERR_USAGE, "perhaps");
	refuses("clouds: {a: {identity_api_version: 2.0}}", ERR_UNSUPPORTED, "2.0");
	refuses("clouds: {a: {profile: nowhere}}", ERR_UNSUPPORTED, "nowhere");
	refuses("clouds: {b: {}}", ERR_NOTFOUND, "b");
	refuses("clouds: {a: [}", ERR_CORRUPT, "line 1");
	refuses("- clouds", ERR_CORRUPT, "mapping");
	refuses("x: &x [1,1,1,1,1,1,1,1,1,1,1,1]\ny: &y [*x,*x,*x,*x,*x,*x,*x,*x,*x,*x]\n"
		"z: &z [*y,*y,*y,*y,*y,*y,*y,*y,*y,*y]\nw: "
		"[*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z,*z]\n",
		ERR_CORRUPT, "more than");
	refuses("a: &a [*a]\n", ERR_CORRUPT, "");
}

static void says(const char *body, const char *want)
{
	struct http_response r = { .status = 409 };
	struct error e = { 0 };

	assert_int_equal(buffer_string(&r.body, body, &e), 0);
	assert_int_equal(cloud_refusal(&r, "w", ERR_EXISTS, &e), -ERR_EXISTS);
	assert_string_equal(e.text, want);
	http_response_free(&r);
}

static void test_refusals(void **state)
{
	(void)state;
	says("", "w: the server says 409 Conflict");
	says("{\"message\": \"no &#x27;x&#x27; &lt; 3<br /><br />\\n\\n\", \"code\": \"409\"}",
		"w: the server says 409 Conflict: no 'x' < 3");
	says("{\"error\": {\"message\": \"not you.\", \"code\": 409}}",
		"w: the server says 409 Conflict: not you");
	says("<html><head><title>t</title></head><body><h1>Gone</h1>\n a <b",
		"w: the server says 409 "
		"Conflict: Gone a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
