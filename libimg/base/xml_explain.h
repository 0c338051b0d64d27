/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_XML_EXPLAIN_H
#define LIBIMG_BASE_XML_EXPLAIN_H

#include <stdbool.h>

#include <libxml/tree.h>

#include "base/error.h"

/*
 * Says in words the first thing that keeps a document from being what a RELAX NG grammar asks for:
 * which element or attribute, and what would be right there, as the grammar has it.  Where that
 * has a documentation (of RELAX NG's annotations) beside a pattern, its words stand for the values.
 * Whether the document is valid is for libxml2 to say: false, with nothing in *e, where the reason
 * is none that is looked for here.
 */
bool xml_explain(const char *path, const xmlDoc *grammar, const xmlDoc *doc, struct error *e);

#endif
