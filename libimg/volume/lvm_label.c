/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The binary part of LVM2: a PV's label and the headers of its metadata areas. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc.h"
#include "volume/lvm.h"

#define LVM_CRC_INITIAL UINT32_C(0xf597a6cf)

enum { IGNORED = 1 /* flag: kept by LVM for later, not up to date */ };

struct label {
	char magic[8]; /* +0x00 "LABELONE" */
	le64 sector; /* +0x08 where this is */
	le32 crc; /* +0x10 of what follows, up to the end of the sector */
	le32 content; /* +0x14 bytes from here to the PV header */
	char type[8]; /* +0x18 "LVM2 001" */
};
_Static_assert(sizeof(struct label) == 32, "LVM label");

struct area {
	le64 off, len; /* bytes; off 0 ends a list */
};

struct pv_header {
	char id[LVM_ID_SIZE]; /* +0x00 */
	le64 size; /* +0x20 bytes */
	/* Two lists follow: data areas, metadata areas. */
};
_Static_assert(sizeof(struct pv_header) == 40, "LVM PV header");

struct text_place {
	le64 off; /* +0x00 bytes from the start of the area; 0: none */
	le64 len; /* +0x08 */
	le32 crc; /* +0x10 */
	le32 flags; /* +0x14 */
};

struct area_header {
	le32 crc; /* +0x000 of what follows */
	char magic[16]; /* +0x004 */
	le32 version; /* +0x014 1 */
	le64 off; /* +0x018 where this is, bytes in the PV */
	le64 len; /* +0x020 of the area */
	struct text_place text; /* +0x028 the committed one */
	uint8_t rest[LVM_SECTOR - 0x40]; /* +0x040 */
};
_Static_assert(sizeof(struct area_header) == LVM_SECTOR, "LVM metadata area");

static uint32_t lvm_crc(const void *bytes, size_t len)
{
	return crc32_plain(LVM_CRC_INITIAL, bytes, len);
}

/* The list that begins at *at of a label sector; ERR_CORRUPT when it has more than `room`. */
static int areas_read(const uint8_t *sector, size_t *at, struct lvm_area *out, size_t room,
	size_t *count, struct error *e)
{
	for (*count = 0; *at + sizeof(struct area) <= LVM_SECTOR; ++*count) {
		struct area a;

		memcpy(&a, sector + *at, sizeof(a));
		*at += sizeof(a);
		if (!get_le64(a.off))
			return 0;
		if (*count == room)
			break;
		out[*count] = (struct lvm_area){ get_le64(a.off), get_le64(a.len) };
	}
	return error_set(e, ERR_CORRUPT, "the label lists more areas than a PV can have");
}

static int header_read(
	const struct disk *d, const uint8_t *sector, size_t at, struct lvm_pv *out, struct error *e)
{
	struct lvm_area data[LVM_SECTOR / sizeof(struct area)];
	struct pv_header h;
	size_t unused;
	int rc;

	if (at < sizeof(struct label) || at > LVM_SECTOR - sizeof(h))
		return error_set(
			e, ERR_CORRUPT, "the label says its PV header is %zu bytes on", at);
	memcpy(&h, sector + at, sizeof(h));
	memcpy(out->id, h.id, LVM_ID_SIZE);
	at += sizeof(h);
	rc = areas_read(sector, &at, data, sizeof(data) / sizeof(*data), &unused, e);
	if (!rc)
		rc = areas_read(sector, &at, out->copy, LVM_COPIES_MAX, &out->copies, e);
	for (size_t i = 0; !rc && i < out->copies; i++)
		if (out->copy[i].len <= LVM_SECTOR ||
			!range_fits(out->copy[i].off, out->copy[i].len, d->size))
			rc = error_set(e, ERR_CORRUPT,
				"the label says that %" PRIu64 " bytes of metadata are at %" PRIu64,
				out->copy[i].len, out->copy[i].off);
	return rc;
}

int lvm_label_read(struct disk *d, struct lvm_pv *out, bool *found, struct error *e)
{
	uint8_t bytes[LVM_LABEL_SECTORS * LVM_SECTOR];
	int rc;

	*found = false;
	*out = (struct lvm_pv){ .size = d->size };
	if (d->size < sizeof(bytes))
		return 0;
	rc = disk_read(d, 0, bytes, sizeof(bytes), e);
	for (size_t i = 0; !rc && i < LVM_LABEL_SECTORS; i++) {
		const uint8_t *sector = bytes + i * LVM_SECTOR;
		size_t from = offsetof(struct label, content);
		struct label l;

		memcpy(&l, sector, sizeof(l));
		if (memcmp(l.magic, "LABELONE", 8) != 0 || memcmp(l.type, "LVM2 001", 8) != 0)
			continue;
		*found = true;
		if (get_le64(l.sector) != i ||
			get_le32(l.crc) != lvm_crc(sector + from, LVM_SECTOR - from))
			return error_set(e, ERR_CORRUPT, "checksum or place of the label is wrong");
		return header_read(d, sector, get_le32(l.content), out, e);
	}
	return rc;
}

static int header_check(const struct area_header *h, const struct lvm_area *area, struct error *e)
{
	static const char magic[] = " LVM2 x[5A%r0N*>";

	if (memcmp(h->magic, magic, sizeof(h->magic)) != 0 || get_le32(h->version) != 1)
		return error_set(e, ERR_CORRUPT, "there is no header of LVM metadata");
	if (get_le32(h->crc) != lvm_crc(h->magic, sizeof(*h) - sizeof(h->crc)))
		return error_set(e, ERR_CORRUPT, "checksum of the header is wrong");
	if (get_le64(h->off) != area->off || get_le64(h->len) != area->len)
		return error_set(e, ERR_CORRUPT, "the header is for %" PRIu64 " bytes at %" PRIu64,
			get_le64(h->len), get_le64(h->off));
	return 0;
}

static int place_check(const struct text_place *t, const struct lvm_area *area, struct error *e)
{
	uint64_t off = get_le64(t->off), len = get_le64(t->len);

	if (off < LVM_SECTOR || off >= area->len || len > area->len - LVM_SECTOR)
		return error_set(e, ERR_CORRUPT,
			"%" PRIu64 " bytes of text at %" PRIu64 " are not inside the area", len,
			off);
	if (len > LVM_TEXT_MAX)
		return error_set(e, ERR_UNSUPPORTED,
			"%" PRIu64 " bytes of text are more than hvimg reads", len);
	return 0;
}

/* The area is a ring behind its header. */
static int ring_read(struct disk *d, const struct lvm_area *area, uint64_t off, uint8_t *to,
	size_t len, struct error *e)
{
	size_t first = (size_t)min_u64(len, area->len - off);
	int rc = disk_read(d, area->off + off, to, first, e);

	return rc ? rc : disk_read(d, area->off + LVM_SECTOR, to + first, len - first, e);
}

int lvm_text_read(struct disk *d, const struct lvm_area *area, struct buffer *out, struct error *e)
{
	struct area_header h;
	size_t len;
	int rc = disk_read(d, area->off, &h, sizeof(h), e);

	if (!rc)
		rc = header_check(&h, area, e);
	if (rc || !get_le64(h.text.off) || get_le32(h.text.flags) & IGNORED)
		return rc;
	rc = place_check(&h.text, area, e);
	if (rc)
		return rc;
	len = (size_t)get_le64(h.text.len);
	rc = buffer_zeros(out, len, e);
	if (!rc)
		rc = ring_read(d, area, get_le64(h.text.off), out->data, len, e);
	if (!rc && lvm_crc(out->data, len) != get_le32(h.text.crc))
		rc = error_set(e, ERR_CORRUPT, "checksum of the text is wrong");
	return rc;
}
