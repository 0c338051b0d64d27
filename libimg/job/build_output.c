/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The images that a recipe makes of the edited disk. */
#include <stdlib.h>
#include <string.h>

#include "cloud/http_url.h"
#include "cloud/properties.h"
#include "disk/host_file.h"
#include "job/build_private.h"
#include "job/manifest.h"
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

/* Of several outputs each is a part of the whole way, once written and once put in place. */
struct leg {
	const struct convert_options *whole;
	uint64_t done, count; /* parts */
};

static int leg_progress(void *arg, uint64_t done, uint64_t total)
{
	const struct leg *leg = arg;
	const uint64_t share = UINT64_C(1) << 32;
	uint64_t part = total ? (uint64_t)((double)done / (double)total * (double)share) : 0;

	return leg->whole->progress(
		leg->whole->progress_arg, leg->done * share + part, leg->count * share);
}

static void leg_start(
	struct leg *leg, const struct building *b, uint64_t done, struct convert_options *out)
{
	*leg = (struct leg){ .whole = &b->job->engine,
		.done = done,
		.count = 2 * (uint64_t)b->job->recipe->output_count };
	*out = b->job->engine;
	if (out->progress) {
		out->progress = leg_progress;
		out->progress_arg = leg;
	}
}

/* "image.json", or "image-TARGET.json" of several; where there are more images, each with its name.
 */
static int description_name(const struct building *b, const struct build_output *o,
	const struct package_image *image, struct buffer *out, struct error *e)
{
	const char *const plain = "image";
	const char *target = image->file + strlen(plain); /* with ".json" */

	if (b->job->recipe->output_count == 1)
		return buffer_string(out, image->file, e);
	return buffer_format(out, e, "%s-%s%s", plain, o->recipe->file, target);
}

static int notes_add(struct building *b, const struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->count; i++)
		rc = report_add(&b->result->notes, &r->finding[i], e);
	return rc;
}

static int plan_note(
	struct building *b, size_t index, const struct convert_outcome *made, struct error *e)
{
	json_t *o = json_array_get(json_object_get(b->result->plan, "outputs"), index);
	json_t *more = json_pack("{s:I, s:I, s:s, s:[]}", "file_size",
		(json_int_t)made->convert.file_size, "virtual_size", (json_int_t)made->virtual_size,
		"sha256", made->hash.hex[0], "descriptions");
	int rc = more && !json_object_update(o, more) ? 0 : error_nomem(e, "a plan");

	json_decref(more);
	return rc;
}

static int plan_note_description(struct building *b, size_t index, const char *name,
	const struct target *target, struct error *e)
{
	const json_t *outputs = json_object_get(b->result->plan, "outputs");
	json_t *list = json_object_get(json_array_get(outputs, index), "descriptions");

	return json_array_append_new(list,
		       json_pack(
			       "{s:s, s:s*}", "file", name, "target", target ? target->name : NULL))
		? error_nomem(e, "a plan")
		: 0;
}

static int description_add(struct building *b, size_t index, const struct package_image *image,
	struct bundle *bundle, struct error *e)
{
	struct buffer name = { 0 }, text = { 0 };
	int rc = description_name(b, &b->output[index], image, &name, e);

	if (!rc)
		rc = build_secrets_hide(b->job->recipe, image->body, e);
	if (!rc)
		rc = json_text(image->body, &text, e);
	if (!rc)
		rc = bundle_add(bundle, buffer_text(&name), buffer_text(&text), text.len, e);
	if (!rc)
		rc = plan_note_description(b, index, buffer_text(&name), image->target, e);
	buffer_free(&text);
	buffer_free(&name);
	return rc;
}

/* Those of the recipe's targets that an image of that format is usually for, when the output names
 * none; the copies are not to be freed. */
static int targets_suiting(
	const struct building *b, size_t index, struct target_list *out, struct error *e)
{
	const struct build_output *o = &b->output[index];
	const char *format = o->convert.format->glance_name;

	*out = (struct target_list){ .target = calloc(b->targets.count + 1, sizeof(*out->target)) };
	if (!out->target)
		return error_nomem(e, "targets");
	for (size_t i = 0; format && i < b->targets.count; i++)
		if (target_suits(&b->targets.target[i], format))
			out->target[out->count++] = b->targets.target[i];
	return 0;
}

/* A path in /proc says nothing to the user: the output's name is put in front. */
static void path_forget(const char *path, struct error *e)
{
	const size_t len = strlen(path);

	if (!strncmp(e->text, path, len) && !strncmp(e->text + len, ": ", 2))
		memmove(e->text, e->text + len + 2, strlen(e->text + len + 2) + 1);
}

/* What Glance is told of the image at `path`. */
static int describe(
	struct building *b, size_t index, const char *path, struct bundle *bundle, struct error *e)
{
	const struct build_output *o = &b->output[index];
	struct target_list suiting;
	struct package_job job = { .source = path,
		.source_format = o->convert.format->name,
		.known = &b->known,
		.properties = o->properties,
		.name = b->job->recipe->image_name,
		.tmpdir = b->job->tmpdir,
		.engine = { .threads = b->job->engine.threads } };
	struct package_result r = { 0 };
	int rc = targets_suiting(b, index, &suiting, e);

	job.targets = o->targets.count ? &o->targets : suiting.count ? &suiting : NULL;
	if (!rc)
		rc = job_describe(&job, &r, e);
	if (rc && e)
		path_forget(path, e);
	if (!rc)
		rc = notes_add(b, &r.findings, e);
	for (size_t i = 0; !rc && i < r.image_count; i++)
		rc = description_add(b, index, &r.image[i], bundle, e);
	package_result_free(&r);
	free(suiting.target);
	return rc;
}

/* A finished container without a name, which the bundle takes. */
static int output_put(struct building *b, size_t index, struct output *file,
	const struct convert_outcome *made, struct bundle *bundle, struct error *e)
{
	struct convert_options engine;
	struct buffer path = { 0 };
	struct leg leg;
	uint64_t size;
	int rc = output_reopen_path(file, made->convert.file_size, &path, e);

	leg_start(&leg, b, 2 * index + 1, &engine);
	if (!rc)
		rc = bundle_copy(bundle, buffer_text(&path), b->output[index].recipe->file, &engine,
			&size, e);
	if (!rc)
		rc = plan_note(b, index, made, e);
	if (!rc)
		rc = describe(b, index, buffer_text(&path), bundle, e);
	buffer_free(&path);
	return rc;
}

/* The profile's size is made of the edited disk, whatever the other outputs' are. */
int build_output_make(struct building *b, size_t index, struct bundle *bundle, struct error *e)
{
	struct build_output *o = &b->output[index];
	struct convert_job job = o->convert;
	struct convert_outcome made = { 0 };
	struct source view = { 0 };
	struct output *file = NULL;
	struct leg leg;
	int rc;

	leg_start(&leg, b, 2 * index, &job.engine);
	job.destination = b->job->destination;
	rc = strings_add(&job.hash, "sha256", e);
	if (!rc)
		rc = source_view(&view, b->overlay, &job, e);
	if (!rc)
		rc = source_finish(&view, &job, view.disk, &made, e);
	if (!rc)
		rc = output_open(b->job->destination, &b->job->output, &file, e);
	if (!rc)
		rc = container_write(&job, view.disk, b->source.watch, file, &made, e);
	if (!rc)
		rc = output_put(b, index, file, &made, bundle, e);
	output_close(file);
	source_close(&view);
	dropped_free(&made.dropped);
	strings_free(&job.hash);
	return rc ? error_prefix(e, "output %s", o->recipe->file) : 0;
}
