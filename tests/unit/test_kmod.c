/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "guest/kmod.h"

static const char dep[] = "kernel/hv/hv_vmbus.ko.xz:\n"
			  "kernel/scsi/hv-storvsc.ko.xz: kernel/scsi/fc.ko.xz "
			  "kernel/scsi/scsi_mod.ko.xz kernel/hv/hv_vmbus.ko.xz\n"
			  "kernel/scsi/scsi_mod.ko.xz:\n"
			  "kernel/scsi/fc.ko.xz: kernel/scsi/scsi_mod.ko.xz\n"
			  "kernel/lib/libcrc.ko.xz:\n"
			  "kernel/crypto/crc-a.ko.xz: kernel/crypto/common.ko.xz\n"
			  "kernel/crypto/crc_b.ko.xz:\n"
			  "kernel/crypto/common.ko.xz:\n";
static const char alias[] = "# Aliases extracted from modules themselves.\n"
			    "alias vmbus:d96361ba* hv_storvsc\n"
			    "alias devname:vm-bus hv_vmbus\n"
			    "alias acpi*:VM[A-B]-1:* hv_vmbus\n"
			    "alias acpi*:VM[A hv_vmbus\n"
			    "alias crypto-crc32c crc_a\n"
			    "alias crypto-crc32c crc_b\n"
			    "alias fs-\xc3\xa9 hv_vmbus\n"
			    "not an alias line\n";
static const char softdep[] = "# Soft dependencies\n"
			      "softdep libcrc ignored pre: crypto_crc32c missing post: fc\n";
static const char builtin[] = "kernel/fs/ext-four.ko\nkernel/fs/ext-fourteen.ko\n\n#odd\n";
static const char modinfo[] = "ext_four.alias=fs-ext4\0ext_four.license=GPL\0odd\0ext_four.alias=";

static struct kmod *open_sample(void)
{
	struct kmod_texts texts = {
		.dep = dep,
		.alias = alias,
		.softdep = softdep,
		.symbols = "# x\nalias symbol:vmbus_open hv_vmbus\nalias symbol:other fc\n",
		.builtin = builtin,
		.builtin_modinfo = modinfo,
		.builtin_modinfo_len = sizeof(modinfo),
		.devname = "# x\nhv_vmbus vm/bus c10:1\nfc fc c10:2\n",
	};
	struct kmod *k = NULL;
	struct error e = { 0 };

	assert_int_equal(kmod_open(&texts, &k, &e), 0);
	return k;
}

static void test_lookup(void **state)
{
	struct kmod *k = open_sample();

	(void)state;
	assert_string_equal(kmod_path(k, "hv_storvsc"), "kernel/scsi/hv-storvsc.ko.xz");
	assert_string_equal(kmod_path(k, "hv-vmbus"), "kernel/hv/hv_vmbus.ko.xz");
	assert_null(kmod_path(k, "hv"));
	assert_null(kmod_path(k, "ext_four"));
	assert_true(kmod_builtin(k, "ext_four"));
	assert_false(kmod_builtin(k, "hv_vmbus"));
	kmod_close(k);
}

static size_t place(const struct strings *s, const char *path)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->item[i], path) == 0)
			return i;
	fail_msg("%s is missing", path);
	return 0;
}

static void test_closure(void **state)
{
	struct kmod *k = open_sample();
	struct strings paths = { 0 };
	struct error e = { 0 };

	(void)state;
	assert_int_equal(kmod_closure(k, "hv_storvsc", &paths, &e), 0);
	assert_int_equal(paths.count, 4);
	assert_true(place(&paths, "kernel/scsi/scsi_mod.ko.xz") <
		place(&paths, "kernel/scsi/fc.ko.xz"));
	assert_true(place(&paths, "kernel/scsi/fc.ko.xz") <
		place(&paths, "kernel/scsi/hv-storvsc.ko.xz"));
	assert_int_equal(kmod_closure(k, "fc", &paths, &e), 0);
	assert_int_equal(paths.count, 4);
	strings_free(&paths);

	assert_int_equal(kmod_closure(k, "libcrc", &paths, &e), 0);
	assert_int_equal(paths.count, 6);
	place(&paths, "kernel/crypto/common.ko.xz");
	place(&paths, "kernel/crypto/crc_b.ko.xz");
	place(&paths, "kernel/scsi/scsi_mod.ko.xz");
	strings_free(&paths);

	assert_int_equal(kmod_closure(k, "ext-four", &paths, &e), 0);
	assert_int_equal(paths.count, 0);
	assert_int_equal(kmod_closure(k, "nothing", &paths, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "nothing"));
	kmod_close(k);
}

static void test_soft_loop_ends(void **state)
{
	struct kmod_texts texts = {
		.dep = "a.ko: b.ko\nb.ko: a.ko\n",
		.softdep = "softdep a pre: b a\nsoftdep b post: a\n",
	};
	struct strings paths = { 0 };
	struct kmod *k = NULL;

	(void)state;
	assert_int_equal(kmod_open(&texts, &k, NULL), 0);
	assert_int_equal(kmod_closure(k, "a", &paths, NULL), 0);
	assert_int_equal(paths.count, 2);
	strings_free(&paths);
	kmod_close(k);
}

static void test_closure_too_large(void **state)
{
	struct buffer text = { 0 };
	struct strings paths = { 0 };
	struct kmod *k = NULL;
	struct error e = { 0 };

	(void)state;
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buffer_format(&text, NULL, "m%d.ko:\n", i), 0);
	assert_int_equal(buffer_string(&text, "all.ko:", NULL), 0);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(buffer_format(&text, NULL, " m%d.ko", i), 0);
	assert_int_equal(kmod_open(&(struct kmod_texts){ .dep = buffer_text(&text) }, &k, &e), 0);
	assert_int_equal(kmod_closure(k, "all", &paths, &e), -ERR_RANGE);
	assert_non_null(strstr(e.text, "2048"));
	assert_int_equal(paths.count, 0);
	kmod_close(k);
	buffer_free(&text);
}

static void test_damaged_texts(void **state)
{
	static const char *const bad[] = { "no colon\n", ":\n", "\n", "/: x\n", ".ko:\n" };
	struct strings paths = { 0 };
	struct kmod *k = NULL;
	struct error e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(
			kmod_open(&(struct kmod_texts){ .dep = bad[i] }, &k, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "line 1"));
	}
	assert_int_equal(kmod_open(&(struct kmod_texts){ 0 }, &k, &e), -ERR_NOTFOUND);

	assert_int_equal(kmod_open(&(struct kmod_texts){ .dep = "a.ko: gone.ko\n" }, &k, &e), 0);
	assert_int_equal(kmod_closure(k, "a", &paths, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "gone.ko"));
	kmod_close(k);
}

static const struct buffer *file_of(const struct kmod_file *files, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(files[i].name, name) == 0)
			return &files[i].bytes;
	return NULL;
}

/*
 * Looks a key up the way libkmod does, without sharing code with the writer: *values gets "value
 * priority;" of each value.
 */
static bool trie_find(const struct buffer *b, const char *key, char *values, size_t room)
{
	const uint8_t *d = b->data;
	be32 word;
	uint32_t at;

	memcpy(&word, d + 8, 4);
	for (at = get_be32(word);;) {
		const uint8_t *p = d + (at & 0x0fffffff);

		assert_in_range(at & 0x0fffffff, 12, b->len);
		if (at & 0x80000000) {
			size_t len = strlen((const char *)p);

			if (strncmp((const char *)p, key, len) != 0)
				return false;
			key += len;
			p += len + 1;
		}
		if (at & 0x20000000) {
			uint8_t first = p[0], last = p[1], c = (uint8_t)*key;

			if (c && (c < first || c > last))
				return false;
			if (c) {
				memcpy(&word, p + 2 + (size_t)(c - first) * 4, 4);
				at = get_be32(word);
				key++;
				if (!at)
					return false;
				continue;
			}
			p += 2 + (size_t)(last - first + 1) * 4;
		}
		if (*key || !(at & 0x40000000))
			return false;
		memcpy(&word, p, 4);
		p += 4;
		*values = '\0';
		for (uint32_t n = get_be32(word); n; n--) {
			size_t used = strlen(values);

			memcpy(&word, p, 4);
			snprintf(values + used, room - used, "%s %u;", (const char *)p + 4,
				get_be32(word));
			p += 4 + strlen((const char *)p + 4) + 1;
		}
		return true;
	}
}

static void assert_found(const struct buffer *b, const char *key, const char *expected)
{
	char values[512] = "";

	assert_non_null(b);
	assert_true(trie_find(b, key, values, sizeof(values)));
	assert_string_equal(values, expected);
}

static void assert_not_found(const struct buffer *b, const char *key)
{
	char values[512];

	assert_false(trie_find(b, key, values, sizeof(values)));
}

static void test_indexes(void **state)
{
	char *item[] = { "kernel/scsi/fc.ko", "kernel/hv/hv_vmbus.ko.xz",
		"kernel/crypto/crc_b.ko.xz", "kernel/crypto/crc-a.ko.xz" };
	struct strings paths = { item, 4, 4 };
	struct kmod *k = open_sample();
	struct kmod_file *f = NULL;
	struct error e = { 0 };
	size_t n = 0;

	(void)state;
	assert_int_equal(kmod_indexes(k, &paths, &f, &n, &e), 0);
	/* In the order of the guest's file, the path as given, and only needs that are there. */
	assert_string_equal(buffer_text(file_of(f, n, "modules.dep")),
		"kernel/hv/hv_vmbus.ko.xz:\nkernel/scsi/fc.ko:\n"
		"kernel/crypto/crc-a.ko.xz:\nkernel/crypto/crc_b.ko.xz:\n");
	assert_found(file_of(f, n, "modules.dep.bin"), "fc", "kernel/scsi/fc.ko: 1;");
	assert_found(file_of(f, n, "modules.dep.bin"), "crc_a", "kernel/crypto/crc-a.ko.xz: 2;");
	assert_not_found(file_of(f, n, "modules.dep.bin"), "crc");
	assert_not_found(file_of(f, n, "modules.dep.bin"), "scsi_mod");

	assert_null(strstr(buffer_text(file_of(f, n, "modules.alias")), "storvsc"));
	assert_found(file_of(f, n, "modules.alias.bin"), "crypto_crc32c", "crc_a 2;crc_b 3;");
	assert_found(file_of(f, n, "modules.alias.bin"), "devname:vm_bus", "hv_vmbus 0;");
	assert_found(file_of(f, n, "modules.alias.bin"), "acpi*:VM[A-B]_1:*", "hv_vmbus 0;");
	assert_not_found(file_of(f, n, "modules.alias.bin"), "acpi*:VM[A");
	assert_found(file_of(f, n, "modules.symbols.bin"), "symbol:other", "fc 1;");
	assert_string_equal(buffer_text(file_of(f, n, "modules.softdep")),
		"# Soft dependencies extracted from modules themselves.\n");
	assert_string_equal(buffer_text(file_of(f, n, "modules.devname")),
		"# Device nodes to trigger on-demand module loading.\n"
		"hv_vmbus vm/bus c10:1\nfc fc c10:2\n");
	assert_found(file_of(f, n, "modules.builtin.bin"), "ext_four", " 0;");
	assert_found(file_of(f, n, "modules.builtin.bin"), "ext_fourteen", " 0;");
	assert_found(file_of(f, n, "modules.builtin.alias.bin"), "fs_ext4", "ext_four 0;");
	assert_null(file_of(f, n, "modules.order"));
	kmod_files_free(f, n);

	item[0] = "kernel/other/absent.ko";
	assert_int_equal(kmod_indexes(k, &paths, &f, &n, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "kernel/other/absent.ko"));
	kmod_close(k);
}

static void test_empty_subset(void **state)
{
	struct kmod *k = open_sample();
	struct kmod_file *f = NULL;
	size_t n = 0;
	static const uint8_t empty[] = { 0xb0, 0x07, 0xf4, 0x57, 0, 2, 0, 1, 0, 0, 0, 12 };

	(void)state;
	assert_int_equal(kmod_indexes(k, &(struct strings){ 0 }, &f, &n, NULL), 0);
	assert_int_equal(file_of(f, n, "modules.dep")->len, 0);
	assert_int_equal(file_of(f, n, "modules.dep.bin")->len, sizeof(empty));
	assert_memory_equal(file_of(f, n, "modules.dep.bin")->data, empty, sizeof(empty));
	kmod_files_free(f, n);
	kmod_close(k);
}

static void test_key_too_long(void **state)
{
	struct strings paths = { (char *[]){ "a.ko" }, 1, 1 };
	char *text = malloc(8000);
	struct kmod_file *f;
	struct kmod *k = NULL;
	struct error e = { 0 };
	size_t n;

	(void)state;
	assert_non_null(text);
	for (size_t len = 4095; len <= 4096; len++) {
		sprintf(text, "alias %0*d a\nalias 0 a\n", (int)len, 0);
		assert_int_equal(
			kmod_open(&(struct kmod_texts){ .dep = "a.ko:\n", .alias = text }, &k, &e),
			0);
		if (len == 4095) {
			assert_int_equal(kmod_indexes(k, &paths, &f, &n, &e), 0);
			kmod_files_free(f, n);
		} else {
			assert_int_equal(kmod_indexes(k, &paths, &f, &n, &e), -ERR_RANGE);
			assert_non_null(strstr(e.text, "4096"));
		}
		kmod_close(k);
	}
	free(text);
}

/* For tests/interop/kmod: writes the indexes of modules' closures into a directory, prints their
 * paths. */
static char *read_text(const char *dir, const char *name, size_t *len)
{
	char path[4096];
	FILE *f;
	char *text = calloc(1, KMOD_TEXT_LIMIT + 1);

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	if (!f || !text) {
		free(text);
		text = NULL;
	} else {
		*len = fread(text, 1, KMOD_TEXT_LIMIT, f);
	}
	if (f)
		fclose(f);
	return text;
}

static int write_files(const char *dir, const struct kmod_file *f, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[4096];
		FILE *out;

		snprintf(path, sizeof(path), "%s/%s", dir, f[i].name);
		out = fopen(path, "wb");
		if (!out || fwrite(f[i].bytes.data, 1, f[i].bytes.len, out) != f[i].bytes.len ||
			fclose(out))
			return 1;
	}
	return 0;
}

static int indexes_main(int argc, char **argv)
{
	enum { DEP, ALIAS, SYMBOLS, SOFTDEP, BUILTIN, MODINFO, DEVNAME, TEXTS };
	static const char *const names[TEXTS] = { "modules.dep", "modules.alias", "modules.symbols",
		"modules.softdep", "modules.builtin", "modules.builtin.modinfo",
		"modules.devname" };
	char *text[TEXTS];
	size_t len[TEXTS] = { 0 }, count = 0;
	struct kmod *k = NULL;
	struct kmod_file *f = NULL;
	struct strings paths = { 0 };
	struct error e = { 0 };
	int rc;

	for (int i = 0; i < TEXTS; i++)
		text[i] = read_text(argv[2], names[i], &len[i]);
	rc = kmod_open(&(struct kmod_texts){ .dep = text[DEP],
			       .alias = text[ALIAS],
			       .symbols = text[SYMBOLS],
			       .softdep = text[SOFTDEP],
			       .builtin = text[BUILTIN],
			       .builtin_modinfo = text[MODINFO],
			       .builtin_modinfo_len = len[MODINFO],
			       .devname = text[DEVNAME] },
		&k, &e);
	for (int i = 4; i < argc && !rc; i++)
		rc = kmod_closure(k, argv[i], &paths, &e);
	if (!rc)
		rc = kmod_indexes(k, &paths, &f, &count, &e);
	if (!rc)
		rc = write_files(argv[3], f, count);
	if (rc)
		fprintf(stderr, "test_kmod: %s\n", e.text);
	for (size_t i = 0; i < paths.count && !rc; i++)
		puts(paths.item[i]);
	kmod_files_free(f, count);
	strings_free(&paths);
	kmod_close(k);
	for (int i = 0; i < TEXTS; i++)
		free(text[i]);
	return rc != 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_closure),
		cmocka_unit_test(test_soft_loop_ends),
		cmocka_unit_test(test_closure_too_large),
		cmocka_unit_test(test_damaged_texts),
		cmocka_unit_test(test_indexes),
		cmocka_unit_test(test_empty_subset),
		cmocka_unit_test(test_key_too_long),
	};

	if (argc > 4 && strcmp(argv[1], "indexes") == 0)
		return indexes_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
