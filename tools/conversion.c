/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/conversion.h"

#include <stdio.h>
#include <string.h>

#include "tools/host.h"
#include "job/profile.h"
#include "tools/text.h"

int format_option(const char *option, const char *name, const struct format **out, struct error *e)
{
	int rc = name ? format_named(name, out, e) : 0;

	return rc ? error_prefix(e, "%s", option) : 0;
}

int choose_format(const char *name, const char *usual, const char *destination,
	const struct format **out, struct error *e)
{
	const struct format *f = name ? format_by_name(name) : format_by_ending(destination);

	if (!f && !name && usual)
		f = format_by_name(usual);
	if (!f && name)
		return format_option("-O", name, &f, e);
	if (!f)
		return error_set(e, ERR_USAGE, "%s: its ending tells no format: name one with -O",
			destination);
	if (!f->create)
		return error_set(
			e, ERR_USAGE, "%s: hvimg reads this format but does not write it", f->name);
	*out = f;
	return 0;
}

static int flavor_check(const struct conversion *c, const struct format *f, struct error *e)
{
	const char *name = f->glance_name;

	if (!c->fit_flavor)
		return 0;
	if (c->size.bytes)
		return error_set(
			e, ERR_USAGE, "--fit-flavor and --size: only one can tell the size");
	if (!name || (strcmp(name, "vhd") && strcmp(name, "vhdx")))
		return error_set(e, ERR_USAGE,
			"--fit-flavor: OpenStack on Hyper-V takes vhd and vhdx, not %s", f->name);
	return 0;
}

static int source_check(const struct conversion *c, const char *source, struct error *e)
{
	const struct format *f = NULL, *parent;
	int rc = format_option("-f", c->source_format, &f, e);

	if (!rc)
		rc = format_option("-F", c->parent.format, &parent, e);
	if (rc)
		return rc;
	if (f && !strcmp(source, "-") && strcmp(f->name, "raw") != 0)
		return error_set(e, ERR_USAGE, "-: only raw is read from a pipe, not %s", f->name);
	return 0;
}

static int digests_check(const char *option, const struct strings *algorithms, struct error *e)
{
	int rc = hash_check(algorithms, e);

	return rc == -ERR_USAGE ? error_prefix(e, "%s", option) : rc;
}

/* What needs the data cannot go with not reading it. */
static int no_scan_check(const struct conversion *c, struct error *e)
{
	const char *with = c->compress ? "-c" : NULL;

	if (c->hash.count)
		with = "--hash";
	if (c->guest_hash.count)
		with = "--guest-hash";
	if (c->parent.path)
		with = "--parent";
	if (!c->no_scan || !with)
		return 0;
	return error_set(e, ERR_USAGE, "--no-scan reads no data, so it cannot go with %s", with);
}

static int take_reflink(const char *text, enum reflink *out, struct error *e)
{
	static const char *const names[] = { "auto", "always", "never" };

	*out = REFLINK_AUTO;
	if (!text)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(text, names[i])) {
			*out = (enum reflink)i;
			return 0;
		}
	return error_set(e, ERR_USAGE, "--reflink: %s is none of auto, always, never", text);
}

int take_identifier(const char *text, const struct format *f, struct guid *out, struct error *e)
{
	if (!f->has_identifier)
		return error_set(e, ERR_USAGE, "--identifier: %s has none", f->name);
	if (!guid_parse(text, out))
		return error_set(e, ERR_USAGE, "--identifier: %s is no GUID", text);
	return 0;
}

int conversion_job(const struct conversion *c, const struct common *common, const char *source,
	const char *destination, struct convert_job *out, struct error *e)
{
	const struct format *format = NULL;
	const struct profile *profile = NULL;
	int rc = 0;

	*out = (struct convert_job){ 0 };

	rc = source_check(c, source, e);
	if (!rc && c->profile)
		rc = profile_find(c->profile, &profile, e);
	if (!rc)
		rc = choose_format(
			c->format, profile ? profile->format : NULL, destination, &format, e);
	if (!rc && c->compress && !format->compresses)
		rc = error_set(
			e, ERR_USAGE, "-c: %s is not compressed, qcow2 and vmdk are", format->name);
	if (!rc && !strcmp(source, "-") && !strcmp(destination, "-") && strcmp(format->name, "raw"))
		rc = error_set(e, ERR_USAGE, "-: from a pipe to a pipe goes raw only, not %s",
			format->name);
	if (!rc)
		rc = no_scan_check(c, e);
	if (!rc)
		rc = format_check_options(format, &c->options, e);
	if (!rc)
		rc = digests_check("--hash", &c->hash, e);
	if (!rc)
		rc = digests_check("--guest-hash", &c->guest_hash, e);
	if (!rc)
		rc = flavor_check(c, format, e);
	if (rc)
		return rc;
	*out = (struct convert_job){
		.source = source,
		.destination = destination,
		.source_format = c->source_format,
		.allow_parent = c->allow_parent,
		.snapshot = c->snapshot,
		.parent = c->parent,
		.format = format,
		.compress = c->compress,
		.hash = c->hash,
		.guest_hash = c->guest_hash,
		.verify = c->verify,
		.no_scan = c->no_scan,
		.no_holes = c->no_holes,
		.size = c->size,
		.fit_flavor = c->fit_flavor,
		.drop = { .free = c->drop_free, .paging = c->drop_paging },
		.size_unit = profile ? profile->round : 0,
		.tmpdir = scratch_folder(common),
		.output = { .force = c->force, .no_sync = c->no_sync },
		.engine = { .threads = common->threads },
	};
	rc = take_reflink(c->reflink, &out->reflink, e);
	if (!rc && c->identifier) {
		rc = take_identifier(c->identifier, format, &out->identifier, e);
		out->has_identifier = true;
	}
	for (size_t i = 0; !rc && i < c->options.count; i++)
		rc = strings_add(&out->options, c->options.item[i], e);
	return rc || !profile ? rc
			      : profile_apply(profile, format, c->parent.path, &out->options, e);
}

void conversion_job_free(struct convert_job *j)
{
	strings_free(&j->options);
}

static json_t *hashes_json(const struct strings *algorithms, const struct hash_values *values)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < algorithms->count; i++)
		json_put(&object, algorithms->item[i], json_string(values->hex[i]));
	return object;
}

json_t *conversion_json(const struct convert_job *j, const struct convert_outcome *r)
{
	json_t *o = json_pack("{s:o,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "source", text_json(j->source),
		"destination", text_json(j->destination), "format", j->format->name, "file_size",
		number_json(r->convert.file_size), "data_bytes",
		number_json(r->convert.content.data_bytes), "hash", hashes_json(&j->hash, &r->hash),
		"guest_hash", hashes_json(&j->guest_hash, &r->guest_hash), "virtual_size",
		number_json(r->virtual_size));

	if (o && (j->drop.free || j->drop.paging))
		dropped_json(&r->dropped, &o);
	return o;
}

static void print_values(FILE *out, const struct strings *algorithms,
	const struct hash_values *values, const char *what, const char *path)
{
	for (size_t i = 0; i < algorithms->count; i++) {
		fprintf(out, "%s%s (", what, algorithms->item[i]);
		put_text(out, path);
		fprintf(out, ") = %s\n", values->hex[i]);
	}
}

void print_hashes(FILE *out, const struct convert_job *j, const struct convert_outcome *r)
{
	print_values(out, &j->hash, &r->hash, "", j->destination);
	print_values(out, &j->guest_hash, &r->guest_hash, "guest ", j->source);
}
