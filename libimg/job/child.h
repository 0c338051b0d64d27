/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_CHILD_H
#define LIBIMG_JOB_CHILD_H

#include "base/buffer.h"
#include "base/strings.h"

/* A program of the host that is waited for. */
struct child {
	const struct strings *argument; /* the program's name, looked for in PATH, first */
	const struct strings *environment; /* "NAME=VALUE" beside what hvimg itself has */
	const void *input; /* what it reads from its standard input */
	size_t input_len; /* at most CHILD_INPUT */
	int output; /* where its standard output goes */
	bool (*cancelled)(void *arg); /* asked a few times a second; NULL: never */
	void *cancelled_arg;
};

enum { CHILD_INPUT = 4096 };

/*
 * It runs in a process group of its own, so that all of it can be ended: when `cancelled` says so,
 * with SIGTERM, and SIGKILL when that does not do.  *status as waitpid has it; the end of what it
 * said on standard error is appended to `said`.  ERR_NOTFOUND: there is no such program;
 * ERR_CANCELLED.
 */
int child_run(const struct child *c, int *status, struct buffer *said, struct error *e);

#endif
