/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHD: its entry in the list of formats, and what reader and writer share. */
#include "formats/vhd.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

const char *const vhd_type_names[] = {
	[VHD_FIXED] = "fixed",
	[VHD_DYNAMIC] = "dynamic",
	[VHD_DIFFERENCING] = "differencing",
};

static uint32_t checksum(const void *structure, size_t len, be32 field)
{
	const uint8_t *p = structure;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += p[i];
	for (size_t i = 0; i < sizeof(field); i++)
		sum -= field.b[i];
	return ~sum;
}

uint32_t vhd_footer_checksum(const struct vhd_footer *f)
{
	return checksum(f, sizeof(*f), f->checksum);
}

uint32_t vhd_header_checksum(const struct vhd_header *h)
{
	return checksum(h, sizeof(*h), h->checksum);
}

/* A struct guid has its first three fields little endian. */
static void id_swap(const uint8_t from[16], uint8_t to[16])
{
	static const uint8_t place[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

	for (size_t i = 0; i < sizeof(place); i++)
		to[i] = from[place[i]];
}

struct guid vhd_id_get(const uint8_t stored[16])
{
	struct guid id;

	id_swap(stored, id.b);
	return id;
}

void vhd_id_put(uint8_t stored[16], struct guid id)
{
	id_swap(id.b, stored);
}

uint32_t vhd_bitmap_size(uint32_t block_size)
{
	uint64_t sectors = div_up(block_size, (uint64_t)VHD_SECTOR * VHD_BITMAP_BITS);

	return (uint32_t)sectors * VHD_SECTOR;
}

void vhd_image_free(struct vhd_image *image)
{
	parent_names_free(&image->parents);
}

/*
 * A fixed disk has its only footer at the end, and starts with whatever the guest put there.  The
 * footer of Virtual PC before 2004 lacks its last byte.
 */
static const char vhd_cookie[] = "conectix";

/*
 * A file with a footer at its end only is a fixed disk when it is as long as the footer says.  When
 * it is shorter, it is the end of one, such as a file system that was copied out of a VHD.  When it
 * is longer, the footer may be that of a VHD in the last partition: to choose could add a footer to
 * a disk, or cut off some of it.
 */
static enum probe_answer tail_probe(const struct probe *p)
{
	struct vhd_footer footer;
	uint64_t size;

	if (!p->tail)
		return PROBE_NO;
	if (memcmp(p->tail + 1, vhd_cookie, 8) == 0)
		return PROBE_YES; /* 511 bytes, as old versions wrote it */
	if (memcmp(p->tail, vhd_cookie, 8) != 0)
		return PROBE_NO;
	memcpy(&footer, p->tail, sizeof(footer));
	if (get_be32(footer.type) != VHD_FIXED)
		return PROBE_YES;
	size = get_be64(footer.current_size);
	if (size > p->size - sizeof(footer))
		return PROBE_NO;
	return size == p->size - sizeof(footer) ? PROBE_YES : PROBE_DOUBTFUL;
}

static enum probe_answer vhd_probe(const struct probe *p)
{
	bool head = p->head_len >= 8 && memcmp(p->head, vhd_cookie, 8) == 0;

	return head ? PROBE_YES : tail_probe(p);
}

static const char *const vhd_endings[] = { "vhd", "avhd", NULL };

const struct format vhd_format = {
	.name = "vhd",
	.help = "Hyper-V, Azure and Xen virtual hard disk, version 1",
	.endings = vhd_endings,
	.glance_name = "vhd",
	.options = vhd_options,
	.probe = vhd_probe,
	.check = vhd_check,
	.remains = vhd_remains,
	.spec_of = vhd_spec_of,
	.open = vhd_open,
	.info = vhd_info,
	.has_identifier = true,
	.has_parents = true,
	.create = vhd_create,
};
