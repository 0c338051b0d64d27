/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/empty.h"
#include "job/pieces.h"

/* Leaves the sector size to the format, its options and the parent: no source has one to keep. */
static int container_make(const struct create_job *j, const struct parent *parent,
	struct disk *disk, struct output *file, struct create_result *result, struct error *e)
{
	const struct image_spec spec = {
		.size = disk->size,
		.options = &j->options,
		.identifier = j->identifier,
		.has_identifier = true,
		.parent = parent_spec_of(parent),
	};
	/* Without engine.parent nothing of the empty disk reaches the writer: all is the parent's.
	 */
	const struct convert_options engine = { .threads = 1 };
	struct convert_result made = { 0 };
	struct writer *writer;
	int rc;

	if (!j->format->create)
		return error_set(e, ERR_UNSUPPORTED, "%s is read, not written", j->format->name);
	rc = j->format->create(&spec, file, &writer, e);
	if (rc)
		return rc;
	rc = convert(disk, writer, file, &engine, &made, e);
	writer->ops->close(writer);
	*result = (struct create_result){ disk->size, made.file_size };
	return rc ? rc : output_commit(file, made.file_size, e);
}

int job_create(const struct create_job *j, struct create_result *result, struct error *e)
{
	struct parent parent = { 0 };
	struct output *file = NULL;
	struct disk *disk = NULL;
	uint64_t size = j->size;
	int rc = output_open(j->destination, &j->output, &file, e);

	/* Nothing of the parent is read, so what it refers to may be missing. */
	if (!rc)
		rc = parent_open(&j->parent, NULL, j->destination, j->format, &parent, e);
	if (!rc && !size && parent.spec.disk)
		size = parent.spec.disk->size;
	if (!rc)
		rc = empty_disk_open(size, &disk, e);
	if (!rc)
		rc = container_make(j, &parent, disk, file, result, e);
	disk_close(disk);
	parent_close(&parent);
	output_close(file);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}
