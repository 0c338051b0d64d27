/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHDX's file type identifier and its two headers (2.2.1, 2.2.2). */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vhdx_check.h"

#define REPAIR "hvimg check --repair writes a copy with two whole headers"

static const struct fault no_identifier = { "vhdx-identifier", SEVERITY_ERROR, NULL };
static const struct fault header_signature = { "vhdx-header-signature", SEVERITY_ERROR, REPAIR };
static const struct fault header_checksum = { "vhdx-header-checksum", SEVERITY_ERROR, REPAIR };
static const struct fault headers_lost = { "vhdx-headers-lost", SEVERITY_ERROR, NULL };
static const struct fault header_sequence = { "vhdx-header-sequence", SEVERITY_ERROR, NULL };
static const struct fault version_unknown = { "vhdx-version", SEVERITY_ERROR, NULL };
static const struct fault log_version = { "vhdx-log-version", SEVERITY_ERROR, NULL };
static const struct fault log_place = { "vhdx-log-place", SEVERITY_ERROR, NULL };

static int identifier_check(struct vhdx_check *v, struct error *e)
{
	uint8_t signature[8];
	int rc = disk_read(v->file, 0, signature, sizeof(signature), e);

	if (rc || !memcmp(signature, "vhdxfile", sizeof(signature)))
		return rc;
	return check_lost(
		v->c, &no_identifier, 0, e, "the file does not start with the signature of a VHDX");
}

static int header_check(
	struct vhdx_check *v, unsigned n, struct vhdx_header *h, bool *valid, struct error *e)
{
	uint64_t off = (uint64_t)n * VHDX_HEADER_OFFSET;
	int rc = disk_read(v->file, off, h, sizeof(*h), e);

	*valid = false;
	if (rc)
		return rc;
	if (memcmp(h->signature, "head", sizeof(h->signature)) != 0)
		return check_find(v->c, &header_signature, off, e, "header %u has no signature", n);
	if (get_le32(h->checksum) != vhdx_checksum(h, sizeof(*h)))
		return check_find(v->c, &header_checksum, off, e,
			"header %u has checksum %#x, not %#x", n, vhdx_checksum(h, sizeof(*h)),
			get_le32(h->checksum));
	*valid = true;
	return 0;
}

/* Leaves the current header in h[0] and where it is in *off. */
static int header_choose(
	struct vhdx_check *v, struct vhdx_header h[2], uint64_t *off, bool *good, struct error *e)
{
	uint64_t first, second;
	bool valid[2];
	int rc = header_check(v, 1, &h[0], &valid[0], e);

	if (!rc)
		rc = header_check(v, 2, &h[1], &valid[1], e);
	*good = valid[0] || valid[1];
	if (rc)
		return rc;
	if (!*good)
		return check_lost(
			v->c, &headers_lost, VHDX_HEADER_OFFSET, e, "neither header is whole");
	first = get_le64(h[0].sequence);
	second = get_le64(h[1].sequence);
	*off = VHDX_HEADER_OFFSET;
	if (valid[0] && valid[1] && first == second && memcmp(&h[0], &h[1], sizeof(h[0])) != 0)
		rc = check_lost(v->c, &header_sequence, *off, e,
			"both headers have sequence number %" PRIu64 " and they differ", first);
	if (!valid[0] || (valid[1] && second > first)) {
		h[0] = h[1];
		*off = UINT64_C(2) * VHDX_HEADER_OFFSET;
	}
	return rc;
}

static int current_check(struct vhdx_check *v, const struct vhdx_header *h, uint64_t off,
	bool *good, struct error *e)
{
	struct vhdx_image *m = &v->image;
	struct guid none = { { 0 } };

	m->log_guid = h->log;
	m->log_dirty = !guid_equal(h->log, none);
	m->log = (struct vhdx_range){ get_le64(h->log_offset), get_le32(h->log_length) };
	*good = get_le16(h->version) == 1 && (!m->log_dirty || !get_le16(h->log_version)) &&
		(vhdx_range_is_good(v, m->log) ||
			(!m->log.length && !m->log_dirty && m->log.offset % VHDX_MIB == 0));
	if (get_le16(h->version) != 1)
		return check_lost(v->c, &version_unknown, off + 0x42, e,
			"VHDX version %u, only 1 is known", get_le16(h->version));
	if (get_le16(h->log_version))
		return (m->log_dirty ? check_lost : check_find)(v->c, &log_version, off + 0x40, e,
			"log of version %u, only 0 is known", get_le16(h->log_version));
	if (*good)
		return 0;
	return check_lost(v->c, &log_place, off + 0x48, e,
		"the log, %" PRIu64 " bytes at %" PRIu64
		", is not aligned to 1 MiB behind the header section inside the file of %" PRIu64,
		m->log.length, m->log.offset, v->file->size);
}

int vhdx_check_headers(struct vhdx_check *v, bool *good, struct error *e)
{
	struct vhdx_header h[2];
	uint64_t off = 0;
	int rc = identifier_check(v, e);

	if (!rc)
		rc = header_choose(v, h, &off, good, e);
	return rc || !*good ? rc : current_check(v, &h[0], off, good, e);
}
