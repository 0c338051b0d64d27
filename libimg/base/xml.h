/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_XML_H
#define LIBIMG_BASE_XML_H

#include <stdbool.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "base/error.h"

/*
 * XML files that hvimg is driven by.  No network, no external entity, no document type: a file that
 * has one is refused, and so is one above XML_FILE_LIMIT.  Errors begin with "PATH:LINE: ".
 */
enum { XML_FILE_LIMIT = 1 << 20 };

/* Reads `path`; when `schema` is not NULL, the document is valid against that RELAX NG file.  The
 * caller frees with xmlFreeDoc. */
int xml_load(const char *path, const char *schema, xmlDoc **out, struct error *e);

/* The same for a document in memory, which errors call `name`. */
int xml_parse(const char *name, const void *bytes, size_t len, xmlDoc **out, struct error *e);

/* Whether a document that was changed since is valid; errors name `path`. */
int xml_validate(const char *path, xmlDoc *doc, const char *schema, struct error *e);

/* First child element, next sibling element; NULL: none.  `name` NULL: any. */
xmlNode *xml_first(const xmlNode *parent, const char *name);
xmlNode *xml_next(const xmlNode *node, const char *name);
bool xml_is(const xmlNode *node, const char *name);
/* A copy of an attribute's value, or of an element's text, for free(); *out is NULL where there is
 * none. */
int xml_attribute(const xmlNode *node, const char *name, char **out, struct error *e);
int xml_text(const xmlNode *node, char **out, struct error *e);

#endif
