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
	LIST_MAX = 256 << 10, /* bytes of an attribute list, also for Windows */
	RECORD_IN_USE = 1,
};
#define REFERENCE_NUMBER(ref) ((ref)&UINT64_C(0xffffffffffff))

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

struct list_entry {
	le32 type; /* +0x00 */
	le16 len; /* +0x04 */
	uint8_t name_units; /* +0x06 */
	uint8_t name; /* +0x07 */
	le64 vcn; /* +0x08 */
	le64 record; /* +0x10 reference */
	le16 instance; /* +0x18 */
};
_Static_assert(sizeof(struct list_entry) == 26, "NTFS attribute list entry");

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

/* What goes over the records of one file. */
struct file {
	const struct ntfs_volume *v;
	uint64_t number;
	uint32_t type; /* that is wanted, 0: all */
	struct ntfs_record base, other;
	uint64_t other_number; /* 0: none was read */
	int (*each)(void *arg, const struct ntfs_attribute *a, struct error *e);
	void *arg;
};

static int list_read(struct file *f, uint8_t **out, size_t *len, struct error *e)
{
	struct ntfs_attribute a = { 0 };
	struct ntfs_stream s = { 0 };
	uint32_t at = f->base.attributes;
	bool found;
	int rc;

	do
		rc = ntfs_attribute_next(&f->base, &at, &a, &found, e);
	while (!rc && found && a.type != NTFS_ATTRIBUTE_LIST);
	*out = NULL;
	if (rc || !found)
		return rc;
	rc = ntfs_stream_add(f->v, &s, &a, e);
	if (!rc)
		rc = ntfs_stream_check(f->v, &s, e);
	if (!rc && s.size > LIST_MAX)
		rc = error_set(e, ERR_CORRUPT, "an attribute list of %" PRIu64 " bytes", s.size);
	if (!rc) {
		*len = (size_t)s.size;
		*out = malloc(*len + 1);
		rc = *out ? ntfs_stream_read(f->v, &s, 0, *out, *len, e)
			  : error_nomem(e, "an attribute list");
	}
	if (rc) {
		free(*out);
		*out = NULL;
	}
	ntfs_stream_close(&s);
	return rc;
}

/* The record that an entry of the list names, which has to be one of the file. */
static int entry_record(
	struct file *f, uint64_t reference, const struct ntfs_record **out, struct error *e)
{
	uint64_t number = REFERENCE_NUMBER(reference);
	int rc;

	*out = number == f->number ? &f->base : &f->other;
	if (number == f->number || number == f->other_number)
		return 0;
	f->other_number = 0;
	rc = ntfs_record_read(f->v, number, &f->other, e);
	if (rc)
		return rc;
	if (!f->other.in_use || REFERENCE_NUMBER(f->other.base) != f->number ||
		f->other.sequence != reference >> 48)
		return error_set(e, ERR_CORRUPT,
			"file record %" PRIu64 " is none of file %" PRIu64
			", whose attribute list has it",
			number, f->number);
	f->other_number = number;
	return 0;
}

static int entry_visit(struct file *f, const struct list_entry *entry, struct error *e)
{
	const struct ntfs_record *r;
	struct ntfs_attribute a = { 0 };
	bool found = false;
	uint32_t at;
	int rc = entry_record(f, get_le64(entry->record), &r, e);

	if (rc)
		return rc;
	at = r->attributes;
	do
		rc = ntfs_attribute_next(r, &at, &a, &found, e);
	while (!rc && found &&
		(a.type != get_le32(entry->type) || a.instance != get_le16(entry->instance)));
	if (!rc && !found)
		rc = error_set(e, ERR_CORRUPT,
			"file record %" PRIu64 " lacks an attribute of type 0x%x",
			REFERENCE_NUMBER(get_le64(entry->record)), get_le32(entry->type));
	return rc ? rc : f->each(f->arg, &a, e);
}

static int list_visit(struct file *f, const uint8_t *list, size_t len, struct error *e)
{
	int rc = 0;

	for (size_t at = 0; !rc && at < len;) {
		struct list_entry entry;
		size_t step;

		if (len - at < sizeof(entry))
			return error_set(e, ERR_CORRUPT, "an attribute list ends in an entry");
		memcpy(&entry, list + at, sizeof(entry));
		step = get_le16(entry.len);
		if (step < sizeof(entry) || step % 8 || step > len - at)
			return error_set(
				e, ERR_CORRUPT, "an entry of %zu bytes in an attribute list", step);
		if (!f->type || f->type == get_le32(entry.type))
			rc = entry_visit(f, &entry, e);
		at += step;
	}
	return rc;
}

static int base_visit(struct file *f, struct error *e)
{
	uint32_t at = f->base.attributes;
	struct ntfs_attribute a;
	bool found;
	int rc;

	for (;;) {
		rc = ntfs_attribute_next(&f->base, &at, &a, &found, e);
		if (!rc && found && (!f->type || f->type == a.type))
			rc = f->each(f->arg, &a, e);
		if (rc || !found)
			return rc;
	}
}

int ntfs_attributes(const struct ntfs_volume *v, uint64_t number, uint32_t type,
	int (*each)(void *arg, const struct ntfs_attribute *a, struct error *e), void *arg,
	struct error *e)
{
	struct file *f = calloc(1, sizeof(*f));
	uint8_t *list = NULL;
	size_t len = 0;
	int rc;

	if (!f)
		return error_nomem(e, "file records");
	*f = (struct file){ .v = v, .number = number, .type = type, .each = each, .arg = arg };
	rc = ntfs_record_read(v, number, &f->base, e);
	if (!rc && (!f->base.in_use || f->base.base))
		rc = error_set(e, ERR_CORRUPT, "file record %" PRIu64 " is no file in use", number);
	if (!rc)
		rc = list_read(f, &list, &len, e);
	if (!rc)
		rc = list ? list_visit(f, list, len, e) : base_visit(f, e);
	free(list);
	free(f);
	return rc;
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
