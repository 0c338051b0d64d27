/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream from its first marker to its last: "Stream-Optimized Compressed Sparse Extents". */
#include <inttypes.h>

#include "base/checked.h"
#include "formats/vmdk_check.h"

static const struct fault fault_overhead = { .code = "vmdk-overhead", .severity = SEVERITY_ERROR };
static const struct fault fault_marker = { .code = "vmdk-marker", .severity = SEVERITY_ERROR };
static const struct fault fault_end = { .code = "vmdk-stream-end", .severity = SEVERITY_ERROR };

/* Bytes from a marker to the next one, 0 when it is wrong. */
static uint64_t marker_span(const struct vmdk_checker *k, const struct vmdk_mark *m, uint64_t at)
{
	uint64_t left = k->file->size - at, sectors = get_le64(m->value);
	uint32_t size = get_le32(m->size);

	if (size) {
		uint64_t span = round_up(VMDK_GRAIN_MARKER + (uint64_t)size, VMDK_SECTOR);

		return span <= left ? span : 0;
	}
	if (get_le32(m->type) > VMDK_MARKER_FOOTER || sectors > left / VMDK_SECTOR - 1)
		return 0;
	return (1 + sectors) * VMDK_SECTOR;
}

static int end_check(struct vmdk_checker *k, uint64_t at, bool ended, struct error *e)
{
	if (ended && at == k->file->size)
		return 0;
	return check_find(k->check, &fault_end, at, e,
		ended ? "the stream ends at %" PRIu64 ", the file at %" PRIu64
		      : "there is no end-of-stream marker up to %" PRIu64 " in the file of %" PRIu64
			" bytes",
		at, k->file->size);
}

int vmdk_check_stream(struct vmdk_checker *k, struct error *e)
{
	uint64_t overhead = get_le64(k->header.overhead);
	uint64_t at = overhead * VMDK_SECTOR;
	struct vmdk_mark m;
	bool ended = false;

	if (!k->stream || !k->markers)
		return 0;
	if (!overhead || overhead >= k->file->size / VMDK_SECTOR)
		return check_find(k->check, &fault_overhead, offsetof(struct vmdk_header, overhead),
			e, "overhead of %" PRIu64 " sectors is none, or more than the file has",
			overhead);
	while (!ended && range_fits(at, VMDK_SECTOR, k->file->size)) {
		uint64_t span;
		int rc = disk_read(k->file, at, &m, sizeof(m), e);

		if (rc)
			return rc;
		span = marker_span(k, &m, at);
		if (!span)
			return check_find(k->check, &fault_marker, at, e,
				"marker of type %u, size %u, value %" PRIu64
				" is not known, or reaches past the end of the file at %" PRIu64,
				get_le32(m.type), get_le32(m.size), get_le64(m.value),
				k->file->size);
		ended = !get_le32(m.size) && get_le32(m.type) == VMDK_MARKER_END;
		at += span;
		rc = check_progress(k->check, at, k->file->size, e);
		if (rc)
			return rc;
	}
	return end_check(k, at, ended, e);
}
