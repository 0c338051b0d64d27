/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules about the descriptor.  Files that it names are told, not opened. */
#include <inttypes.h>
#include <stdlib.h>

#include "formats/vmdk_check.h"

static const struct fault fault_none = { .code = "vmdk-descriptor-none",
	.severity = SEVERITY_INFO };
static const struct fault fault_long = { .code = "vmdk-descriptor-place",
	.severity = SEVERITY_ERROR };
static const struct fault fault_text = { .code = "vmdk-descriptor", .severity = SEVERITY_ERROR };
static const struct fault fault_unknown = { .code = "vmdk-unsupported",
	.severity = SEVERITY_WARNING };
static const struct fault fault_cid = { .code = "vmdk-cid", .severity = SEVERITY_WARNING };
static const struct fault fault_delta = { .code = "vmdk-delta", .severity = SEVERITY_INFO };
static const struct fault fault_extents = { .code = "vmdk-extents", .severity = SEVERITY_ERROR };
static const struct fault fault_size = { .code = "vmdk-extent-size", .severity = SEVERITY_ERROR };
static const struct fault fault_elsewhere = {
	.code = "vmdk-extent-elsewhere", .severity = SEVERITY_INFO, .fix = "check that file as well"
};

/* A name from an image, fit to be shown: cut at the first byte that is not printable ASCII. */
static int shown(const char *text)
{
	int len = 0;

	while (len < 200 && text[len] >= ' ' && text[len] < 0x7f)
		len++;
	return len;
}

/* The descriptor inside an extent describes that extent. */
static int own_check(struct check *c, const struct vmdk_descriptor *d, const struct vmdk_checker *k,
	struct error *e)
{
	uint64_t size = d->line[0].size / VMDK_SECTOR;

	if (d->lines != 1 || d->line[0].kind != VMDK_SPARSE)
		return check_find(c, &fault_extents, k->descriptor_off, e,
			"the descriptor of a sparse extent names %zu extents, or one that is not "
			"sparse",
			d->lines);
	/* The header may be rounded up to whole grains. */
	if (size <= k->capacity && k->capacity - size < k->grain)
		return 0;
	return check_find(c, &fault_size, k->descriptor_off, e,
		"the descriptor says that the extent has %" PRIu64 " sectors, its header says "
		"%" PRIu64,
		size, k->capacity);
}

static int elsewhere_tell(struct check *c, const struct vmdk_descriptor *d, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < d->lines && !rc; i++)
		if (d->line[i].name)
			rc = check_find(c, &fault_elsewhere, 0, e,
				"extent %zu is in another file, which is not looked at: %.*s", i,
				shown(d->line[i].name), d->line[i].name);
	return rc;
}

static int parsed_check(struct check *c, const struct vmdk_descriptor *d, uint64_t off,
	const struct vmdk_checker *k, struct error *e)
{
	int rc = 0;

	if (!d->has_cid)
		rc = check_find(c, &fault_cid, off, e, "the descriptor has no CID");
	if (!rc && d->delta)
		rc = check_find(c, &fault_delta, off, e,
			"the disk holds only what differs from its parent, which is not looked at");
	if (rc)
		return rc;
	return k ? own_check(c, d, k, e) : elsewhere_tell(c, d, e);
}

static int text_check(
	struct check *c, char *text, uint64_t off, const struct vmdk_checker *k, struct error *e)
{
	struct vmdk_descriptor *d = calloc(1, sizeof(*d));
	struct error why = { 0 };
	int rc;

	if (!d)
		return error_nomem(e, "a descriptor");
	if (!vmdk_descriptor_parse(text, d, &why))
		rc = parsed_check(c, d, off, k, e);
	else if (why.code == ERR_NOMEM)
		rc = error_set(e, ERR_NOMEM, "%s", why.text);
	else
		rc = check_find(c, why.code == ERR_UNSUPPORTED ? &fault_unknown : &fault_text, off,
			e, "%s", why.text);
	vmdk_descriptor_free(d);
	free(d);
	return rc;
}

int vmdk_check_descriptor(struct disk *file, struct check *c, uint64_t off, uint64_t len,
	const struct vmdk_checker *k, struct error *e)
{
	char *text;
	int rc;

	if (len > VMDK_DESCRIPTOR_MAX)
		return check_find(c, &fault_long, off, e,
			"descriptor of %" PRIu64 " bytes; %u are the limit", len,
			(unsigned)VMDK_DESCRIPTOR_MAX);
	if (!len)
		return check_find(c, &fault_none, 0, e,
			"an extent without descriptor, which is in a file of its own");
	rc = vmdk_text_read(file, off, len, &text, e);
	if (rc)
		return rc;
	rc = *text ? text_check(c, text, off, k, e)
		   : check_find(c, &fault_none, off, e,
			     "an extent whose descriptor is in a file of its own");
	free(text);
	return rc;
}
