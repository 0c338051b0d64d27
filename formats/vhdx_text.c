/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a VHDX says that its parent is. */
#include "formats/vhdx.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/utf16.h"

static bool key_is(const le16 *key, size_t units, const char *name)
{
	if (units != strlen(name))
		return false;
	for (size_t i = 0; i < units; i++)
		if (get_le16(key[i]) != (uint8_t)name[i])
			return false;
	return true;
}

/* The value of `name` among the locator's entries (2.6.2.6.2), or NULL.  Entries that reach out of
 * the item are passed over: the path only serves to tell people. */
static const le16 *locator_value(const uint8_t *item, size_t len, const char *name, size_t *units)
{
	const struct vhdx_locator_header *h = (const struct vhdx_locator_header *)item;
	const struct vhdx_locator_entry *entry = (const struct vhdx_locator_entry *)(h + 1);
	size_t count = min_u64(get_le16(h->count), (len - sizeof(*h)) / sizeof(*entry));

	for (size_t i = 0; i < count; i++) {
		uint32_t key = get_le32(entry[i].key_offset);
		uint32_t value = get_le32(entry[i].value_offset);
		uint16_t key_len = get_le16(entry[i].key_length);
		uint16_t value_len = get_le16(entry[i].value_length);

		if (!range_fits(key, key_len, len) || !range_fits(value, value_len, len))
			continue;
		if (!key_is((const le16 *)(item + key), key_len / sizeof(le16), name))
			continue;
		*units = value_len / sizeof(le16);
		return (const le16 *)(item + value);
	}
	return NULL;
}

int vhdx_parent_path(const uint8_t *item, size_t len, char **path, struct error *e)
{
	/* A volume's GUID comes last: it means nothing on another host. */
	static const char *const names[] = { "relative_path", "absolute_win32_path",
		"volume_path" };

	*path = NULL;
	if (len < sizeof(struct vhdx_locator_header))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t units = 0;
		const le16 *value = locator_value(item, len, names[i], &units);

		if (!value || !units)
			continue;
		*path = malloc(units * 3 + 1);
		if (!*path)
			return error_nomem(e, "the parent's path");
		utf16_text(value, units, *path);
		return 0;
	}
	return 0;
}

static struct guid locator_guid(const uint8_t *item, size_t len, const char *name)
{
	enum { UNITS_MAX = GUID_TEXT_SIZE + 2 }; /* with braces */
	char text[UNITS_MAX * 3 + 1];
	struct guid g = { { 0 } };
	size_t units = 0;
	const le16 *value = locator_value(item, len, name, &units);

	if (!value || units > UNITS_MAX)
		return g;
	utf16_text(value, units, text);
	return guid_parse(text, &g) ? g : (struct guid){ { 0 } };
}

void vhdx_parent_ids(const uint8_t *item, size_t len, struct vhdx_image *image)
{
	const struct vhdx_locator_header *h = (const struct vhdx_locator_header *)item;

	if (len < sizeof(*h) || !guid_equal(h->type, vhdx_locator_vhdx))
		return;
	image->parent_id = locator_guid(item, len, "parent_linkage");
	image->parent_id2 = locator_guid(item, len, "parent_linkage2");
}
