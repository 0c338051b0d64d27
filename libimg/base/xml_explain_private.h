/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_XML_EXPLAIN_PRIVATE_H
#define LIBIMG_BASE_XML_EXPLAIN_PRIVATE_H

#include "base/strings.h"
#include "base/xml.h"
#include "base/xml_explain.h"

/* What the parts of xml_explain share.  Rules are elements of the grammar; it compiled, so that its
 * references are there and end. */
struct explaining {
	const char *path;
	const xmlNode *grammar;
	struct error *e;
};

enum { EXPLAIN_TEXT = 700 };

/* The first rule inside another, and the one behind it; NULL: none.  Annotations are none. */
const xmlNode *rule_first(const xmlNode *rule);
const xmlNode *rule_next(const xmlNode *rule);
/* What a reference means, a "define"; others mean themselves. */
const xmlNode *rule_meant(const struct explaining *x, const xmlNode *rule);
/* Elements and attributes: the value of "name"; "" for those that have none. */
const char *rule_name(const xmlNode *rule);
/* Whether all of the rule may be left out. */
bool rule_is_optional(const xmlNode *rule);
/* Whether the rule is one of several, of which others suit the attributes of the node better. */
bool rule_is_unsuited(const struct explaining *x, const xmlNode *rule, const xmlNode *node);

/* The rule of an element's attribute of that name; only where the node may have it beside its
 * others.  NULL: there is none. */
const xmlNode *rule_attribute(const struct explaining *x, const xmlNode *rule, const xmlNode *node,
	const char *name, bool anywhere);
/* The names of all attributes, or child elements, of an element. */
void rule_names(
	const struct explaining *x, const xmlNode *rule, const char *kind, struct strings *out);
/* The rule of a child element; NULL: there is none of that name. */
const xmlNode *rule_child(const struct explaining *x, const xmlNode *rule, const char *name);

/* Whether the text is a value of an attribute's or an element's rule; and what is one, in words. */
bool rule_takes(const struct explaining *x, const xmlNode *rule, const char *text);
void rule_describe(const struct explaining *x, const xmlNode *rule, char out[EXPLAIN_TEXT]);
/* The rule of an element's text; NULL: it has none. */
const xmlNode *rule_text(const struct explaining *x, const xmlNode *rule);

/* How far the children of a node follow the rule, and what may be next then. */
struct order {
	const xmlNode *stop; /* the child that may not be there; NULL: the end comes too early */
	bool whole; /* all is as it should be */
	struct strings next, needed; /* names; what is needed is in both */
};
void order_find(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, struct order *out);
void order_free(struct order *o);

/* "a, b or c", with these around each; cut where it grows long. */
void names_join(
	const struct strings *names, const char *before, const char *after, char out[EXPLAIN_TEXT]);

#endif
