/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client of the NBD server that says what was written down before, and keeps what it is told. */
#ifndef TESTS_UNIT_NBD_BYTES_H
#define TESTS_UNIT_NBD_BYTES_H

#include <string.h>

#include "base/buffer.h"
#include "disk/nbd.h"

struct script {
	struct nbd_peer peer;
	const uint8_t *bytes; /* what the client says */
	size_t len, at;
	struct buffer heard; /* what it is told, up to `hear_max` bytes */
	size_t hear_max;
};

static bool script_receive(struct nbd_peer *p, void *bytes, size_t len)
{
	struct script *s = (struct script *)p;

	if (len > s->len - s->at)
		return false;
	memcpy(bytes, s->bytes + s->at, len);
	s->at += len;
	return true;
}

static bool script_send(struct nbd_peer *p, const void *bytes, size_t len)
{
	struct script *s = (struct script *)p;

	return s->heard.len + len <= s->hear_max && !buffer_append(&s->heard, bytes, len, NULL);
}

/* Talks as `bytes` say to a server of `d`; writable when `lock` is there. */
static void script_play(struct script *s, const void *bytes, size_t len, size_t hear_max,
	struct disk *d, pthread_mutex_t *lock)
{
	*s = (struct script){
		.peer = { script_receive, script_send },
		.bytes = bytes,
		.len = len,
		.hear_max = hear_max,
	};
	nbd_converse(&s->peer, d, lock);
}

#endif
