/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks of any bytes as each container, and of good VHD and VHDX in which the input changes some
 * bytes, with their checksums made right again: without that no change gets past the headers.  An
 * image in which nothing is wrong has to open, and all of its content has to be readable.
 */
#include <stdlib.h>
#include <string.h>

#include "disk/check.h"
#include "formats/vhd.h"
#include "formats/vhdx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { SAMPLES = 3, DISK = 2 << 20 };

/* A good image, and where in it changes are worth while. */
struct sample {
	const char *format, *options;
	uint8_t *bytes;
	size_t len;
	uint8_t *image; /* room for a changed one */
};

static struct sample samples[SAMPLES] = {
	{ "vhd", "block_size=512K", NULL, 0, NULL },
	{ "vhd", "subformat=fixed", NULL, 0, NULL },
	{ "vhdx", "block_size=1M", NULL, 0, NULL },
};

static void must(int good)
{
	if (!good)
		abort();
}

/* All of its blocks hold something. */
static void sample_fill(const struct format *f, struct writer *w, struct output *file)
{
	static const uint8_t data[UNIT_SIZE] = { 1 };
	struct content_summary content = { { 0 }, 0 };
	struct piece piece[64];

	for (uint64_t off = 0; off < DISK; off += UNIT_SIZE) {
		struct block b = { .off = off, .len = UNIT_SIZE, .piece = piece, .pieces = 1 };

		must(f && w->pieces_max <= 64);
		b.data = (uint8_t *)(uintptr_t)data;
		piece[0] = (struct piece){ .bytes = data, .len = UNIT_SIZE };
		must(w->ops->place(w, &b, NULL) == 0);
	}
	must(w->ops->finish(w, &content, NULL) == 0);
	must(output_write(file, w->file_size - 1, "", 0, NULL) == 0);
}

static void sample_make(struct sample *t)
{
	const struct format *f = format_by_name(t->format);
	struct strings options = { 0 };
	struct image_spec spec = { .size = DISK, .options = &options };
	struct output *file;
	struct writer *w;

	must(strings_add(&options, t->options, NULL) == 0);
	must(output_scratch_open("/tmp", &file, NULL) == 0);
	must(f->create(&spec, file, &w, NULL) == 0);
	sample_fill(f, w, file);
	t->len = (size_t)w->file_size;
	t->bytes = calloc(1, t->len);
	t->image = malloc(t->len);
	must(t->image && t->bytes && output_read(file, 0, t->bytes, t->len, NULL) == 0);
	w->ops->close(w);
	output_close(file);
	strings_free(&options);
}

static void vhd_seal(uint8_t *bytes, size_t len)
{
	struct vhd_footer f;
	struct vhd_header h;

	for (size_t at = 0; at < len; at += len - sizeof(f)) {
		memcpy(&f, bytes + at, sizeof(f));
		f.checksum = put_be32(vhd_footer_checksum(&f));
		if (!memcmp(f.cookie, "conectix", 8))
			memcpy(bytes + at, &f, sizeof(f));
		if (at)
			break;
	}
	memcpy(&h, bytes + sizeof(f), sizeof(h));
	h.checksum = put_be32(vhd_header_checksum(&h));
	if (!memcmp(h.cookie, "cxsparse", 8))
		memcpy(bytes + sizeof(f), &h, sizeof(h));
}

static void vhdx_seal(uint8_t *bytes)
{
	static const struct {
		size_t at, len;
	} part[] = { { 65536, 4096 }, { 131072, 4096 }, { 196608, 65536 }, { 262144, 65536 } };

	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		le32 sum = put_le32(vhdx_checksum(bytes + part[i].at, part[i].len));

		memcpy(bytes + part[i].at + 4, &sum, sizeof(sum));
	}
}

/* The start of each part of a file that a change may be counted from. */
static size_t place(const struct sample *t, uint8_t which)
{
	static const size_t vhdx[] = { 0, 65536, 131072, 196608, 262144, 1 << 20, 2 << 20,
		(2 << 20) + 65536, 3 << 20, 4 << 20 };
	static const size_t vhd[] = { 0, 512, 1536 };
	size_t n = which & 15;

	if (!strcmp(t->format, "vhdx"))
		return n < sizeof(vhdx) / sizeof(vhdx[0]) ? vhdx[n] : vhdx[8];
	return n < sizeof(vhd) / sizeof(vhd[0]) ? vhd[n] : t->len - 512;
}

/* Each change: a place, a distance from it (two bytes), a number of bytes, these. */
static void change(const struct sample *t, uint8_t *image, const uint8_t *in, size_t len)
{
	while (len >= 4) {
		size_t at = place(t, in[0]) + (in[1] | (size_t)in[2] << 8), n = in[3] & 15;

		in += 4;
		len -= 4;
		n = n < len ? n : len;
		if (at < t->len)
			memcpy(image + at, in, n < t->len - at ? n : t->len - at);
		in += n;
		len -= n;
	}
}

/* Bytes as a file, without a copy of them. */
struct bytes_disk {
	struct disk disk;
	const uint8_t *bytes;
};

static int bytes_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, ((struct bytes_disk *)d)->bytes + off, len);
	return 0;
}

static void bytes_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops bytes_ops = { .read = bytes_read, .close = bytes_close };

/* Nothing was found wrong.  Reads a sector in each 256 KiB of up to 64 MiB. */
static void use_good(const struct format *f, struct disk *file)
{
	struct open_options o = { 0 };
	struct image_info info = { 0 };
	uint8_t sector[512];
	struct disk *d;

	must(f->open(file, &o, &d, NULL) == 0);
	must(f->info(d, &info, NULL) == 0);
	for (uint64_t off = 0; off < d->size && off < 64 << 20; off += 256 << 10)
		must(disk_read(d, off, sector, sizeof(sector), NULL) == 0 ||
			!strcmp(info.subformat, "differencing"));
	image_info_free(&info);
	disk_close(d);
}

static void check_one(const struct format *f, const uint8_t *bytes, size_t len)
{
	struct bytes_disk file = { { .ops = &bytes_ops, .size = len, .logical_sector = 512 },
		bytes };
	struct check c = { 0 };
	struct error e;

	if (!f->check)
		return;
	if (f->check(&file.disk, &c, &e) == 0 && !c.errors &&
		(!strcmp(f->name, "vhd") || !strcmp(f->name, "vhdx")))
		use_good(f, &file.disk);
	check_end(&c, &e);
	check_free(&c);
}

static void check_changed(const struct sample *t, const uint8_t *in, size_t len)
{
	uint8_t *image = t->image;

	memcpy(image, t->bytes, t->len);
	change(t, image, in, len);
	if (!strcmp(t->format, "vhd"))
		vhd_seal(image, t->len);
	else
		vhdx_seal(image);
	check_one(format_by_name(t->format), image, t->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < SAMPLES && !samples[i].bytes; i++)
		sample_make(&samples[i]);
	for (size_t i = 0; format_list[i]; i++)
		check_one(format_list[i], bytes, len);
	if (len)
		check_changed(&samples[bytes[0] % SAMPLES], bytes + 1, len - 1);
	return 0;
}
