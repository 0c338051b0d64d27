/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg check: is every structure of a container right? */
#include <string.h>

#include "job/job.h"
#include "tools/conversion.h"
#include "tools/text.h"

struct check_settings {
	struct common common;
	const char *format, *allow_parent, *repair;
	bool cross, force, no_sync;
};

static json_t *outcome_json(const struct check_settings *s, const struct check_outcome *r)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o}", "format", r->format->name, "errors",
		number_json(r->check.errors), "leaks", number_json(r->check.leaks), "findings",
		report_json(&r->check.report), "repaired",
		text_json(r->repaired ? s->repair : NULL));
}

static void put_check_finding(const struct finding *f)
{
	printf("%s ", severity_name(f->severity));
	put_text(stdout, f->code);
	if (f->has_offset)
		printf(" at %" PRIu64, f->offset);
	fputs(": ", stdout);
	put_text(stdout, f->text);
	if (f->fix) {
		fputs("\n  fix: ", stdout);
		put_text(stdout, f->fix);
	}
	putchar('\n');
}

static void put_count(uint64_t n, const char *what)
{
	printf("%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
}

static void print_outcome(
	const struct check_settings *s, const char *image, const struct check_outcome *r)
{
	for (size_t i = 0; i < r->check.report.count; i++)
		put_check_finding(&r->check.report.finding[i]);
	put_text(stdout, image);
	if (!strcmp(r->format->name, "raw")) {
		puts(": raw, which has no structures to check");
		return;
	}
	printf(": %s, ", r->format->name);
	put_count(r->check.errors, "error");
	fputs(", ", stdout);
	put_count(r->check.leaks, "leaked block");
	putchar('\n');
	if (r->repaired) {
		put_text(stdout, s->repair);
		puts(": a repaired copy");
	}
}

static int give_answer(const struct check_settings *s, const char *image,
	const struct check_outcome *r, struct error *e)
{
	int rc = 0;

	if (s->common.json)
		rc = print_json(outcome_json(s, r), e);
	else if (!s->common.quiet)
		print_outcome(s, image, r);
	if (rc)
		return rc;
	return r->check.errors && !r->repaired ? STATUS_NO : STATUS_DONE;
}

static int take_settings(
	const struct check_settings *s, const char *image, struct check_job *j, struct error *e)
{
	*j = (struct check_job){
		.image = image,
		.allow_parent = s->allow_parent,
		.cross = s->cross,
		.repair = s->repair,
		.output = { .force = s->force, .no_sync = s->no_sync },
		.engine = { .threads = s->common.threads },
	};
	if (!strcmp(image, "-"))
		return error_set(e, ERR_USAGE, "-: a pipe is not checked: name a file");
	if (s->repair && !strcmp(s->repair, "-"))
		return error_set(e, ERR_USAGE, "--repair: the copy is not sent to a pipe");
	return format_option("-f", s->format, &j->format, e);
}

static int check_run(const void *settings, char *const *argument, struct error *e)
{
	const struct check_settings *s = settings;
	struct check_outcome result = { 0 };
	struct progress progress;
	struct check_job job;
	int rc = progress_from(&s->common, &progress, e);

	if (!rc)
		rc = take_settings(s, argument[0], &job, e);
	if (rc)
		return rc;
	progress_start(&progress, s->repair ? "repair" : "check", &job.engine);
	rc = job_check(&job, &result, e);
	progress_end(&progress);
	if (!rc)
		rc = give_answer(s, argument[0], &result, e);
	check_outcome_free(&result);
	return rc;
}

#define FIELD(name) offsetof(struct check_settings, name)
static const struct option_spec check_options[] = {
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, FIELD(format) },
	{ "cross", 0, NULL,
		"Read all content too and compare: VHD and VHDX with what libvhdi reads.",
		option_flag, FIELD(cross) },
	{ "repair", 0, "NEW", "Write a repaired copy to NEW; IMAGE is never written.", option_text,
		FIELD(repair) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	{ "force", 0, NULL, "Replace an existing NEW.", option_flag, FIELD(force) },
	{ "no-sync", 0, NULL, "Do not wait until NEW is on stable storage.", option_flag,
		FIELD(no_sync) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_check;
const struct command command_check = {
	.name = "check",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "check the structures of an image, and repair a copy",
	.description =
		"Looks at every header and copy of one, checksum, table, bitmap and log of IMAGE's "
		"container, and at the places that they name: overlaps, leaks, what lies outside "
		"the file. IMAGE may be too damaged to be opened. Each finding has a code that "
		"stays the same, the offset in the file, and what helps. Leaks cost room only and "
		"are no errors. A log that waits to be replayed is replayed in memory first.\n\n"
		"--cross reads all of the content, too; the offset of what differs is the guest's. "
		"Where libvhdi cannot read what the image says (a log, a parent) it is told, and "
		"hvimg reads a second time itself.\n\n"
		"--repair writes the content into a fresh container of the same kind, with the "
		"same identifiers: that mends a damaged footer, header or copy of one, replays the "
		"log and leaves out leaks. A child is written anew over the same parent, which "
		"--allow-parent has to permit; it names the parent as IMAGE does, so a relative "
		"path leads there from IMAGE's folder. The copy is checked before it appears. "
		"Errors that leave it open what the image holds are not mended: then nothing is "
		"written, a finding says so, and the exit status is 3.",
	.answer_no = "errors were found, and no repaired copy was written",
	.options = check_options,
	.settings_size = sizeof(struct check_settings),
	.run = check_run,
};
