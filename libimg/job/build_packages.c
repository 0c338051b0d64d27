/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that is installed first. */
#include "job/bootstrap.h"
#include "job/build_private.h"

int build_packages_install(struct building *b, struct error *e)
{
	const struct build_job *j = b->job;
	const struct recipe_source *s = &j->recipe->source;
	struct bootstrap_job job = { .suite = s->suite,
		.mirror = s->mirror,
		.packages = &s->packages,
		.tmpdir = j->tmpdir,
		.time = j->time,
		.refresh = j->refresh,
		.no_sync = j->output.no_sync,
		.engine = &j->engine,
		.say = j->say,
		.say_arg = j->told_arg };
	struct buffer folder = { 0 };
	int rc;

	if (!j->cache)
		return error_set(e, ERR_USAGE,
			"there is no folder for what is installed: neither HOME nor XDG_CACHE_HOME "
			"is set; give one by --cache");
	rc = buffer_format(&folder, e, "%s/roots", j->cache);
	job.cache = buffer_text(&folder);
	if (!rc && j->phase)
		j->phase(j->told_arg, "install");
	if (!rc)
		rc = bootstrap_run(&job, &b->fetched.path, e);
	if (!rc && j->phase)
		j->phase(j->told_arg, "build");
	buffer_free(&folder);
	return rc;
}
