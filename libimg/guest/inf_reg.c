/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AddReg sections: reg-root[, subkey][, value name][, flags][, value...] ("INF AddReg directive").
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/hive.h"
#include "guest/inf_private.h"

/* FLG_ADDREG_... of setupapi.h: the low bit says whether a value is binary, the upper half is the
 * type, with two that stand for others. */
enum {
	FLAG_BINARY = 0x1,
	FLAG_DELETE_VALUE = 0x4,
	FLAG_KEY_ONLY_COMMON = 0x2000,
	FLAG_DELETE = 0x8000,
	TYPE_SZ = 0x0,
	TYPE_MULTI_SZ = 0x10000,
	TYPE_EXPAND_SZ = 0x20000,
	TYPE_DWORD = 0x10001,
	TYPE_NONE = 0x20001,
	VALUE_FIELD = 4, /* where the value begins */
};

static const uint32_t type_mask = 0xffff0001;

static void reg_free(struct inf_reg *r)
{
	free(r->root);
	free(r->key);
	free(r->name);
	free(r->data);
}

void inf_regs_free(struct inf_regs *r)
{
	for (size_t i = 0; i < r->count; i++)
		reg_free(&r->reg[i]);
	free(r->reg);
	*r = (struct inf_regs){ 0 };
}

static const char *root_name(const char *text)
{
	static const struct {
		const char *name, *full;
	} roots[] = { { "HKR", "HKR" }, { "HKLM", "HKEY_LOCAL_MACHINE" },
		{ "HKCR", "HKEY_CLASSES_ROOT" }, { "HKU", "HKEY_USERS" },
		{ "HKCU", "HKEY_CURRENT_USER" } };

	for (size_t i = 0; i < sizeof(roots) / sizeof(*roots); i++)
		if (!strcasecmp(text, roots[i].name) || !strcasecmp(text, roots[i].full))
			return roots[i].name;
	return NULL;
}

/* Hexadecimal bytes, with or without "0x". */
static int bytes_read(const struct inf_item *item, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = VALUE_FIELD; !rc && i < item->field.count; i++) {
		const char *text = inf_field(item, i), *digits = text;
		unsigned long n;
		uint8_t byte;

		if (!strncasecmp(digits, "0x", 2))
			digits += 2;
		if (!*text)
			continue;
		n = strtoul(digits, NULL, 16);
		if (!*digits || strspn(digits, "0123456789abcdefABCDEF") != strlen(digits) ||
			n > 255)
			return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no byte",
				item->number, text);
		byte = (uint8_t)n;
		rc = buffer_append(out, &byte, 1, e);
	}
	return rc;
}

/* A number, or its four bytes, lowest first. */
static int dword_read(const struct inf_item *item, struct buffer *out, struct error *e)
{
	uint32_t n;
	int rc;

	if (item->field.count > VALUE_FIELD + 1) {
		rc = bytes_read(item, out, e);
		if (!rc && out->len != 4)
			rc = error_set(e, ERR_CORRUPT, "line %u: a DWORD of %zu bytes",
				item->number, out->len);
		return rc;
	}
	rc = inf_number(item, VALUE_FIELD, 0, &n, e);
	if (!rc) {
		const uint8_t bytes[] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16),
			(uint8_t)(n >> 24) };

		rc = buffer_append(out, bytes, sizeof(bytes), e);
	}
	return rc;
}

static int text_append(struct buffer *out, const char *text, struct error *e)
{
	int rc = inf_utf16_append(out, text, e);

	return rc ? rc : buffer_zeros(out, 2, e);
}

/* In a list an empty text would be its end. */
static int list_read(const struct inf_item *item, struct buffer *out, struct error *e)
{
	int rc = 0;

	for (size_t i = VALUE_FIELD; !rc && i < item->field.count; i++)
		if (*inf_field(item, i))
			rc = text_append(out, inf_field(item, i), e);
	return rc ? rc : buffer_zeros(out, 2, e);
}

static int value_read(
	const struct inf_item *item, struct inf_reg *r, struct buffer *out, struct error *e)
{
	switch (r->flags & type_mask) {
	case TYPE_SZ:
		r->type = HIVE_SZ;
		return text_append(out, inf_field(item, VALUE_FIELD), e);
	case TYPE_EXPAND_SZ:
		r->type = HIVE_EXPAND_SZ;
		return text_append(out, inf_field(item, VALUE_FIELD), e);
	case TYPE_MULTI_SZ:
		r->type = HIVE_MULTI_SZ;
		return list_read(item, out, e);
	case TYPE_DWORD:
		r->type = HIVE_DWORD;
		return dword_read(item, out, e);
	case TYPE_NONE:
		r->type = HIVE_NONE;
		return bytes_read(item, out, e);
	case FLAG_BINARY:
		r->type = HIVE_BINARY;
		return bytes_read(item, out, e);
	default:
		break;
	}
	if (!(r->flags & FLAG_BINARY))
		return error_set(e, ERR_UNSUPPORTED, "line %u: a value of flags 0x%x", item->number,
			r->flags);
	r->type = r->flags >> 16;
	return bytes_read(item, out, e);
}

static int key_copy(char **out, const char *text, struct error *e)
{
	size_t len;
	int rc;

	text += strspn(text, "\\");
	rc = inf_copy(out, text, e);
	for (len = strlen(text); !rc && len && (*out)[len - 1] == '\\'; len--)
		(*out)[len - 1] = 0;
	return rc;
}

static int reg_read(const struct inf_item *item, struct inf_reg *r, struct error *e)
{
	const char *root = root_name(inf_field(item, 0));
	struct buffer data = { 0 };
	int rc;

	if (!root)
		return error_set(e, ERR_CORRUPT, "line %u: \"%.100s\" is no root of a registry",
			item->number, inf_field(item, 0));
	/* Neither name nor value. */
	if (!r->flags && !*inf_field(item, 2) && item->field.count <= VALUE_FIELD)
		r->flags = INF_REG_KEY_ONLY;
	if (r->flags & FLAG_KEY_ONLY_COMMON)
		r->flags |= INF_REG_KEY_ONLY;
	rc = inf_copy(&r->root, root, e);
	if (!rc)
		rc = key_copy(&r->key, inf_field(item, 1), e);
	if (!rc)
		rc = inf_copy(&r->name, inf_field(item, 2), e);
	if (!rc && !(r->flags & INF_REG_KEY_ONLY))
		rc = value_read(item, r, &data, e);
	if (rc) {
		buffer_free(&data);
		return rc;
	}
	r->data = data.data;
	r->len = data.len;
	return 0;
}

static int reg_visit(void *arg, const struct inf_item *item, struct error *e)
{
	struct inf_regs *all = arg;
	struct inf_reg r = { 0 };
	int rc = inf_number(item, 3, 0, &r.flags, e);

	/* What is to be deleted a driver that comes new has not left there. */
	if (rc || r.flags & (FLAG_DELETE_VALUE | FLAG_DELETE))
		return rc;
	rc = inf_grow((void **)&all->reg, all->count, sizeof(*all->reg), e);
	if (!rc)
		rc = reg_read(item, &r, e);
	if (rc) {
		reg_free(&r);
		return rc;
	}
	all->reg[all->count++] = r;
	return 0;
}

int inf_reg_read(struct inf_source *s, const char *section, struct inf_regs *out, struct error *e)
{
	return inf_each(s, section, reg_visit, out, e);
}
