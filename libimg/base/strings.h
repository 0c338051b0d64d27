/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_STRINGS_H
#define LIBIMG_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* An ordered list of owned strings; all zero is an empty one. */
struct strings {
	char **item;
	size_t count;
	size_t capacity;
};

int strings_add(struct strings *s, const char *text, struct error *e);
/* As strings_add, from the first `len` bytes of `text`. */
int strings_add_len(struct strings *s, const char *text, size_t len, struct error *e);
/* Adds only what is not there yet. */
int strings_add_new(struct strings *s, const char *text, struct error *e);
bool strings_have(const struct strings *s, const char *text);
void strings_sort(struct strings *s);
/* Splits at any byte of `separators`; empty pieces are dropped. */
int strings_split(struct strings *s, const char *text, const char *separators, struct error *e);
void strings_free(struct strings *s);

#endif
