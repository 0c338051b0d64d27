/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD as others write it: odd bitmaps, block sizes, footers, parents. */
#include "tests/unit/vhd_bytes.h"

static int bytes_probe(const struct bytes *b, const struct format **out, struct error *e)
{
	struct disk *file = NULL;
	int rc;

	assert_int_equal(memory_disk_open(b->data, b->len, &file, NULL), 0);
	rc = image_probe(file, out, e);
	disk_close(file);
	return rc;
}

/* Virtual PC before 2004 left out the footer's last byte. */
static void short_footers_are_read(void **state)
{
	static const char *const options[] = { "", "subformat=fixed" };
	struct sparse source = small_disk();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = small_image(options[i]);
		const struct format *f = NULL;

		b.len--;
		assert_opens(&b, &source.disk);
		assert_int_equal(bytes_probe(&b, &f, NULL), 0);
		assert_ptr_equal(f, &vhd_format);
		free(b.data);
	}
}

/* Whoever made it: geometry and original size are for others. */
static void current_size_is_the_size(void **state)
{
	struct sparse source = small_disk();
	struct bytes b = small_image("");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct vhd_footer *f = i ? footer_of(&b) : footer_at(&b, 0);

		memcpy(f->creator, "vpc ", 4);
		f->cylinders = put_be16(1);
		f->original_size = put_be64(512);
		footer_seal(f);
	}
	assert_opens(&b, &source.disk);
	size_set(&b, 0);
	assert_fails(&b, ERR_CORRUPT, "0 bytes");
	size_set(&b, 6 * MIB + 100);
	assert_fails(&b, ERR_CORRUPT, "6291556 bytes");
	size_set(&b, UINT64_MAX - 511);
	assert_fails(&b, ERR_CORRUPT, "size");
	size_set(&b, 8 * MIB);
	assert_int_equal(get_be32(header_of(&b)->entries), 4);
	size_set(&b, 8 * MIB + 512);
	assert_fails(&b, ERR_CORRUPT, "4 table entries");
	free(b.data);
}

/* Sectors whose bit is 0 read as zeros, whatever lies in their place. */
static void bitmaps_are_honoured(void **state)
{
	struct bytes b = small_image("");
	size_t bitmap = (size_t)get_be32(table_of(&b)[0]) * 512, data = bitmap + 512;
	uint8_t *got = malloc(2 * MIB), *want = calloc(1, 2 * MIB);
	struct disk *d = NULL;
	struct extent x;

	(void)state;
	assert_true(got && want);
	memset(b.data + data, 'x', 2 * MIB);
	/* Sectors 0, 9..15 and 4095. */
	memset(b.data + bitmap, 0, 512);
	b.data[bitmap] = 0x80;
	b.data[bitmap + 1] = 0x7f;
	b.data[bitmap + 511] = 1;
	memset(want, 'x', 512);
	memset(want + 9 * 512, 'x', 7 * 512);
	memset(want + 4095 * 512, 'x', 512);
	assert_int_equal(bytes_open(&b, &d, NULL), 0);
	for (size_t off = 0; off < 20 * 512; off += 100) {
		assert_int_equal(disk_read(d, off, got, 777, NULL), 0);
		assert_memory_equal(got, want + off, 777);
	}
	assert_int_equal(disk_read(d, 0, got, 2 * MIB, NULL), 0);
	assert_memory_equal(got, want, 2 * MIB);
	assert_int_equal(disk_extent(d, 100, &x, NULL), 0);
	assert_true(x.plain && !x.zero && x.length == 412 && x.offset == data + 100);
	assert_int_equal(disk_extent(d, 512, &x, NULL), 0);
	assert_true(x.zero && x.stored && x.length == 8 * 512);
	assert_int_equal(disk_extent(d, 10 * 512, &x, NULL), 0);
	assert_true(x.plain && x.length == 6 * 512 && x.offset == data + 10 * 512);
	assert_int_equal(disk_extent(d, 16 * 512, &x, NULL), 0);
	assert_true(x.zero && x.length == 4079 * 512);
	assert_int_equal(disk_extent(d, 4095 * 512, &x, NULL), 0);
	assert_true(x.plain && x.length == 512);
	assert_int_equal(disk_extent(d, 2 * MIB, &x, NULL), 0);
	assert_true(x.zero && !x.stored && x.length == 2 * MIB);
	disk_close(d);
	free(got);
	free(want);
	free(b.data);
}

/* Block sizes that nobody writes, up to one whose bitmap has several sectors. */
static void any_block_size_is_read(void **state)
{
	enum { SIZE = 8 << 20, START = 1 << 20 };

	(void)state;
	for (uint32_t size = 512; size <= SIZE; size *= 2) {
		uint32_t bitmap = vhd_bitmap_size(size), stride = bitmap + size;
		uint32_t blocks = SIZE / size;
		struct bytes b = { NULL, START + (size_t)blocks * stride + 512 };
		struct vhd_image m = { .type = VHD_DYNAMIC,
			.size = SIZE,
			.header_offset = HEADER,
			.table_offset = TABLE,
			.entries = blocks,
			.block_size = size };
		struct vhd_footer *f;
		struct disk *d = NULL, *same = NULL;
		uint8_t *want = malloc(SIZE);

		b.data = calloc(1, b.len + ROOM);
		assert_true(b.data && want);
		vhd_header_make(&m, header_of(&b));
		f = footer_of(&b);
		vhd_footer_make(&m, f);
		memcpy(b.data, f, sizeof(*f));
		for (uint32_t i = 0; i < SIZE; i++)
			want[i] = (uint8_t)(i % 253 + i / 512);
		/* Backwards, with every third sector taken out. */
		for (uint32_t i = 0; i < blocks; i++) {
			uint32_t at = START + (blocks - 1 - i) * stride;

			table_of(&b)[i] = put_be32(at / 512);
			memcpy(b.data + at + bitmap, want + (size_t)i * size, size);
			for (uint32_t s = 0; s < size / 512; s++) {
				uint32_t sector = i * (size / 512) + s;

				if (sector % 3)
					b.data[at + s / 8] |= (uint8_t)(0x80 >> s % 8);
				else
					memset(want + (size_t)sector * 512, 0, 512);
			}
		}
		assert_int_equal(bytes_open(&b, &d, NULL), 0);
		assert_int_equal(memory_disk_open(want, SIZE, &same, NULL), 0);
		assert_same(same, d);
		disk_close(same);
		disk_close(d);
		free(want);
		free(b.data);
	}
}

static void info_of(const struct bytes *b, struct image_info *out)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (bytes_open(b, &d, &e) || vhd_format.info(d, out, &e))
		fail_msg("%s", e.text);
	disk_close(d);
}

static void info_tells(void **state)
{
	static const uint8_t id[] = { 0x5f, 0xa2, 0x1a, 0x55, 0xf3, 0x94, 0xaa, 0x4d, 0x99, 0x58,
		0x19, 0x51, 0xa6, 0x7d, 0x55, 0x40 };
	struct bytes b = small_image("block_size=512K");
	struct image_info info = { 0 };

	(void)state;
	memcpy(footer_of(&b)->id, id, sizeof(id));
	memcpy(footer_of(&b)->creator, "a\033 \0", 4);
	footer_seal(footer_of(&b));
	info_of(&b, &info);
	assert_string_equal(info.subformat, "dynamic");
	assert_int_equal(info.block_size, 512 << 10);
	assert_string_equal(info.creator, "a?");
	assert_string_equal(
		info.identifiers.item[0], "unique=5fa21a55-f394-aa4d-9958-1951a67d5540");
	assert_null(info.parent_path);
	image_info_free(&info);
	free(b.data);
	b = small_image("subformat=fixed");
	info_of(&b, &info);
	assert_string_equal(info.subformat, "fixed");
	assert_int_equal(info.block_size, 0);
	assert_string_equal(info.creator, "qem2");
	image_info_free(&info);
	free(b.data);
}

static void parent_is(const struct bytes *b, const char *path)
{
	struct image_info info = { 0 };

	info_of(b, &info);
	assert_string_equal(info.subformat, "differencing");
	if (path) {
		assert_string_equal(info.parent_path, path);
		assert_int_equal(info.references.count, 1);
	} else {
		assert_null(info.parent_path);
	}
	image_info_free(&info);
}

static void locator_set(const struct bytes *b, size_t i, const char *platform, size_t at,
	const char *text, uint32_t len)
{
	struct vhd_locator *l = &header_of(b)->locator[i];

	memcpy(l->platform, platform, 4);
	l->length = put_be32(len);
	l->offset = put_be64(at);
	for (size_t c = 0; text[c]; c++)
		b->data[at + 2 * c] = (uint8_t)text[c];
	header_seal(header_of(b));
}

/* It can be described, but nothing of it is read, and nothing in it is known to be zero. */
static void differencing_is_refused(void **state)
{
	struct bytes b = small_image("");
	struct vhd_header *h = header_of(&b);
	struct disk *d = NULL;
	struct extent x;
	size_t end;

	(void)state;
	type_set(&b, VHD_DIFFERENCING);
	parent_is(&b, NULL);
	assert_fails(&b, ERR_REFUSED, "does not name");
	for (size_t i = 0; i < 6; i++)
		h->parent_name[i] = put_be16((uint16_t) "base.v"[i]);
	header_seal(h);
	parent_is(&b, "base.v");
	/* In front of the footer there is room now. */
	end = b.len - 512;
	memmove(b.data + end + 1024, b.data + end, 512);
	memset(b.data + end, 0, 1024);
	b.len += 1024;
	locator_set(&b, 3, "W2ku", end, "C:\\dir\\base.vhd", 30);
	parent_is(&b, "C:\\dir\\base.vhd");
	locator_set(&b, 5, "W2ru", end + 512, ".\\base.vhd", 20);
	parent_is(&b, ".\\base.vhd");
	assert_fails(&b, ERR_REFUSED, "its parent .\\base.vhd");
	assert_int_equal(bytes_open(&b, &d, NULL), 0);
	assert_int_equal(disk_extent(d, 3 * MIB, &x, NULL), 0);
	assert_true(!x.zero && !x.stored);
	assert_int_equal(disk_extent(d, 0, &x, NULL), 0);
	assert_true(!x.zero && x.stored);
	disk_close(d);
	/* A locator that leads nowhere. */
	locator_set(&b, 5, "W2ru", b.len - 10, "", 20);
	parent_is(&b, "C:\\dir\\base.vhd");
	locator_set(&b, 3, "W2ku", end, "", UINT32_MAX);
	parent_is(&b, "base.v");
	free(b.data);
}

/* Every fixed disk has partition tables where a raw one has them; another container is a claim. */
static void partitions_are_no_second_claim(void **state)
{
	struct bytes b = small_image("subformat=fixed");
	const struct format *f = NULL;
	struct error e = { 0 };

	(void)state;
	memcpy(b.data + 510,
		"\x55\xaa"
		"EFI PART",
		10);
	assert_int_equal(bytes_probe(&b, &f, &e), 0);
	assert_ptr_equal(f, &vhd_format);
	memcpy(b.data, "QFI\xfb\0\0\0\3", 8);
	assert_int_equal(bytes_probe(&b, &f, &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "vhd and qcow2"));
	free(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bitmaps_are_honoured),
		cmocka_unit_test(any_block_size_is_read),
		cmocka_unit_test(short_footers_are_read),
		cmocka_unit_test(current_size_is_the_size),
		cmocka_unit_test(partitions_are_no_second_claim),
		cmocka_unit_test(info_tells),
		cmocka_unit_test(differencing_is_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
