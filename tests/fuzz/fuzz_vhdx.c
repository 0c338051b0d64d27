/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the structures of a VHDX: they are put to their places, and the checksums are made
 * right, so that what is behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "formats/vhdx_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { MIB = 1 << 20, SIZE = 6 * MIB, LOG_SECTORS = 8 };

static const struct {
	size_t off, len;
} places[] = {
	{ 64 << 10, 80 }, /* first header */
	{ 128 << 10, 80 },
	{ 192 << 10, 112 }, /* first region table */
	{ 2 * MIB, 288 }, /* metadata table */
	{ 2 * MIB + 65536, 512 }, /* items */
	{ 3 * MIB, 64 }, /* BAT */
	{ MIB, LOG_SECTORS *VHDX_LOG_SECTOR },
};

static void seal(uint8_t *structure, size_t len)
{
	le32 sum = put_le32(vhdx_checksum(structure, len));

	memcpy(structure + 4, &sum, sizeof(sum));
}

static void seal_all(uint8_t *file)
{
	seal(file + (64 << 10), sizeof(struct vhdx_header));
	seal(file + (128 << 10), sizeof(struct vhdx_header));
	seal(file + (192 << 10), VHDX_TABLE_SIZE);
	for (size_t i = 0; i < LOG_SECTORS; i++) {
		struct vhdx_log_header *h = (struct vhdx_log_header *)(file + MIB +
			i * VHDX_LOG_SECTOR);
		size_t entry = get_le32(h->length);

		if (!memcmp(h->signature, "loge", 4) && entry >= sizeof(*h) &&
			entry <= (LOG_SECTORS - i) * VHDX_LOG_SECTOR)
			seal((uint8_t *)h, entry);
	}
}

static void disk_use(struct disk *d)
{
	uint8_t buf[8192];
	struct error e;
	uint64_t off = 0;

	for (int i = 0; i < 32 && off < d->size; i++) {
		size_t part = d->size - off < sizeof(buf) ? (size_t)(d->size - off) : sizeof(buf);
		struct extent x;

		if (disk_extent(d, off, &x, &e))
			break;
		disk_read(d, off, buf, part, &e);
		off += x.length;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *file = calloc(1, SIZE);
	struct open_options o = { 0 };
	struct image_info info = { 0 };
	struct disk *below = NULL, *d = NULL;
	struct error e;

	if (!file)
		return 0;
	memcpy(file, "vhdxfile", 8);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && len; i++) {
		size_t part = len < places[i].len ? len : places[i].len;

		memcpy(file + places[i].off, bytes, part);
		bytes += part;
		len -= part;
	}
	seal_all(file);
	if (!memory_disk_open(file, SIZE, &below, &e) && !vhdx_open(below, &o, &d, &e)) {
		if (!vhdx_info(d, &info, &e))
			image_info_free(&info);
		disk_use(d);
		below = NULL;
	}
	disk_close(d);
	disk_close(below);
	free(file);
	return 0;
}
