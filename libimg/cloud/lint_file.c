/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file under a description: what Glance would see in it, and what Hyper-V would find. */
#include <stdio.h>
#include <string.h>

#include "cloud/lint_private.h"
#include "cloud/properties.h"
#include "cloud/sniff.h"

enum {
	MATCH_SINCE = 30, /* [image_format]/require_image_format_match, default true */
	GPT_FATAL_SINCE = 33, /* [image_format]/gpt_safety_checks_nonfatal, default empty */
	VHD_DIFFERENCING = 4,
};

#define SIZE_CAP ((uint64_t)1 << 40) /* image_size_cap */

struct look {
	struct lint lint;
	const struct lint_file *file;
	struct sniff sniff;
	const char *claimed; /* disk_format; NULL: none */
};

static bool claims(const struct look *k, const char *format)
{
	return k->claimed && !strcmp(k->claimed, format);
}

/* Nova's libvirt driver, too, starts what it is told and nothing else; compute-hyperv looks for
 * itself whether it has a VHD or a VHDX. */
static enum severity mismatch_severity(const struct look *k, enum sniff_format found)
{
	bool disk = claims(k, "vhd") || claims(k, "vhdx");

	if (k->lint.rules->glance >= MATCH_SINCE)
		return SEVERITY_ERROR;
	if (disk && (found == SNIFF_VHD || found == SNIFF_VHDX || k->sniff.footer.there))
		return SEVERITY_WARNING;
	return SEVERITY_ERROR;
}

static int report_mismatch(struct look *k, enum sniff_format found, struct error *e)
{
	enum severity severity = mismatch_severity(k, found);
	char fix[64];

	if (claims(k, "vhd") && k->sniff.footer.there && (found == SNIFF_GPT || found == SNIFF_RAW))
		return lint_note(&k->lint, severity, "glance-fixed-vhd",
			"convert it to a dynamic VHD or to VHDX", e,
			"a fixed VHD is %s to Glance, which from version %d on refuses it as vhd",
			sniff_name(found), MATCH_SINCE);
	snprintf(fix, sizeof(fix), "set disk_format to %s, or convert the image",
		found == SNIFF_GPT ? "raw" : sniff_name(found));
	return lint_note(&k->lint, severity, "format-mismatch", fix, e,
		"disk_format is %.64s, but the content is %s", k->claimed, sniff_name(found));
}

static bool not_inspectable(const char *claimed)
{
	return value_listed("ami|aki|ari|ploop", claimed, false);
}

static int check_match(struct look *k, struct error *e)
{
	enum sniff_format found;
	size_t count = sniff_matches(&k->sniff, &found);
	const bool *match = k->sniff.match;

	if (!k->claimed)
		return 0;
	/* CDs that start from USB sticks have an MBR, too. */
	if (count == 2 && match[SNIFF_ISO] && match[SNIFF_GPT] && claims(k, "iso"))
		return 0;
	if (count > 1)
		return lint_note(&k->lint,
			k->lint.rules->glance >= MATCH_SINCE ? SEVERITY_ERROR : SEVERITY_WARNING,
			"format-ambiguous", "convert the image, so that one format is left", e,
			"%zu formats claim the content: Glance refuses it from version %d on",
			count, MATCH_SINCE);
	if (not_inspectable(k->claimed) && !count)
		return 0;
	if (claims(k, sniff_name(found)) || (found == SNIFF_GPT && claims(k, "raw")))
		return 0;
	return report_mismatch(k, found, e);
}

struct failure_code {
	const char *check, *code, *fix;
};

static const struct failure_code failure_codes[] = {
	{ "backing_file", "backing-file", "convert it: hvimg flattens chains" },
	{ "data_file", "data-file", "convert it, with the data file beside it" },
	{ "unknown_features", "qcow2-features", "convert it, with -o compat=1.1 alone" },
	{ "descriptor", "vmdk-descriptor", "convert it: -o subformat=streamOptimized" },
	{ "footer", "vmdk-footer", "convert it anew" },
	{ "mbr", "gpt-mbr", "write the partition table's first sector anew, e.g. with sgdisk -N" },
	{ "version", "luks-version", "leave encryption to the cloud" },
	{ "banned", "format-banned", "convert it" },
	{ "structure", "content-damaged", "see hvimg check" },
};

static const struct failure_code *failure_code(const char *check)
{
	size_t i = 0;

	while (strcmp(failure_codes[i].check, check) != 0)
		i++;
	return &failure_codes[i];
}

/* Nova refuses files that name others whatever Glance's version is. */
static enum severity failure_severity(const struct look *k, const struct sniff_failure *f)
{
	unsigned glance = k->lint.rules->glance;

	if (f->format == SNIFF_GPT)
		return glance >= GPT_FATAL_SINCE ? SEVERITY_ERROR
			: glance >= MATCH_SINCE  ? SEVERITY_WARNING
						 : SEVERITY_INFO;
	if (!strcmp(f->check, "backing_file") || !strcmp(f->check, "data_file"))
		return SEVERITY_ERROR;
	return glance >= MATCH_SINCE ? SEVERITY_ERROR : SEVERITY_WARNING;
}

static int check_safety(struct look *k, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < k->sniff.failures; i++) {
		const struct sniff_failure *f = &k->sniff.failure[i];
		const struct failure_code *c = failure_code(f->check);

		/* A hybrid CD is looked at as a CD only; of a fixed VHD it is told already. */
		if (f->format == SNIFF_GPT && !claims(k, "raw") && !claims(k, "gpt"))
			continue;
		rc = lint_note(&k->lint, failure_severity(k, f), c->code, c->fix, e,
			"%s: %s (Glance's check %s)", sniff_name(f->format), f->why, f->check);
	}
	return rc;
}

/* No inspector looks for these, and the data in the parent would be missing without a word. */
static int check_parents(struct look *k, struct error *e)
{
	bool vhd = k->sniff.footer.there && k->sniff.footer.type == VHD_DIFFERENCING &&
		!k->sniff.match[SNIFF_VHDX];

	if (!vhd && !k->sniff.vhdx.has_parent)
		return 0;
	return lint_note(&k->lint, SEVERITY_ERROR, "has-parent",
		"convert it with --allow-parent: hvimg flattens chains", e,
		"it is a differencing %s, whose parent stays behind; Glance does not see that",
		vhd ? "VHD" : "VHDX");
}

static int check_sizes(struct look *k, struct error *e)
{
	const struct sniff_footer *f = &k->sniff.footer;
	int rc = 0;

	if (f->there && !k->sniff.match[SNIFF_VHDX] && f->original_size != f->current_size)
		rc = lint_note(&k->lint, SEVERITY_WARNING, "vhd-original-size",
			"convert it: hvimg writes both fields alike", e,
			"its Original Size is %llu and its Current Size %llu: Glance takes the "
			"first for the disk's, Hyper-V the second",
			(unsigned long long)f->original_size, (unsigned long long)f->current_size);
	if (!rc && !k->file->file->size)
		rc = lint_note(
			&k->lint, SEVERITY_ERROR, "image-empty", NULL, e, "the file is empty");
	if (!rc && k->file->file->size > SIZE_CAP)
		rc = lint_note(&k->lint, SEVERITY_WARNING, "image-size-cap",
			"ask the cloud's operator for image_size_cap", e,
			"the file has %llu bytes: Glance's cap is 1 TiB by default",
			(unsigned long long)k->file->file->size);
	return rc;
}

/* os-win, vhdutils.py: it reads two places of the tables without looking what is there. */
static int check_layout(struct look *k, struct error *e)
{
	if (!k->sniff.vhdx.odd_order || !lint_for_hyperv(&k->lint))
		return 0;
	return lint_note(&k->lint, SEVERITY_ERROR, "hyperv-vhdx-order",
		"convert it: hvimg writes the order that os-win reads", e,
		"the metadata region is not the second one, or the file parameters are not the "
		"first item: compute-hyperv reads wrong sizes");
}

static int check_min_disk(struct look *k, struct error *e)
{
	struct image_facts facts = {
		.format = k->file->format,
		.virtual_size = k->file->virtual_size,
		.logical_sector = k->file->logical_sector,
	};
	const json_t *value = json_object_get(k->lint.body, "min_disk");
	json_int_t said = json_integer_value(value);
	uint64_t needed;
	char fix[64];

	if (!k->file->format || claims(k, "iso"))
		return 0;
	facts.subformat = k->file->info->subformat;
	facts.block_size = k->file->info->block_size;
	facts.log_size = k->file->info->log_size;
	needed = min_disk_gib(&facts);
	if (said < 0 || (uint64_t)said >= needed)
		return 0;
	snprintf(fix, sizeof(fix), "set min_disk to %llu", (unsigned long long)needed);
	return lint_note(&k->lint, said ? SEVERITY_ERROR : SEVERITY_WARNING,
		said ? "min-disk-small" : "min-disk-missing", fix, e,
		"a disk of %llu bytes starts with flavors from %llu GiB on; min_disk says %lld",
		(unsigned long long)k->file->virtual_size, (unsigned long long)needed,
		(long long)said);
}

/* Of the others hvimg reads none, and need not. */
static bool is_disk(const struct look *k)
{
	return k->claimed && !claims(k, "iso") && !not_inspectable(k->claimed);
}

static int check_readable(struct look *k, struct error *e)
{
	if (k->file->format || !k->file->why || k->sniff.vhdx.has_parent || !is_disk(k))
		return 0;
	return lint_note(&k->lint, SEVERITY_ERROR, "image-unreadable", "see hvimg check", e,
		"hvimg cannot open it: %.600s", k->file->why->text);
}

int lint_file(const json_t *body, const struct lint_file *f, const struct lint_rules *r,
	struct report *out, struct error *e)
{
	static int (*const part[])(struct look *, struct error *) = { check_match, check_safety,
		check_parents, check_sizes, check_layout, check_min_disk, check_readable };
	struct look k = { .lint = { .body = body, .rules = r, .out = out }, .file = f };
	const char *container = lint_text(&k.lint, "container_format");
	int rc;

	/* Glance looks into nothing else. */
	if (container && strcmp(container, "bare") != 0)
		return 0;
	rc = sniff_file(f->file, &k.sniff, e);
	k.claimed = lint_text(&k.lint, "disk_format");
	for (size_t i = 0; !rc && i < sizeof(part) / sizeof(*part); i++)
		rc = part[i](&k, e);
	return rc;
}
