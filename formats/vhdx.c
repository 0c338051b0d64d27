/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VHDX: its entry in the list of formats, and the numbers that reader and writer share. */
#include "formats/vhdx.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"

/* A GUID from its text's five groups, in the stored byte order. */
#define GUID(a, b, c, d, e)                                                                        \
	{                                                                                          \
		{                                                                                  \
			(uint8_t)(a), (uint8_t)((a) >> 8), (uint8_t)((a) >> 16),                   \
				(uint8_t)((a) >> 24), (uint8_t)(b), (uint8_t)((b) >> 8),           \
				(uint8_t)(c), (uint8_t)((c) >> 8), (uint8_t)((d) >> 8),            \
				(uint8_t)(d), (uint8_t)((e) >> 40), (uint8_t)((e) >> 32),          \
				(uint8_t)((e) >> 24), (uint8_t)((e) >> 16), (uint8_t)((e) >> 8),   \
				(uint8_t)(e)                                                       \
		}                                                                                  \
	}

const struct guid vhdx_region_bat = GUID(0x2dc27766u, 0xf623, 0x4200, 0x9d64, 0x115e9bfd4a08u);
const struct guid vhdx_region_metadata = GUID(0x8b7ca206u, 0x4790, 0x4b9a, 0xb8fe, 0x575f050f886eu);
const struct guid vhdx_item_file_parameters = GUID(
	0xcaa16737u, 0xfa36, 0x4d43, 0xb3b6, 0x33f0aa44e76bu);
const struct guid vhdx_item_disk_size = GUID(0x2fa54224u, 0xcd1b, 0x4876, 0xb211, 0x5dbed83bf4b8u);
const struct guid vhdx_item_disk_id = GUID(0xbeca12abu, 0xb2e6, 0x4523, 0x93ef, 0xc309e000c746u);
const struct guid vhdx_item_logical_sector = GUID(
	0x8141bf1du, 0xa96f, 0x4709, 0xba47, 0xf233a8faab5fu);
const struct guid vhdx_item_physical_sector = GUID(
	0xcda348c7u, 0x445d, 0x4471, 0x9cc9, 0xe9885251c556u);
const struct guid vhdx_item_parent_locator = GUID(
	0xa8d35f2du, 0xb30b, 0x454d, 0xabf7, 0xd3d84834ab0cu);
const struct guid vhdx_locator_vhdx = GUID(0xb04aefb7u, 0xd19e, 0x4a81, 0xb789, 0x25b8e9445913u);

uint32_t vhdx_checksum(void *structure, size_t len)
{
	static_assert(offsetof(struct vhdx_header, checksum) == 4 &&
			offsetof(struct vhdx_region_table, checksum) == 4,
		"place of the checksum");
	uint8_t kept[4];
	uint8_t *field = (uint8_t *)structure + 4;
	uint32_t sum;

	memcpy(kept, field, sizeof(kept));
	memset(field, 0, sizeof(kept));
	sum = crc32c(structure, len);
	memcpy(field, kept, sizeof(kept));
	return sum;
}

uint64_t vhdx_block_count(uint64_t size, uint32_t block_size)
{
	return div_up(size, block_size);
}

uint64_t vhdx_bat_entries(const struct vhdx_image *image)
{
	uint64_t blocks = vhdx_block_count(image->size, image->block_size);

	if (image->has_parent)
		return div_up(blocks, image->chunk_ratio) * (image->chunk_ratio + UINT64_C(1));
	return blocks ? vhdx_bat_index(blocks - 1, image->chunk_ratio) + 1 : 0;
}

static int identifier_add(struct strings *s, const char *name, struct guid g, struct error *e)
{
	char text[64], guid[GUID_TEXT_SIZE];

	guid_text(g, guid);
	snprintf(text, sizeof(text), "%s=%s", name, guid);
	return strings_add(s, text, e);
}

int vhdx_describe(const struct vhdx_image *image, struct image_info *out, struct error *e)
{
	int rc;

	out->subformat = image->has_parent ? "differencing" : image->fixed ? "fixed" : "dynamic";
	out->block_size = image->block_size;
	out->log_dirty = image->log_dirty;
	out->log_size = image->log.length;
	if (image->creator[0] && !(out->creator = strdup(image->creator)))
		return error_nomem(e, "the creator's name");
	rc = parent_names_describe(&image->parents, out, e);
	if (rc)
		return rc;
	if (image->has_parent) {
		char guid[GUID_TEXT_SIZE];

		guid_text(image->parent_id, guid);
		out->parent_identifier = strdup(guid);
		if (!out->parent_identifier)
			return error_nomem(e, "the parent's identifier");
	}
	rc = identifier_add(&out->identifiers, "virtual_disk", image->disk_id, e);
	if (!rc)
		rc = identifier_add(&out->identifiers, "data_write", image->data_write, e);
	return rc;
}

void vhdx_image_free(struct vhdx_image *image)
{
	parent_names_free(&image->parents);
	buffer_free(&image->locator);
}

static enum probe_answer vhdx_probe(const struct probe *p)
{
	bool ours = p->head_len >= 8 && memcmp(p->head, "vhdxfile", 8) == 0;

	return ours ? PROBE_YES : PROBE_NO;
}

static const char *const vhdx_endings[] = { "vhdx", "avhdx", NULL };

const struct format vhdx_format = {
	.name = "vhdx",
	.help = "Hyper-V virtual hard disk, version 2",
	.endings = vhdx_endings,
	.glance_name = "vhdx",
	.options = vhdx_options,
	.probe = vhdx_probe,
	.check = vhdx_check,
	.remains = vhdx_remains,
	.spec_of = vhdx_spec_of,
	.open = vhdx_open,
	.info = vhdx_info,
	.has_identifier = true,
	.allocated = vhdx_allocated,
	.has_parents = true,
	.create = vhdx_create,
};
