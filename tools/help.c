/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/help.h"

#include <string.h>

#include "disk/format.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 96 };

/* Prints `text` broken at spaces; the cursor is at `column` already, an empty line starts a
 * paragraph. */
static void put_wrapped(FILE *out, const char *text, int indent, int column)
{
	bool fresh = true;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (!fresh && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			fresh = true;
		}
		column += fprintf(out, "%s%.*s", fresh ? "" : " ", len, text);
		fresh = false;
		text += len;
		if (text[0] == '\n' && text[1] == '\n') {
			fprintf(out, "\n\n%*s", indent, "");
			column = indent;
			fresh = true;
			text++;
		}
		text += *text != '\0';
	}
	fputc('\n', out);
}

static void put_entry(FILE *out, const char *head, const char *text)
{
	int len = fprintf(out, "  %s", head);

	if (len >= HELP_COLUMN) {
		fputc('\n', out);
		len = 0;
	}
	fprintf(out, "%*s", HELP_COLUMN - len, "");
	put_wrapped(out, text, HELP_COLUMN, HELP_COLUMN);
}

static void put_options(FILE *out, const struct option_spec *o)
{
	for (; o->name; o++) {
		char letter[5] = "    ";
		char head[128];
		bool optional;

		if (o->letter)
			snprintf(letter, sizeof(letter), "-%c, ", o->letter);
		/* "[X]" shows as "[=X]" */
		optional = o->argument && *o->argument == '[';
		snprintf(head, sizeof(head), "%s--%s%s%s", letter, o->name,
			optional              ? "[="
				: o->argument ? "="
					      : "",
			o->argument ? o->argument + optional : "");
		put_entry(out, head, o->help);
	}
}

static void put_formats(FILE *out)
{
	fputs("\nFormats and their -o keys:\n", out);
	for (const struct format *const *f = format_list; *f; f++) {
		put_entry(out, (*f)->name, (*f)->help);
		for (const struct format_option *o = (*f)->options; o && o->name; o++) {
			char head[128];

			snprintf(head, sizeof(head), "  %s=%s", o->name, o->values);
			put_entry(out, head, o->help);
		}
	}
}

void help_all(FILE *out)
{
	fputs("Usage: hvimg COMMAND [OPTION...] ARGUMENT...\n\n"
	      "Builds, converts and delivers virtual machine images for OpenStack on Hyper-V, KVM "
	      "and Xen.\n\nCommands:\n",
		out);
	for (const struct command *const *c = command_list; *c; c++)
		put_entry(out, (*c)->name, (*c)->summary);
	fputs("\nhvimg COMMAND --help tells about one of them, hvimg --version what this build is "
	      "made of.\n",
		out);
}

void help_command(FILE *out, const struct command *c)
{
	fprintf(out, "Usage: hvimg %s [OPTION...] %s\n\n", c->name, c->arguments);
	put_wrapped(out, c->description, 0, 0);
	if (c->options->name) {
		fputs("\nOptions:\n", out);
		put_options(out, c->options);
	}
	fputs("\nCommon options:\n", out);
	put_options(out, common_options);
	if (c->takes_formats)
		put_formats(out);
	fputs("\nExit status: 0 done, 1 failed, 2 wrong usage", out);
	if (c->answer_no)
		fprintf(out, ", 3 %s", c->answer_no);
	fputs(".\n", out);
}
