/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the requests of an NBD connection share: bytes in and out, replies. */
#include "disk/nbd_request.h"

#include <string.h>

#define NBD_STRUCTURED_REPLY_MAGIC UINT32_C(0x668e33ef)

enum { NBD_REPLY_FLAG_DONE = 1 << 0 };

void nbd_put(struct nbd_client *c, const void *bytes, size_t len)
{
	if (!c->gone && !c->peer->send(c->peer, bytes, len))
		c->gone = true;
}

bool nbd_get(struct nbd_client *c, void *bytes, size_t len)
{
	if (!c->gone && !c->peer->receive(c->peer, bytes, len))
		c->gone = true;
	return !c->gone;
}

void nbd_hold(struct nbd_client *c)
{
	if (c->lock)
		pthread_mutex_lock(c->lock);
}

void nbd_release(struct nbd_client *c)
{
	if (c->lock)
		pthread_mutex_unlock(c->lock);
}

struct error_chunk {
	struct nbd_chunk head;
	be32 error;
	be16 length;
};

static uint32_t error_number(const struct error *e)
{
	switch (e->code) {
	case ERR_NOMEM:
		return NBD_ENOMEM;
	case ERR_REFUSED:
		return NBD_EPERM;
	default:
		return NBD_EIO;
	}
}

struct nbd_chunk nbd_chunk_head(
	const struct nbd_request *r, bool done, uint16_t type, uint64_t length)
{
	return (struct nbd_chunk){ put_be32(NBD_STRUCTURED_REPLY_MAGIC),
		put_be16(done ? NBD_REPLY_FLAG_DONE : 0), put_be16(type), r->cookie,
		put_be32((uint32_t)length) };
}

static void nbd_reply_simple(struct nbd_client *c, const struct nbd_request *r, uint32_t number)
{
	struct nbd_simple_reply reply = { put_be32(NBD_SIMPLE_REPLY_MAGIC), put_be32(number),
		r->cookie };

	nbd_put(c, &reply, sizeof(reply));
}

void nbd_reply_error(
	struct nbd_client *c, const struct nbd_request *r, uint32_t number, const char *text)
{
	size_t len = strlen(text);
	struct error_chunk reply = { .error = put_be32(number), .length = put_be16((uint16_t)len) };

	if (!c->structured) {
		nbd_reply_simple(c, r, number);
		return;
	}
	reply.head = nbd_chunk_head(
		r, true, NBD_REPLY_TYPE_ERROR, sizeof(reply) - sizeof(reply.head) + len);
	nbd_put(c, &reply, sizeof(reply));
	nbd_put(c, text, len);
}

void nbd_reply_done(struct nbd_client *c, const struct nbd_request *r, const struct error *e)
{
	if (e->code)
		nbd_reply_error(c, r, error_number(e), e->text);
	else
		nbd_reply_simple(c, r, 0);
}
