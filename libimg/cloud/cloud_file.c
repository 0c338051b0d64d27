/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/cloud_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "base/buffer.h"
#include "cloud/secret.h"

enum {
	FILE_LIMIT = 1 << 20,
	DEPTH_LIMIT = 12,
	NODE_LIMIT = 20000, /* counted where they are used: an alias costs as much as its copy */
};

const char *environment_value(char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; environment && *environment; environment++)
		if (!strncmp(*environment, name, len) && (*environment)[len] == '=')
			return (*environment)[len + 1] ? *environment + len + 1 : NULL;
	return NULL;
}

struct conversion {
	yaml_document_t *document;
	unsigned nodes;
	struct error *e;
};

static bool is_null(const yaml_node_t *n)
{
	const char *text = (const char *)n->data.scalar.value;

	return n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(!*text || !strcmp(text, "~") || !strcasecmp(text, "null"));
}

static json_t *refuse(struct conversion *c, const yaml_node_t *n, const char *why)
{
	if (!c->e->code)
		error_set(c->e, ERR_CORRUPT, "line %zu: %s", n->start_mark.line + 1, why);
	return NULL;
}

static json_t *node_json(struct conversion *c, int number, unsigned depth);

static json_t *mapping_json(struct conversion *c, const yaml_node_t *n, unsigned depth)
{
	json_t *out = json_object();

	for (const yaml_node_pair_t *p = n->data.mapping.pairs.start;
		out && p < n->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(c->document, p->key);
		json_t *value;
		char *name;
		int failed;

		if (!key || key->type != YAML_SCALAR_NODE) {
			secret_json_free(out);
			return refuse(c, n, "a key that is no text");
		}
		value = node_json(c, p->value, depth + 1);
		name = strdup((const char *)key->data.scalar.value);
		for (char *dash = name; depth > 1 && dash && (dash = strchr(dash, '-'));)
			*dash = '_';
		failed = !value || !name || json_object_set(out, name, value);
		json_decref(value);
		free(name);
		if (!failed)
			continue;
		secret_json_free(out);
		return refuse(c, n, "out of memory, or a text that is no UTF-8");
	}
	return out;
}

static json_t *sequence_json(struct conversion *c, const yaml_node_t *n, unsigned depth)
{
	json_t *out = json_array();

	for (const yaml_node_item_t *i = n->data.sequence.items.start;
		out && i < n->data.sequence.items.top; i++) {
		json_t *item = node_json(c, *i, depth + 1);

		if (item && !json_array_append_new(out, item))
			continue;
		secret_json_free(out);
		return refuse(c, n, "out of memory");
	}
	return out;
}

static json_t *node_json(struct conversion *c, int number, unsigned depth)
{
	const yaml_node_t *n = yaml_document_get_node(c->document, number);

	if (!n)
		return json_null();
	if (depth == DEPTH_LIMIT || ++c->nodes > NODE_LIMIT)
		return refuse(c, n, "more than such a file can hold");
	switch (n->type) {
	case YAML_MAPPING_NODE:
		return mapping_json(c, n, depth);
	case YAML_SEQUENCE_NODE:
		return sequence_json(c, n, depth);
	case YAML_SCALAR_NODE:
		return is_null(n)
			? json_null()
			: json_stringn((const char *)n->data.scalar.value, n->data.scalar.length);
	case YAML_NO_NODE:
	default:
		return json_null();
	}
}

static int document_read(const struct buffer *text, json_t **out, struct error *e)
{
	struct error why = { 0 };
	yaml_document_t document;
	yaml_parser_t p;
	int rc = 0;

	if (!yaml_parser_initialize(&p))
		return error_nomem(e, "a YAML file");
	yaml_parser_set_input_string(&p, (const unsigned char *)buffer_text(text), text->len);
	if (!yaml_parser_load(&p, &document)) {
		rc = error_set(e, ERR_CORRUPT, "line %zu: %s", p.problem_mark.line + 1,
			p.problem ? p.problem : "is no YAML");
		yaml_parser_delete(&p);
		return rc;
	}
	*out = node_json(&(struct conversion){ .document = &document, .e = &why }, 1, 0);
	if (!*out)
		rc = error_set(e, why.code ? (enum error_code)why.code : ERR_NOMEM, "%s",
			why.code ? why.text : "out of memory");
	yaml_document_delete(&document);
	yaml_parser_delete(&p);
	if (!rc && !json_is_object(*out)) {
		secret_json_free(*out);
		*out = NULL;
		rc = error_set(e, ERR_CORRUPT, "is no mapping with clouds in it");
	}
	return rc;
}

/* As openstacksdk, what may not be read is passed over; *out stays NULL. */
static int file_read(const char *path, json_t **out, struct error *e)
{
	FILE *f = fopen(path, "re");
	struct buffer text = { 0 };
	size_t n = 0;
	int rc;

	if (!f)
		return errno == ENOENT || errno == EACCES || errno == ENOTDIR
			? 0
			: error_errno(e, errno, "%s", path);
	/* All at once, so that no copy of a secret is left where the buffer was before it grew. */
	rc = buffer_reserve(&text, FILE_LIMIT + 1, e);
	if (!rc) {
		n = fread(text.data, 1, FILE_LIMIT, f);
		text.len = n;
		text.data[n] = 0;
		if (ferror(f))
			rc = error_errno(e, errno, "cannot read it");
		else if (n == FILE_LIMIT)
			rc = error_set(e, ERR_RANGE, "is longer than %d bytes", FILE_LIMIT);
		else
			rc = document_read(&text, out, e);
	}
	fclose(f);
	secret_buffer_free(&text);
	return rc ? error_prefix(e, "%s", path) : 0;
}

/* The folders, in order: "" is the current one. */
static int folder_path(
	char *const *environment, unsigned number, struct buffer *out, struct error *e)
{
	const char *home = environment_value(environment, "HOME");
	const char *config = environment_value(environment, "XDG_CONFIG_HOME");

	switch (number) {
	case 0:
		return buffer_string(out, "./", e);
	case 1:
		if (config)
			return buffer_format(out, e, "%s/openstack/", config);
		return home ? buffer_format(out, e, "%s/.config/openstack/", home) : 0;
	case 2:
		return home ? buffer_format(out, e, "%s/.config/openstack/", home) : 0;
	case 3:
		return buffer_string(out, "/etc/xdg/openstack/", e);
	default:
		return buffer_string(out, "/etc/openstack/", e);
	}
}

enum { FOLDERS = 5 };

static int folder_search(
	const char *name, char *const *environment, unsigned folder, json_t **out, struct error *e)
{
	static const char *const endings[] = { "yaml", "yml", "json" };
	int rc = 0;

	for (size_t i = 0; !rc && !*out && i < sizeof(endings) / sizeof(*endings); i++) {
		struct buffer path = { 0 };

		rc = folder_path(environment, folder, &path, e);
		if (!rc && path.len)
			rc = buffer_format(&path, e, "%s.%s", name, endings[i]);
		if (!rc && path.len)
			rc = file_read(buffer_text(&path), out, e);
		buffer_free(&path);
	}
	return rc;
}

int cloud_file_find(const char *name, const char *variable, char *const *environment, json_t **out,
	struct error *e)
{
	const char *named = variable ? environment_value(environment, variable) : NULL;
	int rc;

	*out = NULL;
	rc = named ? file_read(named, out, e) : 0;
	for (unsigned folder = 0; !rc && !*out && folder < FOLDERS; folder++)
		rc = folder_search(name, environment, folder, out, e);
	return rc;
}

static int merge(json_t *below, json_t *over, unsigned depth, struct error *e)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(over, key, value)
	{
		json_t *old = json_object_get(below, key);

		if (json_is_object(old) && json_is_object(value) && depth < DEPTH_LIMIT)
			rc = merge(old, value, depth + 1, e);
		else if (json_object_set(below, key, value))
			rc = error_nomem(e, "a cloud's settings");
		if (rc)
			break;
	}
	return rc;
}

int cloud_file_merge(json_t *below, json_t *over, struct error *e)
{
	return merge(below, over, 0, e);
}
