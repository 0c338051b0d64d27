/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a PE image. */
#include <stdlib.h>
#include <string.h>

#include "guest/pe_grow.h"
#include "guest/pe_resource.h"

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

/* What was made must be an image, with the content in its place. */
static void grow_use(const struct initramfs_source *source, const char *section)
{
	static const uint8_t bytes[70000] = "content";
	struct input in = { bytes, sizeof(bytes) };
	const struct initramfs_source content = {
		.size = sizeof(bytes), .read = input_read, .arg = &in
	};
	struct pe_grown grown;
	struct error e;
	struct pe pe;

	if (pe_grow(source, section, &content, &grown, &e))
		return;
	const struct initramfs_source made = {
		.size = grown.size, .read = pe_grown_read, .arg = &grown
	};
	uint8_t back[8];

	if (pe_read(&made, &pe, &e))
		abort();
	if (pe_grown_read(&grown, pe_section(&pe, section)->offset, back, 8, &e) ||
		memcmp(back, bytes, 8))
		abort();
	pe_free(&pe);
	pe_grown_free(&grown);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct input in = { bytes, len };
	const struct initramfs_source source = { .size = len, .read = input_read, .arg = &in };
	uint16_t version[4];
	struct error e;
	struct pe pe;
	bool found;

	if (pe_read(&source, &pe, &e))
		return 0;
	(void)pe_file_version(&source, &pe, version, &found, &e);
	for (size_t i = 0; i < pe.section_count; i++)
		if (pe.section[i].size && pe.section[i].offset + pe.section[i].size > len)
			abort();
	if (pe.section_count)
		grow_use(&source, pe.section[pe.section_count - 1].name);
	pe_free(&pe);
	return 0;
}
