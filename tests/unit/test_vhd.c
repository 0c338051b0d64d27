/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD images of our own, read back by us and by libvhdi. */
#include "tests/unit/vhd_bytes.h"

static void content_survives(void **state)
{
	static const uint64_t at[] = { 0, MIB - PIECE / 2, 5 * MIB + 512, 9 * MIB, 40 * MIB - PIECE,
		70 * MIB, 71 * MIB + 100 };
	static const char *const options[] = { "", "block_size=512K", "subformat=fixed",
		"subformat=dynamic,block_size=2M,force_size=on" };
	struct sparse source = sparse_disk(71 * MIB + 512 * 31, at, 7);

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		struct error e = { 0 };
		struct disk *d;

		if (image_make(&source.disk, "a.vhd", options[i], 2, &e))
			fail_msg("%s: %s", options[i], e.text);
		d = image_of("a.vhd");
		assert_int_equal(d->size, source.disk.size);
		assert_int_equal(d->logical_sector, 512);
		assert_same(&source.disk, d);
		disk_close(d);
		assert_libvhdi_agrees(&source.disk, "a.vhd");
	}
	unlink(path_of("a.vhd"));
}

/* What the specification says of each field, from the bytes themselves. */
static void fields_are_as_specified(void **state)
{
	struct bytes b = small_image("block_size=512K");
	const struct vhd_footer *f = footer_of(&b);
	const struct vhd_header *h = header_of(&b);
	size_t used = 0;

	(void)state;
	assert_memory_equal(f, b.data, sizeof(*f));
	assert_memory_equal(f, "conectix\0\0\0\2\0\1\0\0\0\0\0\0\0\0\2\0", 24);
	assert_int_equal(get_be64(f->original_size), 6 * MIB + 512);
	assert_int_equal(get_be64(f->current_size), 6 * MIB + 512);
	/* 12289 sectors: 722 tracks of 17 are 180 cylinders of 4 heads. */
	assert_int_equal(get_be16(f->cylinders), 180);
	assert_int_equal(f->heads, 4);
	assert_int_equal(f->sectors, 17);
	assert_memory_equal(h, "cxsparse\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\6\0", 24);
	assert_int_equal(get_be32(h->entries), 13);
	assert_int_equal(get_be32(h->block_size), 512 << 10);
	for (size_t i = 0; i < 13; i++) {
		size_t bitmap = (size_t)get_be32(table_of(&b)[i]) * 512;

		if (get_be32(table_of(&b)[i]) == VHD_ABSENT)
			continue;
		used++;
		assert_int_equal((bitmap + 512) % 4096, 0);
		for (size_t at = bitmap; at < bitmap + 512; at++)
			assert_int_equal(b.data[at], 0xff);
	}
	assert_int_equal(used, 3);
	/* The rest of the table's sector. */
	for (size_t i = 13; i < 128; i++)
		assert_int_equal(get_be32(table_of(&b)[i]), VHD_ABSENT);
	free(b.data);
}

static void geometry_is(uint64_t size, uint32_t cylinders, uint32_t heads, uint32_t sectors)
{
	struct vhd_image m = { .type = VHD_FIXED, .size = size };
	struct vhd_footer f;

	vhd_footer_make(&m, &f);
	assert_int_equal(get_be16(f.cylinders), cylinders);
	assert_int_equal(f.heads, heads);
	assert_int_equal(f.sectors, sectors);
}

/* The numbers are those that qemu-img writes for the same sizes. */
static void geometry_follows_the_specification(void **state)
{
	(void)state;
	geometry_is(104448, 3, 4, 17);
	geometry_is(67125248, 964, 8, 17);
	geometry_is(67125248 - 512, 963, 8, 17);
	geometry_is(209764352, 826, 16, 31);
	geometry_is(1073995776, 2081, 16, 63);
	geometry_is(42951106560, 20561, 16, 255);
	geometry_is(136365219840, 65279, 16, 255);
	geometry_is(VHD_MAX_SIZE, 65535, 16, 255);
}

static void fixed_is_the_disk_and_a_footer(void **state)
{
	struct sparse source = small_disk();
	struct bytes b = small_image("subformat=fixed");
	uint8_t *want = calloc(1, (size_t)source.disk.size);

	(void)state;
	assert_non_null(want);
	assert_int_equal(b.len, source.disk.size + 512);
	assert_int_equal(disk_read(&source.disk, 0, want, (size_t)source.disk.size, NULL), 0);
	assert_memory_equal(b.data, want, (size_t)source.disk.size);
	assert_int_equal(get_be64(footer_of(&b)->data_offset), UINT64_MAX);
	free(want);
	free(b.data);
}

/* The last blocks of the largest disk, at sector numbers of 32 bits that a sparse file has. */
static void largest_disk_survives(void **state)
{
	static const uint64_t at[] = { 0, 511 * GIB, 512 * GIB, 2040 * GIB - PIECE };
	static const char *const options[] = { "", "block_size=512K" };
	struct sparse source = sparse_disk(VHD_MAX_SIZE, at, 4);
	struct error e = { 0 };

	(void)state;
	for (size_t o = 0; o < 2; o++) {
		struct disk *d;

		assert_int_equal(image_make(&source.disk, "a.vhd", options[o], 2, &e), 0);
		d = image_of("a.vhd");
		assert_int_equal(d->size, VHD_MAX_SIZE);
		for (size_t i = 0; i < 4; i++) {
			uint8_t want[PIECE], got[PIECE];

			assert_int_equal(disk_read(&source.disk, at[i], want, PIECE, NULL), 0);
			assert_int_equal(disk_read(d, at[i], got, PIECE, NULL), 0);
			assert_memory_equal(want, got, PIECE);
		}
		disk_close(d);
	}
	source.disk.size += 512;
	assert_int_equal(image_make(&source.disk, "a.vhd", "", 2, &e), -ERR_USAGE);
	assert_non_null(strstr(e.text, "VHDX"));
	unlink(path_of("a.vhd"));
}

static void bytes_do_not_depend_on_threads(void **state)
{
	static const char *const options[] = { "", "block_size=512K", "subformat=fixed" };
	static const unsigned threads[] = { 2, 3, 8 };
	uint64_t at[40];
	struct sparse source = sparse_disk(64 * MIB, at, 40);

	(void)state;
	for (size_t i = 0; i < 40; i++)
		at[i] = (i * 8 / 5) * MIB + i * 512;
	for (size_t o = 0; o < 3; o++) {
		struct bytes first, other;

		assert_int_equal(image_make(&source.disk, "a.vhd", options[o], 1, NULL), 0);
		first = bytes_of("a.vhd");
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(
				image_make(&source.disk, "a.vhd", options[o], threads[i], NULL), 0);
			other = bytes_of("a.vhd");
			assert_int_equal(first.len, other.len);
			assert_memory_equal(first.data, other.data, first.len);
			free(other.data);
		}
		free(first.data);
	}
	unlink(path_of("a.vhd"));
}

static void identifier_follows_from_content(void **state)
{
	struct sparse source = small_disk();
	struct bytes a = small_image(""), b = small_image("subformat=fixed"), c;
	uint8_t id[16];

	(void)state;
	source.count--;
	assert_int_equal(image_make(&source.disk, "a.vhd", "", 1, NULL), 0);
	c = bytes_of("a.vhd");
	unlink(path_of("a.vhd"));
	memcpy(id, footer_of(&a)->id, sizeof(id));
	/* RFC 9562: version 8, in network byte order. */
	assert_int_equal(id[6] >> 4, 8);
	assert_int_equal(id[8] >> 6, 2);
	assert_memory_not_equal(id, footer_of(&b)->id, sizeof(id));
	assert_memory_not_equal(id, footer_of(&c)->id, sizeof(id));
	free(a.data);
	free(b.data);
	free(c.data);
}

static void spec_fails(const struct image_spec *spec, const char *text)
{
	struct error e = { 0 };
	struct vhd_image m = { 0 };

	assert_int_equal(vhd_plan(spec, &m, &e), -ERR_USAGE);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

static void senseless_requests_are_refused(void **state)
{
	static const struct {
		const char *option, *text;
	} bad[] = {
		{ "subformat=differencing", "dynamic or fixed" },
		{ "block_size=1M", "1048576 is neither 512K nor 2M" },
		{ "block_size=x", "block_size" },
		{ "force_size=off", "never rounded" },
	};
	struct image_spec spec = { .size = MIB, .logical_sector = 512 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct strings list = { 0 };

		assert_int_equal(strings_add(&list, bad[i].option, NULL), 0);
		spec.options = &list;
		spec_fails(&spec, bad[i].text);
		strings_free(&list);
	}
	spec.options = NULL;
	spec.logical_sector = 4096;
	spec_fails(&spec, "4096: use VHDX");
	spec.logical_sector = 512;
	spec.size = 1000;
	spec_fails(&spec, "1000 bytes");
	spec.size = 0;
	spec_fails(&spec, "0 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_survives),
		cmocka_unit_test(fields_are_as_specified),
		cmocka_unit_test(geometry_follows_the_specification),
		cmocka_unit_test(fixed_is_the_disk_and_a_footer),
		cmocka_unit_test(largest_disk_survives),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
		cmocka_unit_test(identifier_follows_from_content),
		cmocka_unit_test(senseless_requests_are_refused),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
