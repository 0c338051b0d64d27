/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/empty.h"
#include "job/job.h"

/* Leaves the sector size to the format and its options: no source has one to keep. */
static int container_make(const struct create_job *j, struct disk *disk, struct output *file,
	uint64_t *file_size, struct error *e)
{
	const struct image_spec spec = {
		.size = j->size,
		.options = &j->options,
		.identifier = j->identifier,
		.has_identifier = true,
	};
	const struct convert_options engine = { .threads = 1 };
	struct convert_result result = { 0 };
	struct writer *writer;
	int rc;

	if (!j->format->create)
		return error_set(e, ERR_UNSUPPORTED, "%s is read, not written", j->format->name);
	rc = j->format->create(&spec, file, &writer, e);
	if (rc)
		return rc;
	rc = convert(disk, writer, file, &engine, &result, e);
	writer->ops->close(writer);
	*file_size = result.file_size;
	return rc ? rc : output_commit(file, result.file_size, e);
}

int job_create(const struct create_job *j, uint64_t *file_size, struct error *e)
{
	struct output *file = NULL;
	struct disk *disk = NULL;
	int rc = output_open(j->destination, &j->output, &file, e);

	if (!rc)
		rc = empty_disk_open(j->size, &disk, e);
	if (!rc)
		rc = container_make(j, disk, file, file_size, e);
	disk_close(disk);
	output_close(file);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}
