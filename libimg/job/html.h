/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_HTML_H
#define LIBIMG_JOB_HTML_H

#include "base/buffer.h"

/*
 * A page on its way.  Markup is hvimg's own, written out where it is used; everything else comes
 * in as text, which cannot become markup.  The first error stays, and ends the writing.
 */
struct html {
	struct buffer *out;
	struct error *e;
	int rc;
};

void html_markup(struct html *h, const char *markup);
/*
 * As text, in an element or a quoted attribute.  What would change how other text is read or shown
 * (control characters, marks of direction, characters without a shape) is spelt: "[U+202E]"; bytes
 * that are no UTF-8 are U+FFFD.  NULL: nothing.
 */
void html_text(struct html *h, const char *text);
/* Markup in which each % stands for the next of the texts. */
#define html_put(h, markup, ...)                                                                   \
	html_fill((h), (markup), (const char *const[]){ __VA_ARGS__ },                             \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
void html_fill(struct html *h, const char *markup, const char *const *text, size_t count);

#endif
