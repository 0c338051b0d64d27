/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg build: run a recipe. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/build_text.h"
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
		rc = build_print_json(job, &result, e);
	else if (!rc && !s->common.quiet)
		build_print(job, &result);
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
		rc = s->list ? build_print_list(&s->common, buffer_text(&recipes), e)
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
		"and sources makes the same bytes. An OVA holds its one output, a vmdk, and what "
		"describes the machine; DIR.plan.json, DIR.edits.json and DIR.report.html lie "
		"beside it then.\n\n"
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
