/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of Linux software arrays.  The places and fields are those of the kernel's md_p.h. */
#include "volume/raid.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "volume/table.h"

#define RAID_MAGIC UINT32_C(0xa92b4efc)

enum { SECTOR = 512, OLD_MINOR = 90 };

struct raid_old {
	le32 magic; /* word 0; all in the order of the processor that wrote them */
	le32 major; /* word 1: 0 */
	le32 minor; /* word 2: 90 */
	le32 patch; /* word 3 */
	le32 valid; /* word 4 */
	uint8_t uuid0[4]; /* word 5 */
	le32 created; /* word 6 */
	le32 level; /* word 7 */
	le32 size; /* word 8 */
	le32 disks; /* word 9 */
	le32 raid_disks; /* word 10 */
	le32 number; /* word 11 */
	le32 not_persistent; /* word 12 */
	uint8_t uuid1[12]; /* words 13 to 15 */
};
_Static_assert(sizeof(struct raid_old) == 64, "md superblock 0.90");

struct raid_new {
	le32 magic; /* +0x00 */
	le32 major; /* +0x04 1 */
	le32 features; /* +0x08 */
	le32 pad; /* +0x0c */
	uint8_t uuid[16]; /* +0x10 */
	char name[32]; /* +0x20 */
	le64 created; /* +0x40 */
	le32 level; /* +0x48 */
	le32 layout; /* +0x4c */
	le64 size; /* +0x50 sectors */
	le32 chunk; /* +0x58 */
	le32 raid_disks; /* +0x5c */
	uint8_t other[48]; /* +0x60 */
	le64 super_offset; /* +0x90 sectors: where this is */
};
_Static_assert(sizeof(struct raid_new) == 0x98, "md superblock 1");

static uint32_t word(le32 v, bool swapped)
{
	be32 b = { { v.b[0], v.b[1], v.b[2], v.b[3] } };

	return swapped ? get_be32(b) : get_le32(v);
}

static bool is_old(const struct raid_old *s, struct raid_member *out)
{
	bool swapped = get_le32(s->magic) != RAID_MAGIC;

	if (word(s->magic, swapped) != RAID_MAGIC || word(s->major, swapped) != 0 ||
		word(s->minor, swapped) != OLD_MINOR)
		return false;
	*out = (struct raid_member){ .version = "0.90",
		.level = (int)word(s->level, swapped),
		.devices = word(s->raid_disks, swapped) };
	/* Printed as the bytes that are there, whatever processor wrote them. */
	memcpy(out->uuid, s->uuid0, 4);
	memcpy(out->uuid + 4, s->uuid1, 12);
	return true;
}

static bool is_new(
	const struct raid_new *s, uint64_t at, const char *version, struct raid_member *out)
{
	if (get_le32(s->magic) != RAID_MAGIC || get_le32(s->major) != 1 ||
		get_le64(s->super_offset) != at / SECTOR)
		return false;
	*out = (struct raid_member){ .version = version,
		.level = (int)get_le32(s->level),
		.devices = get_le32(s->raid_disks) };
	memcpy(out->uuid, s->uuid, sizeof(out->uuid));
	memcpy(out->name, s->name, sizeof(s->name));
	return true;
}

int raid_find(struct disk *d, struct raid_member *out, bool *found, struct error *e)
{
	const struct {
		const char *version;
		bool old;
		uint64_t at, least; /* bytes; the disk has to be as large as `least` */
	} places[] = {
		{ "1.1", false, 0, 4096 },
		{ "1.2", false, 4096, 8192 },
		{ "1.0", false, (d->size - 8192) & ~UINT64_C(4095), 16 << 10 },
		{ "0.90", true, (d->size & ~UINT64_C(0xffff)) - (64 << 10), 128 << 10 },
	};

	*found = false;
	for (size_t i = 0; !*found && i < sizeof(places) / sizeof(*places); i++) {
		struct raid_new s;
		struct raid_old old;
		int rc;

		if (d->size < places[i].least)
			continue;
		rc = disk_read(d, places[i].at, &s, sizeof(s), e);
		if (rc)
			return rc;
		memcpy(&old, &s, sizeof(old));
		*found = places[i].old ? is_old(&old, out)
				       : is_new(&s, places[i].at, places[i].version, out);
	}
	return 0;
}

static int member_report(
	const struct volume *v, const struct raid_member *m, struct report *report, struct error *e)
{
	char level[24], name[sizeof(m->name) * 4 + 8] = "";
	char *to = name;

	if (m->level < 0)
		(void)snprintf(level, sizeof(level), "linear");
	else
		(void)snprintf(level, sizeof(level), "RAID %d", m->level);
	if (*m->name)
		*to++ = ' ';
	/* Any bytes may stand there; an output in JSON has to stay text. */
	for (const char *c = m->name; *c; c++)
		to += sprintf(to, *c > ' ' && *c < 0x7f ? "%c" : "\\x%02x", (unsigned char)*c);
	return volume_finding(report, SEVERITY_WARNING, "volume-raid", v->off, e,
		"volume %s is one of %u devices of the %s array%s (md metadata %s): it is left "
		"alone, as a change to one device breaks the array; move what is in it to a plain "
		"partition from inside the guest",
		v->id, m->devices, level, name, m->version);
}

int raid_report(const struct volume_list *l, struct report *report, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < l->count; i++) {
		struct raid_member m;
		bool found;

		rc = raid_find(l->volume[i].disk, &m, &found, e);
		if (!rc && found)
			rc = member_report(&l->volume[i], &m, report, e);
	}
	return rc;
}
