/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD images of our own: read back by us and by libvhdi, and broken in every way that we tell. */
#include <fcntl.h>
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
#include <libvhdi.h>

#include "base/checked.h"
#include "disk/convert.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/memory.h"
#include "formats/vhd.h"

#define MIB UINT64_C(1048576)
#define GIB (MIB << 10)

enum { PIECE = 8192, HEADER = 512, TABLE = 1536 };

extern const struct format vhd_format;

static char folder[] = "/tmp/hvimg-test-vhd-XXXXXX";

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* A disk of any size that holds something at a few places, different everywhere. */
struct sparse {
	struct disk disk;
	const uint64_t *at; /* starts of the pieces that are not zero */
	size_t count;
};

static uint8_t sparse_byte(uint64_t off)
{
	return (uint8_t)(off % 251 + (off >> 20) % 7 + 1);
}

static int sparse_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct sparse *s = (const struct sparse *)d;
	uint8_t *out = buf;

	(void)e;
	memset(out, 0, len);
	for (size_t i = 0; i < s->count; i++)
		for (uint64_t p = max_u64(off, s->at[i]); p < min_u64(off + len, s->at[i] + PIECE);
			p++)
			out[p - off] = sparse_byte(p);
	return 0;
}

static int sparse_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	const struct sparse *s = (const struct sparse *)d;

	(void)e;
	*out = (struct extent){ .length = d->size - off, .zero = true };
	for (size_t i = 0; i < s->count; i++) {
		if (off >= s->at[i] && off < s->at[i] + PIECE) {
			*out = (struct extent){ .length = s->at[i] + PIECE - off, .stored = true };
			return 0;
		}
		if (off < s->at[i])
			out->length = min_u64(out->length, s->at[i] - off);
	}
	return 0;
}

static void sparse_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops sparse_ops = {
	.read = sparse_read,
	.extent = sparse_extent,
	.close = sparse_close,
};

static struct sparse sparse_disk(uint64_t size, const uint64_t *at, size_t count)
{
	return (struct sparse){
		.disk = { .ops = &sparse_ops, .size = size, .logical_sector = 512 },
		.at = at,
		.count = count,
	};
}

static const char *path_of(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Converts `source` into the file `name`; `options` are separated by commas. */
static int image_make(struct disk *source, const char *name, const char *options, unsigned threads,
	struct error *e)
{
	struct strings list = { 0 };
	struct output_options oo = { .force = true, .no_sync = true };
	struct convert_options co = { .threads = threads };
	struct convert_result result;
	struct output *file = NULL;
	struct writer *writer = NULL;
	struct image_spec spec = {
		.size = source->size,
		.logical_sector = source->logical_sector,
		.options = &list,
	};
	int rc = strings_split(&list, options, ",", e);

	if (!rc)
		rc = output_open(path_of(name), &oo, &file, e);
	if (!rc)
		rc = vhd_format.create(&spec, file, &writer, e);
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

static struct disk *image_of(const char *name)
{
	const struct format *used = NULL;
	struct error e = { 0 };
	struct disk *d = NULL;

	if (image_open(path_of(name), NULL, &d, &used, &e))
		fail_msg("%s", e.text);
	assert_ptr_equal(used, &vhd_format);
	return d;
}

static void assert_same(struct disk *a, struct disk *b)
{
	struct convert_options co = { .threads = 2 };
	struct error e = { 0 };
	uint64_t at = 0;

	if (compare(a, b, true, &co, &at, &e))
		fail_msg("%s", e.text);
	assert_int_equal(at, UINT64_MAX);
}

static void assert_libvhdi_agrees(struct disk *source, const char *name)
{
	libvhdi_file_t *file = NULL;
	static uint8_t ours[1 << 20], theirs[1 << 20];
	size64_t size = 0;

	assert_int_equal(libvhdi_file_initialize(&file, NULL), 1);
	assert_int_equal(
		libvhdi_file_open(file, path_of(name), libvhdi_get_access_flags_read(), NULL), 1);
	assert_int_equal(libvhdi_file_get_media_size(file, &size, NULL), 1);
	assert_int_equal(size, source->size);
	for (uint64_t off = 0; off < size; off += sizeof(ours)) {
		size_t len = (size_t)min_u64(sizeof(ours), size - off);

		assert_int_equal(disk_read(source, off, ours, len, NULL), 0);
		assert_int_equal(
			libvhdi_file_read_buffer_at_offset(file, theirs, len, (off64_t)off, NULL),
			len);
		assert_memory_equal(ours, theirs, len);
	}
	libvhdi_file_close(file, NULL);
	libvhdi_file_free(&file, NULL);
}

/* Bytes of an image, with room for some more behind them. */
struct bytes {
	uint8_t *data;
	size_t len;
};

enum { ROOM = 4096 };

static struct bytes file_bytes(const char *name)
{
	struct disk *d = NULL;
	struct bytes b;

	assert_int_equal(host_file_open(path_of(name), &d, NULL), 0);
	b.len = (size_t)d->size;
	b.data = calloc(1, b.len + ROOM);
	assert_non_null(b.data);
	assert_int_equal(disk_read(d, 0, b.data, b.len, NULL), 0);
	disk_close(d);
	return b;
}

static int bytes_open(const struct bytes *b, struct disk **out, struct error *e)
{
	struct disk *file = NULL;
	int rc;

	assert_int_equal(memory_disk_open(b->data, b->len, &file, NULL), 0);
	rc = vhd_format.open(file, &(struct open_options){ 0 }, out, e);
	if (rc)
		disk_close(file);
	return rc;
}

static void assert_opens(const struct bytes *b, struct disk *source)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (bytes_open(b, &d, &e))
		fail_msg("%s", e.text);
	assert_same(source, d);
	disk_close(d);
}

/* Opening, or else reading all of it, fails like that. */
static void assert_fails(const struct bytes *b, int code, const char *text)
{
	static uint8_t all[8 * MIB];
	struct error e = { 0 };
	struct disk *d = NULL;
	int rc = bytes_open(b, &d, &e);

	if (!rc) {
		assert_in_range(d->size, 512, sizeof(all));
		rc = disk_read(d, 0, all, (size_t)d->size, &e);
		disk_close(d);
	}
	assert_int_equal(rc, -code);
	if (!strstr(e.text, text))
		fail_msg("'%s' does not say '%s'", e.text, text);
}

static struct vhd_footer *footer_at(const struct bytes *b, size_t off)
{
	assert_true(off + sizeof(struct vhd_footer) <= b->len + ROOM);
	return (struct vhd_footer *)(b->data + off);
}

static struct vhd_footer *footer_of(const struct bytes *b)
{
	return footer_at(b, b->len - sizeof(struct vhd_footer));
}

static struct vhd_header *header_of(const struct bytes *b)
{
	return (struct vhd_header *)(b->data + HEADER);
}

static be32 *table_of(const struct bytes *b)
{
	return (be32 *)(b->data + TABLE);
}

static void footer_seal(struct vhd_footer *f)
{
	f->checksum = put_be32(vhd_footer_checksum(f));
}

static void header_seal(struct vhd_header *h)
{
	h->checksum = put_be32(vhd_header_checksum(h));
}

/* Footer and copy. */
static void type_set(const struct bytes *b, uint32_t type)
{
	struct vhd_footer *f[] = { footer_at(b, 0), footer_of(b) };

	for (size_t i = 0; i < 2; i++) {
		f[i]->type = put_be32(type);
		footer_seal(f[i]);
	}
}

static void size_set(const struct bytes *b, uint64_t size)
{
	struct vhd_footer *f[] = { footer_at(b, 0), footer_of(b) };

	for (size_t i = 0; i < 2; i++) {
		f[i]->current_size = put_be64(size);
		footer_seal(f[i]);
	}
}

static const uint64_t small_at[] = { 0, MIB + 512, 5 * MIB };

static struct sparse small_disk(void)
{
	return sparse_disk(6 * MIB + 512, small_at, 3);
}

static struct bytes small_image(const char *options)
{
	struct sparse source = small_disk();
	struct bytes b;

	assert_int_equal(image_make(&source.disk, "small.vhd", options, 1, NULL), 0);
	b = file_bytes("small.vhd");
	unlink(path_of("small.vhd"));
	return b;
}

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
		first = file_bytes("a.vhd");
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(
				image_make(&source.disk, "a.vhd", options[o], threads[i], NULL), 0);
			other = file_bytes("a.vhd");
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
	c = file_bytes("a.vhd");
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

/* Virtual PC before 2004 left out the footer's last byte. */
static void short_footers_are_read(void **state)
{
	static const char *const options[] = { "", "subformat=fixed" };
	struct sparse source = small_disk();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct bytes b = small_image(options[i]);
		const struct format *f = NULL;
		struct disk *file = NULL;

		b.len--;
		assert_opens(&b, &source.disk);
		assert_int_equal(memory_disk_open(b.data, b.len, &file, NULL), 0);
		assert_int_equal(image_probe(file, &f, NULL), 0);
		assert_ptr_equal(f, &vhd_format);
		disk_close(file);
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
	assert_fails(&b, ERR_REFUSED, "(not named)");
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
		cmocka_unit_test(content_survives),
		cmocka_unit_test(fields_are_as_specified),
		cmocka_unit_test(geometry_follows_the_specification),
		cmocka_unit_test(fixed_is_the_disk_and_a_footer),
		cmocka_unit_test(largest_disk_survives),
		cmocka_unit_test(bytes_do_not_depend_on_threads),
		cmocka_unit_test(identifier_follows_from_content),
		cmocka_unit_test(senseless_requests_are_refused),
		cmocka_unit_test(one_damaged_footer_is_survived),
		cmocka_unit_test(fixed_footers_are_checked),
		cmocka_unit_test(short_footers_are_read),
		cmocka_unit_test(current_size_is_the_size),
		cmocka_unit_test(footers_that_disagree_are_refused),
		cmocka_unit_test(unknown_kinds_are_told),
		cmocka_unit_test(headers_are_checked),
		cmocka_unit_test(table_entries_are_checked),
		cmocka_unit_test(cut_files_are_told),
		cmocka_unit_test(bitmaps_are_honoured),
		cmocka_unit_test(any_block_size_is_read),
		cmocka_unit_test(info_tells),
		cmocka_unit_test(differencing_is_refused),
		cmocka_unit_test(mutations_do_no_harm),
	};

	return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
