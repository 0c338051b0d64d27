/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "disk/memory.h"
#include "fs/fs.h"
#include "tests/unit/lvm_sample.h"
#include "volume/lvm_config.h"
#include "volume/resize.h"
#include "volume/volume.h"

enum {
	MIB = 1 << 20,
	SIZE = 8 * MIB,
	P1 = MIB, /* 2 MiB */
	P2 = 4 * MIB, /* 3 MiB */
};

struct sample {
	uint8_t *bytes;
	struct disk *disk;
	struct volume_list list;
	struct report report;
};

static void partition(uint8_t *entry, uint32_t start, uint32_t size)
{
	entry[4] = 0x8e;
	put32(entry + 8, start / 512);
	put32(entry + 12, size / 512);
}

/* Two PVs; every other byte tells its place. */
static void sample_make(struct sample *s, const char *text)
{
	*s = (struct sample){ .bytes = malloc(SIZE) };
	assert_non_null(s->bytes);
	for (size_t i = 0; i < SIZE; i++)
		s->bytes[i] = (uint8_t)(i >> 8 ^ i >> 16);
	memset(s->bytes, 0, 512);
	s->bytes[510] = 0x55;
	s->bytes[511] = 0xaa;
	partition(s->bytes + 446, P1, 2 * MIB);
	partition(s->bytes + 462, P2, 3 * MIB);
	pv_label(s->bytes + P1, 2 * MIB, PV_ID_A, 0);
	pv_label(s->bytes + P2, 3 * MIB, PV_ID_B, 3 * MIB - PV_AREA_SIZE);
	pv_text(s->bytes + P1, PV_AREA, 512, text);
	pv_text(s->bytes + P2, PV_AREA, 512, text);
	pv_text(s->bytes + P2, 3 * MIB - PV_AREA_SIZE, 512, text);
}

static void sample_open(struct sample *s)
{
	struct error e = { 0 };

	assert_int_equal(memory_disk_open(s->bytes, SIZE, &s->disk, &e), 0);
	if (volumes_open(s->disk, &s->list, &s->report, &e))
		fail_msg("%s", e.text);
}

static void sample_free(struct sample *s)
{
	volumes_close(&s->list);
	report_free(&s->report);
	disk_close(s->disk);
	free(s->bytes);
}

/* What `text` gives beside the two partitions: LVs, and findings of that code. */
static void expect(
	const char *text, size_t volumes, size_t findings, const char *code, const char *words)
{
	struct sample s;

	sample_make(&s, text);
	sample_open(&s);
	if (s.report.count != findings)
		fail_msg("%zu findings, %s", s.report.count,
			s.report.count ? s.report.finding[0].text : "");
	for (size_t i = 0; i < findings; i++) {
		assert_string_equal(s.report.finding[i].code, code);
		assert_int_equal(s.report.finding[i].severity, SEVERITY_WARNING);
		if (!strstr(s.report.finding[i].text, words))
			fail_msg("%s", s.report.finding[i].text);
	}
	assert_int_equal(s.list.count, 2 + volumes);
	sample_free(&s);
}

#define TWO_VOLUMES                                                                                \
	LV_TEXT("root", VISIBLE, "2",                                                              \
		SEGMENT_TEXT("segment1", "0", "2", LINEAR("pv0", "3"))                             \
			SEGMENT_TEXT("segment2", "2", "1", LINEAR("pv1", "0")))                    \
	LV_TEXT("a-b", VISIBLE, "1",                                                               \
		SEGMENT_TEXT("segment1", "0", "4",                                                 \
			"type = \"striped\"\nstripe_count = 2\nstripe_size = 32\n"                 \
			"stripes = [\"pv1\", 4, \"pv0\", 8]\n"))

static void bytes_come_from_the_pieces(void **state)
{
	const uint64_t pv0 = P1 + PV_START, pv1 = P2 + PV_START, stripe = 16384;
	struct sample s;
	struct error e = { 0 };
	uint8_t *read = malloc(4 * PV_EXTENT);
	struct disk *root, *striped;

	(void)state;
	assert_non_null(read);
	sample_make(&s, GROUP_TEXT("7", TWO_VOLUMES));
	sample_open(&s);
	assert_int_equal(s.report.count, 0);
	assert_int_equal(s.list.count, 4);
	assert_string_equal(s.list.volume[2].id, "g-1/root");
	assert_string_equal(s.list.volume[2].parent, "p1");
	assert_string_equal(s.list.volume[2].type, "lvm");
	assert_int_equal(s.list.volume[2].size, 3 * PV_EXTENT);
	assert_int_equal(s.list.volume[2].off, pv0 + 3 * PV_EXTENT);
	assert_string_equal(s.list.volume[3].id, "g-1/a-b");
	assert_string_equal(s.list.volume[3].parent, "p2");
	root = s.list.volume[2].disk;
	striped = s.list.volume[3].disk;
	assert_int_equal(disk_read(root, 0, read, 3 * PV_EXTENT, &e), 0);
	assert_memory_equal(read, s.bytes + pv0 + 3 * PV_EXTENT, 2 * PV_EXTENT);
	assert_memory_equal(read + 2 * PV_EXTENT, s.bytes + pv1, PV_EXTENT);
	assert_int_equal(disk_read(striped, 0, read, 4 * PV_EXTENT, &e), 0);
	for (uint64_t i = 0; i < 16; i++)
		assert_memory_equal(read + i * stripe,
			s.bytes + (i % 2 ? pv0 + 8 * PV_EXTENT : pv1 + 4 * PV_EXTENT) +
				i / 2 * stripe,
			stripe);
	assert_int_equal(disk_write(root, 2 * PV_EXTENT - 2, "abcd", 4, &e), 0);
	assert_int_equal(disk_read(s.disk, pv0 + 5 * PV_EXTENT - 2, read, 2, &e), 0);
	assert_int_equal(disk_read(s.disk, pv1, read + 2, 2, &e), 0);
	assert_memory_equal(read, "abcd", 4);
	assert_int_equal(disk_zero(striped, stripe - 1, 2, &e), 0);
	assert_int_equal(disk_read(s.disk, pv1 + 4 * PV_EXTENT + stripe - 1, read, 1, &e), 0);
	assert_int_equal(disk_read(s.disk, pv0 + 8 * PV_EXTENT, read + 1, 1, &e), 0);
	assert_memory_equal(read, "\0\0", 2);
	assert_int_equal(disk_read(root, 3 * PV_EXTENT - 1, read, 2, &e), -ERR_RANGE);
	free(read);
	sample_free(&s);
}

static void pools_know_what_is_unused(void **state)
{
	const uint64_t pv0 = P1 + PV_START;
	struct sample s;
	const struct ranges *r;

	(void)state;
	sample_make(&s, GROUP_TEXT("7", TWO_VOLUMES));
	sample_open(&s);
	assert_true(s.list.volume[0].pool);
	r = &s.list.volume[0].unused;
	assert_int_equal(r->count, 3);
	assert_int_equal(r->range[0].start, pv0);
	assert_int_equal(r->range[0].end, pv0 + 3 * PV_EXTENT);
	assert_int_equal(r->range[1].start, pv0 + 5 * PV_EXTENT);
	assert_int_equal(r->range[1].end, pv0 + 8 * PV_EXTENT);
	assert_int_equal(r->range[2].start, pv0 + 10 * PV_EXTENT);
	assert_int_equal(r->range[2].end, pv0 + 16 * PV_EXTENT);
	assert_false(s.list.volume[2].pool);
	sample_free(&s);
	sample_make(&s,
		GROUP_TEXT("7",
			LV_TEXT("t", VISIBLE, "1",
				SEGMENT_TEXT("segment1", "0", "1", "type = \"thin\"\n"))));
	sample_open(&s);
	assert_false(s.list.volume[0].pool);
	assert_int_equal(s.list.volume[0].unused.count, 0);
	sample_free(&s);
}

static void paths_of_the_device_mapper(void **state)
{
	static const char *const mine[] = { "/dev/mapper/g--1-a--b", "/dev/g-1/a-b",
		"/dev/disk/by-id/dm-name-g--1-a--b",
		("/dev/disk/by-id/"
		 "dm-uuid-LVM-gggggg00001111222233334444555555llllll00001111222233334444555555") };
	static const char *const others[] = { "/dev/mapper/g-1-a-b", "/dev/mapper/g-1/a-b",
		"/dev/mapper/g--1-a--", "/dev/g-1/a-bc", "g-1/a-b", "UUID=g-1/a-b", "/dev/",
		"/dev/disk/by-id/dm-uuid-LVM-" };
	struct sample s;

	(void)state;
	sample_make(&s, GROUP_TEXT("7", TWO_VOLUMES));
	sample_open(&s);
	for (size_t i = 0; i < sizeof(mine) / sizeof(*mine); i++) {
		assert_true(volume_is_path(&s.list.volume[3], mine[i]));
		/* Both have the same uuid here. */
		assert_int_equal(volume_is_path(&s.list.volume[2], mine[i]), i == 3);
		assert_false(volume_is_path(&s.list.volume[0], mine[i]));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_false(volume_is_path(&s.list.volume[3], others[i]));
	sample_free(&s);
}

#define ONE(name, at)                                                                              \
	LV_TEXT(name, VISIBLE, "1", SEGMENT_TEXT("segment1", "0", "1", LINEAR("pv0", at)))

/* Which of the texts is used, seen in the name of its volume. */
static void expect_copy(struct sample *s, const char *id, size_t findings)
{
	sample_open(s);
	assert_int_equal(s->report.count, findings);
	for (size_t i = 0; i < findings; i++)
		assert_string_equal(s->report.finding[i].code, "lvm-metadata-damaged");
	assert_int_equal(s->list.count, id ? 3 : 2);
	if (id)
		assert_string_equal(s->list.volume[2].id, id);
	sample_free(s);
}

static void newest_good_copy_counts(void **state)
{
	const uint64_t last = 3 * MIB - PV_AREA_SIZE;
	struct sample s;

	(void)state;
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	pv_text(s.bytes + P2, last, PV_AREA_SIZE - 100, GROUP_TEXT("10", ONE("new", "1")));
	expect_copy(&s, "g-1/new", 0);
	/* The newest is damaged. */
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	pv_text(s.bytes + P2, last, PV_AREA_SIZE - 100, GROUP_TEXT("10", ONE("new", "1")));
	s.bytes[P2 + last + 600] ^= 1;
	expect_copy(&s, "g-1/old", 1);
	/* A label is. */
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	s.bytes[P2 + 512 + 100] ^= 1;
	expect_copy(&s, "g-1/old", 1);
	/* All are, in turn: header, text, place. */
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	s.bytes[P1 + PV_AREA + 300] ^= 1;
	s.bytes[P2 + PV_AREA + 600] ^= 1;
	memcpy(s.bytes + P2 + last, s.bytes + P2 + PV_AREA, 8192);
	expect_copy(&s, NULL, 3);
	/* Two texts say that they are the newest. */
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	pv_text(s.bytes + P2, last, 512, GROUP_TEXT("9", ONE("old", "2")));
	expect_copy(&s, NULL, 1);
	/* A copy that LVM set aside is not looked at. */
	sample_make(&s, GROUP_TEXT("9", ONE("old", "1")));
	pv_text(s.bytes + P2, last, 512, GROUP_TEXT("10", ONE("new", "1")));
	put32(s.bytes + P2 + last + 60, 1);
	put32(s.bytes + P2 + last, lvm_sum(s.bytes + P2 + last + 4, 508));
	expect_copy(&s, "g-1/old", 0);
}

static void not_opened(void **state)
{
	(void)state;
	expect(GROUP_TEXT("1", ""), 0, 0, "", "");
	expect(GROUP_TEXT("1", ONE("a", "15")), 1, 0, "", "");
	expect(GROUP_TEXT("1", ONE("a", "16")), 0, 1, "lvm-volume-damaged", "not inside pv0");
	expect(GROUP_TEXT("1", ONE("a", "18446744073709551615")), 0, 1, "lvm-volume-damaged",
		"not inside");
	expect(GROUP_TEXT("1", ONE("a", "-1")), 0, 1, "lvm-volume-damaged", "not inside");
	expect(GROUP_TEXT("1", ONE("a", "3") ONE("b", "2") ONE("c", "3")), 1, 2,
		"lvm-volume-damaged", "overlaps");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "2",
			       SEGMENT_TEXT("segment1", "0", "1", LINEAR("pv0", "1"))
				       SEGMENT_TEXT("segment2", "1", "2", LINEAR("pv0", "0")))),
		0, 1, "lvm-volume-damaged", "overlaps a");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "1", "1", LINEAR("pv0", "1")))),
		0, 1, "lvm-volume-damaged", "segments");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "2",
			       SEGMENT_TEXT("segment1", "0", "1", LINEAR("pv0", "1")))),
		0, 1, "lvm-volume-damaged", "1 segments instead of 2");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "0", LINEAR("pv0", "1")))),
		0, 1, "lvm-volume-damaged", "segment1 makes no sense");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "3",
				       "type = \"striped\"\nstripe_count = 2\nstripe_size = "
				       "32\nstripes = [\"pv1\", 4, \"pv0\", 8]\n"))),
		0, 1, "lvm-volume-damaged", "segment1 makes no sense");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "2",
				       "type = \"striped\"\nstripe_count = 2\nstripe_size = "
				       "3\nstripes = [\"pv1\", 4, \"pv0\", 8]\n"))),
		0, 1, "lvm-volume-damaged", "segment1 makes no sense");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "2",
				       "type = \"striped\"\nstripe_count = 2\nstripe_size = "
				       "32\nstripes = [\"pv1\", 4, \"pv0\"]\n"))),
		0, 1, "lvm-volume-damaged", "segment1 makes no sense");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "2", LINEAR("other", "1")))),
		0, 1, "lvm-volume-unsupported", "made of other");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE ", \"LOCKED\"", "1",
			       SEGMENT_TEXT("segment1", "0", "1", LINEAR("pv0", "1")))),
		0, 1, "lvm-volume-unsupported", "LOCKED");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", VISIBLE, "1",
			       SEGMENT_TEXT("segment1", "0", "1", "type = \"raid1\"\n"))),
		0, 1, "lvm-volume-unsupported", "raid1");
	expect(GROUP_TEXT("1",
		       LV_TEXT("a", "\"READ\", \"WRITE\"", "1",
			       SEGMENT_TEXT("segment1", "0", "1", "type = \"raid1\"\n"))
			       ONE("b", "4")),
		1, 0, "", "");
	/* A snapshot, its origin and its store; another volume is not concerned. */
	expect(GROUP_TEXT("1",
		       ONE("root", "0") ONE("snap", "1") ONE("other", "2")
			       LV_TEXT("snapshot0", "\"READ\", \"WRITE\"", "1",
				       SEGMENT_TEXT("segment1", "0", "1",
					       "type = \"snapshot\"\nchunk_size = 8\norigin = "
					       "\"root\"\ncow_store = \"snap\"\n"))),
		1, 2, "lvm-volume-unsupported", "used by snapshot0");
}

/* The text with one word replaced. */
static void expect_with(const char *from, const char *to, size_t volumes, size_t findings,
	const char *code, const char *words)
{
	static const char text[] = GROUP_TEXT("1", ONE("a", "1"));
	const char *at = strstr(text, from);
	char changed[sizeof(text) + 200];

	assert_non_null(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, to,
		at + strlen(from));
	expect(changed, volumes, findings, code, words);
}

static void groups_that_are_refused(void **state)
{
	(void)state;
	expect_with("\"RESIZEABLE\"", "\"EXPORTED\"", 0, 1, "lvm-metadata-damaged", "exported");
	expect_with(
		"extent_size = 128", "extent_size = 0", 0, 1, "lvm-metadata-damaged", "0 sectors");
	expect_with("pe_start = 128", "pe_start = 127", 0, 1, "lvm-metadata-damaged",
		"over its metadata");
	expect_with("pe_count = 16", "pe_count = 32", 0, 1, "lvm-metadata-damaged", "not inside");
	expect_with("pe_count = 32", "pe_count = 47", 0, 1, "lvm-metadata-damaged",
		"over its metadata");
	expect_with("pe_count = 32", "pe_count = 46", 1, 0, "", "");
	expect_with("pe_count = 16", "pe_count = 281474976710656", 0, 1, "lvm-metadata-damaged",
		"not inside");
	expect_with(PV_ID_B "\"\nflags = []\npe_start = 128\npe_count = 32",
		PV_ID_A "\"\npe_start = 128\npe_count = 1", 0, 1, "lvm-metadata-damaged", "one id");
	expect_with(PV_ID_A, "CCCCCC-0000-1111-2222-3333-4444-555555", 0, 1,
		"lvm-volume-incomplete", "pv0");
	expect_with("status = [\"ALLOCATABLE\"]", "flags = [\"MISSING\"]", 0, 1,
		"lvm-volume-incomplete", "pv0");
	/* Once for each copy, as none can be used. */
	expect_with("version = 1", "version = 2", 0, 3, "lvm-metadata-damaged", "version 2");
	expect_with("g-1 {", "-g {", 0, 3, "lvm-metadata-damaged", "no name");
	expect_with("seqno", "seqnr", 0, 3, "lvm-metadata-damaged", "no name, id or seqno");
	expect_with(
		"extent_size = 128", "extent_size = 1x", 0, 3, "lvm-metadata-damaged", "at byte");
}

static void configs_that_are_none(void **state)
{
	static const char *const texts[] = { "}", "a {", "a", "a =", "a = [", "a = [1", "a = [1 2]",
		"a = \"b", "a = \"b\\", "a = 99999999999999999999", "= 1", "a = b", "a = {",
		"\"a\" = 1", "a = [[1]]", "a { } }", "a = -" };
	struct lvm_config c;
	struct error e = { 0 };
	uint64_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (lvm_config_parse(texts[i], strlen(texts[i]), &c, &e) != -ERR_CORRUPT)
			fail_msg("%s", texts[i]);
	assert_int_equal(
		lvm_config_parse("a=1 b{c=[ ]d=[1,\"x\\\"\\\\y\",]#}\n} # e", 34, &c, &e), 0);
	assert_true(lvm_number(&c, 0, "a", &n));
	assert_int_equal(n, 1);
	assert_null(lvm_text(&c, 0, "a"));
	assert_true(lvm_has(&c, lvm_find(&c, 0, "b", LVM_SECTION), "d", "x\"\\y"));
	assert_false(lvm_has(&c, lvm_find(&c, 0, "b", LVM_SECTION), "c", ""));
	assert_false(lvm_has(&c, 0, "d", "x\"\\y"));
	lvm_config_free(&c);
}

static void read_only_volumes_are_not_written(void **state)
{
	struct sample s;
	struct error e = { 0 };

	(void)state;
	sample_make(&s,
		GROUP_TEXT("1",
			LV_TEXT("a", "\"READ\", \"VISIBLE\"", "1",
				SEGMENT_TEXT("segment1", "0", "1", LINEAR("pv0", "1")))));
	sample_open(&s);
	assert_int_equal(s.list.count, 3);
	assert_int_equal(disk_write(s.list.volume[2].disk, 0, "x", 1, &e), -ERR_REFUSED);
	sample_free(&s);
}

static void one_id_twice(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s, GROUP_TEXT("1", ONE("a", "1")));
	pv_label(s.bytes + P2, 3 * MIB, PV_ID_A, 0);
	sample_open(&s);
	assert_int_equal(s.list.count, 2);
	assert_int_equal(s.report.count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(s.report.finding[i].code, "lvm-volume-incomplete");
	sample_free(&s);
}

static void pieces_do_not_hinder_shrinking(void **state)
{
	struct sample s;
	struct error e = { 0 };

	(void)state;
	sample_make(&s, GROUP_TEXT("7", TWO_VOLUMES));
	sample_open(&s);
	assert_int_equal(volumes_fit(s.disk, 7 * MIB, &e), 0);
	assert_int_equal(volumes_fit(s.disk, 7 * MIB - 512, &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "p2"));
	sample_free(&s);
}

static void raid_new_put(uint8_t *at, uint64_t where)
{
	memset(at, 0, 4096);
	put32(at, 0xa92b4efc);
	put32(at + 4, 1);
	memcpy(at + 16, "\x12\x34\x56\x78\x9a\xbc\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde\xf0", 16);
	memcpy(at + 32, "host:0", 6);
	put32(at + 72, 1);
	put32(at + 92, 2);
	put64(at + 144, where / 512);
}

/* A member with LVM or ext inside is a member, and nothing in it is opened. */
static void members_of_arrays(void **state)
{
	static const struct {
		uint64_t at;
		const char *version;
	} places[] = { { 0, "1.1" }, { 4096, "1.2" }, { 2 * MIB - 8192, "1.0" },
		{ 2 * MIB - 65536, "0.90" } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct sample s;
		struct fs_id id;
		struct error e = { 0 };

		sample_make(&s, GROUP_TEXT("1", ONE("a", "1")));
		put32(s.bytes + P1 + 1024 + 0x38, 0xef53);
		raid_new_put(s.bytes + P1 + places[i].at, places[i].at);
		if (i == 3) {
			put32(s.bytes + P1 + places[i].at + 4, 0);
			put32(s.bytes + P1 + places[i].at + 8, 90);
			put32(s.bytes + P1 + places[i].at + 28, 1);
			put32(s.bytes + P1 + places[i].at + 40, 2);
		}
		sample_open(&s);
		assert_int_equal(s.list.count, 2);
		assert_string_equal(s.report.finding[0].code, "volume-raid");
		assert_non_null(
			strstr(s.report.finding[0].text, "one of 2 devices of the RAID 1 array"));
		assert_non_null(strstr(s.report.finding[0].text, places[i].version));
		assert_int_equal(strstr(s.report.finding[0].text, "host:0") != NULL, i != 3);
		assert_int_equal(fs_identify(s.list.volume[0].disk, &id, &e), 0);
		assert_string_equal(id.type, "linux_raid_member");
		/* It says that it was made for another place. */
		sample_free(&s);
		if (i == 3)
			continue;
		sample_make(&s, GROUP_TEXT("1", ""));
		raid_new_put(s.bytes + P1 + places[i].at, places[i].at + 512);
		sample_open(&s);
		for (size_t n = 0; n < s.report.count; n++)
			assert_string_not_equal(s.report.finding[n].code, "volume-raid");
		sample_free(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_from_the_pieces),
		cmocka_unit_test(pools_know_what_is_unused),
		cmocka_unit_test(paths_of_the_device_mapper),
		cmocka_unit_test(newest_good_copy_counts),
		cmocka_unit_test(not_opened),
		cmocka_unit_test(groups_that_are_refused),
		cmocka_unit_test(configs_that_are_none),
		cmocka_unit_test(read_only_volumes_are_not_written),
		cmocka_unit_test(one_id_twice),
		cmocka_unit_test(pieces_do_not_hinder_shrinking),
		cmocka_unit_test(members_of_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
