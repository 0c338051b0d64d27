/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that is no disk yet, but the root file system of one. */
#include "disk/host_file.h"
#include "job/build_private.h"

static int make(struct building *b, struct disk *tar, struct error *e)
{
	const struct root_disk_job j = { .tar = b->reading.source,
		.disk_size = b->job->recipe->source.disk_size,
		.time = build_time(b),
		.tmpdir = b->job->tmpdir,
		.engine = b->job->engine };
	int rc = build_source_check(b, tar, e);

	if (b->job->phase)
		b->job->phase(b->job->told_arg, "unpack");
	if (!rc)
		rc = root_disk_make(&j, &b->made, &b->result->notes, e);
	if (b->job->phase)
		b->job->phase(b->job->told_arg, "build");
	return rc ? rc : source_view(&b->source, b->made.disk, &b->reading, e);
}

int build_root_open(struct building *b, struct error *e)
{
	struct disk *tar = NULL;
	int rc = host_file_open(b->reading.source, &tar, e);

	if (rc)
		return error_prefix(e, "%s", b->reading.source);
	rc = make(b, tar, e);
	/* What is made of a tar that changes meanwhile is not what the recipe says. */
	b->source.watch = tar;
	return rc;
}
