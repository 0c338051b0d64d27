/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg package: an image with what Glance is to be told of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/guid.h"
#include "job/job.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/text.h"

#define KINDS "use dir, tar or ova"

struct package_settings {
	struct common common;
	const char *format;
	const char *target;
	const char *bundle;
	const char *compress;
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

static bool ends_in(const char *text, const char *ending)
{
	size_t len = strlen(text), n = strlen(ending);

	return len >= n && !strcmp(text + len - n, ending);
}

static int take_kind(const char *text, enum package_kind *out, struct error *e)
{
	if (!text || !strcmp(text, "dir"))
		*out = PACKAGE_FOLDER;
	else if (!strcmp(text, "tar"))
		*out = PACKAGE_TAR;
	else if (!strcmp(text, "ova"))
		*out = PACKAGE_OVA;
	else
		return error_set(
			e, ERR_USAGE, "--bundle: \"%s\" is no kind of bundle: " KINDS, text);
	return 0;
}

/* Without --compress the name tells. */
static int take_compression(
	const struct package_settings *s, struct package_job *j, struct error *e)
{
	const char *text = s->compress;

	if (text && j->kind != PACKAGE_TAR)
		return error_set(
			e, ERR_USAGE, "--compress: only a tar is compressed (--bundle tar)");
	if (!text && (ends_in(j->destination, ".zst") || ends_in(j->destination, ".tzst")))
		text = "zstd";
	else if (!text && (ends_in(j->destination, ".gz") || ends_in(j->destination, ".tgz")))
		text = "gzip";
	if (!text || !strcmp(text, "none"))
		j->pack = PACK_NONE;
	else if (!strcmp(text, "gzip"))
		j->pack = PACK_GZIP;
	else if (!strcmp(text, "zstd"))
		j->pack = PACK_ZSTD;
	else
		return error_set(
			e, ERR_USAGE, "--compress: \"%s\" is none of zstd, gzip and none", text);
	return 0;
}

static int check_settings(const struct package_settings *s, struct package_job *j, struct error *e)
{
	int rc = take_kind(s->bundle, &j->kind, e);

	if (!rc)
		rc = take_compression(s, j, e);
	if (!rc)
		rc = check_signing(s, e);
	if (!rc && s->sign && j->kind == PACKAGE_OVA)
		rc = error_set(e, ERR_USAGE,
			"--sign: an OVA has no image.json that a signature could be in");
	return rc ? rc : source_date(&j->time, e);
}

static json_t *image_json(const struct package_image *i)
{
	return json_pack("{s:s,s:o,s:O}", "file", i->file, "target",
		text_json(i->target ? i->target->name : NULL), "image", i->body);
}

/* "target" and "image" are those of the first, as there is but one mostly; an OVA has none. */
static int result_json(const struct package_job *j, const struct package_result *r, struct error *e)
{
	const struct package_image none = { 0 };
	const struct package_image *first = r->image_count ? &r->image[0] : &none;
	json_t *images = json_array();

	for (size_t i = 0; i < r->image_count; i++)
		json_add(&images, image_json(&r->image[i]));
	return print_json(
		json_pack("{s:o,s:o,s:o,s:O?,s:o,s:o}", "destination", text_json(j->destination),
			"target", text_json(first->target ? first->target->name : NULL),
			"file_size", number_json(r->file_size), "image", first->body, "images",
			images, "findings", report_json(&r->findings)),
		e);
}

static void print_image(const struct package_job *j, const struct package_image *i, bool alone)
{
	const char *key;
	json_t *value;

	put_text(stdout, j->destination);
	printf("%s%s: described for %s\n", alone ? "" : " ", alone ? "" : i->file,
		i->target ? i->target->name : "no target in particular");
	json_object_foreach(i->body, key, value)
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

static void print_result(const struct package_job *j, const struct package_result *r)
{
	if (!r->image_count) {
		put_text(stdout, j->destination);
		puts(": an OVA");
	}
	for (size_t i = 0; i < r->image_count; i++)
		print_image(j, &r->image[i], r->image_count == 1);
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
		.tmpdir = scratch_folder(&s->common),
		.sign_key = s->sign,
		.certificate = s->certificate,
		.output = { .no_sync = s->no_sync },
		.engine = { .threads = s->common.threads },
	};
	struct target_list known, named;
	struct buffer script = { 0 };
	int rc = check_settings(s, &job, e);

	if (!rc)
		rc = recipes_folder(&script, e);
	if (!rc)
		rc = buffer_string(&script, "/upload.sh", e);
	if (!rc)
		rc = load_targets(s->target, &known, &named, e);
	if (rc) {
		buffer_free(&script);
		return rc;
	}
	job.script = buffer_text(&script);
	job.known = &known;
	job.targets = s->target ? &named : NULL;
	rc = run_job(s, &job, e);
	targets_free(&named);
	targets_free(&known);
	buffer_free(&script);
	return rc;
}

#define FIELD(name) offsetof(struct package_settings, name)
static const struct option_spec package_options[] = {
	{ "property", 0, "K=V",
		"An image property; it replaces what hvimg would say, and \"K=\" leaves it out. "
		"May be "
		"repeated.",
		option_pair, FIELD(properties) },
	{ "target", 't', "TARGET,...",
		"The hypervisors to describe the image for; without it one that the guest is ready "
		"for "
		"and that takes the format.",
		option_text, FIELD(target) },
	{ "bundle", 0, "dir|tar|ova", "What to make: a folder (the default), a tar, or an OVA.",
		option_text, FIELD(bundle) },
	{ "compress", 0, "zstd|gzip|none",
		"How to compress a tar; without it the ending of DEST decides (.zst, .tzst, .gz, "
		".tgz).",
		option_text, FIELD(compress) },
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
	.summary = "bundle an image with its Glance properties, digests and an upload script",
	.description =
		"Makes DEST, a folder or a tar, with a copy of IMAGE, image.json (the body of "
		"Glance's POST /v2/images), upload.sh, which uploads it with curl alone, and the "
		"digest files SHA512SUMS, SHA256SUMS and MD5SUMS. DEST appears when it is "
		"complete, or not at all.\n\n"
		"The properties come from the target, the guest and the container. min_disk is the "
		"smallest flavor that the target takes the image for; Hyper-V needs more than the "
		"image's size.\n\n"
		"With a family of targets, such as hyperv, the newest machine type that the guest "
		"is ready for is described. Several targets share the one image: each gets an "
		"image-TARGET.json in place of image.json.\n\n"
		"A tar holds the image first. Its bytes depend on the files alone, neither on the "
		"number of threads nor on clock or host; SOURCE_DATE_EPOCH in the environment is "
		"the time of the files, 1970 without it.\n\n"
		"--sign adds the img_signature properties that Glance and Nova verify. RSA-PSS "
		"takes random bytes in, so that a signed image.json is another each time.\n\n"
		"An OVA is for VMware and VirtualBox: a descriptor (OVF 1.1), a manifest with "
		"SHA256 digests, and the disk as a stream-optimised VMDK, whatever IMAGE is. The "
		"machine has one processor, --property min_ram=MIB of memory, an E1000 network "
		"adapter, and its disk at an IDE controller, or at an LSI Logic one when a kernel "
		"of the guest cannot start from IDE. It is described for no --target.",
	.answer_no = "the guest is not ready for --target",
	.options = package_options,
	.settings_size = sizeof(struct package_settings),
	.run = package_run,
};
