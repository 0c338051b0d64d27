/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ways through a RELAX NG grammar. */
#include <string.h>

#include "base/xml_explain_private.h"

static const char space[] = "http://relaxng.org/ns/structure/1.0";

static const xmlNode *rule_from(const xmlNode *node)
{
	while (node &&
		(node->type != XML_ELEMENT_NODE || !node->ns ||
			strcmp((const char *)node->ns->href, space) != 0))
		node = node->next;
	return node;
}

const xmlNode *rule_first(const xmlNode *rule)
{
	return rule_from(rule->children);
}

const xmlNode *rule_next(const xmlNode *rule)
{
	return rule_from(rule->next);
}

static const char *value_of(const xmlNode *rule, const char *name)
{
	const xmlAttr *a = xmlHasProp(rule, (const xmlChar *)name);

	return a && a->children && a->children->content ? (const char *)a->children->content : "";
}

const char *rule_name(const xmlNode *rule)
{
	return value_of(rule, "name");
}

const xmlNode *rule_meant(const struct explaining *x, const xmlNode *rule)
{
	if (!xml_is(rule, "ref"))
		return rule;
	for (const xmlNode *n = rule_first(x->grammar); n; n = rule_next(n))
		if (xml_is(n, "define") && !strcmp(rule_name(n), rule_name(rule)))
			return n;
	return rule;
}

bool rule_is_optional(const xmlNode *rule)
{
	return xml_is(rule, "optional") || xml_is(rule, "zeroOrMore");
}

/* What is inside belongs to another node, or to none. */
static bool is_closed(const xmlNode *rule)
{
	return xml_is(rule, "element") || xml_is(rule, "attribute");
}

static size_t attributes_known(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	size_t known = 0;

	rule = rule_meant(x, rule);
	if (xml_is(rule, "attribute"))
		return xmlHasProp(node, (const xmlChar *)rule_name(rule)) != NULL;
	if (is_closed(rule))
		return 0;
	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n))
		known += attributes_known(x, n, node);
	return known;
}

bool rule_is_unsuited(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	size_t known;

	if (!node->properties || !xml_is(rule->parent, "choice"))
		return false;
	known = attributes_known(x, rule, node);
	for (const xmlNode *n = rule_first(rule->parent); n; n = rule_next(n))
		if (attributes_known(x, n, node) > known)
			return true;
	return false;
}

/* Whether one before it suits the node as well, so that this one's attributes are too many. */
static bool is_second(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	const size_t known = attributes_known(x, rule, node);

	if (!known || !xml_is(rule->parent, "choice"))
		return false;
	for (const xmlNode *n = rule_first(rule->parent); n && n != rule; n = rule_next(n))
		if (attributes_known(x, n, node) == known)
			return true;
	return false;
}

const xmlNode *rule_attribute(const struct explaining *x, const xmlNode *rule, const xmlNode *node,
	const char *name, bool anywhere)
{
	const xmlNode *found = NULL;

	for (const xmlNode *n = rule_first(rule); n && !found; n = rule_next(n)) {
		const xmlNode *meant = rule_meant(x, n);

		if (!anywhere && (rule_is_unsuited(x, n, node) || is_second(x, n, node)))
			continue;
		if (xml_is(meant, "attribute"))
			found = strcmp(rule_name(meant), name) ? NULL : meant;
		else if (!is_closed(meant))
			found = rule_attribute(x, meant, node, name, anywhere);
	}
	return found;
}

const xmlNode *rule_child(const struct explaining *x, const xmlNode *rule, const char *name)
{
	const xmlNode *found = NULL;

	for (const xmlNode *n = rule_first(rule); n && !found; n = rule_next(n)) {
		const xmlNode *meant = rule_meant(x, n);

		if (xml_is(meant, "element"))
			found = strcmp(rule_name(meant), name) ? NULL : meant;
		else if (!is_closed(meant))
			found = rule_child(x, meant, name);
	}
	return found;
}

void rule_names(
	const struct explaining *x, const xmlNode *rule, const char *kind, struct strings *out)
{
	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n)) {
		const xmlNode *meant = rule_meant(x, n);

		if (xml_is(meant, kind))
			strings_add_new(out, rule_name(meant), NULL);
		else if (!is_closed(meant))
			rule_names(x, meant, kind, out);
	}
}

const xmlNode *rule_text(const struct explaining *x, const xmlNode *rule)
{
	const xmlNode *found = NULL;

	for (const xmlNode *n = rule_first(rule); n && !found; n = rule_next(n)) {
		const xmlNode *meant = rule_meant(x, n);

		if (xml_is(meant, "data") || xml_is(meant, "value") || xml_is(meant, "text"))
			found = meant;
		else if (!is_closed(meant) && rule_text(x, meant))
			found = meant;
	}
	return found;
}
