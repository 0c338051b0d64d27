/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg create: an empty image. */
#include <string.h>

#include "base/size.h"
#include "tools/conversion.h"
#include "tools/text.h"

enum { SECTOR = 512 };

struct create_settings {
	struct common common;
	const char *format, *qemu_format, *identifier;
	struct parent_choice parent;
	struct strings options;
	bool force, no_sync;
};

/* DEST SIZE, or SIZE DEST: when both read as sizes, the second one is. */
static int take_arguments(char *const *argument, struct create_job *j, struct error *e)
{
	int rc = size_parse(argument[1], &j->size, e);

	j->destination = argument[0];
	if (rc && !size_parse(argument[0], &j->size, NULL)) {
		j->destination = argument[1];
		rc = 0;
	}
	if (!rc && !j->size)
		rc = error_set(e, ERR_USAGE, "size of 0 bytes: a disk has at least one sector");
	if (!rc && j->size % SECTOR)
		rc = error_set(e, ERR_USAGE,
			"size of %" PRIu64 " bytes: it is no whole number of sectors of %d bytes",
			j->size, SECTOR);
	return rc;
}

/* DEST alone: the size is the parent's. */
static int take_destination(const struct create_settings *s, char *const *argument,
	struct create_job *j, struct error *e)
{
	const struct format *parent;
	int rc = 0;

	j->destination = argument[0];
	if (argument[1])
		rc = take_arguments(argument, j, e);
	else if (!s->parent.path)
		rc = error_set(e, ERR_USAGE, "%s: SIZE is missing", argument[0]);
	if (!rc && !strcmp(j->destination, "-"))
		rc = error_set(
			e, ERR_USAGE, "-: an empty image is not sent to a pipe: name a file");
	return rc ? rc : format_option("-F", s->parent.format, &parent, e);
}

/* Two disks with one identifier must not meet in a machine: empty ones are all alike, so unlike a
 * conversion's it cannot come from the content. */
static int choose_identifier(
	const char *text, const struct format *f, struct guid *out, struct error *e)
{
	return text ? take_identifier(text, f, out, e) : guid_random(out, e);
}

/* Of an image that is not there yet there is one format, which qemu-img calls -f. */
static int take_format(const struct create_settings *s, const char *destination,
	const struct format **out, struct error *e)
{
	const char *name = s->format ? s->format : s->qemu_format;
	int rc = choose_format(name, NULL, destination, out, e);

	if (!rc && s->qemu_format && format_by_name(s->qemu_format) != *out)
		rc = error_set(e, ERR_USAGE, "-f %.64s and -O %.64s: both name DEST's format",
			s->qemu_format, name);
	return rc;
}

static int create_run(const void *settings, char *const *argument, struct error *e)
{
	const struct create_settings *s = settings;
	struct create_job job = {
		.options = s->options,
		.parent = s->parent,
		.output = { .force = s->force, .no_sync = s->no_sync },
	};
	struct create_result made = { 0 };
	int rc = take_destination(s, argument, &job, e);

	if (!rc)
		rc = take_format(s, job.destination, &job.format, e);
	if (!rc)
		rc = format_check_options(job.format, &job.options, e);
	if (!rc)
		rc = choose_identifier(s->identifier, job.format, &job.identifier, e);
	if (!rc)
		rc = job_create(&job, &made, e);
	if (rc || !s->common.json)
		return rc;
	return print_json(json_pack("{s:o,s:s,s:o,s:o}", "destination", text_json(job.destination),
				  "format", job.format->name, "virtual_size",
				  number_json(made.size), "file_size", number_json(made.file_size)),
		e);
}

#define FIELD(name) offsetof(struct create_settings, name)
static const struct option_spec create_options[] = {
	{ "output-format", 'O', "FORMAT",
		"DEST's format; without it the file name's ending decides.", option_text,
		FIELD(format) },
	{ "format", 'f', "FORMAT", "The same as -O, as qemu-img create has it.", option_text,
		FIELD(qemu_format) },
	{ "options", 'o', "K=V,...", "Options of DEST's format, see below.", option_pairs,
		FIELD(options) },
	PARENT_OPTIONS(FIELD),
	{ "identifier", 0, "GUID",
		"Identifier of the disk in a VHD or VHDX; a random one without it.", option_text,
		FIELD(identifier) },
	{ "force", 0, NULL, "Replace an existing DEST, or write to a block device.", option_flag,
		FIELD(force) },
	{ "no-sync", 0, NULL, "Do not wait until DEST is on stable storage.", option_flag,
		FIELD(no_sync) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_create;
const struct command command_create = {
	.name = "create",
	.arguments = "DEST [SIZE]",
	.argument_count = 2,
	.optional_count = 1,
	.summary = "make an empty image",
	.description =
		"Makes an image whose disk of SIZE reads as zeros. SIZE is in bytes, or has a "
		"suffix K, M, G or T (powers of 1024); it may also stand before DEST. The format "
		"of DEST is the one that -O names, else the one of its ending.\n\n" PARENT_TEXT
		" SIZE is the parent's when it is left out.\n\n"
		"DEST appears when it is complete, or not at all; an existing file is replaced "
		"only with --force.",
	.takes_formats = true,
	.options = create_options,
	.settings_size = sizeof(struct create_settings),
	.run = create_run,
};
