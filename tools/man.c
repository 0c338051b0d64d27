/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manual pages and completion from the commands' tables. */
#include <ctype.h>
#include <string.h>

#include "disk/format.h"
#include "tools/help.h"

/* Text as roff: a dash that can be copied, no accidental request, a paragraph for an empty line. */
static void put_roff(FILE *out, const char *text)
{
	bool start = true;

	for (; *text; text++) {
		if (start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		start = *text == '\n';
		if (*text == '-')
			fputs("\\-", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else if (text[0] == '\n' && text[1] == '\n')
			fputs("\n.PP", out);
		else
			fputc(*text, out);
	}
	fputc('\n', out);
}

static void put_options(FILE *out, const struct option_spec *o)
{
	for (; o->name; o++) {
		fputs(".TP\n", out);
		if (o->letter)
			fprintf(out, "\\fB\\-%c\\fR, ", o->letter);
		fputs("\\fB\\-\\-", out);
		for (const char *c = o->name; *c; c++)
			fputs(*c == '-' ? "\\-" : (char[]){ *c, 0 }, out);
		fputs("\\fR", out);
		if (o->argument && *o->argument == '[')
			fprintf(out, "[=\\fI%.*s\\fR]", (int)strlen(o->argument) - 2,
				o->argument + 1);
		else if (o->argument)
			fprintf(out, "=\\fI%s\\fR", o->argument);
		fputc('\n', out);
		put_roff(out, o->help);
	}
}

static void put_formats(FILE *out)
{
	fputs(".SH FORMATS\n", out);
	for (const struct format *const *f = format_list; *f; f++) {
		fprintf(out, ".TP\n\\fB%s\\fR\n", (*f)->name);
		put_roff(out, (*f)->help);
		for (const struct format_option *o = (*f)->options; o && o->name; o++) {
			fprintf(out, ".RS\n.TP\n\\fB%s\\fR=\\fI%s\\fR\n", o->name, o->values);
			put_roff(out, o->help);
			fputs(".RE\n", out);
		}
	}
}

static void put_head(FILE *out, const char *command, const char *summary)
{
	fputs(".TH HVIMG", out);
	if (command)
		fputs("\\-", out);
	for (const char *c = command ? command : ""; *c; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, " 1 \"\" \"hvimg %s\" \"hvimg\"\n.SH NAME\nhvimg", HVIMG_VERSION);
	fprintf(out, "%s%s \\- ", command ? "\\-" : "", command ? command : "");
	put_roff(out, summary);
	fputs(".SH SYNOPSIS\n.B hvimg\n", out);
}

static void man_all(FILE *out)
{
	put_head(out, NULL, "build, convert and deliver virtual machine images");
	fputs(".I COMMAND\n[\\fIOPTION\\fR...] \\fIARGUMENT\\fR...\n.SH COMMANDS\n", out);
	for (const struct command *const *c = command_list; *c; c++) {
		fprintf(out, ".TP\n\\fBhvimg\\-%s\\fR(1)\n", (*c)->name);
		put_roff(out, (*c)->summary);
	}
	fputs(".SH COMMON OPTIONS\n", out);
	put_options(out, common_options);
	fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 the answer is no.\n", out);
	fputs(".SH ENVIRONMENT\n.TP\n\\fBHVIMG_RECIPES\\fR\n"
	      "The folder that holds targets/, instead of the installed one.\n"
	      ".TP\n\\fBTMPDIR\\fR\nWhere scratch files go without \\fB\\-\\-tmpdir\\fR.\n"
	      ".TP\n\\fBSOURCE_DATE_EPOCH\\fR\nThe time that is written into what is made.\n",
		out);
}

void man_page(FILE *out, const struct command *c)
{
	if (!c) {
		man_all(out);
		return;
	}
	put_head(out, c->name, c->summary);
	fprintf(out, ".B %s\n[\\fIOPTION\\fR...] \\fI%s\\fR\n.SH DESCRIPTION\n", c->name,
		c->arguments);
	put_roff(out, c->description);
	if (c->options->name) {
		fputs(".SH OPTIONS\n", out);
		put_options(out, c->options);
	}
	fputs(".SH COMMON OPTIONS\n", out);
	put_options(out, common_options);
	if (c->takes_formats)
		put_formats(out);
	fputs(".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage", out);
	if (c->answer_no) {
		fputs(", 3 ", out);
		put_roff(out, c->answer_no);
	}
	fputs("\n.SH SEE ALSO\n.BR hvimg (1)\n", out);
}

static void put_words(FILE *out, const struct option_spec *o)
{
	for (; o->name; o++)
		fprintf(out, " --%s%s", o->name, o->argument && *o->argument != '[' ? "=" : "");
}

static bool takes_format(const struct option_spec *o)
{
	return o->argument && !strcmp(o->argument, "FORMAT");
}

/* Whether the option's text lists the words that it takes: "auto|bar". */
static bool takes_word(const struct option_spec *o)
{
	return o->argument && islower((unsigned char)*o->argument) && strchr(o->argument, '|');
}

/* What follows an option that takes one of a few words. */
static void put_values(FILE *out, const struct option_spec *o)
{
	for (; o->name; o++) {
		if (!takes_format(o) && !takes_word(o))
			continue;
		fputs("\t\t\t", out);
		if (o->letter)
			fprintf(out, "-%c | ", o->letter);
		fprintf(out, "--%s) words='", o->name);
		for (const char *c = takes_word(o) ? o->argument : ""; *c; c++)
			fputc(*c == '|' ? ' ' : *c, out);
		for (const struct format *const *f = format_list; takes_format(o) && *f; f++)
			if ((*f)->create || strcmp(o->name, "output-format") != 0)
				fprintf(out, "%s ", (*f)->name);
		fputs("' ;;\n", out);
	}
}

void completion_bash(FILE *out)
{
	fputs("# bash completion for hvimg\n_hvimg()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} words\n"
	      "\tCOMPREPLY=()\n"
	      "\t# In --option=value the = is a word of its own.\n"
	      "\t[[ $cur != = ]] || cur=\n"
	      "\t[[ $option != = ]] || option=${COMP_WORDS[COMP_CWORD - 2]}\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\twords='--help --version",
		out);
	for (const struct command *const *c = command_list; *c; c++)
		fprintf(out, " %s", (*c)->name);
	fputs("'\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n", out);
	for (const struct command *const *c = command_list; *c; c++) {
		fprintf(out, "\t\t%s) case $option in\n", (*c)->name);
		put_values(out, (*c)->options);
		put_values(out, common_options);
		fputs("\t\t\t*) [[ $cur == -* ]] || return 0\n\t\t\t\twords='", out);
		put_words(out, (*c)->options);
		put_words(out, common_options);
		fputs("' ;;\n\t\t\tesac ;;\n", out);
	}
	fputs("\t\t*) return 0 ;;\n\t\tesac\n\tfi\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n\treturn 0\n}\n"
	      "complete -o default -F _hvimg hvimg\n",
		out);
}
