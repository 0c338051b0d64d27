/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_OUTPUT_PRIVATE_H
#define LIBIMG_DISK_OUTPUT_PRIVATE_H

#include "disk/output.h"

struct output {
	int fd;
	int folder; /* of the destination; -1 for a device */
	char *name; /* in the folder */
	char *temporary; /* name in the folder while there is one, else NULL */
	bool device;
	bool discard; /* there is no file */
	uint64_t device_size;
	struct output_options options;
};

/* output_bytes.c; a device keeps its length. */
int output_set_length(struct output *o, uint64_t size, struct error *e);

#endif
