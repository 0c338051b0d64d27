/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of a VHDX: where they lie, and every way of breaking them that we tell. */
#include "formats/utf16.h"
#include "formats/vhdx.h"
#include "tests/unit/source.h"

extern const struct format vhdx_format;

enum { REGIONS = 192 << 10 };

/* A small image in memory, to be broken. */
struct sample {
	uint8_t *bytes;
	size_t len;
};

static const uint64_t sample_at[] = { MIB, 2 * MIB };
enum { SAMPLE_METADATA = 2 << 20, SAMPLE_BAT = 3 << 20, SAMPLE_SIZE = 4 << 20 };

static struct sample sample_make(void)
{
	struct sparse source = sparse_disk(SAMPLE_SIZE, sample_at, 2);
	struct sample s;

	assert_int_equal(image_make(&source.disk, "sample.vhdx", "", 1, NULL), 0);
	s.bytes = file_bytes("sample.vhdx", &s.len);
	assert_int_equal(s.len, 6 * MIB);
	unlink(path_of("sample.vhdx"));
	return s;
}

static int sample_open(const struct sample *s, struct disk **d, struct error *e)
{
	struct open_options o = { .path = NULL };
	struct disk *file = NULL;
	int rc = memory_disk_open(s->bytes, s->len, &file, e);

	*e = (struct error){ 0 };
	assert_int_equal(rc, 0);
	rc = vhdx_format.open(file, &o, d, e);
	if (rc)
		disk_close(file);
	return rc;
}

static void assert_opens(const struct sample *s)
{
	struct sparse source = sparse_disk(SAMPLE_SIZE, sample_at, 2);
	struct disk *d = NULL;
	struct error e;

	if (sample_open(s, &d, &e))
		fail_msg("%s", e.text);
	assert_same(&source.disk, d);
	disk_close(d);
}

static void assert_refused(const struct sample *s, enum error_code code, const char *text)
{
	struct disk *d = NULL;
	struct error e;

	assert_int_equal(sample_open(s, &d, &e), -(int)code);
	if (!strstr(e.text, text))
		fail_msg("no '%s' in: %s", text, e.text);
}

/* It opens, so that it can be described, but reading fails with `text`. */
static void assert_unreadable(const struct sample *s, enum error_code code, const char *text)
{
	static uint8_t buf[SAMPLE_SIZE];
	struct disk *d = NULL;
	struct error e;

	if (sample_open(s, &d, &e))
		fail_msg("%s", e.text);
	assert_int_equal(disk_read(d, 0, buf, sizeof(buf), &e), -(int)code);
	if (!strstr(e.text, text))
		fail_msg("no '%s' in: %s", text, e.text);
	disk_close(d);
}

static struct vhdx_header *sample_header(struct sample *s, unsigned n)
{
	return (struct vhdx_header *)(s->bytes + (n + 1) * 65536);
}

static struct vhdx_region_table *sample_regions(struct sample *s, unsigned n)
{
	return (struct vhdx_region_table *)(s->bytes + REGIONS + n * 65536);
}

static struct vhdx_metadata_table *sample_metadata(struct sample *s)
{
	return (struct vhdx_metadata_table *)(s->bytes + SAMPLE_METADATA);
}

/* Makes both region tables what the first one is, with the right checksum. */
static void regions_seal(struct sample *s)
{
	struct vhdx_region_table *t = sample_regions(s, 0);

	t->checksum = put_le32(vhdx_checksum(t, sizeof(*t)));
	*sample_regions(s, 1) = *t;
}

static void header_seal(struct vhdx_header *h)
{
	h->checksum = put_le32(vhdx_checksum(h, sizeof(*h)));
}

static void one_good_copy_is_enough(void **state)
{
	struct sample s = sample_make();

	(void)state;
	assert_opens(&s);
	s.bytes[65536 + 100] ^= 1;
	assert_opens(&s);
	s.bytes[131072 + 100] ^= 1;
	assert_refused(&s, ERR_CORRUPT, "neither header");
	s.bytes[65536 + 100] ^= 1;
	assert_opens(&s);
	s.bytes[REGIONS + 20] ^= 1;
	assert_opens(&s);
	s.bytes[REGIONS + 65536 + 20] ^= 1;
	assert_refused(&s, ERR_CORRUPT, "neither region table");
	s.bytes[REGIONS + 20] ^= 1;
	assert_opens(&s);
	free(s.bytes);
}

static void newer_header_counts(void **state)
{
	struct sample s = sample_make();
	struct vhdx_header *h = sample_header(&s, 0);

	(void)state;
	h->version = put_le16(2);
	header_seal(h);
	assert_opens(&s);
	h->sequence = put_le64(3);
	header_seal(h);
	assert_refused(&s, ERR_UNSUPPORTED, "version 2");
	h->sequence = put_le64(2);
	header_seal(h);
	assert_refused(&s, ERR_CORRUPT, "sequence number 2");
	*h = *sample_header(&s, 1);
	assert_opens(&s);
	free(s.bytes);
}

static void bat_set(struct sample *s, unsigned block, uint64_t entry)
{
	((le64 *)(s->bytes + SAMPLE_BAT))[block] = put_le64(entry);
}

static void empty_log_is_refused(void **state)
{
	struct sample s = sample_make();
	struct vhdx_header *h = sample_header(&s, 1);
	struct image_info info = { 0 };
	struct disk *d = NULL;
	struct extent x;
	struct error e;

	(void)state;
	h->log.b[3] = 0xab;
	header_seal(h);
	assert_unreadable(&s, ERR_CORRUPT, "cannot be replayed");
	assert_unreadable(&s, ERR_CORRUPT, "ab000000-");
	assert_int_equal(sample_open(&s, &d, &e), 0);
	assert_int_equal(vhdx_format.info(d, &info, &e), 0);
	assert_true(info.log_dirty);
	image_info_free(&info);
	/* The table may be stale: neither its zeros nor its errors count. */
	bat_set(&s, 1, 5);
	for (uint64_t off = 0; off < SAMPLE_SIZE; off += x.length) {
		assert_int_equal(disk_extent(d, off, &x, &e), 0);
		assert_true(x.length && !x.zero && !x.plain);
	}
	disk_close(d);
	memset(s.bytes + SAMPLE_METADATA, 0, 8);
	assert_refused(&s, ERR_CORRUPT, "cannot be replayed");
	h->log_version = put_le16(1);
	header_seal(h);
	assert_refused(&s, ERR_UNSUPPORTED, "log of version 1");
	free(s.bytes);
}

static void regions_are_checked(void **state)
{
	struct sample s = sample_make();
	struct vhdx_region_table *t = sample_regions(&s, 0);
	const struct vhdx_region_table good = *t;
	struct vhdx_region_entry *extra = &t->entry[2];

	(void)state;
	t->count = put_le32(3);
	extra->id.b[3] = 0xcd;
	extra->offset = put_le64(5 * MIB);
	extra->length = put_le32(MIB);
	regions_seal(&s);
	assert_opens(&s);
	extra->required = put_le32(1);
	regions_seal(&s);
	assert_refused(&s, ERR_UNSUPPORTED, "cd000000-");
	*extra = t->entry[0];
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "listed twice");
	t->count = put_le32(2048);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "2048 entries");
	t->count = put_le32(1);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "no metadata region");
	*t = good;
	t->entry[0].offset = put_le64(SAMPLE_BAT + 4096);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "not aligned");
	t->entry[0].offset = put_le64(UINT64_MAX - MIB + 1);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "past the end");
	t->entry[0].offset = put_le64(0);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "header section");
	t->entry[0].offset = put_le64(SAMPLE_METADATA);
	regions_seal(&s);
	assert_refused(&s, ERR_CORRUPT, "overlaps the metadata");
	free(s.bytes);
}

/* Sets four bytes of the sample's metadata region, which has no checksum. */
static void metadata_set(struct sample *s, size_t off, uint32_t value)
{
	le32 bytes = put_le32(value);

	memcpy(s->bytes + SAMPLE_METADATA + off, &bytes, sizeof(bytes));
}

static void metadata_is_checked(void **state)
{
	struct sample s = sample_make();
	struct vhdx_metadata_table *t = sample_metadata(&s);
	const struct vhdx_metadata_table good = *t;
	enum { ITEMS = 65536 };

	(void)state;
	t->count = put_le16(6);
	t->entry[5] = t->entry[0];
	assert_refused(&s, ERR_CORRUPT, "listed twice");
	/* The same GUID as a user's item is something else. */
	t->entry[5].flags = put_le32(VHDX_ITEM_USER);
	assert_opens(&s);
	t->entry[5].flags = put_le32(VHDX_ITEM_USER | VHDX_ITEM_REQUIRED);
	assert_refused(&s, ERR_UNSUPPORTED, "caa16737-");
	*t = good;
	t->count = put_le16(4);
	assert_refused(&s, ERR_CORRUPT, "virtual disk ID is missing");
	t->count = put_le16(2048);
	assert_refused(&s, ERR_CORRUPT, "2048 entries");
	*t = good;
	t->entry[1].offset = put_le32(0xfffffff8);
	assert_refused(&s, ERR_CORRUPT, "does not fit");
	t->entry[1].offset = put_le32(32);
	assert_refused(&s, ERR_CORRUPT, "in the table");
	*t = good;
	t->entry[1].length = put_le32(4);
	assert_refused(&s, ERR_CORRUPT, "4 bytes instead of 8");
	*t = good;
	metadata_set(&s, ITEMS, 3 << 20);
	assert_refused(&s, ERR_CORRUPT, "block size 3145728");
	metadata_set(&s, ITEMS, 512 << 20);
	assert_refused(&s, ERR_CORRUPT, "block size 536870912");
	metadata_set(&s, ITEMS, 1 << 20);
	metadata_set(&s, ITEMS + 12, 1 << 15); /* the high half of the size */
	assert_refused(&s, ERR_CORRUPT, "over 64 TiB");
	metadata_set(&s, ITEMS + 12, 256); /* 1 TiB */
	assert_refused(&s, ERR_CORRUPT, "BAT entries");
	metadata_set(&s, ITEMS + 12, 0);
	metadata_set(&s, ITEMS + 8, (4 << 20) + 1);
	assert_refused(&s, ERR_CORRUPT, "no multiple of the sector size");
	metadata_set(&s, ITEMS + 8, 4 << 20);
	metadata_set(&s, ITEMS + 16, 513);
	assert_refused(&s, ERR_CORRUPT, "logical sector size 513");
	metadata_set(&s, ITEMS + 16, 512);
	metadata_set(&s, ITEMS + 20, 0);
	assert_refused(&s, ERR_CORRUPT, "physical sector size 0");
	metadata_set(&s, ITEMS + 20, 512);
	assert_opens(&s);
	s.bytes[SAMPLE_METADATA] = 'M';
	assert_refused(&s, ERR_CORRUPT, "no metadata signature");
	free(s.bytes);
}

static void block_states_are_told_apart(void **state)
{
	static const struct {
		uint64_t entry;
		const char *text;
	} bad[] = {
		{ 4 * MIB | 4, "reserved state 4" },
		{ 5, "reserved state 5" },
		{ 4 * MIB | 7, "partially present" },
		{ 6, "header section" },
		{ 6 * MIB | 6, "past the end" },
		{ (UINT64_MAX << 20) | 6, "past the end" },
		{ 4 * MIB | 8 | 6, "reserved bits" },
		{ 1 * MIB | 6, "overlaps" },
		{ 2 * MIB | 6, "overlaps" },
		{ 3 * MIB | 6, "overlaps" },
	};
	struct sample s = sample_make();
	struct disk *d = NULL;
	struct extent x;
	struct error e;

	(void)state;
	/* States 0 to 3 hold zeros here, whatever offset they still carry (2.5.1.1). */
	for (unsigned i = 0; i < 4; i++) {
		bat_set(&s, 0, (UINT64_MAX << 20) | i);
		bat_set(&s, 3, 4 * MIB | i);
		assert_opens(&s);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bat_set(&s, 3, bad[i].entry);
		assert_unreadable(&s, ERR_CORRUPT, bad[i].text);
	}
	/* Blocks in another order than the guest's are not one extent. */
	bat_set(&s, 1, 5 * MIB | 6);
	bat_set(&s, 2, 4 * MIB | 6);
	assert_int_equal(sample_open(&s, &d, &e), 0);
	assert_int_equal(disk_extent(d, MIB, &x, &e), 0);
	assert_true(x.length == MIB && x.offset == 5 * MIB);
	disk_close(d);
	free(s.bytes);
}

/* Adds a parent locator with `name` = `path`, as Hyper-V stores them, and says that there is a
 * parent. */
static void parent_add(struct sample *s, const char *name, const char *path)
{
	struct vhdx_metadata_table *t = sample_metadata(s);
	uint8_t *item = s->bytes + SAMPLE_METADATA + (128 << 10);
	struct vhdx_locator_header *h = (struct vhdx_locator_header *)item;
	struct vhdx_locator_entry *entry = (struct vhdx_locator_entry *)(h + 1);
	le16 *text = (le16 *)(entry + 1);

	h->type = vhdx_locator_vhdx;
	h->count = put_le16(1);
	entry->key_offset = put_le32((uint32_t)((uint8_t *)text - item));
	entry->key_length = put_le16((uint16_t)(strlen(name) * 2));
	for (; *name; name++)
		*text++ = put_le16((uint8_t)*name);
	entry->value_offset = put_le32((uint32_t)((uint8_t *)text - item));
	entry->value_length = put_le16((uint16_t)(strlen(path) * 2));
	for (; *path; path++)
		*text++ = put_le16((uint8_t)*path);
	t->count = put_le16(6);
	t->entry[5] = (struct vhdx_metadata_entry){
		.id = vhdx_item_parent_locator,
		.offset = put_le32(128 << 10),
		.length = put_le32((uint32_t)((uint8_t *)text - item)),
		.flags = put_le32(VHDX_ITEM_REQUIRED),
	};
	metadata_set(s, 65536 + 4, VHDX_FILE_PARENT);
}

static void parent_is_refused_by_name(void **state)
{
	struct sample s = sample_make();
	struct image_info info = { 0 };
	struct disk *d = NULL;
	struct extent x;
	struct error e;

	(void)state;
	parent_add(&s, "relative_path", ".\\base.vhdx");
	assert_unreadable(&s, ERR_REFUSED, "parent .\\base.vhdx");
	bat_set(&s, 1, 4 * MIB | 7);
	bat_set(&s, 4096, 5 * MIB | 6); /* the sector bitmap: all of the block is there */
	memset(s.bytes + 5 * MIB, 0xff, 4096);
	assert_int_equal(sample_open(&s, &d, &e), 0);
	assert_int_equal(disk_extent(d, 0, &x, &e), 0);
	assert_true(x.length == MIB && !x.stored && !x.zero);
	assert_int_equal(disk_extent(d, MIB, &x, &e), 0);
	assert_true(x.length == MIB && x.stored && !x.plain);
	assert_int_equal(vhdx_format.info(d, &info, &e), 0);
	assert_string_equal(info.subformat, "differencing");
	assert_string_equal(info.parent_path, ".\\base.vhdx");
	assert_int_equal(info.references.count, 1);
	image_info_free(&info);
	disk_close(d);
	/* A key that is not known, and a value that reaches out of the item. */
	parent_add(&s, "elsewhere", "base.vhdx");
	assert_unreadable(&s, ERR_REFUSED, "does not name");
	parent_add(&s, "volume_path", "base.vhdx");
	s.bytes[SAMPLE_METADATA + (128 << 10) + 20 + 10] = 0xff;
	assert_unreadable(&s, ERR_REFUSED, "does not name");
	sample_metadata(&s)->count = put_le16(5);
	assert_unreadable(&s, ERR_REFUSED, "does not name");
	free(s.bytes);
}

static void info_describes(void **state)
{
	struct sample s = sample_make();
	struct image_info info = { 0 };
	struct disk *d = NULL;
	struct error e;

	(void)state;
	assert_int_equal(sample_open(&s, &d, &e), 0);
	assert_int_equal(vhdx_format.info(d, &info, &e), 0);
	assert_string_equal(info.subformat, "dynamic");
	assert_string_equal(info.creator, "hvimg");
	assert_int_equal(info.block_size, MIB);
	assert_false(info.log_dirty);
	assert_int_equal(info.identifiers.count, 2);
	assert_memory_equal(info.identifiers.item[0], "virtual_disk=", 13);
	assert_memory_equal(info.identifiers.item[1], "data_write=", 11);
	image_info_free(&info);
	disk_close(d);
	free(s.bytes);
}

/* os-win finds the metadata by position: the second region, and in it the first item (its offset is
 * at 48) for the block size, the second for the virtual size. */
static void tables_are_where_os_win_looks(void **state)
{
	struct sample s = sample_make();
	struct vhdx_file_parameters p;
	le64 metadata, size;
	le32 offset;

	(void)state;
	memcpy(&metadata, s.bytes + REGIONS + 64, sizeof(metadata));
	assert_int_equal(get_le64(metadata), SAMPLE_METADATA);
	memcpy(&offset, s.bytes + SAMPLE_METADATA + 48, sizeof(offset));
	memcpy(&p, s.bytes + SAMPLE_METADATA + get_le32(offset), sizeof(p));
	assert_int_equal(get_le32(p.block_size), MIB);
	memcpy(&size, s.bytes + SAMPLE_METADATA + get_le32(offset) + 8, sizeof(size));
	assert_int_equal(get_le64(size), SAMPLE_SIZE);
	assert_true(guid_equal(sample_regions(&s, 0)->entry[0].id, vhdx_region_bat));
	free(s.bytes);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Whatever stands in the tables: an answer, and nothing read beyond them. */
static void broken_tables_do_no_harm(void **state)
{
	static const uint32_t places[] = { 0, 65536, 131072, REGIONS, SAMPLE_METADATA,
		SAMPLE_METADATA + 65536, SAMPLE_BAT };
	static uint8_t buf[SAMPLE_SIZE];
	struct sample s = sample_make();
	uint8_t *good = malloc(s.len);
	uint32_t seed = 1;
	unsigned opened = 0;

	(void)state;
	assert_non_null(good);
	memcpy(good, s.bytes, s.len);
	for (unsigned round = 0; round < 1500; round++) {
		uint32_t place = places[next_random(&seed) % 7];
		struct disk *d = NULL;
		struct extent x;
		struct error e;

		memcpy(s.bytes + place, good + place, 4096);
		for (unsigned i = next_random(&seed) % 4 + 1; i; i--)
			s.bytes[place + next_random(&seed) % 200] = (uint8_t)next_random(&seed);
		header_seal(sample_header(&s, 0));
		header_seal(sample_header(&s, 1));
		regions_seal(&s);
		if (!sample_open(&s, &d, &e)) {
			opened++;
			(void)disk_extent(d, 0, &x, &e);
			(void)disk_read(d, 0, buf, (size_t)min_u64(sizeof(buf), d->size), &e);
			disk_close(d);
		} else {
			assert_true(e.code && e.text[0]);
		}
		memcpy(s.bytes + place, good + place, 4096);
	}
	assert_in_range(opened, 100, 1400);
	for (size_t len = 0; len < s.len; len += len < 8192 ? 509 : 300007) {
		struct sample cut = { s.bytes, len };
		struct disk *d = NULL;
		struct error e;

		if (!sample_open(&cut, &d, &e)) {
			assert_int_equal(disk_read(d, 0, buf, sizeof(buf), &e), -ERR_CORRUPT);
			disk_close(d);
		}
	}
	free(good);
	free(s.bytes);
}

static void texts_become_utf8(void **state)
{
	/* "aé€", a character beyond 16 bits, half of one, a control character */
	static const uint16_t units[] = { 'a', 0xe9, 0x20ac, 0xd83d, 0xde00, 0xd800, 7 };
	le16 text[7];
	char out[7 * 3 + 1];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		text[i] = put_le16(units[i]);
	utf16_text(text, 7, out);
	assert_string_equal(out, "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd");
	text[1] = put_le16(0);
	utf16_text(text, 7, out);
	assert_string_equal(out, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_good_copy_is_enough),
		cmocka_unit_test(newer_header_counts),
		cmocka_unit_test(empty_log_is_refused),
		cmocka_unit_test(regions_are_checked),
		cmocka_unit_test(metadata_is_checked),
		cmocka_unit_test(block_states_are_told_apart),
		cmocka_unit_test(parent_is_refused_by_name),
		cmocka_unit_test(info_describes),
		cmocka_unit_test(tables_are_where_os_win_looks),
		cmocka_unit_test(broken_tables_do_no_harm),
		cmocka_unit_test(texts_become_utf8),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
