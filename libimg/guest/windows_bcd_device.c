/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The layout is not published; it is that of the stores that Windows 8.1 to 11 write, and each
 * field was compared with the partition table of the disk that the store is from.
 */
#include "guest/windows_bcd_device.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum device_type { DEVICE_BLOCK = 0, DEVICE_BOOT = 5, DEVICE_PARTITION = 6, DEVICE_LOCATE = 8 };
enum partition_style { STYLE_GPT = 0, STYLE_MBR = 1 };

struct device_header {
	le32 type; /* 0 */
	le32 flags; /* 4 */
	le32 length; /* 8: from the header's first byte */
	le32 reserved; /* 12 */
};

struct device_partition {
	struct device_header header; /* 0: type 6, length 72 */
	uint8_t partition[16]; /* 16: GUID, or u64 offset in bytes and zeros */
	le32 block; /* 32: 0, a hard disk */
	le32 style; /* 36 */
	uint8_t disk[16]; /* 40: GUID, or u32 signature and zeros */
	uint8_t reserved[16]; /* 56 */
};

enum {
	OPTIONS_SIZE = 16, /* GUID of an object with more options, in front of the header */
	/* In a block device of type file, the device that has the file. */
	FILE_NESTED = 52,
};
_Static_assert(OPTIONS_SIZE + sizeof(struct device_partition) == BCD_DEVICE_SIZE, "layout");

/* `off` is that of a header inside the element. */
static bool partition_read(const uint8_t *data, size_t len, size_t off, struct bcd_device *d)
{
	struct device_partition p;
	uint32_t style;

	if (off > len || len - off < sizeof(p))
		return false;
	memcpy(&p, data + off, sizeof(p));
	style = get_le32(p.style);
	if (get_le32(p.header.type) != DEVICE_PARTITION || get_le32(p.header.length) < sizeof(p) ||
		style > STYLE_MBR || get_le32(p.block) != 0)
		return false;
	d->is_gpt = style == STYLE_GPT;
	if (d->is_gpt) {
		memcpy(d->partition.b, p.partition, sizeof(p.partition));
		memcpy(d->disk.b, p.disk, sizeof(p.disk));
	} else {
		le64 offset;
		le32 signature;

		memcpy(&offset, p.partition, sizeof(offset));
		memcpy(&signature, p.disk, sizeof(signature));
		d->offset = get_le64(offset);
		d->signature = get_le32(signature);
	}
	d->has_partition = true;
	return true;
}

void bcd_device_read(const void *data, size_t len, struct bcd_device *out)
{
	struct device_header h;

	*out = (struct bcd_device){ .form = BCD_OTHER };
	if (len < OPTIONS_SIZE + sizeof(h))
		return;
	memcpy(&h, (const uint8_t *)data + OPTIONS_SIZE, sizeof(h));
	if (get_le32(h.length) < sizeof(h) || get_le32(h.length) > len - OPTIONS_SIZE)
		return;
	switch (get_le32(h.type)) {
	case DEVICE_PARTITION:
		if (partition_read(data, len, OPTIONS_SIZE, out))
			out->form = BCD_PARTITION;
		break;
	case DEVICE_BOOT:
		out->form = BCD_BOOT;
		break;
	case DEVICE_LOCATE:
		out->form = BCD_LOCATE;
		break;
	case DEVICE_BLOCK:
		out->form = BCD_FILE;
		partition_read(data, len, OPTIONS_SIZE + FILE_NESTED, out);
		break;
	default:
		break;
	}
}

/* A disk's signature as struct volume_list has it. */
static bool signature_of(const struct volume_list *l, uint32_t *out)
{
	char *end;
	unsigned long value = strtoul(l->disk_id, &end, 16);

	*out = (uint32_t)value;
	return !strcmp(l->table, "mbr") && end != l->disk_id && !*end && value <= UINT32_MAX;
}

static bool names_gpt(
	const struct bcd_device *d, const struct volume_list *l, const struct volume *v)
{
	struct guid disk, partition;

	return !strcmp(v->type, "gpt") && guid_parse(l->disk_id, &disk) &&
		guid_parse(v->part_id, &partition) && guid_equal(disk, d->disk) &&
		guid_equal(partition, d->partition);
}

static bool names_mbr(
	const struct bcd_device *d, const struct volume_list *l, const struct volume *v)
{
	uint32_t signature;

	return !strcmp(v->type, "mbr") && signature_of(l, &signature) &&
		signature == d->signature && v->off == d->offset;
}

size_t bcd_device_volume(const struct bcd_device *d, const struct volume_list *l)
{
	for (size_t i = 0; d->has_partition && i < l->count; i++)
		if (d->is_gpt ? names_gpt(d, l, &l->volume[i]) : names_mbr(d, l, &l->volume[i]))
			return i;
	return SIZE_MAX;
}

bool bcd_device_make(const struct volume_list *l, size_t index, uint8_t out[BCD_DEVICE_SIZE])
{
	const struct volume *v = &l->volume[index];
	struct device_partition p = { .header = { .type = put_le32(DEVICE_PARTITION),
					      .length = put_le32(sizeof(p)) } };
	struct guid disk, partition;
	uint32_t signature;

	if (!strcmp(v->type, "gpt") && guid_parse(l->disk_id, &disk) &&
		guid_parse(v->part_id, &partition)) {
		p.style = put_le32(STYLE_GPT);
		memcpy(p.partition, partition.b, sizeof(partition.b));
		memcpy(p.disk, disk.b, sizeof(disk.b));
	} else if (!strcmp(v->type, "mbr") && signature_of(l, &signature)) {
		const le64 offset = put_le64(v->off);
		const le32 id = put_le32(signature);

		p.style = put_le32(STYLE_MBR);
		memcpy(p.partition, &offset, sizeof(offset));
		memcpy(p.disk, &id, sizeof(id));
	} else {
		return false;
	}
	memset(out, 0, OPTIONS_SIZE);
	memcpy(out + OPTIONS_SIZE, &p, sizeof(p));
	return true;
}

unsigned bcd_partition_number(const struct volume *v)
{
	char *end;
	unsigned long n = v->id[0] == 'p' ? strtoul(v->id + 1, &end, 10) : 0;

	return n && !*end && n <= 1000000 ? (unsigned)n : 0;
}

static int partition_text(const struct bcd_device *d, const struct volume_list *l,
	struct buffer *out, struct error *e)
{
	const size_t at = bcd_device_volume(d, l);
	char id[GUID_TEXT_SIZE];

	if (at != SIZE_MAX)
		return buffer_format(out, e, "partition %u", bcd_partition_number(&l->volume[at]));
	if (!d->is_gpt)
		return buffer_format(out, e,
			"missing partition at byte %" PRIu64 " of disk %08" PRIx32, d->offset,
			d->signature);
	guid_text(d->partition, id);
	return buffer_format(out, e, "missing partition %s", id);
}

int bcd_device_text(const struct bcd_device *d, const struct volume_list *l, struct buffer *out,
	struct error *e)
{
	int rc;

	switch (d->form) {
	case BCD_PARTITION:
		return partition_text(d, l, out, e);
	case BCD_FILE:
		rc = buffer_string(out, "file on ", e);
		if (rc)
			return rc;
		return d->has_partition ? partition_text(d, l, out, e)
					: buffer_string(out, "another device", e);
	case BCD_BOOT:
		return buffer_string(out, "boot", e);
	case BCD_LOCATE:
		return buffer_string(out, "locate", e);
	case BCD_NONE:
		return buffer_string(out, "none", e);
	case BCD_OTHER:
		break;
	}
	return buffer_string(out, "unknown", e);
}
