/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VMDK images that hvimg writes: what they hold far out, and where the format ends. */
#include "tests/unit/source.h"

#include "formats/vmdk.h"

enum { GIB = 1 << 30 };

static void content_far_out(void **state)
{
	static const uint64_t at[] = { 0, 32 * MIB - PIECE, 33 * MIB, TIB, 3 * TIB - 4096,
		200 * TIB + 12345 };
	struct sparse s = sparse_disk(255 * TIB + 512, at, sizeof(at) / sizeof(at[0]));
	struct image_info info = { 0 };
	struct error e = { 0 };
	struct disk *d;

	(void)state;
	if (image_make(&s.disk, "a.vmdk", "", 2, &e))
		fail_msg("%s", e.text);
	d = image_of("a.vmdk");
	assert_int_equal(d->size, s.disk.size);
	assert_same(&s.disk, d);
	assert_int_equal(format_by_name("vmdk")->info(d, &info, &e), 0);
	assert_string_equal(info.subformat, "dynamic");
	assert_string_equal(info.create_type, "streamOptimized");
	assert_true(info.compressed);
	assert_int_equal(info.block_size, 65536);
	image_info_free(&info);
	disk_close(d);
	unlink(path_of("a.vmdk"));
}

static uint8_t *made(const char *options, uint64_t size, const uint64_t *at, size_t *len)
{
	struct sparse s = sparse_disk(size, at, 1);
	struct error e = { 0 };
	uint8_t *bytes;

	if (image_make(&s.disk, "b.vmdk", options, 1, &e))
		fail_msg("%s", e.text);
	bytes = file_bytes("b.vmdk", len);
	unlink(path_of("b.vmdk"));
	return bytes;
}

static uint32_t cid_of(const uint8_t *bytes)
{
	const char *at = strstr((const char *)bytes + VMDK_SECTOR, "CID=");

	assert_non_null(at);
	return (uint32_t)strtoul(at + 4, NULL, 16);
}

/* The identifier tells content from content, and is the same for the same one. */
static void identifier_follows_the_content(void **state)
{
	static const uint64_t at = MIB, other = 2 * MIB;
	size_t len[3];
	uint8_t *a = made("", 8 * MIB, &at, &len[0]);
	uint8_t *b = made("adapter_type=ide", 8 * MIB, &at, &len[1]);
	uint8_t *c = made("", 8 * MIB, &other, &len[2]);

	(void)state;
	assert_int_equal(cid_of(a), cid_of(b));
	assert_int_not_equal(cid_of(a), cid_of(c));
	assert_non_null(strstr((char *)a + VMDK_SECTOR, "ddb.adapterType = \"lsilogic\"\n"));
	assert_non_null(strstr((char *)b + VMDK_SECTOR, "ddb.adapterType = \"ide\"\n"));
	free(a);
	free(b);
	free(c);
}

static void assert_refused(uint64_t size, uint32_t sector, const char *options, const char *text)
{
	struct sparse s = sparse_disk(size, NULL, 0);
	struct error e = { 0 };

	s.disk.logical_sector = sector;
	assert_int_equal(image_make(&s.disk, "c.vmdk", options, 1, &e), -ERR_USAGE);
	if (!strstr(e.text, text))
		fail_msg("'%s' is not in '%s'", text, e.text);
	assert_int_equal(access(path_of("c.vmdk"), F_OK), -1);
}

static void refused(void **state)
{
	(void)state;
	assert_refused(256 * TIB + 512, 512, "", "256 TiB");
	assert_refused(MIB + 100, 512, "", "1048676");
	assert_refused(0, 512, "", "0 bytes");
	assert_refused(MIB, 4096, "", "source of 4096");
	assert_refused(MIB, 512, "subformat=monolithicSparse", "monolithicSparse");
	assert_refused(MIB, 512, "adapter_type=nvme", "nvme");
	assert_refused(MIB, 512, "compression_level=9", "compression_level=9");
}

/* Entries of a table have 32 bits, for sectors: place goes up to there and no further. */
static void file_ends_at_two_tib(void **state)
{
	struct strings none = { 0 };
	struct image_spec spec = { .size = 64 * TIB, .logical_sector = 512, .options = &none };
	struct piece piece;
	struct block b = { .len = UNIT_SIZE, .piece = &piece };
	struct error e = { 0 };
	struct output *nowhere;
	struct writer *w;
	uint64_t placed = 0;
	int rc = 0;

	(void)state;
	assert_int_equal(output_discard_open(&nowhere, &e), 0);
	assert_int_equal(format_by_name("vmdk")->create(&spec, nowhere, &w, &e), 0);
	while (!rc && placed < 4096) {
		piece = (struct piece){ .len = GIB };
		b.pieces = 1;
		rc = w->ops->place(w, &b, &e);
		if (!rc)
			assert_true(piece.file_off / 512 <= UINT32_MAX);
		b.off += UNIT_SIZE;
		placed++;
	}
	assert_int_equal(rc, -ERR_RANGE);
	assert_non_null(strstr(e.text, "2 TiB"));
	/* The first one past it starts where the 2048th one ends. */
	assert_int_equal(placed, 2049);
	w->ops->close(w);
	output_close(nowhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_far_out),
		cmocka_unit_test(identifier_follows_the_content),
		cmocka_unit_test(refused),
		cmocka_unit_test(file_ends_at_two_tib),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
