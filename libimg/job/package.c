/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image and what Glance is to be told of it, in one folder or archive. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/image.h"
#include "job/manifest.h"
#include "job/package_private.h"
#include "job/upload_script.h"

int package_note(
	struct packing *p, const char *code, const char *text, const char *fix, struct error *e)
{
	/* report_add copies. */
	struct finding f = {
		.code = (char *)(uintptr_t)code,
		.severity = SEVERITY_WARNING,
		.text = (char *)(uintptr_t)text,
		.fix = (char *)(uintptr_t)fix,
	};

	for (size_t i = 0; i < p->result->findings.count; i++)
		if (!strcmp(p->result->findings.finding[i].code, code))
			return 0;
	return report_add(&p->result->findings, &f, e);
}

static bool is_cancelled(void *arg)
{
	const struct convert_options *engine = arg;

	return engine->progress && engine->progress(engine->progress_arg, 0, 1);
}

/* One file has to hold all of it. */
static int check_alone(struct packing *p, struct error *e)
{
	int rc = p->format->info(p->disk, &p->info, e);

	if (rc)
		return rc;
	if (p->info.parent_path || p->info.references.count)
		return error_set(e, ERR_REFUSED,
			"refers to %s: convert it to an image of its own first",
			p->info.parent_path ? p->info.parent_path : p->info.references.item[0]);
	if (!p->format->glance_name && p->job->kind != PACKAGE_OVA)
		return error_set(e, ERR_UNSUPPORTED,
			"Glance has no disk_format for %s: convert it first", p->format->name);
	return p->format->sums_check ? p->format->sums_check(p->disk, &p->job->engine, e) : 0;
}

int package_open(struct packing *p, struct error *e)
{
	const struct guest_options o = { .known = p->job->known,
		.tmpdir = p->job->tmpdir,
		.cancelled = is_cancelled,
		.cancelled_arg = (void *)(uintptr_t)&p->job->engine };
	int rc = image_open(p->job->source, p->job->source_format, &p->disk, &p->format, e);

	if (rc)
		return rc;
	rc = check_alone(p, e);
	p->guest = p->job->guest;
	if (!rc && !p->guest)
		rc = guest_image_open(p->disk, &o, &p->guest, e);
	return rc ? error_prefix(e, "%s", p->job->source) : 0;
}

void package_close(struct packing *p)
{
	if (p->guest != p->job->guest)
		guest_image_close(p->guest);
	image_info_free(&p->info);
	disk_close(p->disk);
}

const char *package_file_name(const struct packing *p)
{
	const char *slash = strrchr(p->job->source, '/');

	return slash ? slash + 1 : p->job->source;
}

char *package_stem(const struct packing *p)
{
	const char *file = package_file_name(p);
	const char *dot = strrchr(file, '.');

	for (size_t i = 0; dot && dot != file && p->format->endings && p->format->endings[i]; i++)
		if (!strcasecmp(dot + 1, p->format->endings[i]))
			return strndup(file, (size_t)(dot - file));
	return strdup(file);
}

static int check_name(const struct packing *p, struct error *e)
{
	const char *name = package_file_name(p);
	bool fits = bundle_name_fits(name) && strcmp(name, upload_script_name) != 0;

	for (size_t i = 0; fits && i < p->result->image_count; i++)
		fits = strcmp(name, p->result->image[i].file) != 0;
	return fits ? 0
		    : error_set(e, ERR_UNSUPPORTED,
			      "%s: a file of this name cannot be in a bundle: rename it",
			      p->job->source);
}

static int add_descriptions(const struct packing *p, struct bundle *b, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < p->result->image_count; i++) {
		const struct package_image *image = &p->result->image[i];
		struct buffer text = { 0 };

		rc = json_text(image->body, &text, e);
		if (!rc)
			rc = bundle_add(b, image->file, buffer_text(&text), text.len, e);
		buffer_free(&text);
	}
	return rc;
}

static int write_bundle(struct packing *p, struct bundle *b, struct error *e)
{
	int rc = check_name(p, e);

	if (!rc)
		rc = package_copy(p, b, e);
	if (!rc)
		rc = add_descriptions(p, b, e);
	if (!rc)
		rc = upload_script_add(p->job->script, b, e);
	if (!rc)
		rc = bundle_commit(b, e);
	return rc ? error_prefix(e, "%s", p->job->destination) : 0;
}

static int package_bundle(struct packing *p, struct error *e)
{
	const struct package_job *j = p->job;
	const struct bundle_options o = { .tar = j->kind == PACKAGE_TAR,
		.pack = j->pack,
		.time = j->time,
		.threads = j->engine.threads,
		.no_sync = j->output.no_sync };
	struct bundle *b = NULL;
	int rc = bundle_open(j->destination, &o, &b, e);

	if (rc)
		return error_prefix(e, "%s", j->destination);
	rc = package_open(p, e);
	if (!rc)
		rc = package_describe(p, e);
	if (!rc)
		rc = write_bundle(p, b, e);
	bundle_close(b);
	return rc;
}

int job_package(const struct package_job *j, struct package_result *result, struct error *e)
{
	struct packing p = { .job = j, .result = result };
	int rc;

	*result = (struct package_result){ 0 };
	rc = j->kind == PACKAGE_OVA ? package_ova(&p, e) : package_bundle(&p, e);
	package_close(&p);
	return rc;
}

int job_describe(const struct package_job *j, struct package_result *result, struct error *e)
{
	struct packing p = { .job = j, .result = result };
	int rc;

	*result = (struct package_result){ 0 };
	rc = package_open(&p, e);
	if (!rc)
		rc = package_describe(&p, e);
	package_close(&p);
	return rc;
}

void package_result_free(struct package_result *r)
{
	for (size_t i = 0; i < r->image_count; i++) {
		free(r->image[i].file);
		json_decref(r->image[i].body);
	}
	free(r->image);
	report_free(&r->findings);
}
