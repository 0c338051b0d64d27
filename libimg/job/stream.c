/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/host_file.h"
#include "job/pieces.h"

static int source_send(const struct convert_job *j, const struct source *source,
	const struct parent *parent, const char *tmpdir, const struct stream_sink *sink,
	struct convert_outcome *result, struct error *e)
{
	const struct image_spec spec = {
		.size = source->disk->size,
		.logical_sector = source->disk->logical_sector,
		.options = &j->options,
		.compress = j->compress,
		.identifier = j->identifier,
		.has_identifier = j->has_identifier,
		.parent = parent_spec_of(parent),
	};
	struct convert_options engine = j->engine;
	int rc;

	engine.parent = parent->spec.disk;
	rc = stream(source->disk, j->format, &spec, tmpdir, sink, &engine, &j->hash,
		&result->convert, &result->hash, e);
	if (!rc && j->guest_hash.count)
		rc = disk_hash(source->disk, &j->guest_hash, &j->engine, &result->guest_hash, e);
	if (!rc)
		rc = host_file_unchanged(source->watch, e);
	return rc ? error_prefix(e, "%s", j->source) : parent_unchanged(parent, e);
}

int job_stream(const struct convert_job *j, const char *tmpdir, const struct stream_sink *sink,
	struct convert_outcome *result, struct error *e)
{
	struct parent parent = { 0 };
	struct source source;
	int rc = source_open(&source, j, e);

	if (!rc)
		rc = source_finish(&source, j, source.disk, result, e);
	if (!rc)
		rc = parent_open(
			&j->parent, j->allow_parent, j->destination, j->format, &parent, e);
	if (!rc)
		rc = parent_check_readable(&parent, e);
	if (!rc)
		rc = source_send(j, &source, &parent, tmpdir, sink, result, e);
	parent_close(&parent);
	source_close(&source);
	return rc;
}
