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
};

struct digests {
	struct lane lane[DIGESTS_MAX];
	size_t lanes;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t change;
	const void *bytes;
	size_t len;
	unsigned long round; /* counts the pieces handed out */
	unsigned busy; /* threads that have not done this round */
	bool ended;
};

static void *lane_work(void *arg)
{
	struct lane *lane = arg;
	struct digests *s = lane->digests;
	unsigned long done = 0;

	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->round == done && !s->ended)
			pthread_cond_wait(&s->change, &s->lock);
		if (s->round == done)
			break;
		done = s->round;
		pthread_mutex_unlock(&s->lock);
		digest_add(lane->digest, s->bytes, s->len);
		pthread_mutex_lock(&s->lock);
		if (!--s->busy)
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

/* Waits for the threads to be done with what they have.  Lock held. */
static void wait_idle(struct digests *s)
{
	while (s->busy)
		pthread_cond_wait(&s->change, &s->lock);
}

void digests_add(struct digests *s, const void *bytes, size_t len)
{
	pthread_mutex_lock(&s->lock);
	wait_idle(s);
	s->bytes = bytes;
	s->len = len;
	s->round++;
	for (size_t i = 0; i < s->lanes; i++)
		s->busy += s->lane[i].started;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->lanes; i++)
		if (!s->lane[i].started)
			digest_add(s->lane[i].digest, bytes, len);
}

static void end_threads(struct digests *s)
{
	pthread_mutex_lock(&s->lock);
	wait_idle(s);
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
