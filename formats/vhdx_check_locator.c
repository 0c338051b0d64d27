/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks what a differencing VHDX says about its parent (2.6.2.6). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/utf16.h"
#include "formats/vhdx_check.h"

static const struct fault locator_length = { "vhdx-locator-length", SEVERITY_ERROR, NULL };
static const struct fault locator_type = { "vhdx-locator-type", SEVERITY_ERROR, NULL };
static const struct fault locator_entry = { "vhdx-locator-entry", SEVERITY_ERROR, NULL };
static const struct fault locator_text = { "vhdx-locator-text", SEVERITY_ERROR, NULL };
static const struct fault locator_linkage = { "vhdx-locator-linkage", SEVERITY_ERROR, NULL };
static const struct fault parent_unnamed = { "vhdx-parent-unnamed", SEVERITY_ERROR, NULL };

static bool entry_fits(const struct vhdx_locator_entry *entry, size_t len)
{
	uint16_t key = get_le16(entry->key_length), value = get_le16(entry->value_length);

	return key && value && key % 2 == 0 && value % 2 == 0 &&
		range_fits(get_le32(entry->key_offset), key, len) &&
		range_fits(get_le32(entry->value_offset), value, len);
}

static bool is_text(const uint8_t *item, uint32_t off, uint16_t len)
{
	return utf16_is_text((const le16 *)(item + off), len / sizeof(le16));
}

static int entries_check(struct vhdx_check *v, const uint8_t *item, size_t len, uint64_t off,
	uint16_t count, struct error *e)
{
	const struct vhdx_locator_header *h = (const struct vhdx_locator_header *)item;
	const struct vhdx_locator_entry *entry = (const struct vhdx_locator_entry *)(h + 1);
	size_t texts = 0;
	int rc = 0;

	for (uint16_t i = 0; i < count && !rc; i++) {
		uint64_t at = off + sizeof(*h) + i * sizeof(*entry);

		texts += get_le16(entry[i].key_length) + (size_t)get_le16(entry[i].value_length);
		if (texts > len)
			return check_find(v->c, &locator_entry, at, e,
				"the texts of the parent locator overlap: %zu bytes have no room "
				"in %zu",
				texts, len);
		if (!entry_fits(&entry[i], len))
			rc = check_find(v->c, &locator_entry, at, e,
				"entry %u of the parent locator is not inside its %zu bytes", i,
				len);
		else if (!is_text(item, get_le32(entry[i].key_offset),
				 get_le16(entry[i].key_length)) ||
			!is_text(item, get_le32(entry[i].value_offset),
				get_le16(entry[i].value_length)))
			rc = check_find(v->c, &locator_text, at, e,
				"entry %u of the parent locator is no text in UTF-16", i);
	}
	return rc;
}

/* Both what tells the parent from other disks and where it is have to be there (2.6.2.6.3). */
static int parent_check(
	struct vhdx_check *v, const uint8_t *item, size_t len, uint64_t off, struct error *e)
{
	struct vhdx_image m = { 0 };
	struct guid none = { { 0 } };
	struct parent_names names = { 0 };
	int rc;

	vhdx_parent_ids(item, len, &m);
	if (guid_equal(m.parent_id, none)) {
		rc = check_find(v->c, &locator_linkage, off, e,
			"the parent locator has no parent_linkage that is a GUID");
		if (rc)
			return rc;
	}
	rc = vhdx_parent_names(item, len, &names, e);
	if (!rc && !names.count)
		rc = check_find(v->c, &parent_unnamed, off, e,
			"the parent locator has neither relative_path, absolute_win32_path nor "
			"volume_path");
	parent_names_free(&names);
	return rc;
}

int vhdx_check_locator(
	struct vhdx_check *v, const uint8_t *item, size_t len, uint64_t off, struct error *e)
{
	const struct vhdx_locator_header *h = (const struct vhdx_locator_header *)item;
	char guid[GUID_TEXT_SIZE];
	int rc;

	if (len < sizeof(*h) ||
		get_le16(h->count) > (len - sizeof(*h)) / sizeof(struct vhdx_locator_entry))
		return check_find(v->c, &locator_length, off, e,
			"the parent locator has %zu bytes, too few for its entries", len);
	if (!guid_equal(h->type, vhdx_locator_vhdx)) {
		guid_text(h->type, guid);
		return check_find(v->c, &locator_type, off, e,
			"the parent locator has type %s: the parent is no VHDX", guid);
	}
	rc = entries_check(v, item, len, off, get_le16(h->count), e);
	return rc ? rc : parent_check(v, item, len, off, e);
}
