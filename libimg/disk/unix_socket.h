/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_UNIX_SOCKET_H
#define LIBIMG_DISK_UNIX_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A Unix socket that only its owner can connect to. */
struct unix_socket {
	int fd; /* listens */
	int folder; /* where its name is */
	char *name; /* in the folder */
	uint64_t device, inode; /* of the name */
};

/*
 * Makes the socket `path`, mode 0600; when the name is there, it can be connected to.  ERR_EXISTS
 * when there is something of that name already, but for a socket when `replace` is set.
 */
int unix_socket_open(const char *path, bool replace, struct unix_socket *out, struct error *e);
/* Stops listening and removes the name, unless it is another file's by now. */
void unix_socket_close(struct unix_socket *s);

#endif
