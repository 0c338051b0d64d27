/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_KMOD_TEXT_H
#define LIBIMG_GUEST_KMOD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Pieces of depmod's texts, and tables to find them by name.  Private to kmod*.c. */

/* Bytes inside a text that somebody else owns. */
struct span {
	const char *text;
	size_t len;
};

/* Takes the next line, without its newline, from *at; false at the end. */
bool line_next(const char **at, struct span *line);
/* Takes the next word of the line, which blanks end; false when there is none. */
bool word_next(struct span *line, struct span *word);
bool span_is(struct span s, const char *text);
/* The module's name in a path: what follows the last slash, up to the first dot. */
struct span span_module(struct span path);
/* The path without the suffix of a compression: up to and with ".ko". */
struct span span_uncompressed(struct span path);

/* A name and the number of the module that it stands for. */
struct name {
	struct span span;
	size_t module;
};

/* Names, sorted by bytes with '-' taken for '_', then by order of insertion. */
struct names {
	struct name *item;
	size_t count, capacity;
};

int names_add(struct names *n, struct span span, size_t module, struct error *e);
void names_sort(struct names *n);
/* Most names that names_find tells of at once: keeps a text that repeats one name from costing its
 * square. */
enum { NAMES_EQUAL_LIMIT = 256 };

/* The first of the names that equal `wanted`, and how many they are. */
const struct name *names_find(const struct names *n, struct span wanted, size_t *count);
void names_free(struct names *n);

#endif
