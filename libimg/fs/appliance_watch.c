/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/appliance_watch.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_NS = 250000000,
	TICKS_A_SECOND = 4,
	ARGUMENTS_MAX = 64 << 10, /* of a virtual machine with all drives: a few KiB */
};

struct appliance_watch {
	pthread_t thread;
	pthread_mutex_t lock; /* for `over` */
	pthread_cond_t change;
	bool over;
	const char *sockets;
	unsigned patience;
	bool (*cancelled)(void *arg);
	void *arg;
};

/* What a file of /proc/PID says, at most `max` bytes of it; less than nothing when it can't be
 * read. */
static ssize_t proc_read(const char *pid, const char *name, char *out, size_t max)
{
	char path[64];
	size_t len = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	do {
		n = read(fd, out + len, max - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && len < max);
	close(fd);
	return n < 0 ? n : (ssize_t)len;
}

/* proc(5): the parent is the second field after the name, which may hold anything but ends with the
 * last parenthesis. */
static bool is_child(const char *pid)
{
	char stat[512];
	ssize_t len = proc_read(pid, "stat", stat, sizeof(stat) - 1);
	const char *name_end;
	int parent;

	if (len < 0)
		return false;
	stat[len] = '\0';
	name_end = strrchr(stat, ')');
	return name_end && sscanf(name_end, ") %*c %d", &parent) == 1 && parent == getpid();
}

static bool has_argument(const char *pid, const char *text)
{
	char *arguments = malloc(ARGUMENTS_MAX);
	ssize_t len = arguments ? proc_read(pid, "cmdline", arguments, ARGUMENTS_MAX) : -1;
	bool has = len > 0 && memmem(arguments, (size_t)len, text, strlen(text));

	free(arguments);
	return has;
}

/* The descriptor is taken before the look, so that it stays of the process that was looked at. */
static int machine_open(const char *pid, const char *sockets)
{
	int fd;

	if (!isdigit((unsigned char)pid[0]) || !is_child(pid))
		return -1;
	fd = pidfd_open((pid_t)strtol(pid, NULL, 10), 0);
	if (fd < 0)
		return -1;
	if (is_child(pid) && has_argument(pid, sockets))
		return fd;
	close(fd);
	return -1;
}

static bool machine_runs(const char *sockets, bool end_it)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (processes && (entry = readdir(processes))) {
		int fd = machine_open(entry->d_name, sockets);

		if (fd < 0)
			continue;
		found = true;
		if (end_it)
			(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
		close(fd);
	}
	if (processes)
		closedir(processes);
	return found;
}

static void tick(struct appliance_watch *w)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_cond_timedwait(&w->change, &w->lock, &until);
}

static void *watch(void *arg)
{
	struct appliance_watch *w = arg;
	uint64_t ticks = 0;

	pthread_mutex_lock(&w->lock);
	while (!w->over) {
		bool end_it = (w->cancelled && w->cancelled(w->arg)) ||
			(w->patience && ticks >= (uint64_t)w->patience * TICKS_A_SECOND);

		/* Before the machine runs, libguestfs makes its disk: that takes what it takes. */
		if ((w->patience || end_it) && machine_runs(w->sockets, end_it))
			ticks++;
		tick(w);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Without signals, which are for the threads that know of them. */
static int thread_start(struct appliance_watch *w)
{
	sigset_t all, before;
	int number;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	number = pthread_create(&w->thread, NULL, watch, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return number;
}

struct appliance_watch *appliance_watch_start(
	const char *sockets, unsigned patience, bool (*cancelled)(void *arg), void *arg)
{
	struct appliance_watch *w = calloc(1, sizeof(*w));
	pthread_condattr_t clock;

	if (!w)
		return NULL;
	w->sockets = sockets;
	w->patience = patience;
	w->cancelled = cancelled;
	w->arg = arg;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&w->change, &clock);
	pthread_condattr_destroy(&clock);
	if (!thread_start(w))
		return w;
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void appliance_watch_end(struct appliance_watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->over = true;
	pthread_cond_signal(&w->change);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->change);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
