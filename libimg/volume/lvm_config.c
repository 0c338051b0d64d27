/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "volume/lvm_config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 128 };

struct parser {
	struct lvm_config *config;
	char *at; /* a NUL ends the text */
	size_t section; /* that is open */
};

static int damaged(const struct parser *p, const char *what, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "%s at byte %zu of the LVM metadata", what,
		(size_t)(p->at - p->config->bytes));
}

static void skip_space(struct parser *p)
{
	for (;; p->at++) {
		if (*p->at == '#')
			p->at += strcspn(p->at, "\n");
		if (!isspace((unsigned char)*p->at))
			return;
	}
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_-.+", c));
}

/* Appends a node to `parent`. */
static int node_add(
	struct parser *p, size_t parent, const struct lvm_node *n, size_t *out, struct error *e)
{
	struct lvm_config *c = p->config;

	if (c->count == c->capacity) {
		size_t capacity = c->capacity ? c->capacity * 2 : CAPACITY_FIRST;
		struct lvm_node *node = reallocarray(c->node, capacity, sizeof(*node));

		if (!node)
			return error_nomem(e, "LVM metadata");
		c->node = node;
		c->capacity = capacity;
	}
	c->node[c->count] = *n;
	c->node[c->count].parent = parent;
	if (c->count) {
		if (c->node[parent].last)
			c->node[c->node[parent].last].next = c->count;
		else
			c->node[parent].child = c->count;
		c->node[parent].last = c->count;
	}
	*out = c->count++;
	return 0;
}

/* Ends the string in place and takes out its backslashes. */
static int string_take(struct parser *p, struct lvm_node *n, struct error *e)
{
	char *to = ++p->at;

	n->kind = LVM_STRING;
	n->text = to;
	while (*p->at && *p->at != '"') {
		if (*p->at == '\\' && p->at[1])
			p->at++;
		*to++ = *p->at++;
	}
	if (!*p->at)
		return damaged(p, "a string without an end", e);
	p->at++;
	*to = '\0';
	return 0;
}

static int number_take(struct parser *p, struct lvm_node *n, struct error *e)
{
	bool negative = *p->at == '-';
	const char *from;

	p->at += negative;
	from = p->at;
	n->kind = LVM_NUMBER;
	for (; isdigit((unsigned char)*p->at); p->at++)
		if (__builtin_mul_overflow(n->number, 10u, &n->number) ||
			__builtin_add_overflow(n->number, (unsigned)(*p->at - '0'), &n->number))
			return damaged(p, "a number beyond 64 bits", e);
	if (negative)
		n->number = UINT64_MAX; /* more than anything that is looked at may be */
	return p->at == from ? damaged(p, "neither a string nor a number", e) : 0;
}

static int scalar_take(struct parser *p, size_t parent, const char *name, struct error *e)
{
	struct lvm_node n = { .name = name };
	size_t unused;
	int rc = *p->at == '"' ? string_take(p, &n, e) : number_take(p, &n, e);

	return rc ? rc : node_add(p, parent, &n, &unused, e);
}

static int array_take(struct parser *p, const char *name, struct error *e)
{
	struct lvm_node n = { .kind = LVM_ARRAY, .name = name };
	size_t array;
	int rc = node_add(p, p->section, &n, &array, e);

	for (p->at++, skip_space(p); !rc && *p->at != ']';) {
		rc = scalar_take(p, array, "", e);
		if (rc)
			break;
		skip_space(p);
		if (*p->at == ',') {
			p->at++;
			skip_space(p);
		} else if (*p->at != ']') {
			rc = damaged(p, "no end of an array", e);
		}
	}
	if (!rc)
		p->at++;
	return rc;
}

/* NAME { or NAME = VALUE.  The name is ended in place once what follows it was seen. */
static int entry_take(struct parser *p, struct error *e)
{
	char *name = p->at, *end, sign;
	struct lvm_node n = { .kind = LVM_SECTION, .name = name };

	while (is_name(*p->at))
		p->at++;
	end = p->at;
	skip_space(p);
	sign = *p->at;
	if (end == name || (sign != '{' && sign != '='))
		return damaged(p, "neither a value nor a section", e);
	p->at++;
	*end = '\0';
	if (sign == '{')
		return node_add(p, p->section, &n, &p->section, e);
	skip_space(p);
	return *p->at == '[' ? array_take(p, name, e) : scalar_take(p, p->section, name, e);
}

static int parse(struct parser *p, struct error *e)
{
	struct lvm_node whole = { .kind = LVM_SECTION, .name = "" };
	int rc = node_add(p, 0, &whole, &p->section, e);

	for (skip_space(p); !rc && *p->at; skip_space(p)) {
		if (*p->at != '}') {
			rc = entry_take(p, e);
		} else if (!p->section) {
			rc = damaged(p, "an end of no section", e);
		} else {
			p->section = p->config->node[p->section].parent;
			p->at++;
		}
	}
	if (!rc && p->section)
		rc = damaged(p, "a section without an end", e);
	return rc;
}

int lvm_config_parse(const char *text, size_t len, struct lvm_config *out, struct error *e)
{
	struct lvm_config c = { .bytes = strndup(text, len) };
	struct parser p = { .config = &c, .at = c.bytes };
	int rc = c.bytes ? parse(&p, e) : error_nomem(e, "LVM metadata");

	if (rc)
		lvm_config_free(&c);
	else
		*out = c;
	return rc;
}

void lvm_config_free(struct lvm_config *c)
{
	free(c->bytes);
	free(c->node);
	*c = (struct lvm_config){ 0 };
}

size_t lvm_find(const struct lvm_config *c, size_t section, const char *name, enum lvm_kind kind)
{
	size_t i = c->node[section].child;

	while (i && (c->node[i].kind != kind || strcmp(c->node[i].name, name) != 0))
		i = c->node[i].next;
	return i;
}

const char *lvm_text(const struct lvm_config *c, size_t section, const char *name)
{
	size_t i = lvm_find(c, section, name, LVM_STRING);

	return i ? c->node[i].text : NULL;
}

bool lvm_number(const struct lvm_config *c, size_t section, const char *name, uint64_t *out)
{
	size_t i = lvm_find(c, section, name, LVM_NUMBER);

	if (i)
		*out = c->node[i].number;
	return i != 0;
}

bool lvm_has(const struct lvm_config *c, size_t section, const char *name, const char *string)
{
	size_t array = lvm_find(c, section, name, LVM_ARRAY);

	for (size_t i = array ? c->node[array].child : 0; i; i = c->node[i].next)
		if (c->node[i].kind == LVM_STRING && !strcmp(c->node[i].text, string))
			return true;
	return false;
}
