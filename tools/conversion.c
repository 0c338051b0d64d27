/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/conversion.h"

#include <string.h>

#include "tools/text.h"

static int choose_format(const struct conversion *c, const char *destination,
	const struct format **out, struct error *e)
{
	const struct format *f = c->format ? format_by_name(c->format)
					   : format_by_ending(destination);

	if (!f && c->format)
		return error_set(e, ERR_USAGE, "-O: unknown format %s", c->format);
	if (!f)
		return error_set(e, ERR_USAGE, "%s: its ending tells no format: name one with -O",
			destination);
	if (!f->create)
		return error_set(
			e, ERR_USAGE, "%s: hvimg reads this format but does not write it", f->name);
	*out = f;
	return 0;
}

int conversion_job(const struct conversion *c, const struct common *common, const char *source,
	const char *destination, struct convert_job *out, struct error *e)
{
	const struct format *format = NULL;
	int rc;

	if (!strcmp(source, "-") || !strcmp(destination, "-"))
		return error_set(e, ERR_USAGE, "-: pipes are not supported: name a file");
	if (c->source_format && !format_by_name(c->source_format))
		return error_set(e, ERR_USAGE, "-f: unknown format %s", c->source_format);
	rc = choose_format(c, destination, &format, e);
	if (!rc)
		rc = format_check_options(format, &c->options, e);
	if (rc)
		return rc;
	*out = (struct convert_job){
		.source = source,
		.destination = destination,
		.source_format = c->source_format,
		.allow_parent = c->allow_parent,
		.format = format,
		.options = c->options,
		.output = { .force = c->force, .no_sync = c->no_sync },
		.engine = { .threads = common->threads },
	};
	return 0;
}

json_t *conversion_json(const struct convert_job *j, const struct convert_result *r)
{
	return json_pack("{s:o,s:o,s:s,s:o,s:o}", "source", text_json(j->source), "destination",
		text_json(j->destination), "format", j->format->name, "file_size",
		number_json(r->file_size), "data_bytes", number_json(r->content.data_bytes));
}
