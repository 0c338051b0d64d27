/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "job/recipe.h"

static void properties_free(struct recipe_property *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].value);
	}
	free(list);
}

static void outputs_free(struct recipe_output *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].file);
		free(list[i].format);
		free(list[i].profile);
		strings_free(&list[i].options);
		strings_free(&list[i].targets);
		properties_free(list[i].property, list[i].property_count);
	}
	free(list);
}

static void edits_free(struct guest_edits *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct guest_edit *edit = &l->edit[i];
		char *const text[] = { edit->path, edit->from, edit->target, edit->name, edit->text,
			edit->shell, edit->comment, edit->owner, edit->group, edit->type };

		for (size_t k = 0; k < sizeof(text) / sizeof(*text); k++)
			free(text[k]);
		strings_free(&edit->list);
		strings_free(&edit->keys);
	}
	free(l->edit);
}

static void source_free(struct recipe_source *s)
{
	free(s->location);
	free(s->format);
	free(s->allow_parent);
	free(s->digest_name);
	free(s->digest);
	free(s->suite);
	free(s->mirror);
	strings_free(&s->packages);
}

static void wishes_free(struct windows_wishes *w)
{
	const char *const text[] = { w->rtc, w->san_policy, w->rdp, w->firewall, w->unattend,
		w->cloudbase_init, w->cloudbase_init_sha256, w->cloudbase_init_conf };

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++)
		free((char *)(uintptr_t)text[i]);
}

static void upload_free(struct recipe_upload *u)
{
	if (!u)
		return;
	free(u->cloud);
	free(u->method);
	free(u->visibility);
	free(u);
}

void recipe_free(struct recipe *r)
{
	for (size_t i = 0; i < r->parameter_count; i++) {
		free(r->parameter[i].name);
		free(r->parameter[i].value);
		free(r->parameter[i].help);
	}
	free(r->parameter);
	free(r->path);
	free(r->name);
	free(r->title);
	free(r->tested);
	source_free(&r->source);
	edits_free(&r->edits);
	strings_free(&r->drivers);
	strings_free(&r->seal);
	wishes_free(&r->windows);
	strings_free(&r->targets);
	outputs_free(r->output, r->output_count);
	free(r->bundle);
	free(r->bundle_compress);
	free(r->image_name);
	properties_free(r->property, r->property_count);
	upload_free(r->upload);
	strings_free(&r->files);
	*r = (struct recipe){ 0 };
}
