/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/size.h"

#include <ctype.h>
#include <errno.h>
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
