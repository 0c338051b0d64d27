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

/* A format may have no room for a disk full of data. */
static bool fits(const struct measure_result *m)
{
	return m->fully_allocated != UINT64_MAX;
}

static json_t *full_json(const struct measure_result *m)
{
	return fits(m) ? number_json(m->fully_allocated) : json_null();
}

static int show(const struct common *c, const struct measure_result *m, struct error *e)
{
	if (c->json)
		return print_json(json_pack("{s:o,s:o,s:o}", "file_size", number_json(m->file_size),
					  "fully_allocated", full_json(m), "virtual_size",
					  number_json(m->virtual_size)),
			e);
	put_measure("file size", m->file_size);
	if (fits(m))
		put_measure("fully allocated", m->fully_allocated);
	else
		puts("fully allocated more than the format can hold");
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
	{ "profile", 0, "hyperv|azure|xen|glance", "As --profile of convert.", option_text,
		FIELD(profile) },
	{ "size", 0, "SIZE|+SIZE|-SIZE", "As --size of convert: grow or shrink the disk.",
		option_size_change, FIELD(size) },
	{ "fit-flavor", 0, "GIB", "As --fit-flavor of convert.", option_gib, FIELD(fit_flavor) },
	{ "drop-free", 0, NULL, "As --drop-free of convert.", option_flag, FIELD(drop_free) },
	{ "drop-paging", 0, NULL, "As --drop-paging of convert.", option_flag, FIELD(drop_paging) },
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
		"written to all of the disk: room that it may come to need; null in JSON when the "
		"format cannot hold that much.",
	.takes_formats = true,
	.options = measure_options,
	.settings_size = sizeof(struct measure_settings),
	.run = measure_run,
};
