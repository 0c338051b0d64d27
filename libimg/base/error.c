/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void text_format(
	struct error *e, const char *format, va_list args)
{
	vsnprintf(e->text, sizeof(e->text), format, args);
}

int error_set(struct error *e, enum error_code code, const char *format, ...)
{
	va_list args;

	if (e) {
		e->code = (int)code;
		va_start(args, format);
		text_format(e, format, args);
		va_end(args);
	}
	return -(int)code;
}

static enum error_code code_of_errno(int number)
{
	switch (number) {
	case ENOENT:
		return ERR_NOTFOUND;
	case ENOMEM:
		return ERR_NOMEM;
	case EEXIST:
		return ERR_EXISTS;
	default:
		return ERR_IO;
	}
}

int error_errno(struct error *e, int number, const char *format, ...)
{
	enum error_code code = code_of_errno(number);
	char reason[128];
	va_list args;
	size_t used;

	if (!e)
		return -(int)code;
	e->code = (int)code;
	va_start(args, format);
	text_format(e, format, args);
	va_end(args);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %s",
		strerror_r(number, reason, sizeof(reason)));
	return -(int)code;
}

int error_prefix(struct error *e, const char *format, ...)
{
	char old[sizeof(e->text)];
	va_list args;
	size_t used;

	if (!e)
		return -ERR_IO;
	memcpy(old, e->text, sizeof(old));
	va_start(args, format);
	text_format(e, format, args);
	va_end(args);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof(e->text) - used, ": %.*s", (int)(sizeof(old) - 1), old);
	return -e->code;
}

int error_of_host(const struct error *kept, struct error *e)
{
	if (kept->code != ERR_IO && kept->code != ERR_NOMEM && kept->code != ERR_CANCELLED)
		return 0;
	if (e)
		*e = *kept;
	return -kept->code;
}

int error_nomem(struct error *e, const char *what)
{
	return error_set(e, ERR_NOMEM, "out of memory for %s", what);
}
