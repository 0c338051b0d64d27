/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a key's values are whole. */
#include "base/checked.h"
#include "guest/hive_check.h"

/* Data beyond one cell: "db", the list of its segments, and these. */
static int check_big(struct hive_check *c, uint32_t at, uint32_t size, struct error *e)
{
	const struct hive_list *db = hive_check_claim(c, at, "db", 8, e);
	uint32_t count = (uint32_t)div_up(size, HIVE_SEGMENT);
	const le32 *segment;

	if (!db)
		return -ERR_CORRUPT;
	if (get_le16(db->count) != count)
		return hive_bad(e, at, "a wrong number of segments of a value");
	segment = hive_check_claim(c, get_le32(db->item[0]), NULL, count * 4, e);
	if (!segment)
		return -ERR_CORRUPT;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t len = (uint32_t)min_u64(size - i * HIVE_SEGMENT, HIVE_SEGMENT);

		if (!hive_check_claim(c, get_le32(segment[i]), NULL, len, e))
			return -ERR_CORRUPT;
	}
	return 0;
}

static int check_data(struct hive_check *c, uint32_t at, const struct hive_data *v, struct error *e)
{
	uint32_t size = get_le32(v->size);

	if (size & HIVE_INLINE)
		return (size & ~HIVE_INLINE) <= 4
			? 0
			: hive_bad(e, at, "more data in a value than fits there");
	if (size > c->size)
		return hive_bad(e, at, "more data of a value than the hive has");
	if (size > HIVE_SEGMENT && c->minor > 3)
		return check_big(c, get_le32(v->data), size, e);
	return !size || hive_check_claim(c, get_le32(v->data), NULL, size, e) ? 0 : -ERR_CORRUPT;
}

static int check_value(struct hive_check *c, uint32_t at, struct error *e)
{
	const struct hive_data *v = hive_check_claim(c, at, "vk", HIVE_DATA_SIZE, e);
	size_t len = v ? get_le16(v->name_len) : 0;

	if (!v || !hive_check_cell(c, at, "vk", HIVE_DATA_SIZE + len, e))
		return -ERR_CORRUPT;
	if (len % 2 && !(get_le16(v->flags) & HIVE_VALUE_COMPACT))
		return hive_bad(e, at, "a value's name of half a character");
	return check_data(c, at, v, e);
}

int hive_check_values(struct hive_check *c, const struct hive_key *k, struct error *e)
{
	uint32_t count = get_le32(k->values);
	const le32 *list;

	if (!count)
		return 0;
	if (count > HIVE_VALUES_LIMIT)
		return error_set(e, ERR_RANGE, "a key of %u values", count);
	list = hive_check_claim(c, get_le32(k->value_list), NULL, count * 4, e);
	if (!list)
		return -ERR_CORRUPT;
	for (uint32_t i = 0; i < count; i++) {
		int rc = check_value(c, get_le32(list[i]), e);

		if (rc)
			return rc;
	}
	return 0;
}
