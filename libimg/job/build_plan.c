/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A recipe as JSON, without what differs between hosts and what is secret. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/build_private.h"
#include "job/manifest.h"

/* Of a path of the host only the name. */
static const char *place_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash && *path == '/' ? slash + 1 : path;
}

/* The same of what may be a URL. */
static json_t *place_json(const char *place)
{
	struct error e = { 0 };
	char *shown = NULL;
	int rc = build_location_shown(place, &shown, &e);
	json_t *json = rc == -ERR_USAGE ? json_string("(not a URL)")
		: rc                    ? NULL
					: json_string(shown);

	free(shown);
	return json;
}

static json_t *names_json(const struct strings *s, bool paths)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->count; i++)
		if (json_array_append_new(
			    list, json_string(paths ? place_name(s->item[i]) : s->item[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *parameters_json(const struct recipe *r)
{
	json_t *o = json_object();

	for (size_t i = 0; o && i < r->parameter_count; i++) {
		const struct recipe_parameter *p = &r->parameter[i];

		if (json_object_set_new(
			    o, p->name, p->secret ? json_null() : place_json(p->value))) {
			json_decref(o);
			o = NULL;
		}
	}
	return o;
}

static json_t *source_json(const struct building *b)
{
	const struct recipe_source *s = &b->job->recipe->source;
	const char *found = *b->source_sha256 ? b->source_sha256 : NULL;
	static const char *const kinds[] = { "image", "tar", "packages" };

	return json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:o}", "kind",
		kinds[s->kind], "runs", s->kind == SOURCE_PACKAGES ? "mmdebstrap" : NULL,
		"location", b->location, "format", s->format, "sha256", found,
		s->digest ? s->digest_name : "sha512", s->digest, "suite", s->suite, "mirror",
		b->mirror, "packages", names_json(&s->packages, false));
}

/* Of one that is made into a disk, how big. */
static json_t *made_source_json(const struct building *b)
{
	const uint64_t size = b->job->recipe->source.disk_size;
	json_t *o = source_json(b);

	if (o && size && json_object_set_new(o, "disk_size", json_integer((json_int_t)size))) {
		json_decref(o);
		o = NULL;
	}
	return o;
}

static const char *const edit_names[GUEST_EDIT_KINDS] = { [GUEST_COPY] = "copy",
	[GUEST_WRITE] = "write",
	[GUEST_APPEND] = "append-line",
	[GUEST_REMOVE] = "remove",
	[GUEST_LINK] = "link",
	[GUEST_MKDIR] = "mkdir",
	[GUEST_MODE] = "chmod",
	[GUEST_OWNER] = "chown",
	[GUEST_ENABLE] = "enable",
	[GUEST_DISABLE] = "disable",
	[GUEST_USER] = "user",
	[GUEST_HOSTNAME] = "hostname",
	[GUEST_TIMEZONE] = "timezone",
	[GUEST_DATASOURCES] = "datasources",
	[GUEST_FIRST_BOOT] = "first-boot",
	[GUEST_REGISTRY] = "registry" };

static json_t *step_json(const struct guest_edit *t)
{
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", t->mode & 07777);
	return json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:o*}", "do",
		edit_names[t->kind], "path", t->path, "from", place_name(t->from), "target",
		t->target, "name", t->name, "mode", t->has_mode ? mode : NULL, "owner", t->owner,
		"group", t->group, "list", t->list.count ? names_json(&t->list, false) : NULL);
}

static json_t *steps_json(const struct guest_edits *l)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < l->count; i++)
		if (json_array_append_new(list, step_json(&l->edit[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *windows_json(const struct windows_wishes *w)
{
	if (!windows_wishes_any(w))
		return json_null();
	return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:s*, s:b}", "rtc", w->rtc,
		"san_policy", w->san_policy, "rdp", w->rdp, "firewall", w->firewall, "unattend",
		place_name(w->unattend), "cloudbase_init", place_name(w->cloudbase_init),
		"cloudbase_init_sha256", w->cloudbase_init_sha256, "cloudbase_init_conf",
		place_name(w->cloudbase_init_conf), "ems", w->ems);
}

static json_t *output_json(const struct build_output *o)
{
	return json_pack("{s:s, s:s, s:s*, s:o, s:b, s:o, s:o}", "file", o->recipe->file, "format",
		o->recipe->format, "profile", o->recipe->profile, "options",
		names_json(&o->convert.options, false), "compress", o->recipe->compress, "targets",
		names_json(&o->recipe->targets, false), "properties",
		names_json(&o->properties, false));
}

static json_t *outputs_json(const struct building *b)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < b->job->recipe->output_count; i++)
		if (json_array_append_new(list, output_json(&b->output[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

static json_t *upload_json(const struct recipe_upload *u)
{
	if (!u)
		return json_null();
	return json_pack("{s:s*, s:s, s:s*, s:b, s:I}", "cloud", u->cloud, "method", u->method,
		"visibility", u->visibility, "rotate", u->rotate, "keep_versions",
		(json_int_t)u->keep_versions);
}

static json_t *size_json(const struct building *b)
{
	return b->overlay ? json_integer((json_int_t)b->overlay->size) : json_null();
}

/* What grow="true" came to. */
static json_t *grown_json(const struct grown *g)
{
	if (!g->done)
		return json_null();
	return json_pack("{s:s, s:s, s:I, s:I}", "volume", g->volume, "filesystem", g->type, "from",
		(json_int_t)g->from, "to", (json_int_t)g->to);
}

int build_plan_json(const struct building *b, json_t **out, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	json_t *plan = json_pack(
		"{s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o,"
		" s:{s:s, s:s, s:s}, s:o}",
		"schema", 1, "recipe", r->name, "title", r->title, "tested", r->tested,
		"parameters", parameters_json(r), "source", made_source_json(b), "size",
		size_json(b), "grow", r->grow, "grown", grown_json(&b->grown), "steps",
		steps_json(&r->edits), "drivers", names_json(&r->drivers, true), "seal",
		names_json(&r->seal, false), "windows", windows_json(&r->windows), "targets",
		names_json(&r->targets, false), "outputs", outputs_json(b), "bundle", "kind",
		r->bundle, "compress", r->bundle_compress, "name", r->image_name, "upload",
		upload_json(r->upload));
	int rc = plan ? build_secrets_hide(r, plan, e)
		      : error_set(e, ERR_UNSUPPORTED, "%s: a text of it is not UTF-8", r->path);

	if (rc)
		json_decref(plan);
	else
		*out = plan;
	return rc;
}

static int why_replace(json_t *edits, const char *full, const char *shorter, struct error *e)
{
	json_t *entry;
	size_t i;

	json_array_foreach(edits, i, entry)
	{
		const char *why = json_string_value(json_object_get(entry, "why"));

		if (why && !strcmp(why, full) &&
			json_object_set_new(entry, "why", json_string(shorter)))
			return error_nomem(e, "the manifest");
	}
	return 0;
}

/* What was copied is called by its name, wherever on the host it was. */
static int copies_shorten(const struct recipe *r, json_t *manifest, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < r->edits.count; i++) {
		struct guest_edit edit = r->edits.edit[i];
		struct buffer full = { 0 }, shorter = { 0 };

		if (!edit.from)
			continue;
		rc = guest_edit_describe(&edit, &full, e);
		edit.from = (char *)(uintptr_t)place_name(edit.from);
		if (!rc)
			rc = guest_edit_describe(&edit, &shorter, e);
		if (!rc)
			rc = why_replace(json_object_get(manifest, "edits"), buffer_text(&full),
				buffer_text(&shorter), e);
		buffer_free(&full);
		buffer_free(&shorter);
	}
	return rc;
}

int build_edits_json(const struct building *b, json_t **out, struct error *e)
{
	struct strings names = { 0 };
	json_t *edits = NULL;
	int rc = 0;

	for (size_t i = 0; !rc && i < b->targets.count; i++)
		rc = strings_add(&names, b->targets.target[i].name, e);
	if (!rc)
		rc = manifest_json(&b->journal, &names, &edits, e);
	strings_free(&names);
	if (!rc)
		rc = copies_shorten(b->job->recipe, edits, e);
	if (!rc)
		rc = build_secrets_hide(b->job->recipe, edits, e);
	if (rc)
		json_decref(edits);
	else
		*out = edits;
	return rc;
}
