/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_CHECK_H
#define LIBIMG_DISK_CHECK_H

#include "base/report.h"

/*
 * What a check of a container finds.  A broken table can hold millions of bad entries: all are
 * counted, and the first CHECK_SHOWN of each code are kept, then one finding that says how many
 * more there were.
 */

enum { CHECK_SHOWN = 8, CHECK_CODES = 64 };

struct check {
	struct report report;
	uint64_t errors; /* findings of that severity, those not kept included */
	uint64_t leaks; /* clusters or blocks of the file that nothing refers to */
	uint64_t lost; /* errors behind which content is lost or in doubt: no repair brings it back
			*/
	struct check_count {
		const char *code; /* static text */
		enum severity severity;
		uint64_t count;
	} count[CHECK_CODES];
	size_t codes;
	/* Called now and then with bytes of tables looked at; non-zero cancels.  May be NULL. */
	int (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
	/* The file in which the image's parent was found; NULL: none, or not looked for. */
	const char *parent;
};

/* A kind of fault: what stays the same wherever it is found.  Static. */
struct fault {
	const char *code; /* e.g. "vhd-footer-checksum" */
	enum severity severity;
	const char *fix; /* what the user can do; NULL when there is nothing to say */
};

#define CHECK_NOWHERE UINT64_MAX /* an offset that is none */

/* Notes a fault at byte `offset` of the file, in words. */
int check_find(struct check *c, const struct fault *f, uint64_t offset, struct error *e,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for an error that costs content: what the image holds can't be told for certain. */
int check_lost(struct check *c, const struct fault *f, uint64_t offset, struct error *e,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Adds the findings that say how many were not kept; once, when the check is over. */
int check_end(struct check *c, struct error *e);
/* ERR_CANCELLED when the caller does not want to go on. */
int check_progress(struct check *c, uint64_t done, uint64_t total, struct error *e);
void check_free(struct check *c);

#endif
