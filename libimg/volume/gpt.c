/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GUID partition table: either of its two copies, each under two checksums.  UEFI 2.10, 5.3. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "base/guid.h"
#include "base/utf8.h"
#include "base/zero.h"
#include "volume/gpt.h"
#include "volume/table.h"

static int check_header(const uint8_t *bytes, const struct gpt_header *h, uint64_t at,
	const struct gpt *g, struct error *e)
{
	uint32_t size = get_le32(h->size);
	uint32_t entry_size = get_le32(h->entry_size);
	uint8_t *copy;
	uint32_t crc;

	if (memcmp(h->signature, "EFI PART", 8) != 0)
		return error_set(e, ERR_NOTFOUND, "no GPT header at sector %" PRIu64, at);
	if (size < GPT_HEADER_SIZE || size > g->sector)
		return error_set(e, ERR_CORRUPT, "GPT header is %u bytes long", size);
	copy = malloc(size);
	if (!copy)
		return error_nomem(e, "a GPT header");
	memcpy(copy, bytes, size);
	memset(copy + offsetof(struct gpt_header, crc), 0, sizeof(h->crc));
	crc = crc32_of(copy, size);
	free(copy);
	if (crc != get_le32(h->crc))
		return error_set(e, ERR_CORRUPT, "GPT header checksum is 0x%08x, not 0x%08x", crc,
			get_le32(h->crc));
	if (get_le64(h->self) != at)
		return error_set(e, ERR_CORRUPT,
			"GPT header at sector %" PRIu64 " says it is at %" PRIu64, at,
			get_le64(h->self));
	if (entry_size < GPT_ENTRY_SIZE || entry_size > GPT_ENTRY_MAX ||
		!is_power_of_two(entry_size))
		return error_set(e, ERR_CORRUPT, "GPT entries are %u bytes long", entry_size);
	return 0;
}

static int load_table(struct disk *d, struct gpt *g, struct error *e)
{
	uint32_t count = get_le32(g->header.count);
	uint64_t bytes = (uint64_t)count * get_le32(g->header.entry_size);
	uint64_t start = get_le64(g->header.table);
	uint32_t crc;
	int rc;

	if (!count || bytes > GPT_TABLE_MAX)
		return error_set(e, ERR_CORRUPT, "GPT claims %u entries", count);
	if (start >= g->sectors || !range_fits(start * g->sector, bytes, d->size))
		return error_set(e, ERR_CORRUPT,
			"GPT entries at sector %" PRIu64 " are past the end of the disk", start);
	g->table = malloc((size_t)bytes);
	if (!g->table)
		return error_nomem(e, "the GPT");
	rc = disk_read(d, start * g->sector, g->table, (size_t)bytes, e);
	if (rc)
		return error_prefix(e, "GPT entries");
	crc = crc32_of(g->table, (size_t)bytes);
	if (crc != get_le32(g->header.table_crc))
		return error_set(e, ERR_CORRUPT,
			"checksum of the GPT entries is 0x%08x, not 0x%08x", crc,
			get_le32(g->header.table_crc));
	return 0;
}

int gpt_load(struct disk *d, uint64_t at, struct gpt *out, struct error *e)
{
	uint64_t sector = d->logical_sector ? d->logical_sector : 512;
	struct gpt g = { .sector = sector, .sectors = d->size / sector };
	uint8_t bytes[4096];
	int rc;

	if (!at || at >= g.sectors || sector > sizeof(bytes))
		return error_set(e, ERR_NOTFOUND, "no GPT header at sector %" PRIu64, at);
	rc = disk_read(d, at * sector, bytes, (size_t)sector, e);
	if (rc)
		return error_prefix(e, "GPT header");
	memcpy(&g.header, bytes, sizeof(g.header));
	rc = check_header(bytes, &g.header, at, &g, e);
	if (!rc)
		rc = load_table(d, &g, e);
	if (rc)
		free(g.table);
	else
		*out = g;
	return rc;
}

/* UTF-16 to UTF-8; half a surrogate pair becomes U+FFFD.  36 units are at most 108 bytes. */
static void name_text(const le16 *name, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < GPT_NAME_UNITS && get_le16(name[i]); i++) {
		uint32_t c = get_le16(name[i]);
		uint32_t next = i + 1 < GPT_NAME_UNITS ? get_le16(name[i + 1]) : 0;

		if (c >= 0xd800 && c < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
			c = 0x10000 + ((c & 0x3ff) << 10) + (next & 0x3ff);
			i++;
		} else if (c >= 0xd800 && c < 0xe000) {
			c = 0xfffd;
		}
		used += utf8_write(out + used, c);
	}
	out[used] = '\0';
}

static int add_entry(struct disk *d, const struct gpt *g, const struct gpt_entry *entry,
	unsigned number, struct volume_list *l, struct report *report, struct error *e)
{
	uint64_t first = get_le64(entry->first);
	uint64_t last = get_le64(entry->last);
	struct volume v = { .parent = "disk", .type = "gpt" };

	if (!first || first > last || last >= g->sectors)
		return volume_finding(report, SEVERITY_ERROR, "partition-out-of-range", 0, e,
			"partition %u from sector %" PRIu64 " to %" PRIu64
			" is not inside the disk (%" PRIu64 " sectors)",
			number, first, last, g->sectors);
	v.off = first * g->sector;
	v.size = (last - first + 1) * g->sector;
	(void)snprintf(v.id, sizeof(v.id), "p%u", number);
	guid_text(entry->type, v.type_id);
	guid_text(entry->id, v.part_id);
	name_text(entry->name, v.name);
	v.bios_boot = !strcmp(v.type_id, "21686148-6449-6e6f-744e-656564454649");
	v.esp = !strcmp(v.type_id, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	return volume_add(l, d, &v, e);
}

static int add_entries(struct disk *d, const struct gpt *g, struct volume_list *l,
	struct report *report, struct error *e)
{
	uint32_t entry_size = get_le32(g->header.entry_size);

	guid_text(g->header.disk, l->disk_id);
	for (unsigned i = 0; i < get_le32(g->header.count); i++) {
		struct gpt_entry entry;
		int rc;

		memcpy(&entry, g->table + (size_t)i * entry_size, sizeof(entry));
		if (bytes_are_zero(&entry.type, sizeof(entry.type)))
			continue;
		rc = add_entry(d, g, &entry, i + 1, l, report, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* Only checksum, place and bounds failures mean "use the other copy"; a host that can't read does
 * not. */
static bool is_damage(int rc)
{
	return rc == -ERR_CORRUPT || rc == -ERR_NOTFOUND;
}

/* The primary is good: looks whether the backup is, too. */
static int check_backup(struct disk *d, const struct gpt *primary, struct volume_list *l,
	struct report *report, struct error *e)
{
	uint64_t at = get_le64(primary->header.other);
	struct error why = { 0 };
	struct gpt backup;
	int rc = gpt_load(d, at, &backup, &why);

	if (!rc) {
		free(backup.table);
		return 0;
	}
	if (!is_damage(rc))
		return error_set(e, ERR_IO, "%s", why.text);
	l->backup_damaged = true;
	return volume_finding(report, SEVERITY_WARNING, "gpt-backup-damaged",
		at < primary->sectors ? at * primary->sector : d->size, e,
		"the backup GPT can't be used: %s", why.text);
}

/* Loads the copy to use; the caller frees out->table, also after a failure.  ERR_CORRUPT: neither
 * is good. */
static int choose_copy(struct disk *d, struct gpt *out, struct volume_list *l,
	struct report *report, struct error *e)
{
	uint64_t sector = d->logical_sector ? d->logical_sector : 512;
	uint64_t sectors = d->size / sector;
	struct error first = { 0 }, second = { 0 };
	int rc = gpt_load(d, 1, out, &first);

	if (!rc)
		return check_backup(d, out, l, report, e);
	if (is_damage(rc))
		rc = gpt_load(d, sectors - 1, out, &second);
	if (is_damage(rc))
		return error_set(e, ERR_CORRUPT, "neither GPT can be used: %.400s; backup: %.400s",
			first.text, second.text);
	if (rc)
		return error_set(e, ERR_IO, "GPT: %s", second.code ? second.text : first.text);
	l->backup_damaged = true;
	return volume_finding(report, SEVERITY_WARNING, "gpt-primary-damaged", sector, e,
		"the primary GPT can't be used, the backup was: %s", first.text);
}

bool mbr_has_protective(const struct mbr *m)
{
	for (size_t i = 0; i < MBR_ENTRIES; i++)
		if (m->entry[i].type == MBR_PROTECTIVE)
			return mbr_has_magic(m);
	return false;
}

int gpt_read(struct disk *d, const struct mbr *m, struct volume_list *l, bool *found,
	struct report *report, struct error *e)
{
	struct gpt g = { 0 };
	int rc;

	/* Kernels and firmware look for a GPT only behind a protective (or hybrid) MBR. */
	*found = mbr_has_protective(m);
	if (!*found)
		return 0;
	l->table = "gpt";
	rc = choose_copy(d, &g, l, report, e);
	if (!rc)
		rc = add_entries(d, &g, l, report, e);
	free(g.table);
	return rc;
}
