/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OVA that a recipe makes: its one output, as the disk of a machine. */
#include <string.h>

#include "disk/host_file.h"
#include "job/build_private.h"
#include "job/manifest.h"
#include "job/ova.h"

static const char adapter[] = "adapter_type=";

/* The last one counts, as for the format. */
static const char *adapter_asked(const struct strings *options)
{
	const char *found = NULL;

	for (size_t i = 0; i < options->count; i++)
		if (!strncmp(options->item[i], adapter, strlen(adapter)))
			found = options->item[i] + strlen(adapter);
	return found;
}

static int output_check(const struct recipe *r, const struct recipe_output *o, struct error *e)
{
	if (strcmp(o->format, "vmdk") != 0)
		return error_set(e, ERR_UNSUPPORTED,
			"%s:%u: the disk of an OVA is a vmdk, not a %s", r->path, o->line,
			o->format);
	if (o->targets.count)
		return error_set(e, ERR_USAGE,
			"%s:%u: an OVA is for VMware and VirtualBox, not for %s", r->path, o->line,
			o->targets.item[0]);
	return 0;
}

int build_ova_check(const struct recipe *r, struct error *e)
{
	if (r->output_count != 1)
		return error_set(e, ERR_UNSUPPORTED,
			"%s:%u: an OVA has one disk, and there are %zu outputs", r->path,
			r->output[1].line, r->output_count);
	if (strcmp(r->bundle_compress, "none") != 0)
		return error_set(e, ERR_USAGE,
			"%s:%u: an OVA is not compressed, its disk is already", r->path,
			r->bundle_line);
	if (r->upload)
		return error_set(e, ERR_UNSUPPORTED,
			"%s: only bundles of kind dir are uploaded, not an OVA", r->path);
	return output_check(r, r->output, e);
}

int build_ova_memory(const struct building *b, uint64_t *out, struct error *e)
{
	int rc = ova_memory(&b->output->properties, out, e);

	return rc ? error_prefix(e, "%s:%u", b->job->recipe->path, b->output->recipe->line) : 0;
}

int build_ova_prepare(struct building *b, struct error *e)
{
	struct build_output *o = b->output;
	int rc;
	bool ide;

	if (adapter_asked(&o->convert.options))
		return 0;
	rc = ova_controller(b->guest, &ide, &b->result->notes, e);
	return rc ? rc
		  : strings_add(&o->convert.options,
			    ide ? "adapter_type=ide" : "adapter_type=lsilogic", e);
}

/* What goes into other bundles: no file that the descriptor does not name is in an OVA. */
static int text_put(
	const struct building *b, const char *name, const struct buffer *text, struct error *e)
{
	/* An OVA of that name is not there, so that this would be another's without it. */
	const struct output_options o = { .force = true, .no_sync = b->job->output.no_sync };
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s.%s", b->job->destination, name);

	if (!rc)
		rc = output_file(buffer_text(&path), text->data, text->len, &o, e);
	buffer_free(&path);
	return rc;
}

static int document_put(
	const struct building *b, const char *name, const json_t *document, struct error *e)
{
	struct buffer text = { 0 };
	int rc = json_text(document, &text, e);

	if (!rc)
		rc = text_put(b, name, &text, e);
	buffer_free(&text);
	return rc;
}

static int page_put(struct building *b, struct error *e)
{
	struct buffer page = { 0 };
	int rc = build_report_html(b, &page, e);

	if (!rc)
		rc = text_put(b, "report.html", &page, e);
	buffer_free(&page);
	return rc;
}

static int archive_write(struct building *b, struct ova *ova, struct output *file, struct error *e)
{
	struct buffer path = { 0 };
	struct disk *disk = NULL;
	uint64_t size;
	int rc = build_work_path(b, 0, "", &path, e);

	if (!rc)
		rc = host_file_open(buffer_text(&path), &disk, e);
	ova->disk = disk;
	if (!rc)
		rc = ova_write(ova, file, &size, e);
	if (!rc)
		rc = page_put(b, e);
	if (!rc)
		rc = document_put(b, "edits.json", b->result->edits, e);
	if (!rc)
		rc = document_put(b, "plan.json", b->result->plan, e);
	if (!rc)
		rc = output_commit(file, size, e);
	disk_close(disk);
	buffer_free(&path);
	return rc;
}

static int stem_make(const char *file, struct buffer *out, struct error *e)
{
	const char *dot = strrchr(file, '.');

	return buffer_append(out, file, dot ? (size_t)(dot - file) : strlen(file), e);
}

int build_ova_write(struct building *b, struct error *e)
{
	const struct build_output *o = b->output;
	const struct output_options options = { .no_sync = b->job->output.no_sync };
	const char *asked = adapter_asked(&o->convert.options);
	struct convert_options engine;
	struct ova ova = { .disk_name = o->recipe->file,
		.name = b->job->recipe->image_name,
		.sha256 = o->made.hex[SUM_SHA256],
		.capacity = o->made.virtual_size,
		.populated = o->made.data_bytes,
		.ide = asked && !strcmp(asked, "ide"),
		.guest = b->guest,
		.time = b->job->time,
		.engine = &engine };
	struct buffer stem = { 0 };
	struct output *file = NULL;
	struct build_leg leg;
	int rc = build_ova_memory(b, &ova.memory, e);

	build_leg_start(&leg, b, &engine);
	if (!rc)
		rc = stem_make(o->recipe->file, &stem, e);
	ova.stem = buffer_text(&stem);
	if (!rc)
		rc = build_plan_note(b, 0, e);
	if (!rc)
		rc = output_open(b->job->destination, &options, &file, e);
	if (!rc)
		rc = archive_write(b, &ova, file, e);
	output_close(file);
	buffer_free(&stem);
	build_leg_end(&leg);
	return rc ? error_prefix(e, "%s", b->job->destination) : 0;
}
