/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How mmdebstrap is run. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job/bootstrap_private.h"
#include "job/child.h"

enum { SAID_LINES = 12 };

static bool has_password(const char *mirror)
{
	const char *host = strstr(mirror, "://");

	return host && host[3 + strcspn(host + 3, "/@ ")] == '@';
}

static bool is_line(const char *mirror)
{
	return !strncmp(mirror, "deb ", 4);
}

/* What any user of the host may see in its list of processes: no password. */
static int arguments_make(const struct bootstrap_job *j, struct strings *out, struct error *e)
{
	static const char no_passwords[] = "--customize-hook=find \"$1/etc/apt\" -name '*.list' "
					   "-exec sed -i 's,//[^/ ]*@,//,' {} +";
	static const char *const fixed[] = { "mmdebstrap", "--mode=unshare", "--variant=minbase",
		"--format=tar", "--aptopt=Acquire::Retries \"3\"",
		/* mmdebstrap puts the host's there. */
		"--customize-hook=echo localhost >\"$1/etc/hostname\"",
		"--customize-hook=: >\"$1/etc/resolv.conf\"", no_passwords };
	struct buffer include = { 0 };
	int rc = buffer_string(&include, "--include=", e);

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]) && !rc; i++)
		rc = strings_add(out, fixed[i], e);
	/* Such a folder is to be seen from inside, too. */
	if (!rc && strstr(j->mirror, "file:"))
		rc = strings_add(
			out, "--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount", e);
	for (size_t i = 0; i < j->packages->count && !rc; i++)
		rc = buffer_format(&include, e, "%s%s", i ? "," : "", j->packages->item[i]);
	if (!rc)
		rc = strings_add(out, buffer_text(&include), e);
	buffer_free(&include);
	if (!rc)
		rc = strings_add(out, "--", e);
	if (!rc)
		rc = strings_add(out, j->suite, e);
	if (!rc)
		rc = strings_add(out, "-", e);
	return rc ? rc : strings_add(out, has_password(j->mirror) ? "-" : j->mirror, e);
}

static int input_make(const struct bootstrap_job *j, struct buffer *out, struct error *e)
{
	if (!has_password(j->mirror))
		return 0;
	return is_line(j->mirror) ? buffer_format(out, e, "%s\n", j->mirror)
				  : buffer_format(out, e, "deb %s %s main\n", j->mirror, j->suite);
}

static int environment_make(
	const struct bootstrap_job *j, const char *folder, struct strings *out, struct error *e)
{
	char text[48];
	struct buffer tmpdir = { 0 };
	int rc = buffer_format(&tmpdir, e, "TMPDIR=%s", folder);

	if (!rc)
		rc = strings_add(out, buffer_text(&tmpdir), e);
	if (!rc)
		rc = strings_add(out, "LC_ALL=C.UTF-8", e);
	snprintf(text, sizeof(text), "SOURCE_DATE_EPOCH=%" PRIu64, j->time);
	if (!rc && j->time)
		rc = strings_add(out, text, e);
	buffer_free(&tmpdir);
	return rc;
}

/* A password may hold "@" itself, so that the last one before the path counts. */
void bootstrap_hide(char *text)
{
	for (char *at = strstr(text, "://"); at; at = strstr(at, "://")) {
		size_t end, host;

		at += 3;
		end = strcspn(at, "/ \t\r\n\"'");
		for (host = end; host && at[host - 1] != '@'; host--)
			;
		if (host > 1)
			memmove(at, at + host, strlen(at + host) + 1);
	}
}

/* The end of what it said. */
static const char *last_lines(const struct buffer *said)
{
	const char *text = buffer_text(said);
	size_t at = said->len, lines = 0;

	while (at && (text[at - 1] != '\n' || at == said->len || ++lines < SAID_LINES))
		at--;
	return text + at;
}

static int judge(int rc, int status, struct buffer *said, struct error *e)
{
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	if (rc == -ERR_NOTFOUND)
		return error_set(e, ERR_NOTFOUND,
			"there is no mmdebstrap, which installs packages: install the package "
			"mmdebstrap (Debian, Ubuntu)");
	if (rc || !code)
		return rc;
	if (said->data)
		bootstrap_hide((char *)said->data);
	return error_set(e, ERR_IO, "mmdebstrap failed with status %d: %s", code, last_lines(said));
}

static int install_to(
	const struct bootstrap_job *j, const char *folder, int output, struct error *e)
{
	struct strings argument = { 0 }, environment = { 0 };
	struct buffer input = { 0 }, said = { 0 };
	struct child c = { .argument = &argument,
		.environment = &environment,
		.output = output,
		.cancelled = bootstrap_cancelled,
		.cancelled_arg = (void *)(uintptr_t)j->engine };
	int status = 0, rc = arguments_make(j, &argument, e);

	if (!rc)
		rc = environment_make(j, folder, &environment, e);
	if (!rc)
		rc = input_make(j, &input, e);
	c.input = input.data;
	c.input_len = input.len;
	if (!rc) {
		rc = child_run(&c, &status, &said, e);
		rc = judge(rc, status, &said, e);
	}
	strings_free(&argument);
	strings_free(&environment);
	buffer_free(&input);
	buffer_free(&said);
	return rc;
}

/* mmdebstrap is another user there, who has to come in. */
static int folder_make(const struct bootstrap_job *j, struct buffer *path, struct error *e)
{
	int rc = buffer_format(path, e, "%s/hvimg-packages.XXXXXX", j->tmpdir);

	if (rc)
		return rc;
	if (!mkdtemp((char *)path->data))
		return error_errno(e, errno, "%s", buffer_text(path));
	if (chmod(buffer_text(path), 01777)) {
		error_errno(e, errno, "%s", buffer_text(path));
		rmdir(buffer_text(path));
		return -ERR_IO;
	}
	return 0;
}

int bootstrap_install(const struct bootstrap_job *j, int output, struct error *e)
{
	struct buffer folder = { 0 };
	int rc = folder_make(j, &folder, e);

	if (!rc) {
		rc = install_to(j, buffer_text(&folder), output, e);
		/* It takes away what it has put there, also when it is stopped. */
		rmdir(buffer_text(&folder));
	}
	if (!rc && !j->no_sync && fsync(output))
		rc = error_errno(e, errno, "writing the root file system");
	buffer_free(&folder);
	return rc;
}
