/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg upload: an image or a bundle into Glance. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job/upload.h"
#include "tools/command.h"
#include "tools/conversion.h"
#include "tools/host.h"
#include "tools/interrupt.h"
#include "tools/text.h"

struct upload_settings {
	struct common common;
	const char *cloud, *method, *as, *format, *allow_parent;
	const char *name, *id, *min_disk, *min_ram, *rotate, *target;
	struct strings options, properties, tags;
	bool public, private, community, shared, protect, keep, if_absent;
	unsigned keep_versions;
};

static int stop(void *arg)
{
	(void)arg;
	return interrupted();
}

static int take_visibility(const struct upload_settings *s, const char **out, struct error *e)
{
	const struct {
		bool set;
		const char *name;
	} choice[] = { { s->public, "public" }, { s->private, "private" },
		{ s->community, "community" }, { s->shared, "shared" } };

	for (size_t i = 0; i < sizeof(choice) / sizeof(*choice); i++) {
		if (choice[i].set && *out)
			return error_set(e, ERR_USAGE, "--%s and --%s: an image is one of them",
				*out, choice[i].name);
		if (choice[i].set)
			*out = choice[i].name;
	}
	return 0;
}

static int take_method(const char *text, enum upload_method *out, struct error *e)
{
	*out = UPLOAD_PUT;
	if (!text || !strcmp(text, "put"))
		return 0;
	*out = UPLOAD_IMPORT;
	if (!strcmp(text, "import"))
		return 0;
	return error_set(e, ERR_USAGE, "--method: \"%s\" is neither put nor import", text);
}

static int check_settings(const struct upload_settings *s, struct error *e)
{
	if (s->rotate && s->name)
		return error_set(e, ERR_USAGE, "--rotate gives the name, --name another");
	if (s->keep_versions && !s->rotate)
		return error_set(e, ERR_USAGE, "--keep-versions goes with --rotate");
	if (s->options.count && !s->as)
		return error_set(e, ERR_USAGE, "-o: the options are those of --as");
	if (s->allow_parent && !s->as)
		return error_set(e, ERR_USAGE,
			"--allow-parent: Glance takes no image that needs another: say --as");
	return 0;
}

/* Those that have options of their own are properties too. */
static int take_number(
	struct strings *properties, const char *key, const char *value, struct error *e)
{
	char pair[128];

	if (!value)
		return 0;
	if (strspn(value, "0123456789") != strlen(value) || strlen(value) > 20)
		return error_set(e, ERR_USAGE, "%s: \"%.40s\" is no number", key, value);
	snprintf(pair, sizeof(pair), "%s=%s", key, value);
	return strings_add(properties, pair, e);
}

static int copy_list(struct strings *to, const struct strings *from, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < from->count; i++)
		rc = strings_add(to, from->item[i], e);
	return rc;
}

static int make_job(const struct upload_settings *s, struct upload_job *j, struct error *e)
{
	int rc = check_settings(s, e);

	if (!rc)
		rc = take_method(s->method, &j->method, e);
	if (!rc)
		rc = take_visibility(s, &j->visibility, e);
	if (!rc && s->as)
		rc = choose_format(s->as, NULL, "-", &j->as, e);
	if (!rc && j->as)
		rc = format_check_options(j->as, &s->options, e);
	if (!rc)
		rc = copy_list(&j->properties, &s->properties, e);
	if (!rc)
		rc = take_number(&j->properties, "min_disk", s->min_disk, e);
	return rc ? rc : take_number(&j->properties, "min_ram", s->min_ram, e);
}

static json_t *hash_json(const struct hash_values *h)
{
	json_t *o = json_object();

	for (size_t i = 0; i < UPLOAD_SUMS; i++)
		if (h->hex[i][0])
			json_put(&o, upload_algorithm[i], text_json(h->hex[i]));
	return o;
}

static json_t *image_json(const struct upload_result *r)
{
	return json_pack("{s:o,s:o,s:b,s:o,s:o,s:o,s:{s:b,s:b,s:b},s:O,s:o}", "source",
		text_json(r->source), "id", text_json(r->id), "present", r->present, "size",
		number_json(r->size), "virtual_size", number_json(r->virtual_size), "hash",
		hash_json(&r->hash), "verified", "digest", r->digest_verified, "size",
		r->size_verified, "virtual_size", r->virtual_size_verified, "image", r->image,
		"findings", report_json(&r->findings));
}

/* Of one image its members also stand beside the list. */
static int results_json(const struct upload_results *r, struct error *e)
{
	json_t *list = json_array();
	json_t *document = r->count == 1 ? image_json(r->image) : json_object();

	for (size_t i = 0; i < r->count; i++)
		json_add(&list, image_json(&r->image[i]));
	json_put(&document, "hidden", strings_json(&r->hidden));
	json_put(&document, "removed", strings_json(&r->removed));
	json_put(&document, "images", list);
	return print_json(document, e);
}

static void say_notes(const struct upload_result *r)
{
	for (size_t i = 0; i < r->findings.count; i++)
		say_note("%s: %s", severity_name(r->findings.finding[i].severity),
			r->findings.finding[i].text);
	if (r->present)
		say_note("%s: an active image has these bytes already", r->id);
}

static int run_job(const struct upload_settings *s, struct upload_job *job, struct error *e)
{
	struct upload_results results;
	struct progress progress;
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	progress_start(&progress, "upload", &job->engine);
	job->engine.threads = s->common.threads;
	rc = job_upload(job, &results, e);
	progress_end(&progress);
	for (size_t i = 0; !rc && i < results.count; i++)
		say_notes(&results.image[i]);
	if (!rc && s->common.json)
		rc = results_json(&results, e);
	for (size_t i = 0; !rc && !s->common.json && i < results.count; i++)
		puts(results.image[i].id);
	upload_results_free(&results);
	return rc;
}

static int upload_run(const void *settings, char *const *argument, struct error *e)
{
	const struct upload_settings *s = settings;
	struct upload_job job = {
		.source = argument[0],
		.source_format = s->format,
		.allow_parent = s->allow_parent,
		.options = s->options,
		.cloud = s->cloud,
		.environment = environ,
		.name = s->name,
		.id = s->id,
		.protect = s->protect,
		.tags = s->tags,
		.keep = s->keep,
		.if_absent = s->if_absent,
		.rotate = s->rotate,
		.keep_versions = s->keep_versions,
		.tmpdir = scratch_folder(&s->common),
		.stop = stop,
	};
	struct target_list known = { 0 }, named = { 0 };
	int rc = make_job(s, &job, e);

	if (!rc)
		rc = load_targets(s->target, &known, &named, e);
	if (!rc) {
		job.known = &known;
		job.targets = s->target ? &named : NULL;
		rc = run_job(s, &job, e);
	}
	targets_free(&named);
	targets_free(&known);
	strings_free(&job.properties);
	return rc;
}

#define FIELD(name) offsetof(struct upload_settings, name)
static const struct option_spec upload_options[] = {
	{ "os-cloud", 0, "NAME",
		"The cloud of clouds.yaml; without it OS_CLOUD, else the OS_ variables, else the "
		"only one there is.",
		option_text, FIELD(cloud) },
	{ "method", 0, "put|import",
		"Send to the image (the default), or to the staging area to be imported.",
		option_text, FIELD(method) },
	{ "as", 0, "FORMAT", "Convert on the way to this format, without a file in between.",
		option_text, FIELD(as) },
	{ "options", 'o', "K=V,...", "Options of the format that --as names.", option_pairs,
		FIELD(options) },
	{ "format", 'f', "FORMAT", "IMAGE's format; without it the content decides.", option_text,
		FIELD(format) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	{ "name", 0, "NAME", "The image's name; the bundle's or the file's without it.",
		option_text, FIELD(name) },
	{ "property", 0, "K=V",
		"An image property; it replaces what hvimg or the bundle would say, and \"K=\" "
		"leaves it out. May be repeated.",
		option_pair, FIELD(properties) },
	{ "tag", 0, "TAG", "A tag of the image. May be repeated.", option_list, FIELD(tags) },
	{ "public", 0, NULL, "Everybody sees it.", option_flag, FIELD(public) },
	{ "private", 0, NULL, "Only the project sees it.", option_flag, FIELD(private) },
	{ "community", 0, NULL, "Everybody may use it, nobody else has it listed.", option_flag,
		FIELD(community) },
	{ "shared", 0, NULL, "Members that are added see it.", option_flag, FIELD(shared) },
	{ "protected", 0, NULL, "It cannot be deleted; set once it is verified.", option_flag,
		FIELD(protect) },
	{ "target", 0, "T,...",
		"Of a BUNDLE send only what is described for these targets; of an IMAGE say which "
		"of them it is for: the best that its guest is ready for.",
		option_text, FIELD(target) },
	{ "min-disk", 0, "GIB", "The smallest flavor disk, in GiB.", option_text, FIELD(min_disk) },
	{ "min-ram", 0, "MIB", "The smallest flavor memory, in MiB.", option_text, FIELD(min_ram) },
	{ "id", 0, "UUID", "The image's id; Glance makes one without it.", option_text, FIELD(id) },
	{ "if-absent", 0, NULL,
		"Read the image first, and send nothing when an active image of the same digest "
		"and format is there.",
		option_flag, FIELD(if_absent) },
	{ "rotate", 0, "NAME",
		"A new version of NAME: hidden until it is verified, with all others of a bundle, "
		"then older images of that name and project are hidden.",
		option_text, FIELD(rotate) },
	{ "keep-versions", 0, "N",
		"With --rotate: remove all but the newest N versions, protected ones aside. A "
		"version counts as many images as are sent.",
		option_count, FIELD(keep_versions) },
	{ "keep", 0, NULL, "Do not delete an image that failed.", option_flag, FIELD(keep) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_upload;
const struct command command_upload = {
	.name = "upload",
	.arguments = "IMAGE|BUNDLE",
	.argument_count = 1,
	.summary = "send an image or a bundle to Glance, and verify what it has",
	.description =
		"Makes an image in Glance (v2, through Keystone v3), sends the data, waits until "
		"it is active, compares digests, sizes and virtual size that Glance reports with "
		"what was sent, and prints the image's id. An image that fails or is interrupted "
		"is deleted, unless --keep says otherwise.\n\n"
		"A BUNDLE is a folder that hvimg package or hvimg build made: for every "
		"description in it (image.json, image-*.json) there will be an image, with its "
		"properties and the bytes of the file that it describes, which must have the "
		"digest that SHA512SUMS says; the ids come in that order, one a line. Of several "
		"images the choice is --target, or the .json file of one, given as BUNDLE/FILE. "
		"When one fails those before it stay, and the message names them; --if-absent "
		"then goes on from there. A bundle that is a tar is unpacked in --tmpdir "
		"meanwhile.\n\n"
		"The properties of an IMAGE come from its container, its guest, and the target "
		"that hvimg package would describe it for; --target names another, --property "
		"has the last word.\n\n"
		"With --as the image is read twice and converted while it is sent; the bytes are "
		"those of hvimg convert. Formats that compress while they are written cannot be "
		"sent so.\n\n"
		"Clouds are described as for other OpenStack clients: clouds.yaml, secure.yaml "
		"and clouds-public.yaml in the current folder, ~/.config/openstack or "
		"/etc/openstack, or OS_ variables. Passwords, application credentials, tokens, "
		"and Glance without Keystone (auth_type none, endpoint) are known. Proxies are "
		"those of the http_proxy, https_proxy and no_proxy variables; this host is never "
		"asked through one.",
	.takes_formats = true,
	.options = upload_options,
	.settings_size = sizeof(struct upload_settings),
	.run = upload_run,
};
