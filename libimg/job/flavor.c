/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The size of disk that a flavor of OpenStack on Hyper-V has room for. */
#include "cloud/properties.h"
#include "disk/empty.h"
#include "disk/image.h"
#include "job/pieces.h"

/* What os-win will read in the headers does not depend on the size of the disk. */
enum { SAMPLE_SIZE = 64 << 20 };

static int sample_write(const struct convert_job *j, struct disk *empty, struct output *file,
	uint64_t *size, struct error *e)
{
	const struct convert_options engine = { .threads = 1 };
	struct convert_result result = { 0 };
	struct writer *writer;
	int rc = writer_open(j, empty, NULL, file, &writer, e);

	if (rc)
		return rc;
	rc = convert(empty, writer, file, &engine, &result, e);
	writer->ops->close(writer);
	*size = result.file_size;
	return rc;
}

static int sample_measure(const struct convert_job *j, struct output *file, uint64_t size,
	uint64_t *out, struct error *e)
{
	struct image_facts facts = { .format = j->format };
	struct image_info info = { 0 };
	struct buffer path = { 0 };
	struct disk *image = NULL;
	int rc = output_reopen_path(file, size, &path, e);

	if (!rc)
		rc = image_open(buffer_text(&path), j->format->name, &image, NULL, e);
	if (!rc)
		rc = j->format->info(image, &info, e);
	if (!rc) {
		facts.subformat = info.subformat;
		facts.block_size = info.block_size;
		facts.log_size = info.log_size;
		facts.logical_sector = image->logical_sector;
		*out = flavor_disk_size(&facts, j->fit_flavor);
		if (!*out)
			rc = error_set(e, ERR_REFUSED,
				"a flavor of %llu GiB has no room for a disk",
				(unsigned long long)j->fit_flavor);
	}
	image_info_free(&info);
	disk_close(image);
	buffer_free(&path);
	return rc;
}

int flavor_size(
	const struct convert_job *j, const struct disk *source, uint64_t *out, struct error *e)
{
	struct output *file = NULL;
	struct disk *empty = NULL;
	uint64_t size = 0;
	int rc = output_scratch_open(j->tmpdir, &file, e);

	if (!rc)
		rc = empty_disk_open(SAMPLE_SIZE, &empty, e);
	if (!rc) {
		empty->logical_sector = source->logical_sector;
		rc = sample_write(j, empty, file, &size, e);
	}
	if (!rc)
		rc = sample_measure(j, file, size, out, e);
	disk_close(empty);
	output_close(file);
	return rc;
}
