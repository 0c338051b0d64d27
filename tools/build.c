/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg build: run a recipe. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/build.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/interrupt.h"
#include "tools/text.h"

struct build_settings {
	struct common common;
	struct strings set;
	const char *folder; /* -d */
	const char *cache, *cacert;
	bool plan, list, force_dirty, no_sync, restart, refresh;
};

static int print_list(const struct common *c, const char *recipes, struct error *e)
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

static int print_result_json(
	const struct build_job *j, const struct build_result *r, struct error *e)
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

static void print_result(const struct build_job *j, const struct build_result *r)
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

static void say_notes(const struct recipe *recipe, const struct report *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		if (!recipe_has_secret(recipe, notes->finding[i].text))
			say_note("%s: %s", severity_name(notes->finding[i].severity),
				notes->finding[i].text);
}

static int stop(void *arg)
{
	(void)arg;
	return interrupted();
}

/* What the job tells people goes between their progress. */
struct told {
	const struct recipe *recipe;
	struct progress *progress;
	struct convert_options *engine;
};

static void tell(void *arg, const char *text)
{
	const struct told *t = arg;

	progress_end(t->progress);
	say_note("%s", recipe_has_secret(t->recipe, text) ? "(secret)" : text);
}

static void tell_phase(void *arg, const char *name)
{
	const struct told *t = arg;

	progress_end(t->progress);
	progress_start(t->progress, name, t->engine);
}

static int run_job(const struct build_settings *s, struct build_job *job, struct error *e)
{
	struct build_result result;
	struct progress progress;
	struct told told = { .recipe = job->recipe, .progress = &progress, .engine = &job->engine };
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	job->say = tell;
	job->phase = tell_phase;
	job->told_arg = &told;
	progress_start(&progress, "build", &job->engine);
	rc = job_build(job, &result, e);
	progress_end(&progress);
	if (!rc)
		say_notes(job->recipe, &result.notes);
	if (!rc && s->common.json)
		rc = print_result_json(job, &result, e);
	else if (!rc && !s->common.quiet)
		print_result(job, &result);
	build_result_free(&result);
	return rc;
}

/* An archive's name has the usual ending. */
static int destination_name(const struct build_settings *s, const struct recipe *recipe,
	struct buffer *out, struct error *e)
{
	const bool tar = !strcmp(recipe->bundle, "tar"), ova = !strcmp(recipe->bundle, "ova");
	const char *packed = !strcmp(recipe->bundle_compress, "zstd") ? ".zst"
		: !strcmp(recipe->bundle_compress, "gzip")            ? ".gz"
								      : "";

	if (s->folder)
		return buffer_string(out, s->folder, e);
	return buffer_format(out, e, "%s%s%s", recipe->image_name,
		tar           ? ".tar"
			: ova ? ".ova"
			      : "",
		tar ? packed : "");
}

static int run_recipe(
	const struct build_settings *s, const char *recipes, const char *name, struct error *e)
{
	struct build_job job = { .recipes = recipes,
		.plan = s->plan,
		.force_dirty = s->force_dirty,
		.restart = s->restart,
		.refresh = s->refresh,
		.tmpdir = scratch_folder(&s->common),
		.output = { .no_sync = s->no_sync },
		.engine = { .threads = s->common.threads },
		.environment = environ,
		.stop = stop };
	struct buffer destination = { 0 }, cache = { 0 };
	struct recipe recipe;
	int rc = recipe_load(recipes, name, &s->set, &recipe, e);

	if (rc)
		return rc;
	rc = source_date(&job.time, e);
	if (!rc)
		rc = destination_name(s, &recipe, &destination, e);
	if (!rc && !s->cache)
		rc = cache_folder(&cache, e);
	if (!rc) {
		job.cache = s->cache ? s->cache : cache.len ? buffer_text(&cache) : NULL;
		job.cacert = s->cacert;
		job.recipe = &recipe;
		job.destination = buffer_text(&destination);
		rc = run_job(s, &job, e);
	}
	buffer_free(&destination);
	buffer_free(&cache);
	recipe_free(&recipe);
	return rc;
}

static int build_run(const void *settings, char *const *argument, struct error *e)
{
	const struct build_settings *s = settings;
	struct buffer recipes = { 0 };
	int rc = 0;

	if (s->list == (argument[0] != NULL))
		rc = error_set(e, ERR_USAGE,
			s->list ? "--list takes no recipe"
				: "no recipe given: --list shows those that are shipped");
	if (!rc)
		rc = recipes_folder(&recipes, e);
	if (!rc)
		rc = s->list ? print_list(&s->common, buffer_text(&recipes), e)
			     : run_recipe(s, buffer_text(&recipes), argument[0], e);
	buffer_free(&recipes);
	return rc;
}

#define FIELD(name) offsetof(struct build_settings, name)
static const struct option_spec build_options[] = {
	{ "set", 0, "NAME=VALUE",
		"The value of a parameter of the recipe; may be repeated. A path begins in the "
		"current folder.",
		option_list, FIELD(set) },
	{ "directory", 'd', "DIR",
		"The folder, or archive, to be made; without it, one in the current folder that is "
		"called as the image.",
		option_text, FIELD(folder) },
	{ "cache", 0, "DIR",
		"The folder that downloaded sources stay in, below DIR/downloads, and installed "
		"packages, below DIR/roots, for the next time; whatever is in it may be removed. "
		"Without it, hvimg in XDG_CACHE_HOME or ~/.cache.",
		option_text, FIELD(cache) },
	{ "refresh", 0, NULL,
		"Install the packages of a source again, though the cache has them installed.",
		option_flag, FIELD(refresh) },
	{ "cacert", 0, "FILE",
		"The certificates of the authorities, in a file or a folder, that https sources "
		"are checked against, instead of the system's.",
		option_text, FIELD(cacert) },
	{ "plan", 0, NULL,
		"Show every edit and output, and write nothing. The edits are made beside the "
		"source, so that the plan is exact.",
		option_flag, FIELD(plan) },
	{ "list", 0, NULL, "List the shipped recipes, and how each was tested.", option_flag,
		FIELD(list) },
	{ "restart", 0, NULL,
		"Throw away the outputs that an interrupted build left, and make all anew.",
		option_flag, FIELD(restart) },
	{ "force-dirty", 0, NULL,
		"Edit volumes and registry hives that Windows did not leave clean, where what it "
		"had not written back can be given up.",
		option_flag, FIELD(force_dirty) },
	{ "no-sync", 0, NULL, "Do not wait until DIR is on stable storage.", option_flag,
		FIELD(no_sync) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_build;
const struct command command_build = {
	.name = "build",
	.arguments = "[RECIPE]",
	.argument_count = 1,
	.optional_count = 1,
	.summary = "run a recipe: edit an image's guest and make all its outputs",
	.description =
		"RECIPE is an XML file, or the name of a shipped one (without folder and ending). "
		"It says which image is taken, what is changed in its guest, which hypervisors it "
		"shall be ready for, and which images are made of it. It is checked against "
		"recipes/recipe.rng, which also explains every element; what is wrong is told with "
		"file and line.\n\n"
		"The guest is edited once, beside the source, which is never written. Then every "
		"output is made of it. DIR holds the images, for each what Glance is to be told of "
		"it (image.json; image-FILE.json of several), plan.json (what was done, with "
		"digests), edits.json (every change, before and after), report.html (all of that "
		"for people, and where the guest was ready before), upload.sh (uploads them with "
		"curl alone) and the digest files. DIR "
		"appears when it is complete, or not at all. The same recipe with the same values "
		"and sources makes the same bytes. "
		"An OVA holds its one output, a vmdk, and what "
		"describes the machine; DIR.plan.json and DIR.edits.json lie beside it then.\n\n"
		"A build that was interrupted, even by a power cut, leaves the outputs that it had "
		"finished in a hidden folder beside DIR (.DIR.hvimg-build). The same command takes "
		"those over that still are what it would make: same hvimg, source, edits and "
		"options, and a digest that holds.\n\n"
		"When the recipe says so (<upload>), the images are then sent to Glance as hvimg "
		"upload DIR does it, with its settings of clouds. If that fails DIR stays; the "
		"same build again edits, finds DIR to be what it would make, and goes on with "
		"what is not in Glance yet.\n\n"
		"A source given by its http or https URL is downloaded. What the recipe pins by "
		"sha256 or sha512 is taken from the cache when it is there, without a request; "
		"anything else is asked for each time, and downloaded when it has changed. A "
		"download that was interrupted goes on where it ended, and a second hvimg that "
		"wants the same waits. User, password and query of a URL are shown nowhere. "
		"Proxies are taken from http_proxy, https_proxy and no_proxy.\n\n"
		"A source that is packages is installed by mmdebstrap, always in a user namespace: "
		"their scripts are the only code of a guest that runs, and plan.json says so. A "
		"mirror has other packages each day; so what was installed stays in the cache, as "
		"a tar, and is used again for the same release, mirror, packages and "
		"SOURCE_DATE_EPOCH until --refresh. plan.json has the tar's sha256, by which a "
		"recipe can pin it as its source.\n\n"
		"The value of a secret parameter is put into the guest and shown nowhere, neither "
		"in messages nor in the files beside the images; edits.json has the digests of "
		"files that hold it. Values given with --set can be seen by other users of this "
		"host while hvimg runs.",
	.answer_no = "the guest cannot be made ready for a target",
	.options = build_options,
	.settings_size = sizeof(struct build_settings),
	.run = build_run,
};
