/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg measure: how long a conversion's output would be. */
#include "tools/conversion.h"
#include "tools/text.h"

struct measure_settings {
	struct common common;
	struct conversion conversion;
};

static void put_measure(const char *name, uint64_t bytes)
{
	printf("%-16s%" PRIu64 " bytes", name, bytes);
	if (bytes >= 1024) {
		fputs(" (", stdout);
		put_size(stdout, bytes);
		putchar(')');
	}
	putchar('\n');
}

static int show(const struct common *c, const struct measure_result *m, struct error *e)
{
	if (c->json)
		return print_json(json_pack("{s:o,s:o,s:o}", "file_size", number_json(m->file_size),
					  "fully_allocated", number_json(m->fully_allocated),
					  "virtual_size", number_json(m->virtual_size)),
			e);
	put_measure("file size", m->file_size);
	put_measure("fully allocated", m->fully_allocated);
	put_measure("virtual size", m->virtual_size);
	return 0;
}

static int measure_run(const void *settings, char *const *argument, struct error *e)
{
	const struct measure_settings *s = settings;
	struct measure_result result = { 0 };
	struct convert_job job;
	struct progress progress;
	int rc;

	if (!s->conversion.format)
		return error_set(e, ERR_USAGE, "-O FORMAT is missing: the output's format");
	rc = conversion_job(&s->conversion, &s->common, argument[0], s->conversion.format, &job, e);
	if (!rc)
		rc = progress_from(&s->common, &progress, e);
	if (!rc) {
		progress_start(&progress, "measure", &job.engine);
		rc = job_measure(&job, &result, e);
		progress_end(&progress);
	}
	conversion_job_free(&job);
	return rc ? rc : show(&s->common, &result, e);
}

#define FIELD(name) offsetof(struct measure_settings, conversion.name)
static const struct option_spec measure_options[] = {
	{ "format", 'f', "FORMAT", "SOURCE's format; without it the content decides.", option_text,
		FIELD(source_format) },
	{ "output-format", 'O', "FORMAT", "The output's format; needed.", option_text,
		FIELD(format) },
	{ "options", 'o', "K=V,...", "Options of the output's format, see below.", option_pairs,
		FIELD(options) },
	{ "compress", 'c', NULL, "Compress the clusters of a qcow2: as -c of convert.", option_flag,
		FIELD(compress) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	SNAPSHOT_OPTION(FIELD(snapshot)),
	PARENT_OPTIONS(FIELD),
	{ "profile", 0, "hyperv|azure|glance", "As --profile of convert.", option_text,
		FIELD(profile) },
	{ "size", 0, "SIZE", "As --size of convert: grow or shrink the disk.", option_size,
		FIELD(size) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_measure;
const struct command command_measure = {
	.name = "measure",
	.arguments = "SOURCE",
	.argument_count = 1,
	.summary = "tell how large the output of convert would be",
	.description =
		"Prints the exact length of the file that convert would write from SOURCE with the "
		"same options, without writing it. All data of SOURCE is read, because blocks of "
		"zeros are left out.\n\n"
		"\"fully allocated\" is the length that the file would have if the guest had "
		"written to all of the disk: room that it may come to need.",
	.takes_formats = true,
	.options = measure_options,
	.settings_size = sizeof(struct measure_settings),
	.run = measure_run,
};
