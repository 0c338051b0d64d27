/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "disk/chain.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "job/checking.h"

static const struct fault parent_missing = { "parent-missing", SEVERITY_ERROR, NULL };
static const struct fault parent_wrong = { "parent-wrong", SEVERITY_ERROR, NULL };

static int format_choose(
	const struct check_job *j, struct disk *file, const struct format **out, struct error *e)
{
	const struct format *damaged;
	int rc = 0;

	if (j->format)
		*out = j->format;
	else
		rc = image_probe(file, out, e);
	/* Damage may hide a container from the probes. */
	if (rc == -ERR_CORRUPT || rc == -ERR_UNSUPPORTED) {
		damaged = image_remains(file);
		*out = damaged ? damaged : *out;
		rc = damaged ? 0 : rc;
	}
	if (rc || (*out)->check)
		return rc;
	return error_set(e, ERR_UNSUPPORTED, "hvimg has no check of %s", (*out)->name);
}

int content_probe(struct disk *d, struct error *e)
{
	uint8_t sector[4096];
	size_t len = d->size < sizeof(sector) ? (size_t)d->size : sizeof(sector);

	return disk_read(d, 0, sector, len, e);
}

/*
 * Looks for the parent, when that is allowed.  An image that cannot be opened is no finding here:
 * the check of its structures tells why.
 */
static int parent_find(const struct check_job *j, const struct format *format, struct chain *chain,
	struct check *c, struct error *e)
{
	struct open_options o = { .allow_dir = j->allow_parent, .chain = chain };
	struct image_info info = { 0 };
	struct disk *d = NULL;
	struct error why = { 0 };
	int rc = 0;

	if (!j->allow_parent)
		return 0;
	if (image_open_with(j->image, format->name, &o, &d, NULL, &why))
		return error_of_host(&why, e);
	rc = format->info ? format->info(d, &info, e) : 0;
	if (!rc && info.parent_path && content_probe(d, &why)) {
		rc = error_of_host(&why, e);
		if (!rc)
			rc = check_find(c,
				why.code == ERR_NOTFOUND ? &parent_missing : &parent_wrong,
				CHECK_NOWHERE, e, "parent: %s", why.text);
	} else if (!rc && info.parent_path && chain->count > 1)
		c->parent = chain->link[1].path;
	image_info_free(&info);
	disk_close(d);
	return rc;
}

static int structures_check(
	const struct check_job *j, struct disk *file, struct check_outcome *r, struct error *e)
{
	struct chain chain = { 0 };
	int rc = parent_find(j, r->format, &chain, &r->check, e);

	/* Where content is read too, the tables are the smaller part. */
	if (!j->cross && !j->repair) {
		r->check.progress = j->engine.progress;
		r->check.progress_arg = j->engine.progress_arg;
	}
	if (!rc)
		rc = r->format->check(file, &r->check, e);
	r->check.parent = NULL;
	chain_free(&chain);
	return rc ? error_prefix(e, "%s", j->image) : 0;
}

int job_check(const struct check_job *j, struct check_outcome *r, struct error *e)
{
	struct disk *file = NULL;
	int rc = host_file_open(j->image, &file, e);

	*r = (struct check_outcome){ 0 };
	if (!rc)
		rc = format_choose(j, file, &r->format, e);
	if (rc) {
		disk_close(file);
		return error_prefix(e, "%s", j->image);
	}
	rc = structures_check(j, file, r, e);
	if (!rc && j->cross)
		rc = content_cross(j, r, e);
	if (!rc && j->repair)
		rc = image_repair(j, file, r, e);
	if (!rc)
		rc = check_end(&r->check, e);
	disk_close(file);
	return rc;
}

void check_outcome_free(struct check_outcome *r)
{
	check_free(&r->check);
}
