/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a VHDX says where its parent is. */
#include "formats/vhdx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/parent_path.h"
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

int vhdx_parent_names(const uint8_t *item, size_t len, struct parent_names *out, struct error *e)
{
	/* A volume's GUID comes last: it means nothing on another host. */
	static const char *const names[] = { "relative_path", "absolute_win32_path",
		"volume_path" };

	if (len < sizeof(struct vhdx_locator_header))
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t units = 0;
		const le16 *value = locator_value(item, len, names[i], &units);
		char *path;

		if (!value || !units)
			continue;
		path = malloc(units * 3 + 1);
		if (!path)
			return error_nomem(e, "the parent's path");
		utf16_text(value, units, path);
		parent_names_add(out, path, true);
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

static int pair_add(struct buffer *entries, struct buffer *texts, size_t texts_at, const char *key,
	const struct buffer *value, struct error *e)
{
	size_t key_at = texts_at + texts->len, value_at;
	struct vhdx_locator_entry entry;
	int rc = utf16_make(key, texts, e);

	value_at = texts_at + texts->len;
	if (!rc && value->len > UINT16_MAX)
		rc = error_set(e, ERR_USAGE, "the parent's path has %zu bytes", value->len);
	if (!rc)
		rc = buffer_append(texts, value->data, value->len, e);
	entry = (struct vhdx_locator_entry){
		.key_offset = put_le32((uint32_t)key_at),
		.value_offset = put_le32((uint32_t)value_at),
		.key_length = put_le16((uint16_t)(value_at - key_at)),
		.value_length = put_le16((uint16_t)value->len),
	};
	return rc ? rc : buffer_append(entries, &entry, sizeof(entry), e);
}

static int locator_join(const struct buffer *linkage, const struct buffer *path, struct buffer *out,
	struct error *e)
{
	struct vhdx_locator_header h = { .type = vhdx_locator_vhdx, .count = put_le16(2) };
	size_t texts_at = sizeof(h) + 2 * sizeof(struct vhdx_locator_entry);
	struct buffer texts = { 0 };
	int rc = buffer_append(out, &h, sizeof(h), e);

	if (!rc)
		rc = pair_add(out, &texts, texts_at, "parent_linkage", linkage, e);
	if (!rc)
		rc = pair_add(out, &texts, texts_at, "relative_path", path, e);
	if (!rc)
		rc = buffer_append(out, texts.data, texts.len, e);
	buffer_free(&texts);
	return rc;
}

int vhdx_locator_make(struct guid parent, const char *relative, struct buffer *out, struct error *e)
{
	char guid[GUID_TEXT_SIZE], braced[GUID_TEXT_SIZE + 2];
	struct buffer linkage = { 0 }, path = { 0 };
	int rc;

	guid_text(parent, guid);
	snprintf(braced, sizeof(braced), "{%s}", guid);
	rc = utf16_make(braced, &linkage, e);
	if (!rc)
		rc = windows_path_make(relative, &path, e);
	if (!rc)
		rc = locator_join(&linkage, &path, out, e);
	buffer_free(&linkage);
	buffer_free(&path);
	return rc;
}
