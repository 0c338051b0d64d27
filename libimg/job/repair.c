/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Repairs by writing anew: what the image's reader survives (one damaged footer or header, a log
 * that waits, blocks that nobody uses) is whole in a fresh container with the same content and the
 * same identifiers.  Nothing is guessed: where content is in doubt, nothing is written.
 */
#include <inttypes.h>
#include <string.h>

#include "disk/host_file.h"
#include "disk/image.h"
#include "job/checking.h"
#include "job/pieces.h"

static const struct fault impossible = { "repair-impossible", SEVERITY_ERROR, NULL };
static const struct fault other_blocks = { "repair-block-size", SEVERITY_INFO, NULL };

struct repair {
	const struct check_job *j;
	struct check_outcome *r;
	struct disk *image;
	struct parent parent; /* all zero: the image stands alone */
	struct output *file; /* of the copy */
};

/* --force must not turn the copy into the image itself. */
static int same_file_check(const struct check_job *j, struct disk *watch, struct error *e)
{
	bool same = false;
	int rc = host_file_is(watch, j->repair, &same, e);

	if (!rc && same)
		rc = error_set(e, ERR_USAGE,
			"%s is the image itself, which is never written: name another file",
			j->repair);
	return rc;
}

static int error_become(struct error *e, enum error_code code)
{
	e->code = (int)code;
	return -e->code;
}

static int image_describe(
	const struct format *f, struct disk *d, struct image_info *out, struct error *e)
{
	return f->info ? f->info(d, out, e) : 0;
}

/* What the reader can read, but a container written anew cannot hold. */
static int refer_check(const struct repair *p, bool *child, struct error *e)
{
	struct image_info info = { 0 };
	int rc = image_describe(p->r->format, p->image, &info, e);

	*child = info.parent_path;
	if (!rc && *child && !p->j->allow_parent)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the image is a child of %.512s, without which it can't be told what it "
			"holds: --allow-parent permits files in the image's folder, "
			"--allow-parent=DIR those in DIR",
			info.parent_path);
	else if (!rc && info.references.count > *child)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the image refers to another file, %.512s, which is not written anew",
			info.references.item[*child]);
	if (!rc && info.snapshots)
		rc = error_set(e, ERR_UNSUPPORTED,
			"the image has %u internal snapshots, which would be lost", info.snapshots);
	image_info_free(&info);
	return rc;
}

/* Opens the image, and its parent when it has one. */
static int image_take(struct repair *p, struct error *e)
{
	const struct format *f = p->r->format;
	const struct check_job *j = p->j;
	struct chain chain = { 0 };
	struct open_options o = { .allow_dir = j->allow_parent, .chain = &chain };
	bool child = false;
	int rc;

	if (!f->spec_of || !f->create)
		return error_set(e, ERR_UNSUPPORTED, "hvimg writes no %s of this kind", f->name);
	rc = image_open_with(j->image, f->name, &o, &p->image, NULL, e);
	if (!rc)
		rc = refer_check(p, &child, e);
	/* Before anything is taken for the parent: whether it is. */
	if (!rc && child)
		rc = content_probe(p->image, e);
	if (!rc && child)
		rc = parent_open_again(&chain, j->allow_parent, j->repair, f, &p->parent, e);
	chain_free(&chain);
	return rc;
}

static int writer_make(
	const struct repair *p, struct strings *options, struct writer **out, struct error *e)
{
	struct image_spec spec = { .options = options, .parent = parent_spec_of(&p->parent) };
	int rc = p->r->format->spec_of(p->image, options, &spec, e);

	return rc ? rc : p->r->format->create(&spec, p->file, out, e);
}

static int copy_write(struct repair *p, struct error *e)
{
	struct convert_options engine = p->j->engine;
	struct convert_result result = { 0 };
	struct strings options = { 0 };
	struct writer *writer = NULL;
	int rc = writer_make(p, &options, &writer, e);

	engine.parent = p->parent.spec.disk;
	/* What create does not take was never the user's choice. */
	if (rc == -ERR_USAGE)
		rc = error_become(e, ERR_UNSUPPORTED);
	if (!rc) {
		rc = convert(p->image, writer, p->file, &engine, &result, e);
		writer->ops->close(writer);
	}
	strings_free(&options);
	p->r->file_size = result.file_size;
	return rc;
}

/* Nobody should have to check the copy to know that it is good. */
static int copy_check(const struct format *f, const char *path, struct error *e)
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
	return rc;
}

/* The copy has no name yet from which the way to its parent would lead. */
static int copy_open(const struct repair *p, const char *path, struct disk **out, struct error *e)
{
	struct open_options o = { .parent = p->parent.spec.path };

	if (p->parent.spec.disk)
		o.allow_dir = buffer_text(&p->parent.allow_dir);
	return image_open_with(path, p->r->format->name, &o, out, NULL, e);
}

static int copy_compare(const struct repair *p, struct disk *copy, struct error *e)
{
	const struct convert_options engine = { .threads = p->j->engine.threads };
	uint64_t at = UINT64_MAX;
	int rc = compare(p->image, copy, true, &engine, &at, e);

	if (!rc && at != UINT64_MAX)
		rc = error_set(e, ERR_CORRUPT, "the copy differs at %" PRIu64, at);
	return rc;
}

/* Blocks of another size are not what the guest sees, but what costs room and time. */
static int blocks_tell(const struct repair *p, struct disk *copy, struct error *e)
{
	struct image_info was = { 0 }, is = { 0 };
	int rc = image_describe(p->r->format, p->image, &was, e);

	if (!rc)
		rc = image_describe(p->r->format, copy, &is, e);
	if (!rc && was.block_size != is.block_size)
		rc = check_find(&p->r->check, &other_blocks, CHECK_NOWHERE, e,
			"the copy has blocks of %" PRIu64 " bytes, the image of %" PRIu64
			", which hvimg does not write",
			is.block_size, was.block_size);
	image_info_free(&was);
	image_info_free(&is);
	return rc;
}

static int copy_verify(const struct repair *p, struct error *e)
{
	struct buffer path = { 0 };
	struct disk *copy = NULL;
	int rc = output_reopen_path(p->file, p->r->file_size, &path, e);

	if (!rc)
		rc = copy_check(p->r->format, buffer_text(&path), e);
	if (!rc)
		rc = copy_open(p, buffer_text(&path), &copy, e);
	if (!rc)
		rc = copy_compare(p, copy, e);
	if (!rc)
		rc = blocks_tell(p, copy, e);
	disk_close(copy);
	buffer_free(&path);
	return rc;
}

/* Writes the copy but does not commit it.  -ERR_NOTREADY: the image doesn't allow it, and why. */
static int copy_make(struct repair *p, struct error *e)
{
	int rc;

	if (p->r->check.lost)
		return error_set(e, ERR_NOTREADY,
			"%" PRIu64 " of the errors leave it open what the image holds",
			p->r->check.lost);
	rc = image_take(p, e);
	if (!rc)
		rc = copy_write(p, e);
	if (error_tells_of_image(rc))
		rc = error_become(e, ERR_NOTREADY);
	return rc ? rc : copy_verify(p, e);
}

static int copy_commit(const struct repair *p, struct disk *watch, struct error *e)
{
	int rc = host_file_unchanged(watch, e);

	if (!rc)
		rc = parent_unchanged(&p->parent, e);
	return rc ? rc : output_commit(p->file, p->r->file_size, e);
}

int image_repair(
	const struct check_job *j, struct disk *watch, struct check_outcome *r, struct error *e)
{
	struct repair p = { .j = j, .r = r };
	struct error why = { 0 };
	int rc = same_file_check(j, watch, e);

	if (rc)
		return rc;
	rc = output_open(j->repair, &j->output, &p.file, e);
	if (rc)
		return error_prefix(e, "%s", j->repair);
	/* Behind the end of the copy a device would keep what it had, which is no part of it. */
	rc = output_is_fresh(p.file)
		? copy_make(&p, &why)
		: error_set(&why, ERR_USAGE, "the copy has to be a file, not a device");
	if (!rc)
		rc = copy_commit(&p, watch, &why);
	output_close(p.file);
	disk_close(p.image);
	parent_close(&p.parent);
	r->repaired = !rc;
	if (!rc)
		return 0;
	if (rc == -ERR_NOTREADY)
		return check_find(&r->check, &impossible, CHECK_NOWHERE, e,
			"no copy is written: %s", why.text);
	return error_set(e, (enum error_code) - rc, "%s", why.text);
}
