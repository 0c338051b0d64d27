/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg convert: any readable image into a new one. */
#include "tools/conversion.h"
#include "tools/text.h"

struct convert_settings {
	struct common common;
	struct conversion conversion;
};

static int convert_run(const void *settings, char *const *argument, struct error *e)
{
	const struct convert_settings *s = settings;
	struct convert_outcome result = { 0 };
	struct convert_job job;
	struct progress progress;
	int rc = conversion_job(&s->conversion, &s->common, argument[0], argument[1], &job, e);

	if (!rc)
		rc = progress_from(&s->common, &progress, e);
	if (rc)
		return rc;
	progress_start(&progress, "convert", &job.engine);
	rc = job_convert(&job, &result, e);
	progress_end(&progress);
	if (!rc && s->common.json)
		rc = print_json(conversion_json(&job, &result), e);
	else if (!rc)
		print_hashes(&job, &result);
	return rc;
}

#define FIELD(name) offsetof(struct convert_settings, conversion.name)
static const struct option_spec convert_options[] = {
	CONVERSION_OPTIONS(FIELD),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_convert;
const struct command command_convert = {
	.name = "convert",
	.arguments = "SOURCE DEST",
	.argument_count = 2,
	.summary = "convert an image to another format",
	.description = "Writes the content of SOURCE to DEST in one pass over the data. The format "
		       "of DEST is "
		       "the one that -O names, else the one of its ending. Blocks of zeros are "
		       "left out.\n\n"
		       "DEST appears when it is complete, or not at all; an existing file is "
		       "replaced only "
		       "with --force. SOURCE is never written. The bytes of DEST depend on the "
		       "content and on "
		       "the options only.",
	.takes_formats = true,
	.options = convert_options,
	.settings_size = sizeof(struct convert_settings),
	.run = convert_run,
};
