/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/locked.h"

#include <pthread.h>
#include <stdlib.h>

struct locked {
	struct disk disk;
	struct disk *below;
	pthread_mutex_t lock;
};

static int locked_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct locked *l = (struct locked *)d;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = disk_read(l->below, off, buf, len, e);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int locked_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	struct locked *l = (struct locked *)d;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = disk_write(l->below, off, buf, len, e);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int locked_zero(struct disk *d, uint64_t off, uint64_t len, struct error *e)
{
	struct locked *l = (struct locked *)d;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = disk_zero(l->below, off, len, e);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static int locked_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct locked *l = (struct locked *)d;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = disk_extent(l->below, off, out, e);
	pthread_mutex_unlock(&l->lock);
	return rc;
}

static void locked_close(struct disk *d)
{
	pthread_mutex_destroy(&((struct locked *)d)->lock);
	free(d);
}

static const struct disk_ops read_ops = {
	.read = locked_read,
	.extent = locked_extent,
	.close = locked_close,
};

static const struct disk_ops write_ops = {
	.read = locked_read,
	.write = locked_write,
	.zero = locked_zero,
	.extent = locked_extent,
	.close = locked_close,
};

int locked_open(struct disk *below, struct disk **out, struct error *e)
{
	struct locked *l = calloc(1, sizeof(*l));

	if (!l)
		return error_nomem(e, "a disk");
	l->disk = *below;
	l->disk.ops = below->ops->write ? &write_ops : &read_ops;
	l->below = below;
	pthread_mutex_init(&l->lock, NULL);
	*out = &l->disk;
	return 0;
}
