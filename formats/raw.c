/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Raw: the guest's bytes and nothing else. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/format.h"

enum { RAW_SECTOR = 512, RAW_SECTOR_4K = 4096 };

struct raw {
	struct disk disk;
	struct disk *file;
};

static enum probe_answer raw_probe(const struct probe *p)
{
	(void)p;
	return PROBE_FALLBACK;
}

/* Bytes between the file's end and the end of its last sector read as zeros. */
static int raw_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct disk *file = ((struct raw *)d)->file;
	size_t have = (size_t)min_u64(len, off < file->size ? file->size - off : 0);

	memset((uint8_t *)buf + have, 0, len - have);
	return have ? disk_read(file, off, buf, have, e) : 0;
}

static int raw_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct disk *file = ((struct raw *)d)->file;

	if (off < file->size)
		return disk_extent(file, off, out, e);
	*out = (struct extent){ .length = d->size - off, .zero = true };
	return 0;
}

static bool has_gpt(struct disk *file, uint64_t off)
{
	char signature[8];

	return range_fits(off, sizeof(signature), file->size) &&
		!disk_read(file, off, signature, sizeof(signature), NULL) &&
		!memcmp(signature, "EFI PART", sizeof(signature));
}

/*
 * A file does not say of what sectors its disk was, but the GPT header is in the second one (UEFI
 * 2.10, 5.3.2), and a disk with other sectors would have no partitions any more.
 */
static uint32_t sector_size(struct disk *file)
{
	if (file->logical_sector > RAW_SECTOR)
		return file->logical_sector;
	return file->size % RAW_SECTOR_4K == 0 && has_gpt(file, RAW_SECTOR_4K) &&
			!has_gpt(file, RAW_SECTOR)
		? RAW_SECTOR_4K
		: RAW_SECTOR;
}

static void raw_close(struct disk *d)
{
	disk_close(((struct raw *)d)->file);
	free(d);
}

static const struct disk_ops raw_disk_ops = {
	.read = raw_read,
	.extent = raw_extent,
	.close = raw_close,
};

static int raw_open(
	struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct raw *r;

	(void)o;
	if (file->size > INT64_MAX)
		return error_set(
			e, ERR_RANGE, "file of %llu bytes", (unsigned long long)file->size);
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_nomem(e, "a raw image");
	r->file = file;
	r->disk.ops = &raw_disk_ops;
	r->disk.size = round_up(file->size, RAW_SECTOR);
	r->disk.logical_sector = sector_size(file);
	*out = &r->disk;
	return 0;
}

static int raw_info(struct disk *d, struct image_info *out, struct error *e)
{
	(void)d;
	(void)out;
	(void)e;
	return 0;
}

struct raw_writer {
	struct writer writer;
	struct output *file;
	uint64_t size;
	uint64_t next; /* end of what was placed or cleared */
};

/* What is not written reads as zeros in a fresh file; on a block device it has to be cleared. */
static int raw_clear_to(struct raw_writer *r, uint64_t end, struct error *e)
{
	static const uint8_t zeros[65536];
	int rc = 0;

	if (output_is_fresh(r->file))
		return 0;
	while (r->next < end && !rc) {
		size_t len = (size_t)min_u64(end - r->next, sizeof(zeros));

		rc = output_write(r->file, r->next, zeros, len, e);
		r->next += len;
	}
	return rc;
}

static int raw_place(struct writer *w, struct block *b, struct error *e)
{
	struct raw_writer *r = (struct raw_writer *)w;
	int rc;

	if (!range_fits(b->off, b->len, r->size))
		return error_set(e, ERR_RANGE, "block at %llu is past the end at %llu",
			(unsigned long long)b->off, (unsigned long long)r->size);
	rc = raw_clear_to(r, b->off, e);
	if (rc)
		return rc;
	r->next = b->off + b->len;
	b->piece->file_off = b->off;
	return 0;
}

static int raw_finish(struct writer *w, const struct content_summary *c, struct error *e)
{
	struct raw_writer *r = (struct raw_writer *)w;

	(void)c;
	w->file_size = r->size;
	return raw_clear_to(r, r->size, e);
}

static void raw_writer_close(struct writer *w)
{
	free(w);
}

static const struct writer_ops raw_writer_ops = {
	.place = raw_place,
	.finish = raw_finish,
	.close = raw_writer_close,
};

static int raw_create(
	const struct image_spec *spec, struct output *file, struct writer **out, struct error *e)
{
	struct raw_writer *r;
	int rc = output_check_room(file, spec->size, e);

	if (rc)
		return rc;
	r = calloc(1, sizeof(*r));
	if (!r)
		return error_nomem(e, "a raw image");
	r->file = file;
	r->writer.ops = &raw_writer_ops;
	r->writer.unit = UNIT_SIZE;
	r->size = spec->size;
	*out = &r->writer;
	return 0;
}

/* Any bytes are a raw disk. */
static int raw_check(struct disk *file, struct check *c, struct error *e)
{
	(void)file;
	(void)c;
	(void)e;
	return 0;
}

static const char *const raw_endings[] = { "raw", "img", NULL };

const struct format raw_format = {
	.name = "raw",
	.help = "the disk byte for byte",
	.endings = raw_endings,
	.glance_name = "raw",
	.probe = raw_probe,
	.open = raw_open,
	.info = raw_info,
	.check = raw_check,
	.create = raw_create,
};
