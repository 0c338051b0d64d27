/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the build's page says beside plan and edits: readiness, volumes, a picture of the disk. */
#include <string.h>

#include "base/checked.h"
#include "base/file.h"
#include "base/zero.h"
#include "job/build_private.h"
#include "job/manifest_registry.h"
#include "job/report_html.h"

enum {
	STYLE_LIMIT = 64 << 10, /* bytes */
	ROWS = 16, /* of squares */
	SAMPLE = 4096, /* bytes */
	SAMPLES = 16, /* in a square: what is read does not grow with the disk */
};

static json_t *text_json(const char *text)
{
	return text ? guest_text_json(text) : json_null();
}

static json_t *findings_json(const struct report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->count; i++) {
		const struct finding *f = &r->finding[i];
		json_t *one = json_pack("{s:s, s:s, s:o, s:o, s:o}", "code", f->code, "severity",
			severity_name(f->severity), "text", text_json(f->text), "fix",
			text_json(f->fix), "path", text_json(f->path));

		if (json_array_append_new(list, one)) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

static int readiness_add(
	struct guest_image *image, const struct target *t, json_t *all, struct error *e)
{
	struct readiness r = { 0 };
	int rc = guest_image_readiness(image, t, &r, e);

	if (rc)
		return rc;
	rc = json_object_set_new(all, t->name,
		json_pack("{s:s*, s:s, s:b, s:b, s:s, s:o}", "title", t->title, "family", t->family,
			"ready", r.ready, "fixable", r.fixable, "evidence", r.evidence, "findings",
			findings_json(&r.findings)));
	readiness_free(&r);
	return rc ? error_nomem(e, "a report") : 0;
}

static const char *use_of(const struct volume *v)
{
	if (v->bios_boot)
		return "BIOS boot code";
	return v->esp ? "EFI system partition" : v->pool ? "LVM" : NULL;
}

static json_t *volumes_json(const struct guest_image *image)
{
	const struct volume_list *volumes = guest_image_volumes(image);
	const struct fs_id *id = guest_image_filesystems(image);
	json_t *list = json_array();

	for (size_t i = 0; list && i < volumes->count; i++) {
		const struct volume *v = &volumes->volume[i];
		json_t *one = json_pack("{s:o, s:s, s:s*, s:o, s:s*, s:I, s:I}", "id",
			text_json(v->id), "type", v->type, "filesystem", id[i].type, "label",
			text_json(id[i].label), "use", use_of(v), "offset", (json_int_t)v->off,
			"size", (json_int_t)v->size);

		if (json_array_append_new(list, one)) {
			json_decref(list);
			list = NULL;
		}
	}
	return list;
}

/* As the edits left it, which is what the last call sees. */
static int guest_note(struct building *b, const struct guest_image *image, struct error *e)
{
	const struct guest *g = guest_image_guest(image);
	json_t *part = json_pack("{s:o, s:o, s:o}", "guest", text_json(g ? g->name : NULL),
		"architecture", text_json(g ? g->arch : NULL), "volumes", volumes_json(image));
	int failed = !part || json_object_update(b->state, part);

	json_decref(part);
	return failed ? error_nomem(e, "a report") : 0;
}

int build_state_note(
	struct building *b, struct guest_image *image, const char *when, struct error *e)
{
	json_t *all = json_object();
	int rc = b->state && all ? 0 : error_nomem(e, "a report");

	for (size_t i = 0; !rc && i < b->known.count; i++)
		rc = readiness_add(image, &b->known.target[i], all, e);
	if (!rc && json_object_set(b->state, when, all))
		rc = error_nomem(e, "a report");
	json_decref(all);
	return rc ? rc : guest_note(b, image, e);
}

int build_description_note(
	struct building *b, const char *file, json_t *description, struct error *e)
{
	json_t *all = json_object_get(b->state, "descriptions");

	return json_object_set(all, file, description) ? error_nomem(e, "a report") : 0;
}

int build_report_prepare(struct building *b, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/report.css", b->job->recipes);

	if (!rc)
		rc = file_read(buffer_text(&path), STYLE_LIMIT, &b->style, e);
	buffer_free(&path);
	b->state = json_pack("{s:{}}", "descriptions");
	return rc || b->state ? rc : error_nomem(e, "a report");
}

/*
 * What the container tells of zeros depends on how its file was copied, so bytes are looked at.
 * Those of a compressed cluster are dear, and there for a reason.
 */
static int sample(struct disk *d, const struct extent *x, uint64_t off, bool *data, struct error *e)
{
	uint8_t bytes[SAMPLE];
	size_t len = (size_t)min_u64(sizeof(bytes), d->size - off);
	int rc = 0;

	*data = x->compressed;
	if (x->zero || x->compressed)
		return 0;
	rc = disk_read(d, off, bytes, len, e);
	*data = !rc && !bytes_are_zero(bytes, len);
	return rc;
}

static int picture_fill(struct map_picture *p, struct disk *d, struct error *e)
{
	const uint64_t step = round_up(div_up(p->cell, SAMPLES), SAMPLE);
	uint64_t known = 0; /* how far the extent reaches */
	struct extent x = { 0 };
	int rc = 0;

	for (uint64_t off = 0; !rc && off < d->size; off += step) {
		struct extent part = { .length = min_u64(step, d->size - off) };

		if (off >= known) {
			rc = disk_extent(d, off, &x, e);
			known = off + x.length;
		}
		if (!rc)
			rc = sample(d, &x, off, &part.stored, e);
		if (!rc)
			map_picture_add(p, off, &part);
	}
	return rc;
}

static int notes_put(struct building *b, struct error *e)
{
	return json_object_set_new(b->state, "notes", findings_json(&b->result->notes))
		? error_nomem(e, "a report")
		: 0;
}

int build_report_html(struct building *b, struct buffer *out, struct error *e)
{
	struct map_picture picture = { 0 };
	const struct report_html page = { .plan = b->result->plan,
		.edits = b->result->edits,
		.state = b->state,
		.map = &picture,
		.style = buffer_text(&b->style) };
	int rc = notes_put(b, e);

	if (!rc)
		rc = build_secrets_hide(b->job->recipe, b->state, e);
	if (!rc)
		rc = map_picture_open(&picture, b->overlay->size, ROWS, e);
	if (!rc)
		rc = picture_fill(&picture, b->overlay, e);
	if (!rc)
		rc = report_html_write(&page, out, e);
	map_picture_close(&picture);
	return rc;
}
