/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes the content of a VHD or VHDX to standard output as libvhdi alone reads it; a second file
 * is the parent. */
#include <libvhdi.h>
#include <stdio.h>
#include <stdlib.h>

static libvhdi_file_t *file_open(const char *path)
{
	libvhdi_file_t *file = NULL;

	if (libvhdi_file_initialize(&file, NULL) != 1 ||
		libvhdi_file_open(file, path, LIBVHDI_OPEN_READ, NULL) != 1) {
		fprintf(stderr, "libvhdi does not open %s\n", path);
		exit(1);
	}
	return file;
}

int main(int argc, char **argv)
{
	enum { CHUNK = 1 << 20 };
	static char buffer[CHUNK];
	libvhdi_file_t *file, *parent = NULL;
	size64_t left;

	if (argc < 2)
		return 2;
	file = file_open(argv[1]);
	if (argc > 2)
		parent = file_open(argv[2]);
	if (parent && libvhdi_file_set_parent_file(file, parent, NULL) != 1) {
		fprintf(stderr, "libvhdi does not take the parent\n");
		return 1;
	}
	if (libvhdi_file_get_media_size(file, &left, NULL) != 1)
		return 1;
	while (left) {
		size_t len = left < CHUNK ? (size_t)left : CHUNK;
		ssize_t n = libvhdi_file_read_buffer(file, buffer, len, NULL);

		if (n <= 0 || fwrite(buffer, 1, (size_t)n, stdout) != (size_t)n) {
			fprintf(stderr, "libvhdi stops %llu bytes before the end\n",
				(unsigned long long)left);
			return 1;
		}
		left -= (size64_t)n;
	}
	libvhdi_file_free(&file, NULL);
	if (parent)
		libvhdi_file_free(&parent, NULL);
	return 0;
}
