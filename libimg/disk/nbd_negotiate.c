/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first half of an NBD connection: fixed newstyle handshake and option haggling. */
#include "disk/nbd.h"

#include <string.h>

#define NBD_MAGIC UINT64_C(0x4e42444d41474943) /* "NBDMAGIC" */
#define NBD_IHAVEOPT UINT64_C(0x49484156454f5054) /* "IHAVEOPT" */
#define NBD_REP_MAGIC UINT64_C(0x0003e889045565a9)

enum {
	NBD_FLAG_FIXED_NEWSTYLE = 1 << 0,
	NBD_FLAG_NO_ZEROES = 1 << 1,
};

enum {
	NBD_OPT_EXPORT_NAME = 1,
	NBD_OPT_ABORT = 2,
	NBD_OPT_LIST = 3,
	NBD_OPT_INFO = 6,
	NBD_OPT_GO = 7,
	NBD_OPT_STRUCTURED_REPLY = 8,
	NBD_OPT_LIST_META_CONTEXT = 9,
	NBD_OPT_SET_META_CONTEXT = 10,
};

#define NBD_REP_ACK UINT32_C(1)
#define NBD_REP_SERVER UINT32_C(2)
#define NBD_REP_INFO UINT32_C(3)
#define NBD_REP_META_CONTEXT UINT32_C(4)
#define NBD_REP_ERR_UNSUP UINT32_C(0x80000001)
#define NBD_REP_ERR_INVALID UINT32_C(0x80000003)
#define NBD_REP_ERR_UNKNOWN UINT32_C(0x80000006)
#define NBD_REP_ERR_TOO_BIG UINT32_C(0x80000009)

enum { NBD_INFO_EXPORT = 0, NBD_INFO_BLOCK_SIZE = 3 };

enum {
	PADDING = 124, /* zeros after NBD_OPT_EXPORT_NAME's reply */
	BLOCK_PREFERRED = 4096,
};

static const char context_name[] = "base:allocation";

struct greeting {
	be64 magic;
	be64 option_magic;
	be16 flags;
};

struct option_head {
	be64 magic;
	be32 option;
	be32 length;
};

struct option_reply {
	be64 magic;
	be32 option;
	be32 type;
	be32 length;
};

struct export_info {
	be16 type;
	be64 size;
	be16 flags;
};

struct block_size_info {
	be16 type;
	be32 least, preferred, most;
};

/* An option that came, and how far it has been read. */
struct option {
	uint32_t number;
	const uint8_t *data;
	size_t len, at;
};

enum step { STEP_NEXT, STEP_GO, STEP_LEAVE };

static bool send_reply(
	struct nbd_client *c, uint32_t option, uint32_t type, const void *data, size_t len)
{
	struct option_reply r = { put_be64(NBD_REP_MAGIC), put_be32(option), put_be32(type),
		put_be32((uint32_t)len) };

	return c->peer->send(c->peer, &r, sizeof(r)) && (!len || c->peer->send(c->peer, data, len));
}

static enum step answer(
	struct nbd_client *c, const struct option *o, uint32_t type, const char *text)
{
	return send_reply(c, o->number, type, text, text ? strlen(text) : 0) ? STEP_NEXT
									     : STEP_LEAVE;
}

/* The next bytes of an option's data, NULL when there are not as many. */
static const uint8_t *option_take(struct option *o, size_t len)
{
	const uint8_t *at = o->data + o->at;

	if (len > o->len - o->at)
		return NULL;
	o->at += len;
	return at;
}

static bool option_u32(struct option *o, uint32_t *out)
{
	const uint8_t *bytes = option_take(o, 4);
	be32 n;

	if (!bytes)
		return false;
	memcpy(&n, bytes, sizeof(n));
	*out = get_be32(n);
	return true;
}

static bool option_u16(struct option *o, uint16_t *out)
{
	const uint8_t *bytes = option_take(o, 2);
	be16 n;

	if (!bytes)
		return false;
	memcpy(&n, bytes, sizeof(n));
	*out = get_be16(n);
	return true;
}

/* A text with its length in front. */
static bool option_string(struct option *o, const char **text, uint32_t *len)
{
	return option_u32(o, len) && (*text = (const char *)option_take(o, *len));
}

static uint16_t transmission_flags(const struct nbd_client *c)
{
	/* Clients share the disk and nothing is kept between it and them, so that several
	 * connections see each other's writes. */
	unsigned flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_DF |
		NBD_FLAG_CAN_MULTI_CONN;

	flags |= c->writable ? NBD_FLAG_SEND_FUA | NBD_FLAG_SEND_TRIM | NBD_FLAG_SEND_WRITE_ZEROES
			     : NBD_FLAG_READ_ONLY;
	return (uint16_t)flags;
}

/* The old way to choose: there is no error reply, only leaving. */
static enum step take_export_name(struct nbd_client *c, const struct option *o)
{
	static const uint8_t padding[PADDING];
	struct {
		be64 size;
		be16 flags;
	} reply = { put_be64(c->disk->size), put_be16(transmission_flags(c)) };

	if (o->len)
		return STEP_LEAVE;
	if (!c->peer->send(c->peer, &reply, sizeof(reply)) ||
		(!c->no_zeroes && !c->peer->send(c->peer, padding, sizeof(padding))))
		return STEP_LEAVE;
	return STEP_GO;
}

/* The one export there is has the empty name. */
static enum step list_exports(struct nbd_client *c, const struct option *o)
{
	be32 name_length = put_be32(0);

	if (o->len)
		return answer(c, o, NBD_REP_ERR_INVALID, "the option takes no data");
	if (!send_reply(c, o->number, NBD_REP_SERVER, &name_length, sizeof(name_length)))
		return STEP_LEAVE;
	return answer(c, o, NBD_REP_ACK, NULL);
}

static bool send_export_info(struct nbd_client *c, const struct option *o)
{
	struct export_info info = { put_be16(NBD_INFO_EXPORT), put_be64(c->disk->size),
		put_be16(transmission_flags(c)) };

	return send_reply(c, o->number, NBD_REP_INFO, &info, sizeof(info));
}

static bool send_block_sizes(struct nbd_client *c, const struct option *o)
{
	uint32_t preferred = c->disk->physical_sector > BLOCK_PREFERRED ? c->disk->physical_sector
									: BLOCK_PREFERRED;
	struct block_size_info info = { put_be16(NBD_INFO_BLOCK_SIZE), put_be32(1),
		put_be32(preferred), put_be32(NBD_REQUEST_MAX) };

	return send_reply(c, o->number, NBD_REP_INFO, &info, sizeof(info));
}

/* NBD_OPT_INFO and NBD_OPT_GO: a name, then which facts are wanted. */
static enum step tell_info(struct nbd_client *c, struct option *o)
{
	const char *name;
	uint32_t name_len;
	uint16_t count, wanted;
	bool block_sizes = false;

	if (!option_string(o, &name, &name_len) || !option_u16(o, &count))
		return answer(c, o, NBD_REP_ERR_INVALID, "the option is cut short");
	for (; count && option_u16(o, &wanted); count--)
		block_sizes |= wanted == NBD_INFO_BLOCK_SIZE;
	if (count || o->at != o->len)
		return answer(c, o, NBD_REP_ERR_INVALID, "the count of facts is wrong");
	if (name_len)
		return answer(c, o, NBD_REP_ERR_UNKNOWN, "the only export has the empty name");
	if (!send_export_info(c, o) || (block_sizes && !send_block_sizes(c, o)) ||
		answer(c, o, NBD_REP_ACK, NULL) == STEP_LEAVE)
		return STEP_LEAVE;
	return o->number == NBD_OPT_GO ? STEP_GO : STEP_NEXT;
}

static enum step take_structured_reply(struct nbd_client *c, const struct option *o)
{
	if (o->len)
		return answer(c, o, NBD_REP_ERR_INVALID, "the option takes no data");
	c->structured = true;
	return answer(c, o, NBD_REP_ACK, NULL);
}

/* Whether a query means base:allocation; when listing, "base:" does too. */
static bool query_matches(const char *query, uint32_t len, bool listing)
{
	const size_t space = strlen("base:");

	if (listing && len == space)
		return !memcmp(query, context_name, space);
	return len == strlen(context_name) && !memcmp(query, context_name, len);
}

static bool send_context(struct nbd_client *c, const struct option *o, bool listing)
{
	struct {
		be32 id;
		char name[sizeof(context_name) - 1];
	} reply = { .id = put_be32(listing ? 0 : NBD_META_ALLOCATION) };

	memcpy(reply.name, context_name, sizeof(reply.name));
	return send_reply(c, o->number, NBD_REP_META_CONTEXT, &reply, sizeof(reply));
}

/* NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. */
static enum step take_contexts(struct nbd_client *c, struct option *o)
{
	bool listing = o->number == NBD_OPT_LIST_META_CONTEXT, found;
	const char *name, *query;
	uint32_t name_len, len, count;

	if (!listing)
		c->allocation = false;
	if (!c->structured)
		return answer(c, o, NBD_REP_ERR_INVALID, "structured replies come first");
	if (!option_string(o, &name, &name_len) || !option_u32(o, &count))
		return answer(c, o, NBD_REP_ERR_INVALID, "the option is cut short");
	found = listing && !count;
	for (; count && option_string(o, &query, &len); count--)
		found |= query_matches(query, len, listing);
	if (count || o->at != o->len)
		return answer(c, o, NBD_REP_ERR_INVALID, "the count of queries is wrong");
	if (name_len)
		return answer(c, o, NBD_REP_ERR_UNKNOWN, "the only export has the empty name");
	if (found && !send_context(c, o, listing))
		return STEP_LEAVE;
	if (!listing)
		c->allocation = found;
	return answer(c, o, NBD_REP_ACK, NULL);
}

static enum step take_option(struct nbd_client *c, struct option *o)
{
	switch (o->number) {
	case NBD_OPT_EXPORT_NAME:
		return take_export_name(c, o);
	case NBD_OPT_ABORT:
		(void)answer(c, o, NBD_REP_ACK, NULL);
		return STEP_LEAVE;
	case NBD_OPT_LIST:
		return list_exports(c, o);
	case NBD_OPT_INFO:
	case NBD_OPT_GO:
		return tell_info(c, o);
	case NBD_OPT_STRUCTURED_REPLY:
		return take_structured_reply(c, o);
	case NBD_OPT_LIST_META_CONTEXT:
	case NBD_OPT_SET_META_CONTEXT:
		return take_contexts(c, o);
	default:
		return answer(c, o, NBD_REP_ERR_UNSUP, NULL);
	}
}

static bool greet(struct nbd_client *c)
{
	struct greeting g = { put_be64(NBD_MAGIC), put_be64(NBD_IHAVEOPT),
		put_be16(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES) };
	be32 reply;
	uint32_t flags;

	if (!c->peer->send(c->peer, &g, sizeof(g)) ||
		!c->peer->receive(c->peer, &reply, sizeof(reply)))
		return false;
	flags = get_be32(reply);
	c->no_zeroes = flags & NBD_FLAG_NO_ZEROES;
	return !(flags & ~(uint32_t)(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES));
}

static enum step next_option(struct nbd_client *c)
{
	struct option_head head;
	struct option o = { .data = c->buffer };

	if (!c->peer->receive(c->peer, &head, sizeof(head)) || get_be64(head.magic) != NBD_IHAVEOPT)
		return STEP_LEAVE;
	o.number = get_be32(head.option);
	o.len = get_be32(head.length);
	if (o.len > NBD_OPTION_MAX) {
		(void)answer(c, &o, NBD_REP_ERR_TOO_BIG, "the option is too long");
		return STEP_LEAVE;
	}
	if (o.len && !c->peer->receive(c->peer, c->buffer, o.len))
		return STEP_LEAVE;
	return take_option(c, &o);
}

bool nbd_negotiate(struct nbd_client *c)
{
	enum step step = greet(c) ? STEP_NEXT : STEP_LEAVE;

	while (step == STEP_NEXT)
		step = next_option(c);
	return step == STEP_GO;
}
