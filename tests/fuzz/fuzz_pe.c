/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a PE image. */
#include <stdlib.h>
#include <string.h>

#include "guest/pe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct input {
	const uint8_t *bytes;
	size_t len;
};

static int input_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct input *in = arg;

	(void)e;
	if (off + len > in->len)
		abort();
	memcpy(buf, in->bytes + off, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	const struct initramfs_source source = { .size = len, .read = input_read, .arg = &in };
	struct error e;
	struct pe pe;

	if (pe_read(&source, &pe, &e))
		return 0;
	for (size_t i = 0; i < pe.section_count; i++)
		if (pe.section[i].size && pe.section[i].offset + pe.section[i].size > len)
			abort();
	pe_free(&pe);
	return 0;
}
