/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/xml.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/relaxng.h>

#include "base/file.h"
#include "base/xml_explain.h"

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error_pointer;
#else
typedef xmlErrorPtr xml_error_pointer;
#endif

/* What the first complaint of libxml2 becomes. */
struct complaint {
	const char *path;
	struct error *e;
	bool set;
	bool *shortage; /* of memory */
};

static void complain(void *arg, xml_error_pointer x)
{
	struct complaint *c = arg;
	const char *text = x->message ? x->message : "not valid";

	if (x->code == XML_ERR_NO_MEMORY)
		*c->shortage = true;
	if (c->set)
		return;
	c->set = true;
	error_set(
		c->e, ERR_CORRUPT, "%s:%d: %.*s", c->path, x->line, (int)strcspn(text, "\n"), text);
}

/* In place of its own, with which libxml2 writes to standard error. */
static void say_nothing(void *arg, xml_error_pointer x)
{
	(void)arg;
	(void)x;
}

static void shortage_note(void *arg, xml_error_pointer x)
{
	if (x->code == XML_ERR_NO_MEMORY)
		*(bool *)arg = true;
}

static int document_parse(
	const char *path, const struct buffer *text, bool *shortage, xmlDoc **out, struct error *e)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	struct complaint c = { .path = path, .e = e, .shortage = shortage };
	xmlParserCtxt *context = xmlNewParserCtxt();
	xmlDoc *doc;

	if (!context)
		return error_nomem(e, path);
	doc = xmlCtxtReadMemory(context, buffer_text(text), (int)text->len, path, NULL, options);
	if (!doc) {
		xml_error_pointer last = xmlCtxtGetLastError(context);

		if (last)
			complain(&c, last);
		else
			error_set(e, ERR_CORRUPT, "%s:1: not XML", path);
		xmlFreeParserCtxt(context);
		return -ERR_CORRUPT;
	}
	xmlFreeParserCtxt(context);
	if (doc->intSubset || doc->extSubset) {
		xmlFreeDoc(doc);
		return error_set(
			e, ERR_CORRUPT, "%s:1: has a document type, which is not taken", path);
	}
	*out = doc;
	return 0;
}

static int document_load(const char *path, bool *shortage, xmlDoc **out, struct error *e)
{
	struct buffer text = { 0 };
	int rc = file_read(path, XML_FILE_LIMIT, &text, e);

	if (!rc)
		rc = document_parse(path, &text, shortage, out, e);
	buffer_free(&text);
	return rc;
}

static int document_validate(const char *path, xmlDoc *doc, xmlRelaxNG *schema,
	const xmlDoc *grammar, bool *shortage, struct error *e)
{
	struct complaint c = { .path = path, .e = e, .shortage = shortage };
	xmlRelaxNGValidCtxt *valid = xmlRelaxNGNewValidCtxt(schema);
	int answer;

	if (!valid)
		return error_nomem(e, path);
	xmlRelaxNGSetValidStructuredErrors(valid, complain, &c);
	answer = xmlRelaxNGValidateDoc(valid, doc);
	xmlRelaxNGFreeValidCtxt(valid);
	if (!answer)
		return 0;
	if (!xml_explain(path, grammar, doc, e) && !c.set)
		error_set(e, ERR_CORRUPT, "%s:1: not valid", path);
	return -ERR_CORRUPT;
}

static int schema_check(
	const char *path, xmlDoc *doc, const char *schema, bool *shortage, struct error *e)
{
	struct complaint c = { .path = schema, .e = e, .shortage = shortage };
	xmlRelaxNGParserCtxt *parser = NULL;
	xmlRelaxNG *compiled = NULL;
	xmlDoc *text = NULL;
	int rc = document_load(schema, shortage, &text, e);

	if (rc)
		return rc;
	parser = xmlRelaxNGNewDocParserCtxt(text);
	if (parser) {
		xmlRelaxNGSetParserStructuredErrors(parser, complain, &c);
		compiled = xmlRelaxNGParse(parser);
	}
	if (compiled)
		rc = document_validate(path, doc, compiled, text, shortage, e);
	else
		rc = c.set ? -ERR_CORRUPT : error_nomem(e, schema);
	xmlRelaxNGFree(compiled);
	if (parser)
		xmlRelaxNGFreeParserCtxt(parser);
	xmlFreeDoc(text);
	return rc;
}

int xml_load(const char *path, const char *schema, xmlDoc **out, struct error *e)
{
	bool shortage = false;
	xmlDoc *doc = NULL;
	int rc;

	xmlSetStructuredErrorFunc(&shortage, shortage_note);
	xmlInitParser();
	rc = document_load(path, &shortage, &doc, e);
	if (!rc && schema)
		rc = schema_check(path, doc, schema, &shortage, e);
	xmlSetStructuredErrorFunc(NULL, say_nothing);
	/* libxml2 goes on without what it has no memory for, and then finds other faults or none.
	 */
	if (shortage)
		rc = error_nomem(e, path);
	if (rc) {
		xmlFreeDoc(doc);
		return rc;
	}
	*out = doc;
	return 0;
}

int xml_validate(const char *path, xmlDoc *doc, const char *schema, struct error *e)
{
	bool shortage = false;
	int rc;

	xmlSetStructuredErrorFunc(&shortage, shortage_note);
	rc = schema_check(path, doc, schema, &shortage, e);
	xmlSetStructuredErrorFunc(NULL, say_nothing);
	return shortage ? error_nomem(e, path) : rc;
}

int xml_parse(const char *name, const void *bytes, size_t len, xmlDoc **out, struct error *e)
{
	struct buffer text = { 0 };
	bool shortage = false;
	xmlDoc *doc = NULL;
	int rc;

	if (len > XML_FILE_LIMIT)
		return error_set(e, ERR_RANGE, "%s: larger than %d bytes", name, XML_FILE_LIMIT);
	rc = buffer_append(&text, bytes, len, e);
	if (rc)
		return rc;
	xmlSetStructuredErrorFunc(&shortage, shortage_note);
	xmlInitParser();
	rc = document_parse(name, &text, &shortage, &doc, e);
	xmlSetStructuredErrorFunc(NULL, say_nothing);
	buffer_free(&text);
	if (shortage)
		rc = error_nomem(e, name);
	if (rc)
		xmlFreeDoc(doc);
	else
		*out = doc;
	return rc;
}

bool xml_is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && (!name || !strcmp((const char *)node->name, name));
}

static xmlNode *from(xmlNode *node, const char *name)
{
	while (node && !xml_is(node, name))
		node = node->next;
	return node;
}

xmlNode *xml_first(const xmlNode *parent, const char *name)
{
	return from(parent->children, name);
}

xmlNode *xml_next(const xmlNode *node, const char *name)
{
	return from(node->next, name);
}

/* Ours are freed with free(), libxml2's with xmlFree. */
static int text_take(xmlChar *text, char **out, struct error *e)
{
	char *copy = NULL;

	if (text) {
		copy = strdup((const char *)text);
		xmlFree(text);
		if (!copy)
			return error_nomem(e, "an XML text");
	}
	*out = copy;
	return 0;
}

int xml_attribute(const xmlNode *node, const char *name, char **out, struct error *e)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);

	*out = NULL;
	if (!text && xmlHasProp(node, (const xmlChar *)name))
		return error_nomem(e, "an XML attribute");
	return text_take(text, out, e);
}

int xml_text(const xmlNode *node, char **out, struct error *e)
{
	xmlChar *text = xmlNodeGetContent(node);

	return text ? text_take(text, out, e) : error_nomem(e, "an XML text");
}
