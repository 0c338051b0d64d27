/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/zero.h"

#include <stdint.h>
#include <string.h>

bool bytes_are_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	/* If the first bytes are zero and every byte equals the one 16 before it, all are zero;
	 * memcmp is the C library's widest loop for this processor.  Data mostly differs in the
	 * first bytes, so the first test decides. */
	for (; len && (len & 15); len--)
		if (p[len - 1])
			return false;
	if (!len)
		return true;
	for (int i = 0; i < 16; i++)
		if (p[i])
			return false;
	return memcmp(p, p + 16, len - 16) == 0;
}
