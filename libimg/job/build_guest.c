/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe changes in the guest, in an overlay over its source. */
#include "disk/overlay.h"
#include "job/build_private.h"

enum {
	/* As for inject. */
	OVERLAY_MEMORY = 16 << 20,
	DOS_EPOCH = 315532800, /* 1980, which every file system can tell; seconds since 1970 */
};

int64_t build_time(const struct building *b)
{
	return b->job->time ? (int64_t)b->job->time : DOS_EPOCH;
}

static bool is_cancelled(void *arg)
{
	const struct convert_options *engine = arg;

	return engine->progress && engine->progress(engine->progress_arg, 0, 1);
}

/* Whether there is more to be done than the recipe's own edits. */
static bool changes_asked(const struct building *b)
{
	const struct recipe *r = b->job->recipe;

	return b->targets.count || r->drivers.count || r->seal.count ||
		windows_wishes_any(&r->windows);
}

/* The recipe's own edits come first, so that what makes the guest ready sees them. */
static int guest_change(struct building *b, struct guest_image *image, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	const struct guest_changes changes = { .targets = &b->targets,
		.drivers = &r->drivers,
		.allow_unsigned = r->allow_unsigned,
		.windows = windows_wishes_any(&r->windows) ? &r->windows : NULL,
		.seal = &r->seal,
		.notes = &b->result->notes };
	int rc = guest_edits_apply(image, &r->edits, build_time(b), e);

	if (rc)
		rc = error_prefix(e, "%s", r->path);
	else if (changes_asked(b))
		rc = guest_image_apply(image, &changes, e);
	return rc ? rc : guest_image_sync(image, e);
}

static int guest_edit(struct building *b, struct error *e)
{
	const bool change = changes_asked(b) || b->job->recipe->edits.count;
	const struct guest_options o = { .write = change,
		.force_dirty = b->job->force_dirty,
		.journal = &b->journal,
		.known = &b->known,
		.tmpdir = b->job->tmpdir,
		.cancelled = is_cancelled,
		.cancelled_arg = (void *)(uintptr_t)&b->job->engine };
	struct guest_image *image = NULL;
	int rc;

	if (!change && b->job->plan)
		return 0;
	rc = guest_image_open(b->overlay, &o, &image, e);
	if (!rc && !b->job->plan)
		rc = build_state_note(b, image, "before", e);
	if (!rc && change)
		rc = guest_change(b, image, e);
	if (!rc && !b->job->plan)
		rc = build_state_note(b, image, "after", e);
	guest_image_close(image);
	return rc ? error_prefix(e, "%s", b->reading.source) : 0;
}

/* Before the edits, which may need the room. */
static int guest_grow(struct building *b, struct error *e)
{
	int rc = b->job->recipe->grow ? disk_grow(b->overlay, &b->grown, &b->result->notes, e) : 0;

	return rc ? error_prefix(e, "%s", b->reading.source) : 0;
}

int build_guest(struct building *b, struct error *e)
{
	int rc = overlay_open(b->source.disk, b->job->tmpdir, OVERLAY_MEMORY, &b->overlay, e);

	if (!rc)
		rc = guest_grow(b, e);
	if (!rc)
		rc = guest_edit(b, e);
	if (!rc)
		rc = overlay_freeze(b->overlay, e);
	if (!rc)
		b->result->scratch = overlay_used(b->overlay);
	return rc;
}
