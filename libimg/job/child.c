/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ASK_MS = 200, /* between two questions whether to go on */
	END_SECONDS = 60, /* for what it puts away, until SIGKILL */
	SAID_LIMIT = 16 << 10, /* bytes of standard error that are kept */
};

struct running {
	const struct child *child;
	pid_t pid;
	int error; /* read end of its standard error */
	struct buffer said;
};

/* Later settings of a name win, in what programs make of an environment: ours are the only ones. */
static int environment_make(const struct child *c, char ***out, struct error *e)
{
	size_t count = 0, kept = 0;
	char **list;

	while (environ[count])
		count++;
	list = calloc(count + c->environment->count + 1, sizeof(*list));
	if (!list)
		return error_nomem(e, "a program's environment");
	for (size_t i = 0; i < count; i++) {
		const size_t name = strcspn(environ[i], "=") + 1;
		bool ours = false;

		for (size_t k = 0; k < c->environment->count; k++)
			ours = ours || !strncmp(environ[i], c->environment->item[k], name);
		if (!ours)
			list[kept++] = environ[i];
	}
	for (size_t k = 0; k < c->environment->count; k++)
		list[kept++] = c->environment->item[k];
	*out = list;
	return 0;
}

static int attributes_set(posix_spawnattr_t *a)
{
	sigset_t none, usual;

	sigemptyset(&none);
	sigemptyset(&usual);
	sigaddset(&usual, SIGINT);
	sigaddset(&usual, SIGTERM);
	sigaddset(&usual, SIGHUP);
	sigaddset(&usual, SIGPIPE);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &usual);
	posix_spawnattr_setpgroup(a, 0);
	return posix_spawnattr_setflags(
		a, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* A pipe takes this much without a reader. */
static int input_give(const struct child *c, int *read_end, struct error *e)
{
	int ends[2];

	if (c->input_len > CHILD_INPUT)
		return error_set(e, ERR_RANGE, "more than %d bytes for a program", CHILD_INPUT);
	if (pipe2(ends, O_CLOEXEC))
		return error_errno(e, errno, "a pipe to a program");
	if (c->input_len && write(ends[1], c->input, c->input_len) != (ssize_t)c->input_len) {
		error_errno(e, errno, "a pipe to a program");
		close(ends[0]);
		close(ends[1]);
		return -ERR_IO;
	}
	close(ends[1]);
	*read_end = ends[0];
	return 0;
}

static int spawn(struct running *r, int input, int error, char **environment)
{
	const struct strings *argument = r->child->argument;
	char **list = calloc(argument->count + 1, sizeof(*list));
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number;

	if (!list)
		return ENOMEM;
	memcpy(list, argument->item, argument->count * sizeof(*list));
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_init(&actions);
	number = attributes_set(&attributes);
	if (!number)
		number = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (!number)
		number = posix_spawn_file_actions_adddup2(
			&actions, r->child->output, STDOUT_FILENO);
	if (!number)
		number = posix_spawn_file_actions_adddup2(&actions, error, STDERR_FILENO);
	if (!number)
		number = posix_spawnp(&r->pid, list[0], &actions, &attributes, list, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	free(list);
	return number;
}

static int start(struct running *r, struct error *e)
{
	const char *program = r->child->argument->item[0];
	char **environment = NULL;
	int input = -1, ends[2] = { -1, -1 };
	int rc = environment_make(r->child, &environment, e);

	if (!rc)
		rc = input_give(r->child, &input, e);
	if (!rc && pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		rc = error_errno(e, errno, "a pipe from %s", program);
	/* Programs do not expect that writing an error would block. */
	if (!rc && fcntl(ends[1], F_SETFL, 0))
		rc = error_errno(e, errno, "a pipe from %s", program);
	if (!rc) {
		const int number = spawn(r, input, ends[1], environment);

		rc = number ? error_errno(e, number, "%s", program) : 0;
	}
	if (input >= 0)
		close(input);
	if (ends[1] >= 0)
		close(ends[1]);
	if (rc && ends[0] >= 0)
		close(ends[0]);
	r->error = ends[0];
	free(environment);
	return rc;
}

/* The newest is kept; *end: nobody will write any more. */
static int said_read(struct running *r, bool *end, struct error *e)
{
	char bytes[4096];
	ssize_t got;
	int rc = 0;

	while (!rc && (got = read(r->error, bytes, sizeof(bytes))) > 0) {
		if (r->said.len + (size_t)got > SAID_LIMIT) {
			const size_t kept = r->said.len / 2;

			memmove(r->said.data, r->said.data + r->said.len - kept, kept);
			r->said.len = kept;
		}
		rc = buffer_append(&r->said, bytes, (size_t)got, e);
	}
	*end = !rc && got == 0;
	return rc;
}

static int wait_some(struct running *r, bool *ended, int *status, struct error *e)
{
	struct pollfd p = { .fd = r->error, .events = POLLIN };
	bool silent = false;
	pid_t got;
	int rc;

	(void)poll(&p, 1, ASK_MS);
	rc = said_read(r, &silent, e);
	/* Nothing is left to wait for in the pipe. */
	if (silent)
		(void)poll(NULL, 0, ASK_MS / 10);
	got = waitpid(r->pid, status, WNOHANG);
	*ended = got == r->pid || (got < 0 && errno != EINTR);
	return rc;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* All that it started is in its group, also when it is gone itself. */
static void end(struct running *r, bool ended)
{
	const time_t last = now() + END_SECONDS;
	int status;

	kill(-r->pid, SIGTERM);
	while (!ended && now() < last)
		(void)wait_some(r, &ended, &status, NULL);
	kill(-r->pid, SIGKILL);
	while (!ended && waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
}

int child_run(const struct child *c, int *status, struct buffer *said, struct error *e)
{
	struct running r = { .child = c };
	bool ended = false, over = false;
	int rc = start(&r, e);

	if (rc)
		return rc;
	while (!rc && !ended) {
		rc = wait_some(&r, &ended, status, e);
		if (!rc && !ended && c->cancelled && c->cancelled(c->cancelled_arg))
			rc = error_set(e, ERR_CANCELLED, "stopped");
	}
	if (rc)
		end(&r, ended);
	else
		rc = said_read(&r, &over, e);
	if (!rc)
		rc = buffer_append(said, r.said.data, r.said.len, e);
	close(r.error);
	buffer_free(&r.said);
	return rc;
}
