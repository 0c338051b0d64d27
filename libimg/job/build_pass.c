/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All outputs of one pass over the edited disk. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/pool.h"
#include "disk/shared.h"
#include "job/build_private.h"

enum {
	LANES_MAX = 8, /* outputs that are made at once */
	WINDOW = 16, /* units that the fastest may be ahead of the slowest */
};

/* An output on its way. */
struct lane {
	struct building *b;
	size_t index;
	struct disk *disk; /* that it is made of */
	struct shared *shared; /* which the disk is a reader of; NULL: nobody's */
	unsigned reader, threads;
	pthread_t thread;
	bool started;
	int rc;
	struct error error;
};

static void *lane_run(void *arg)
{
	struct lane *l = arg;
	struct output *file = NULL;

	l->rc = build_output_write(l->b, l->index, l->disk, l->threads, &file, &l->error);
	/* Digests need the others no more, nor do they need this one. */
	if (l->shared)
		shared_leave(l->shared, l->reader);
	if (!l->rc)
		l->rc = build_output_keep(l->b, l->index, file, &l->error);
	output_close(file);
	if (l->rc)
		build_meter_stop(&l->b->meter);
	return NULL;
}

/* The lowest one that failed by itself: the others were stopped then. */
static int lanes_result(const struct lane *lane, size_t count, struct error *e)
{
	const struct lane *failed = NULL;

	for (size_t i = 0; i < count; i++)
		if (lane[i].rc &&
			(!failed || (failed->rc == -ERR_CANCELLED && lane[i].rc != failed->rc)))
			failed = &lane[i];
	if (failed && e)
		*e = failed->error;
	return failed ? failed->rc : 0;
}

static int lanes_run_in_turn(struct lane *lane, size_t count, struct error *e)
{
	for (size_t i = 0; i < count; i++) {
		lane[i].disk = lane[i].b->overlay;
		lane[i].threads = lane[i].b->job->engine.threads;
		lane_run(&lane[i]);
		if (lane[i].rc)
			break;
	}
	return lanes_result(lane, count, e);
}

/* An output whose thread cannot be had is made after the others, which do not wait for it. */
static void lanes_start(struct lane *lane, size_t count)
{
	sigset_t all, old;

	/* Signals are for the caller's thread: it is the one that knows what to do. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (size_t i = 0; i < count; i++) {
		lane[i].started = !pthread_create(&lane[i].thread, NULL, lane_run, &lane[i]);
		if (!lane[i].started)
			shared_leave(lane[i].shared, lane[i].reader);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static int lanes_run_at_once(struct lane *lane, size_t count, struct error *e)
{
	struct building *b = lane->b;
	/* One more than its share: while some wait for the slowest, that one has their processors.
	 */
	const unsigned threads = (unsigned)div_up(pool_threads(b->job->engine.threads), count) + 1;
	struct shared *shared;
	int rc = shared_open(b->overlay, (unsigned)count, WINDOW, &shared, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		lane[i].shared = shared;
		lane[i].reader = (unsigned)i;
		lane[i].disk = shared_reader(shared, (unsigned)i);
		lane[i].threads = threads;
	}
	lanes_start(lane, count);
	for (size_t i = 0; i < count; i++)
		if (lane[i].started)
			pthread_join(lane[i].thread, NULL);
	rc = lanes_result(lane, count, e);
	for (size_t i = 0; !rc && i < count; i++)
		if (!lane[i].started) {
			lane_run(&lane[i]);
			rc = lanes_result(lane, count, e);
		}
	shared_close(shared);
	return rc;
}

/*
 * Whether reading costs so much that it is done once for all.  Measured with three outputs on two
 * cores: of a compressed source it saves a tenth of all processor time, of which digests are most;
 * a raw one that is cached takes a few percent less one output after the other.
 */
static int reading_costs(struct disk *d, bool *out, struct error *e)
{
	struct extent x;

	*out = false;
	for (uint64_t at = 0; at < d->size && !*out; at += x.length) {
		int rc = disk_extent(d, at, &x, e);

		if (rc)
			return rc;
		*out = x.compressed;
	}
	return 0;
}

static int group_run(struct building *b, bool at_once, size_t *next, struct error *e)
{
	struct lane lane[LANES_MAX] = { 0 };
	size_t count = 0;

	for (; *next < b->job->recipe->output_count && count < LANES_MAX; ++*next)
		if (!b->output[*next].made.reused)
			lane[count++] = (struct lane){ .b = b, .index = *next };
	return count > 1 && at_once ? lanes_run_at_once(lane, count, e)
				    : lanes_run_in_turn(lane, count, e);
}

int build_outputs_make(struct building *b, struct error *e)
{
	bool at_once;
	int rc = reading_costs(b->overlay, &at_once, e);

	for (size_t next = 0; !rc && next < b->job->recipe->output_count;)
		rc = group_run(b, at_once, &next, e);
	return rc;
}
