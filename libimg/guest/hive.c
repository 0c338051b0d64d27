/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening a hive, and giving it back. */
#include <stdlib.h>
#include <string.h>

#include "guest/hive_private.h"

/* Brings a dirty hive up to date, or takes it as it is when that was asked for. */
static int clean(struct hive *h, const struct hive_files *files, bool force, struct error *e)
{
	struct hive_base *base = hive_base(h);
	uint32_t primary = get_le32(base->primary), secondary = get_le32(base->secondary);
	bool whole = get_le32(base->sum) == hive_sum(base);
	int rc;

	if (whole && primary == secondary)
		return 0;
	h->dirty = h->changed = true;
	rc = hive_recover(&h->file, files, &h->entries, e);
	if (rc || h->entries)
		return rc;
	if (!whole)
		return error_set(e, ERR_CORRUPT,
			"the checksum at 0x1fc is wrong, and no log has a better base block");
	if (!force)
		return error_set(e, ERR_REFUSED,
			"the hive was not written back (sequence numbers %u and %u) and its logs "
			"do not bring it up to date; boot the guest and shut it down",
			primary, secondary);
	base->secondary = base->primary;
	base->sum = put_le32(hive_sum(base));
	return 0;
}

static int load(struct hive *h, const struct hive_files *files, bool force, struct error *e)
{
	const struct hive_base *base = files->primary;
	int rc;

	if (files->primary_len < HIVE_BASE_SIZE || files->primary_len > HIVE_LIMIT ||
		memcmp(base->magic, "regf", 4))
		return hive_check_base(files->primary, files->primary_len, e);
	rc = buffer_append(&h->file, files->primary, files->primary_len, e);
	if (!rc)
		rc = clean(h, files, force, e);
	if (!rc)
		rc = hive_check(h->file.data, h->file.len, e);
	if (rc)
		return rc;
	base = hive_base(h);
	h->bins = get_le32(base->bins_size);
	h->minor = get_le32(base->minor);
	h->root = get_le32(base->root);
	return h->write ? hive_cells_find(h, e) : 0;
}

int hive_open(const struct hive_files *files, const struct hive_options *o, struct hive **out,
	struct error *e)
{
	struct hive *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return error_nomem(e, "a registry hive");
	h->write = o->write;
	h->journal = o->journal;
	h->volume = o->volume;
	h->path = o->path;
	rc = load(h, files, o->force_dirty, e);
	if (rc) {
		hive_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

void hive_close(struct hive *h)
{
	if (!h)
		return;
	buffer_free(&h->file);
	free(h->free);
	free(h->bin);
	free(h);
}

bool hive_was_dirty(const struct hive *h)
{
	return h->dirty;
}

size_t hive_entries_applied(const struct hive *h)
{
	return h->entries;
}

bool hive_changed(const struct hive *h)
{
	return h->changed;
}

int hive_finish(struct hive *h, struct buffer *out, struct error *e)
{
	struct hive_base *base = hive_base(h);
	int rc;

	if (h->changed && !h->finished) {
		base->primary = put_le32(get_le32(base->primary) + 1);
		base->secondary = base->primary;
		base->sum = put_le32(hive_sum(base));
	}
	h->finished = true;
	rc = hive_check(h->file.data, h->file.len, e);
	if (rc)
		return error_prefix(e, "the edited registry hive");
	return buffer_append(out, h->file.data, h->file.len, e);
}
