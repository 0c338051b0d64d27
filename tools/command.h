/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "tools/options.h"
#include "tools/progress.h"

#define HVIMG_VERSION "0.1.0"

/* Exit statuses, which scripts depend on. */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NO = 3,
};

/* First member of every command's settings. */
struct common {
	bool help;
	bool json;
	bool quiet;
	bool bar; /* -p */
	const char *progress; /* --progress */
	const char *log;
	const char *tmpdir;
	unsigned threads;
};

/* The row of a command that opens images; `field` is a const char *, NULL without the option. */
#define ALLOW_PARENT_OPTION(field)                                                                 \
	{                                                                                          \
		"allow-parent", 0, "[DIR]",                                                        \
			"Read files that an image refers to (parents, backing and data files) if " \
			"they are in DIR; without DIR, in the image's own folder.",                \
			option_folder, field                                                       \
	}
#define SNAPSHOT_OPTION(field)                                                                     \
	{                                                                                          \
		"snapshot", 'l', "NAME",                                                           \
			"Read the internal snapshot of that name or id instead of the active "     \
			"disk of a qcow2; snapshot.id=ID,snapshot.name=NAME says which it is.",    \
			option_text, field                                                         \
	}

/* The rows of a command that makes images; FIELD(parent) is a struct parent_choice. */
#define PARENT_OPTIONS(FIELD)                                                                      \
	{ "parent", 'B', "IMAGE",                                                                  \
		"Make a child of IMAGE, which holds only what differs from it and names it by "    \
		"its relative path.",                                                              \
		option_text, FIELD(parent.path) },                                                 \
	{                                                                                          \
		"parent-format", 'F', "FORMAT",                                                    \
			"The parent's format; without it the content decides.", option_text,       \
			FIELD(parent.format)                                                       \
	}

/* What their help says of it. */
#define PARENT_TEXT                                                                                \
	"With --parent DEST is a child (differencing image) of IMAGE: what it does not hold is "   \
	"read from there, so IMAGE must not change any more. The parent of a VHD or a VHDX is of " \
	"the same format, that of a qcow2 of any; a child VHD has its parent's size. DEST holds "  \
	"the way from its own folder to IMAGE, never a path from this host's root, so the two "    \
	"move together."

enum { ARGUMENTS_MAX = 4 };

struct command {
	const char *name;
	const char *arguments; /* as the usage line shows them */
	unsigned argument_count; /* the most that it takes, up to ARGUMENTS_MAX */
	unsigned optional_count; /* how many of them may be left out, at the end: NULL then */
	const char *summary; /* one line, no full stop */
	const char *description; /* paragraphs, separated by an empty line */
	const char *answer_no; /* when the exit status is 3; NULL: never */
	bool takes_formats; /* help lists the formats and their -o keys */
	const struct option_spec *options;
	size_t settings_size;
	/*
	 * Does the work.  0 or a negative error code, with `e` filled; STATUS_NO when the answer is
	 * no and has been given.
	 */
	int (*run)(const void *settings, char *const *argument, struct error *e);
};

extern const struct command *const command_list[]; /* ended by NULL */
extern const struct option_spec common_options[];

const struct command *command_by_name(const char *name);

/* The progress that the user asked for, not started. */
int progress_from(const struct common *c, struct progress *out, struct error *e);

#endif
