/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a recipe's image comes from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/http_url.h"
#include "disk/hash.h"
#include "job/build_private.h"

static int digest_read(const struct building *b, struct disk *file, const char *name,
	struct hash_values *out, struct error *e)
{
	struct strings algorithm = { 0 };
	int rc = strings_add(&algorithm, name, e);

	if (!rc)
		rc = disk_hash(file, &algorithm, &b->job->engine, out, e);
	strings_free(&algorithm);
	return rc;
}

static void phase_tell(const struct build_job *j, const char *name)
{
	if (j->phase)
		j->phase(j->told_arg, name);
}

int build_source_check(struct building *b, struct disk *file, struct error *e)
{
	const struct recipe_source *s = &b->job->recipe->source;
	struct hash_values value;
	int rc;

	if ((s->location && http_url_is(s->location)) || (!s->digest && (b->job->plan || !file)))
		return 0;
	phase_tell(b->job, "source");
	rc = digest_read(b, file, s->digest ? s->digest_name : "sha256", &value, e);
	phase_tell(b->job, "build");
	if (!rc && !s->digest)
		memcpy(b->source_sha256, value.hex[0], sizeof(b->source_sha256));
	else if (!rc && strcmp(value.hex[0], s->digest) != 0)
		rc = error_set(e, ERR_REFUSED, "its %s is %s, the recipe says %s", s->digest_name,
			value.hex[0], s->digest);
	return rc ? error_prefix(e, "%s", s->location ? s->location : b->reading.source) : 0;
}

/* Whether by fetch_file or by fetch_cached. */
static int fetch_with(struct building *b,
	int (*fetch)(const struct fetch_job *, struct fetched *, struct error *), struct error *e)
{
	const struct build_job *j = b->job;
	const struct recipe_source *s = &j->recipe->source;
	struct fetch_job job = { .url = s->location,
		.digest_name = s->digest_name,
		.digest = s->digest,
		.cacert = j->cacert,
		.no_sync = j->output.no_sync,
		.engine = &j->engine,
		.say = j->say,
		.say_arg = j->told_arg };
	struct buffer folder = { 0 };
	int rc = j->cache ? buffer_format(&folder, e, "%s/downloads", j->cache) : 0;

	phase_tell(j, "download");
	job.cache = j->cache ? buffer_text(&folder) : NULL;
	if (!rc)
		rc = fetch(&job, &b->fetched, e);
	if (!rc)
		phase_tell(j, "build");
	buffer_free(&folder);
	return rc;
}

/* Somebody who can be in the way may have put another file there. */
static int unpinned_note(struct building *b, struct error *e)
{
	struct buffer text = { 0 };
	struct finding f = { .code = (char[]){ "source-not-pinned" },
		.severity = SEVERITY_WARNING };
	int rc = buffer_format(&text, e,
		"the recipe does not say which digest the downloaded source has: sha256=\"%s\" is "
		"what was used",
		b->fetched.sha256);

	f.text = (char *)text.data;
	if (!rc)
		rc = report_add(&b->result->notes, &f, e);
	buffer_free(&text);
	return rc;
}

int build_source_path(struct building *b, const char **path, struct error *e)
{
	const struct recipe_source *s = &b->job->recipe->source;
	int rc = 0;

	*path = s->location;
	if (s->kind == SOURCE_PACKAGES) {
		rc = b->fetched.path.len ? 0 : build_packages_install(b, e);
		*path = buffer_text(&b->fetched.path);
		return rc;
	}
	if (!http_url_is(s->location))
		return 0;
	if (!b->fetched.path.len) {
		rc = fetch_with(b, fetch_file, e);
		if (!rc && !s->digest)
			rc = unpinned_note(b, e);
	}
	memcpy(b->source_sha256, b->fetched.sha256, sizeof(b->source_sha256));
	*path = buffer_text(&b->fetched.path);
	return rc;
}

int build_source_cached(struct building *b, bool *cached, struct error *e)
{
	int rc = fetch_with(b, fetch_cached, e);

	*cached = b->fetched.path.len != 0;
	return rc;
}

int build_source_open(struct building *b, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	const char *path;
	int rc = build_source_path(b, &path, e);

	if (rc)
		return rc;
	b->reading = (struct convert_job){ .source = path,
		.source_format = r->source.format,
		.allow_parent = r->source.allow_parent,
		.size = r->size,
		.tmpdir = b->job->tmpdir,
		.engine = b->job->engine };
	if (r->source.kind != SOURCE_IMAGE) {
		rc = build_root_open(b, e);
		fetched_unlock(&b->fetched);
		return rc;
	}
	rc = source_open(&b->source, &b->reading, e);
	fetched_unlock(&b->fetched);
	return rc ? rc : build_source_check(b, b->source.watch, e);
}

int build_location_shown(const char *location, char **out, struct error *e)
{
	struct buffer shown = { 0 };
	const char *slash;
	int rc;

	*out = NULL;
	if (!location)
		return 0;
	slash = strrchr(location, '/');
	if (http_url_is(location))
		rc = http_url_shown(location, &shown, e);
	else
		rc = buffer_string(&shown, slash && *location == '/' ? slash + 1 : location, e);
	if (rc)
		buffer_free(&shown);
	else
		*out = (char *)shown.data;
	return rc;
}
