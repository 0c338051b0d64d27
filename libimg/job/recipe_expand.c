/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parameters of a recipe, and their values put into it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/recipe_private.h"

enum { SCHEME_MAX = 16 };

static struct recipe_parameter *parameter_find(
	const struct recipe *recipe, const char *name, size_t len)
{
	for (size_t i = 0; i < recipe->parameter_count; i++)
		if (strlen(recipe->parameter[i].name) == len &&
			!strncmp(recipe->parameter[i].name, name, len))
			return &recipe->parameter[i];
	return NULL;
}

/* The last --set of it; NULL: none. */
static const char *value_given(const struct strings *set, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = set ? set->count : 0; i-- > 0;)
		if (!strncmp(set->item[i], name, len) && set->item[i][len] == '=')
			return set->item[i] + len + 1;
	return NULL;
}

size_t recipe_scheme(const char *location)
{
	size_t len = strspn(location, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len <= SCHEME_MAX && !strncmp(location + len, "://", 3) ? len : 0;
}

static bool has_place(const char *path)
{
	return !*path || *path == '/' || recipe_scheme(path);
}

static int path_join(const char *folder, size_t len, char **path, struct error *e)
{
	struct buffer whole = { 0 };
	int rc = buffer_append(&whole, folder, len, e);

	if (!rc)
		rc = buffer_format(&whole, e, "/%s", *path);
	if (rc) {
		buffer_free(&whole);
		return rc;
	}
	free(*path);
	*path = (char *)whole.data;
	return 0;
}

int recipe_path(const struct recipe_reading *r, char **path, struct error *e)
{
	const char *slash = strrchr(r->path, '/');

	if (!*path || has_place(*path))
		return 0;
	return path_join(r->path, slash ? (size_t)(slash - r->path) : 0, path, e);
}

static int path_given(char **path, struct error *e)
{
	char *here;
	int rc;

	if (has_place(*path))
		return 0;
	here = getcwd(NULL, 0);
	if (!here)
		return error_set(e, ERR_IO, "the current folder has no path");
	rc = path_join(here, strlen(here), path, e);
	free(here);
	return rc;
}

static int value_read(const struct recipe_reading *r, const xmlNode *node,
	struct recipe_parameter *p, struct error *e)
{
	const char *given = value_given(r->set, p->name);
	char *type = NULL;
	int rc = xml_attribute(node, "type", &type, e);
	bool is_path = type && !strcmp(type, "path");

	free(type);
	if (rc)
		return rc;
	if (!given) {
		rc = xml_attribute(node, "default", &p->value, e);
		return rc || !is_path ? rc : recipe_path(r, &p->value, e);
	}
	p->value = strdup(given);
	if (!p->value)
		return error_nomem(e, "a parameter");
	return is_path ? path_given(&p->value, e) : 0;
}

static int parameter_check(const struct recipe_reading *r, const xmlNode *node,
	const struct recipe_parameter *p, struct error *e)
{
	if (!p->value)
		return recipe_fault(r, node, ERR_USAGE, e,
			"parameter %s has no default: give it with --set %s=VALUE%s%s%s", p->name,
			p->name, p->help ? " (" : "", p->help ? p->help : "", p->help ? ")" : "");
	if (p->secret && *p->value && strlen(p->value) < RECIPE_SECRET_LEAST)
		return recipe_fault(r, node, ERR_USAGE, e,
			"parameter %s is secret: less than %d characters cannot be kept so",
			p->name, RECIPE_SECRET_LEAST);
	return 0;
}

static int parameter_read(const struct recipe_reading *r, const xmlNode *node, const char *name,
	bool secret, struct error *e)
{
	struct recipe *recipe = r->recipe;
	struct recipe_parameter *p = recipe_grow((void **)&recipe->parameter,
		&recipe->parameter_count, sizeof(*recipe->parameter), e);
	int rc;

	if (!p)
		return -ERR_NOMEM;
	p->secret = secret;
	p->name = strdup(name);
	if (!p->name)
		return error_nomem(e, "a parameter");
	rc = xml_attribute(node, "help", &p->help, e);
	if (!rc)
		rc = value_read(r, node, p, e);
	return rc ? rc : parameter_check(r, node, p, e);
}

/* One that this file declares twice, which the schema cannot tell. */
static bool declared_before(const xmlNode *node, const char *name)
{
	for (const xmlNode *n = node->prev; n; n = n->prev) {
		xmlChar *other = xml_is(n, "parameter")
			? xmlGetNoNsProp((xmlNode *)(uintptr_t)n, (const xmlChar *)"name")
			: NULL;
		bool same = other && !strcmp((const char *)other, name);

		xmlFree(other);
		if (same)
			return true;
	}
	return false;
}

static int declaration_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct recipe_parameter *known;
	char *name = NULL;
	bool secret;
	int rc = xml_attribute(node, "name", &name, e);

	if (!rc)
		rc = recipe_flag_read(node, "secret", &secret, e);
	if (rc) {
		free(name);
		return rc;
	}
	known = parameter_find(r->recipe, name, strlen(name));
	if (declared_before(node, name)) {
		rc = recipe_fault(r, node, ERR_CORRUPT, e, "parameter %s is there twice", name);
	} else if (known) {
		/* That of the file that includes this one. */
		known->secret |= secret;
		rc = parameter_check(r, node, known, e);
	} else {
		rc = parameter_read(r, node, name, secret, e);
	}
	free(name);
	return rc;
}

int recipe_parameters_read(struct recipe_reading *r, const xmlNode *root, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(root, "parameter"); n && !rc; n = xml_next(n, "parameter"))
		rc = declaration_read(r, n, e);
	return rc;
}

/* What follows "${": its length with the brace, put in. */
static int reference_put(struct recipe_reading *r, const xmlNode *node, const char *name,
	size_t *used, struct buffer *out, struct error *e)
{
	const char *end = strchr(name, '}');
	const struct recipe_parameter *p;

	if (!end)
		return recipe_fault(r, node, ERR_CORRUPT, e,
			"\"${\" without \"}\": $$ is what stands for one $");
	*used = (size_t)(end + 1 - name);
	p = parameter_find(r->recipe, name, (size_t)(end - name));
	if (!p)
		return recipe_fault(r, node, ERR_CORRUPT, e,
			"there is no parameter %.*s: $$ is what stands for one $",
			(int)(end - name < 100 ? end - name : 100), name);
	r->expanded += strlen(p->value);
	if (r->expanded > RECIPE_EXPANDED)
		return recipe_fault(r, node, ERR_RANGE, e,
			"parameters make more than %d bytes of text", RECIPE_EXPANDED);
	return buffer_string(out, p->value, e);
}

int recipe_expand(struct recipe_reading *r, const xmlNode *node, const char *text,
	struct buffer *out, struct error *e)
{
	int rc = 0;

	while (*text && !rc) {
		size_t plain = strcspn(text, "$");
		size_t used = 0;

		rc = buffer_append(out, text, plain, e);
		text += plain;
		if (rc || !*text)
			break;
		if (text[1] == '{') {
			rc = reference_put(r, node, text + 2, &used, out, e);
			text += used + 2;
		} else {
			rc = buffer_string(out, "$", e);
			text += text[1] == '$' ? 2 : 1;
		}
	}
	return rc;
}

static int attribute_expand(
	struct recipe_reading *r, xmlNode *node, const xmlAttr *a, struct error *e)
{
	const char *name = (const char *)a->name;
	struct buffer value = { 0 };
	char *text = NULL;
	int rc = xml_attribute(node, name, &text, e);

	if (!rc && text && strchr(text, '$')) {
		rc = recipe_expand(r, node, text, &value, e);
		if (!rc && !xmlSetNsProp(node, NULL, a->name, (const xmlChar *)buffer_text(&value)))
			rc = error_nomem(e, "a recipe");
	}
	buffer_free(&value);
	free(text);
	return rc;
}

static int text_expand(struct recipe_reading *r, xmlNode *node, struct error *e)
{
	struct buffer value = { 0 };
	xmlChar *put;
	int rc;

	if (!node->content || !strchr((const char *)node->content, '$'))
		return 0;
	rc = recipe_expand(r, node->parent, (const char *)node->content, &value, e);
	if (!rc) {
		put = xmlStrdup((const xmlChar *)buffer_text(&value));
		xmlNodeSetContent(node, NULL);
		if (put)
			xmlNodeAddContent(node, put);
		else
			rc = error_nomem(e, "a recipe");
		xmlFree(put);
	}
	buffer_free(&value);
	return rc;
}

static int node_expand(struct recipe_reading *r, xmlNode *node, struct error *e)
{
	int rc = 0;

	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
		return text_expand(r, node, e);
	if (node->type != XML_ELEMENT_NODE)
		return 0;
	for (const xmlAttr *a = node->properties; a && !rc; a = a->next)
		rc = attribute_expand(r, node, a, e);
	return rc;
}

/* The node after `node` and all below it; NULL at the end of `root`. */
static xmlNode *node_after(xmlNode *node, const xmlNode *root)
{
	while (node != root && !node->next)
		node = node->parent;
	return node == root ? NULL : node->next;
}

static bool is_left_out(const xmlNode *node)
{
	xmlChar *when = node->type == XML_ELEMENT_NODE
		? xmlGetNoNsProp((xmlNode *)(uintptr_t)node, (const xmlChar *)"when")
		: NULL;
	bool answer = when && (!*when || !strcmp((const char *)when, "no"));

	xmlFree(when);
	return answer;
}

int recipe_expand_all(struct recipe_reading *r, xmlNode *root, struct error *e)
{
	xmlNode *node = root;
	int rc = 0;

	while (node && !rc) {
		xmlNode *after = node_after(node, root);

		if (xml_is(node, "parameter")) {
			node = after;
			continue;
		}
		rc = node_expand(r, node, e);
		if (!rc && is_left_out(node)) {
			xmlUnlinkNode(node);
			xmlFreeNode(node);
			node = after;
		} else {
			node = node->children && node->type == XML_ELEMENT_NODE ? node->children
										: after;
		}
	}
	return rc;
}
