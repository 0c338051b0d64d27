/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/sums.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

const char *const sum_algorithm[SUM_COUNT] = { "sha512", "sha256", "md5" };
const char *const sum_file[SUM_COUNT] = { "SHA512SUMS", "SHA256SUMS", "MD5SUMS" };

struct lane {
	struct sums *sums;
	struct digest *digest;
	pthread_t thread;
	bool started;
};

struct sums {
	struct lane lane[SUM_COUNT];
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
	struct sums *s = lane->sums;
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

int sums_open(struct sums **out, struct error *e)
{
	struct sums *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return error_nomem(e, "digests");
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->change, NULL);
	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		rc = digest_open(&s->lane[i].digest, sum_algorithm[i], e);
	/* A thread that cannot be had is done without: sums_add does its work. */
	for (size_t i = 0; !rc && i < SUM_COUNT; i++) {
		struct lane *lane = &s->lane[i];

		lane->sums = s;
		lane->started = !pthread_create(&lane->thread, NULL, lane_work, lane);
	}
	if (rc)
		sums_close(s);
	else
		*out = s;
	return rc;
}

/* Waits for the threads to be done with what they have.  Lock held. */
static void wait_idle(struct sums *s)
{
	while (s->busy)
		pthread_cond_wait(&s->change, &s->lock);
}

void sums_add(struct sums *s, const void *bytes, size_t len)
{
	pthread_mutex_lock(&s->lock);
	wait_idle(s);
	s->bytes = bytes;
	s->len = len;
	s->round++;
	for (size_t i = 0; i < SUM_COUNT; i++)
		s->busy += s->lane[i].started;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < SUM_COUNT; i++)
		if (!s->lane[i].started)
			digest_add(s->lane[i].digest, bytes, len);
}

static void end_threads(struct sums *s)
{
	pthread_mutex_lock(&s->lock);
	wait_idle(s);
	s->ended = true;
	pthread_cond_broadcast(&s->change);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < SUM_COUNT; i++) {
		if (s->lane[i].started)
			pthread_join(s->lane[i].thread, NULL);
		s->lane[i].started = false;
	}
}

void sums_finish(struct sums *s, char hex[SUM_COUNT][DIGEST_HEX_MAX])
{
	end_threads(s);
	for (size_t i = 0; i < SUM_COUNT; i++)
		digest_hex(s->lane[i].digest, hex[i]);
}

void sums_close(struct sums *s)
{
	if (!s)
		return;
	end_threads(s);
	for (size_t i = 0; i < SUM_COUNT; i++)
		digest_close(s->lane[i].digest);
	pthread_cond_destroy(&s->change);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
