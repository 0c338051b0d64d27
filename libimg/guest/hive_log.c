/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The logs of a hive that Windows had not written back (msuhanov/regf, "Dirty state of a hive"):
 * which kind they are, and those of before Windows 8.1. */
#include <string.h>

#include "base/checked.h"
#include "guest/hive_private.h"

enum { SECTOR = 512, BITS_AT = SECTOR + 4 };

const struct hive_base *hive_log_base(const void *log, size_t len, bool entries)
{
	const struct hive_base *base = log;
	uint32_t type;

	if (len < 2 * SECTOR || len > HIVE_LIMIT || memcmp(base->magic, "regf", 4) ||
		get_le32(base->sum) != hive_sum(base))
		return NULL;
	type = get_le32(base->type);
	if (entries ? type != HIVE_NEW_LOG : type != HIVE_OLD_LOG && type != HIVE_OLDER_LOG)
		return NULL;
	return base;
}

/* Of a hive whose base block is no good, the first bin knows it too. */
static le64 time_written(const struct buffer *file, bool base_right)
{
	const struct hive_base *base = (const void *)file->data;
	const struct hive_bin *bin = (const void *)(file->data + HIVE_BASE_SIZE);

	return base_right || file->len < HIVE_BASE_SIZE + HIVE_BIN_HEADER ? base->written
									  : bin->written;
}

static bool dirty_page(const uint8_t *log, size_t page)
{
	return log[BITS_AT + page / 8] >> page % 8 & 1;
}

/* Whether the log is whole and belongs to the state that the hive is in. */
static bool log_fits(const struct buffer *file, bool base_right, const uint8_t *log, size_t len)
{
	const struct hive_base *base = hive_log_base(log, len, false);
	size_t pages = base ? get_le32(base->bins_size) / SECTOR : 0, used = 0;
	le64 written = time_written(file, base_right);

	if (!base || get_le32(base->primary) != get_le32(base->secondary) ||
		memcmp(&base->written, &written, sizeof(written)) || !pages || pages % 8 ||
		get_le32(base->bins_size) > HIVE_LIMIT - HIVE_BASE_SIZE ||
		get_le32(base->bins_size) > file->len + len || memcmp(log + SECTOR, "DIRT", 4) ||
		BITS_AT + pages / 8 > len)
		return false;
	for (size_t i = 0; i < pages; i++)
		used += dirty_page(log, i);
	return used && round_up(BITS_AT + pages / 8, SECTOR) + used * SECTOR <= len;
}

/* The bytes of bins, those that come new zero. */
static int bins_reserve(struct buffer *file, uint32_t bins, struct error *e)
{
	size_t len = HIVE_BASE_SIZE + (size_t)bins;

	return file->len < len ? buffer_zeros(file, len - file->len, e) : 0;
}

int hive_log_base_take(
	struct buffer *file, const struct hive_base *from, uint32_t bins, struct error *e)
{
	struct hive_base *base;
	int rc = bins_reserve(file, bins, e);

	if (rc)
		return rc;
	base = (void *)file->data;
	*base = *from;
	base->type = put_le32(HIVE_PRIMARY);
	base->bins_size = put_le32(bins);
	base->secondary = base->primary;
	base->sum = put_le32(hive_sum(base));
	return 0;
}

/* One bit for each sector of the bins, then those that are set, in order. */
static int apply_pages(struct buffer *file, const uint8_t *log, struct error *e)
{
	const struct hive_base *base = (const void *)log;
	size_t pages = get_le32(base->bins_size) / SECTOR;
	const uint8_t *from = log + round_up(BITS_AT + pages / 8, SECTOR);
	int rc = hive_log_base_take(file, base, get_le32(base->bins_size), e);

	for (size_t i = 0; !rc && i < pages; i++)
		if (dirty_page(log, i)) {
			memcpy(file->data + HIVE_BASE_SIZE + i * SECTOR, from, SECTOR);
			from += SECTOR;
		}
	return rc;
}

int hive_recover(
	struct buffer *file, const struct hive_files *files, size_t *entries, struct error *e)
{
	const struct hive_base *base = (const void *)file->data;
	bool base_right = get_le32(base->sum) == hive_sum(base);
	const void *log = NULL;

	if (hive_log_base(files->log1, files->log1_len, true) ||
		hive_log_base(files->log2, files->log2_len, true))
		return hive_recover_entries(file, files, base_right, entries, e);
	if (log_fits(file, base_right, files->log1, files->log1_len))
		log = files->log1;
	else if (log_fits(file, base_right, files->log2, files->log2_len))
		log = files->log2;
	*entries = log != NULL;
	return log ? apply_pages(file, log, e) : 0;
}
