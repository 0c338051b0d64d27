/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

void interrupt_catch(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
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

void interrupt_die(void)
{
	if (!caught)
		return;
	signal(caught, SIG_DFL);
	raise(caught);
}
