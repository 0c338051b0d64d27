/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which entries of the log count: of all runs of valid entries with rising sequence numbers that
 * hold the entry their last one names as the tail, the one with the highest number.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/crc.h"
#include "formats/vhdx_log.h"

enum {
	/* Entries do not overlap but for remains of older ones, so that the log is read a few times
	 * at most, whatever the entries claim. */
	LOG_PASSES = 4,
	CHUNK = 1 << 20, /* of an entry in memory: one may fill a log of 4 GiB */
};

/* The entry that begins at a sector of the log. */
struct entry {
	uint64_t sequence; /* 0: none begins here */
	uint32_t sectors;
	uint32_t tail; /* sector */
	bool follows; /* another one leads here */
};

struct ring {
	struct disk *file;
	const struct vhdx_image *image;
	struct entry *entry;
	uint64_t sectors;
	uint64_t budget; /* bytes that may still be read */
	uint8_t *chunk;
};

int vhdx_log_read(struct disk *file, struct vhdx_range log, uint64_t at, void *buf, size_t len,
	struct error *e)
{
	size_t first = (size_t)min_u64(len, log.length - at);
	int rc = disk_read(file, log.offset + at, buf, first, e);

	if (!rc && first < len)
		rc = disk_read(file, log.offset, (uint8_t *)buf + first, len - first, e);
	return rc ? error_prefix(e, "log") : 0;
}

/* Whether it looks like an entry (2.3.1.1), but for the checksum. */
static bool header_fits(const struct ring *r, const struct vhdx_log_header *h)
{
	uint64_t length = get_le32(h->length);
	uint64_t described = sizeof(*h) +
		get_le32(h->descriptors) * (uint64_t)sizeof(struct vhdx_log_descriptor);

	return !memcmp(h->signature, "loge", 4) && get_le64(h->sequence) &&
		guid_equal(h->log, r->image->log_guid) && length && !(length % VHDX_LOG_SECTOR) &&
		length <= r->image->log.length && described <= length &&
		!(get_le32(h->tail) % VHDX_LOG_SECTOR) && get_le32(h->tail) < r->image->log.length;
}

/* CRC-32C of an entry with its checksum field taken as zero. */
static int checksum_make(
	struct ring *r, uint64_t sector, uint64_t len, uint32_t *out, struct error *e)
{
	uint64_t done = 0;

	*out = 0;
	while (done < len) {
		uint64_t at = (sector * VHDX_LOG_SECTOR + done) % r->image->log.length;
		size_t now = (size_t)min_u64(len - done, CHUNK);
		int rc = vhdx_log_read(r->file, r->image->log, at, r->chunk, now, e);

		if (rc)
			return rc;
		if (!done)
			memset(r->chunk + offsetof(struct vhdx_log_header, checksum), 0,
				sizeof(le32));
		*out = crc32c_more(*out, r->chunk, now);
		done += now;
	}
	return 0;
}

static int entry_load(struct ring *r, uint64_t sector, struct error *e)
{
	struct vhdx_log_header h;
	uint32_t sum = 0;
	int rc = vhdx_log_read(r->file, r->image->log, sector * VHDX_LOG_SECTOR, &h, sizeof(h), e);

	if (rc || !header_fits(r, &h))
		return rc;
	if (get_le32(h.length) > r->budget)
		return error_set(e, ERR_CORRUPT, "the log's entries overlap");
	r->budget -= get_le32(h.length);
	rc = checksum_make(r, sector, get_le32(h.length), &sum, e);
	if (!rc && sum == get_le32(h.checksum))
		r->entry[sector] = (struct entry){
			.sequence = get_le64(h.sequence),
			.sectors = get_le32(h.length) / VHDX_LOG_SECTOR,
			.tail = get_le32(h.tail) / VHDX_LOG_SECTOR,
		};
	return rc;
}

/* Where the entry after the one at `sector` is; false when that was the last of its run. */
static bool next_find(const struct ring *r, uint64_t sector, uint64_t *next)
{
	const struct entry *x = &r->entry[sector];

	*next = (sector + x->sectors) % r->sectors;
	return r->entry[*next].sequence == x->sequence + 1;
}

/* Follows a run to its end; *found tells whether the tail is part of it. */
static int run_follow(struct ring *r, uint64_t start, uint64_t *head, uint64_t *count, bool *found,
	struct error *e)
{
	uint64_t at = start, next, steps = 1;

	while (next_find(r, at, &next)) {
		at = next;
		if (++steps > r->budget)
			return error_set(e, ERR_CORRUPT, "the log's entries overlap");
	}
	r->budget -= steps;
	*head = at;
	*count = steps;
	at = start;
	*found = false;
	for (uint64_t i = 0; i < steps && !*found; i++) {
		*found = at == r->entry[*head].tail;
		/* What comes before the tail is in the file already. */
		*count -= i ? 1 : 0;
		if (!next_find(r, at, &at))
			break;
	}
	return 0;
}

static int best_find(struct ring *r, struct vhdx_log_active *out, uint64_t *best, struct error *e)
{
	uint64_t highest = 0;

	for (uint64_t i = 0; i < r->sectors; i++) {
		uint64_t head = 0, count = 0;
		bool found = false;
		int rc;

		if (!r->entry[i].sequence || r->entry[i].follows)
			continue;
		rc = run_follow(r, i, &head, &count, &found, e);
		if (rc)
			return rc;
		if (!found || r->entry[head].sequence <= highest)
			continue;
		highest = r->entry[head].sequence;
		out->tail = (uint64_t)r->entry[head].tail * VHDX_LOG_SECTOR;
		out->count = count;
		*best = head;
	}
	if (!highest)
		return error_set(e, ERR_CORRUPT, "the log of %llu bytes holds no valid sequence",
			(unsigned long long)r->image->log.length);
	return 0;
}

static int entries_load(struct ring *r, struct error *e)
{
	uint64_t next;

	for (uint64_t i = 0; i < r->sectors; i++) {
		int rc = entry_load(r, i, e);

		if (rc)
			return rc;
	}
	for (uint64_t i = 0; i < r->sectors; i++)
		if (r->entry[i].sequence && next_find(r, i, &next))
			r->entry[next].follows = true;
	return 0;
}

int vhdx_log_find(struct disk *file, const struct vhdx_image *image, struct vhdx_log_active *out,
	struct error *e)
{
	struct ring r = {
		.file = file,
		.image = image,
		.sectors = image->log.length / VHDX_LOG_SECTOR,
		.budget = image->log.length * LOG_PASSES,
	};
	struct vhdx_log_header h;
	uint64_t head = 0;
	int rc;

	if (!r.sectors)
		return error_set(e, ERR_CORRUPT, "the log is empty");
	r.entry = calloc((size_t)r.sectors, sizeof(*r.entry));
	r.chunk = malloc(CHUNK);
	rc = r.entry && r.chunk ? entries_load(&r, e) : error_nomem(e, "the log's entries");
	if (!rc)
		rc = best_find(&r, out, &head, e);
	if (!rc)
		rc = vhdx_log_read(file, image->log, head * VHDX_LOG_SECTOR, &h, sizeof(h), e);
	free(r.entry);
	free(r.chunk);
	if (rc)
		return rc;
	out->flushed_file = get_le64(h.flushed_file);
	out->last_file = get_le64(h.last_file);
	return 0;
}
