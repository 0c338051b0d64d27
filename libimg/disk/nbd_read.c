/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests that ask an NBD server for bytes, or where there are any. */
#include <string.h>

#include "base/checked.h"
#include "disk/nbd_request.h"

enum { NBD_STATE_HOLE = 1 << 0, NBD_STATE_ZERO = 1 << 1 };

enum {
	STATUS_MAX = 1024, /* descriptors in a reply */
	LOOKS_MAX = 65536, /* extents looked at for one request */
};

struct data_chunk {
	struct nbd_chunk head;
	be64 off;
};

struct hole_chunk {
	struct nbd_chunk head;
	be64 off;
	be32 length;
};

struct status_chunk {
	struct nbd_chunk head;
	be32 context;
};

struct status {
	be32 length;
	be32 flags;
};

/* Bytes of the disk that are alike for a client. */
struct run {
	uint64_t length;
	uint32_t state; /* NBD_STATE_... */
};

/* What is alike from `off`, up to `end`; *looks is how many extents may still be looked at. */
static int run_find(struct nbd_client *c, uint64_t off, uint64_t end, unsigned *looks,
	struct run *out, struct error *e)
{
	struct extent x;
	int rc = 0;

	*out = (struct run){ 0 };
	nbd_hold(c);
	while (off + out->length < end && *looks) {
		uint32_t state;

		--*looks;
		rc = disk_extent(c->disk, off + out->length, &x, e);
		if (rc)
			break;
		state = (x.zero ? NBD_STATE_ZERO : 0u) | (x.stored ? 0u : NBD_STATE_HOLE);
		if (out->length && state != out->state)
			break;
		out->state = state;
		out->length += x.length;
	}
	nbd_release(c);
	out->length = min_u64(out->length, end - off);
	return out->length ? 0 : rc;
}

static int read_disk(struct nbd_client *c, uint64_t off, void *bytes, size_t len, struct error *e)
{
	int rc;

	nbd_hold(c);
	rc = disk_read(c->disk, off, bytes, len, e);
	nbd_release(c);
	return rc;
}

/*
 * Sends `head` and the disk's bytes after it.  An error is returned while nothing has been sent;
 * later there is no way to tell one but to end the connection.
 */
static int send_data(struct nbd_client *c, const void *head, size_t head_len, uint64_t off,
	uint64_t len, struct error *e)
{
	while (len && !c->gone) {
		size_t part = (size_t)min_u64(len, NBD_BUFFER);
		int rc = read_disk(c, off, c->buffer, part, e);

		if (rc && head_len)
			return rc;
		if (rc)
			c->gone = true;
		memcpy(c->buffer - head_len, head, head_len);
		nbd_put(c, c->buffer - head_len, head_len + part);
		head_len = 0;
		off += part;
		len -= part;
	}
	return 0;
}

static void send_hole(
	struct nbd_client *c, const struct nbd_request *r, uint64_t off, uint64_t len, bool done)
{
	struct hole_chunk h = { .off = put_be64(off), .length = put_be32((uint32_t)len) };

	h.head = nbd_chunk_head(r, done, NBD_REPLY_TYPE_OFFSET_HOLE, sizeof(h) - sizeof(h.head));
	nbd_put(c, &h, sizeof(h));
}

static int send_data_chunk(struct nbd_client *c, const struct nbd_request *r, uint64_t off,
	uint64_t len, bool done, struct error *e)
{
	struct data_chunk d = { .off = put_be64(off) };

	d.head = nbd_chunk_head(
		r, done, NBD_REPLY_TYPE_OFFSET_DATA, sizeof(d) - sizeof(d.head) + len);
	return send_data(c, &d, sizeof(d), off, len, e);
}

/* Holes as such, data in pieces that fit in memory. */
static int read_structured(struct nbd_client *c, const struct nbd_request *r, struct error *e)
{
	uint64_t off = r->off, end = off + r->length;
	unsigned looks = LOOKS_MAX;
	int rc = 0;

	if (r->flags & NBD_CMD_FLAG_DF)
		return send_data_chunk(c, r, off, r->length, true, e);
	while (!rc && off < end && !c->gone) {
		struct run run = { .length = end - off };

		if (looks)
			rc = run_find(c, off, end, &looks, &run, e);
		if (rc)
			break;
		if (run.state & NBD_STATE_ZERO) {
			send_hole(c, r, off, run.length, off + run.length == end);
		} else {
			run.length = min_u64(run.length, NBD_BUFFER);
			rc = send_data_chunk(c, r, off, run.length, off + run.length == end, e);
		}
		off += run.length;
	}
	return rc;
}

void nbd_read(struct nbd_client *c, const struct nbd_request *r)
{
	struct nbd_simple_reply head = { put_be32(NBD_SIMPLE_REPLY_MAGIC), put_be32(0), r->cookie };
	struct error e = { 0 };
	int rc;

	if (c->structured)
		rc = read_structured(c, r, &e);
	else
		rc = send_data(c, &head, sizeof(head), r->off, r->length, &e);
	if (rc)
		nbd_reply_done(c, r, &e);
}

void nbd_status(struct nbd_client *c, const struct nbd_request *r)
{
	struct status_chunk reply = { .context = put_be32(NBD_META_ALLOCATION) };
	struct status *status = (struct status *)c->buffer;
	size_t max = r->flags & NBD_CMD_FLAG_REQ_ONE ? 1 : STATUS_MAX, count = 0;
	uint64_t off = r->off, end = off + r->length;
	unsigned looks = LOOKS_MAX;
	struct error e = { 0 };
	int rc = 0;

	while (off < end && count < max && looks) {
		struct run run;

		rc = run_find(c, off, end, &looks, &run, &e);
		if (rc)
			break;
		status[count++] = (struct status){ put_be32((uint32_t)run.length),
			put_be32(run.state) };
		off += run.length;
	}
	if (!count) {
		nbd_reply_done(c, r, &e);
		return;
	}
	reply.head = nbd_chunk_head(r, true, NBD_REPLY_TYPE_BLOCK_STATUS,
		sizeof(reply) - sizeof(reply.head) + count * sizeof(*status));
	nbd_put(c, &reply, sizeof(reply));
	nbd_put(c, status, count * sizeof(*status));
}
