/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AddReg sections ("INF AddReg directive" of the Windows driver documentation). */
#include <string.h>
#include <strings.h>

#include "guest/windows_inject.h"

enum { /* flags in the type of a value that DriverDatabase keeps */
	RECORDED_KEEP = 0x20000,
	RECORDED_APPEND = 0x40000,
};

/* A string of a MULTI_SZ in UTF-16: its bytes without the terminator; 0 at the end. */
static size_t unit_length(const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n + 1 < len && (data[n] || data[n + 1]))
		n += 2;
	return n;
}

static bool multi_has(const struct buffer *list, const uint8_t *text, size_t len)
{
	for (size_t at = 0; at < list->len;) {
		size_t n = unit_length(list->data + at, list->len - at);

		if (n == len && !memcmp(list->data + at, text, len))
			return true;
		at += n + 2;
	}
	return false;
}

/* The strings of `data` that are not in the list, behind those in it; its own end is still missing.
 */
static int multi_add(struct buffer *list, const uint8_t *data, size_t len, struct error *e)
{
	int rc = 0;

	for (size_t at = 0; at < len && !rc;) {
		size_t n = unit_length(data + at, len - at);

		if (!n)
			return 0;
		if (!multi_has(list, data + at, n)) {
			rc = buffer_append(list, data + at, n, e);
			if (!rc)
				rc = buffer_zeros(list, 2, e);
		}
		at += n + 2;
	}
	return rc;
}

static int put_appended(struct hive *h, const char *key, const struct inf_reg *r,
	const struct hive_value *old, const char *why, struct error *e)
{
	struct buffer list = { 0 };
	struct hive_value v = { .name = r->name, .type = HIVE_MULTI_SZ };
	int rc = multi_add(&list, old->data, old->len, e);

	if (!rc)
		rc = multi_add(&list, r->data, r->len, e);
	if (!rc)
		rc = buffer_zeros(&list, 2, e);
	if (!rc) {
		v.data = list.data;
		v.len = list.len;
		rc = hive_set(h, key, &v, why, e);
	}
	buffer_free(&list);
	return rc;
}

static int put_value(struct hive *h, const char *key, const struct inf_reg *r,
	enum registry_use use, const char *why, struct error *e)
{
	struct hive_value v = { .name = r->name, .type = r->type, .data = r->data, .len = r->len };
	struct hive_value old = { 0 };
	struct error none = { 0 };
	int rc;

	if (use == REGISTRY_RECORD) {
		v.type |= r->flags & INF_REG_KEEP ? (uint32_t)RECORDED_KEEP : 0;
		v.type |= r->flags & INF_REG_APPEND ? (uint32_t)RECORDED_APPEND : 0;
		return hive_set(h, key, &v, why, e);
	}
	rc = hive_get(h, key, r->name, &old, &none);
	if (rc && rc != -ERR_NOTFOUND) {
		*e = none;
		return rc;
	}
	if (rc)
		return r->flags & INF_REG_OVERWRITE_ONLY ? 0 : hive_set(h, key, &v, why, e);
	if (r->flags & INF_REG_KEEP)
		rc = 0;
	else if (r->flags & INF_REG_APPEND && r->type == HIVE_MULTI_SZ && old.type == HIVE_MULTI_SZ)
		rc = put_appended(h, key, r, &old, why, e);
	else
		rc = hive_set(h, key, &v, why, e);
	hive_value_free(&old);
	return rc;
}

int driver_registry_put(struct hive *h, const char *base, const struct inf_regs *r,
	enum registry_use use, const char *why, struct error *e)
{
	struct buffer key = { 0 };
	int rc = 0;

	for (size_t i = 0; i < r->count && !rc; i++) {
		const struct inf_reg *reg = &r->reg[i];

		/* What is for another place than the driver's own does not concern its start: it
		 * is written when Windows installs the package. */
		if (strcasecmp(reg->root, "HKR"))
			continue;
		buffer_free(&key);
		rc = buffer_format(&key, e, "%s%s%s", base, *reg->key ? "\\" : "", reg->key);
		if (!rc)
			rc = reg->flags & INF_REG_KEY_ONLY
				? hive_add_key(h, buffer_text(&key), why, e)
				: put_value(h, buffer_text(&key), reg, use, why, e);
	}
	buffer_free(&key);
	return rc;
}
