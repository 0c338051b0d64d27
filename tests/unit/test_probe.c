/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file is taken for, by its content alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "disk/image.h"
#include "disk/memory.h"

enum { SIZE = 64 * 1024 };

/* A file of `size` zeros with the bytes of a signature in it. */
struct sample {
	size_t size;
	const char *bytes;
	size_t len;
	size_t off;
};

static int probe(const struct sample *s, const struct sample *more, const struct format **out,
	struct error *e)
{
	uint8_t *bytes = calloc(1, s->size + 1);
	struct disk *file;
	int rc;

	assert_non_null(bytes);
	memcpy(bytes + s->off, s->bytes, s->len);
	if (more)
		memcpy(bytes + more->off, more->bytes, more->len);
	assert_int_equal(memory_disk_open(bytes, s->size, &file, NULL), 0);
	rc = image_probe(file, out, e);
	disk_close(file);
	free(bytes);
	return rc;
}

static void taken_for(const struct sample *s, const char *name)
{
	const struct format *f = NULL;
	struct error e = { 0 };

	if (probe(s, NULL, &f, &e))
		fail_msg("not %s: %s", name, e.text);
	assert_string_equal(f->name, name);
}

static void not_taken(const struct sample *s, const struct sample *more, int code, const char *text)
{
	const struct format *f = NULL;
	struct error e = { 0 };

	assert_int_equal(probe(s, more, &f, &e), -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

#define SAMPLE(off, text)                                                                          \
	{                                                                                          \
		SIZE, (text), sizeof(text) - 1, (off)                                              \
	}

static void formats_are_told(void **state)
{
	const struct sample qcow2 = SAMPLE(0, "QFI\xfb\0\0\0\3");
	const struct sample vhdx = SAMPLE(0, "vhdxfile");
	const struct sample mbr = SAMPLE(510, "\x55\xaa");
	const struct sample letters = { 1024, "no line ends", 12, 0 };

	(void)state;
	taken_for(&qcow2, "qcow2");
	taken_for(&vhdx, "vhdx");
	taken_for(&mbr, "raw");
	taken_for(&letters, "raw");
}

static void known_containers_are_no_raw_disks(void **state)
{
	static const struct {
		struct sample sample;
		const char *name;
		const char *format; /* whose own probe decides once it is there */
	} known[] = {
		{ SAMPLE(0, "QFI\xfb\0\0\0\1"), "qcow version 1", NULL },
		{ SAMPLE(0, "QED\0"), "QED", NULL },
		{ SAMPLE(0, "KDMV"), "VMDK", "vmdk" },
		{ SAMPLE(0, "COWD"), "VMDK", "vmdk" },
		{ SAMPLE(0, "\xbe\xba\xfe\xca\0\0\0\0"), "SESparse", "vmdk" },
		{ SAMPLE(0, "# Disk DescriptorFile\n"), "VMDK", "vmdk" },
		{ SAMPLE(64, "\x7f\x10\xda\xbe"), "VDI", "vdi" },
		{ SAMPLE(0, "WithoutFreeSpace"), "Parallels", NULL },
		{ SAMPLE(0, "WithouFreSpacExt"), "Parallels", NULL },
		{ SAMPLE(SIZE - 512, "koly"), "DMG", NULL },
		{ SAMPLE(0, "conectix"), "VHD", "vhd" },
		{ SAMPLE(SIZE - 512, "conectix"), "VHD", "vhd" },
		{ SAMPLE(0, "Bochs Virtual HD Image"), "Bochs", NULL },
		{ SAMPLE(0, "#!/bin/sh\n#V2.0 Format\n"), "cloop", NULL },
		{ SAMPLE(257, "ustar"), "tar or OVA", "ova" },
		{ SAMPLE(32769, "CD001"), "ISO 9660", NULL },
		{ SAMPLE(32769, "BEA01"), "UDF", NULL },
		{ SAMPLE(0, "\x1f\x8b\x08"), "gzip", NULL },
		{ SAMPLE(0,
			  "\xfd"
			  "7zXZ\0"),
			"xz", NULL },
		{ SAMPLE(0, "\x28\xb5\x2f\xfd"), "zstd", NULL },
		{ SAMPLE(0, "BZh91AY&SY"), "bzip2", NULL },
		{ SAMPLE(0, "PK\3\4"), "zip", NULL },
		{ SAMPLE(0, "MSWIM\0\0\0"), "WIM", NULL },
		{ SAMPLE(0, "encrcdsa"), "DMG", NULL },
		{ SAMPLE(SIZE - 8, "cdsaencr"), "DMG", NULL },
		{ SAMPLE(0, "shdw\0\0\0\1"), "ASIF", NULL },
		{ SAMPLE(0, "sprs\0\0\0\3"), "Apple sparse image", NULL },
		{ SAMPLE(0, "VMA\0\0\0\0\1"), "VMA", NULL },
		{ SAMPLE(0, "OOOM\0\0\0\2"), "COW", NULL },
		{ SAMPLE(0, "EVF\x09\x0d\x0a\xff\0"), "EWF", NULL },
		{ SAMPLE(0, "EVF2\x0d\x0a\x81\0"), "EWF", NULL },
		{ SAMPLE(0, "AFF10\r\n\0"), "AFF", NULL },
		{ SAMPLE(0, "\x89LZO\0\r\n\x1a\n"), "lzop", NULL },
		{ SAMPLE(0, "LUKS\xba\xbe\0\2"), "LUKS (encrypted), not a disk; -f raw", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].format && format_by_name(known[i].format))
			continue;
		not_taken(&known[i].sample, NULL, ERR_UNSUPPORTED, known[i].name);
	}
}

/* Neither order nor trust decides between two claims. */
static void two_claims_are_refused(void **state)
{
	const struct sample qcow2 = SAMPLE(0, "QFI\xfb\0\0\0\3");
	const struct sample vhdx = SAMPLE(0, "vhdxfile");
	const struct sample tar = SAMPLE(257, "ustar");
	const struct sample dmg = SAMPLE(SIZE - 512, "koly");
	const struct sample cd = SAMPLE(32769, "CD001");
	const struct sample fixed = SAMPLE(SIZE - 512, "conectix");
	const struct sample gzip = SAMPLE(0, "\x1f\x8b\x08");
	const struct sample mbr = SAMPLE(510, "\x55\xaa");
	const struct sample gpt = SAMPLE(512, "EFI PART");
	const struct sample luks = SAMPLE(0, "LUKS\xba\xbe\0\2");
	const struct format *f = NULL;

	(void)state;
	not_taken(&qcow2, &tar, ERR_REFUSED, "qcow2 and ova");
	not_taken(&vhdx, &dmg, ERR_REFUSED, "vhdx and DMG");
	not_taken(&tar, &dmg, ERR_REFUSED, "ova and DMG");
	not_taken(&fixed, &gzip, ERR_REFUSED, "vhd and gzip");
	/* The guest's content may well be a CD image. */
	assert_int_equal(probe(&qcow2, &cd, &f, NULL), 0);
	assert_string_equal(f->name, "qcow2");
	assert_int_equal(probe(&fixed, &mbr, &f, NULL), 0);
	assert_string_equal(f->name, "vhd");
	assert_int_equal(probe(&fixed, &gpt, &f, NULL), 0);
	assert_string_equal(f->name, "vhd");
	/* The whole disk encrypted by the guest. */
	assert_int_equal(probe(&fixed, &luks, &f, NULL), 0);
	assert_string_equal(f->name, "vhd");
}

/* A version that nobody knows yet is qcow2's to refuse, with its number. */
static void later_versions_are_claimed(void **state)
{
	const struct sample qcow9 = SAMPLE(0, "QFI\xfb\0\0\0\11");

	(void)state;
	taken_for(&qcow9, "qcow2");
}

static void texts_and_odd_sizes_are_no_disks(void **state)
{
	const struct sample odd = { 1000, "\1", 1, 0 };
	const struct sample empty = { 0, "", 0, 0 };
	struct sample text = { 512, NULL, 512, 0 };
	char lines[512];

	(void)state;
	memset(lines, 'x', sizeof(lines));
	lines[80] = '\n';
	text.bytes = lines;
	not_taken(&text, NULL, ERR_UNSUPPORTED, "text, not a disk; -f raw");
	not_taken(&odd, NULL, ERR_UNSUPPORTED, "1000 bytes");
	not_taken(&empty, NULL, ERR_CORRUPT, "empty");
}

static void paths_are_checked(void **state)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	(void)state;
	assert_int_equal(image_open("/tmp", NULL, &d, NULL, &e) < 0, 1);
	assert_non_null(strstr(e.text, "directory"));
	assert_int_equal(image_open("/dev/null/no", "qcow9", &d, NULL, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "unknown format qcow9; there are"));
	assert_int_equal(image_open("/nowhere/at-all", NULL, &d, NULL, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "/nowhere/at-all"));
}

static void names_and_endings(void **state)
{
	(void)state;
	assert_null(format_by_name("nothing"));
	assert_ptr_equal(format_by_name("vpc"), format_by_name("vhd"));
	assert_string_equal(format_by_ending("/a.vhdx/disk.QCOW2")->name, "qcow2");
	assert_string_equal(format_by_ending("disk.img")->name, "raw");
	assert_string_equal(format_by_ending("disk.avhdx")->name, "vhdx");
	assert_null(format_by_ending("/a.raw/disk"));
	assert_null(format_by_ending("disk."));
}

static void options_are_checked(void **state)
{
	static const struct format_option keys[] = { { "size", "", "" }, { "level", "", "" },
		{ 0 } };
	const struct format f = { .name = "some", .options = keys }, bare = { .name = "bare" };
	struct strings options = { 0 };
	struct error e = { 0 };

	(void)state;
	assert_int_equal(strings_add(&options, "size=1", NULL), 0);
	assert_int_equal(strings_add(&options, "level=2", NULL), 0);
	assert_int_equal(strings_add(&options, "size=3=4", NULL), 0);
	assert_int_equal(format_check_options(&f, &options, &e), 0);
	assert_string_equal(option_value(&options, "size"), "3=4");
	assert_null(option_value(&options, "siz"));
	assert_int_equal(format_check_options(&bare, &options, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "bare takes no options: size"));
	assert_int_equal(strings_add(&options, "sizes=3", NULL), 0);
	assert_int_equal(format_check_options(&f, &options, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "some has no option sizes; it knows size, level"));
	strings_free(&options);
	assert_int_equal(strings_add(&options, "size", NULL), 0);
	assert_int_equal(format_check_options(&f, &options, &e), -ERR_USAGE);
	strings_free(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_are_told),
		cmocka_unit_test(known_containers_are_no_raw_disks),
		cmocka_unit_test(two_claims_are_refused),
		cmocka_unit_test(later_versions_are_claimed),
		cmocka_unit_test(texts_and_odd_sizes_are_no_disks),
		cmocka_unit_test(paths_are_checked),
		cmocka_unit_test(names_and_endings),
		cmocka_unit_test(options_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
