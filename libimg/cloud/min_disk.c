/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * compute-hyperv takes a flavor's disk size for the size of a *file*, asks os-win how much guest
 * disk fits into a VHD or VHDX file of that size, and refuses an image that is larger: an image of
 * exactly N GiB does not fit a flavor of N GiB. The sums below are os-win's
 * (os_win/utils/storage/virtdisk/vhdutils.py), not the formats' own.
 */
#include "base/checked.h"
#include "cloud/properties.h"

#include <string.h>

__extension__ typedef unsigned __int128 uint128;

enum {
	MIB = 1 << 20,
	GIB = 1 << 30,
	VHD_BLOCK = 2 * MIB,
	VHD_FOOTER = 512,
	VHD_HEADERS = 2048, /* footer, its copy, dynamic header */
	VHD_ENTRY = 4,
	VHDX_BLOCK = 32 * MIB,
	VHDX_HEADERS = MIB,
	VHDX_LOG = MIB,
	VHDX_METADATA = MIB,
	VHDX_ENTRY = 8,
};

static uint64_t vhd_internal(const struct image_facts *f, uint64_t file_size)
{
	uint64_t block = f->block_size ? f->block_size : VHD_BLOCK;

	if (file_size <= VHD_HEADERS)
		return 0;
	if (f->subformat && !strcmp(f->subformat, "fixed"))
		return file_size - VHD_FOOTER;
	return (uint64_t)((uint128)(file_size - VHD_HEADERS) * block / (block + VHD_ENTRY));
}

static uint64_t vhdx_internal(const struct image_facts *f, uint64_t file_size)
{
	uint64_t block = f->block_size ? f->block_size : VHDX_BLOCK;
	uint64_t log = f->log_size ? f->log_size : VHDX_LOG;
	uint64_t sector = f->logical_sector ? f->logical_sector : 512;
	uint64_t ratio = max_u64((sector << 23) / block, 1); /* payload blocks a bitmap block */
	uint64_t head = VHDX_HEADERS + VHDX_METADATA + VHDX_ENTRY + VHDX_ENTRY / ratio;
	uint128 payload = (uint128)block * ratio;
	uint64_t size;

	if (file_size <= head || file_size - head <= log)
		return 0;
	size = file_size - head - log;
	size = (uint64_t)(payload * size / (payload + VHDX_ENTRY * ratio + VHDX_ENTRY));
	return size - size % block;
}

/* Guest bytes that fit into a file of that size; all of it where os-win does not reckon. */
static uint64_t internal_size(const struct image_facts *f, uint64_t file_size)
{
	const char *name = f->format->glance_name;

	if (name && !strcmp(name, "vhd"))
		return vhd_internal(f, file_size);
	return name && !strcmp(name, "vhdx") ? vhdx_internal(f, file_size) : file_size;
}

uint64_t min_disk_gib(const struct image_facts *f)
{
	uint64_t n = max_u64(div_up(f->virtual_size, GIB), 1);

	/* Tables take at most a few thousandths of a file, so this ends soon; a log can take 4 GiB.
	 */
	while (n < UINT64_MAX / GIB && internal_size(f, n * GIB) < f->virtual_size)
		n++;
	return n;
}

uint64_t flavor_disk_size(const struct image_facts *f, uint64_t gib)
{
	uint64_t sector = f->logical_sector ? f->logical_sector : 512;
	uint64_t file_size;

	return mul_fits(gib, GIB, &file_size) ? internal_size(f, file_size) / sector * sector : 0;
}
