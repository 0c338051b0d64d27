/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a container: opened by each format, described, mapped and read in places. */
#include <stdlib.h>
#include <string.h>

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

/* The image in `bytes`, or a snapshot of it; *first is set to the name of the first one. */
static void image_use(const struct format *f, const uint8_t *bytes, size_t len,
	const char *snapshot, char **first)
{
	struct open_options o = { .snapshot = snapshot };
	struct image_info info = { 0 };
	struct disk *file, *d;
	struct error e;

	if (memory_disk_open(bytes, len, &file, &e))
		return;
	if (f->open(file, &o, &d, &e)) {
		disk_close(file);
		return;
	}
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
	for (size_t i = 0; format_list[i]; i++) {
		char *first = NULL;

		image_use(format_list[i], bytes, len, NULL, &first);
		if (first)
			image_use(format_list[i], bytes, len, first, NULL);
		free(first);
	}
	return 0;
}
