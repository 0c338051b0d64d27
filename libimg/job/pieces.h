/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_PIECES_H
#define LIBIMG_JOB_PIECES_H

#include "job/job.h"

/* What jobs that read an image and write another have in common. */

/* A source image, and a second handle on its file that notices when somebody writes to it
 * meanwhile. */
struct source {
	struct disk *disk; /* what is converted: the image, or a view of it */
	struct disk *image;
	struct disk *watch;
	struct disk *resized, *edited; /* with another size */
	struct disk *masked; /* without free space */
};

int source_open(struct source *s, const struct convert_job *j, struct error *e);
/* Once `disk`, the source's or an overlay over it, has been edited: makes it what is converted,
 * with or without its free space, as the job says. */
int source_finish(struct source *s, const struct convert_job *j, struct disk *disk,
	struct convert_outcome *result, struct error *e);
void source_close(struct source *s);

/* The size for job.fit_flavor. */
int flavor_size(
	const struct convert_job *j, const struct disk *source, uint64_t *out, struct error *e);

int destination_open(const struct convert_job *j, struct output **out, struct error *e);
/* The writer of what the job makes of `disk`. */
int writer_open(const struct convert_job *j, const struct disk *disk, struct output *file,
	struct writer **out, struct error *e);
/* Everything but the commit: the container is finished in an output without a name. */
int container_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	struct output *file, struct convert_outcome *result, struct error *e);
/* Reads the finished container back, VHD and VHDX by libvhdi too; ERR_CORRUPT when it does not hold
 * what `disk` does. */
int container_verify(const struct convert_job *j, struct disk *disk, struct output *file,
	uint64_t size, struct error *e);
int destination_commit(
	const struct convert_job *j, struct output *file, uint64_t size, struct error *e);

#endif
