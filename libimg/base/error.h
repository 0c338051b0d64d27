/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_ERROR_H
#define LIBIMG_BASE_ERROR_H

#include <stdarg.h>

/*
 * Every function that can fail returns 0 or a negative error code and takes a struct error as its
 * last argument, filled where the fault is noticed.  The text is lower case, without a full stop,
 * with the offending number or name in it; callers put what they were doing in front of it.
 */
enum error_code {
	ERR_IO = 1, /* the host's operating system refused a call */
	ERR_NOMEM, /* allocation failed */
	ERR_CORRUPT, /* what was read contradicts its own format */
	ERR_UNSUPPORTED, /* valid, but not something hvimg does */
	ERR_REFUSED, /* would be dangerous; the user can allow it */
	ERR_EXISTS, /* there already */
	ERR_NOTFOUND, /* not there */
	ERR_RANGE, /* beyond an end or a limit */
	ERR_USAGE, /* what was asked for makes no sense */
	ERR_NOTREADY, /* the answer is no: exit status 3 */
	ERR_CANCELLED, /* the caller asked to stop */
};

struct error {
	int code; /* an enum error_code, 0 when nothing is set */
	char text[1024];
};

/* Sets code and text, and returns -code, so that a check is one statement.  `e` may be NULL. */
int error_set(struct error *e, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As error_set with ERR_IO (ERR_NOTFOUND for ENOENT, ERR_NOMEM for ENOMEM); appends the text of
 * `number` (an errno value). */
int error_errno(struct error *e, int number, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the text already there and returns -e->code. */
int error_prefix(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Copies to `e` what was kept for later, and returns its code, when the host failed (ERR_IO,
 * ERR_NOMEM) or the user asked to stop: that says nothing about an image.  Otherwise 0. */
int error_of_host(const struct error *kept, struct error *e);

/* "out of memory for WHAT" */
int error_nomem(struct error *e, const char *what);

#endif
