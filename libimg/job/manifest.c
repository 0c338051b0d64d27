/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/manifest.h"
#include "job/manifest_registry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *state_json(const struct edit_state *s)
{
	char mode[16];

	if (!s->present)
		return json_null();
	snprintf(mode, sizeof(mode), "%06o", s->mode);
	return json_pack("{s:s, s:I, s:I, s:I, s:s*}", "mode", mode, "uid", (json_int_t)s->uid,
		"gid", (json_int_t)s->gid, "size", (json_int_t)s->size, "sha256",
		s->sha256[0] ? s->sha256 : NULL);
}

json_t *guest_text_json(const char *text)
{
	json_t *json;
	char *escaped, *p;

	errno = 0;
	json = json_string(text);
	if (json || errno == ENOMEM)
		return json;
	escaped = malloc(strlen(text) * 4 + 1);
	if (!escaped)
		return NULL;
	for (p = escaped; *text; text++)
		p += (unsigned char)*text < 0x80 ? sprintf(p, "%c", *text)
						 : sprintf(p, "\\x%02x", (unsigned char)*text);
	*p = 0;
	json = json_string(escaped);
	free(escaped);
	return json;
}

static json_t *edit_json(const struct edit *t)
{
	return json_pack("{s:s, s:o, s:o, s:s*, s:o, s:o}", "action", edit_action_name(t->action),
		"volume", guest_text_json(t->volume), "path", guest_text_json(t->path), "why",
		t->why, "before", state_json(&t->before), "after", state_json(&t->after));
}

int manifest_json(
	const struct journal *j, const struct strings *targets, json_t **out, struct error *e)
{
	json_t *names = json_array(), *edits = json_array(), *registry = json_array();
	json_t *whole;
	int failed = !names || !edits || !registry;

	for (size_t i = 0; !failed && i < targets->count; i++)
		failed = json_array_append_new(names, json_string(targets->item[i]));
	for (size_t i = 0; !failed && i < j->count; i++)
		failed = json_array_append_new(edits, edit_json(&j->edit[i]));
	for (size_t i = 0; !failed && i < j->registry_count; i++)
		failed = json_array_append_new(registry, registry_edit_json(&j->registry[i]));
	whole = failed ? NULL
		       : json_pack("{s:i, s:O, s:O, s:O}", "schema", 1, "targets", names, "edits",
				 edits, "registry", registry);
	json_decref(names);
	json_decref(edits);
	json_decref(registry);
	if (!whole)
		return error_nomem(e, "the manifest");
	*out = whole;
	return 0;
}

int json_text(const json_t *json, struct buffer *out, struct error *e)
{
	char *text = json_dumps(json, JSON_INDENT(2));
	int rc = text ? buffer_format(out, e, "%s\n", text) : error_nomem(e, "a JSON document");

	free(text);
	return rc;
}
