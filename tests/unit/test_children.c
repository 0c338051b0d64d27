/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differencing VHD and VHDX that we write: what their tables say, and that they read as they
 * should. */
#include "disk/image.h"
#include "disk/second.h"
#include "formats/vhd.h"
#include "formats/vhdx.h"
#include "tests/unit/source.h"

#define GIB (MIB << 10)

enum { RUN = MIB / PIECE };

extern const struct format vhd_format, vhdx_format;

/* A disk with single pieces and whole MiBs of data. */
struct filled {
	struct sparse sparse;
	uint64_t at[8 * RUN];
};

static void piece_add(struct filled *f, uint64_t at)
{
	assert_true(f->sparse.count < sizeof(f->at) / sizeof(f->at[0]));
	f->at[f->sparse.count++] = at;
}

static void mib_add(struct filled *f, uint64_t at)
{
	for (uint64_t i = 0; i < RUN; i++)
		piece_add(f, at + i * PIECE);
}

static struct filled *filled_disk(uint64_t size, uint32_t sector)
{
	struct filled *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->sparse = sparse_disk(size, f->at, 0);
	f->sparse.disk.logical_sector = sector;
	return f;
}

static const char *name_path(const char *name)
{
	static char path[2][200];
	static unsigned n;

	n = !n;
	snprintf(path[n], sizeof(path[n]), "%s/%s", folder, name);
	return path[n];
}

static struct disk *over_parent(const char *name)
{
	struct open_options o = { .allow_dir = "" };
	struct error e = { 0 };
	struct disk *d = NULL;

	if (image_open_with(name_path(name), NULL, &o, &d, NULL, &e))
		fail_msg("%s", e.text);
	return d;
}

static int spec_make(struct disk *source, const struct parent_spec *parent, const char *name,
	const char *options, struct error *e)
{
	struct strings list = { 0 };
	struct output_options oo = { .force = true, .no_sync = true };
	struct convert_options co = { .threads = 2, .parent = parent->disk };
	struct convert_result result;
	struct output *file = NULL;
	struct writer *writer = NULL;
	struct image_spec spec = {
		.size = source->size,
		.logical_sector = source->logical_sector,
		.options = &list,
		.parent = parent,
	};
	int rc = strings_split(&list, options, ",", e);

	if (!rc)
		rc = output_open(name_path(name), &oo, &file, e);
	if (!rc)
		rc = format_by_ending(name)->create(&spec, file, &writer, e);
	if (!rc)
		rc = convert(source, writer, file, &co, &result, e);
	if (!rc)
		rc = output_commit(file, writer->file_size, e);
	if (writer)
		writer->ops->close(writer);
	output_close(file);
	strings_free(&list);
	return rc;
}

/* Makes `name` over the image `parent`, which is called `relative` from there. */
static int child_make(struct disk *source, const char *parent, const char *relative,
	const char *name, const char *options, struct error *e)
{
	struct parent_spec spec = {
		.path = parent,
		.relative = relative,
		.format = format_by_ending(parent),
		.disk = over_parent(parent),
	};
	int rc = spec_make(source, &spec, name, options, e);

	disk_close(spec.disk);
	return rc;
}

static void made(struct disk *source, const char *parent, const char *name, const char *options)
{
	struct error e = { 0 };
	struct disk *d;

	if (child_make(source, parent, parent, name, options, &e))
		fail_msg("%s %s: %s", name, options, e.text);
	d = over_parent(name);
	assert_int_equal(d->size, source->size);
	assert_same(source, d);
	disk_close(d);
}

static void assert_libvhdi_reads(struct disk *source, const char *parent, const char *name)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (second_reader_open_child(name_path(name), name_path(parent), &d, &e))
		fail_msg("%s", e.text);
	assert_same(source, d);
	disk_close(d);
}

static void bytes_at(const char *name, uint64_t off, void *out, size_t len)
{
	struct disk *d = NULL;

	assert_int_equal(host_file_open(name_path(name), &d, NULL), 0);
	assert_int_equal(disk_read(d, off, out, len, NULL), 0);
	disk_close(d);
}

/* The BAT lies at 3 MiB. */
static uint64_t bat_entry(const char *name, uint64_t index)
{
	le64 entry;

	bytes_at(name, 3 * MIB + index * sizeof(entry), &entry, sizeof(entry));
	return get_le64(entry);
}

/* Three chunks of 4 GiB: some sectors of a block; whole blocks only; nothing. */
static struct filled *parent_disk(void)
{
	struct filled *f = filled_disk(9 * GIB, 512);

	piece_add(f, 0);
	mib_add(f, 3 * MIB);
	mib_add(f, 4 * MIB);
	piece_add(f, 4 * GIB + 7 * MIB);
	piece_add(f, 8 * GIB);
	return f;
}

static struct filled *child_disk(void)
{
	struct filled *f = filled_disk(9 * GIB, 512);

	piece_add(f, 0);
	piece_add(f, 2 * MIB + 512);
	/* 3 MiB is zero, over the parent's data; half of 4 MiB is. */
	for (uint64_t i = 0; i < RUN / 2; i++)
		piece_add(f, 4 * MIB + i * PIECE);
	mib_add(f, 4 * GIB + 5 * MIB);
	piece_add(f, 8 * GIB);
	return f;
}

static void states_tell_what_is_where(void **state)
{
	struct filled *parent = parent_disk(), *child = child_disk();
	uint8_t bits[2048 / 8];
	uint64_t bitmap;

	(void)state;
	assert_int_equal(image_make(&parent->sparse.disk, "p.vhdx", "", 2, NULL), 0);
	made(&child->sparse.disk, "p.vhdx", "c.vhdx", "");
	assert_int_equal(bat_entry("c.vhdx", 0), 0);
	assert_int_equal(bat_entry("c.vhdx", 1), 0);
	assert_int_equal(bat_entry("c.vhdx", 2) & 7, VHDX_PARTIALLY_PRESENT);
	assert_int_equal(bat_entry("c.vhdx", 3), VHDX_ZERO);
	assert_int_equal(bat_entry("c.vhdx", 4) & 7, VHDX_PARTIALLY_PRESENT);
	bitmap = bat_entry("c.vhdx", 4096);
	assert_int_equal(bitmap & 7, VHDX_FULLY_PRESENT);
	assert_int_equal(bitmap % MIB & ~7u, 0);
	/* Of block 2: 16 sectors from the second on, the lowest bit first. */
	bytes_at("c.vhdx", (bitmap & ~UINT64_C(7)) + 2 * sizeof(bits), bits, sizeof(bits));
	assert_memory_equal(bits, "\xfe\xff\x01\x00\x00\x00\x00\x00", 8);
	/* Of block 3 nothing is there; of block 4 the half that is zero now. */
	bytes_at("c.vhdx", (bitmap & ~UINT64_C(7)) + 3 * sizeof(bits), bits, sizeof(bits));
	assert_true(bits[0] == 0 && bits[255] == 0);
	bytes_at("c.vhdx", (bitmap & ~UINT64_C(7)) + 4 * sizeof(bits), bits, sizeof(bits));
	assert_true(bits[127] == 0 && bits[128] == 0xff && bits[255] == 0xff);
	/* The second chunk needs no bitmap for a block that is all there and one that is zero. */
	assert_int_equal(bat_entry("c.vhdx", 4097 + 5) & 7, VHDX_FULLY_PRESENT);
	assert_int_equal(bat_entry("c.vhdx", 4097 + 7), VHDX_ZERO);
	assert_int_equal(bat_entry("c.vhdx", 2 * 4097 - 1), 0);
	/* The third is the parent's. */
	for (uint64_t i = 2 * 4097; i <= 3 * 4097 - 1; i++)
		assert_int_equal(bat_entry("c.vhdx", i), 0);
	for (unsigned shift = 1; shift <= 8; shift++) {
		char options[32];

		snprintf(options, sizeof(options), "block_size=%uM", 1u << shift);
		made(&child->sparse.disk, "p.vhdx", "c.vhdx", options);
	}
	made(&parent->sparse.disk, "p.vhdx", "c.vhdx", "");
	assert_int_equal(bat_entry("c.vhdx", 4096), 0);
	free(parent);
	free(child);
	unlink(path_of("p.vhdx"));
	unlink(path_of("c.vhdx"));
}

/* A bit is a sector of the guest, whatever its size; and a chunk has as many bits. */
static void large_sectors_have_a_bit_each(void **state)
{
	struct filled *parent = filled_disk(33 * GIB, 4096), *child = filled_disk(33 * GIB, 4096);
	uint8_t bits[32];
	uint64_t bitmap;

	(void)state;
	piece_add(parent, 5 * MIB);
	mib_add(child, 2 * MIB);
	piece_add(child, 5 * MIB + 4096);
	piece_add(child, 32 * GIB + 16 * 4096);
	piece_add(child, 33 * GIB - PIECE);
	assert_int_equal(image_make(&parent->sparse.disk, "p.vhdx", "", 2, NULL), 0);
	made(&child->sparse.disk, "p.vhdx", "c.vhdx", "");
	assert_int_equal(bat_entry("c.vhdx", 2) & 7, VHDX_FULLY_PRESENT);
	assert_int_equal(bat_entry("c.vhdx", 5) & 7, VHDX_PARTIALLY_PRESENT);
	bitmap = bat_entry("c.vhdx", 32768);
	assert_int_equal(bitmap & 7, VHDX_FULLY_PRESENT);
	bytes_at("c.vhdx", (bitmap & ~UINT64_C(7)) + 5 * sizeof(bits), bits, sizeof(bits));
	/* One that became zero, one that stays, one that is new. */
	assert_memory_equal(bits, "\x05\x00", 2);
	bitmap = bat_entry("c.vhdx", 2 * 32769 - 1);
	bytes_at("c.vhdx", bitmap & ~UINT64_C(7), bits, sizeof(bits));
	assert_memory_equal(bits, "\x00\x00\x03\x00", 4);
	made(&child->sparse.disk, "p.vhdx", "c.vhdx", "block_size=256M");
	free(parent);
	free(child);
	unlink(path_of("p.vhdx"));
	unlink(path_of("c.vhdx"));
}

/* Only where each chunk has a bitmap and no block is ZERO: the rest libvhdi misreads. */
static void libvhdi_reads_children(void **state)
{
	static const char *const vhd[] = { "block_size=512K", "block_size=2M" };
	static const char *const vhdx[] = { "block_size=1M", "block_size=2M", "block_size=64M" };
	struct filled *parent = filled_disk(40 * MIB + 512, 512);
	struct filled *child = filled_disk(40 * MIB + 512, 512);

	(void)state;
	mib_add(parent, 3 * MIB);
	piece_add(parent, 20 * MIB);
	piece_add(parent, 30 * MIB);
	piece_add(child, 512);
	piece_add(child, 2 * MIB - PIECE / 2);
	mib_add(child, 7 * MIB);
	for (uint64_t i = 0; i < RUN; i += 2)
		piece_add(child, 3 * MIB + i * PIECE);
	piece_add(child, 20 * MIB + 1024);
	piece_add(child, 30 * MIB);
	piece_add(child, 40 * MIB + 512 - PIECE);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(image_make(&parent->sparse.disk, "p.vhd", vhd[i], 2, NULL), 0);
		made(&child->sparse.disk, "p.vhd", "c.vhd", vhd[i]);
		assert_libvhdi_reads(&child->sparse.disk, "p.vhd", "c.vhd");
	}
	assert_int_equal(image_make(&parent->sparse.disk, "p.vhdx", "", 2, NULL), 0);
	for (size_t i = 0; i < 3; i++) {
		made(&child->sparse.disk, "p.vhdx", "c.vhdx", vhdx[i]);
		assert_libvhdi_reads(&child->sparse.disk, "p.vhdx", "c.vhdx");
	}
	free(parent);
	free(child);
	unlink(path_of("p.vhd"));
	unlink(path_of("c.vhd"));
	unlink(path_of("p.vhdx"));
	unlink(path_of("c.vhdx"));
}

static void assert_locator(const char *name, const struct vhd_locator *l, const char *platform,
	const char *text, size_t len)
{
	uint8_t bytes[512];

	assert_memory_equal(l->platform, platform, 4);
	assert_int_equal(get_be32(l->length), len);
	assert_in_range(get_be32(l->space), len, 65536);
	assert_int_equal(get_be64(l->offset) % 512, 0);
	bytes_at(name, get_be64(l->offset), bytes, sizeof(bytes));
	assert_memory_equal(bytes, text, len);
}

#define LOCATOR(name, l, platform, text) assert_locator(name, l, platform, text, sizeof(text) - 1)

static void vhd_names_its_parent(void **state)
{
	static const uint64_t at[] = { MIB };
	struct sparse empty = sparse_disk(6 * MIB, at, 0), child = sparse_disk(6 * MIB, at, 1);
	struct vhd_header h;
	struct vhd_footer f, p;
	uint8_t bits[512];
	be32 entry;

	(void)state;
	assert_int_equal(image_make(&empty.disk, "p.vhd", "", 1, NULL), 0);
	assert_int_equal(
		child_make(&child.disk, "p.vhd", "../a b/p\xc3\xa4%.vhd", "c.vhd", "", NULL), 0);
	bytes_at("c.vhd", 0, &f, sizeof(f));
	bytes_at("p.vhd", 0, &p, sizeof(p));
	bytes_at("c.vhd", 512, &h, sizeof(h));
	assert_int_equal(get_be32(f.type), VHD_DIFFERENCING);
	assert_int_equal(get_be32(h.checksum), vhd_header_checksum(&h));
	assert_memory_equal(h.parent_id, p.id, sizeof(p.id));
	assert_memory_not_equal(f.id, p.id, sizeof(p.id));
	assert_int_equal(get_be32(h.parent_timestamp), 0);
	assert_memory_equal(h.parent_name, "\0p\0\xe4\0%\0.\0v\0h\0d\0\0", 16);
	LOCATOR("c.vhd", &h.locator[0], "W2ku", ".\0.\0\\\0a\0 \0b\0\\\0p\0\xe4\0%\0.\0v\0h\0d\0");
	LOCATOR("c.vhd", &h.locator[1], "W2ru", ".\0.\0\\\0a\0 \0b\0\\\0p\0\xe4\0%\0.\0v\0h\0d\0");
	LOCATOR("c.vhd", &h.locator[2], "MacX", "file://../a%20b/p%C3%A4%25.vhd");
	/* 16 sectors from the second MiB on, the highest bit first. */
	bytes_at("c.vhd", get_be64(h.table_offset), &entry, sizeof(entry));
	bytes_at("c.vhd", (uint64_t)get_be32(entry) * 512, bits, sizeof(bits));
	assert_true(bits[255] == 0 && bits[256] == 0xff && bits[257] == 0xff && bits[258] == 0);
	assert_int_equal((get_be32(entry) + 1) % 8, 0);
	unlink(path_of("p.vhd"));
	unlink(path_of("c.vhd"));
}

static void identifiers_follow_the_parent(void **state)
{
	static const uint64_t at[] = { MIB, 3 * MIB };
	struct sparse one = sparse_disk(6 * MIB, at, 1), two = sparse_disk(6 * MIB, at, 2);
	static const char *const names[] = { "p.vhd", "p.vhdx" };
	struct image_info first, second;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *child = i ? "c.vhdx" : "c.vhd";
		struct disk *d;

		first = second = (struct image_info){ 0 };
		assert_int_equal(image_make(&one.disk, names[i], "", 1, NULL), 0);
		made(&one.disk, names[i], child, "");
		d = over_parent(child);
		assert_int_equal(format_by_ending(child)->info(d, &first, NULL), 0);
		disk_close(d);
		assert_int_equal(image_make(&two.disk, names[i], "", 1, NULL), 0);
		made(&two.disk, names[i], child, "");
		d = over_parent(child);
		assert_int_equal(format_by_ending(child)->info(d, &second, NULL), 0);
		disk_close(d);
		assert_string_not_equal(first.identifiers.item[0], second.identifiers.item[0]);
		assert_string_not_equal(first.parent_identifier, second.parent_identifier);
		image_info_free(&first);
		image_info_free(&second);
		unlink(path_of(names[i]));
		unlink(path_of(child));
	}
}

static void what_cannot_be_is_named(void **state)
{
	static const struct {
		const char *parent, *child, *relative, *options, *text;
		uint64_t size;
	} bad[] = {
		{ "p.vhd", "c.vhdx", "p.vhd", "", "the parent of a VHDX is a VHDX", 6 * MIB },
		{ "p.vhdx", "c.vhd", "p.vhdx", "", "the parent of a VHD is a VHD", 6 * MIB },
		{ "p.vhd", "c.vhd", "p.vhd", "", "6291456 bytes, not 7340032", 7 * MIB },
		{ "p.vhd", "c.vhd", "p.vhd", "", "6291456 bytes, not 5242880", 5 * MIB },
		{ "p.vhd", "c.vhd", "p.vhd", "subformat=fixed", "fixed", 6 * MIB },
		{ "p.vhdx", "c.vhdx", "p.vhdx", "subformat=fixed", "fixed", 6 * MIB },
		{ "p.vhd", "c.vhd", "a\\p.vhd", "", "backslash", 6 * MIB },
		{ "p.vhdx", "c.vhdx", "a\\p.vhdx", "", "backslash", 6 * MIB },
		{ "p.vhdx", "c.vhdx", "p\n.vhdx", "", "control character", 6 * MIB },
		{ "p.vhd", "c.vhd", "p\xff.vhd", "", "UTF-8", 6 * MIB },
		{ "p.vhdx", "c.vhdx", "\xc0\xaf.vhdx", "", "UTF-8", 6 * MIB },
		{ "p.vhdx", "c.vhdx", "\xed\xa0\x80.vhdx", "", "UTF-8", 6 * MIB },
	};
	struct sparse parent = sparse_disk(6 * MIB, NULL, 0);

	(void)state;
	assert_int_equal(image_make(&parent.disk, "p.vhd", "", 1, NULL), 0);
	assert_int_equal(image_make(&parent.disk, "p.vhdx", "", 1, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct sparse child = sparse_disk(bad[i].size, NULL, 0);
		struct error e = { 0 };

		assert_int_equal(child_make(&child.disk, bad[i].parent, bad[i].relative,
					 bad[i].child, bad[i].options, &e),
			-ERR_USAGE);
		if (!strstr(e.text, bad[i].text))
			fail_msg("no '%s' in: %s", bad[i].text, e.text);
	}
	unlink(path_of("p.vhd"));
	unlink(path_of("p.vhdx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_tell_what_is_where),
		cmocka_unit_test(large_sectors_have_a_bit_each),
		cmocka_unit_test(libvhdi_reads_children),
		cmocka_unit_test(vhd_names_its_parent),
		cmocka_unit_test(identifiers_follow_the_parent),
		cmocka_unit_test(what_cannot_be_is_named),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
