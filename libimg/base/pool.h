/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_POOL_H
#define LIBIMG_BASE_POOL_H

#include "base/error.h"

enum { POOL_THREADS_MAX = 32 };

/* How many threads to use when asked for `threads` (0: one a processor that this process may run
 * on). */
unsigned pool_threads(unsigned threads);

/*
 * Runs `work` in `threads` threads at once, the caller's being one of them, and returns when all
 * have returned. Fewer threads start when the system refuses more; one always runs.
 */
void pool_run(unsigned threads, void (*work)(void *arg), void *arg);

#endif
