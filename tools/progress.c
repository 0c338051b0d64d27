/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress on standard error: a bar for people, lines of JSON for programs. */
#include "tools/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/interrupt.h"

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (double)(b->tv_sec - a->tv_sec) + (double)(b->tv_nsec - a->tv_nsec) / 1e9;
}

static void show_bar(const struct progress *p, uint64_t done, uint64_t total, double elapsed)
{
	enum { WIDTH = 30 };
	static const char full[] = "##############################";
	double part = total ? (double)done / (double)total : 1;
	double rate = elapsed > 0 ? (double)done / elapsed : 0;
	uint64_t left = rate > 0 ? (uint64_t)((double)(total - done) / rate) : 0;
	int filled = (int)(part * WIDTH);

	fprintf(stderr, "\r%s [%.*s%*s] %5.1f%%  %.0f MB/s  %" PRIu64 ":%02" PRIu64 " left  ",
		p->phase, filled, full, WIDTH - filled, "", part * 100, rate / 1e6, left / 60,
		left % 60);
	fflush(stderr);
}

static void show_json(const struct progress *p, uint64_t done, uint64_t total)
{
	fprintf(stderr, "{\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"phase\":\"%s\"}\n", done,
		total, p->phase);
}

static int step(void *arg, uint64_t done, uint64_t total)
{
	struct progress *p = arg;
	struct timespec now;

	if (interrupted())
		return 1;
	if (p->mode == PROGRESS_NONE)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (p->shown && (done < total || !total) && seconds_between(&p->last, &now) < 0.2)
		return 0;
	p->last = now;
	p->shown = true;
	if (done > total && total)
		done = total;
	if (p->mode == PROGRESS_BAR && !total)
		fprintf(stderr, "\r%s: %" PRIu64 " MB read  ", p->phase, done / 1000000);
	else if (p->mode == PROGRESS_BAR)
		show_bar(p, done, total, seconds_between(&p->start, &now));
	else
		show_json(p, done, total);
	return 0;
}

void progress_start(struct progress *p, const char *phase, struct convert_options *engine)
{
	p->phase = phase;
	p->shown = false;
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	engine->progress = step;
	engine->progress_arg = p;
}

void progress_end(struct progress *p)
{
	if (p->shown && p->mode == PROGRESS_BAR)
		fputc('\n', stderr);
	p->shown = false;
}

int progress_from(const struct common *c, struct progress *out, struct error *e)
{
	const char *how = c->progress ? c->progress : c->bar ? "bar" : "auto";

	*out = (struct progress){ .mode = PROGRESS_NONE };
	if (!strcmp(how, "bar"))
		out->mode = PROGRESS_BAR;
	else if (!strcmp(how, "json"))
		out->mode = PROGRESS_JSON;
	else if (!strcmp(how, "auto"))
		out->mode = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_NONE;
	else if (strcmp(how, "none") != 0)
		return error_set(
			e, ERR_USAGE, "--progress: \"%s\" is none of auto, bar, json, none", how);
	if (c->quiet)
		out->mode = PROGRESS_NONE;
	return 0;
}
