/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a kernel module. */
#include <stdlib.h>
#include <string.h>

#include "guest/vermagic.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct module_info m;
	struct error e;
	/* Of that size, so that what is read behind it is seen. */
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return 0;
	memcpy(copy, bytes, len);
	if (!module_info_read(copy, len, &m, &e)) {
		if (!m.vermagic)
			abort();
		module_info_free(&m);
	}
	free(copy);
	return 0;
}
