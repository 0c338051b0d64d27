/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The conversions that a recipe's outputs are. */
#include <stdlib.h>

#include "cloud/http_url.h"
#include "job/build_private.h"
#include "job/profile.h"

static int options_prepare(const struct recipe_output *r, struct convert_job *j, struct error *e)
{
	const struct profile *profile = NULL;
	int rc = format_named(r->format, &j->format, e);

	for (size_t i = 0; !rc && i < r->options.count; i++)
		rc = strings_add(&j->options, r->options.item[i], e);
	if (!rc)
		rc = format_check_options(j->format, &j->options, e);
	if (!rc && r->compress && !j->format->compresses)
		rc = error_set(e, ERR_USAGE, "%s is not compressed, qcow2 and vmdk are", r->format);
	if (!rc && r->profile)
		rc = profile_find(r->profile, &profile, e);
	if (rc || !profile)
		return rc;
	j->size_unit = profile->round;
	return profile_apply(profile, j->format, false, &j->options, e);
}

static int properties_add(
	const struct recipe_property *list, size_t count, struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++) {
		struct buffer pair = { 0 };

		rc = buffer_format(&pair, e, "%s=%s", list[i].name, list[i].value);
		if (!rc)
			rc = strings_add(out, buffer_text(&pair), e);
		buffer_free(&pair);
	}
	return rc;
}

static int targets_prepare(struct building *b, struct build_output *o, struct error *e)
{
	const struct strings *names = &o->recipe->targets;
	struct buffer list = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < names->count; i++)
		rc = buffer_format(&list, e, "%s%s", i ? "," : "", names->item[i]);
	if (!rc && names->count)
		rc = targets_load(b->job->recipes, buffer_text(&list), &o->targets, e);
	buffer_free(&list);
	return rc;
}

static int output_prepare(struct building *b, struct build_output *o, struct error *e)
{
	const struct build_job *j = b->job;
	const char *source = j->recipe->source.location;
	int rc;

	if (source && http_url_is(source))
		source = b->location;
	o->convert = (struct convert_job){ .source = source ? source : j->recipe->path,
		.destination = o->recipe->file,
		.compress = o->recipe->compress,
		.output = j->output,
		.engine = j->engine,
		.tmpdir = j->tmpdir };
	rc = options_prepare(o->recipe, &o->convert, e);
	if (!rc)
		rc = targets_prepare(b, o, e);
	if (!rc)
		rc = properties_add(
			j->recipe->property, j->recipe->property_count, &o->properties, e);
	if (!rc)
		rc = properties_add(
			o->recipe->property, o->recipe->property_count, &o->properties, e);
	return rc ? error_prefix(e, "output %s", o->recipe->file) : 0;
}

int build_outputs_prepare(struct building *b, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	int rc = 0;

	b->output = calloc(r->output_count, sizeof(*b->output));
	if (!b->output)
		return error_nomem(e, "a build");
	for (size_t i = 0; i < r->output_count; i++)
		b->output[i].recipe = &r->output[i];
	for (size_t i = 0; !rc && i < r->output_count; i++)
		rc = output_prepare(b, &b->output[i], e);
	return rc;
}

void build_outputs_free(struct building *b)
{
	for (size_t i = 0; b->output && i < b->job->recipe->output_count; i++) {
		strings_free(&b->output[i].convert.options);
		strings_free(&b->output[i].properties);
		targets_free(&b->output[i].targets);
	}
	free(b->output);
}
