/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_REPORT_HTML_PRIVATE_H
#define LIBIMG_JOB_REPORT_HTML_PRIVATE_H

#include "base/size.h"
#include "job/html.h"
#include "job/report_html.h"

enum { REPORT_ROWS = 400, REPORT_NUMBER = 128 };

/* A text of an object; NULL: none. */
const char *report_text(const json_t *object, const char *key);
/* "1.50 GiB (1,610,612,736 bytes)" */
void report_size(uint64_t bytes, char out[REPORT_NUMBER]);
/* A line of a list of terms; without a text none. */
void report_row(struct html *h, const char *term, const char *text);
void report_row_code(struct html *h, const char *term, const char *text);
void report_row_size(struct html *h, const char *term, const json_t *bytes);
/* The texts of an array as small pieces of code. */
void report_words(struct html *h, const json_t *array);
/* An item of a list of findings; targets may be NULL. */
void report_finding(struct html *h, const json_t *finding, const json_t *targets);
/* "and N more" below a list that was cut. */
void report_more(struct html *h, size_t count, const char *file);

/* Whether the recipe asks for that target. */
bool report_asked(const json_t *plan, const char *name, const json_t *readiness);
void report_readiness(struct html *h, const struct report_html *r);
void report_outputs(struct html *h, const struct report_html *r);
void report_disk(struct html *h, const struct report_html *r);
void report_edits(struct html *h, const struct report_html *r);

#endif
