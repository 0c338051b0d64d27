/* SPDX-License-Identifier: GPL-3.0-or-later */
/* INF files: every rule of their syntax, what they say for a platform, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/hive.h"
#include "guest/inf.h"

static const struct inf_platform windows_10 = { INF_AMD64, 10, 0, 19045, 1, 0x0409 };

#define VERSION "[Version]\nSignature=\"$Windows NT$\"\n"
#define MODELS                                                                                     \
	"[Manufacturer]\n%m%=Models,NTamd64\n[Models.NTamd64]\n%d%=Inst,PCI\\VEN_1&DEV_2,"         \
	"PCI\\VEN_1\n"
#define STRINGS "[Strings]\nm=\"Maker\"\nd=\"Device\"\n"
#define ADDREG "[Inst]\nAddReg=R\n[R]\n"
#define SERVICE                                                                                    \
	"[Inst.Services]\nAddService=svc,2,S\n[S]\nServiceType=1\nStartType=0\nErrorControl=1\n"

static struct inf parsed(const char *text, const struct inf_platform *p)
{
	struct error e = { 0 };
	struct inf inf;

	if (inf_parse(text, strlen(text), p, &inf, &e))
		fail_msg("%s\n%s", e.text, text);
	return inf;
}

/* With all that a device needs around it. */
static struct inf around(const char *text)
{
	char *whole;
	struct inf inf;

	assert_true(asprintf(&whole, "%s%s", VERSION MODELS STRINGS, text) > 0);
	inf = parsed(whole, &windows_10);
	free(whole);
	return inf;
}

static void refused(const void *text, size_t len, const struct inf_platform *p,
	enum error_code code, const char *why)
{
	struct error e = { 0 };
	struct inf inf;

	if (!inf_parse(text, len, p, &inf, &e))
		fail_msg("taken: %.200s", (const char *)text);
	if (e.code != (int)code || !strstr(e.text, why))
		fail_msg("%d \"%s\" is not %d \"%s\"", e.code, e.text, (int)code, why);
}

/* Bytes of a registry value as text: a dot for every NUL. */
static const char *shown(const struct inf_reg *r)
{
	static char text[256];
	size_t len = r->len < sizeof(text) - 1 ? r->len : sizeof(text) - 1;

	for (size_t i = 0; i < len; i++)
		text[i] = r->data[i] ? (char)r->data[i] : '.';
	text[len] = 0;
	return text;
}

static void test_lines(void **state)
{
	/* A line of an AddReg section, and the text that the value has. */
	static const struct {
		const char *line, *value;
	} lines[] = {
		{ "HKR,,v,,plain", "plain" },
		{ "HKR,,v,,  two words  ; comment", "two words" },
		{ "HKR,,v,,\"  kept  \"", "  kept  " },
		{ "HKR,,v,,\"a;b\" ; not a comment inside", "a;b" },
		{ "HKR,,v,,\"a,b\"", "a,b" },
		{ "HKR,,v,,\"say \"\"it\"\"\"", "say \"it\"" },
		{ "HKR,,v,,\"\"\"\"", "\"" },
		{ "HKR,,v,,one\" two \"three", "one two three" },
		{ "HKR,,v,,\"not closed", "not closed" },
		{ "HKR,,v, \\\n  , joined", "joined" },
		{ "HKR,,v,,\\ ; comment behind\r\n\tjoined too", "joined too" },
		{ "HKR,,v,,\"C:\\in\\quotes\\\"", "C:\\in\\quotes\\" },
		{ "HKR,,v,,a=b", "a=b" },
		{ "HKR,,v,,%d%", "Device" },
		{ "HKR,,v,,\"<%D%>\"", "<Device>" },
		{ "HKR,,v,,%d%%m%", "DeviceMaker" },
		{ "HKR,,v,,\"%%SystemRoot%%\\x\"", "%SystemRoot%\\x" },
		{ "HKR,,v,,100%", "100%" },
		{ "HKR,,v,,%nothing%", "%nothing%" },
		{ "HKR,,v,,%12%\\x.sys", "%12%\\x.sys" },
		/* Strings are not looked for in strings. */
		{ "HKR,,v,,%loop%", "%loop%%d%" },
		{ "HKR,,v,,%quoted%", "a, b; \"c\"" },
		{ "  hkr , , v , , indented", "indented" },
		{ "HKEY_LOCAL_MACHINE,,v,,long", "long" },
		{ "HKR,,v", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		char text[512], bare[256] = "";
		struct inf inf;
		const struct inf_reg *r;

		snprintf(text, sizeof(text),
			ADDREG "%s\n[Strings]\nquoted=\"a, b; \"\"c\"\"\"\nloop=%%loop%%%%d%%\n",
			lines[i].line);
		inf = around(text);
		assert_int_equal(inf.device[0].registry.count, 1);
		r = &inf.device[0].registry.reg[0];
		if (strcmp(lines[i].line, "HKR,,v")) {
			assert_string_equal(r->name, "v");
			assert_int_equal(r->type, HIVE_SZ);
			for (size_t k = 0; k + 1 < r->len; k += 2)
				bare[k / 2] = (char)r->data[k];
			assert_string_equal(bare, lines[i].value);
			assert_int_equal(r->len, 2 * strlen(lines[i].value) + 2);
		}
		inf_free(&inf);
	}
}

static void test_sections(void **state)
{
	struct inf inf = around("[ INST ]\nAddReg = one\n[other]\nx=1\n[iNsT]\naddreg=two , ONE\n"
				"[one]\nHKR,,a\n[Two]\nHKR,,b\n[one]\nHKR,,c\n\x1a[rubbish");

	(void)state;
	assert_string_equal(inf.device[0].section, "INST");
	assert_int_equal(inf.device[0].registry.count, 5);
	assert_string_equal(inf.device[0].registry.reg[0].name, "a");
	assert_string_equal(inf.device[0].registry.reg[1].name, "c");
	assert_string_equal(inf.device[0].registry.reg[2].name, "b");
	assert_string_equal(inf.device[0].registry.reg[4].name, "c");
	inf_free(&inf);
}

/* `unit` bytes a character, the text being ASCII. */
static size_t widened(const char *text, bool big, uint8_t *out)
{
	size_t len = 0;

	out[len++] = big ? 0xfe : 0xff;
	out[len++] = big ? 0xff : 0xfe;
	for (; *text; text++) {
		out[len++] = big ? 0 : (uint8_t)*text;
		out[len++] = big ? (uint8_t)*text : 0;
	}
	return len;
}

static void test_encodings(void **state)
{
	static const char text[] = VERSION MODELS STRINGS "[Inst]\n";
	static const char utf8[] =
		"\xef\xbb\xbf" VERSION MODELS
		"[Strings]\nm=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xff\"\nd=x\n";
	static const char western[] = VERSION MODELS "[Strings]\nm=\"\xe9\x80\"\nd=x\n";
	uint8_t wide[2 * sizeof(text) + 2];
	struct error e = { 0 };
	struct inf inf;

	(void)state;
	for (unsigned big = 0; big < 2; big++) {
		const size_t len = widened(text, big, wide);

		assert_int_equal(inf_parse(wide, len, &windows_10, &inf, &e), 0);
		assert_string_equal(inf.device[0].description, "Device");
		inf_free(&inf);
		refused(wide, len - 1, &windows_10, ERR_CORRUPT, "odd number");
		/* Without its mark it is text with NUL bytes. */
		refused(wide + 2, len - 2, &windows_10, ERR_CORRUPT, "line 1: a NUL");
	}
	inf = parsed(utf8, &windows_10);
	assert_string_equal(
		inf.device[0].manufacturer, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
	inf_free(&inf);
	inf = parsed(western, &windows_10);
	assert_string_equal(inf.device[0].manufacturer, "\xc3\xa9\xe2\x82\xac");
	inf_free(&inf);
}

static void test_surrogates(void **state)
{
	struct error e = { 0 };
	uint8_t wide[1024];
	size_t len = widened(VERSION MODELS "[Strings]\nd=x\nm=", false, wide);
	static const uint8_t tail[] = { 0x3d, 0xd8, 0x00, 0xde, 0x3d, 0xd8, 'x', 0, 0x00, 0xde };
	struct inf inf;

	(void)state;
	memcpy(wide + len, tail, sizeof(tail));
	assert_int_equal(inf_parse(wide, len + sizeof(tail), &windows_10, &inf, &e), 0);
	assert_string_equal(
		inf.device[0].manufacturer, "\xf0\x9f\x98\x80\xef\xbf\xbdx\xef\xbf\xbd");
	inf_free(&inf);
}

static void test_version(void **state)
{
	struct inf inf = parsed(VERSION
		"Class = SCSIAdapter\nClassGUID={4D36E97B-E325-11CE-BFC1-08002BE10318}\n"
		"Provider=%m%\nDriverVer = 7 / 6/2021 , 62. 90.104.19500\n"
		"CatalogFile=a.cat\nCatalogFile.nt=b.cat\nCatalogFile.NTAMD64=c.cat\n"
		"CatalogFile.ntx86=d.cat\n" MODELS STRINGS "[Inst]\n",
		&windows_10);

	(void)state;
	assert_string_equal(inf.class_name, "SCSIAdapter");
	assert_string_equal(inf.class_guid, "{4d36e97b-e325-11ce-bfc1-08002be10318}");
	assert_string_equal(inf.provider, "Maker");
	assert_string_equal(inf.catalog, "c.cat");
	assert_true(inf.has_version);
	assert_int_equal(inf.version[0], 62);
	assert_int_equal(inf.version[3], 19500);
	assert_int_equal(inf.year, 2021);
	assert_int_equal(inf.month, 7);
	assert_int_equal(inf.day, 6);
	assert_int_equal(inf.string_names.count, 2);
	assert_string_equal(inf.string_names.item[1], "m");
	assert_string_equal(inf.string_values.item[1], "Maker");
	inf_free(&inf);
	inf = parsed(VERSION
		"DriverVer=01-02-2020\nCatalogFile.nt=b.cat\nCatalogFile=a.cat\n" MODELS "[Inst]\n",
		&windows_10);
	assert_false(inf.has_version);
	assert_int_equal(inf.day, 2);
	assert_string_equal(inf.catalog, "b.cat");
	assert_string_equal(inf.device[0].description, "%d%");
	assert_string_equal(inf.class_name, "");
	assert_null(inf.class_guid);
	inf_free(&inf);
}

static void test_language(void **state)
{
	static const struct {
		uint16_t lcid;
		const char *maker;
	} languages[] = { { 0x0409, "Maker" }, { 0x0407, "Hersteller" }, { 0x0807, "Neutral" },
		{ 0, "Maker" } };

	(void)state;
	for (size_t i = 0; i < sizeof(languages) / sizeof(*languages); i++) {
		struct inf_platform p = windows_10;
		struct inf inf;

		p.lcid = languages[i].lcid;
		inf = parsed(VERSION MODELS STRINGS
			"[Inst]\n[Strings.0407]\nm=Hersteller\n[strings.0007]\nm=Neutral\n",
			&p);
		assert_string_equal(inf.device[0].manufacturer, languages[i].maker);
		assert_string_equal(inf.device[0].description, "Device");
		assert_string_equal(inf.device[0].description_token, "%d%");
		assert_string_equal(inf.device[0].manufacturer_token, "%m%");
		inf_free(&inf);
	}
}

static void test_decorations(void **state)
{
	static const struct {
		const char *list; /* behind the name in [Manufacturer] */
		struct inf_platform p;
		const char *chosen; /* NULL: none */
	} choices[] = {
		{ "NTamd64", { INF_AMD64, 10, 0, 19045, 1, 0 }, "NTamd64" },
		{ "ntAMD64", { INF_AMD64, 6, 1, 7601, 3, 0 }, "ntAMD64" },
		{ "NTx86,NTamd64,NTARM64", { INF_ARM64, 10, 0, 22631, 1, 0 }, "NTARM64" },
		{ "NTx86", { INF_AMD64, 10, 0, 19045, 1, 0 }, NULL },
		{ "NTia64,NTarm", { INF_ARM64, 10, 0, 19045, 1, 0 }, NULL },
		{ "NT$ARCH$", { INF_AMD64, 10, 0, 19045, 1, 0 }, NULL },
		{ "NTamd64.6.1,NTamd64.6.2,NTamd64.10.0", { INF_AMD64, 6, 2, 9200, 1, 0 },
			"NTamd64.6.2" },
		{ "NTamd64.6.1,NTamd64.6.2,NTamd64.10.0", { INF_AMD64, 6, 3, 9600, 1, 0 },
			"NTamd64.6.2" },
		{ "NTamd64.6.1,NTamd64.6.2,NTamd64.10.0", { INF_AMD64, 6, 0, 6002, 1, 0 }, NULL },
		{ "NTamd64,NTamd64.6.0", { INF_AMD64, 5, 2, 3790, 1, 0 }, "NTamd64" },
		{ "NTamd64.10.0...16299,NTamd64.10.0", { INF_AMD64, 10, 0, 17763, 3, 0 },
			"NTamd64.10.0...16299" },
		{ "NTamd64.10.0...16299,NTamd64.10.0", { INF_AMD64, 10, 0, 14393, 3, 0 },
			"NTamd64.10.0" },
		{ "NTamd64.10.0...16299", { INF_AMD64, 10, 0, 14393, 3, 0 }, NULL },
		{ "NTamd64.6.1.1,NTamd64.6.1.3", { INF_AMD64, 6, 1, 7601, 3, 0 }, "NTamd64.6.1.3" },
		{ "NTamd64.6.1,NTamd64.6.1.3", { INF_AMD64, 6, 1, 7601, 3, 0 }, "NTamd64.6.1.3" },
		{ "NTamd64.6.1,NTamd64.6.1.3", { INF_AMD64, 6, 1, 7601, 1, 0 }, "NTamd64.6.1" },
		{ "NTamd64.6.1.0x3", { INF_AMD64, 6, 1, 7601, 3, 0 }, "NTamd64.6.1.0x3" },
		{ "NTamd64.6.1.3", { INF_AMD64, 6, 1, 7601, 2, 0 }, NULL },
		{ "NTamd64.6.1..0x80", { INF_AMD64, 6, 1, 7601, 3, 0 }, NULL },
		{ "NTamd64.6.x", { INF_AMD64, 6, 1, 7601, 3, 0 }, NULL },
		{ "NTamd64.6", { INF_AMD64, 6, 0, 6002, 3, 0 }, "NTamd64.6" },
		{ "NT.6.0", { INF_X86, 6, 1, 7601, 1, 0 }, "NT.6.0" },
		{ "NT.6.0", { INF_AMD64, 6, 1, 7601, 1, 0 }, NULL },
		{ "NT,NTx86", { INF_X86, 6, 1, 7601, 1, 0 }, "NTx86" },
		/* Of x86 what has no decoration is for all that no other fits. */
		{ "NTx86.6.0", { INF_X86, 5, 1, 2600, 1, 0 }, "" },
		{ "NTamd64", { INF_X86, 10, 0, 19045, 1, 0 }, "" },
		{ "", { INF_X86, 10, 0, 19045, 1, 0 }, "" },
		{ "", { INF_AMD64, 10, 0, 19045, 1, 0 }, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		const char *list = choices[i].list;
		char text[1024], rest[128];
		struct error e = { 0 };
		struct inf inf;
		int n, rc;

		n = snprintf(text, sizeof(text),
			VERSION "[Manufacturer]\nM=Models%s%s\n[Models]\n=I,\n", *list ? "," : "",
			list);
		snprintf(rest, sizeof(rest), "%s", list);
		for (char *save, *d = strtok_r(rest, ",", &save); d; d = strtok_r(NULL, ",", &save))
			n += snprintf(
				text + n, sizeof(text) - (size_t)n, "[Models.%s]\n%s=I,x\n", d, d);
		rc = inf_parse(text, (size_t)n, &choices[i].p, &inf, &e);
		if (!choices[i].chosen) {
			assert_int_equal(rc, -ERR_UNSUPPORTED);
			assert_non_null(strstr(e.text, *list ? rest : "x86"));
			continue;
		}
		if (rc)
			fail_msg("%s: %s", list, e.text);
		assert_int_equal(inf.device_count, 1);
		if (strcmp(inf.device[0].description, choices[i].chosen))
			fail_msg("%s: %s", list, inf.device[0].description);
		inf_free(&inf);
	}
}

static void test_models(void **state)
{
	struct inf inf = parsed(VERSION
		"[Manufacturer]\nOne=A,NTamd64\nTwo=B,NTamd64\nC\n"
		"[A.NTamd64]\nFirst=I1,id1,c1 , c2\nSecond=I2,,c3\n[B.NTamd64]\nThird=I3\n"
		"[I1]\nFeatureScore=FE\n[I2]\nFeatureScore=0x7f\n",
		&windows_10);

	(void)state;
	assert_int_equal(inf.device_count, 3);
	assert_int_equal(inf.device[0].ids.count, 3);
	assert_string_equal(inf.device[0].ids.item[0], "id1");
	assert_string_equal(inf.device[0].ids.item[2], "c2");
	assert_string_equal(inf.device[0].manufacturer, "One");
	assert_null(inf.device[0].description_token);
	assert_false(inf.device[0].compatible_only);
	assert_int_equal(inf.device[0].feature_score, 0xfe);
	assert_int_equal(inf.device[1].feature_score, 0x7f);
	assert_true(inf.device[1].compatible_only);
	assert_string_equal(inf.device[1].ids.item[0], "c3");
	assert_int_equal(inf.device[2].ids.count, 0);
	assert_int_equal(inf.device[2].feature_score, 0xff);
	assert_string_equal(inf.device[2].section, "I3");
	assert_true(inf_device_matches(&inf.device[0], "ID1"));
	assert_true(inf_device_matches(&inf.device[0], "c*"));
	assert_true(inf_device_matches(&inf.device[0], "*"));
	assert_false(inf_device_matches(&inf.device[0], "c"));
	assert_false(inf_device_matches(&inf.device[0], "id"));
	assert_false(inf_device_matches(&inf.device[2], "*"));
	inf_free(&inf);
}

/* Two models by one section, and one by another. */
static void test_shared(void **state)
{
	struct inf inf = parsed(VERSION
		"[Manufacturer]\nM=A,NTamd64\n[A.NTamd64]\na=I,1\nb=J,2\nc=I,3\nd=none,4\n"
		"[I]\nFeatureScore=10\nCopyFiles=@i.sys\nAddReg=R\n[J]\nCopyFiles=@j.sys\n"
		"[I.HW]\nAddReg=F\n[R]\nHKR,,n\n[F]\nHKR,,LowerFilters,0x10008,low\n",
		&windows_10);
	const struct inf_device *d = inf.device;

	(void)state;
	assert_int_equal(inf.device_count, 4);
	assert_false(d[0].shared || d[1].shared || d[3].shared);
	assert_true(d[2].shared);
	assert_string_equal(d[2].description, "c");
	assert_string_equal(d[2].ids.item[0], "3");
	assert_string_equal(d[2].file[0].name, "i.sys");
	assert_int_equal(d[2].feature_score, 0x10);
	assert_int_equal(d[2].registry.count, 1);
	assert_string_equal(d[2].lower_filters.item[0], "low");
	assert_string_equal(d[1].file[0].name, "j.sys");
	assert_int_equal(d[3].file_count, 0);
	inf_free(&inf);
}

static void test_install_sections(void **state)
{
	static const struct {
		const char *sections, *chosen;
	} choices[] = {
		{ "[Inst]\n[Inst.NT]\n[Inst.NTamd64]\n[Inst.NTx86]\n", "Inst.NTamd64" },
		{ "[Inst]\n[Inst.NT]\n[Inst.NTx86]\n", "Inst.NT" },
		{ "[Inst]\n[Inst.NTx86]\n[Inst.NTamd64.Services]\n", "Inst" },
		{ "[Inst.ntAMD64.6.1]\n[Inst.ntamd64.10.0...25952]\n[Inst.nt]\n",
			"Inst.ntAMD64.6.1" },
		{ "[Instance.NTamd64]\n", "Inst" },
	};
	struct inf inf;

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
		inf = around(choices[i].sections);
		assert_string_equal(inf.device[0].section, choices[i].chosen);
		inf_free(&inf);
	}
	/* The parts of the section chosen, and of no other. */
	inf = around("[Inst.NT]\n[Inst.HW]\nAddReg=R\n[Inst.NT.HW]\nAddReg=Q\n[R]\nHKR,,r\n"
		     "[Q]\nHKR,,q\n");
	assert_int_equal(inf.device[0].hardware.count, 1);
	assert_string_equal(inf.device[0].hardware.reg[0].name, "q");
	inf_free(&inf);
}

static void test_default_install(void **state)
{
	static const char text[] = VERSION
		"[DefaultInstall.NTamd64]\nAddReg=R\n[DefaultInstall.NTamd64.Services]\n"
		"AddService=svc,,S\n[S]\nServiceType=2\nStartType=0\nErrorControl=1\n"
		"ServiceBinary=%13%\\a.sys\n[R]\nHKLM,Software\\x,v,0x10001,1\n";
	struct inf_platform x86 = windows_10;
	struct inf inf = parsed(text, &windows_10);

	(void)state;
	assert_int_equal(inf.device_count, 1);
	assert_string_equal(inf.device[0].section, "DefaultInstall.NTamd64");
	assert_string_equal(inf.device[0].description, "");
	assert_int_equal(inf.device[0].ids.count, 0);
	assert_int_equal(inf.device[0].service[0].binary_dirid, 13);
	assert_false(inf.device[0].service[0].function);
	assert_string_equal(inf.device[0].registry.reg[0].root, "HKLM");
	inf_free(&inf);
	x86.arch = INF_X86;
	refused(text, strlen(text), &x86, ERR_UNSUPPORTED, "it is for NTamd64");
}

static void test_files(void **state)
{
	struct inf inf = around(
		"[Inst]\nCopyFiles=Drivers,@b.dll\nCopyFiles=Deep\n"
		"[Inst.CoInstallers]\nCopyFiles=Co\n"
		"[Drivers]\na.sys,,,2\nnew.sys,OLD.sys\nunlisted.sys\n[Deep]\nA.SYS\n[Co]\nco.dll\n"
		"[DestinationDirs]\nDrivers=12\nDefaultDestDir=11,Sub\\Deeper\nDEEP=13\n"
		"[SourceDisksNames]\n1=x,,,\\plain\n[SourceDisksNames.amd64]\n1=x,,,.\\amd64\n"
		"[SourceDisksFiles]\na.sys=1,other\nold.sys=1,,5\nb.dll=2\n"
		"[SourceDisksFiles.amd64]\nA.sys=1,\\in\n[SourceDisksFiles.x86]\na.sys=9\n");
	static const struct {
		const char *name, *source, *subdirectory;
		unsigned dirid;
	} files[] = {
		{ "a.sys", "amd64/in/A.sys", "", 12 },
		{ "new.sys", "amd64/old.sys", "", 12 },
		{ "unlisted.sys", "unlisted.sys", "", 12 },
		{ "b.dll", "b.dll", "Sub/Deeper", 11 },
		{ "A.SYS", "amd64/in/A.sys", "", 13 },
		{ "co.dll", "co.dll", "Sub/Deeper", 11 },
	};

	(void)state;
	assert_int_equal(inf.device[0].file_count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(inf.device[0].file[i].name, files[i].name);
		assert_string_equal(inf.device[0].file[i].source, files[i].source);
		assert_string_equal(inf.device[0].file[i].subdirectory, files[i].subdirectory);
		assert_int_equal(inf.device[0].file[i].dirid, files[i].dirid);
	}
	assert_int_equal(inf.sources.count, 3);
	assert_string_equal(inf.sources.item[0], "amd64/in/A.sys");
	inf_free(&inf);
	/* Without [DestinationDirs] it is System32. */
	inf = around("[Inst]\nCopyFiles=@x.dll\n");
	assert_int_equal(inf.device[0].file[0].dirid, 11);
	inf_free(&inf);
}

static void test_services(void **state)
{
	struct inf inf = around(
		"[Inst.Services]\nAddService=viostor, 0x00000002 ,S,Log\nAddService=,2\n"
		"AddService = second,,T\n"
		"[S]\nDisplayName=%d%\nServiceType=%kernel%\nStartType=0x0\nErrorControl=1\n"
		"ServiceBinary=%12%\\viostor.sys\nLoadOrderGroup = SCSI miniport\n"
		"Dependencies=a, \"+b\"\nAddReg=R\nAddReg=Q\n"
		"[T]\nServiceType=16\nStartType=3\nErrorControl=0\n"
		"ServiceBinary=\"%11%\\sub\\t.exe\"\n[R]\nHKR,Parameters,BusType,%dword%,1\n"
		"[Q]\nHKR,\\Parameters\\P\\,\"5\",0x10001,0x10\n"
		"[Strings]\nkernel=1\ndword=0x00010001\n");
	const struct inf_service *s = inf.device[0].service;

	(void)state;
	assert_int_equal(inf.device[0].service_count, 2);
	assert_string_equal(s[0].name, "viostor");
	assert_true(s[0].function);
	assert_int_equal(s[0].type, 1);
	assert_int_equal(s[0].start, 0);
	assert_int_equal(s[0].error, 1);
	assert_string_equal(s[0].binary, "viostor.sys");
	assert_string_equal(s[0].binary_subdirectory, "");
	assert_int_equal(s[0].binary_dirid, 12);
	assert_string_equal(s[0].group, "SCSI miniport");
	assert_string_equal(s[0].display, "Device");
	assert_int_equal(s[0].dependencies.count, 2);
	assert_string_equal(s[0].dependencies.item[1], "+b");
	assert_int_equal(s[0].registry.count, 2);
	assert_string_equal(s[0].registry.reg[0].key, "Parameters");
	assert_string_equal(s[0].registry.reg[1].key, "Parameters\\P");
	assert_string_equal(shown(&s[0].registry.reg[1]), "\x10...");
	assert_false(s[1].function);
	assert_string_equal(s[1].binary_subdirectory, "sub");
	assert_string_equal(s[1].binary, "t.exe");
	assert_int_equal(s[1].binary_dirid, 11);
	assert_null(s[1].group);
	inf_free(&inf);
}

static void test_registry(void **state)
{
	static const struct {
		const char *line, *data; /* NULL: the key alone */
		uint32_t type;
	} values[] = {
		{ "HKR,k,n,0,ab", "a.b...", HIVE_SZ },
		{ "HKR,k,n,0x20000,\"%%a%%\"", "%.a.%...", HIVE_EXPAND_SZ },
		{ "HKR,k,n,0x10000,a,,b", "a...b.....", HIVE_MULTI_SZ },
		{ "HKR,k,n,0x00010008,a", "a.....", HIVE_MULTI_SZ },
		{ "HKR,k,n,0x10000", "..", HIVE_MULTI_SZ },
		{ "HKR,k,n,1,41,0x42, 0,7f", "AB.\x7f", HIVE_BINARY },
		{ "HKR,k,n,1", "", HIVE_BINARY },
		{ "HKR,k,n,0x10001,1094795585", "AAAA", HIVE_DWORD },
		{ "HKR,k,n,0x10001,0x44434241", "ABCD", HIVE_DWORD },
		{ "HKR,k,n,65537,41,42,43,44", "ABCD", HIVE_DWORD },
		{ "HKR,k,n,0x10001,-1", "\xff\xff\xff\xff", HIVE_DWORD },
		{ "HKR,k,n,0x10001", "....", HIVE_DWORD },
		{ "HKR,k,n,0x10003,1", "\1...", HIVE_DWORD },
		{ "HKR,k,n,0xb0001,41,42,43,44,45,46,47,48", "ABCDEFGH", HIVE_QWORD },
		{ "HKR,k,n,0x20001", "", HIVE_NONE },
		{ "HKR,k,n,0x20001,41", "A", HIVE_NONE },
		{ "HKR,k,n,0x80001,41", "A", 8 },
		{ "HKR,k,,0x10", NULL, 0 },
		{ "HKR,k,,0x2000", NULL, 0 },
		{ "HKR,k", NULL, 0 },
		{ "HKR,k,,,x", "x...", HIVE_SZ },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char text[256];
		struct inf inf;
		const struct inf_reg *r;

		snprintf(text, sizeof(text), ADDREG "%s\n", values[i].line);
		inf = around(text);
		assert_int_equal(inf.device[0].registry.count, 1);
		r = &inf.device[0].registry.reg[0];
		assert_string_equal(r->root, "HKR");
		assert_string_equal(r->key, "k");
		assert_int_equal(r->type, values[i].type);
		assert_int_equal(!!(r->flags & INF_REG_KEY_ONLY), !values[i].data);
		if (values[i].data && strcmp(shown(r), values[i].data))
			fail_msg("%s: %s", values[i].line, shown(r));
		inf_free(&inf);
	}
	/* What would delete leaves nothing. */
	for (size_t i = 0; i < 2; i++) {
		struct inf inf = around(i ? ADDREG "HKR,k,n,4\n" : ADDREG "HKR,k,n,0x18002,x\n");

		assert_int_equal(inf.device[0].registry.count, 0);
		inf_free(&inf);
	}
}

static void test_filters(void **state)
{
	struct inf inf = around("[Inst.HW]\nAddReg=R\n[R]\nHKR,,UpperFilters,0x10008,up\n"
				"HKR,,\"LowerFilters\",0x10000,low,lower\nHKR,x,UpperFilters,,no\n"
				"[Inst.Filters]\nAddFilter=newer,,F\nAddFilter=lowest,,G\n"
				"AddFilter=level,,H\n[F]\nFilterPosition=Upper\n"
				"[G]\nFilterPosition=Lower\n[H]\nFilterLevel=mine\n");
	const struct inf_device *d = &inf.device[0];

	(void)state;
	assert_int_equal(d->upper_filters.count, 2);
	assert_string_equal(d->upper_filters.item[0], "newer");
	assert_string_equal(d->upper_filters.item[1], "up");
	assert_int_equal(d->lower_filters.count, 3);
	assert_string_equal(d->lower_filters.item[0], "lowest");
	assert_string_equal(d->lower_filters.item[2], "lower");
	assert_int_equal(d->hardware.count, 3);
	inf_free(&inf);
}

static void test_needs(void **state)
{
	struct inf inf = around(
		"[Inst]\nInclude=machine.inf,Machine.inf\nNeeds=Pci.NT,Base\n"
		"AddReg=R\n[Base]\nNeeds=Inst , Base,More\nAddReg=Q\n"
		"[More]\nAddReg=P\nNeeds=base\n[R]\nHKR,,r\n[Q]\nHKR,,q\n[P]\nHKR,,p\n"
		"[Inst.Services]\nNeeds=Base.Services\n"
		"[Base.Services]\nAddService=s,2,S\n[S]\nServiceType=1\nStartType=0\n"
		"ErrorControl=0\nServiceBinary=%12%\\s.sys\n");

	(void)state;
	assert_int_equal(inf.device[0].registry.count, 3);
	assert_string_equal(inf.device[0].registry.reg[0].name, "r");
	assert_string_equal(inf.device[0].registry.reg[2].name, "p");
	assert_int_equal(inf.device[0].service_count, 1);
	assert_int_equal(inf.included.count, 1);
	assert_string_equal(inf.included.item[0], "machine.inf");
	inf_free(&inf);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
		enum error_code code;
	} bad[] = {
		{ "", "no [Version]", ERR_CORRUPT },
		{ "[Version]\nSignature=x\n", "no [Version]", ERR_CORRUPT },
		{ "; comment\n\nstray\n[Version]\n", "line 3 is in no section", ERR_CORRUPT },
		{ "[Version\n", "line 1: a section without", ERR_CORRUPT },
		{ VERSION "DriverVer=13/01/2020\n" MODELS, "line 3: \"13/01/2020\"", ERR_CORRUPT },
		{ VERSION "DriverVer=soon\n" MODELS, "is no date", ERR_CORRUPT },
		{ VERSION "DriverVer=01/01/2020,1.70000\n" MODELS, "is no version", ERR_CORRUPT },
		{ VERSION "DriverVer=01/01/2020,1.2.3.4.5\n" MODELS, "is no version", ERR_CORRUPT },
		{ VERSION "ClassGUID=4d36e97b\n" MODELS, "is no GUID", ERR_CORRUPT },
		{ VERSION "CatalogFile=..\\x.cat\n" MODELS, "leaves its folder", ERR_CORRUPT },
		{ VERSION, "nothing in it is for amd64 Windows 10.0.19045", ERR_UNSUPPORTED },
		{ VERSION MODELS ADDREG "HKX,k,n\n", "line 10: \"HKX\" is no root", ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,zero\n", "\"zero\" is no number", ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,1,100\n", "\"100\" is no byte", ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,1,-1\n", "\"-1\" is no byte", ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,0x10001,1,2\n", "a DWORD of 2 bytes",
			ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,0x10001,4294967296\n", "is no number",
			ERR_CORRUPT },
		{ VERSION MODELS ADDREG "HKR,k,n,0x30000,a\n", "flags 0x30000", ERR_UNSUPPORTED },
		{ VERSION MODELS "[Inst]\nCopyFiles=@..\\x\n", "leaves its folder", ERR_CORRUPT },
		{ VERSION MODELS "[Inst]\nCopyFiles=@C:x\n", "leaves its folder", ERR_CORRUPT },
		{ VERSION MODELS "[Inst]\nCopyFiles=@a\\b\n", "is no name of a file", ERR_CORRUPT },
		{ VERSION MODELS
			"[Inst]\nCopyFiles=@x\n[DestinationDirs]\nDefaultDestDir=11,..\\..\n",
			"leaves its folder", ERR_CORRUPT },
		{ VERSION MODELS "[SourceDisksFiles]\na=1,sub\\..\\..\n", "leaves its folder",
			ERR_CORRUPT },
		{ VERSION MODELS "[Inst]\nFeatureScore=100\n", "feature score", ERR_CORRUPT },
		{ VERSION MODELS "[Inst.Services]\nAddService=svc,2,S\n", "does not say type",
			ERR_CORRUPT },
		{ VERSION MODELS SERVICE, "binary of service svc", ERR_CORRUPT },
		{ VERSION MODELS SERVICE "ServiceBinary=System32\\x.sys\n",
			"begin with the number of a folder", ERR_CORRUPT },
		{ VERSION MODELS SERVICE "ServiceBinary=%12%\n", "names no file", ERR_CORRUPT },
		{ VERSION MODELS SERVICE "ServiceBinary=%12%\\..\\x.sys\n", "leaves its folder",
			ERR_CORRUPT },
		{ VERSION MODELS "[Inst.Filters]\nAddFilter=f,,F\n[F]\nFilterPosition=Side\n",
			"position of a filter", ERR_CORRUPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		refused(bad[i].text, strlen(bad[i].text), &windows_10, bad[i].code, bad[i].why);
}

/* Texts that grow: bounded in time and memory, and said. */
static void bomb(
	const char *head, const char *line, size_t times, const char *tail, const char *why)
{
	const size_t len = strlen(head) + times * strlen(line) + strlen(tail);
	char *text = malloc(len + 1), *at = text;

	assert_non_null(text);
	at = stpcpy(at, head);
	for (size_t i = 0; i < times; i++)
		at = stpcpy(at, line);
	stpcpy(at, tail);
	refused(text, len, &windows_10, ERR_RANGE, why);
	free(text);
}

static void test_bombs(void **state)
{
	(void)state;
	bomb(VERSION, "\n", INF_LIMIT, "", "no INF has more than");
	bomb(VERSION, "a=b\n", INF_LINE_LIMIT, "", "more than 200000 lines");
	bomb(VERSION "[Strings]\nx=\"", "0123456789", 6000,
		"\"\n" MODELS ADDREG "HKR,,n,,%x%%x%%x%\n", "strings put in");
	bomb(VERSION MODELS ADDREG "HKR,,n,1", ",0", 70000, "\n", "more than 65536 values");
	/* Lines that all name a section of many. */
	bomb(VERSION "[Manufacturer]\nM=A,NTamd64\n[A.NTamd64]\nd=Inst,x\n"
		     "[R]\nHKR,,n\nHKR,,n\nHKR,,n\nHKR,,n\nHKR,,n\nHKR,,n\nHKR,,n\n[Inst]\n",
		"AddReg=R,R,R,R,R,R,R,R,R,R\n", 10000, "", "to follow its sections");
}

/* A chain of sections that need each other is no loop, and still too long. */
static void test_long_chain(void **state)
{
	char text[32 << 10], *at = stpcpy(text, VERSION MODELS "[Inst]\nNeeds=n0\n");

	(void)state;
	for (unsigned i = 0; i < 600; i++)
		at += sprintf(at, "[n%u]\nNeeds=n%u,n%u\n", i, i + 1, i);
	refused(text, (size_t)(at - text), &windows_10, ERR_RANGE, "more than 256 sections");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_encodings),
		cmocka_unit_test(test_surrogates),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_decorations),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_install_sections),
		cmocka_unit_test(test_default_install),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bombs),
		cmocka_unit_test(test_long_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
