/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/memory.h"

#include <stdlib.h>
#include <string.h>

struct memory_disk {
	struct disk disk;
	uint8_t *bytes;
};

static int memory_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(buf, ((struct memory_disk *)d)->bytes + off, len);
	return 0;
}

static int memory_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	(void)e;
	memcpy(((struct memory_disk *)d)->bytes + off, buf, len);
	return 0;
}

static void memory_close(struct disk *d)
{
	free(((struct memory_disk *)d)->bytes);
	free(d);
}

static const struct disk_ops memory_ops = {
	.read = memory_read,
	.write = memory_write,
	.close = memory_close,
};

int memory_disk_open(const void *bytes, size_t len, struct disk **out, struct error *e)
{
	struct memory_disk *m = calloc(1, sizeof(*m));

	if (!m)
		return error_nomem(e, "a disk in memory");
	m->disk = (struct disk){ .ops = &memory_ops, .size = len, .logical_sector = 512 };
	m->bytes = calloc(len ? len : 1, 1);
	if (!m->bytes) {
		free(m);
		return error_nomem(e, "a disk in memory");
	}
	if (bytes)
		memcpy(m->bytes, bytes, len);
	*out = &m->disk;
	return 0;
}
