/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How mmdebstrap is run, and what is kept: another program of that name stands in for it, which
 * writes down what it was given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "job/bootstrap.h"

struct place {
	char folder[64], cache[128];
	char *path; /* PATH as it was */
	struct strings packages;
	char said[512];
	int asked, stop_at; /* questions whether to go on; 0: never stops */
	struct convert_options engine;
};

static int progress(void *arg, uint64_t done, uint64_t total)
{
	struct place *p = arg;

	assert_int_equal(done, 0);
	assert_int_equal(total, 1);
	return p->stop_at && ++p->asked >= p->stop_at;
}

static void say(void *arg, const char *text)
{
	snprintf(((struct place *)arg)->said, sizeof(((struct place *)arg)->said), "%s", text);
}

static void write_program(const struct place *p, const char *script)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/bin/mmdebstrap", p->folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nhere=%s\n%s\n", p->folder, script);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	char text[4200];

	assert_non_null(p);
	strcpy(p->folder, "/var/tmp/test-bootstrap.XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(text, sizeof(text), "%s/bin", p->folder);
	assert_int_equal(mkdir(text, 0755), 0);
	snprintf(p->cache, sizeof(p->cache), "%s/cache/roots", p->folder);
	p->path = strdup(getenv("PATH"));
	snprintf(text, sizeof(text), "%s/bin:%.4000s", p->folder, p->path);
	setenv("PATH", text, 1);
	assert_int_equal(strings_add(&p->packages, "linux-image-amd64", NULL), 0);
	assert_int_equal(strings_add(&p->packages, "udev", NULL), 0);
	p->engine = (struct convert_options){ .progress = progress, .progress_arg = p };
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	setenv("PATH", p->path, 1);
	snprintf(command, sizeof(command), "rm -r %s", p->folder);
	assert_int_equal(system(command), 0);
	strings_free(&p->packages);
	free(p->path);
	free(p);
	return 0;
}

static struct bootstrap_job job_of(struct place *p)
{
	return (struct bootstrap_job){ .suite = "bookworm",
		.mirror = "http://user:se@cret@mirror.example/debian",
		.packages = &p->packages,
		.cache = p->cache,
		.tmpdir = p->folder,
		.time = 1735689600,
		.no_sync = true,
		.engine = &p->engine,
		.say = say,
		.say_arg = p };
}

static int run(const struct bootstrap_job *j, struct buffer *tar, struct error *e)
{
	struct buffer path = { 0 };
	int rc = bootstrap_run(j, &path, e);

	buffer_free(tar);
	if (!rc)
		assert_int_equal(file_read(buffer_text(&path), 1 << 20, tar, e), 0);
	buffer_free(&path);
	return rc;
}

static struct buffer note(const struct place *p, const char *name)
{
	struct buffer text = { 0 };
	struct error e;
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	assert_int_equal(file_read(path, 1 << 20, &text, &e), 0);
	return text;
}

/* Nothing that begins with the prefix is in the folder. */
static void assert_none(const char *folder, const char *pattern)
{
	char command[256];

	snprintf(command, sizeof(command), "find %s -name '%s' | grep -q .", folder, pattern);
	assert_int_not_equal(system(command), 0);
}

static const char records[] = "printf '%s\\n' \"$@\" >$here/arguments\n"
			      "cat >$here/input\n"
			      "echo $SOURCE_DATE_EPOCH >$here/time\n"
			      "echo $TMPDIR >$here/tmpdir\n"
			      "echo run >>$here/runs\n"
			      "echo a tar";

static void test_what_it_is_given(void **state)
{
	struct place *p = *state;
	const struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 }, text;
	struct error e = { 0 };

	write_program(p, records);
	if (run(&j, &tar, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buffer_text(&tar), "a tar\n");
	text = note(p, "arguments");
	assert_non_null(strstr(buffer_text(&text), "--mode=unshare\n"));
	assert_non_null(strstr(buffer_text(&text), "--include=linux-image-amd64,udev\n"));
	assert_non_null(strstr(buffer_text(&text), "\n--\nbookworm\n-\n-\n"));
	assert_null(strstr(buffer_text(&text), "cret"));
	buffer_free(&text);
	text = note(p, "input");
	assert_string_equal(buffer_text(&text),
		"deb http://user:se@cret@mirror.example/debian bookworm main\n");
	buffer_free(&text);
	text = note(p, "time");
	assert_string_equal(buffer_text(&text), "1735689600\n");
	buffer_free(&text);
	text = note(p, "tmpdir");
	assert_int_equal(strncmp(buffer_text(&text), p->folder, strlen(p->folder)), 0);
	buffer_free(&text);
	assert_none(p->folder, "hvimg-packages*");
	assert_none(p->folder, "*.part");
	buffer_free(&tar);
}

static void test_mirrors(void **state)
{
	struct place *p = *state;
	struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 }, text;
	struct error e = { 0 };

	write_program(p, records);
	j.mirror = "copy:/srv/mirror";
	assert_int_equal(run(&j, &tar, &e), 0);
	text = note(p, "arguments");
	assert_non_null(strstr(buffer_text(&text), "\n--\nbookworm\n-\ncopy:/srv/mirror\n"));
	buffer_free(&text);
	j.mirror = "deb [trusted=yes] https://u:p@mirror.example/debian bookworm main contrib";
	assert_int_equal(run(&j, &tar, &e), 0);
	text = note(p, "input");
	assert_string_equal(buffer_text(&text),
		"deb [trusted=yes] https://u:p@mirror.example/debian bookworm main contrib\n");
	buffer_free(&text);
	buffer_free(&tar);
}

static size_t runs(const struct place *p)
{
	struct buffer text = note(p, "runs");
	const size_t count = text.len / 4;

	buffer_free(&text);
	return count;
}

static void test_what_is_there_is_used(void **state)
{
	struct place *p = *state;
	struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 };
	struct error e = { 0 };

	write_program(p, records);
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(runs(p), 1);
	assert_non_null(strstr(p->said, "--refresh"));
	j.refresh = true;
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(runs(p), 2);
	j.refresh = false;
	j.time++;
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(runs(p), 3);
	j.suite = "trixie";
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(runs(p), 4);
	assert_int_equal(strings_add(&p->packages, "kmod", &e), 0);
	assert_int_equal(run(&j, &tar, &e), 0);
	assert_int_equal(runs(p), 5);
	buffer_free(&tar);
}

static void test_failure(void **state)
{
	struct place *p = *state;
	const struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 };
	struct error e = { 0 };

	write_program(p,
		"echo half of a tar\n"
		"for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do echo line $i >&2; done\n"
		"echo 'E: http://user:se@cret@mirror.example/debian is not signed' >&2\n"
		"exit 25");
	assert_int_equal(run(&j, &tar, &e), -ERR_IO);
	assert_non_null(strstr(e.text, "status 25"));
	assert_non_null(strstr(e.text, "E: http://mirror.example/debian is not signed"));
	assert_non_null(strstr(e.text, "line 16"));
	assert_null(strstr(e.text, "line 2\n"));
	assert_null(strstr(e.text, "cret"));
	assert_none(p->folder, "*.tar");
	assert_none(p->folder, "*.part");
	assert_none(p->folder, "hvimg-packages*");
	/* What was not made is made the next time. */
	write_program(p, records);
	assert_int_equal(run(&j, &tar, &e), 0);
	buffer_free(&tar);
}

/* Nobody may have waited for it yet: then it is a zombie. */
static bool is_alive(const struct place *p, const char *name)
{
	struct buffer text = note(p, name);
	const long pid = strtol(buffer_text(&text), NULL, 10);
	char command[128];
	bool alive = true;

	buffer_free(&text);
	assert_true(pid > 1);
	snprintf(command, sizeof(command),
		"grep -q '^State:[[:space:]]*[RSDT]' /proc/%ld/status 2>&1", pid);
	for (int i = 0; i < 50 && alive; i++) {
		alive = !system(command);
		usleep(alive ? 20000 : 0);
	}
	return alive;
}

/* What was started by what was started is ended, too. */
static void test_stopped(void **state)
{
	struct place *p = *state;
	const struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 };
	struct error e = { 0 };

	write_program(p,
		"sleep 1000 &\n"
		"echo $! >$here/child\n"
		"echo half of a tar\n"
		"wait");
	p->stop_at = 3;
	assert_int_equal(run(&j, &tar, &e), -ERR_CANCELLED);
	assert_false(is_alive(p, "child"));
	assert_none(p->folder, "*.tar");
	assert_none(p->folder, "*.part");
	assert_none(p->folder, "hvimg-packages*");
}

static void test_missing(void **state)
{
	struct place *p = *state;
	const struct bootstrap_job j = job_of(p);
	struct buffer tar = { 0 };
	struct error e = { 0 };
	char folder[80];

	snprintf(folder, sizeof(folder), "%s/bin", p->folder);
	setenv("PATH", folder, 1);
	assert_int_equal(run(&j, &tar, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "install the package mmdebstrap"));
	setenv("PATH", p->path, 1);
	assert_none(p->folder, "*.part");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_it_is_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mirrors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_there_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
