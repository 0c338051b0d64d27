/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a container: opened by each format, described, checked, mapped and read in places.
 *
 * Images have a megabyte of zeros between structures, and checksums that a changed byte breaks. So
 * an input may also be what scripts/fuzz-seeds makes of a file: a tag, its length in sectors, and
 * the sectors that are not all zero, each with its number in front. Before it is tried, the
 * checksums of VHD and VHDX are made right.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/check.h"
#include "disk/format.h"
#include "formats/vhd.h"
#include "formats/vhdx.h"
#include "volume/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { SECTOR = 512, SECTORS_MAX = 32768 };

struct packed {
	uint8_t tag[8];
	le32 sectors;
};

struct packed_sector {
	le32 number;
	uint8_t bytes[SECTOR];
};

/* A file that does not own its bytes. */
struct flat {
	struct disk disk;
	const uint8_t *bytes;
};

static int flat_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, ((const struct flat *)d)->bytes + off, len);
	return 0;
}

static void flat_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops flat_ops = { .read = flat_read, .close = flat_close };

/* The file that the input stands for; NULL: the input is the file.  The caller frees it. */
static uint8_t *unpack(const uint8_t *bytes, size_t len, size_t *out)
{
	struct packed head;
	struct packed_sector s;
	uint8_t *file;
	uint32_t sectors;

	if (len < sizeof(head) || memcmp(bytes, "sectors\n", sizeof(head.tag)) != 0)
		return NULL;
	memcpy(&head, bytes, sizeof(head));
	sectors = get_le32(head.sectors) % SECTORS_MAX + 1;
	file = calloc(sectors, SECTOR);
	for (size_t at = sizeof(head); file && len - at >= sizeof(s); at += sizeof(s)) {
		memcpy(&s, bytes + at, sizeof(s));
		memcpy(file + (size_t)(get_le32(s.number) % sectors) * SECTOR, s.bytes, SECTOR);
	}
	*out = (size_t)sectors * SECTOR;
	return file;
}

static void vhd_footer_mend(uint8_t *file, size_t len, size_t at)
{
	struct vhd_footer f;
	struct vhd_header h;
	uint64_t off;

	memcpy(&f, file + at, sizeof(f));
	if (memcmp(f.cookie, "conectix", sizeof(f.cookie)) != 0)
		return;
	f.checksum = put_be32(vhd_footer_checksum(&f));
	memcpy(file + at, &f, sizeof(f));
	off = get_be64(f.data_offset);
	if (off < sizeof(f) || !range_fits(off, sizeof(h), len))
		return;
	memcpy(&h, file + off, sizeof(h));
	h.checksum = put_be32(vhd_header_checksum(&h));
	memcpy(file + off, &h, sizeof(h));
}

/* Headers and region tables, and their second copies. */
static void vhdx_mend(uint8_t *file, size_t len)
{
	enum { STEP = 65536, HEADERS = 2 };

	if (len < 5 * STEP || memcmp(file, "vhdxfile", 8) != 0)
		return;
	for (size_t i = 1; i <= 4; i++) {
		uint8_t *at = file + i * STEP;
		size_t size = i <= HEADERS ? sizeof(struct vhdx_header) : VHDX_TABLE_SIZE;
		le32 sum = put_le32(vhdx_checksum(at, size));

		memcpy(at + 4, &sum, sizeof(sum));
	}
}

static void disk_use(struct disk *d)
{
	uint8_t *buf = malloc(UNIT_SIZE);
	struct error e;
	uint64_t off = 0;

	for (int i = 0; buf && i < 64 && off < d->size; i++) {
		struct extent x;
		size_t part = d->size - off < UNIT_SIZE ? (size_t)(d->size - off) : UNIT_SIZE;

		if (disk_extent(d, off, &x, &e))
			break;
		disk_read(d, off, buf, part, &e);
		off += x.length;
	}
	free(buf);
}

static void disk_volumes(struct disk *d)
{
	struct volume_list list;
	struct report report = { 0 };
	struct error e;

	if (volumes_open(d, &list, &report, &e) == 0)
		volumes_close(&list);
	report_free(&report);
}

static void image_check(const struct format *f, struct disk *file)
{
	struct check c = { 0 };
	struct error e;

	if (f->check)
		f->check(file, &c, &e);
	check_free(&c);
}

/* The image in `file`, or a snapshot of it; *first is set to the name of the first one. */
static void image_use(const struct format *f, struct disk *file, const char *snapshot, char **first)
{
	struct open_options o = { .snapshot = snapshot };
	struct image_info info = { 0 };
	struct disk *d;
	struct error e;

	if (f->open(file, &o, &d, &e))
		return;
	if (f->info && f->info(d, &info, &e) == 0) {
		if (first && info.snapshots_listed)
			*first = strdup(info.snapshot->name);
		image_info_free(&info);
	}
	disk_use(d);
	disk_volumes(d);
	disk_close(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *file = unpack(bytes, len, &len);
	struct flat flat = {
		.disk = { .ops = &flat_ops, .size = len, .logical_sector = SECTOR },
		.bytes = file ? file : bytes,
	};

	if (file) {
		vhd_footer_mend(file, len, 0);
		vhd_footer_mend(file, len, len - SECTOR);
		vhdx_mend(file, len);
	}
	for (size_t i = 0; format_list[i]; i++) {
		char *first = NULL;

		image_check(format_list[i], &flat.disk);
		image_use(format_list[i], &flat.disk, NULL, &first);
		if (first)
			image_use(format_list[i], &flat.disk, first, NULL);
		free(first);
	}
	free(file);
	return 0;
}
