/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checked.h"

static int suffix_shift(char c)
{
	switch (toupper((unsigned char)c)) {
	case 0:
		return 0;
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return -1;
	}
}

int size_parse(const char *text, uint64_t *out, struct error *e)
{
	unsigned long long number;
	uint64_t bytes;
	char *end;
	int shift;

	errno = 0;
	number = strtoull(text, &end, 10);
	shift = suffix_shift(*end);
	if (!isdigit((unsigned char)*text) || shift < 0 || (*end && end[1]))
		return error_set(e, ERR_USAGE,
			"%s is not a size: bytes, or a number with K, M, G or T", text);
	if (errno || !mul_fits(number, UINT64_C(1) << shift, &bytes) || bytes > INT64_MAX)
		return error_set(e, ERR_USAGE, "size %s is too large", text);
	*out = bytes;
	return 0;
}

int size_change_parse(const char *text, struct size_change *out, struct error *e)
{
	struct size_change c = { 0 };
	int rc;

	if (*text == '+' || *text == '-')
		c.sign = *text;
	rc = size_parse(c.sign ? text + 1 : text, &c.bytes, e);
	if (!rc && !c.bytes)
		rc = error_set(e, ERR_USAGE, "size 0 is no size");
	if (!rc)
		*out = c;
	return rc;
}

int size_change_apply(
	const struct size_change *change, uint64_t old, uint64_t *out, struct error *e)
{
	uint64_t size = change->bytes;

	if (change->sign == '-' && change->bytes >= old)
		return error_set(e, ERR_USAGE, "size %llu less than %llu leaves nothing",
			(unsigned long long)change->bytes, (unsigned long long)old);
	if (change->sign == '+' && (!add_fits(old, change->bytes, &size) || size > INT64_MAX))
		return error_set(e, ERR_USAGE, "size %llu more than %llu is too large",
			(unsigned long long)change->bytes, (unsigned long long)old);
	*out = change->sign == '-' ? old - change->bytes : size;
	return 0;
}

void size_text(uint64_t bytes, char text[SIZE_TEXT])
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(text, SIZE_TEXT, "%" PRIu64 " bytes", bytes);
		return;
	}
	for (; n >= 1024 && i < 3; i++)
		n /= 1024;
	snprintf(text, SIZE_TEXT, "%.*f %s", n < 10 ? 2 : 1, n, unit[i]);
}
