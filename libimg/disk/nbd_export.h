/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_NBD_EXPORT_H
#define LIBIMG_DISK_NBD_EXPORT_H

#include "disk/disk.h"

/*
 * A disk served over NBD (doc/proto.md of the NBD project: fixed newstyle, structured replies,
 * base:allocation) on a Unix socket, from threads of its own.  The export has the empty name.
 */
struct nbd_export;

enum { NBD_CLIENTS_MAX = 32 }; /* at once; more wait */

struct nbd_export_options {
	const char *socket; /* the path, which must not be there yet; made with mode 0600 */
	bool replace; /* a socket of that name may be there */
	bool writable; /* clients may write; otherwise the disk must not change */
	bool once; /* the export ends when the last client has left */
};

/*
 * Starts serving; when it returns, clients can connect.  `d` is not owned.  A writable one belongs
 * to the export until nbd_export_stop, which orders what its clients do; a read-only one may be
 * read by others too.  Memory: about 1 MiB a client.
 */
int nbd_export_start(struct disk *d, const struct nbd_export_options *o, struct nbd_export **out,
	struct error *e);
/* A descriptor, owned by the export, that becomes readable when the export has ended by itself. */
int nbd_export_ended(const struct nbd_export *x);
/* Cuts off clients that are still there, after the request that each is at, and removes the
 * socket.  NULL is fine. */
void nbd_export_stop(struct nbd_export *x);

#endif
