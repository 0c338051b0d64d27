/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_REPORT_H
#define LIBIMG_BASE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* What a check, a lint or a readiness test found: the same object everywhere. */
enum severity { SEVERITY_INFO, SEVERITY_WARNING, SEVERITY_ERROR };

struct finding {
	char *code; /* stable name, e.g. "initramfs-module-missing" */
	enum severity severity;
	char *text;
	char *fix; /* NULL when there is none */
	bool fixable; /* hvimg inject mends it */
	char *path; /* guest path, or NULL */
	bool has_offset;
	uint64_t offset; /* bytes in the file that was checked */
};

struct report {
	struct finding *finding;
	size_t count;
	size_t capacity;
};

/* Copies what `f` points at. */
int report_add(struct report *r, const struct finding *f, struct error *e);
/* Number of findings of at least that severity. */
size_t report_count(const struct report *r, enum severity least);
const char *severity_name(enum severity s);
void report_free(struct report *r);

#endif
