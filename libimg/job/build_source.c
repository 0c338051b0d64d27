/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a recipe's image comes from. */
#include <string.h>

#include "disk/hash.h"
#include "job/build_private.h"

bool build_is_url(const char *location)
{
	return !strncmp(location, "http://", 7) || !strncmp(location, "https://", 8);
}

static int digest_read(
	const struct building *b, const char *name, struct hash_values *out, struct error *e)
{
	struct strings algorithm = { 0 };
	int rc = strings_add(&algorithm, name, e);

	if (!rc)
		rc = disk_hash(b->source.watch, &algorithm, &b->job->engine, out, e);
	strings_free(&algorithm);
	return rc;
}

/* What the recipe pins is looked at before anything of it is used. */
static int digest_check(struct building *b, struct error *e)
{
	const struct recipe_source *s = &b->job->recipe->source;
	struct hash_values value;
	int rc;

	if (!s->digest && (b->job->plan || !b->source.watch))
		return 0;
	rc = digest_read(b, s->digest ? s->digest_name : "sha256", &value, e);
	if (!rc && !s->digest)
		memcpy(b->source_sha256, value.hex[0], sizeof(b->source_sha256));
	else if (!rc && strcmp(value.hex[0], s->digest) != 0)
		rc = error_set(e, ERR_REFUSED, "has another %s than the recipe says: %s",
			s->digest_name, value.hex[0]);
	return rc ? error_prefix(e, "%s", s->location) : 0;
}

int build_source_open(struct building *b, struct error *e)
{
	const struct recipe *r = b->job->recipe;
	int rc;

	b->reading = (struct convert_job){ .source = r->source.location,
		.source_format = r->source.format,
		.allow_parent = r->source.allow_parent,
		.size = r->size,
		.tmpdir = b->job->tmpdir,
		.engine = b->job->engine };
	rc = source_open(&b->source, &b->reading, e);
	return rc ? rc : digest_check(b, e);
}
