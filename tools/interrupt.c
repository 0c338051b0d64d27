/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/interrupt.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
enum { NUMBERS = sizeof(numbers) / sizeof(*numbers) };

void interrupt_catch(void)
{
	/* A file that may not grow is an error like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < NUMBERS; i++) {
		struct sigaction action = { .sa_handler = on_signal,
			.sa_flags = (int)(SA_RESETHAND | SA_RESTART) };
		struct sigaction old;

		/* What the caller ignores (nohup) stays ignored. */
		if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigemptyset(&action.sa_mask);
		sigaction(numbers[i], &action, NULL);
	}
}

int interrupted(void)
{
	return caught;
}

void interrupt_wait(int fd)
{
	struct pollfd event = { .fd = fd, .events = POLLIN };
	sigset_t blocked, old;

	/* A signal between the look and the wait would be missed if it were not blocked. */
	sigemptyset(&blocked);
	for (size_t i = 0; i < NUMBERS; i++)
		sigaddset(&blocked, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &blocked, &old);
	while (!caught && ppoll(&event, 1, NULL, &old) <= 0)
		;
	caught = 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void interrupt_die(void)
{
	if (!caught)
		return;
	signal(caught, SIG_DFL);
	raise(caught);
}
