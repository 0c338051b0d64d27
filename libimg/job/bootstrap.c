/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/bootstrap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "job/bootstrap_private.h"

enum {
	LAYOUT = 1, /* of what is asked of mmdebstrap; another one makes other tars */
	LOCK_US = 200000,
};

bool bootstrap_cancelled(void *arg)
{
	const struct convert_options *engine = arg;

	return engine && engine->progress && engine->progress(engine->progress_arg, 0, 1);
}

static void say(const struct bootstrap_job *j, const char *text)
{
	if (j->say)
		j->say(j->say_arg, text);
}

/* The file is called by all that decides what is in it, as far as this host can tell. */
static int key_make(const struct bootstrap_job *j, char hex[DIGEST_HEX_MAX], struct error *e)
{
	struct strings sorted = { 0 };
	struct buffer text = { 0 };
	struct utsname host;
	int rc = uname(&host) ? error_errno(e, errno, "uname") : 0;

	for (size_t i = 0; i < j->packages->count && !rc; i++)
		rc = strings_add_new(&sorted, j->packages->item[i], e);
	strings_sort(&sorted);
	if (!rc)
		rc = buffer_format(&text, e, "%d\n%s\n%" PRIu64 "\n%s\n%s\n", LAYOUT, host.machine,
			j->time, j->suite, j->mirror);
	for (size_t i = 0; i < sorted.count && !rc; i++)
		rc = buffer_format(&text, e, "%s\n", sorted.item[i]);
	if (!rc)
		rc = digest_bytes("sha256", text.data, text.len, hex, e);
	strings_free(&sorted);
	buffer_free(&text);
	return rc;
}

static int make(const struct bootstrap_job *j, const char *path, struct error *e)
{
	struct buffer part = { 0 };
	int fd, rc = buffer_format(&part, e, "%s.part", path);

	if (rc)
		return rc;
	fd = open(buffer_text(&part), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		rc = error_errno(e, errno, "%s", buffer_text(&part));
	if (!rc)
		rc = bootstrap_install(j, fd, e);
	if (fd >= 0 && close(fd) && !rc)
		rc = error_errno(e, errno, "%s", buffer_text(&part));
	if (!rc && rename(buffer_text(&part), path))
		rc = error_errno(e, errno, "%s", path);
	if (rc && fd >= 0)
		unlink(buffer_text(&part));
	buffer_free(&part);
	return rc;
}

/* Of two that want the same the second one finds it made. */
static int lock(const struct bootstrap_job *j, const char *path, int *fd, struct error *e)
{
	struct buffer name = { 0 };
	int rc = buffer_format(&name, e, "%s.lock", path);
	bool told = false;

	*fd = rc ? -1 : open(buffer_text(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (!rc && *fd < 0)
		rc = error_errno(e, errno, "%s", buffer_text(&name));
	while (!rc && flock(*fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			rc = error_errno(e, errno, "%s", buffer_text(&name));
		else if (bootstrap_cancelled((void *)(uintptr_t)j->engine))
			rc = error_set(e, ERR_CANCELLED, "stopped");
		else if (!told)
			say(j, "waiting for another hvimg that installs the same packages");
		told = true;
		if (!rc)
			usleep(LOCK_US);
	}
	buffer_free(&name);
	return rc;
}

static int folders_make(const char *path, struct error *e)
{
	struct buffer above = { 0 };
	int rc = 0;

	for (size_t i = 1; path[i - 1] && !rc; i++) {
		if (path[i] && path[i] != '/')
			continue;
		buffer_free(&above);
		rc = buffer_append(&above, path, i, e);
		if (!rc && mkdir(buffer_text(&above), 0700) && errno != EEXIST)
			rc = error_errno(e, errno, "%s", buffer_text(&above));
	}
	buffer_free(&above);
	return rc;
}

static void say_age(const struct bootstrap_job *j, const struct stat *st)
{
	char text[128], date[32] = "";
	struct tm tm;

	if (gmtime_r(&st->st_mtime, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	snprintf(text, sizeof(text), "packages as they were installed on %s (--refresh: again)",
		date);
	say(j, text);
}

static int provide(const struct bootstrap_job *j, const char *path, struct error *e)
{
	struct stat st;
	int fd, rc = lock(j, path, &fd, e);

	if (!rc && !j->refresh && !stat(path, &st))
		say_age(j, &st);
	else if (!rc) {
		say(j, "installing packages; their scripts run in a user namespace");
		rc = make(j, path, e);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

int bootstrap_run(const struct bootstrap_job *j, struct buffer *path, struct error *e)
{
	char key[DIGEST_HEX_MAX];
	struct buffer file = { 0 };
	int rc = folders_make(j->cache, e);

	if (!rc)
		rc = key_make(j, key, e);
	if (!rc)
		rc = buffer_format(&file, e, "%s/%s.tar", j->cache, key);
	if (!rc)
		rc = provide(j, buffer_text(&file), e);
	if (!rc)
		rc = buffer_string(path, buffer_text(&file), e);
	buffer_free(&file);
	return rc;
}
