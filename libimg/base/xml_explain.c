/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/xml_explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/xml_explain_private.h"

/* A value that is longer is not shown, and never a part of one: it may be a secret, which is known
 * by its whole text. */
enum { SHOWN_MOST = 80, LIST_MOST = 500 };

/* Every explanation ends here; the answer is true. */
static bool say(const struct explaining *x, const xmlNode *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static bool say(const struct explaining *x, const xmlNode *node, const char *format, ...)
{
	char text[2 * EXPLAIN_TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	error_set(x->e, ERR_CORRUPT, "%s:%ld: %s", x->path, xmlGetLineNo(node), text);
	return true;
}

void names_join(
	const struct strings *names, const char *before, const char *after, char out[EXPLAIN_TEXT])
{
	size_t used = 0;

	*out = 0;
	for (size_t i = 0; i < names->count; i++) {
		const char *comma = !i ? "" : i + 1 < names->count ? ", " : " or ";

		if (used + strlen(names->item[i]) > LIST_MOST) {
			snprintf(out + used, EXPLAIN_TEXT - used, " ...");
			return;
		}
		used += (size_t)snprintf(out + used, EXPLAIN_TEXT - used, "%s%s%s%s", comma, before,
			names->item[i], after);
	}
}

/* ": did you mean ...", or nothing. */
static void hint(const struct strings *names, const char *word, const char *before,
	const char *after, char out[EXPLAIN_TEXT])
{
	const char *near = near_name(names, word);

	*out = 0;
	if (near)
		snprintf(out, EXPLAIN_TEXT, ": did you mean %s%.64s%s?", before, near, after);
}

static bool attribute_unknown(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, const char *name)
{
	char near[EXPLAIN_TEXT], list[EXPLAIN_TEXT];
	const char *element = (const char *)node->name;
	struct strings names = { 0 };

	rule_names(x, rule, "attribute", &names);
	names_join(&names, "", "", list);
	hint(&names, name, "", "", near);
	strings_free(&names);
	if (rule_attribute(x, rule, node, name, true))
		return say(x, node, "<%s> cannot have the attribute %s beside its others", element,
			name);
	if (!*list)
		return say(x, node, "<%s> has no attributes, and so not %.64s", element, name);
	return say(x, node, "<%s> has no attribute %.64s%s%s it can have %s", element, name, near,
		*near ? "" : ":", list);
}

static bool value_wrong(const struct explaining *x, const xmlNode *rule, const xmlNode *node,
	const char *name, const char *value)
{
	char words[EXPLAIN_TEXT];

	rule_describe(x, rule, words);
	if (strlen(value) > SHOWN_MOST)
		return say(x, node, "the attribute %s of <%s> has to be %s", name,
			(const char *)node->name, words);
	return say(x, node, "the attribute %s of <%s> has to be %s, and not \"%s\"", name,
		(const char *)node->name, words, value);
}

static bool attribute_explain(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, const xmlAttr *a)
{
	const char *name = (const char *)a->name;
	const xmlNode *own = a->ns ? NULL : rule_attribute(x, rule, node, name, false);
	char *value = NULL;
	bool wrong;

	if (!own)
		return attribute_unknown(x, rule, node, name);
	if (xml_attribute(node, name, &value, NULL) || !value)
		return false;
	wrong = !rule_takes(x, own, value) && value_wrong(x, own, node, name, value);
	free(value);
	return wrong;
}

/* Names of attributes that the node has to have and has not. */
static void missing_find(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, struct strings *out);

/* Of parts that suit the node alike, none is missing when one has all. */
static void missing_find_one(
	const struct explaining *x, const xmlNode *choice, const xmlNode *node, struct strings *out)
{
	struct strings all = { 0 };
	bool met = false;

	for (const xmlNode *n = rule_first(choice); n; n = rule_next(n)) {
		struct strings one = { 0 };

		if (rule_is_unsuited(x, n, node))
			continue;
		missing_find(x, n, node, &one);
		met |= !one.count;
		for (size_t i = 0; i < one.count && i < 1; i++)
			strings_add_new(&all, one.item[i], NULL);
		strings_free(&one);
	}
	for (size_t i = 0; !met && i < all.count; i++)
		strings_add_new(out, all.item[i], NULL);
	strings_free(&all);
}

static void missing_find(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, struct strings *out)
{
	rule = rule_meant(x, rule);
	if (xml_is(rule, "attribute")) {
		if (!xmlHasProp(node, (const xmlChar *)rule_name(rule)))
			strings_add_new(out, rule_name(rule), NULL);
		return;
	}
	if (xml_is(rule, "element") || rule_is_optional(rule))
		return;
	if (xml_is(rule, "choice")) {
		missing_find_one(x, rule, node, out);
		return;
	}
	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n))
		missing_find(x, n, node, out);
}

static bool attributes_explain(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	struct strings missing = { 0 };
	char list[EXPLAIN_TEXT];

	for (const xmlAttr *a = node->properties; a; a = a->next)
		if (attribute_explain(x, rule, node, a))
			return true;
	for (const xmlNode *n = rule_first(rule); n && !missing.count; n = rule_next(n))
		missing_find(x, n, node, &missing);
	names_join(&missing, "", "", list);
	strings_free(&missing);
	return *list && say(x, node, "<%s> needs the attribute %s", (const char *)node->name, list);
}

static bool child_misplaced(const struct explaining *x, const xmlNode *rule, const xmlNode *node,
	const struct order *order)
{
	const char *name = (const char *)order->stop->name, *parent = (const char *)node->name;
	char list[EXPLAIN_TEXT], near[EXPLAIN_TEXT];
	struct strings names = { 0 };

	rule_names(x, rule, "element", &names);
	hint(&names, name, "<", ">", near);
	strings_free(&names);
	names_join(&order->next, "<", ">", list);
	if (rule_child(x, rule, name))
		return say(x, order->stop, "<%s> cannot be at this place in <%s>%s%s", name, parent,
			*list ? ": here can be " : "", list);
	if (!*list || *near)
		return say(x, order->stop, "<%.64s> cannot be in <%s>%s", name, parent, near);
	return say(x, order->stop, "<%.64s> cannot be in <%s>: here can be %s", name, parent, list);
}

static bool child_missing(
	const struct explaining *x, const xmlNode *node, const struct order *order)
{
	char list[EXPLAIN_TEXT];

	names_join(order->needed.count ? &order->needed : &order->next, "<", ">", list);
	return *list && say(x, node, "<%s> ends without %s", (const char *)node->name, list);
}

static bool text_explain(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	const xmlNode *own = rule_text(x, rule);
	const char *name = (const char *)node->name;
	char words[EXPLAIN_TEXT];

	for (const xmlNode *n = node->children; n && !own; n = n->next)
		if ((n->type == XML_TEXT_NODE && !xmlIsBlankNode(n)) ||
			n->type == XML_CDATA_SECTION_NODE)
			return say(x, node, "<%s> cannot have text in it", name);
	if (own) {
		char *text = NULL;
		bool taken = xml_text(node, &text, NULL) || rule_takes(x, own, text);

		free(text);
		if (!taken) {
			rule_describe(x, own, words);
			return say(x, node, "the text in <%s> has to be %s", name, words);
		}
	}
	return false;
}

/* Only elements that the grammar has are gone into, as deep as it does. */
static bool element_explain(const struct explaining *x, const xmlNode *rule, const xmlNode *node)
{
	struct order order;
	bool done = attributes_explain(x, rule, node);

	if (done)
		return true;
	order_find(x, rule, node, &order);
	for (const xmlNode *n = xml_first(node, NULL); n && n != order.stop && !done;
		n = xml_next(n, NULL)) {
		const xmlNode *own = rule_child(x, rule, (const char *)n->name);

		done = own && element_explain(x, own, n);
	}
	if (!done && order.stop)
		done = child_misplaced(x, rule, node, &order);
	else if (!done && !order.whole)
		done = child_missing(x, node, &order);
	order_free(&order);
	return done || text_explain(x, rule, node);
}

bool xml_explain(const char *path, const xmlDoc *grammar, const xmlDoc *doc, struct error *e)
{
	struct explaining x = { .path = path, .grammar = xmlDocGetRootElement(grammar), .e = e };
	const xmlNode *root = xmlDocGetRootElement(doc);
	const xmlNode *start = x.grammar ? xml_first(x.grammar, "start") : NULL;
	struct strings names = { 0 };
	char list[EXPLAIN_TEXT];
	const xmlNode *rule;

	if (!start || !root)
		return false;
	rule = rule_child(&x, start, (const char *)root->name);
	if (rule)
		return element_explain(&x, rule, root);
	rule_names(&x, start, "element", &names);
	names_join(&names, "<", ">", list);
	strings_free(&names);
	return say(&x, root, "the document has to be a %s, and not <%.64s>", list,
		(const char *)root->name);
}
