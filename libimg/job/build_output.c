/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One image that a recipe makes of the edited disk. */
#include <string.h>

#include "disk/host_file.h"
#include "job/build_private.h"

/* The profile's size is made of the edited disk, whatever the other outputs' are. */
static int container_make(struct building *b, const struct convert_job *job, struct disk *disk,
	const char *path, struct output **file, struct convert_outcome *made, struct error *e)
{
	struct source view = { 0 };
	int rc = source_view(&view, disk, job, e);

	if (!rc)
		rc = source_finish(&view, job, view.disk, made, e);
	if (!rc)
		rc = output_open(path, &b->job->output, file, e);
	if (!rc)
		rc = container_write(job, view.disk, b->source.watch, *file, made, e);
	source_close(&view);
	dropped_free(&made->dropped);
	return rc;
}

int build_output_write(struct building *b, size_t index, struct disk *disk, unsigned threads,
	struct output **file, struct error *e)
{
	struct build_output *o = &b->output[index];
	struct convert_job job = o->convert;
	struct convert_outcome made = { 0 };
	struct buffer path = { 0 };
	struct build_leg leg;
	int rc = build_work_path(b, index, "", &path, e);

	build_leg_start(&leg, b, &job.engine);
	job.engine.threads = threads;
	if (!rc)
		rc = container_make(b, &job, disk, buffer_text(&path), file, &made, e);
	buffer_free(&path);
	build_leg_end(&leg);
	o->made = (struct build_made){ .file_size = made.convert.file_size,
		.virtual_size = made.virtual_size,
		.data_bytes = made.convert.content.data_bytes };
	return rc ? error_prefix(e, "output %s", o->recipe->file) : 0;
}

/* A folder takes the file as it is, with all digests of its digest files; an archive makes them of
 * what it writes. */
static int digests_take(
	struct building *b, struct build_output *o, struct output *file, struct error *e)
{
	static const enum sum all[] = { SUM_SHA512, SUM_SHA256, SUM_MD5 }, one[] = { SUM_SHA256 };
	const bool folder = !strcmp(b->job->recipe->bundle, "dir");
	const enum sum *sum = folder ? all : one;
	const size_t count = folder ? SUM_COUNT : 1;
	struct strings algorithms = { 0 };
	struct convert_options engine;
	struct hash_values value;
	struct build_leg leg;
	int rc = 0;

	build_leg_start(&leg, b, &engine);
	for (size_t i = 0; !rc && i < count; i++)
		rc = strings_add(&algorithms, sum_algorithm[sum[i]], e);
	if (!rc)
		rc = output_hash(file, o->made.file_size, &algorithms, &engine, &value, e);
	for (size_t i = 0; !rc && i < count; i++)
		memcpy(o->made.hex[sum[i]], value.hex[i], DIGEST_HEX_MAX);
	strings_free(&algorithms);
	build_leg_end(&leg);
	return rc;
}

int build_output_keep(struct building *b, size_t index, struct output *file, struct error *e)
{
	struct build_output *o = &b->output[index];
	int rc = digests_take(b, o, file, e);

	if (!rc)
		rc = output_commit(file, o->made.file_size, e);
	if (!rc)
		rc = build_work_note(b, index, e);
	return rc ? error_prefix(e, "output %s", o->recipe->file) : 0;
}

static int digest_holds(struct building *b, size_t index, bool *out, struct error *e)
{
	const struct build_made *made = &b->output[index].made;
	struct strings algorithm = { 0 };
	struct convert_options engine;
	struct hash_values value;
	struct buffer path = { 0 };
	struct disk *file = NULL;
	struct build_leg leg;
	int rc = build_work_path(b, index, "", &path, e);

	build_leg_start(&leg, b, &engine);
	if (!rc)
		rc = strings_add(&algorithm, "sha256", e);
	if (!rc)
		rc = host_file_open(buffer_text(&path), &file, e);
	if (!rc)
		rc = disk_hash(file, &algorithm, &engine, &value, e);
	if (!rc)
		build_leg_end(&leg);
	*out = !rc && !strcmp(value.hex[0], made->hex[SUM_SHA256]);
	disk_close(file);
	strings_free(&algorithm);
	buffer_free(&path);
	return rc;
}

int build_output_reuse(struct building *b, size_t index, struct error *e)
{
	struct build_output *o = &b->output[index];
	struct error unread = { 0 };
	bool holds;
	int rc = digest_holds(b, index, &holds, &unread);

	if (rc == -ERR_CANCELLED)
		return error_set(e, ERR_CANCELLED, "%s", unread.text);
	if (!holds) {
		build_work_forget(b, index);
		return 0;
	}
	build_leg_skip(b); /* it is not written */
	o->made.reused = true;
	return strings_add(&b->result->reused, o->recipe->file, e);
}
