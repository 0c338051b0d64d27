/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of attributes and texts: whether a rule takes one, and what it takes. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/xmlregexp.h>

#include "base/xml_explain_private.h"

/* A rule's own text or attribute, for free(); "" without. */
static char *content_of(const xmlNode *rule)
{
	char *text = NULL;

	return xml_text(rule, &text, NULL) ? NULL : text;
}

static bool type_is(const xmlNode *rule, const char *type)
{
	const xmlAttr *a = xmlHasProp(rule, (const xmlChar *)"type");

	return a && a->children && !strcmp((const char *)a->children->content, type);
}

/* Space at both ends away, runs of it one: XML Schema part 2, 4.3.6. */
static void collapse(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (!isspace((unsigned char)*p))
			*to++ = *p;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	if (to > text && to[-1] == ' ')
		to--;
	*to = 0;
}

static bool pattern_takes(const char *pattern, const char *text)
{
	xmlRegexp *compiled = xmlRegexpCompile((const xmlChar *)pattern);
	bool taken = !compiled || xmlRegexpExec(compiled, (const xmlChar *)text) == 1;

	xmlRegFreeRegexp(compiled);
	return taken;
}

static bool parameter_takes(const xmlNode *parameter, const char *text)
{
	const char *name = rule_name(parameter);
	char *limit = content_of(parameter);
	bool taken = true;

	if (!limit)
		return true;
	if (!strcmp(name, "pattern"))
		taken = pattern_takes(limit, text);
	else if (!strcmp(name, "minLength"))
		taken = strlen(text) >= strtoul(limit, NULL, 10);
	else if (!strcmp(name, "minInclusive"))
		taken = strtoull(text, NULL, 10) >= strtoull(limit, NULL, 10);
	else if (!strcmp(name, "maxInclusive"))
		taken = strtoull(text, NULL, 10) <= strtoull(limit, NULL, 10);
	free(limit);
	return taken;
}

static bool is_unsigned_int(const char *text)
{
	const char *digits = text + (*text == '+');
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(digits, &end, 10);
	return isdigit((unsigned char)*digits) && !*end && !errno && number <= UINT32_MAX;
}

static bool is_boolean(const char *text)
{
	return !strcmp(text, "true") || !strcmp(text, "false") || !strcmp(text, "1") ||
		!strcmp(text, "0");
}

static bool data_takes(const xmlNode *data, const char *text)
{
	bool taken = true;

	if (type_is(data, "boolean"))
		taken = is_boolean(text);
	else if (type_is(data, "unsignedInt"))
		taken = is_unsigned_int(text);
	for (const xmlNode *n = rule_first(data); n && taken; n = rule_next(n))
		taken = !xml_is(n, "param") || parameter_takes(n, text);
	return taken;
}

static bool value_takes(const xmlNode *value, const char *text)
{
	char *want = content_of(value);
	bool taken;

	if (want && !type_is(value, "string"))
		collapse(want);
	taken = !want || !strcmp(want, text);
	free(want);
	return taken;
}

/* A string as it is, any other type collapsed. */
static bool leaf_takes(const xmlNode *leaf, const char *text)
{
	char *copy = strdup(text);
	bool taken;

	if (!copy)
		return true;
	if (!type_is(leaf, "string"))
		collapse(copy);
	taken = xml_is(leaf, "data") ? data_takes(leaf, copy) : value_takes(leaf, copy);
	free(copy);
	return taken;
}

bool rule_takes(const struct explaining *x, const xmlNode *rule, const char *text)
{
	const bool choice = xml_is(rule, "choice");
	bool any = false;

	rule = rule_meant(x, rule);
	if (xml_is(rule, "data") || xml_is(rule, "value"))
		return leaf_takes(rule, text);
	if (xml_is(rule, "text") || !rule_first(rule))
		return true;
	for (const xmlNode *n = rule_first(rule); n; n = rule_next(n)) {
		bool taken = rule_takes(x, n, text);

		if (!taken && !choice)
			return false;
		any |= taken;
	}
	return any;
}

/* The words that the grammar itself has for it. */
static bool documentation_add(const xmlNode *rule, struct strings *out)
{
	const xmlNode *n = xml_first(rule, "documentation");
	char *text = n ? content_of(n) : NULL;

	if (!text)
		return false;
	collapse(text);
	strings_add_new(out, text, NULL);
	free(text);
	return true;
}

static void value_add(const xmlNode *value, struct strings *out)
{
	char *text = content_of(value);
	char shown[EXPLAIN_TEXT];

	if (!text)
		return;
	snprintf(shown, sizeof(shown), *text ? "\"%s\"" : "empty", text);
	strings_add_new(out, shown, NULL);
	free(text);
}

/* What a parameter of that name says, for free(); NULL: there is none. */
static char *parameter_of(const xmlNode *data, const char *name)
{
	for (const xmlNode *n = rule_first(data); n; n = rule_next(n))
		if (xml_is(n, "param") && !strcmp(rule_name(n), name))
			return content_of(n);
	return NULL;
}

static void number_add(const xmlNode *data, struct strings *out)
{
	char *least = parameter_of(data, "minInclusive");
	char *most = parameter_of(data, "maxInclusive");
	char shown[EXPLAIN_TEXT];

	snprintf(shown, sizeof(shown), "a number from %s to %s", least ? least : "0",
		most ? most : "4294967295");
	strings_add_new(out, shown, NULL);
	free(least);
	free(most);
}

static void string_add(const xmlNode *data, struct strings *out)
{
	char *pattern = parameter_of(data, "pattern");
	char *least = parameter_of(data, "minLength");
	char shown[EXPLAIN_TEXT];

	snprintf(shown, sizeof(shown), "a text%s%s%s", pattern ? " of the pattern " : "",
		pattern ? pattern : "", least ? " that is not empty" : "");
	strings_add_new(out, shown, NULL);
	free(pattern);
	free(least);
}

static void data_add(const xmlNode *data, struct strings *out)
{
	if (type_is(data, "boolean")) {
		strings_add_new(out, "\"true\"", NULL);
		strings_add_new(out, "\"false\"", NULL);
	} else if (type_is(data, "unsignedInt")) {
		number_add(data, out);
	} else {
		string_add(data, out);
	}
}

static void describe_add(const struct explaining *x, const xmlNode *rule, struct strings *out)
{
	rule = rule_meant(x, rule);
	if (documentation_add(rule, out))
		return;
	if (xml_is(rule, "value"))
		value_add(rule, out);
	else if (xml_is(rule, "data"))
		data_add(rule, out);
	else
		for (const xmlNode *n = rule_first(rule); n; n = rule_next(n))
			describe_add(x, n, out);
}

void rule_describe(const struct explaining *x, const xmlNode *rule, char out[EXPLAIN_TEXT])
{
	struct strings words = { 0 };

	describe_add(x, rule, &words);
	names_join(&words, "", "", out);
	strings_free(&words);
}
