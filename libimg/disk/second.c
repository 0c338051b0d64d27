/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/second.h"

#include <libvhdi.h>
#include <pthread.h>
#include <stdlib.h>

struct second {
	struct disk disk;
	libvhdi_file_t *file;
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
		ssize_t n = libvhdi_file_read_buffer_at_offset(
			s->file, p, len, (off64_t)off, &error);

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

static void second_close(struct disk *d)
{
	struct second *s = (struct second *)d;

	if (s->file) {
		libvhdi_file_close(s->file, NULL);
		libvhdi_file_free(&s->file, NULL);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct disk_ops second_ops = { .read = second_read, .close = second_close };

static int file_open(struct second *s, const char *path, struct error *e)
{
	libvhdi_error_t *error = NULL;
	size64_t size = 0;

	if (libvhdi_file_initialize(&s->file, &error) != 1)
		return vhdi_error(error, e, "start");
	if (libvhdi_file_open(s->file, path, LIBVHDI_OPEN_READ, &error) != 1)
		return vhdi_error(error, e, "open it");
	if (libvhdi_file_get_media_size(s->file, &size, &error) != 1)
		return vhdi_error(error, e, "tell its size");
	s->disk.size = size;
	return 0;
}

int second_reader_open(const char *path, struct disk **out, struct error *e)
{
	struct second *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return error_nomem(e, "libvhdi");
	s->disk = (struct disk){ .ops = &second_ops, .logical_sector = 512 };
	pthread_mutex_init(&s->lock, NULL);
	rc = file_open(s, path, e);
	if (rc)
		second_close(&s->disk);
	else
		*out = &s->disk;
	return rc;
}
