/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"

/* The options of a command: one table from which parser, --help, man page and completion come. */

/* Stores `value` (NULL for a flag) in the field that the option names. */
typedef int option_setter(void *field, const char *value, struct error *e);

struct option_spec {
	const char *name; /* long name without dashes; NULL ends a table */
	char letter; /* short name, 0 when there is none */
	const char *argument; /* what help calls its value; NULL: a flag; "[X]": may be left out */
	const char *help;
	option_setter *set;
	size_t field; /* offset in the command's settings */
};

option_setter option_flag; /* bool */
option_setter option_text; /* const char *, the last one wins */
option_setter option_folder; /* const char *, "" when it is left out */
option_setter option_list; /* struct strings, one more */
option_setter option_pairs; /* struct strings, "K=V,K=V" split at commas; "K" is "K=on" */
option_setter option_words; /* struct strings, "A,B" split at commas */
option_setter option_selection; /* likewise; "defaults" when it is left out */
option_setter option_pair; /* struct strings, one "K=V" */
option_setter option_size_change; /* struct size_change */
option_setter option_gib; /* uint64_t, a whole number of GiB, 1 to 65536 */
option_setter option_count; /* unsigned, 1 to 1024 */

/*
 * Stores the options in `settings`, and the other arguments in `rest` in their order; options may
 * follow arguments, "--" ends them.  Each table is ended by a NULL name; an option of `own` comes
 * before one of the same name in `common`.  ERR_USAGE names what is wrong.
 */
int options_parse(const struct option_spec *own, const struct option_spec *common, char **argv,
	void *settings, struct strings *rest, struct error *e);

/* Frees the lists that the table's options have made. */
void options_free(const struct option_spec *table, void *settings);

#endif
