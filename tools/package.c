/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg package: an image with what Glance is to be told of it. */
#include <stdlib.h>
#include <string.h>

#include "base/guid.h"
#include "job/job.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/text.h"

struct package_settings {
	struct common common;
	const char *format;
	const char *target;
	const char *bundle;
	const char *name;
	const char *sign, *certificate;
	struct strings properties;
	bool no_sync;
};

static int check_signing(const struct package_settings *s, struct error *e)
{
	struct guid id;

	if (s->sign && !s->certificate)
		return error_set(e, ERR_USAGE,
			"--sign: give --certificate-uuid too: a signature without its certificate "
			"is verified by nobody");
	if (s->certificate && !s->sign)
		return error_set(
			e, ERR_USAGE, "--certificate-uuid: nothing is signed without --sign");
	if (s->certificate &&
		(strlen(s->certificate) != GUID_TEXT_SIZE - 1 || !guid_parse(s->certificate, &id)))
		return error_set(
			e, ERR_USAGE, "--certificate-uuid: %.64s is no UUID", s->certificate);
	return 0;
}

static int check_settings(const struct package_settings *s, struct error *e)
{
	if (s->bundle && (!strcmp(s->bundle, "tar") || !strcmp(s->bundle, "ova")))
		return error_set(e, ERR_USAGE,
			"--bundle: %s is not supported by this version: use dir", s->bundle);
	if (s->bundle && strcmp(s->bundle, "dir") != 0)
		return error_set(
			e, ERR_USAGE, "--bundle: \"%s\" is no kind of bundle: use dir", s->bundle);
	if (s->target && strchr(s->target, ','))
		return error_set(
			e, ERR_USAGE, "--target: one target or family, not several: %s", s->target);
	return check_signing(s, e);
}

static int result_json(const struct package_job *j, const struct package_result *r, struct error *e)
{
	return print_json(
		json_pack("{s:o,s:o,s:o,s:O,s:o}", "destination", text_json(j->destination),
			"target", text_json(r->target ? r->target->name : NULL), "file_size",
			number_json(r->file_size), "image", r->image, "findings",
			report_json(&r->findings)),
		e);
}

static void print_result(const struct package_job *j, const struct package_result *r)
{
	const char *key;
	json_t *value;

	put_text(stdout, j->destination);
	printf(": described for %s\n", r->target ? r->target->name : "no target in particular");
	json_object_foreach(r->image, key, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY);

		printf("  %-28s ", key);
		put_text(stdout,
			json_is_string(value) ? json_string_value(value)
				: text        ? text
					      : "");
		putchar('\n');
		free(text);
	}
}

static int run_job(const struct package_settings *s, struct package_job *job, struct error *e)
{
	struct package_result result;
	struct progress progress;
	int rc = progress_from(&s->common, &progress, e);

	if (rc)
		return rc;
	progress_start(&progress, "package", &job->engine);
	rc = job_package(job, &result, e);
	progress_end(&progress);
	for (size_t i = 0; !rc && i < result.findings.count; i++)
		say_note("%s: %s", severity_name(result.findings.finding[i].severity),
			result.findings.finding[i].text);
	if (!rc && s->common.json)
		rc = result_json(job, &result, e);
	else if (!rc && !s->common.quiet)
		print_result(job, &result);
	package_result_free(&result);
	return rc;
}

static int package_run(const void *settings, char *const *argument, struct error *e)
{
	const struct package_settings *s = settings;
	struct package_job job = {
		.source = argument[0],
		.destination = argument[1],
		.source_format = s->format,
		.properties = s->properties,
		.name = s->name,
		.sign_key = s->sign,
		.certificate = s->certificate,
		.output = { .no_sync = s->no_sync },
	};
	struct target_list known, named;
	int rc = check_settings(s, e);

	if (!rc)
		rc = load_targets(s->target, &known, &named, e);
	if (rc)
		return rc;
	job.known = &known;
	job.targets = s->target ? &named : NULL;
	rc = run_job(s, &job, e);
	targets_free(&named);
	targets_free(&known);
	return rc;
}

#define FIELD(name) offsetof(struct package_settings, name)
static const struct option_spec package_options[] = {
	{ "property", 0, "K=V",
		"An image property; it replaces what hvimg would say, and \"K=\" leaves it out. "
		"May be "
		"repeated.",
		option_pair, FIELD(properties) },
	{ "target", 't', "TARGET",
		"The hypervisor to describe the image for; without it one that the guest is ready "
		"for "
		"and that takes the format.",
		option_text, FIELD(target) },
	{ "bundle", 0, "dir", "What to make: a folder.", option_text, FIELD(bundle) },
	{ "name", 0, "NAME", "The image's name; the file's without it.", option_text, FIELD(name) },
	{ "sign", 0, "KEY",
		"Sign the image with the RSA key in the PEM file KEY (RSA-PSS, SHA-256), for "
		"clouds that verify images; only its owner may have access to it.",
		option_text, FIELD(sign) },
	{ "certificate-uuid", 0, "UUID",
		"The key's certificate, as the cloud's key manager calls it; with --sign.",
		option_text, FIELD(certificate) },
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, FIELD(format) },
	{ "no-sync", 0, NULL, "Do not wait until DEST is on stable storage.", option_flag,
		FIELD(no_sync) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_package;
const struct command command_package = {
	.name = "package",
	.arguments = "IMAGE DEST",
	.argument_count = 2,
	.summary = "put an image, its Glance properties and digests into a folder",
	.description = "Makes the folder DEST with a copy of IMAGE, image.json (the body of "
		       "Glance's POST /v2/images) "
		       "and the digest files SHA512SUMS, SHA256SUMS and MD5SUMS. DEST appears when "
		       "it is complete, or "
		       "not at all.\n\n"
		       "The properties come from the target, the guest and the container. min_disk "
		       "is the smallest "
		       "flavor that the target takes the image for; Hyper-V needs more than the "
		       "image's size.\n\n"
		       "With a family of targets, such as hyperv, the newest machine type that the "
		       "guest is ready for is "
		       "described.\n\n"
		       "--sign adds the img_signature properties that Glance and Nova verify. "
		       "RSA-PSS takes random "
		       "bytes in, so that a signed image.json is another each time.",
	.answer_no = "the guest is not ready for --target",
	.options = package_options,
	.settings_size = sizeof(struct package_settings),
	.run = package_run,
};
