/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a container: opened by each format, described, mapped and read in places. */
#include <stdlib.h>

#include "disk/format.h"
#include "disk/memory.h"
#include "volume/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; format_list[i]; i++) {
		struct open_options o = { 0 };
		struct image_info info = { 0 };
		struct disk *file, *d;
		struct error e;

		if (memory_disk_open(bytes, len, &file, &e))
			continue;
		if (format_list[i]->open(file, &o, &d, &e)) {
			disk_close(file);
			continue;
		}
		if (format_list[i]->info && format_list[i]->info(d, &info, &e) == 0)
			image_info_free(&info);
		disk_use(d);
		disk_volumes(d);
		disk_close(d);
	}
	return 0;
}
