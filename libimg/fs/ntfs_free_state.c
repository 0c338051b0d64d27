/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the volume was shut down: flags, log and hibernation. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ntfs_free.h"

enum {
	FLAG_DIRTY = 1,
	FLAG_RESIZE_LOG = 2,
	FLAG_UPGRADE = 4,

	PAGE_MAX = 64 << 10, /* bytes of a page of the log */
	LOG_MAX = 1 << 30,
	PIECE = 64 << 10,
	NO_CLIENT = 0xffff,
	AREA_CLEAN = 2,
};

struct volume_information {
	uint8_t reserved[8]; /* +0x0 */
	uint8_t major, minor; /* +0x8 */
	le16 flags; /* +0xa */
};
_Static_assert(sizeof(struct volume_information) == 12, "NTFS volume information");

/* A restart page of the log, and the restart area in it. */
struct restart_page {
	uint8_t magic[4]; /* +0x00 "RSTR", "CHKD" */
	le16 updates, update_count; /* +0x04 */
	le64 chkdsk_lsn; /* +0x08 */
	le32 system_page; /* +0x10 bytes */
	le32 log_page; /* +0x14 bytes */
	le16 area; /* +0x18 where it is */
	le16 minor; /* +0x1a */
	le16 major; /* +0x1c */
};
_Static_assert(sizeof(struct restart_page) == 0x1e, "NTFS restart page");

struct restart_area {
	le64 lsn; /* +0x00 the last one */
	le16 clients; /* +0x08 */
	le16 client_free; /* +0x0a */
	le16 client_in_use; /* +0x0c 0xffff: none */
	le16 flags; /* +0x0e */
};
_Static_assert(sizeof(struct restart_area) == 16, "NTFS restart area");

static int flags_check(const struct ntfs_volume *v, struct error *e)
{
	struct ntfs_stream s = { 0 };
	struct volume_information info;
	uint32_t flags;
	int rc = ntfs_stream_open(v, NTFS_VOLUME, NTFS_VOLUME_INFORMATION, "", &s, e);

	if (rc)
		return rc;
	if (!s.resident || s.size < sizeof(info)) {
		ntfs_stream_close(&s);
		return error_set(e, ERR_CORRUPT, "no information about the volume");
	}
	memcpy(&info, s.resident, sizeof(info));
	ntfs_stream_close(&s);
	flags = get_le16(info.flags);
	if (flags & FLAG_DIRTY)
		return error_set(e, ERR_REFUSED,
			"it is marked dirty: start the guest, let it check the disk (chkdsk /f) "
			"and "
			"shut it down");
	if (flags & (FLAG_RESIZE_LOG | FLAG_UPGRADE))
		return error_set(e, ERR_REFUSED,
			"a change to the volume waits for Windows (flags 0x%x): start the guest "
			"and "
			"shut it down",
			flags);
	return 0;
}

/* The newest restart page: pages are as large as the system's that wrote the log, so the second
 * copy is at any of their sizes. */
struct restart {
	bool found;
	uint64_t lsn;
	uint32_t major, minor;
	bool open; /* something writes, or did when it ended */
};

static void restart_take(struct restart *r, uint8_t *bytes, size_t len)
{
	struct restart_page p;
	struct restart_area a;
	uint32_t page;

	memcpy(&p, bytes, sizeof(p));
	page = get_le32(p.system_page);
	if ((memcmp(p.magic, "RSTR", 4) != 0 && memcmp(p.magic, "CHKD", 4) != 0) ||
		!is_power_of_two(page) || page < 512 || page > len || !ntfs_fixup(bytes, page) ||
		!range_fits(get_le16(p.area), sizeof(a), page))
		return;
	memcpy(&a, bytes + get_le16(p.area), sizeof(a));
	if (r->found && r->lsn > get_le64(a.lsn))
		return;
	*r = (struct restart){ .found = true,
		.lsn = get_le64(a.lsn),
		.major = get_le16(p.major),
		.minor = get_le16(p.minor),
		.open = get_le16(a.client_in_use) != NO_CLIENT &&
			!(get_le16(a.flags) & AREA_CLEAN) };
}

static int restart_find(const struct ntfs_volume *v, const struct ntfs_stream *log,
	struct restart *out, struct error *e)
{
	uint8_t *bytes = malloc(PAGE_MAX);
	int rc = 0;

	if (!bytes)
		return error_nomem(e, "a page of the log");
	for (uint64_t at = 0; !rc && at <= PAGE_MAX; at = at ? at * 2 : 512) {
		size_t len = at < log->size ? (size_t)min_u64(PAGE_MAX, log->size - at) : 0;

		if (len < 512)
			break;
		rc = ntfs_stream_read(v, log, at, bytes, len, e);
		if (!rc)
			restart_take(out, bytes, len);
	}
	free(bytes);
	return rc;
}

/* A log that was emptied is full of 0xff. */
static int log_is_empty(
	const struct ntfs_volume *v, const struct ntfs_stream *log, bool *empty, struct error *e)
{
	uint8_t *bytes = malloc(PIECE);
	int rc = 0;

	if (!bytes)
		return error_nomem(e, "a page of the log");
	*empty = true;
	for (uint64_t at = 0; !rc && *empty && at < log->size; at += PIECE) {
		size_t len = (size_t)min_u64(PIECE, log->size - at);

		rc = ntfs_stream_read(v, log, at, bytes, len, e);
		if (!rc)
			*empty = bytes[0] == 0xff && !memcmp(bytes, bytes + 1, len - 1);
	}
	free(bytes);
	return rc;
}

static int log_judge(const struct ntfs_volume *v, const struct ntfs_stream *log, struct error *e)
{
	struct restart r = { 0 };
	bool empty = false;
	int rc = restart_find(v, log, &r, e);

	if (!rc && !r.found)
		rc = log_is_empty(v, log, &empty, e);
	if (rc || empty)
		return rc;
	if (!r.found)
		return error_set(e, ERR_REFUSED,
			"its $LogFile has no restart page, so what is on the disk may be old");
	if (r.major >= 2)
		return error_set(e, ERR_REFUSED,
			"its $LogFile has version %u.%u: Windows keeps part of the volume in "
			"memory "
			"or in a hibernation file (fast startup): shut the guest down with "
			"shutdown "
			"/s /f /t 0",
			r.major, r.minor);
	if (r.open)
		return error_set(e, ERR_REFUSED,
			"its $LogFile is in use: it was not unmounted; start the guest and shut it "
			"down");
	return 0;
}

static int log_check(const struct ntfs_volume *v, struct error *e)
{
	struct ntfs_stream log = { 0 };
	int rc = ntfs_stream_open(v, NTFS_LOG, NTFS_DATA, "", &log, e);

	if (!rc && (!log.count || !log.size || log.size > LOG_MAX))
		rc = error_set(e, ERR_CORRUPT, "a $LogFile of %" PRIu64 " bytes", log.size);
	if (!rc)
		rc = log_judge(v, &log, e);
	ntfs_stream_close(&log);
	return rc;
}

static int hibernation_check(const struct ntfs_volume *v, struct error *e)
{
	struct ntfs_stream s = { 0 };
	uint64_t number;
	uint8_t magic[4] = { 0 };
	bool found;
	int rc = ntfs_root_find(v, "hiberfil.sys", &number, &found, e);

	if (rc || !found)
		return rc;
	rc = ntfs_stream_open(v, number, NTFS_DATA, "", &s, e);
	if (!rc && s.size >= sizeof(magic))
		rc = ntfs_stream_read(v, &s, 0, magic, sizeof(magic), e);
	ntfs_stream_close(&s);
	if (rc)
		return error_prefix(e, "hiberfil.sys");
	if (!memcmp(magic, "HIBR", 4) || !memcmp(magic, "hibr", 4))
		return error_set(e, ERR_REFUSED,
			"hiberfil.sys holds a hibernated system, or one that fast startup keeps: "
			"start the guest and shut it down with shutdown /s /f /t 0");
	return 0;
}

int ntfs_state_check(const struct ntfs_volume *v, struct error *e)
{
	int rc = flags_check(v, e);

	if (!rc)
		rc = log_check(v, e);
	if (!rc)
		rc = hibernation_check(v, e);
	return rc;
}
