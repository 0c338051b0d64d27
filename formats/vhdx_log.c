/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replays the log into an overlay over the file. */
#include "formats/vhdx_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/overlay.h"

enum {
	/* Logs of 1 MiB are usual; what is replayed never leaves memory. */
	REPLAY_MAX = 64 << 20,
	ZERO_MAX = 1 << 15, /* ranges; a log of 1 MiB has room for as many */
};

/* The file, longer: what was added reads as zeros. */
struct longer {
	struct disk disk;
	struct disk *file;
};

struct vhdx_log {
	struct longer longer;
	struct disk *overlay;
	unsigned zeroed; /* ranges */
};

static int longer_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct disk *file = ((struct longer *)d)->file;
	size_t have = off < file->size ? (size_t)min_u64(len, file->size - off) : 0;

	memset((uint8_t *)buf + have, 0, len - have);
	return have ? disk_read(file, off, buf, have, e) : 0;
}

static int longer_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct disk *file = ((struct longer *)d)->file;

	if (off < file->size)
		return disk_extent(file, off, out, e);
	*out = (struct extent){ .length = d->size - off, .zero = true };
	return 0;
}

static const struct disk_ops longer_ops = { .read = longer_read, .extent = longer_extent };

static int target_check(const struct vhdx_log *l, uint64_t off, uint64_t len, struct error *e)
{
	if (off % VHDX_LOG_SECTOR || len % VHDX_LOG_SECTOR)
		return error_set(e, ERR_CORRUPT,
			"the log changes %llu bytes at %llu, which is not aligned to 4096",
			(unsigned long long)len, (unsigned long long)off);
	if (!range_fits(off, len, l->overlay->size))
		return error_set(e, ERR_CORRUPT,
			"the log changes %llu bytes at %llu, past the end of the file at %llu",
			(unsigned long long)len, (unsigned long long)off,
			(unsigned long long)l->overlay->size);
	if (overlay_used(l->overlay) + VHDX_LOG_SECTOR > REPLAY_MAX)
		return error_set(e, ERR_UNSUPPORTED, "the log changes more than %u bytes",
			(unsigned)REPLAY_MAX);
	return 0;
}

static int zeros_apply(struct vhdx_log *l, const struct vhdx_log_descriptor *d, struct error *e)
{
	uint64_t off = get_le64(d->offset), len = get_le64(d->zero_length);
	int rc = target_check(l, off, len, e);

	if (!rc && l->zeroed++ == ZERO_MAX)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the log zeroes more than %u ranges, which are not replayed in memory",
			(unsigned)ZERO_MAX);
	return rc || !len ? rc : disk_zero(l->overlay, off, len, e);
}

static int data_apply(struct vhdx_log *l, const struct vhdx_log_descriptor *d,
	const struct vhdx_log_data *data, struct error *e)
{
	uint64_t sequence = get_le64(d->sequence);
	uint8_t sector[VHDX_LOG_SECTOR];
	int rc = target_check(l, get_le64(d->offset), VHDX_LOG_SECTOR, e);

	if (rc)
		return rc;
	if (memcmp(data->signature, "data", 4) != 0 ||
		get_le32(data->sequence_high) != sequence >> 32 ||
		get_le32(data->sequence_low) != (uint32_t)sequence)
		return error_set(e, ERR_CORRUPT,
			"a data sector of log entry %llu belongs to another one",
			(unsigned long long)sequence);
	memcpy(sector, d->leading, sizeof(d->leading));
	memcpy(sector + sizeof(d->leading), data->bytes, sizeof(data->bytes));
	memcpy(sector + VHDX_LOG_SECTOR - sizeof(d->trailing), d->trailing, sizeof(d->trailing));
	return disk_write(l->overlay, get_le64(d->offset), sector, sizeof(sector), e);
}

/* An entry that is being applied.  It may be as long as a log of 4 GiB, so that only one sector of
 * its descriptors is in memory. */
struct entry {
	struct disk *file;
	struct vhdx_range log;
	uint64_t at, len; /* in the log */
	struct vhdx_log_header header;
	uint64_t loaded; /* number of the sector in `descriptor`; UINT64_MAX: none */
	struct vhdx_log_descriptor descriptor[VHDX_LOG_DESCRIPTORS];
};

static int entry_read(
	const struct entry *x, uint64_t sector, void *buf, size_t len, struct error *e)
{
	uint64_t at = (x->at + sector * VHDX_LOG_SECTOR) % x->log.length;

	return vhdx_log_read(x->file, x->log, at, buf, len, e);
}

static int entry_open(struct entry *x, struct error *e)
{
	struct vhdx_log_header *h = &x->header;
	int rc = entry_read(x, 0, h, sizeof(*h), e);

	if (rc)
		return rc;
	x->loaded = UINT64_MAX;
	x->len = get_le32(h->length);
	/* Valid when it was found, but the file may have changed since. */
	if (x->len < sizeof(*h) || x->len > x->log.length ||
		get_le32(h->descriptors) > (x->len - sizeof(*h)) / sizeof(x->descriptor[0]))
		return error_set(e, ERR_CORRUPT, "the log changed while it was read");
	return 0;
}

/* Descriptors follow each other without a gap behind the header, which has the room of two. */
static uint64_t descriptor_slot(uint32_t i)
{
	return i + sizeof(struct vhdx_log_header) / sizeof(struct vhdx_log_descriptor);
}

static int descriptor_read(
	struct entry *x, uint32_t i, struct vhdx_log_descriptor *out, struct error *e)
{
	uint64_t slot = descriptor_slot(i), sector = slot / VHDX_LOG_DESCRIPTORS;

	if (x->loaded != sector) {
		int rc = entry_read(x, sector, x->descriptor, sizeof(x->descriptor), e);

		if (rc)
			return rc;
		x->loaded = sector;
	}
	*out = x->descriptor[slot % VHDX_LOG_DESCRIPTORS];
	return 0;
}

/* Applies descriptor `i`; *sector is where the next data sector is. */
static int descriptor_apply(
	struct vhdx_log *l, struct entry *x, uint32_t i, uint64_t *sector, struct error *e)
{
	struct vhdx_log_descriptor d;
	struct vhdx_log_data data;
	int rc = descriptor_read(x, i, &d, e);
	bool is_data = !rc && !memcmp(d.signature, "desc", 4);

	if (rc)
		return rc;
	if ((!is_data && memcmp(d.signature, "zero", 4) != 0) ||
		get_le64(d.sequence) != get_le64(x->header.sequence) ||
		(is_data && !range_fits(*sector * VHDX_LOG_SECTOR, VHDX_LOG_SECTOR, x->len)))
		return error_set(e, ERR_CORRUPT, "descriptor %u of log entry %llu is wrong", i,
			(unsigned long long)get_le64(x->header.sequence));
	if (!is_data)
		return zeros_apply(l, &d, e);
	rc = entry_read(x, (*sector)++, &data, sizeof(data), e);
	return rc ? rc : data_apply(l, &d, &data, e);
}

static int entries_apply(struct vhdx_log *l, const struct vhdx_image *image,
	const struct vhdx_log_active *active, struct error *e)
{
	struct entry x = { .file = l->longer.file, .log = image->log, .at = active->tail };
	int rc = 0;

	for (uint64_t n = 0; n < active->count && !rc; n++) {
		uint32_t count;
		uint64_t sector;

		rc = entry_open(&x, e);
		count = get_le32(x.header.descriptors);
		sector = div_up(descriptor_slot(count), VHDX_LOG_DESCRIPTORS);
		for (uint32_t i = 0; i < count && !rc; i++)
			rc = descriptor_apply(l, &x, i, &sector, e);
		x.at = (x.at + x.len) % x.log.length;
	}
	return rc;
}

/* A file shorter than when the log was written has lost what the log does not hold (2.3.1.1). */
static int size_check(const struct disk *file, const struct vhdx_log_active *a, struct error *e)
{
	if (file->size < a->flushed_file)
		return error_set(e, ERR_CORRUPT,
			"the file has %llu bytes and had %llu when the log was written: it was cut "
			"off",
			(unsigned long long)file->size, (unsigned long long)a->flushed_file);
	if (a->last_file > 2 * VHDX_MAX_SIZE)
		return error_set(e, ERR_CORRUPT, "the log wants a file of %llu bytes",
			(unsigned long long)a->last_file);
	return 0;
}

int vhdx_log_replay(
	struct disk *file, const struct vhdx_image *image, struct vhdx_log **out, struct error *e)
{
	struct vhdx_log_active active = { 0 };
	struct vhdx_log *l;
	int rc = vhdx_log_find(file, image, &active, e);

	if (!rc)
		rc = size_check(file, &active, e);
	if (rc)
		return rc;
	l = calloc(1, sizeof(*l));
	if (!l)
		return error_nomem(e, "a log");
	l->longer = (struct longer){ *file, file };
	l->longer.disk.ops = &longer_ops;
	l->longer.disk.size = max_u64(
		round_up(file->size, VHDX_LOG_SECTOR), round_up(active.last_file, VHDX_LOG_SECTOR));
	rc = overlay_open(&l->longer.disk, "", REPLAY_MAX, &l->overlay, e);
	if (!rc)
		rc = entries_apply(l, image, &active, e);
	if (!rc)
		rc = overlay_freeze(l->overlay, e);
	if (rc) {
		vhdx_log_close(l);
		return rc;
	}
	*out = l;
	return 0;
}

struct disk *vhdx_log_view(struct vhdx_log *l)
{
	return l->overlay;
}

void vhdx_log_close(struct vhdx_log *l)
{
	if (l)
		disk_close(l->overlay);
	free(l);
}
