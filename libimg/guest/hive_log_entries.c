/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logs of Windows 8.1 and later: entries of pages, each with hashes and a sequence number. */
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum { SECTOR = 512 };

struct entry {
	char magic[4]; /* 0: "HvLE" */
	le32 size; /* 4: a multiple of 512 */
	le32 flags; /* 8: bit 0 goes to the base block */
	le32 sequence; /* 12 */
	le32 bins_size; /* 16: of the hive with this entry */
	le32 pages; /* 20 */
	le64 content_hash; /* 24: of what is behind the header */
	le64 hash; /* 32: of what is before it */
	struct page {
		le32 at, size;
	} page[]; /* 40: then the pages */
};
_Static_assert(sizeof(struct entry) == 40, "HvLE");

static uint32_t rotate(uint32_t n, unsigned by)
{
	return n << by | n >> (32 - by);
}

static void mix(uint32_t *a, uint32_t *b)
{
	*b ^= *a;
	*a = rotate(*a, 20) + *b;
	*b = rotate(*b, 9) ^ *a;
	*a = rotate(*a, 27) + *b;
	*b = rotate(*b, 19);
}

/* Marvin32 with the seed that Windows has for logs. */
uint64_t hive_marvin(const uint8_t *bytes, size_t len)
{
	uint32_t a = 0x7a4e55c5, b = 0x82ef4d88;
	le32 last = { { 0 } };

	for (; len >= 4; bytes += 4, len -= 4) {
		a += get_le32(*(const le32 *)(const void *)bytes);
		mix(&a, &b);
	}
	memcpy(last.b, bytes, len);
	last.b[len] = 0x80;
	a += get_le32(last);
	mix(&a, &b);
	mix(&a, &b);
	return (uint64_t)b << 32 | a;
}

static bool pages_fit(const struct entry *entry, uint32_t size)
{
	uint32_t count = get_le32(entry->pages), bins = get_le32(entry->bins_size);
	uint64_t used = sizeof(*entry) + count * (uint64_t)sizeof(*entry->page);

	if (used > size)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = get_le32(entry->page[i].size);

		used += len;
		if (used > size || !range_fits(get_le32(entry->page[i].at), len, bins))
			return false;
	}
	return true;
}

/* The entry at the start of `len` bytes, if it is whole and the one that is due for a hive of so
 * many bytes; what it lets that grow by, it brings along. */
static const struct entry *entry_at(
	const uint8_t *bytes, size_t len, uint32_t sequence, size_t hive_len)
{
	const struct entry *entry = (const void *)bytes;
	uint32_t size, bins;

	if (len < sizeof(*entry) || memcmp(entry->magic, "HvLE", 4) ||
		get_le32(entry->sequence) != sequence)
		return NULL;
	size = get_le32(entry->size);
	bins = get_le32(entry->bins_size);
	if (size < sizeof(*entry) || size % SECTOR || size > len || !bins || bins % HIVE_BIN_UNIT ||
		bins > HIVE_LIMIT - HIVE_BASE_SIZE || bins > hive_len + size ||
		get_le64(entry->hash) != hive_marvin(bytes, 32) ||
		get_le64(entry->content_hash) !=
			hive_marvin(bytes + sizeof(*entry), size - sizeof(*entry)))
		return NULL;
	return pages_fit(entry, size) ? entry : NULL;
}

static int entry_apply(struct buffer *file, const struct hive_base *log, const struct entry *entry,
	struct error *e)
{
	const uint8_t *from = (const uint8_t *)&entry->page[get_le32(entry->pages)];
	struct hive_base base = *log;
	int rc;

	base.primary = entry->sequence;
	base.flags = put_le32((get_le32(base.flags) & ~1u) | (get_le32(entry->flags) & 1));
	rc = hive_log_base_take(file, &base, get_le32(entry->bins_size), e);
	for (uint32_t i = 0; !rc && i < get_le32(entry->pages); i++) {
		uint32_t len = get_le32(entry->page[i].size);

		memcpy(file->data + HIVE_BASE_SIZE + get_le32(entry->page[i].at), from, len);
		from += len;
	}
	return rc;
}

/* Applies entries from the log's own sequence number on, up to the first that is not due; *next is
 * the number of that. */
static int apply(struct buffer *file, const uint8_t *log, size_t len, uint32_t *next,
	size_t *entries, struct error *e)
{
	const struct hive_base *base = (const void *)log;
	uint32_t sequence = get_le32(base->primary);
	const struct entry *entry;
	size_t at = SECTOR;
	int rc = 0;

	while (!rc && (entry = entry_at(log + at, len - at, sequence, file->len))) {
		rc = entry_apply(file, base, entry, e);
		at += get_le32(entry->size);
		sequence++;
		++*entries;
	}
	*next = sequence;
	return rc;
}

/* Sequence numbers wrap around. */
static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

struct log {
	const void *bytes;
	size_t len;
	const struct hive_base *base;
};

int hive_recover_entries(struct buffer *file, const struct hive_files *files, bool base_right,
	size_t *entries, struct error *e)
{
	struct log first = { files->log1, files->log1_len, NULL };
	struct log second = { files->log2, files->log2_len, NULL };
	uint32_t written = get_le32(
		((const struct hive_base *)(const void *)file->data)->secondary);
	uint32_t next;
	int rc = 0;

	*entries = 0;
	first.base = hive_log_base(first.bytes, first.len, true);
	second.base = hive_log_base(second.bytes, second.len, true);
	if (!first.base ||
		(second.base &&
			before(get_le32(second.base->primary), get_le32(first.base->primary)))) {
		struct log other = first;

		first = second;
		second = other;
	}
	/* Without a base block that says how far the hive is, Windows takes the newer log alone. */
	if (!base_right && second.base)
		return apply(file, second.bytes, second.len, &next, entries, e);
	if (base_right && before(get_le32(first.base->primary), written)) {
		if (!second.base || before(get_le32(second.base->primary), written))
			return 0;
		return apply(file, second.bytes, second.len, &next, entries, e);
	}
	rc = apply(file, first.bytes, first.len, &next, entries, e);
	if (!rc && *entries && second.base && get_le32(second.base->primary) == next)
		rc = apply(file, second.bytes, second.len, &next, entries, e);
	return rc;
}
