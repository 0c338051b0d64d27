/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Edits of the registry that are collected first and done later. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable.h"

/* Of one target: some for each driver, control set and device. */
enum { STEP_LIMIT = 1 << 16 };

int enable_key(char *key, struct error *e, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(key, ENABLE_KEY_SIZE, format, args);
	va_end(args);
	if (len < 0 || len >= ENABLE_KEY_SIZE)
		return error_set(e, ERR_RANGE, "registry key %.64s... is too long", key);
	return 0;
}

static int copy(char **to, const char *from, struct error *e)
{
	if (!from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : error_nomem(e, "a registry edit");
}

static struct enable_step *step_add(struct enable_plan *p, enum enable_action action,
	const char *key, const char *name, const char *why, struct error *e)
{
	struct enable_step *bigger, *s;

	if (p->step_count == STEP_LIMIT) {
		error_set(e, ERR_RANGE, "more than %d registry edits", STEP_LIMIT);
		return NULL;
	}
	bigger = realloc(p->step, (p->step_count + 1) * sizeof(*bigger));
	if (!bigger) {
		error_nomem(e, "registry edits");
		return NULL;
	}
	p->step = bigger;
	s = &p->step[p->step_count++];
	*s = (struct enable_step){ .action = action, .hive = WINDOWS_SYSTEM };
	if (copy(&s->key, key, e) || copy(&s->name, name, e) || copy(&s->why, why, e))
		return NULL;
	return s;
}

int step_number(struct enable_plan *p, const char *key, const char *name, uint32_t value,
	const char *why, struct error *e)
{
	struct enable_step *s = step_add(p, ENABLE_NUMBER, key, name, why, e);

	if (!s)
		return -e->code;
	s->number = value;
	return 0;
}

int step_text(struct enable_plan *p, enum enable_action action, const char *key, const char *name,
	const char *text, const char *why, struct error *e)
{
	struct enable_step *s = step_add(p, action, key, name, why, e);

	return s ? copy(&s->text, text, e) : -e->code;
}

int step_bytes(struct enable_plan *p, enum enable_action action, const char *key, const char *name,
	const uint8_t *bytes, size_t len, const char *why, struct error *e)
{
	struct enable_step *s = step_add(p, action, key, name, why, e);

	if (!s)
		return -e->code;
	memcpy(s->bytes, bytes, len);
	s->len = len;
	return 0;
}

int step_list(struct enable_plan *p, const char *key, const char *name, const struct strings *list,
	const char *why, struct error *e)
{
	struct enable_step *s = step_add(p, ENABLE_LIST, key, name, why, e);
	int rc = s ? 0 : -e->code;

	for (size_t i = 0; i < list->count && !rc; i++)
		rc = strings_add(&s->list, list->item[i], e);
	return rc;
}

int step_remove(
	struct enable_plan *p, const char *key, const char *name, const char *why, struct error *e)
{
	return step_add(p, ENABLE_REMOVE, key, name, why, e) ? 0 : -e->code;
}

int enable_tell(struct enable_plan *p, const struct finding_text *f, const char *about,
	struct error *e, const char *format, ...)
{
	struct finding_text placed = *f;
	char mark[ENABLE_KEY_SIZE], text[768];
	va_list args;
	int rc = enable_key(mark, e, "%s %s", f->code, about);

	if (rc || strings_have(&p->told, mark))
		return rc;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!f->path)
		placed.path = windows_of(p->g)->hive[WINDOWS_SYSTEM].path;
	rc = strings_add(&p->told, mark, e);
	return rc ? rc : finding_add(&p->findings, &placed, e, "%s", text);
}

/* What an earlier step of the same plan added counts. */
static int member_do(struct hive *h, const struct enable_step *s, struct error *e)
{
	struct strings list = { 0 };
	struct error why = { 0 };
	bool there = false;
	int rc = hive_get_list(h, s->key, s->name, &list, &why);

	/* A value of another type is none that Windows could use. */
	if (rc)
		rc = error_of_host(&why, e);
	for (size_t i = 0; i < list.count; i++)
		there = there || !strcasecmp(list.item[i], s->text);
	if (!rc && !there)
		rc = strings_add(&list, s->text, e);
	if (!rc && !there)
		rc = hive_set_list(h, s->key, s->name, &list, s->why, e);
	strings_free(&list);
	return rc;
}

static int bytes_do(
	struct hive *h, const struct enable_step *s, enum hive_type type, struct error *e)
{
	uint8_t bytes[ENABLE_BYTES];
	const struct hive_value v = { .name = s->name, .type = type, .data = bytes, .len = s->len };

	memcpy(bytes, s->bytes, sizeof(bytes));
	return hive_set(h, s->key, &v, s->why, e);
}

static int step_do(struct hive *h, const struct enable_step *s, struct error *e)
{
	switch (s->action) {
	case ENABLE_NUMBER:
		return hive_set_dword(h, s->key, s->name, s->number, s->why, e);
	case ENABLE_TEXT:
		return hive_set_text(h, s->key, s->name, HIVE_SZ, s->text, s->why, e);
	case ENABLE_PATH:
		return hive_set_text(h, s->key, s->name, HIVE_EXPAND_SZ, s->text, s->why, e);
	case ENABLE_BINARY:
		return bytes_do(h, s, HIVE_BINARY, e);
	case ENABLE_EMPTY:
		return bytes_do(h, s, HIVE_NONE, e);
	case ENABLE_LIST:
		return hive_set_list(h, s->key, s->name, &s->list, s->why, e);
	case ENABLE_MEMBER:
		return member_do(h, s, e);
	case ENABLE_REMOVE:
		return s->name ? hive_remove_value(h, s->key, s->name, s->why, e)
			       : hive_remove_key(h, s->key, s->why, e);
	}
	return 0;
}

int enable_do(struct enable_plan *p, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < p->step_count && !rc; i++) {
		const struct enable_step *s = &p->step[i];

		rc = step_do(windows_hive(p->g, s->hive), s, e);
		if (rc)
			error_prefix(e, "%s", s->key);
	}
	return rc;
}

void enable_free(struct enable_plan *p)
{
	for (size_t i = 0; i < p->step_count; i++) {
		free(p->step[i].key);
		free(p->step[i].name);
		free(p->step[i].text);
		free(p->step[i].why);
		strings_free(&p->step[i].list);
	}
	free(p->step);
	report_free(&p->findings);
	strings_free(&p->told);
}
