/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What Glance is told of the images, and the plan of what they became. */
#include <stdlib.h>
#include <string.h>

#include "cloud/properties.h"
#include "job/build_private.h"
#include "job/manifest.h"

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

int build_plan_note(struct building *b, size_t index, struct error *e)
{
	const struct build_made *made = &b->output[index].made;
	json_t *o = json_array_get(json_object_get(b->result->plan, "outputs"), index);
	json_t *more = json_pack("{s:I, s:I, s:s, s:[]}", "file_size", (json_int_t)made->file_size,
		"virtual_size", (json_int_t)made->virtual_size, "sha256", made->hex[SUM_SHA256],
		"descriptions");
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
		rc = build_description_note(b, buffer_text(&name), image->body, e);
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

static int describe(
	struct building *b, size_t index, const char *path, struct bundle *bundle, struct error *e)
{
	const struct build_output *o = &b->output[index];
	struct target_list suiting;
	struct package_job job = { .source = path,
		.guest = b->guest,
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

/* Each output has the same guest. */
int build_guest_look(struct building *b, struct error *e)
{
	const struct guest_options o = { .known = &b->known, .tmpdir = b->job->tmpdir };
	int rc = guest_image_open(b->overlay, &o, &b->guest, e);

	return rc ? error_prefix(e, "%s", b->reading.source) : 0;
}

int build_output_describe(struct building *b, size_t index, struct bundle *bundle, struct error *e)
{
	struct buffer path = { 0 };
	int rc = build_work_path(b, index, "", &path, e);

	if (!rc)
		rc = describe(b, index, buffer_text(&path), bundle, e);
	buffer_free(&path);
	return rc;
}
