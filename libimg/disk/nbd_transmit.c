/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The second half of an NBD connection: requests and replies. */
#include "disk/nbd_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

#define NBD_REQUEST_MAGIC UINT32_C(0x25609513)

struct request_head {
	be32 magic;
	be16 flags;
	be16 type;
	be64 cookie;
	be64 off;
	be32 length;
};

/* After an error the rest of the bytes is still taken, and not written. */
static void do_write(struct nbd_client *c, const struct nbd_request *r)
{
	struct error e = { 0 };
	uint64_t off = r->off;
	size_t rest = r->length;

	while (rest) {
		size_t part = rest < NBD_BUFFER ? rest : NBD_BUFFER;

		if (!nbd_get(c, c->buffer, part))
			return;
		nbd_hold(c);
		if (!e.code)
			(void)disk_write(c->disk, off, c->buffer, part, &e);
		nbd_release(c);
		off += part;
		rest -= part;
	}
	nbd_reply_done(c, r, &e);
}

/* NBD_CMD_FLAG_NO_HOLE asks for room on the server, which a disk that grows as it is written to
 * has no way to keep. */
static void do_zero(struct nbd_client *c, const struct nbd_request *r)
{
	struct error e = { 0 };

	/* A trim may leave everything as it is. */
	if (r->type == NBD_CMD_WRITE_ZEROES || c->disk->ops->zero) {
		nbd_hold(c);
		(void)disk_zero(c->disk, r->off, r->length, &e);
		nbd_release(c);
	}
	nbd_reply_done(c, r, &e);
}

static bool changes_disk(uint16_t type)
{
	return type == NBD_CMD_WRITE || type == NBD_CMD_TRIM || type == NBD_CMD_WRITE_ZEROES;
}

static unsigned flags_of(const struct nbd_client *c, uint16_t type)
{
	switch (type) {
	case NBD_CMD_READ:
		return NBD_CMD_FLAG_FUA | (c->structured ? NBD_CMD_FLAG_DF : 0u);
	case NBD_CMD_WRITE_ZEROES:
		return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE;
	case NBD_CMD_BLOCK_STATUS:
		return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE;
	default:
		return NBD_CMD_FLAG_FUA;
	}
}

/* Why a request cannot be served, by the protocol's numbers; 0 when it can. */
static uint32_t request_check(
	const struct nbd_client *c, const struct nbd_request *r, const char **why)
{
	bool ranged = r->type != NBD_CMD_FLUSH;

	*why = "the command is not known";
	if (r->type != NBD_CMD_READ && r->type != NBD_CMD_FLUSH && !changes_disk(r->type) &&
		!(r->type == NBD_CMD_BLOCK_STATUS && c->allocation))
		return NBD_EINVAL;
	*why = "a flag does not go with the command";
	if (r->flags & ~flags_of(c, r->type))
		return NBD_EINVAL;
	*why = "the export is read-only";
	if (changes_disk(r->type) && !c->writable)
		return NBD_EPERM;
	*why = "the length is 0";
	if (ranged && !r->length)
		return NBD_EINVAL;
	*why = "the length is over 32 MiB";
	if (r->type == NBD_CMD_READ && r->length > NBD_REQUEST_MAX)
		return NBD_EINVAL;
	*why = "the range reaches past the end of the disk";
	if (ranged && !range_fits(r->off, r->length, c->disk->size))
		return changes_disk(r->type) ? NBD_ENOSPC : NBD_EINVAL;
	return 0;
}

/* Leaves out the bytes of a write that is not done. */
static bool skip(struct nbd_client *c, size_t len)
{
	while (len) {
		size_t part = len < NBD_BUFFER ? len : NBD_BUFFER;

		if (!nbd_get(c, c->buffer, part))
			return false;
		len -= part;
	}
	return true;
}

static void serve(struct nbd_client *c, const struct nbd_request *r)
{
	static const struct error none;

	switch (r->type) {
	case NBD_CMD_READ:
		nbd_read(c, r);
		break;
	case NBD_CMD_WRITE:
		do_write(c, r);
		break;
	case NBD_CMD_BLOCK_STATUS:
		nbd_status(c, r);
		break;
	case NBD_CMD_FLUSH: /* a write is answered when the disk has it */
		nbd_reply_done(c, r, &none);
		break;
	default:
		do_zero(c, r);
		break;
	}
}

static bool request_take(struct nbd_client *c, struct nbd_request *r)
{
	struct request_head head;

	if (!nbd_get(c, &head, sizeof(head)) || get_be32(head.magic) != NBD_REQUEST_MAGIC)
		return false;
	*r = (struct nbd_request){ get_be16(head.flags), get_be16(head.type), head.cookie,
		get_be64(head.off), get_be32(head.length) };
	if (r->type == NBD_CMD_DISC)
		return false;
	return r->type != NBD_CMD_WRITE || r->length <= NBD_REQUEST_MAX;
}

void nbd_transmit(struct nbd_client *c)
{
	struct nbd_request r;

	while (request_take(c, &r)) {
		const char *why;
		uint32_t number = request_check(c, &r, &why);

		if (!number)
			serve(c, &r);
		else if (r.type != NBD_CMD_WRITE || skip(c, r.length))
			nbd_reply_error(c, &r, number, why);
		if (c->gone)
			return;
	}
}

void nbd_converse(struct nbd_peer *peer, struct disk *d, pthread_mutex_t *lock)
{
	struct nbd_client c = { .peer = peer, .disk = d, .writable = lock, .lock = lock };
	uint8_t *memory = malloc(NBD_HEADROOM + NBD_BUFFER);

	if (!memory)
		return;
	c.buffer = memory + NBD_HEADROOM;
	if (nbd_negotiate(&c))
		nbd_transmit(&c);
	free(memory);
}
