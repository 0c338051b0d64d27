/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The children of an element, one after the other. */
#include <string.h>

#include "base/xml_explain_private.h"

/* Goes forward only: in grammars for people the name of a child says which rule it belongs to. */
struct matching {
	const struct explaining *x;
	const xmlNode *node; /* whose children they are */
	const xmlNode *at; /* the next child, NULL: the end */
	struct order *order;
};

/* What was looked for where the children are now; what was looked for before is forgotten. */
static void missed(struct matching *m, const char *name, bool needed)
{
	strings_add_new(&m->order->next, name, NULL);
	if (needed)
		strings_add_new(&m->order->needed, name, NULL);
}

static bool child_take(struct matching *m, const xmlNode *rule, bool needed)
{
	const char *name = rule_name(rule);

	if (!m->at || !xml_is(m->at, name)) {
		missed(m, name, needed);
		return false;
	}
	m->at = xml_next(m->at, NULL);
	order_free(m->order);
	return true;
}

static bool match(struct matching *m, const xmlNode *rule, bool needed);

static bool match_all(struct matching *m, const xmlNode *rule, bool needed)
{
	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n))
		if (!match(m, n, needed))
			return false;
	return true;
}

/* Parts that may be mixed: those that take something, until none does. */
static bool match_mixed(struct matching *m, const xmlNode *rule)
{
	const xmlNode *before;

	do {
		before = m->at;
		for (const xmlNode *n = rule_first(rule); n; n = rule_next(n))
			match(m, n, false);
	} while (m->at != before);
	return true;
}

/* The part that takes something, else one that needs nothing. */
static bool match_one(struct matching *m, const xmlNode *rule, bool needed)
{
	const xmlNode *before = m->at;
	bool fits = false;

	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n)) {
		if (rule_is_unsuited(m->x, n, m->node))
			continue;
		fits |= match(m, n, needed);
		if (m->at != before)
			return fits;
	}
	return fits;
}

static bool match_repeated(struct matching *m, const xmlNode *rule)
{
	const xmlNode *before;

	do {
		before = m->at;
		if (!match_all(m, rule, false) && m->at != before)
			return false;
	} while (m->at != before);
	return true;
}

static bool match(struct matching *m, const xmlNode *rule, bool needed)
{
	const xmlNode *before = m->at;

	rule = rule_meant(m->x, rule);
	if (xml_is(rule, "element"))
		return child_take(m, rule, needed);
	if (xml_is(rule, "choice"))
		return match_one(m, rule, needed);
	if (xml_is(rule, "interleave"))
		return match_mixed(m, rule);
	if (xml_is(rule, "optional"))
		return match_all(m, rule, false) || m->at == before;
	if (xml_is(rule, "zeroOrMore"))
		return match_repeated(m, rule);
	if (xml_is(rule, "oneOrMore"))
		return match_all(m, rule, needed) && match_repeated(m, rule);
	if (xml_is(rule, "group") || xml_is(rule, "define"))
		return match_all(m, rule, needed);
	return true;
}

void order_find(
	const struct explaining *x, const xmlNode *rule, const xmlNode *node, struct order *out)
{
	struct matching m = { .x = x, .node = node, .at = xml_first(node, NULL), .order = out };
	bool fits;

	*out = (struct order){ 0 };
	fits = match_all(&m, rule, true);
	out->stop = m.at;
	out->whole = fits && !m.at;
}

void order_free(struct order *o)
{
	strings_free(&o->next);
	strings_free(&o->needed);
}
