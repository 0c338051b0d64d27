/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static struct check_count *count_of(struct check *c, const struct fault *f)
{
	for (size_t i = 0; i < c->codes; i++)
		if (!strcmp(c->count[i].code, f->code))
			return &c->count[i];
	if (c->codes == CHECK_CODES)
		return NULL;
	c->count[c->codes] = (struct check_count){ .code = f->code, .severity = f->severity };
	return &c->count[c->codes++];
}

__attribute__((format(printf, 3, 0))) static int keep(struct check *c, const struct finding *f,
	const char *format, va_list words, struct error *e)
{
	char text[1024];
	struct finding kept = *f;

	vsnprintf(text, sizeof(text), format, words);
	kept.text = text;
	return report_add(&c->report, &kept, e);
}

__attribute__((format(printf, 4, 0))) static int note(struct check *c, const struct fault *f,
	uint64_t offset, const char *format, va_list words, struct error *e)
{
	/* report_add copies. */
	const struct finding finding = {
		.code = (char *)(uintptr_t)f->code,
		.severity = f->severity,
		.fix = (char *)(uintptr_t)f->fix,
		.has_offset = offset != CHECK_NOWHERE,
		.offset = offset,
	};
	struct check_count *count = count_of(c, f);

	c->errors += f->severity == SEVERITY_ERROR;
	if (count && ++count->count > CHECK_SHOWN)
		return 0;
	return keep(c, &finding, format, words, e);
}

int check_find(struct check *c, const struct fault *f, uint64_t offset, struct error *e,
	const char *format, ...)
{
	va_list words;
	int rc;

	va_start(words, format);
	rc = note(c, f, offset, format, words, e);
	va_end(words);
	return rc;
}

int check_lost(struct check *c, const struct fault *f, uint64_t offset, struct error *e,
	const char *format, ...)
{
	va_list words;
	int rc;

	c->lost++;
	va_start(words, format);
	rc = note(c, f, offset, format, words, e);
	va_end(words);
	return rc;
}

int check_end(struct check *c, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < c->codes && !rc; i++) {
		const struct check_count *n = &c->count[i];
		char text[64];
		const struct finding more = {
			.code = (char *)(uintptr_t)n->code,
			.severity = n->severity,
			.text = text,
		};

		if (n->count <= CHECK_SHOWN)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64 " more of these", n->count - CHECK_SHOWN);
		rc = report_add(&c->report, &more, e);
	}
	return rc;
}

int check_progress(struct check *c, uint64_t done, uint64_t total, struct error *e)
{
	if (c->progress && c->progress(c->progress_arg, done, total))
		return error_set(e, ERR_CANCELLED, "cancelled");
	return 0;
}

void check_free(struct check *c)
{
	report_free(&c->report);
}
