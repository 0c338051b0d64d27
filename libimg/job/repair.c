/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Repairs by writing anew: what the image's reader survives (one damaged footer or header, a log
 * that waits, blocks that nobody uses) is whole in a fresh container with the same content and the
 * same identifiers.  Nothing is guessed: where content is in doubt, nothing is written.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "disk/host_file.h"
#include "disk/image.h"
#include "job/checking.h"

static const struct fault impossible = { "repair-impossible", SEVERITY_ERROR, NULL };

/* --force must not turn the copy into the image itself. */
static int same_file_check(const struct check_job *j, struct disk *watch, struct error *e)
{
	uint64_t device, inode;
	struct stat st;
	int rc = host_file_identity(watch, &device, &inode, e);

	if (rc || stat(j->repair, &st))
		return rc;
	if (st.st_dev == device && st.st_ino == inode)
		return error_set(e, ERR_USAGE,
			"%s is the image itself, which is never written: name another file",
			j->repair);
	return 0;
}

static int error_become(struct error *e, enum error_code code)
{
	e->code = (int)code;
	return -e->code;
}

/* What the reader can read, but a container of its own cannot hold. */
static int refer_check(const struct format *f, struct disk *d, struct error *e)
{
	struct image_info info = { 0 };
	int rc = f->info ? f->info(d, &info, e) : 0;

	if (!rc && (info.parent_path || info.references.count))
		rc = error_set(e, ERR_UNSUPPORTED,
			"the image refers to another file, %.512s: a child is not written anew",
			info.parent_path ? info.parent_path : info.references.item[0]);
	if (!rc && info.snapshots)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the image has %u internal snapshots, which would be lost", info.snapshots);
	image_info_free(&info);
	return rc;
}

static int writer_make(const struct check_outcome *r, struct disk *d, struct strings *options,
	struct output *file, struct writer **out, struct error *e)
{
	struct image_spec spec = { .options = options };
	int rc = refer_check(r->format, d, e);

	if (!rc && (!r->format->spec_of || !r->format->create))
		rc = error_set(
			e, ERR_UNSUPPORTED, "hvimg writes no %s of this kind", r->format->name);
	if (!rc)
		rc = r->format->spec_of(d, options, &spec, e);
	if (!rc)
		rc = r->format->create(&spec, file, out, e);
	/* What create does not take was never the user's choice. */
	return rc == -ERR_USAGE ? error_become(e, ERR_UNSUPPORTED) : rc;
}

/* Nobody should have to check the copy to know that it is good. */
static int copy_check(
	const struct check_job *j, const struct format *f, const char *path, struct error *e)
{
	struct check c = { 0 };
	struct disk *file = NULL;
	int rc = host_file_open(path, &file, e);

	if (!rc)
		rc = f->check(file, &c, e);
	if (!rc && (c.errors || c.leaks))
		rc = error_set(e, ERR_CORRUPT, "the copy has %" PRIu64 " errors, the first: %s",
			c.errors, c.report.count ? c.report.finding[0].text : "a leak");
	disk_close(file);
	check_free(&c);
	return rc ? error_prefix(e, "%s", j->repair) : 0;
}

static int copy_compare(const struct check_job *j, const struct format *f, struct disk *d,
	const char *path, struct error *e)
{
	const struct convert_options engine = { .threads = j->engine.threads };
	struct disk *copy = NULL;
	uint64_t at = UINT64_MAX;
	int rc = image_open(path, f->name, &copy, NULL, e);

	if (!rc)
		rc = compare(d, copy, true, &engine, &at, e);
	if (!rc && at != UINT64_MAX)
		rc = error_set(e, ERR_CORRUPT, "%s: the copy differs at %" PRIu64, j->repair, at);
	disk_close(copy);
	return rc;
}

static int copy_verify(const struct check_job *j, const struct format *f, struct disk *d,
	struct output *file, uint64_t size, struct error *e)
{
	struct buffer path = { 0 };
	int rc = output_reopen_path(file, size, &path, e);

	if (!rc)
		rc = copy_check(j, f, buffer_text(&path), e);
	if (!rc)
		rc = copy_compare(j, f, d, buffer_text(&path), e);
	buffer_free(&path);
	return rc;
}

static int copy_write(const struct check_job *j, struct check_outcome *r, struct disk *d,
	struct output *file, struct error *why)
{
	struct convert_result result = { 0 };
	struct strings options = { 0 };
	struct writer *writer = NULL;
	int rc = writer_make(r, d, &options, file, &writer, why);

	if (!rc) {
		rc = convert(d, writer, file, &j->engine, &result, why);
		writer->ops->close(writer);
	}
	strings_free(&options);
	r->file_size = result.file_size;
	return rc;
}

/* Writes the copy but does not commit it.  -ERR_NOTREADY: the image doesn't allow it, and why. */
static int copy_make(
	const struct check_job *j, struct check_outcome *r, struct output *file, struct error *e)
{
	struct disk *d = NULL;
	int rc;

	if (r->check.lost)
		return error_set(e, ERR_NOTREADY,
			"%" PRIu64 " of the errors leave it open what the image holds",
			r->check.lost);
	rc = image_open(j->image, r->format->name, &d, NULL, e);
	if (!rc)
		rc = copy_write(j, r, d, file, e);
	if (error_tells_of_image(rc))
		rc = error_become(e, ERR_NOTREADY);
	if (!rc)
		rc = copy_verify(j, r->format, d, file, r->file_size, e);
	disk_close(d);
	return rc;
}

int image_repair(
	const struct check_job *j, struct disk *watch, struct check_outcome *r, struct error *e)
{
	struct error why = { 0 };
	struct output *file = NULL;
	int rc = same_file_check(j, watch, e);

	if (rc)
		return rc;
	rc = output_open(j->repair, &j->output, &file, e);
	if (rc)
		return error_prefix(e, "%s", j->repair);
	rc = copy_make(j, r, file, &why);
	if (!rc)
		rc = host_file_unchanged(watch, &why);
	if (!rc)
		rc = output_commit(file, r->file_size, &why);
	output_close(file);
	r->repaired = !rc;
	if (!rc)
		return 0;
	if (rc == -ERR_NOTREADY)
		return check_find(&r->check, &impossible, CHECK_NOWHERE, e,
			"no copy is written: %s", why.text);
	return error_set(e, (enum error_code) - rc, "%s", why.text);
}
