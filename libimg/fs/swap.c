/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Swap space: what is behind its header is worth nothing to a guest that was shut down. */
#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "fs/free.h"

enum { MAGIC_SIZE = 10, PAGE_MIN = 4096, PAGE_MAX = 65536 };

/* The kernel's union swap_header, behind the room for a boot loader. */
struct swap_info {
	le32 version; /* +0x400 1; in the order of the processor that made it */
	le32 last_page; /* +0x404 */
	le32 bad_pages; /* +0x408 */
};

/* Where the magic ends the first page tells how large pages are.  It is another one while a
 * hibernated system is there. */
static int page_find(struct disk *d, uint64_t *page, struct error *e)
{
	for (*page = PAGE_MIN; *page <= PAGE_MAX && *page <= d->size; *page *= 2) {
		char magic[MAGIC_SIZE];
		int rc = disk_read(d, *page - MAGIC_SIZE, magic, sizeof(magic), e);

		if (rc || !memcmp(magic, "SWAPSPACE2", MAGIC_SIZE))
			return rc;
	}
	return error_set(e, ERR_REFUSED,
		"a hibernated system is kept in it: start the guest and shut it down");
}

int swap_free_runs(struct disk *d, free_each each, void *arg, struct error *e)
{
	struct swap_info info;
	uint64_t page, bytes;
	int rc = page_find(d, &page, e);

	if (!rc)
		rc = disk_read(d, 1024, &info, sizeof(info), e);
	if (rc)
		return rc;
	if (get_le32(info.version) != 1)
		return error_set(
			e, ERR_UNSUPPORTED, "swap space of version %u", get_le32(info.version));
	bytes = get_le32(info.last_page) * page;
	if (!range_fits(page, bytes, d->size))
		return error_set(e, ERR_CORRUPT,
			"%u pages of %" PRIu64 " bytes of swap space in %" PRIu64,
			get_le32(info.last_page), page, d->size);
	return bytes ? each(arg, page, bytes, e) : 0;
}
