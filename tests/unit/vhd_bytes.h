/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the VHD tests: images in memory, and the structures in them. */
#ifndef TESTS_UNIT_VHD_BYTES_H
#define TESTS_UNIT_VHD_BYTES_H

#include "disk/image.h"
#include "formats/vhd.h"
#include "tests/unit/source.h"

#define GIB (MIB << 10)

enum { HEADER = 512, TABLE = 1536 };

extern const struct format vhd_format;

/* Bytes of an image, with room for some more behind them. */
struct bytes {
	uint8_t *data;
	size_t len;
};

enum { ROOM = 4096 };

static inline struct bytes bytes_of(const char *name)
{
	struct bytes b;

	b.data = file_bytes(name, &b.len);
	b.data = realloc(b.data, b.len + ROOM);
	assert_non_null(b.data);
	memset(b.data + b.len, 0, ROOM);
	return b;
}

static inline int bytes_open(const struct bytes *b, struct disk **out, struct error *e)
{
	struct disk *file = NULL;
	int rc;

	assert_int_equal(memory_disk_open(b->data, b->len, &file, NULL), 0);
	rc = vhd_format.open(file, &(struct open_options){ 0 }, out, e);
	if (rc)
		disk_close(file);
	return rc;
}

static inline void assert_opens(const struct bytes *b, struct disk *source)
{
	struct error e = { 0 };
	struct disk *d = NULL;

	if (bytes_open(b, &d, &e))
		fail_msg("%s", e.text);
	assert_same(source, d);
	disk_close(d);
}

/* Opening, or else reading all of it, fails like that. */
static inline void assert_fails(const struct bytes *b, int code, const char *text)
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

static inline struct vhd_footer *footer_at(const struct bytes *b, size_t off)
{
	assert_true(off + sizeof(struct vhd_footer) <= b->len + ROOM);
	return (struct vhd_footer *)(b->data + off);
}

static inline struct vhd_footer *footer_of(const struct bytes *b)
{
	return footer_at(b, b->len - sizeof(struct vhd_footer));
}

static inline struct vhd_header *header_of(const struct bytes *b)
{
	return (struct vhd_header *)(b->data + HEADER);
}

static inline be32 *table_of(const struct bytes *b)
{
	return (be32 *)(b->data + TABLE);
}

static inline void footer_seal(struct vhd_footer *f)
{
	f->checksum = put_be32(vhd_footer_checksum(f));
}

static inline void header_seal(struct vhd_header *h)
{
	h->checksum = put_be32(vhd_header_checksum(h));
}

/* Footer and copy. */
static inline void type_set(const struct bytes *b, uint32_t type)
{
	struct vhd_footer *f[] = { footer_at(b, 0), footer_of(b) };

	for (size_t i = 0; i < 2; i++) {
		f[i]->type = put_be32(type);
		footer_seal(f[i]);
	}
}

static inline void size_set(const struct bytes *b, uint64_t size)
{
	struct vhd_footer *f[] = { footer_at(b, 0), footer_of(b) };

	for (size_t i = 0; i < 2; i++) {
		f[i]->current_size = put_be64(size);
		footer_seal(f[i]);
	}
}

static const uint64_t small_at[] = { 0, MIB + 512, 5 * MIB };

static inline struct sparse small_disk(void)
{
	return sparse_disk(6 * MIB + 512, small_at, 3);
}

static inline struct bytes small_image(const char *options)
{
	struct sparse source = small_disk();
	struct bytes b;

	assert_int_equal(image_make(&source.disk, "small.vhd", options, 1, NULL), 0);
	b = bytes_of("small.vhd");
	unlink(path_of("small.vhd"));
	return b;
}

#endif
