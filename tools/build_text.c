/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes, their plans and what was built, for people and as JSON. */
#include "tools/build_text.h"

#include <stdlib.h>

#include "tools/text.h"

int build_print_list(const struct common *c, const char *recipes, struct error *e)
{
	struct recipe_summary *list;
	json_t *array = json_array();
	size_t count;
	int rc = recipes_list(recipes, &list, &count, e);

	for (size_t i = 0; !rc && i < count; i++) {
		if (c->json)
			json_add(&array,
				json_pack("{s:o,s:o,s:o}", "name", text_json(list[i].name), "title",
					text_json(list[i].title), "tested",
					text_json(list[i].tested)));
		else
			printf("%-20s %-5s %s\n", list[i].name, list[i].tested, list[i].title);
	}
	if (!rc)
		recipes_list_free(list, count);
	if (rc || !c->json) {
		json_decref(array);
		return rc;
	}
	return print_json(json_pack("{s:o}", "recipes", array), e);
}

/* One member, as "key value", when it has one. */
static void print_member(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);
	char *text;

	if (!value || json_is_null(value) || json_is_false(value) ||
		(json_is_array(value) && !json_array_size(value)))
		return;
	putchar(' ');
	put_text(stdout, key);
	putchar(' ');
	text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	put_text(stdout, json_is_string(value) ? json_string_value(value) : text ? text : "?");
	free(text);
}

static void print_object(const char *what, const json_t *o)
{
	const char *key;
	json_t *value;

	if (!json_is_object(o))
		return;
	printf("%-9s", what);
	json_object_foreach((json_t *)(uintptr_t)o, key, value)
	{
		print_member(o, key);
	}
	putchar('\n');
}

static void print_objects(const char *what, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		print_object(what, o);
	}
}

static void print_steps(const struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->edits.count; i++) {
		struct buffer text = { 0 };

		if (guest_edit_describe(&recipe->edits.edit[i], &text, NULL) ||
			recipe_has_secret(recipe, buffer_text(&text)))
			text.len = 0;
		fputs("step      ", stdout);
		put_text(stdout, text.len ? buffer_text(&text) : "(secret)");
		putchar('\n');
		buffer_free(&text);
	}
}

static void print_plan(const struct recipe *recipe, const struct build_result *r)
{
	const json_t *size = json_object_get(r->plan, "size");

	printf("recipe   ");
	put_text(stdout, recipe->name);
	printf(": ");
	put_text(stdout, recipe->title);
	printf(" (tested: %s)\n", recipe->tested);
	print_object("with", json_object_get(r->plan, "parameters"));
	print_object("source", json_object_get(r->plan, "source"));
	if (json_is_integer(size))
		printf("size      %" JSON_INTEGER_FORMAT " bytes\n", json_integer_value(size));
	print_object("grown", json_object_get(r->plan, "grown"));
	print_steps(recipe);
	print_object("windows", json_object_get(r->plan, "windows"));
	fputs("guest    ", stdout);
	print_member(r->plan, "targets");
	print_member(r->plan, "drivers");
	print_member(r->plan, "seal");
	putchar('\n');
	if (r->unknown)
		printf("unknown   %s\n", r->unknown);
	print_objects("edit", json_object_get(r->edits, "edits"));
	print_objects("registry", json_object_get(r->edits, "registry"));
	print_objects("output", json_object_get(r->plan, "outputs"));
	print_object("bundle", json_object_get(r->plan, "bundle"));
	print_object("upload", json_object_get(r->plan, "upload"));
}

int build_print_json(const struct build_job *j, const struct build_result *r, struct error *e)
{
	json_t *edits = json_object_get(r->edits, "edits");
	json_t *registry = json_object_get(r->edits, "registry");

	return print_json(
		json_pack("{s:b, s:o, s:O, s:O?, s:O?, s:o, s:o, s:o, s:o, s:O?}", "dry_run",
			j->plan, "destination", text_json(j->plan ? NULL : j->destination), "plan",
			r->plan, "edits", edits, "registry", registry, "unknown",
			text_json(r->unknown), "scratch", number_json(r->scratch), "findings",
			report_json(&r->notes), "reused", strings_json(&r->reused), "uploads",
			r->uploads),
		e);
}

void build_print(const struct build_job *j, const struct build_result *r)
{
	const json_t *outputs = json_object_get(r->plan, "outputs"), *o;
	size_t i;

	if (j->plan) {
		print_plan(j->recipe, r);
		return;
	}
	json_array_foreach(outputs, i, o)
	{
		const char *file = json_string_value(json_object_get(o, "file"));

		put_text(stdout, j->destination);
		putchar('/');
		put_text(stdout, file);
		printf(": %" JSON_INTEGER_FORMAT " bytes, sha256 %s%s\n",
			json_integer_value(json_object_get(o, "file_size")),
			json_string_value(json_object_get(o, "sha256")),
			strings_have(&r->reused, file) ? ", from an interrupted build" : "");
	}
	json_array_foreach(r->uploads, i, o)
	{
		printf("%s: image ", json_string_value(json_object_get(o, "source")));
		put_text(stdout, json_string_value(json_object_get(o, "id")));
		puts(json_is_true(json_object_get(o, "present")) ? ", there already" : "");
	}
}
