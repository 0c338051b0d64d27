/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program: finds the command, reads its options, runs it and turns the result into an exit
 * status. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "tools/command.h"
#include "tools/help.h"
#include "tools/interrupt.h"
#include "tools/text.h"

#define COMMAND(name) extern const struct command command_##name;
#include "tools/list.def"
#undef COMMAND

const struct command *const command_list[] = {
#define COMMAND(name) &command_##name,
#include "tools/list.def"
#undef COMMAND
	NULL,
};

#define FIELD(name) offsetof(struct common, name)
const struct option_spec common_options[] = {
	{ "json", 0, NULL, "Print one JSON document on standard output.", option_flag,
		FIELD(json) },
	{ "progress", 0, "auto|bar|json|none",
		"How progress is shown on standard error; auto is a bar when that is a terminal.",
		option_text, FIELD(progress) },
	{ "bar", 'p', NULL, "The same as --progress=bar.", option_flag, FIELD(bar) },
	{ "log", 0, "FILE", "Append what is said to FILE too.", option_text, FIELD(log) },
	{ "quiet", 'q', NULL, "Say nothing but errors.", option_flag, FIELD(quiet) },
	{ "threads", 0, "N", "Worker threads; one a processor without it.", option_count,
		FIELD(threads) },
	{ "tmpdir", 0, "DIR", "Where what does not fit in memory goes; TMPDIR without it.",
		option_text, FIELD(tmpdir) },
	{ "help", 'h', NULL, "Print this and exit.", option_flag, FIELD(help) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

const struct command *command_by_name(const char *name)
{
	for (const struct command *const *c = command_list; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}

static int status_of(int rc)
{
	if (rc >= 0)
		return rc;
	if (rc == -ERR_USAGE)
		return STATUS_USAGE;
	return rc == -ERR_NOTREADY ? STATUS_NO : STATUS_FAILED;
}

static int check_arguments(const struct command *c, const struct strings *rest, struct error *e)
{
	for (size_t i = 0; i < rest->count; i++)
		if (!*rest->item[i])
			return error_set(e, ERR_USAGE, "argument %zu is empty", i + 1);
	if (rest->count <= c->argument_count &&
		rest->count + c->optional_count >= c->argument_count)
		return 0;
	return error_set(e, ERR_USAGE, "takes %s: %zu argument%s given", c->arguments, rest->count,
		rest->count == 1 ? "" : "s");
}

/* What was printed has to have arrived: a full disk must not look like success. */
static int flush_output(struct error *e)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return error_errno(e, errno ? errno : EIO, "standard output");
	return 0;
}

static int run_parsed(const struct command *c, const struct common *common,
	const struct strings *rest, struct error *e)
{
	char *argument[ARGUMENTS_MAX] = { NULL };
	int rc = say_open(common->log, common->quiet, e);

	for (size_t i = 0; i < rest->count && i < ARGUMENTS_MAX; i++)
		argument[i] = rest->item[i];
	if (rc)
		return rc;
	interrupt_catch();
	rc = c->run(common, argument, e);
	return rc >= 0 && flush_output(e) ? -ERR_IO : rc;
}

static void usage_error(struct error *e, const struct command *c)
{
	size_t len;

	error_prefix(e, "%s", c->name);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, " (hvimg %s --help lists what it takes)",
		c->name);
}

static int run_command(const struct command *c, char **argv)
{
	struct common *settings = calloc(1, c->settings_size);
	struct strings rest = { 0 };
	struct error e = { 0 };
	int rc = settings ? 0 : error_nomem(&e, "options");

	if (!rc)
		rc = options_parse(c->options, common_options, argv, settings, &rest, &e);
	if (!rc && settings->help) {
		help_command(stdout, c);
		rc = flush_output(&e);
		goto out;
	}
	if (!rc)
		rc = check_arguments(c, &rest, &e);
	if (rc == -ERR_USAGE)
		usage_error(&e, c);
	if (!rc)
		rc = run_parsed(c, settings, &rest, &e);
out:
	if (rc < 0)
		say_error(e.text);
	say_close();
	if (settings)
		options_free(c->options, settings);
	strings_free(&rest);
	free(settings);
	interrupt_die();
	return status_of(rc);
}

static int wrong_usage(const char *what, const char *name)
{
	struct buffer text = { 0 };

	if (!buffer_format(&text, NULL, "%s%s: the commands are", what, name))
		for (const struct command *const *c = command_list; *c; c++)
			if (buffer_format(
				    &text, NULL, "%s %s", c == command_list ? "" : ",", (*c)->name))
				break;
	say_error(buffer_text(&text));
	buffer_free(&text);
	return STATUS_USAGE;
}

static void print_names(void)
{
	for (const struct command *const *c = command_list; *c; c++)
		puts((*c)->name);
}

/* Prints what is asked about the program itself; false when it is none of that. */
static bool run_about(const char *what)
{
	if (!strcmp(what, "--help") || !strcmp(what, "-h") || !strcmp(what, "help"))
		help_all(stdout);
	else if (!strcmp(what, "--version") || !strcmp(what, "-V"))
		version_print(stdout);
	else if (!strcmp(what, "--man"))
		man_page(stdout, NULL);
	else if (!strcmp(what, "--commands"))
		print_names();
	else if (!strcmp(what, "--completion"))
		completion_bash(stdout);
	else
		return false;
	return true;
}

/* The status of having printed. */
static int end_about(void)
{
	struct error e = { 0 };

	if (!flush_output(&e))
		return STATUS_DONE;
	say_error(e.text);
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2)
		return wrong_usage("no command", "");
	if (!strcmp(argv[1], "help") && argc > 2 && (c = command_by_name(argv[2]))) {
		help_command(stdout, c);
		return end_about();
	}
	if (run_about(argv[1]))
		return end_about();
	c = command_by_name(argv[1]);
	if (!c)
		return wrong_usage(
			argv[1][0] == '-' ? "unknown option " : "unknown command ", argv[1]);
	if (argc == 3 && !strcmp(argv[2], "--man")) {
		man_page(stdout, c);
		return end_about();
	}
	return run_command(c, argv + 2);
}
