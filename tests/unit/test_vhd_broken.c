/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD broken in every way that we tell. */
#include "tests/unit/vhd_bytes.h"

static void one_damaged_footer_is_survived(void **state)
{
	struct sparse source = small_disk();
	struct bytes b = small_image("");

	(void)state;
	footer_of(&b)->saved_state ^= 1;
	assert_opens(&b, &source.disk);
	memset(footer_of(&b), 0, 512);
	assert_opens(&b, &source.disk);
	b.len -= 512;
	assert_opens(&b, &source.disk);
	b.len += 512;
	memcpy(footer_of(&b), b.data, 512);
	footer_at(&b, 0)->creator[0] ^= 1;
	assert_opens(&b, &source.disk);
	memset(b.data, 0, 512);
	assert_opens(&b, &source.disk);
	footer_of(&b)->reserved[426] ^= 1;
	assert_fails(&b, ERR_CORRUPT, "has checksum");
	memset(footer_of(&b), 0, 512);
	assert_fails(&b, ERR_CORRUPT, "no VHD footer");
	free(b.data);
}

static void fixed_footers_are_checked(void **state)
{
	struct sparse source = small_disk();
	struct bytes b = small_image("subformat=fixed");
	struct vhd_footer *f = footer_of(&b);

	(void)state;
	assert_opens(&b, &source.disk);
	f->timestamp.b[0]++;
	assert_fails(&b, ERR_CORRUPT, "no good copy");
	f->current_size = put_be64(6 * MIB + 1024);
	footer_seal(f);
	assert_fails(&b, ERR_CORRUPT, "6291968 in front of the footer");
	f->current_size = put_be64(6 * MIB + 512);
	footer_seal(f);
	/* The guest makes other tools believe that the disk is dynamic. */
	memcpy(b.data, f, 512);
	footer_at(&b, 0)->type = put_be32(VHD_DYNAMIC);
	assert_fails(&b, ERR_REFUSED, "-f raw");
	memset(f, 0, 512);
	memcpy(f, b.data, 8);
	footer_at(&b, 0)->type = put_be32(VHD_FIXED);
	footer_seal(footer_at(&b, 0));
	assert_fails(&b, ERR_CORRUPT, "checksum");
	memset(f, 0, 512);
	assert_fails(&b, ERR_CORRUPT, "cut off");
	b.len = 511;
	assert_fails(&b, ERR_CORRUPT, "511 bytes are too few");
	free(b.data);
}

static void footers_that_disagree_are_refused(void **state)
{
	struct bytes b = small_image("");

	(void)state;
	footer_of(&b)->type = put_be32(VHD_DIFFERENCING);
	footer_seal(footer_of(&b));
	assert_fails(&b, ERR_CORRUPT, "type 4, header at 512) and its copy (type 3");
	type_set(&b, VHD_DYNAMIC);
	footer_of(&b)->data_offset = put_be64(1024);
	footer_seal(footer_of(&b));
	assert_fails(&b, ERR_CORRUPT, "contradict");
	free(b.data);
}

static void unknown_kinds_are_told(void **state)
{
	struct bytes b = small_image("");

	(void)state;
	type_set(&b, 5);
	assert_fails(&b, ERR_UNSUPPORTED, "disk type 5");
	type_set(&b, VHD_DYNAMIC);
	footer_of(&b)->version = put_be32(0x00020001);
	footer_seal(footer_of(&b));
	assert_fails(&b, ERR_UNSUPPORTED, "footer has version 2.1");
	memcpy(footer_of(&b), b.data, 512);
	header_of(&b)->version = put_be32(0x00030000);
	header_seal(header_of(&b));
	assert_fails(&b, ERR_UNSUPPORTED, "header has version 3.0");
	free(b.data);
}

static void headers_are_checked(void **state)
{
	struct bytes b = small_image("");
	struct vhd_header *h = header_of(&b), good = *h;

	(void)state;
	h->reserved2[255] ^= 1;
	assert_fails(&b, ERR_CORRUPT, "header has checksum");
	*h = good;
	h->cookie[0] = 'C';
	assert_fails(&b, ERR_CORRUPT, "no dynamic disk header at 512");
	for (uint32_t size = 0; size < 1025; size += size < 512 ? 256 : 513) {
		*h = good;
		h->block_size = put_be32(size == 512 ? 511 : size);
		header_seal(h);
		assert_fails(&b, ERR_CORRUPT, "block size");
	}
	*h = good;
	h->entries = put_be32(3);
	header_seal(h);
	assert_fails(&b, ERR_CORRUPT, "3 table entries for blocks of 2097152 bytes");
	h->entries = put_be32(UINT32_MAX);
	header_seal(h);
	assert_fails(&b, ERR_CORRUPT, "table of 4294967295 entries");
	*h = good;
	h->table_offset = put_be64(UINT64_MAX - 4);
	header_seal(h);
	assert_fails(&b, ERR_CORRUPT, "is not inside the file");
	h->table_offset = put_be64(1024);
	header_seal(h);
	assert_fails(&b, ERR_CORRUPT, "overlaps the header");
	*h = good;
	for (size_t i = 0; i < 2; i++) {
		struct vhd_footer *f = i ? footer_of(&b) : footer_at(&b, 0);

		f->data_offset = put_be64(b.len - 1023);
		footer_seal(f);
	}
	assert_fails(&b, ERR_CORRUPT, "is not inside the file");
	free(b.data);
}

static void table_entries_are_checked(void **state)
{
	static const struct {
		uint32_t entry;
		const char *text;
	} bad[] = {
		{ 0, "overlaps the footer's copy" },
		{ 1, "overlaps the footer's copy, the header" },
		{ 3, "or the table" },
		{ 0xfffffffe, "past the end" },
	};
	struct bytes b = small_image("");
	uint32_t last = get_be32(table_of(&b)[2]);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		table_of(&b)[1] = put_be32(bad[i].entry);
		assert_fails(&b, ERR_CORRUPT, bad[i].text);
	}
	/* One sector further, its end would be in the footer. */
	table_of(&b)[1] = put_be32(VHD_ABSENT);
	table_of(&b)[2] = put_be32(last + 1);
	assert_fails(&b, ERR_CORRUPT, "past the end of the data");
	free(b.data);
}

static void cut_files_are_told(void **state)
{
	struct bytes b = small_image("");

	(void)state;
	b.len -= 512 + 4096;
	assert_fails(&b, ERR_CORRUPT, "past the end");
	b.len = TABLE;
	assert_fails(&b, ERR_CORRUPT, "is not inside the file");
	b.len = HEADER + 100;
	assert_fails(&b, ERR_CORRUPT, "is not inside the file");
	free(b.data);
}

/* Whatever a byte becomes, the image is read or refused, and never read beyond its memory. */
static void mutations_do_no_harm(void **state)
{
	struct bytes b = small_image("block_size=512K");
	static uint8_t buf[MIB];
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		struct disk *file, *d = NULL;
		size_t at[3], areas[] = { 0, HEADER, TABLE, b.len - 512 };
		uint8_t kept[3];

		for (size_t i = 0; i < 3; i++) {
			random = random * 1664525 + 1013904223;
			at[i] = areas[random >> 30] + (random >> 16) % 90;
			kept[i] = b.data[at[i]];
			b.data[at[i]] = (uint8_t)(random >> 8);
		}
		/* Most rounds get past the checksums. */
		if (round % 4) {
			footer_seal(footer_at(&b, 0));
			footer_seal(footer_of(&b));
			header_seal(header_of(&b));
		}
		assert_int_equal(memory_disk_open(b.data, b.len, &file, NULL), 0);
		if (vhd_format.open(file, &(struct open_options){ 0 }, &d, NULL)) {
			disk_close(file);
		} else {
			struct image_info info = { 0 };
			struct extent x;

			for (uint64_t off = 0; off < min_u64(d->size, 8 * MIB); off += MIB) {
				(void)disk_extent(d, off, &x, NULL);
				(void)disk_read(d, off, buf,
					(size_t)min_u64(sizeof(buf), d->size - off), NULL);
			}
			(void)vhd_format.info(d, &info, NULL);
			image_info_free(&info);
			disk_close(d);
		}
		for (size_t i = 3; i-- > 0;)
			b.data[at[i]] = kept[i];
	}
	free(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_damaged_footer_is_survived),
		cmocka_unit_test(fixed_footers_are_checked),
		cmocka_unit_test(footers_that_disagree_are_refused),
		cmocka_unit_test(unknown_kinds_are_told),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(table_entries_are_checked),
		cmocka_unit_test(cut_files_are_told),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
