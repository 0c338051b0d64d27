/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks the values in a VHDX's metadata region (2.6.2). */
#include <inttypes.h>
#include <stdlib.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

static const struct fault block_size = { "vhdx-block-size", SEVERITY_ERROR, NULL };
static const struct fault file_flags = { "vhdx-file-flags", SEVERITY_WARNING, NULL };
static const struct fault sector_size = { "vhdx-sector-size", SEVERITY_ERROR, NULL };
static const struct fault disk_size = { "vhdx-disk-size", SEVERITY_ERROR, NULL };
static const struct fault bat_short = { "vhdx-bat-short", SEVERITY_ERROR, NULL };
static const struct fault locator_missing = { "vhdx-locator-missing", SEVERITY_ERROR, NULL };
static const struct fault locator_unused = { "vhdx-locator-unused", SEVERITY_WARNING, NULL };

static uint64_t item_off(
	const struct vhdx_check *v, const struct vhdx_check_table *m, enum vhdx_check_item i)
{
	return v->image.metadata.offset + get_le32(m->item[i]->offset);
}

static int parameters_check(
	struct vhdx_check *v, const struct vhdx_check_table *m, bool *good, struct error *e)
{
	uint64_t off = item_off(v, m, VHDX_CHECK_PARAMETERS);
	struct vhdx_file_parameters p;
	int rc = disk_read(v->view, off, &p, sizeof(p), e);
	uint32_t flags;

	if (rc)
		return rc;
	v->image.block_size = get_le32(p.block_size);
	if (v->image.block_size < VHDX_MIB || v->image.block_size > 256 * VHDX_MIB ||
		!is_power_of_two(v->image.block_size)) {
		*good = false;
		return check_lost(v->c, &block_size, off, e,
			"block size %u is not a power of two from 1 MiB to 256 MiB",
			v->image.block_size);
	}
	flags = get_le32(p.flags);
	v->image.has_parent = flags & VHDX_FILE_PARENT;
	v->image.fixed = !v->image.has_parent && flags & VHDX_FILE_FIXED;
	if (!(flags & ~(uint32_t)(VHDX_FILE_FIXED | VHDX_FILE_PARENT)))
		return 0;
	return check_find(
		v->c, &file_flags, off + 4, e, "file parameters have unknown flags: %#x", flags);
}

static int sector_check(struct vhdx_check *v, const struct vhdx_check_table *m,
	enum vhdx_check_item i, const char *name, uint32_t *out, bool *good, struct error *e)
{
	le32 value;
	int rc = disk_read(v->view, item_off(v, m, i), &value, sizeof(value), e);

	if (rc)
		return rc;
	*out = get_le32(value);
	if (*out == 512 || *out == 4096)
		return 0;
	*good = false;
	return check_lost(v->c, &sector_size, item_off(v, m, i), e, "%s %u is neither 512 nor 4096",
		name, *out);
}

static int size_check(
	struct vhdx_check *v, const struct vhdx_check_table *m, bool *good, struct error *e)
{
	le64 value;
	int rc = disk_read(v->view, item_off(v, m, VHDX_CHECK_DISK_SIZE), &value, sizeof(value), e);

	if (rc)
		return rc;
	v->image.size = get_le64(value);
	/* Of a sector size that is wrong itself it can't be a multiple. */
	if (v->image.size && v->image.size <= VHDX_MAX_SIZE &&
		(!*good || v->image.size % v->image.logical_sector == 0))
		return 0;
	*good = false;
	return check_lost(v->c, &disk_size, item_off(v, m, VHDX_CHECK_DISK_SIZE), e,
		"virtual disk size %" PRIu64
		" is zero, over 64 TiB or no multiple of the sector size %u",
		v->image.size, v->image.logical_sector);
}

/* Whether the BAT region has room for every entry (2.5); with a parent the last chunk has its
 * sector bitmap too. */
static int bat_size_check(struct vhdx_check *v, bool *good, struct error *e)
{
	struct vhdx_image *m = &v->image;
	uint64_t blocks = vhdx_block_count(m->size, m->block_size), entries;

	m->chunk_ratio = (uint32_t)((uint64_t)VHDX_CHUNK_SECTORS * m->logical_sector /
		m->block_size);
	entries = blocks ? vhdx_bat_index(blocks - 1, m->chunk_ratio) + 1 : 0;
	if (m->has_parent)
		entries = div_up(blocks, m->chunk_ratio) * (m->chunk_ratio + UINT64_C(1));
	*good = entries <= m->bat.length / sizeof(le64);
	if (*good)
		return 0;
	return check_lost(v->c, &bat_short, m->bat.offset, e,
		"a disk of %" PRIu64 " bytes needs %" PRIu64 " BAT entries, the BAT has %" PRIu64,
		m->size, entries, m->bat.length / sizeof(le64));
}

static int locator_read(struct vhdx_check *v, const struct vhdx_check_table *m, struct error *e)
{
	size_t len = get_le32(m->item[VHDX_CHECK_LOCATOR]->length);
	uint8_t *item = malloc(len ? len : 1);
	int rc = item ? 0 : error_nomem(e, "a parent locator");

	if (!rc)
		rc = disk_read(v->view, item_off(v, m, VHDX_CHECK_LOCATOR), item, len, e);
	if (!rc)
		rc = vhdx_check_locator(v, item, len, item_off(v, m, VHDX_CHECK_LOCATOR), e);
	free(item);
	return rc;
}

/* HasParent decides (2.6.2.1): a locator without it means nothing. */
static int parent_check(struct vhdx_check *v, const struct vhdx_check_table *m, struct error *e)
{
	if (!v->image.has_parent && m->item[VHDX_CHECK_LOCATOR])
		return check_find(v->c, &locator_unused, item_off(v, m, VHDX_CHECK_LOCATOR), e,
			"there is a parent locator, but the disk has no parent");
	if (!v->image.has_parent)
		return 0;
	if (!m->item[VHDX_CHECK_LOCATOR])
		return check_find(v->c, &locator_missing, v->image.metadata.offset, e,
			"the disk has a parent, but there is no parent locator");
	return locator_read(v, m, e);
}

int vhdx_check_values(
	struct vhdx_check *v, const struct vhdx_check_table *m, bool *good, struct error *e)
{
	int rc = parameters_check(v, m, good, e);

	if (!rc)
		rc = sector_check(v, m, VHDX_CHECK_LOGICAL, "logical sector size",
			&v->image.logical_sector, good, e);
	if (!rc)
		rc = sector_check(v, m, VHDX_CHECK_PHYSICAL, "physical sector size",
			&v->image.physical_sector, good, e);
	if (!rc)
		rc = size_check(v, m, good, e);
	if (!rc && *good)
		rc = bat_size_check(v, good, e);
	return rc ? rc : parent_check(v, m, e);
}
