/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/second.h"

#include <libvhdi.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/checked.h"

/*
 * A read of a child must not reach into another block: libvhdi takes the unused end of a bitmap of
 * a sector for bits of the next block's sectors, which then come from the parent.
 */
enum { SPAN = 512 << 10 };

struct second {
	struct disk disk;
	libvhdi_file_t *file, *parent; /* parent: NULL when there is none */
	pthread_mutex_t lock; /* libvhdi keeps a position */
};

static int vhdi_error(libvhdi_error_t *error, struct error *e, const char *what)
{
	char text[512] = "no reason given";

	libvhdi_error_sprint(error, text, sizeof(text));
	libvhdi_error_free(&error);
	return error_set(e, ERR_CORRUPT, "libvhdi cannot %s: %s", what, text);
}

static int second_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct second *s = (struct second *)d;
	libvhdi_error_t *error = NULL;
	uint8_t *p = buf;
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (!rc && len) {
		size_t now = s->parent ? (size_t)min_u64(len, SPAN - off % SPAN) : len;
		ssize_t n = libvhdi_file_read_buffer_at_offset(
			s->file, p, now, (off64_t)off, &error);

		if (n <= 0) {
			rc = vhdi_error(error, e, "read");
			break;
		}
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static void file_close(libvhdi_file_t **file)
{
	if (!*file)
		return;
	libvhdi_file_close(*file, NULL);
	libvhdi_file_free(file, NULL);
}

static void second_close(struct disk *d)
{
	struct second *s = (struct second *)d;

	file_close(&s->file);
	file_close(&s->parent);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct disk_ops second_ops = { .read = second_read, .close = second_close };

static int file_open(libvhdi_file_t **out, const char *path, struct error *e)
{
	libvhdi_error_t *error = NULL;

	if (libvhdi_file_initialize(out, &error) != 1)
		return vhdi_error(error, e, "start");
	if (libvhdi_file_open(*out, path, LIBVHDI_OPEN_READ, &error) != 1)
		return vhdi_error(error, e, "open it");
	return 0;
}

static int files_open(struct second *s, const char *path, const char *parent, struct error *e)
{
	libvhdi_error_t *error = NULL;
	size64_t size = 0;
	int rc = file_open(&s->file, path, e);

	if (!rc && parent)
		rc = file_open(&s->parent, parent, e);
	if (rc)
		return rc;
	if (parent && libvhdi_file_set_parent_file(s->file, s->parent, &error) != 1)
		return vhdi_error(error, e, "take the parent");
	if (libvhdi_file_get_media_size(s->file, &size, &error) != 1)
		return vhdi_error(error, e, "tell its size");
	s->disk.size = size;
	return 0;
}

int second_reader_open_child(
	const char *path, const char *parent, struct disk **out, struct error *e)
{
	struct second *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(e, "libvhdi");
	s->disk = (struct disk){ .ops = &second_ops, .logical_sector = 512 };
	pthread_mutex_init(&s->lock, NULL);
	rc = files_open(s, path, parent, e);
	if (rc)
		second_close(&s->disk);
	else
		*out = &s->disk;
	return rc;
}

int second_reader_open(const char *path, struct disk **out, struct error *e)
{
	return second_reader_open_child(path, NULL, out, e);
}
