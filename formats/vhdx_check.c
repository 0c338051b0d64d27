/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHDX, from the header section to the BAT, as it is after its log was replayed. */
#include "formats/vhdx_check.h"

#include <inttypes.h>
#include <string.h>

#include "formats/vhdx_log.h"

static const struct fault file_short = { "vhdx-truncated", SEVERITY_ERROR, NULL };
static const struct fault log_dirty = { "vhdx-log-dirty", SEVERITY_WARNING,
	"hvimg check --repair writes a copy with the log replayed; the machine's own host does it "
	"when it opens the image" };
static const struct fault log_corrupt = { "vhdx-log-corrupt", SEVERITY_ERROR, NULL };

/* *log is NULL when there is nothing to replay. */
static int log_check(struct vhdx_check *v, struct vhdx_log **log, bool *good, struct error *e)
{
	struct error why = { 0 };
	int rc;

	if (!v->image.log_dirty)
		return 0;
	rc = vhdx_log_replay(v->file, &v->image, log, &why);
	if (rc == -ERR_NOMEM || rc == -ERR_IO)
		return error_set(e, (enum error_code) - rc, "%s", why.text);
	*good = !rc;
	if (rc)
		return check_lost(v->c, &log_corrupt, v->image.log.offset, e,
			"the image was not closed properly and its log cannot be replayed: %s; "
			"tables that wait for it are not looked at",
			why.text);
	v->view = vhdx_log_view(*log);
	return check_find(v->c, &log_dirty, v->image.log.offset, e,
		"the image was not closed properly: its log holds changes that are not made yet");
}

static int tables_check(struct vhdx_check *v, struct error *e)
{
	bool good = false;
	int rc = vhdx_units_open(v, e);

	if (!rc)
		rc = vhdx_check_regions(v, &good, e);
	if (!rc && good)
		rc = vhdx_check_metadata(v, &good, e);
	if (!rc && good)
		rc = vhdx_check_bat(v, e);
	if (!rc && good)
		rc = vhdx_check_leaks(v, e);
	vhdx_units_close(v);
	return rc;
}

int vhdx_check(struct disk *file, struct check *c, struct error *e)
{
	struct vhdx_check v = { .c = c, .file = file, .view = file };
	struct vhdx_log *log = NULL;
	bool good = false;
	int rc;

	if (file->size < VHDX_MIB)
		return check_lost(c, &file_short, file->size, e,
			"%" PRIu64 " bytes are fewer than a header section", file->size);
	rc = vhdx_check_headers(&v, &good, e);
	if (!rc && good)
		rc = log_check(&v, &log, &good, e);
	if (!rc && good)
		rc = tables_check(&v, e);
	vhdx_log_close(log);
	return rc;
}

/* The identifier is gone, but a header is whole. */
bool vhdx_remains(struct disk *file)
{
	struct vhdx_header h;

	for (unsigned n = 1; n <= 2; n++)
		if (file->size >= VHDX_MIB &&
			!disk_read(file, (uint64_t)n * VHDX_HEADER_OFFSET, &h, sizeof(h), NULL) &&
			!memcmp(h.signature, "head", sizeof(h.signature)) &&
			get_le32(h.checksum) == vhdx_checksum(&h, sizeof(h)))
			return true;
	return false;
}
