/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an INF, for a platform that the first two choose, or as a catalogue.  What is taken
 * names files inside its package and folder alone. */
#include <stdlib.h>
#include <string.h>

#include "guest/driver_catalog.h"
#include "guest/hive.h"
#include "guest/inf.h"

static void expect(bool right)
{
	if (!right)
		abort();
}

/* "/" between names, and no name that is none. */
static void check_path(const char *path)
{
	if (!*path)
		return;
	for (;;) {
		const size_t len = strcspn(path, "/");

		expect(len && !(len == 1 && *path == '.') && !(len == 2 && !memcmp(path, "..", 2)));
		expect(!memchr(path, '\\', len) && !memchr(path, ':', len));
		if (!path[len])
			return;
		path += len + 1;
	}
}

static void check_regs(const struct inf_regs *regs)
{
	for (size_t i = 0; i < regs->count; i++) {
		const struct inf_reg *r = &regs->reg[i];
		const bool text = r->type == HIVE_SZ || r->type == HIVE_EXPAND_SZ ||
			r->type == HIVE_MULTI_SZ;

		expect(r->root && r->key && r->name && (r->data || !r->len));
		if (r->flags & INF_REG_KEY_ONLY)
			expect(!r->data);
		else if (text && r->type < 8 && !(r->flags & 1))
			expect(r->len >= 2 && !(r->len % 2) && !r->data[r->len - 1]);
		else if ((r->flags & 0xffff0001) == 0x10001)
			expect(r->len == 4);
	}
}

static void check_device(const struct inf_device *d)
{
	expect(d->description && d->manufacturer && d->section);
	for (size_t i = 0; i < d->file_count; i++) {
		check_path(d->file[i].source);
		check_path(d->file[i].subdirectory);
		expect(*d->file[i].name && !strchr(d->file[i].name, '/'));
		check_path(d->file[i].name);
	}
	for (size_t i = 0; i < d->service_count; i++) {
		expect(*d->service[i].name && *d->service[i].binary);
		check_path(d->service[i].binary);
		check_path(d->service[i].binary_subdirectory);
		check_regs(&d->service[i].registry);
	}
	check_regs(&d->registry);
	check_regs(&d->hardware);
}

static void fuzz_inf(const uint8_t *bytes, size_t len)
{
	static const struct inf_platform platforms[] = { { INF_AMD64, 10, 0, 19045, 1, 0x409 },
		{ INF_X86, 6, 1, 7601, 3, 0x407 }, { INF_ARM64, 10, 0, 26100, 1, 0x409 },
		{ INF_X86, 5, 1, 2600, 1, 0x409 } };
	struct inf inf;
	struct error e;

	if (inf_parse(bytes + 1, len - 1, &platforms[bytes[0] % 4], &inf, &e))
		return;
	expect(inf.device_count > 0);
	for (size_t i = 0; i < inf.device_count; i++)
		check_device(&inf.device[i]);
	for (size_t i = 0; i < inf.sources.count; i++)
		check_path(inf.sources.item[i]);
	inf_free(&inf);
}

static void fuzz_catalog(const uint8_t *bytes, size_t len)
{
	struct buffer b = { 0 };
	struct driver_catalog c;
	bool answer;

	if (!buffer_append(&b, bytes, len, NULL) && !driver_catalog_read(&b, &c, NULL)) {
		expect(!driver_catalog_has(&c, &b, NULL, &answer, NULL) && !answer);
		driver_catalog_free(&c);
	}
	buffer_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = len ? malloc(len) : NULL;

	if (!copy)
		return 0;
	/* Of that size, so that what is read behind it is seen. */
	memcpy(copy, bytes, len);
	if (copy[0] == 0x30)
		fuzz_catalog(copy, len);
	else
		fuzz_inf(copy, len);
	free(copy);
	return 0;
}
