/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * VirtualBox disk images, version 1.1, read only.  The guest is cut into blocks; a map, of which a
 * cache of a fixed size keeps pages, says where in the file each one is.
 */
#include "formats/vdi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

enum {
	VDI_CACHE = 512 << 10,
};

const char *const vdi_types[] = {
	[VDI_DYNAMIC] = "dynamic",
	[VDI_STATIC] = "fixed",
	[VDI_UNDO] = "undo",
	[VDI_DIFFERENCING] = "differencing",
};

static bool magic_fits(const uint8_t *magic)
{
	return !memcmp(magic, "\x7f\x10\xda\xbe", 4);
}

static enum probe_answer vdi_probe(const struct probe *p)
{
	return p->head_len >= 68 && magic_fits(p->head + 64) ? PROBE_YES : PROBE_NO;
}

static bool is_null(const uint8_t id[16])
{
	static const uint8_t null[16];

	return !memcmp(id, null, sizeof(null));
}

static int type_load(struct vdi *v, const struct vdi_header *h, struct error *e)
{
	unsigned major = get_le16(h->major), minor = get_le16(h->minor);
	uint32_t type = get_le32(h->type), header = get_le32(h->header_size);

	if (!magic_fits(h->magic))
		return error_set(e, ERR_CORRUPT, "no VDI: the signature is missing");
	if (major != 1 || minor != 1)
		return error_set(e, ERR_UNSUPPORTED, "VDI version %u.%u is not 1.1", major, minor);
	if (header < VDI_HEADER_MIN)
		return error_set(e, ERR_CORRUPT, "VDI header of %u bytes; %u is the least", header,
			(unsigned)VDI_HEADER_MIN);
	if (type < VDI_DYNAMIC || type > VDI_DIFFERENCING)
		return error_set(e, ERR_UNSUPPORTED, "unknown VDI type %u", type);
	if (type <= VDI_STATIC && !is_null(h->parent))
		return error_set(e, ERR_CORRUPT, "a %s VDI names a parent", vdi_types[type]);
	v->type = (enum vdi_type)type;
	memcpy(&v->id, h->id, sizeof(h->id));
	memcpy(&v->parent, h->parent, sizeof(h->parent));
	return 0;
}

static int size_load(struct vdi *v, const struct vdi_header *h, struct error *e)
{
	uint64_t size = get_le64(h->size);
	uint32_t block = get_le32(h->block), blocks = get_le32(h->blocks);

	if (get_le32(h->sector) != VDI_SECTOR)
		return error_set(
			e, ERR_UNSUPPORTED, "VDI with sectors of %u bytes", get_le32(h->sector));
	if (!is_power_of_two(block) || block < VDI_SECTOR || block > VDI_BLOCK_MAX)
		return error_set(e, ERR_CORRUPT, "block size %u is no power of two from %u to %u",
			block, (unsigned)VDI_SECTOR, (unsigned)VDI_BLOCK_MAX);
	if (get_le32(h->block_extra))
		return error_set(e, ERR_UNSUPPORTED, "VDI with %u extra bytes in each block",
			get_le32(h->block_extra));
	if (!size || size > INT64_MAX - VDI_SECTOR)
		return error_set(e, ERR_UNSUPPORTED, "virtual size %llu is not in 1 byte to 8 EiB",
			(unsigned long long)size);
	/* "VBoxManage convertfromraw" takes over any size of a file; the guest sees whole sectors,
	 * and all of them are in the last block. */
	size = round_up(size, VDI_SECTOR);
	if (div_up(size, block) > blocks)
		return error_set(e, ERR_CORRUPT,
			"%u blocks of %u bytes are less than the size %llu", blocks, block,
			(unsigned long long)size);
	v->disk.size = size;
	v->block = block;
	v->blocks = (uint32_t)div_up(size, block);
	return 0;
}

static int places_load(struct vdi *v, const struct vdi_header *h, struct error *e)
{
	uint64_t map = get_le32(h->map_off), data = get_le32(h->data_off);
	uint64_t bytes = (uint64_t)v->blocks * sizeof(le32);

	if (map < sizeof(*h) || !range_fits(map, bytes, v->file->size))
		return error_set(e, ERR_CORRUPT,
			"map of %u blocks at %llu is over the header or past the end of the file "
			"at %llu",
			v->blocks, (unsigned long long)map, (unsigned long long)v->file->size);
	if (data < map + bytes)
		return error_set(e, ERR_CORRUPT,
			"data at %llu is not behind the map of %u blocks at %llu",
			(unsigned long long)data, v->blocks, (unsigned long long)map);
	v->map_off = map;
	v->data_off = data;
	return 0;
}

static int vdi_load(struct vdi *v, struct error *e)
{
	struct vdi_header h;
	int rc;

	if (v->file->size < sizeof(h))
		return error_set(e, ERR_CORRUPT, "VDI of %llu bytes is cut inside its header",
			(unsigned long long)v->file->size);
	rc = disk_read(v->file, 0, &h, sizeof(h), e);
	if (!rc)
		rc = type_load(v, &h, e);
	if (!rc)
		rc = size_load(v, &h, e);
	if (!rc)
		rc = places_load(v, &h, e);
	return rc;
}

static void vdi_close(struct disk *d)
{
	struct vdi *v = (struct vdi *)d;

	disk_close(v->file);
	block_cache_close(v->map);
	free(v);
}

static const struct disk_ops vdi_ops = {
	.read = vdi_read,
	.extent = vdi_extent,
	.close = vdi_close,
};

static int vdi_open(
	struct disk *file, const struct open_options *o, struct disk **out, struct error *e)
{
	struct vdi *v = calloc(1, sizeof(*v));
	int rc;

	(void)o;
	if (!v)
		return error_nomem(e, "a VDI");
	v->disk = (struct disk){ .ops = &vdi_ops, .logical_sector = VDI_SECTOR };
	v->file = file;
	rc = vdi_load(v, e);
	if (!rc)
		rc = block_cache_open(VDI_PAGE, VDI_CACHE, &v->map, e);
	if (rc) {
		free(v);
		return rc;
	}
	*out = &v->disk;
	return 0;
}

static int id_add(struct image_info *out, const char *name, struct guid id, struct error *e)
{
	char text[64];

	snprintf(text, sizeof(text), "%s=", name);
	guid_text(id, text + strlen(text));
	return strings_add(&out->identifiers, text, e);
}

static int vdi_info(struct disk *d, struct image_info *out, struct error *e)
{
	const struct vdi *v = (const struct vdi *)d;
	int rc;

	/* An undo image is one that differs from its parent, by another name. */
	out->subformat = vdi_types[v->type == VDI_UNDO ? VDI_DIFFERENCING : v->type];
	out->block_size = v->block;
	rc = id_add(out, "unique", v->id, e);
	if (!rc && v->type > VDI_STATIC)
		rc = id_add(out, "parent", v->parent, e);
	return rc;
}

static const char *const vdi_endings[] = { "vdi", NULL };

const struct format vdi_format = {
	.name = "vdi",
	.help = "VirtualBox disk image, read only",
	.endings = vdi_endings,
	.glance_name = "vdi",
	.probe = vdi_probe,
	.open = vdi_open,
	.info = vdi_info,
	.check = vdi_check,
};
