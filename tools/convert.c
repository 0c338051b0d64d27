/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg convert: any readable image into a new one, or into a pipe. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/conversion.h"
#include "tools/host.h"
#include "tools/text.h"

struct convert_settings {
	struct common common;
	struct conversion conversion;
};

static int pipe_write(void *arg, const void *bytes, size_t len, struct error *e)
{
	const uint8_t *p = bytes;

	(void)arg;
	while (len) {
		ssize_t n = write(STDOUT_FILENO, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_errno(e, errno, "cannot write to standard output");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Standard output is the image, so all that is said goes to standard error. */
static int pipe_run(const struct convert_settings *s, struct convert_job *job, struct error *e)
{
	const struct stream_sink sink = { .write = pipe_write };
	struct convert_outcome result = { 0 };
	struct progress progress;
	int rc = progress_from(&s->common, &progress, e);

	if (!rc &&
		(s->common.json || s->conversion.verify || s->conversion.no_scan ||
			s->conversion.no_holes))
		rc = error_set(e, ERR_USAGE,
			"-: a pipe goes with none of --json, --verify, --no-scan and --no-holes");
	if (!rc && isatty(STDOUT_FILENO))
		rc = error_set(e, ERR_USAGE, "-: standard output is a terminal");
	if (rc)
		return rc;
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error to be told */
	progress_start(&progress, "convert", &job->engine);
	rc = job_stream(job, scratch_folder(&s->common), &sink, &result, e);
	progress_end(&progress);
	if (!rc) {
		say_dropped(&result.dropped);
		print_hashes(stderr, job, &result);
	}
	dropped_free(&result.dropped);
	return rc;
}

static int file_run(const struct convert_settings *s, struct convert_job *job, struct error *e)
{
	struct convert_outcome result = { 0 };
	struct progress progress;
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	progress_start(&progress, "convert", &job->engine);
	rc = job_convert(job, &result, e);
	progress_end(&progress);
	if (!rc && s->common.json)
		rc = print_json(conversion_json(job, &result), e);
	else if (!rc)
		print_hashes(stdout, job, &result);
	if (!rc)
		say_dropped(&result.dropped);
	dropped_free(&result.dropped);
	return rc;
}

static int convert_run(const void *settings, char *const *argument, struct error *e)
{
	const struct convert_settings *s = settings;
	struct convert_job job;
	int rc = conversion_job(&s->conversion, &s->common, argument[0], argument[1], &job, e);

	if (!rc)
		rc = strcmp(argument[1], "-") ? file_run(s, &job, e) : pipe_run(s, &job, e);
	conversion_job_free(&job);
	return rc;
}

#define FIELD(name) offsetof(struct convert_settings, conversion.name)
static const struct option_spec convert_options[] = {
	CONVERSION_OPTIONS(FIELD),
	PARENT_OPTIONS(FIELD),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_convert;
const struct command command_convert = {
	.name = "convert",
	.arguments = "SOURCE DEST",
	.argument_count = 2,
	.summary = "convert an image to another format",
	.description = "Writes the content of SOURCE to DEST in one pass over the data. The format "
		       "of DEST is "
		       "the one that -O names, else the one of its ending. Blocks of zeros are "
		       "left out.\n\n" PARENT_TEXT
		       " A source that equals its parent gives an empty child.\n\n"
		       "DEST may be - for standard output: the source is then read twice, and the "
		       "image, the "
		       "same bytes that the file would have, is sent in order. SOURCE may be - for "
		       "standard input: it is taken as raw, and kept in --tmpdir while it is "
		       "converted.\n\n" VIEWS_HELP "\n\n"
		       "DEST appears when it is complete, or not at all; an existing file is "
		       "replaced only "
		       "with --force. SOURCE is never written. The bytes of DEST depend on the "
		       "content and on "
		       "the options only.",
	.takes_formats = true,
	.options = convert_options,
	.settings_size = sizeof(struct convert_settings),
	.run = convert_run,
};
