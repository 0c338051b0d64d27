/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answer files of users, and configurations of cloudbase-init. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libxml/parser.h>

#include "guest/windows_setting.h"

#define HEAD                                                                                       \
	"<unattend xmlns=\"urn:schemas-microsoft-com:unattend\" "                                  \
	"xmlns:wcm=\"http://schemas.microsoft.com/WMIConfig/2002/State\">"
#define COMPONENT(arch, token, language, scope)                                                    \
	"<component name=\"Microsoft-Windows-Shell-Setup\" processorArchitecture=\"" arch          \
	"\" publicKeyToken=\"" token "\" language=\"" language "\" versionScope=\"" scope          \
	"\"><TimeZone>UTC</TimeZone></component>"
#define GOOD COMPONENT("amd64", "31bf3856ad364e35", "neutral", "nonSxS")
#define PASS(name, body) "<settings pass=\"" name "\">" body "</settings>"
#define TAIL "</unattend>"

static int check(const char *text, struct error *e)
{
	xmlDoc *doc = xmlReadMemory(text, (int)strlen(text), "x", NULL, XML_PARSE_NONET);
	int rc;

	assert_non_null(doc);
	rc = unattend_check(doc, "answer.xml", "amd64", e);
	xmlFreeDoc(doc);
	return rc;
}

static void taken(void **state)
{
	static const char *const good[] = {
		HEAD PASS("specialize", GOOD) TAIL,
		HEAD PASS("windowsPE", GOOD) PASS("oobeSystem", GOOD GOOD) TAIL,
		/* One for several processors. */
		HEAD PASS("specialize",
			COMPONENT("x86", "31bf3856ad364e35", "neutral", "nonSxS") GOOD) TAIL,
		HEAD "<!-- made by hand -->" PASS("specialize",
			GOOD) "<cpi:offlineImage xmlns:cpi=\"urn:schemas-microsoft-com:cpi\" "
			      "cpi:source=\"wim:c:/install.wim\"/>" TAIL,
		HEAD "<servicing/>" PASS("generalize", GOOD) TAIL,
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (check(good[i], &e))
			fail_msg("%zu: %s", i, e.text);
}

static void passed_over_by_setup(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "<unattend>" PASS("specialize", GOOD) TAIL, "answer.xml:1: no answer file" },
		{ "<html/>", "no answer file" },
		{ HEAD "\n" PASS("specialise", GOOD) TAIL,
			"answer.xml:2: Setup has no pass \"specialise\"" },
		{ HEAD "<settings>" GOOD "</settings>" TAIL, "settings has no pass" },
		{ HEAD PASS("specialize", GOOD) PASS("specialize", GOOD) TAIL, "a second pass" },
		{ HEAD PASS("specialize",
			  COMPONENT("amd64", "31bf3856ad364e36", "neutral", "nonSxS")) TAIL,
			"publicKeyToken is \"31bf3856ad364e36\"" },
		{ HEAD PASS("specialize", COMPONENT("amd64", "31bf3856ad364e35", "en-US", "nonSxS"))
				TAIL,
			"language is \"en-US\"" },
		{ HEAD PASS("specialize", COMPONENT("amd64", "31bf3856ad364e35", "neutral", "SxS"))
				TAIL,
			"versionScope is \"SxS\"" },
		{ HEAD PASS("specialize", COMPONENT("x64", "31bf3856ad364e35", "neutral", "nonSxS"))
				TAIL,
			"processorArchitecture is \"x64\"" },
		{ HEAD PASS("specialize", COMPONENT("x86", "31bf3856ad364e35", "neutral", "nonSxS"))
				TAIL,
			"has no component for amd64" },
		{ HEAD TAIL, "has no component for amd64" },
		{ HEAD PASS("specialize", "<Component/>" GOOD) TAIL, "knows no Component there" },
		{ HEAD "<component/>" PASS("specialize", GOOD) TAIL, "knows no component there" },
		{ HEAD "<settings xmlns=\"urn:x\" pass=\"specialize\"/>" PASS("specialize", GOOD)
				TAIL,
			"knows no settings there" },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check(bad[i].text, &e), -ERR_CORRUPT);
		if (!strstr(e.text, bad[i].says))
			fail_msg("%zu: %s", i, e.text);
	}
}

#define SERVICES "cloudbaseinit.metadata.services."
#define DRIVE SERVICES "configdrive.ConfigDriveService"

static void expect_conf(const char *rtc, const char *text, const char *wanted)
{
	const struct windows_wishes w = { .rtc = rtc };
	struct buffer once = { 0 }, twice = { 0 };
	struct error e;

	assert_int_equal(cloudbase_conf_edit(&w, text, &once, &e), 0);
	assert_string_equal(buffer_text(&once), wanted);
	assert_int_equal(cloudbase_conf_edit(&w, wanted, &twice, &e), 0);
	assert_string_equal(buffer_text(&twice), wanted);
	buffer_free(&once);
	buffer_free(&twice);
}

static void conf_edited(void **state)
{
	(void)state;
	expect_conf(NULL,
		"[DEFAULT]\r\nusername=Admin\r\nmetadata_services=" SERVICES
		"httpservice.HttpService," DRIVE "," SERVICES "ec2service.EC2Service\r\n",
		"[DEFAULT]\r\nusername=Admin\r\nmetadata_services=" DRIVE "," SERVICES
		"httpservice.HttpService," SERVICES "ec2service.EC2Service\r\n");
	/* What is of another section, or a longer name, is something else. */
	expect_conf("utc",
		"# metadata_services=none\n[other]\nmetadata_services=a\n[DEFAULT]\n"
		"metadata_services_of_mine=b\nmetadata_services : " DRIVE
		"\nreal_time_clock_utc = false",
		"# metadata_services=none\n[other]\nmetadata_services=a\n[DEFAULT]\n"
		"metadata_services_of_mine=b\nmetadata_services : " DRIVE
		"\nreal_time_clock_utc = true");
}

/* What the edited text begins with and, unless NULL, has. */
static void expect_start(const char *text, const char *start, const char *has)
{
	const struct windows_wishes w = { .rtc = "local" };
	struct buffer out = { 0 };
	struct error e;

	assert_int_equal(cloudbase_conf_edit(&w, text, &out, &e), 0);
	if (strncmp(buffer_text(&out), start, strlen(start)) != 0)
		fail_msg("%s", buffer_text(&out));
	if (has)
		assert_non_null(strstr(buffer_text(&out), has));
	buffer_free(&out);
}

static void conf_lacks(void **state)
{
	(void)state;
	expect_start("[DEFAULT]\r\nusername=me\r\n", "[DEFAULT]\r\nmetadata_services=" DRIVE ",",
		"\r\nreal_time_clock_utc=false\r\nusername=me\r\n");
	expect_start("[other]\na=b", "[other]\na=b\n[DEFAULT]\nmetadata_services=" DRIVE ",", NULL);
	expect_start("", "[DEFAULT]\nmetadata_services=" DRIVE ",", NULL);
}

static void wishes(void **state)
{
	static const char digits[] =
		"0123456789abcdefABCDEF0123456789abcdefABCDEF0123456789abcdef0123";
	const struct windows_wishes good[] = {
		{ .rtc = "utc", .rdp = "off", .san_policy = "offline-internal" },
		{ .firewall = "rdp,icmp,winrm" },
		{ .cloudbase_init = "x.msi", .cloudbase_init_sha256 = digits },
		{ 0 },
	};
	const struct windows_wishes bad[] = {
		{ .rtc = "UTC+1" },
		{ .rdp = "yes" },
		{ .san_policy = "online" },
		{ .firewall = "rdp,http" },
		{ .firewall = "" },
		{ .cloudbase_init_sha256 = digits },
		{ .cloudbase_init = "x.msi", .cloudbase_init_sha256 = digits + 1 },
	};
	struct error e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(windows_wishes_check(&good[i], &e), 0);
		assert_int_equal(windows_wishes_any(&good[i]), i != 3);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(windows_wishes_check(&bad[i], &e), -ERR_USAGE);
	assert_false(windows_wishes_any(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(passed_over_by_setup),
		cmocka_unit_test(conf_edited),
		cmocka_unit_test(conf_lacks),
		cmocka_unit_test(wishes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
