/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/digests.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct lane {
	struct digests *digests;
	struct digest *digest;
	pthread_t thread;
	bool started;
	unsigned long done; /* pieces; under the lock of the digests */
};

struct piece {
	const void *bytes;
	size_t len;
};

struct digests {
	struct lane lane[DIGESTS_MAX];
	size_t lanes;
	unsigned depth; /* pieces that may wait */
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t change;
	struct piece piece[DIGESTS_DEPTH_MAX]; /* that of number n at n % depth */
	unsigned long count; /* of the pieces handed out */
	bool ended;
};

static void *lane_work(void *arg)
{
	struct lane *lane = arg;
	struct digests *s = lane->digests;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		struct piece p;

		while (s->count == lane->done && !s->ended)
			pthread_cond_wait(&s->change, &s->lock);
		if (s->count == lane->done)
			break;
		p = s->piece[lane->done % s->depth];
		pthread_mutex_unlock(&s->lock);
		digest_add(lane->digest, p.bytes, p.len);
		pthread_mutex_lock(&s->lock);
		lane->done++;
		pthread_cond_broadcast(&s->change);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int digests_open(struct digests **out, const char *const *algorithms, size_t count, struct error *e)
{
	struct digests *s;
	int rc = 0;

	if (count > DIGESTS_MAX)
		return error_set(
			e, ERR_USAGE, "%zu digests at once, at most %d", count, DIGESTS_MAX);
	s = calloc(1, sizeof(*s));
	if (!s)
		return error_nomem(e, "digests");
	s->lanes = count;
	s->depth = 1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->change, NULL);
	for (size_t i = 0; !rc && i < s->lanes; i++)
		rc = digest_open(&s->lane[i].digest, algorithms[i], e);
	/* A thread that cannot be had is done without: digests_add does its work. */
	for (size_t i = 0; !rc && i < s->lanes; i++) {
		struct lane *lane = &s->lane[i];

		lane->digests = s;
		lane->started = !pthread_create(&lane->thread, NULL, lane_work, lane);
	}
	if (rc)
		digests_close(s);
	else
		*out = s;
	return rc;
}

void digests_set_depth(struct digests *s, unsigned depth)
{
	s->depth = depth;
}

/* Waits until no thread is further behind than that.  Lock held. */
static void wait_behind(struct digests *s, unsigned long most)
{
	for (size_t i = 0; i < s->lanes; i++)
		while (s->lane[i].started && s->count - s->lane[i].done > most)
			pthread_cond_wait(&s->change, &s->lock);
}

void digests_add(struct digests *s, const void *bytes, size_t len)
{
	pthread_mutex_lock(&s->lock);
	wait_behind(s, s->depth - 1);
	s->piece[s->count % s->depth] = (struct piece){ bytes, len };
	s->count++;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->lanes; i++)
		if (!s->lane[i].started)
			digest_add(s->lane[i].digest, bytes, len);
}

static void end_threads(struct digests *s)
{
	pthread_mutex_lock(&s->lock);
	wait_behind(s, 0);
	s->ended = true;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->lanes; i++) {
		if (s->lane[i].started)
			pthread_join(s->lane[i].thread, NULL);
		s->lane[i].started = false;
	}
}

void digests_finish(struct digests *s, char hex[][DIGEST_HEX_MAX])
{
	end_threads(s);
	for (size_t i = 0; i < s->lanes; i++)
		digest_hex(s->lane[i].digest, hex[i]);
}

void digests_close(struct digests *s)
{
	if (!s)
		return;
	end_threads(s);
	for (size_t i = 0; i < s->lanes; i++)
		digest_close(s->lane[i].digest);
	pthread_cond_destroy(&s->change);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
