/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All attributes of a file: what its record has no room for is in others, which an attribute list
 * names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ntfs_free.h"

enum {
	LIST_MAX = 256 << 10, /* bytes of an attribute list, also for Windows */
};
#define REFERENCE_NUMBER(ref) ((ref)&UINT64_C(0xffffffffffff))

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
