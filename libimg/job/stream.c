/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/host_file.h"
#include "job/pieces.h"

int job_stream(const struct convert_job *j, const char *tmpdir, const struct stream_sink *sink,
	struct convert_outcome *result, struct error *e)
{
	struct image_spec spec = { .options = &j->options, .compress = j->compress };
	struct source source;
	int rc = source_open(&source, j, e);

	if (!rc)
		rc = source_finish(&source, j, source.disk, result, e);
	if (!rc) {
		spec.size = source.disk->size;
		spec.logical_sector = source.disk->logical_sector;
		rc = stream(source.disk, j->format, &spec, tmpdir, sink, &j->engine, &j->hash,
			&result->convert, &result->hash, e);
		if (!rc && j->guest_hash.count)
			rc = disk_hash(
				source.disk, &j->guest_hash, &j->engine, &result->guest_hash, e);
		if (!rc)
			rc = host_file_unchanged(source.watch, e);
		if (rc)
			rc = error_prefix(e, "%s", j->source);
	}
	source_close(&source);
	return rc;
}
