/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of several things at once, each a part of the whole way. */
#include "base/checked.h"
#include "job/build_private.h"

#define SHARE (UINT64_C(1) << 32)

void build_meter_open(struct build_meter *m, const struct convert_options *whole, size_t legs)
{
	*m = (struct build_meter){ .whole = whole, .total = legs * SHARE };
	pthread_mutex_init(&m->lock, NULL);
}

void build_meter_close(struct build_meter *m)
{
	pthread_mutex_destroy(&m->lock);
}

void build_meter_stop(struct build_meter *m)
{
	pthread_mutex_lock(&m->lock);
	m->stopped = true;
	pthread_mutex_unlock(&m->lock);
}

static int leg_progress(void *arg, uint64_t done, uint64_t total)
{
	struct build_leg *leg = arg;
	struct build_meter *m = leg->meter;
	uint64_t part = total ? (uint64_t)((double)done / (double)total * (double)SHARE) : 0;
	int stop;

	pthread_mutex_lock(&m->lock);
	part = min_u64(part, SHARE);
	if (part > leg->told) {
		m->done += part - leg->told;
		leg->told = part;
	}
	/* What was found to be no longer good was looked at for nothing. */
	stop = m->whole->progress &&
		m->whole->progress(m->whole->progress_arg, min_u64(m->done, m->total), m->total);
	stop |= m->stopped;
	pthread_mutex_unlock(&m->lock);
	return stop;
}

void build_leg_start(struct build_leg *leg, struct building *b, struct convert_options *out)
{
	*leg = (struct build_leg){ .meter = &b->meter };
	*out = b->job->engine;
	out->progress = leg_progress;
	out->progress_arg = leg;
}

void build_leg_end(struct build_leg *leg)
{
	struct build_meter *m = leg->meter;

	pthread_mutex_lock(&m->lock);
	m->done += SHARE - leg->told;
	leg->told = SHARE;
	pthread_mutex_unlock(&m->lock);
}

void build_leg_skip(struct building *b)
{
	struct build_leg leg = { .meter = &b->meter };

	build_leg_end(&leg);
}
