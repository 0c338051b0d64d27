/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of a new VHD, and the footer and header that say it. */
#include "formats/vhd.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/size.h"

enum {
	SMALL_BLOCK = 512 << 10,
	BLKTAP_VERSION = 0x00010003, /* has a batmap of version 1.2 */
};

const struct format_option vhd_options[] = {
	{ "subformat", "dynamic|fixed", "allocate blocks when they are needed, or all of them" },
	{ "block_size", "512K|2M", "unit of allocation of a dynamic disk (default 2M)" },
	{ "dialect", "hyperv|blktap",
		"blktap: as XCP-ng and XenServer write it, with a batmap (default hyperv)" },
	{ "force_size", "on", "what always holds here: the size is never rounded to a geometry" },
	{ NULL, NULL, NULL },
};

static int subformat_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	const char *text = option_value(spec->options, "subformat");

	m->type = text && strcmp(text, "fixed") == 0 ? VHD_FIXED : VHD_DYNAMIC;
	if (text && m->type != VHD_FIXED && strcmp(text, "dynamic") != 0)
		return error_set(e, ERR_USAGE, "subformat=%s: it is dynamic or fixed", text);
	if (spec->parent && m->type == VHD_FIXED)
		return error_set(e, ERR_USAGE, "subformat=fixed: what has a parent is not fixed");
	if (spec->parent)
		m->type = VHD_DIFFERENCING;
	return 0;
}

/* Windows opens a child only when it is as large as its parent; a VHDX may differ. */
static int parent_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	const struct parent_spec *p = spec->parent;

	if (!p)
		return 0;
	if (strcmp(p->format->name, "vhd") != 0)
		return error_set(e, ERR_USAGE, "the parent of a VHD is a VHD, and %s is a %s",
			p->path, p->format->name);
	if (m->size != p->disk->size)
		return error_set(e, ERR_USAGE,
			"a child is a VHD of its parent's size, %" PRIu64 " bytes, not %" PRIu64
			": a VHDX may have another",
			p->disk->size, m->size);
	m->parent_id = vhd_unique_id(p->disk);
	return 0;
}

/* Hyper-V makes blocks of these two sizes and no others. */
bool vhd_block_size_written(uint64_t size)
{
	return size == SMALL_BLOCK || size == VHD_LARGE_BLOCK;
}

static int block_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	const char *text = option_value(spec->options, "block_size");
	uint64_t size = VHD_LARGE_BLOCK;
	int rc;

	if (text && m->type == VHD_FIXED)
		return error_set(e, ERR_USAGE, "block_size=%s: a fixed VHD has no blocks", text);
	rc = text ? size_parse(text, &size, e) : 0;
	if (rc)
		return error_prefix(e, "block_size");
	if (!vhd_block_size_written(size))
		return error_set(
			e, ERR_USAGE, "block_size=%" PRIu64 " is neither 512K nor 2M", size);
	m->block_size = (uint32_t)size;
	return 0;
}

/* blktap's tools take blocks of 2 MiB for granted when they resize or check. */
static int dialect_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	const char *text = option_value(spec->options, "dialect");

	m->blktap = text && strcmp(text, "blktap") == 0;
	if (text && !m->blktap && strcmp(text, "hyperv") != 0)
		return error_set(e, ERR_USAGE, "dialect=%.64s: it is hyperv or blktap", text);
	if (m->blktap && m->block_size != VHD_LARGE_BLOCK)
		return error_set(e, ERR_USAGE, "dialect=blktap has blocks of 2M, not of %u bytes",
			m->block_size);
	return 0;
}

static int size_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	if (spec->logical_sector && spec->logical_sector != VHD_SECTOR)
		return error_set(e, ERR_USAGE,
			"a VHD has sectors of 512 bytes, the source of %u: use VHDX (-O vhdx)",
			spec->logical_sector);
	if (!spec->size)
		return error_set(e, ERR_USAGE, "a VHD of 0 bytes cannot be made");
	if (spec->size > VHD_MAX_SIZE)
		return error_set(e, ERR_USAGE,
			"a VHD holds at most 2040 GiB, not %" PRIu64 " bytes: use VHDX (-O vhdx)",
			spec->size);
	if (spec->size % VHD_SECTOR)
		return error_set(e, ERR_USAGE,
			"the size of %" PRIu64 " bytes is no whole number of sectors of 512 bytes",
			spec->size);
	m->size = spec->size;
	return 0;
}

static int force_size_check(const struct image_spec *spec, struct error *e)
{
	const char *text = option_value(spec->options, "force_size");

	if (!text || strcmp(text, "on") == 0)
		return 0;
	return error_set(e, ERR_USAGE,
		"force_size=%s: the size is never rounded to a geometry, so it can only be on",
		text);
}

int vhd_plan(const struct image_spec *spec, struct vhd_image *m, struct error *e)
{
	int rc = subformat_plan(spec, m, e);

	if (!rc)
		rc = block_plan(spec, m, e);
	if (!rc)
		rc = dialect_plan(spec, m, e);
	if (!rc)
		rc = force_size_check(spec, e);
	if (!rc)
		rc = size_plan(spec, m, e);
	if (!rc)
		rc = parent_plan(spec, m, e);
	if (rc)
		return rc;
	m->bitmap_size = vhd_bitmap_size(m->block_size);
	m->entries = (uint32_t)div_up(m->size, m->block_size);
	if (spec->has_identifier)
		m->id = spec->identifier;
	return 0;
}

/* The specification's appendix "CHS Calculation": never more than the size, often less. */
static void geometry_make(uint64_t size, struct vhd_footer *f)
{
	uint64_t total = min_u64(size / VHD_SECTOR, UINT64_C(65535) * 16 * 255);
	uint64_t sectors = 255, heads = 16, tracks = total / 255;

	if (total < UINT64_C(65535) * 16 * 63) {
		sectors = 17;
		tracks = total / sectors;
		heads = max_u64((tracks + 1023) / 1024, 4);
		if (tracks >= heads * 1024 || heads > 16) {
			sectors = 31;
			heads = 16;
			tracks = total / sectors;
		}
		if (tracks >= heads * 1024) {
			sectors = 63;
			heads = 16;
			tracks = total / sectors;
		}
	}
	f->cylinders = put_be16((uint16_t)(tracks / heads));
	f->heads = (uint8_t)heads;
	f->sectors = (uint8_t)sectors;
}

/*
 * The creator's name tells readers which field is the size.  qemu and what is built on it take the
 * geometry, up to a cylinder less than the disk, unless the name is one of "win ", "qem2", "d2v ",
 * "tap\0" and "CTXS"; a name of our own would cut off the guest's backup GPT there.  "qem2" is the
 * only one of these that stands for a dialect, that of qemu-img with force_size=on, and not for
 * another program: its host system and version go with it.  The time stamp stays 0, 2000-01-01, so
 * that the same content gives the same bytes.
 */
void vhd_footer_make(const struct vhd_image *m, struct vhd_footer *f)
{
	*f = (struct vhd_footer){
		.cookie = "conectix",
		.features = put_be32(VHD_RESERVED_FEATURE),
		.version = put_be32(VHD_VERSION),
		.data_offset = put_be64(m->type == VHD_FIXED ? VHD_NOWHERE : m->header_offset),
		.creator = "qem2",
		.creator_version = put_be32(0x00050003),
		.creator_host = "Wi2k",
		/* OpenStack's format inspector takes the original size, others the current. */
		.original_size = put_be64(m->size),
		.current_size = put_be64(m->size),
		.type = put_be32(m->type),
	};
	if (m->blktap) {
		memcpy(f->creator, "tap", sizeof(f->creator));
		f->creator_version = put_be32(BLKTAP_VERSION);
		memset(f->creator_host, 0, sizeof(f->creator_host));
	}
	geometry_make(m->size, f);
	vhd_id_put(f->id, m->id);
	f->checksum = put_be32(vhd_footer_checksum(f));
}

void vhd_header_make(const struct vhd_image *m, struct vhd_header *h)
{
	*h = (struct vhd_header){
		.cookie = "cxsparse",
		.data_offset = put_be64(VHD_NOWHERE),
		.table_offset = put_be64(m->table_offset),
		.version = put_be32(VHD_VERSION),
		.entries = put_be32(m->entries),
		.block_size = put_be32(m->block_size),
	};
	h->checksum = put_be32(vhd_header_checksum(h));
}
