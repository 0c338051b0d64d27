/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests, until the whole of a file is there. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "base/checked.h"
#include "job/fetch_private.h"

enum {
	TRIES_IDLE = 5, /* one after the other that bring nothing */
	TRIES_ALL = 100,
	FIRST_DELAY_MS = 500, /* doubled each time */
	DELAY_LIMIT_MS = 30000, /* whatever the server asks for */
	STALL_SECONDS = 60,
};

struct tries {
	unsigned idle, all, anew;
	uint64_t reached; /* the most bytes that there were */
	bool answered; /* somebody was there before */
};

static uint64_t delay_of(const struct tries *t, const struct http_response *answer)
{
	uint64_t ms = (uint64_t)FIRST_DELAY_MS << t->idle, asked;
	char *text = NULL;

	if (!http_header(answer, "Retry-After", &text, NULL) && text &&
		fetch_number_read(text, &asked))
		ms = max_u64(ms, min_u64(asked, DELAY_LIMIT_MS) * 1000);
	free(text);
	return min_u64(ms, DELAY_LIMIT_MS);
}

static int wait_ms(const struct fetching *f, uint64_t ms, struct error *e)
{
	enum { STEP_MS = 100 };
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	int rc = 0;

	for (uint64_t done = 0; !rc && done < ms; done += STEP_MS) {
		nanosleep(&step, NULL);
		rc = fetch_progress(f, f->part.have, f->note.total, e);
	}
	return rc;
}

/* Returns the failure that `e` has when that was the last try. */
static int try_later(
	struct tries *t, const struct fetching *f, const struct fetch_request *r, struct error *e)
{
	uint64_t ms;

	if (f->part.have > t->reached)
		t->idle = 0;
	t->reached = max_u64(t->reached, f->part.have);
	if (t->idle == TRIES_IDLE || t->all == TRIES_ALL)
		return error_prefix(e, "given up after %u tries", t->all + 1);
	ms = delay_of(t, &r->answer);
	t->idle++;
	t->all++;
	fetch_say(f, "%s: trying again in %" PRIu64 ".%" PRIu64 " seconds", e->text, ms / 1000,
		ms % 1000 / 100);
	return wait_ms(f, ms, e);
}

/* Something has to tell that what comes is of the same file. */
static bool may_go_on(const struct fetching *f)
{
	return f->part.have && (f->job->digest || f->note.validator);
}

/* Takes what an earlier run has left.  Of a whole file the last byte is asked for once more, as the
 * server has to say that it is still the same. */
static int begin_with_rest(struct fetching *f, struct error *e)
{
	uint64_t keep = f->part.have;

	if (!may_go_on(f) || (!f->job->digest && fetch_note_outlived(&f->note)))
		return fetch_part_restart(f, e);
	if (f->note.total && keep >= f->note.total)
		keep = f->note.total - 1;
	return fetch_part_resume(f, keep, e);
}

/* One request, and what is to be done before the next; *end is FETCH_LATER when there is to be one.
 */
static int turn(struct fetching *f, struct http *h, struct tries *t, enum fetch_ending *end,
	struct error *e)
{
	struct fetch_request r = { .f = f, .h = h, .offset = f->part.have };
	struct error local;
	int rc = 0;

	/* Its code and text decide, even where the caller wants none. */
	*end = fetch_request_run(&r, &t->answered, e ? e : (e = &local));
	if (*end == FETCH_MISFIT && !t->anew++) {
		rc = fetch_part_restart(f, e);
		*end = FETCH_LATER;
	} else if (*end == FETCH_FAILED || *end == FETCH_MISFIT) {
		rc = -e->code;
	} else if (*end == FETCH_LATER) {
		rc = try_later(t, f, &r, e);
		if (!rc && !may_go_on(f))
			rc = fetch_part_restart(f, e);
	}
	http_response_free(&r.answer);
	return rc;
}

static int stop(void *arg)
{
	const struct fetching *f = arg;

	return fetch_progress(f, f->part.have, f->note.total, NULL);
}

int fetch_transfer(struct fetching *f, bool *current, struct error *e)
{
	const struct http_settings settings = { .cacert = f->job->cacert,
		.stall_seconds = STALL_SECONDS };
	struct tries t = { 0 };
	enum fetch_ending end = FETCH_LATER;
	struct http *h = NULL;
	int rc = begin_with_rest(f, e);

	if (!rc)
		rc = http_open(&settings, &h, e);
	if (!rc)
		http_set_stop(h, stop, f);
	while (!rc && end == FETCH_LATER)
		rc = turn(f, h, &t, &end, e);
	http_close(h);
	*current = !rc && end == FETCH_CURRENT;
	return rc;
}
