/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot sector, file records and the attributes in them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	BLOCK = 512, /* what the update sequence guards, whatever the sector size is */
	CLUSTER_MAX = 2 << 20,
	RECORD_MIN = 512,
	RECORD_IN_USE = 1,
	RECORD_DIRECTORY = 2,
};

struct ntfs_boot {
	uint8_t jump[3]; /* +0x00 */
	char name[8]; /* +0x03 "NTFS    " */
	le16 sector; /* +0x0b bytes */
	uint8_t per_cluster; /* +0x0d sectors; above 0x80 a negative power of two */
	uint8_t fat[26]; /* +0x0e */
	le64 sectors; /* +0x28 without the copy of this one behind the last */
	le64 mft; /* +0x30 cluster */
	le64 mirror; /* +0x38 cluster */
	int8_t record; /* +0x40 clusters; below 0 a negative power of two, of bytes */
	uint8_t rest[445]; /* +0x41 */
	uint8_t magic[2]; /* +0x1fe 55 aa */
};
_Static_assert(sizeof(struct ntfs_boot) == 512, "NTFS boot sector");

struct record_header {
	char magic[4]; /* +0x00 "FILE" */
	le16 updates; /* +0x04 where the update sequence is */
	le16 update_count; /* +0x06 */
	le64 lsn; /* +0x08 */
	le16 sequence; /* +0x10 */
	le16 links; /* +0x12 */
	le16 attributes; /* +0x14 where they start */
	le16 flags; /* +0x16 */
	le32 used; /* +0x18 bytes */
	le32 allocated; /* +0x1c bytes */
	le64 base; /* +0x20 reference */
};
_Static_assert(sizeof(struct record_header) == 0x28, "NTFS file record");

/* What both kinds of attribute start with. */
struct attribute_header {
	le32 type; /* +0x0 */
	le32 len; /* +0x4 of all of it */
	uint8_t in_runs; /* +0x8 */
	uint8_t name_units; /* +0x9 */
	le16 name; /* +0xa */
	le16 flags; /* +0xc */
	le16 instance; /* +0xe */
};
_Static_assert(sizeof(struct attribute_header) == 16, "NTFS attribute");

bool ntfs_fixup(uint8_t *bytes, size_t len)
{
	size_t updates = (size_t)(bytes[4] | bytes[5] << 8);
	size_t count = (size_t)(bytes[6] | bytes[7] << 8);

	if (count != len / BLOCK + 1 || len % BLOCK || updates % 2 ||
		!range_fits(updates, 2 * count, BLOCK - 2))
		return false;
	for (size_t i = 1; i < count; i++) {
		uint8_t *last = bytes + i * BLOCK - 2;

		if (memcmp(last, bytes + updates, 2) != 0)
			return false;
		memcpy(last, bytes + updates + 2 * i, 2);
	}
	return true;
}

static int boot_read(struct ntfs_volume *v, struct error *e)
{
	struct ntfs_boot b;
	uint32_t sector;
	uint64_t sectors, per_cluster, record;
	int rc = disk_read(v->disk, 0, &b, sizeof(b), e);

	if (rc)
		return rc;
	sector = get_le16(b.sector);
	sectors = get_le64(b.sectors);
	per_cluster = b.per_cluster > 0x80 ? UINT64_C(1) << ((256 - b.per_cluster) & 31)
					   : b.per_cluster;
	if (memcmp(b.name, "NTFS    ", sizeof(b.name)) != 0 || b.magic[0] != 0x55 ||
		b.magic[1] != 0xaa || !is_power_of_two(sector) || sector < 256 || sector > 4096 ||
		!is_power_of_two(per_cluster) || per_cluster * sector > CLUSTER_MAX)
		return error_set(e, ERR_CORRUPT,
			"a boot sector with sectors of %u bytes, %" PRIu64 " to a cluster", sector,
			per_cluster);
	if (sectors > v->disk->size / sector)
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " sectors of %u bytes on a disk of %" PRIu64, sectors, sector,
			v->disk->size);
	v->cluster = (uint32_t)per_cluster * sector;
	v->clusters = sectors / per_cluster;
	v->mft = get_le64(b.mft);
	record = b.record < 0 ? UINT64_C(1) << (-b.record & 31) : (uint64_t)b.record * v->cluster;
	if (!is_power_of_two(record) || record < RECORD_MIN || record > NTFS_RECORD_MAX)
		return error_set(e, ERR_UNSUPPORTED, "file records of %" PRIu64 " bytes", record);
	v->record = (uint32_t)record;
	if (v->mft >= v->clusters || get_le64(b.mirror) >= v->clusters ||
		v->record > (v->clusters - v->mft) * v->cluster)
		return error_set(e, ERR_CORRUPT,
			"the master file table is said to be at cluster %" PRIu64 " of %" PRIu64,
			v->mft, v->clusters);
	return 0;
}

static int record_take(struct ntfs_record *r, uint32_t len, uint64_t number, struct error *e)
{
	struct record_header h;
	uint32_t used;

	memcpy(&h, r->bytes, sizeof(h));
	used = get_le32(h.used);
	if (memcmp(h.magic, "FILE", 4) != 0 || !ntfs_fixup(r->bytes, len))
		return error_set(e, ERR_CORRUPT, "file record %" PRIu64 " is damaged", number);
	if (used > len || get_le16(h.attributes) < sizeof(h) || get_le16(h.attributes) > used)
		return error_set(e, ERR_CORRUPT,
			"file record %" PRIu64 " of %u bytes has %u, attributes from %u on", number,
			len, used, get_le16(h.attributes));
	r->in_use = get_le16(h.flags) & RECORD_IN_USE;
	r->directory = get_le16(h.flags) & RECORD_DIRECTORY;
	r->sequence = get_le16(h.sequence);
	r->links = get_le16(h.links);
	r->base = get_le64(h.base);
	r->attributes = get_le16(h.attributes);
	r->end = used;
	return 0;
}

int ntfs_record_read(
	const struct ntfs_volume *v, uint64_t number, struct ntfs_record *out, struct error *e)
{
	uint64_t at;
	int rc;

	/* The first tells where the others are. */
	if (number == NTFS_MFT)
		rc = disk_read(v->disk, v->mft * v->cluster, out->bytes, v->record, e);
	else if (!mul_fits(number, v->record, &at) ||
		!range_fits(at, v->record,
			min_u64(v->records.initialized, v->records.clusters * v->cluster)))
		return error_set(e, ERR_CORRUPT,
			"file record %" PRIu64 " is past the end of the master file table", number);
	else
		rc = ntfs_stream_read(v, &v->records, at, out->bytes, v->record, e);
	return rc ? rc : record_take(out, v->record, number, e);
}

int ntfs_attribute_next(const struct ntfs_record *r, uint32_t *at, struct ntfs_attribute *out,
	bool *found, struct error *e)
{
	enum { FIXED_RESIDENT = 24, FIXED_IN_RUNS = 64 };
	struct attribute_header h;
	uint32_t left = r->end - *at, len;

	*found = false;
	if (left < 8 || !memcmp(r->bytes + *at, "\xff\xff\xff\xff", 4))
		return 0;
	if (left < sizeof(h))
		return error_set(e, ERR_CORRUPT, "an attribute of %u bytes", left);
	memcpy(&h, r->bytes + *at, sizeof(h));
	len = get_le32(h.len);
	if (len > left || len % 8 || len < (h.in_runs ? FIXED_IN_RUNS : FIXED_RESIDENT) ||
		!range_fits(get_le16(h.name), 2U * h.name_units, len))
		return error_set(e, ERR_CORRUPT, "an attribute of type 0x%x with %u bytes of %u",
			get_le32(h.type), len, left);
	*out = (struct ntfs_attribute){ .type = get_le32(h.type),
		.flags = get_le16(h.flags),
		.instance = get_le16(h.instance),
		.resident = !h.in_runs,
		.bytes = r->bytes + *at,
		.len = len,
		.name = r->bytes + *at + get_le16(h.name),
		.name_units = h.name_units };
	*at += len;
	*found = true;
	return 0;
}

static int records_add(void *arg, const struct ntfs_attribute *a, struct error *e)
{
	struct ntfs_volume *v = arg;

	return !a->name_units ? ntfs_stream_add(v, &v->records, a, e) : 0;
}

int ntfs_volume_open(struct ntfs_volume *v, struct disk *d, struct error *e)
{
	int rc;

	*v = (struct ntfs_volume){ .disk = d };
	rc = boot_read(v, e);
	/* Other records are known only once those before them are: nothing else may be looked at.
	 */
	if (!rc)
		rc = ntfs_attributes(v, NTFS_MFT, NTFS_DATA, records_add, v, e);
	if (!rc)
		rc = ntfs_stream_check(v, &v->records, e);
	if (!rc &&
		(!v->records.count || v->records.flags & NTFS_ATTRIBUTE_PACKED ||
			v->records.run[0].lcn != v->mft))
		rc = error_set(
			e, ERR_CORRUPT, "the master file table is not where the boot sector says");
	if (rc)
		ntfs_volume_close(v);
	return rc ? error_prefix(e, "$MFT") : 0;
}

void ntfs_volume_close(struct ntfs_volume *v)
{
	ntfs_stream_close(&v->records);
}
