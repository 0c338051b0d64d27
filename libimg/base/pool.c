/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

unsigned pool_threads(unsigned threads)
{
	cpu_set_t set;

	if (!threads && sched_getaffinity(0, sizeof(set), &set) == 0)
		threads = (unsigned)CPU_COUNT(&set);
	if (!threads)
		threads = 1;
	return threads < POOL_THREADS_MAX ? threads : POOL_THREADS_MAX;
}

struct call {
	void (*work)(void *arg);
	void *arg;
};

static void *call_start(void *arg)
{
	struct call *call = arg;

	call->work(call->arg);
	return NULL;
}

void pool_run(unsigned threads, void (*work)(void *arg), void *arg)
{
	struct call call = { work, arg };
	pthread_t thread[POOL_THREADS_MAX];
	unsigned started = 0;
	sigset_t all, old;

	/* Signals are for the caller's thread: it is the one that knows what to do. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (started + 1 < threads && started + 1 < POOL_THREADS_MAX &&
		pthread_create(&thread[started], NULL, call_start, &call) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(arg);
	while (started)
		pthread_join(thread[--started], NULL);
}
