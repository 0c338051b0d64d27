/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of a new VHDX, and which of it makes sense. */
#include "formats/vhdx.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/size.h"

enum { LOG_MAX_MIB = 4095 }; /* the length is a 32-bit field */

const struct format_option vhdx_options[] = {
	{ "subformat", "dynamic|fixed", "allocate blocks when they are needed, or all of them" },
	{ "block_size", "1M..256M", "unit of allocation, a power of two (default 1M)" },
	{ "logical_sector_size", "512|4096",
		"sector that the guest addresses; of an empty image only, a conversion keeps the "
		"source's" },
	{ "physical_sector_size", "512|4096", "sector that the guest is told of (default 4096)" },
	{ "log_size", "1M..4095M", "room for Hyper-V's log, a multiple of 1M (default 1M)" },
	{ NULL, NULL, NULL },
};

static int option_size(const struct image_spec *spec, const char *key, uint64_t normal,
	uint64_t *out, struct error *e)
{
	const char *text = option_value(spec->options, key);
	int rc;

	*out = normal;
	if (!text)
		return 0;
	rc = size_parse(text, out, e);
	return rc ? error_prefix(e, "%s", key) : 0;
}

static int subformat_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	const char *text = option_value(spec->options, "subformat");

	m->fixed = text && strcmp(text, "fixed") == 0;
	if (text && !m->fixed && strcmp(text, "dynamic") != 0)
		return error_set(e, ERR_USAGE, "subformat=%s: it is dynamic or fixed", text);
	if (spec->parent && m->fixed)
		return error_set(e, ERR_USAGE, "subformat=fixed: what has a parent is not fixed");
	return 0;
}

/* A child's size is its own: it may have been resized, and past the parent's end all is zero. */
static int parent_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	const struct parent_spec *p = spec->parent;

	if (!p)
		return 0;
	if (strcmp(p->format->name, "vhdx") != 0)
		return error_set(e, ERR_USAGE, "the parent of a VHDX is a VHDX, and %s is a %s",
			p->path, p->format->name);
	if (m->logical_sector != p->disk->logical_sector)
		return error_set(e, ERR_USAGE,
			"a child has its parent's sectors of %u bytes, not of %u",
			p->disk->logical_sector, m->logical_sector);
	m->has_parent = true;
	m->parent_id = vhdx_data_write(p->disk);
	return 0;
}

static int block_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	uint64_t size;
	int rc = option_size(spec, "block_size", VHDX_MIB, &size, e);

	if (rc)
		return rc;
	if (size < VHDX_MIB || size > 256 * VHDX_MIB || !is_power_of_two(size))
		return error_set(e, ERR_USAGE,
			"block_size=%" PRIu64 " is not a power of two from 1M to 256M", size);
	m->block_size = (uint32_t)size;
	return 0;
}

static int sector_size(const struct image_spec *spec, const char *key, uint32_t normal,
	uint32_t *out, struct error *e)
{
	uint64_t size;
	int rc = option_size(spec, key, normal, &size, e);

	if (rc)
		return rc;
	if (size != 512 && size != 4096)
		return error_set(e, ERR_USAGE, "%s=%" PRIu64 " is neither 512 nor 4096", key, size);
	*out = (uint32_t)size;
	return 0;
}

static int sectors_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	uint32_t source = spec->logical_sector;
	const struct disk *below = spec->parent ? spec->parent->disk : NULL;
	uint32_t logical = source ? source : below ? below->logical_sector : 512;
	uint32_t physical = below && below->physical_sector ? below->physical_sector : 4096;
	int rc = sector_size(spec, "logical_sector_size", logical, &m->logical_sector, e);

	if (!rc)
		rc = sector_size(spec, "physical_sector_size", physical, &m->physical_sector, e);
	if (rc)
		return rc;
	/* Another sector size makes partition tables and file systems unreadable. */
	if (source && m->logical_sector != source)
		return error_set(e, ERR_USAGE,
			"logical_sector_size=%u: a conversion keeps the source's sectors of %u "
			"bytes",
			m->logical_sector, source);
	if (m->physical_sector < m->logical_sector)
		return error_set(e, ERR_USAGE,
			"physical_sector_size=%u is smaller than the logical sectors of %u bytes",
			m->physical_sector, m->logical_sector);
	return 0;
}

static int log_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	int rc = option_size(spec, "log_size", VHDX_MIB, &m->log.length, e);

	if (rc)
		return rc;
	if (!m->log.length || m->log.length % VHDX_MIB || m->log.length > LOG_MAX_MIB * VHDX_MIB)
		return error_set(e, ERR_USAGE,
			"log_size=%" PRIu64 " is not a multiple of 1M from 1M to %uM",
			m->log.length, (unsigned)LOG_MAX_MIB);
	return 0;
}

static int size_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	if (!spec->size)
		return error_set(e, ERR_USAGE, "a VHDX of 0 bytes cannot be made");
	if (spec->size > VHDX_MAX_SIZE)
		return error_set(e, ERR_USAGE, "a VHDX holds at most 64 TiB, not %" PRIu64 " bytes",
			spec->size);
	if (spec->size % m->logical_sector)
		return error_set(e, ERR_USAGE,
			"the size of %" PRIu64 " bytes is no multiple of the sector size %u",
			spec->size, m->logical_sector);
	m->size = spec->size;
	return 0;
}

int vhdx_plan(const struct image_spec *spec, struct vhdx_image *m, struct error *e)
{
	int rc = subformat_plan(spec, m, e);

	if (!rc)
		rc = block_plan(spec, m, e);
	if (!rc)
		rc = sectors_plan(spec, m, e);
	if (!rc)
		rc = log_plan(spec, m, e);
	if (!rc)
		rc = size_plan(spec, m, e);
	if (!rc)
		rc = parent_plan(spec, m, e);
	if (!rc && spec->has_identifier)
		m->disk_id = spec->identifier;
	return rc;
}
