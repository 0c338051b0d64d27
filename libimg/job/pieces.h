/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_PIECES_H
#define LIBIMG_JOB_PIECES_H

#include "base/buffer.h"
#include "disk/chain.h"
#include "disk/spool.h"
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
	struct spool *spool; /* of a pipe */
};

int source_open(struct source *s, const struct convert_job *j, struct error *e);
/* The same of a disk that is open already, and stays the caller's; nothing of it is watched. */
int source_view(struct source *s, struct disk *disk, const struct convert_job *j, struct error *e);
/* Once `disk`, the source's or an overlay over it, has been edited: makes it what is converted,
 * with or without its free space, as the job says. */
int source_finish(struct source *s, const struct convert_job *j, struct disk *disk,
	struct convert_outcome *result, struct error *e);
void source_close(struct source *s);

/* The size for job.fit_flavor. */
int flavor_size(
	const struct convert_job *j, const struct disk *source, uint64_t *out, struct error *e);

/* What a child is made over, opened; all zero: nothing. */
struct parent {
	struct parent_spec spec; /* points into what follows */
	struct buffer path, relative;
	struct buffer allow_dir; /* folder whose files the parent may refer to */
	struct chain chain; /* the parent, then its own parents */
	struct disk *watch; /* a second handle, as in struct source */
};

/*
 * Opens what `c` names, all zero when it names nothing; the parent's own references only as
 * `allow_dir` says (open_options).  ERR_USAGE when `child` has no parents, or when `destination`
 * ("-": a pipe) is the parent or one of its parents.
 */
int parent_open(const struct parent_choice *c, const char *allow_dir, const char *destination,
	const struct format *child, struct parent *out, struct error *e);
/* As parent_open, for the parent of the image whose files are in `chain`, opened with `allow_dir`;
 * ERR_NOTFOUND when it was not opened there, ERR_CORRUPT when another file is there by now. */
int parent_open_again(const struct chain *chain, const char *allow_dir, const char *destination,
	const struct format *child, struct parent *out, struct error *e);
void parent_close(struct parent *p);
/* NULL when there is none. */
const struct parent_spec *parent_spec_of(const struct parent *p);
/* Fails when content of the parent cannot be read, as when its own parent is missing. */
int parent_check_readable(const struct parent *p, struct error *e);
/* ERR_CORRUPT when somebody wrote to the parent's file since it was opened. */
int parent_unchanged(const struct parent *p, struct error *e);

/* ERR_USAGE when it is the source's file, by whatever name. */
int destination_open(const struct convert_job *j, const struct source *source, struct output **out,
	struct error *e);
/* The writer of what the job makes of `disk`, over `parent` unless that is NULL. */
int writer_open(const struct convert_job *j, const struct disk *disk,
	const struct parent_spec *parent, struct output *file, struct writer **out,
	struct error *e);
/* Everything but the commit: the container is finished in an output without a name. */
int container_write(const struct convert_job *j, struct disk *disk, struct disk *watch,
	struct output *file, struct convert_outcome *result, struct error *e);
/* Reads the finished container back, over its parent if it has one, VHD and VHDX by libvhdi too;
 * ERR_CORRUPT when it does not hold what `disk` does. */
int container_verify(const struct convert_job *j, struct disk *disk, const struct parent *parent,
	struct output *file, uint64_t size, struct error *e);
int destination_commit(
	const struct convert_job *j, struct output *file, uint64_t size, struct error *e);

#endif
