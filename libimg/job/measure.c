/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/measure.h"

#include "job/pieces.h"

/* Before the source is read: what makes a writer refuse it is known at once. */
static int full_size(
	const struct convert_job *j, const struct disk *disk, uint64_t *out, struct error *e)
{
	struct output *nowhere = NULL;
	struct parent parent;
	struct writer *writer;
	int rc = parent_open(&j->parent, j->allow_parent, j->destination, j->format, &parent, e);

	if (!rc)
		rc = output_discard_open(&nowhere, e);
	if (!rc)
		rc = writer_open(j, disk, parent_spec_of(&parent), nowhere, &writer, e);
	if (!rc) {
		rc = measure_full(writer, disk->size, &j->engine, out, e);
		writer->ops->close(writer);
		if (rc == -ERR_RANGE) {
			*out = UINT64_MAX;
			rc = 0;
		}
		if (rc)
			error_prefix(e, "%s to %s", j->source, j->destination);
	}
	output_close(nowhere);
	parent_close(&parent);
	return rc;
}

/* The bytes are discarded, the places are not: the writer itself knows how long its file gets. */
static int file_size(
	const struct convert_job *j, struct source *source, uint64_t *out, struct error *e)
{
	struct convert_outcome outcome = { 0 };
	struct output *nowhere;
	int rc = output_discard_open(&nowhere, e);

	if (rc)
		return rc;
	rc = source_finish(source, j, source->disk, &outcome, e);
	if (!rc)
		rc = container_write(j, source->disk, source->watch, nowhere, &outcome, e);
	dropped_free(&outcome.dropped);
	*out = outcome.convert.file_size;
	output_close(nowhere);
	return rc;
}

int job_measure(const struct convert_job *j, struct measure_result *result, struct error *e)
{
	struct source source;
	int rc = source_open(&source, j, e);

	if (!rc) {
		result->virtual_size = source.disk->size;
		rc = full_size(j, source.disk, &result->fully_allocated, e);
	}
	if (!rc)
		rc = file_size(j, &source, &result->file_size, e);
	source_close(&source);
	return rc;
}
