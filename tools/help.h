/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_HELP_H
#define TOOLS_HELP_H

#include <stdio.h>

#include "tools/command.h"

/* Everything that is printed about commands; all of it derives from their tables. */

void help_all(FILE *out);
void help_command(FILE *out, const struct command *c);
/* Manual pages in man(7) macros; NULL: of hvimg itself. */
void man_page(FILE *out, const struct command *c);
/* A bash script that completes commands, options and file names. */
void completion_bash(FILE *out);
void version_print(FILE *out);

#endif
