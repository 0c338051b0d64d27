/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_TEXT_H
#define TOOLS_TEXT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include "base/report.h"
#include "base/size.h"
#include "base/strings.h"

/*
 * What people and programs are told.  Names and texts that come from an image never reach a
 * terminal as they are: control characters and bytes that are no UTF-8 are shown as \xNN.
 */

/* Opens --log; `quiet` silences say_note. */
int say_open(const char *log, bool quiet, struct error *e);
/* One "hvimg: ..." line on standard error and in the log. */
void say_error(const char *text);
void say_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_close(void);

/* Writes `text` with everything unfit for a terminal escaped. */
void put_text(FILE *out, const char *text);
/* A text as JSON, null for NULL; U+FFFD for bytes that are no UTF-8. */
json_t *text_json(const char *text);
void put_size(FILE *out, uint64_t bytes);

json_t *strings_json(const struct strings *s);
/* Appends to a list, or puts into an object; without memory, or without an item, what it would go
 * into is given up and becomes NULL, which print_json then tells. */
void json_add(json_t **list, json_t *item);
void json_put(json_t **object, const char *key, json_t *value);
json_t *number_json(uint64_t n);
json_t *finding_json(const struct finding *f);
json_t *report_json(const struct report *r);
void put_finding(FILE *out, const char *indent, const struct finding *f);

/* Puts "schema" in front, prints the document to standard output and frees it. */
int print_json(json_t *document, struct error *e);

#endif
