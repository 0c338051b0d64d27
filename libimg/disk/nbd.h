/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_NBD_H
#define LIBIMG_DISK_NBD_H

#include <pthread.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "disk/disk.h"

/*
 * One client of the NBD server, from its first byte to its last.  Names and numbers are those of
 * the protocol's description, doc/proto.md of the NBD project.
 */

/* The other end.  Both move all bytes or return false: it is gone. */
struct nbd_peer {
	bool (*receive)(struct nbd_peer *p, void *bytes, size_t len);
	bool (*send)(struct nbd_peer *p, const void *bytes, size_t len);
};

enum {
	NBD_REQUEST_MAX = 32 << 20, /* bytes that one read or write moves */
	NBD_BUFFER = 1 << 20, /* bytes of a request in memory at a time */
	NBD_HEADROOM = 32, /* in front of them, so that a reply is sent in one piece */
	NBD_OPTION_MAX = 32768, /* bytes of an option's data; a name has at most 4096 */
};

/* Transmission flags, sent in the handshake. */
enum {
	NBD_FLAG_HAS_FLAGS = 1 << 0,
	NBD_FLAG_READ_ONLY = 1 << 1,
	NBD_FLAG_SEND_FLUSH = 1 << 2,
	NBD_FLAG_SEND_FUA = 1 << 3,
	NBD_FLAG_SEND_TRIM = 1 << 5,
	NBD_FLAG_SEND_WRITE_ZEROES = 1 << 6,
	NBD_FLAG_SEND_DF = 1 << 7,
	NBD_FLAG_CAN_MULTI_CONN = 1 << 8,
};

/* The id by which replies name base:allocation. */
enum { NBD_META_ALLOCATION = 1 };

struct nbd_client {
	struct nbd_peer *peer;
	struct disk *disk;
	bool writable;
	pthread_mutex_t *lock; /* held around every use of a writable disk */
	uint8_t *buffer; /* NBD_BUFFER bytes, after NBD_HEADROOM more */
	bool gone; /* the peer is, or can be told nothing more */
	bool structured; /* negotiated: structured replies */
	bool allocation; /* negotiated: base:allocation */
	bool no_zeroes; /* negotiated: no padding after NBD_OPT_EXPORT_NAME's reply */
};

/* Handshake and options; true when the client has chosen the export. */
bool nbd_negotiate(struct nbd_client *c);
/* Serves requests until the client leaves or breaks the rules. */
void nbd_transmit(struct nbd_client *c);

/*
 * Both, for one client; returns when it is through.  `lock` is that of the disk, shared by all of
 * its clients; NULL when the export is read-only.  Never fails: a client that cannot be served is
 * left.
 */
void nbd_converse(struct nbd_peer *peer, struct disk *d, pthread_mutex_t *lock);

#endif
