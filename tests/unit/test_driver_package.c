/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Driver packages: which folder is for a Windows, what a catalogue knows, and what is taken of a
 * folder of the host. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/digest.h"
#include "guest/driver_catalog.h"
#include "guest/driver_folder.h"
#include "guest/driver_package.h"

enum { PE_SIZE = 1040, CERTIFICATES = 1024 };

static char top[] = "/tmp/hvimg-drivers-XXXXXX";
static const struct inf_platform windows_10 = { INF_AMD64, 10, 0, 19045, 1, 0x0409 };

static int top_make(void **state)
{
	(void)state;
	return mkdtemp(top) && !chdir(top) ? 0 : -1;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int top_remove(void **state)
{
	(void)state;
	return chdir("/") ? -1 : nftw(top, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void file_write(const char *path, const void *bytes, size_t len)
{
	char folder[256];
	FILE *f;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path), path);
		mkdir(folder, 0777);
	}
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static void set(uint8_t *at, size_t len, uint64_t value)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* A PE32+ image of one section; signed: with a table of certificates, of no signature. */
static size_t image_make(uint8_t b[PE_SIZE], uint16_t machine, bool is_signed)
{
	memset(b, 0, PE_SIZE);
	memcpy(b, "MZ", 2);
	set(b + 60, 4, 64);
	memcpy(b + 64, "PE", 2);
	set(b + 68, 2, machine);
	set(b + 70, 2, 1);
	set(b + 84, 2, 240);
	set(b + 88, 2, 0x20b);
	set(b + 88 + 32, 4, 4096);
	set(b + 88 + 36, 4, 512);
	set(b + 88 + 56, 4, 8192);
	set(b + 88 + 60, 4, 512);
	set(b + 88 + 108, 4, 16);
	if (is_signed) {
		set(b + 88 + 112 + 32, 4, CERTIFICATES);
		set(b + 88 + 112 + 36, 4, PE_SIZE - CERTIFICATES);
	}
	memcpy(b + 328, ".text", 5);
	set(b + 328 + 8, 4, 512);
	set(b + 328 + 12, 4, 4096);
	set(b + 328 + 16, 4, 512);
	set(b + 328 + 20, 4, 512);
	return is_signed ? PE_SIZE : CERTIFICATES;
}

static size_t inf_make(char *out, size_t size, const char *catalog, const char *file)
{
	return (size_t)snprintf(out, size,
		"[Version]\nSignature=\"$Windows NT$\"\nDriverVer=01/01/2024,1.0\nCatalogFile=%s\n"
		"[Manufacturer]\nM=A,NTamd64\n[A.NTamd64]\nD=I,PCI\\VEN_1&DEV_2\n"
		"[I]\nCopyFiles=@%s\n[DestinationDirs]\nDefaultDestDir=12\n",
		catalog, file);
}

/* DER, written from its end to its start. */
struct der {
	uint8_t bytes[4096];
	size_t at; /* of the first byte */
};

static void der_put(struct der *d, const void *bytes, size_t len)
{
	assert_true(d->at >= len);
	d->at -= len;
	memcpy(d->bytes + d->at, bytes, len);
}

/* Puts the header in front of what is there since `end`. */
static void der_wrap(struct der *d, uint8_t tag, size_t end)
{
	const size_t len = end - d->at;
	const uint8_t head[] = { tag, 0x82, (uint8_t)(len >> 8), (uint8_t)len };
	const uint8_t small[] = { tag, (uint8_t)len };

	if (len < 128)
		der_put(d, small, sizeof(small));
	else
		der_put(d, head, sizeof(head));
}

static void der_text(struct der *d, uint8_t tag, const char *bytes, size_t len)
{
	const size_t end = d->at;

	der_put(d, bytes, len);
	der_wrap(d, tag, end);
}

#define OID(d, text) der_text(d, 0x06, text, sizeof(text) - 1)
#define SHA1 "\x2b\x0e\x03\x02\x1a"
#define RSA "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
#define SIGNED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define CTL "\x2b\x06\x01\x04\x01\x82\x37\x0a\x01"
#define INDIRECT "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04"

static void der_member(struct der *d, const uint8_t *digest, size_t len)
{
	const size_t end = d->at;
	size_t part;

	der_text(d, 0x04, (const char *)digest, len);
	part = d->at;
	OID(d, SHA1);
	der_wrap(d, 0x30, part);
	der_wrap(d, 0x30, end);
	part = d->at;
	OID(d, CTL);
	der_wrap(d, 0x30, part);
	der_wrap(d, 0x30, end);
	der_wrap(d, 0x31, end);
	OID(d, INDIRECT);
	der_wrap(d, 0x30, end);
	der_wrap(d, 0x31, end);
	der_text(d, 0x04, "id", 2);
	der_wrap(d, 0x30, end);
}

static void der_signer(struct der *d)
{
	const size_t end = d->at;
	size_t part;

	der_text(d, 0x04, "none", 4);
	part = d->at;
	OID(d, RSA);
	der_wrap(d, 0x30, part);
	part = d->at;
	OID(d, SHA1);
	der_wrap(d, 0x30, part);
	part = d->at;
	der_text(d, 0x02, "\1", 1);
	der_text(d, 0x30, "", 0);
	der_wrap(d, 0x30, part);
	der_text(d, 0x02, "\1", 1);
	der_wrap(d, 0x30, end);
}

struct member {
	const uint8_t *digest;
	size_t len;
};

enum catalog_kind { A_CATALOG, NOBODY_SIGNED, OTHER_CONTENT };

/* PKCS #7 SignedData around a certificate trust list. */
static void catalog_make(
	struct der *d, const struct member *members, size_t count, enum catalog_kind kind)
{
	size_t part;

	d->at = sizeof(d->bytes);
	if (kind != NOBODY_SIGNED)
		der_signer(d);
	der_wrap(d, 0x31, sizeof(d->bytes));
	part = d->at;
	for (size_t i = count; i-- > 0;)
		der_member(d, members[i].digest, members[i].len);
	der_wrap(d, 0x30, part);
	for (unsigned i = 0; i < 2; i++) {
		const size_t usage = d->at;

		OID(d, CTL);
		der_wrap(d, 0x30, usage);
		if (!i)
			der_text(d, 0x17, "240101000000Z", 13);
	}
	der_wrap(d, 0x30, part);
	der_wrap(d, 0xa0, part);
	if (kind == OTHER_CONTENT)
		OID(d, DATA);
	else
		OID(d, CTL);
	der_wrap(d, 0x30, part);
	der_text(d, 0x31, "", 0);
	der_text(d, 0x02, "\1", 1);
	der_wrap(d, 0x30, sizeof(d->bytes));
	der_wrap(d, 0xa0, sizeof(d->bytes));
	OID(d, SIGNED_DATA);
	der_wrap(d, 0x30, sizeof(d->bytes));
}

static size_t digest_of(const char *algorithm, const void *bytes, size_t len, uint8_t out[32])
{
	char hex[DIGEST_HEX_MAX];
	size_t i;

	assert_int_equal(digest_bytes(algorithm, bytes, len, hex, NULL), 0);
	for (i = 0; hex[2 * i]; i++) {
		unsigned n;

		sscanf(hex + 2 * i, "%2x", &n);
		out[i] = (uint8_t)n;
	}
	return i;
}

/* What a signature covers of an image made above, put together by hand. */
static size_t image_digest(const uint8_t *b, size_t len, uint8_t out[32])
{
	uint8_t covered[PE_SIZE];
	size_t at = 0;

	memcpy(covered, b, 88 + 64);
	at = 88 + 64;
	memcpy(covered + at, b + 88 + 68, 112 + 32 - 68);
	at += 112 + 32 - 68;
	memcpy(covered + at, b + 88 + 112 + 40, len - (88 + 112 + 40));
	at += len - (88 + 112 + 40);
	return digest_of("sha256", covered, at, out);
}

static void test_folders(void **state)
{
	static const struct {
		const char *path;
		struct inf_platform p;
		int fit;
	} folders[] = {
		{ "", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_ANY },
		{ "viostor/amd64", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_ANY },
		{ "viostor/x86", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_OTHER },
		{ "viostor/i386", { INF_X86, 10, 0, 19045, 1, 0 }, FOLDER_ANY },
		{ "viostor/w10/amd64", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_SAME },
		{ "by-os/AMD64/W10", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_SAME },
		{ "w10/x86", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_OTHER },
		{ "w10/amd64", { INF_AMD64, 10, 0, 22000, 1, 0 }, FOLDER_OLDER },
		{ "w11/amd64", { INF_AMD64, 10, 0, 21999, 1, 0 }, FOLDER_OTHER },
		{ "w10/amd64", { INF_AMD64, 10, 0, 17763, 3, 0 }, FOLDER_OTHER },
		{ "2k19/amd64", { INF_AMD64, 10, 0, 17763, 3, 0 }, FOLDER_SAME },
		{ "2k19/amd64", { INF_AMD64, 10, 0, 17763, 2, 0 }, FOLDER_SAME },
		{ "2k19/amd64", { INF_AMD64, 10, 0, 17763, 1, 0 }, FOLDER_OTHER },
		{ "2k19/amd64", { INF_AMD64, 10, 0, 20348, 3, 0 }, FOLDER_OLDER },
		{ "2k16", { INF_AMD64, 10, 0, 16299, 3, 0 }, FOLDER_SAME },
		{ "2k12R2", { INF_AMD64, 6, 3, 9600, 3, 0 }, FOLDER_SAME },
		{ "2k12", { INF_AMD64, 6, 3, 9600, 3, 0 }, FOLDER_OLDER },
		{ "2k8", { INF_AMD64, 6, 0, 6002, 1, 0 }, FOLDER_SAME },
		{ "2k8", { INF_AMD64, 6, 1, 7601, 1, 0 }, FOLDER_OLDER },
		{ "2k3", { INF_AMD64, 5, 2, 3790, 1, 0 }, FOLDER_SAME },
		{ "xp", { INF_X86, 5, 1, 2600, 1, 0 }, FOLDER_SAME },
		{ "w10", { INF_AMD64, 10, 0, 0, 0, 0 }, FOLDER_OTHER },
		{ "w100/amd64", { INF_AMD64, 10, 0, 19045, 1, 0 }, FOLDER_ANY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		const struct driver_folder f = driver_folder_read(folders[i].path, &folders[i].p);

		if ((int)f.fit != folders[i].fit)
			fail_msg("%s of %u: %d", folders[i].path, folders[i].p.build, (int)f.fit);
	}
}

static int catalog_open(const struct der *d, struct driver_catalog *out, struct error *e)
{
	struct buffer b = { 0 };
	int rc = buffer_append(&b, d->bytes + d->at, sizeof(d->bytes) - d->at, e);

	if (!rc)
		rc = driver_catalog_read(&b, out, e);
	buffer_free(&b);
	return rc;
}

static void test_catalog(void **state)
{
	uint8_t one[32], two[32];
	const struct member members[] = { { one, digest_of("sha1", "one", 3, one) },
		{ two, digest_of("sha256", "two", 3, two) }, { one, 5 } };
	struct buffer b = { 0 };
	struct driver_catalog c;
	struct error e = { 0 };
	struct der d;
	bool answer;

	(void)state;
	catalog_make(&d, members, 3, A_CATALOG);
	if (catalog_open(&d, &c, &e))
		fail_msg("%s", e.text);
	assert_int_equal(c.digests.count, 2);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const texts[] = { "one", "two", "six" };

		buffer_append(&b, texts[i], 3, NULL);
		assert_int_equal(driver_catalog_has(&c, &b, NULL, &answer, &e), 0);
		assert_int_equal(answer, i < 2);
		buffer_free(&b);
	}
	driver_catalog_free(&c);
	catalog_make(&d, members, 2, NOBODY_SIGNED);
	assert_int_equal(catalog_open(&d, &c, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "nobody signed"));
	catalog_make(&d, members, 2, OTHER_CONTENT);
	assert_int_equal(catalog_open(&d, &c, &e), -ERR_CORRUPT);
	catalog_make(&d, members, 2, A_CATALOG);
	d.at++;
	assert_int_equal(catalog_open(&d, &c, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "PKCS #7"));
}

/* Every byte changed in turn: refused, or read, and nothing worse. */
static void test_catalog_broken(void **state)
{
	uint8_t one[32];
	const struct member member = { one, digest_of("sha1", "one", 3, one) };
	struct driver_catalog c;
	struct der d;
	size_t taken = 0;

	(void)state;
	catalog_make(&d, &member, 1, A_CATALOG);
	for (size_t at = d.at; at < sizeof(d.bytes); at++) {
		d.bytes[at] ^= 0x81;
		if (!catalog_open(&d, &c, NULL)) {
			taken++;
			driver_catalog_free(&c);
		}
		d.bytes[at] ^= 0x81;
	}
	assert_true(taken > 0 && taken < sizeof(d.bytes) - d.at);
}

static int load(const char *path, bool allow_unsigned, struct driver_packages *out, struct error *e)
{
	struct driver_wish wish = { windows_10, NULL, allow_unsigned };
	struct strings paths = { 0 };
	int rc = strings_add(&paths, path, e);

	if (!rc)
		rc = driver_packages_load(&paths, &wish, out, e);
	strings_free(&paths);
	return rc;
}

static void refused(const char *path, enum error_code code, const char *why)
{
	struct driver_packages p;
	struct error e = { 0 };

	if (!load(path, false, &p, &e))
		fail_msg("%s is taken", path);
	if (e.code != (int)code || !strstr(e.text, why))
		fail_msg("%d %s", e.code, e.text);
}

static void test_signatures(void **state)
{
	char inf[512];
	const size_t inf_len = inf_make(inf, sizeof(inf), "d.cat", "d.sys");
	uint8_t image[PE_SIZE], inf_digest[32], image_sum[32];
	size_t len = image_make(image, PE_MACHINE_X86_64, false);
	struct member members[] = { { inf_digest, digest_of("sha256", inf, inf_len, inf_digest) },
		{ image_sum, image_digest(image, len, image_sum) } };
	struct driver_packages p;
	struct error e = { 0 };
	struct der d;

	(void)state;
	file_write("sign/d.inf", inf, inf_len);
	file_write("sign/d.sys", image, len);
	refused("sign", ERR_REFUSED, "d.inf is not signed: its catalogue d.cat is not there");
	catalog_make(&d, members, 2, A_CATALOG);
	file_write("sign/D.CAT", d.bytes + d.at, sizeof(d.bytes) - d.at);
	if (load("sign", false, &p, &e))
		fail_msg("%s", e.text);
	assert_int_equal(p.count, 1);
	assert_true(p.package[0].cataloged);
	assert_false(p.package[0].embedded);
	assert_true(p.package[0].exact);
	assert_string_equal(p.package[0].origin, "sign: d.inf");
	assert_string_equal(p.package[0].directory, "");
	assert_int_equal(p.package[0].file_count, 2);
	assert_string_equal(p.package[0].file[0].path, "D.CAT");
	assert_int_equal(p.package[0].file[1].bytes.len, len);
	driver_packages_free(&p);
	/* One that is lacking in the catalogue. */
	catalog_make(&d, members, 1, A_CATALOG);
	file_write("sign/D.CAT", d.bytes + d.at, sizeof(d.bytes) - d.at);
	refused("sign", ERR_REFUSED, "its catalogue d.cat does not list d.sys as it is here");
	catalog_make(&d, members + 1, 1, A_CATALOG);
	file_write("sign/D.CAT", d.bytes + d.at, sizeof(d.bytes) - d.at);
	refused("sign", ERR_REFUSED, "its catalogue d.cat does not list d.inf as it is here");
	/* A certificate in the driver, and no use of the catalogue. */
	len = image_make(image, PE_MACHINE_X86_64, true);
	file_write("sign/d.sys", image, len);
	assert_int_equal(load("sign", false, &p, &e), 0);
	assert_true(p.package[0].embedded);
	assert_false(p.package[0].cataloged);
	driver_packages_free(&p);
}

static void test_processor(void **state)
{
	char inf[512];
	uint8_t image[PE_SIZE];

	(void)state;
	file_write("cpu/d.inf", inf, inf_make(inf, sizeof(inf), "d.cat", "d.sys"));
	file_write("cpu/d.sys", image, image_make(image, PE_MACHINE_ARM64, true));
	refused("cpu", ERR_NOTREADY, "d.sys is for arm64 (machine 0xaa64), not for amd64");
	file_write("cpu/d.sys", "MZ", 2);
	refused("cpu", ERR_NOTREADY, "d.sys is no driver");
	unlink("cpu/d.sys");
	refused("cpu", ERR_NOTREADY, "its file d.sys is not there");
	refused("cpu/d.inf", ERR_NOTREADY, "its file d.sys is not there");
}

/* The newest of what says nothing of its Windows, and the catalogue's absence allowed. */
static void test_choice(void **state)
{
	char inf[512];
	uint8_t image[PE_SIZE];
	const size_t len = image_make(image, PE_MACHINE_X86_64, true);
	struct driver_packages p;
	struct error e = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const char *const folders[] = { "pick/a/d", "pick/b/d", "pick/c/d" };
		char path[64];
		size_t n = inf_make(inf, sizeof(inf), "", "d.sys");
		char *year = strstr(inf, "2024");

		year[3] = "495"[i];
		snprintf(path, sizeof(path), "%s.inf", folders[i]);
		file_write(path, inf, n);
		snprintf(path, sizeof(path), "%s.sys", folders[i]);
		file_write(path, image, len);
	}
	if (load("pick", false, &p, &e))
		fail_msg("%s", e.text);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.package[0].directory, "b");
	assert_false(p.package[0].exact);
	driver_packages_free(&p);
	/* Another name for the same device gives way as well; one of its own does not. */
	rename("pick/b/d.inf", "pick/b/e.inf");
	assert_int_equal(load("pick", false, &p, &e), 0);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.package[0].inf_name, "e.inf");
	driver_packages_free(&p);
}

/* What adds to a device's driver does not take its place, and what is named by itself is taken. */
static void test_beside(void **state)
{
	char inf[512];
	uint8_t image[PE_SIZE];
	const size_t len = image_make(image, PE_MACHINE_X86_64, true);
	const struct driver_wish wish = { windows_10, NULL, false };
	size_t n = inf_make(inf, sizeof(inf), "", "d.sys");
	struct strings paths = { 0 };
	struct driver_packages p;
	struct error e = { 0 };

	(void)state;
	file_write("more/a/d.inf", inf, n);
	file_write("more/a/d.sys", image, len);
	file_write("more/b/e.inf", inf, n);
	file_write("more/b/d.sys", image, len);
	assert_int_equal(load("more", false, &p, &e), 0);
	assert_int_equal(p.count, 1);
	driver_packages_free(&p);
	n = (size_t)snprintf(inf + n, sizeof(inf) - n, "[Version]\nClass=Extension\n") + n;
	file_write("more/b/e.inf", inf, n);
	assert_int_equal(load("more", false, &p, &e), 0);
	assert_int_equal(p.count, 2);
	driver_packages_free(&p);
	n = inf_make(inf, sizeof(inf), "", "d.sys");
	file_write("more/b/e.inf", inf, n);
	strings_add(&paths, "more/a/d.inf", NULL);
	strings_add(&paths, "more/b/e.inf", NULL);
	assert_int_equal(driver_packages_load(&paths, &wish, &p, &e), 0);
	assert_int_equal(p.count, 2);
	assert_string_equal(p.package[0].origin, "more/a/d.inf");
	assert_true(p.package[0].exact && p.package[1].exact);
	driver_packages_free(&p);
	/* Of one name there is one. */
	rename("more/b/e.inf", "more/b/D.INF");
	strings_free(&paths);
	strings_add(&paths, "more/a/d.inf", NULL);
	strings_add(&paths, "more/b/D.INF", NULL);
	assert_int_equal(driver_packages_load(&paths, &wish, &p, &e), 0);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.package[0].origin, "more/a/d.inf");
	driver_packages_free(&p);
	strings_free(&paths);
}

static void test_nothing(void **state)
{
	(void)state;
	mkdir("empty", 0777);
	file_write("text.txt", "x", 1);
	file_write("setup.msi", "x", 1);
	file_write("bad.inf", "x", 1);
	refused("empty", ERR_USAGE, "holds no driver package");
	refused("text.txt", ERR_USAGE, "no .inf, and no archive");
	refused("setup.msi", ERR_UNSUPPORTED, "is an installer");
	refused("missing", ERR_NOTFOUND, "missing");
	refused("bad.inf", ERR_CORRUPT, "bad.inf: line 1 is in no section");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folders),
		cmocka_unit_test(test_catalog),
		cmocka_unit_test(test_catalog_broken),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_processor),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_beside),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, top_make, top_remove);
}
