/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_NBD_REQUEST_H
#define LIBIMG_DISK_NBD_REQUEST_H

#include "disk/nbd.h"

/* Requests, replies and what they share; only for the server's own files. */

enum {
	NBD_CMD_READ = 0,
	NBD_CMD_WRITE = 1,
	NBD_CMD_DISC = 2,
	NBD_CMD_FLUSH = 3,
	NBD_CMD_TRIM = 4,
	NBD_CMD_WRITE_ZEROES = 6,
	NBD_CMD_BLOCK_STATUS = 7,
};

enum {
	NBD_CMD_FLAG_FUA = 1 << 0,
	NBD_CMD_FLAG_NO_HOLE = 1 << 1,
	NBD_CMD_FLAG_DF = 1 << 2,
	NBD_CMD_FLAG_REQ_ONE = 1 << 3,
};

#define NBD_SIMPLE_REPLY_MAGIC UINT32_C(0x67446698)

enum {
	NBD_REPLY_TYPE_NONE = 0,
	NBD_REPLY_TYPE_OFFSET_DATA = 1,
	NBD_REPLY_TYPE_OFFSET_HOLE = 2,
	NBD_REPLY_TYPE_BLOCK_STATUS = 5,
	NBD_REPLY_TYPE_ERROR = 32769,
};

enum nbd_error {
	NBD_EPERM = 1,
	NBD_EIO = 5,
	NBD_ENOMEM = 12,
	NBD_EINVAL = 22,
	NBD_ENOSPC = 28,
};

struct nbd_simple_reply {
	be32 magic;
	be32 error;
	be64 cookie;
};

/* The head of a part of a structured reply. */
struct nbd_chunk {
	be32 magic;
	be16 flags;
	be16 type;
	be64 cookie;
	be32 length;
};

struct nbd_request {
	uint16_t flags, type;
	be64 cookie;
	uint64_t off;
	uint32_t length;
};

/* To and from the peer; once that fails, c->gone. */
void nbd_put(struct nbd_client *c, const void *bytes, size_t len);
bool nbd_get(struct nbd_client *c, void *bytes, size_t len);

/* Around every use of the disk. */
void nbd_hold(struct nbd_client *c);
void nbd_release(struct nbd_client *c);

struct nbd_chunk nbd_chunk_head(
	const struct nbd_request *r, bool done, uint16_t type, uint64_t length);
/* `text` has at most 1023 bytes; only a client of structured replies gets it. */
void nbd_reply_error(
	struct nbd_client *c, const struct nbd_request *r, uint32_t number, const char *text);
/* Ends a request that has no data to send; well when e->code is 0. */
void nbd_reply_done(struct nbd_client *c, const struct nbd_request *r, const struct error *e);

/* NBD_CMD_READ and NBD_CMD_BLOCK_STATUS that have been checked. */
void nbd_read(struct nbd_client *c, const struct nbd_request *r);
void nbd_status(struct nbd_client *c, const struct nbd_request *r);

#endif
