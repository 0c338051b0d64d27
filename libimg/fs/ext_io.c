/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libext2fs's view of a disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "fs/ext.h"

static struct ext_io *io_of(io_channel channel)
{
	return channel->private_data;
}

/* `name` is all that libext2fs hands on to the function that opens a channel; so it is the ext_io's
 * address. */
static errcode_t channel_open(const char *name, int flags, io_channel *out)
{
	void *address = NULL;
	struct ext_io *io;
	io_channel channel;

	(void)flags;
	if (sscanf(name, "%p", &address) != 1 || !address)
		return EXT2_ET_BAD_DEVICE_NAME;
	io = address;
	/* Freed by libext2fs's ext2fs_free_mem as well as by us: both are free(3). */
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return EXT2_ET_NO_MEMORY;
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &io->manager;
	channel->name = strdup(name);
	channel->block_size = 1024;
	channel->refcount = 1;
	channel->private_data = io;
	if (!channel->name) {
		free(channel);
		return EXT2_ET_NO_MEMORY;
	}
	*out = channel;
	return 0;
}

static errcode_t channel_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t channel_set_blksize(io_channel channel, int size)
{
	channel->block_size = size;
	return 0;
}

/* A negative count is a number of bytes. */
static bool range_of(
	io_channel channel, unsigned long long block, int count, uint64_t *off, size_t *len)
{
	int64_t bytes = count < 0 ? -(int64_t)count : (int64_t)count * channel->block_size;

	*len = (size_t)bytes;
	return mul_fits(block, (uint64_t)channel->block_size, off);
}

static errcode_t channel_read64(io_channel channel, unsigned long long block, int count, void *to)
{
	struct ext_io *io = io_of(channel);
	uint64_t off;
	size_t len;

	if (!range_of(channel, block, count, &off, &len))
		return EXT2_ET_BAD_BLOCK_NUM;
	return cache_read(io->cache, off, to, len, &io->error) ? EXT2_ET_SHORT_READ : 0;
}

static errcode_t channel_write64(
	io_channel channel, unsigned long long block, int count, const void *from)
{
	struct ext_io *io = io_of(channel);
	uint64_t off;
	size_t len;

	if (!range_of(channel, block, count, &off, &len))
		return EXT2_ET_BAD_BLOCK_NUM;
	return cache_write(io->cache, off, from, len, &io->error) ? EXT2_ET_SHORT_WRITE : 0;
}

static errcode_t channel_read(io_channel channel, unsigned long block, int count, void *to)
{
	return channel_read64(channel, block, count, to);
}

static errcode_t channel_write(io_channel channel, unsigned long block, int count, const void *from)
{
	return channel_write64(channel, block, count, from);
}

static errcode_t channel_write_byte(
	io_channel channel, unsigned long off, int count, const void *from)
{
	struct ext_io *io = io_of(channel);

	if (count < 0)
		return EXT2_ET_INVALID_ARGUMENT;
	return cache_write(io->cache, off, from, (size_t)count, &io->error) ? EXT2_ET_SHORT_WRITE
									    : 0;
}

/* The cache is flushed when the file system is synced; until then the disk below stays as it was.
 */
static errcode_t channel_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static errcode_t channel_set_option(io_channel channel, const char *option, const char *value)
{
	(void)channel;
	(void)option;
	(void)value;
	return EXT2_ET_INVALID_ARGUMENT;
}

int ext_io_open(struct disk *d, struct ext_io **out, struct error *e)
{
	struct ext_io *io = calloc(1, sizeof(*io));
	int rc;

	if (!io)
		return error_nomem(e, "a file system");
	rc = cache_open(d, &io->cache, e);
	if (rc) {
		free(io);
		return rc;
	}
	(void)snprintf(io->name, sizeof(io->name), "%p", (void *)io);
	io->manager = (struct struct_io_manager){
		.magic = EXT2_ET_MAGIC_IO_MANAGER,
		.name = "disk",
		.open = channel_open,
		.close = channel_close,
		.set_blksize = channel_set_blksize,
		.read_blk = channel_read,
		.write_blk = channel_write,
		.read_blk64 = channel_read64,
		.write_blk64 = channel_write64,
		.write_byte = channel_write_byte,
		.flush = channel_flush,
		.set_option = channel_set_option,
	};
	*out = io;
	return 0;
}

void ext_io_close(struct ext_io *io)
{
	if (!io)
		return;
	cache_close(io->cache);
	free(io);
}
