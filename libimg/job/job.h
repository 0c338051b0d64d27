/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_JOB_H
#define LIBIMG_JOB_JOB_H

#include <jansson.h>

#include "base/journal.h"
#include "base/size.h"
#include "cloud/pack.h"
#include "disk/check.h"
#include "disk/convert.h"
#include "disk/format.h"
#include "disk/hash.h"
#include "disk/stream.h"
#include "guest/guest.h"
#include "job/free_space.h"

/* Whole pieces of work, as the commands name them. */

/* Whether source and destination may share extents. */
enum reflink { REFLINK_AUTO, REFLINK_ALWAYS, REFLINK_NEVER };

/* What a child is made over. */
struct parent_choice {
	const char *path; /* NULL: nothing, the image stands alone */
	const char *format; /* NULL: the content decides */
};

struct convert_job {
	const char *source; /* "-": raw, from standard input */
	const char *destination;
	const char *source_format; /* NULL: the content decides */
	const char *allow_parent; /* as open_options.allow_dir of image_open_with */
	const char *snapshot; /* of the source; NULL: its active disk */
	struct parent_choice parent; /* only what differs from it is written */
	const struct format *format; /* of the destination */
	struct strings options; /* -o, "key=value" */
	bool compress; /* only for a format that compresses */
	struct output_options output;
	struct convert_options engine;
	/* Algorithms of the digests wanted, of the finished file and of the guest's content. */
	struct strings hash, guest_hash;
	struct size_change size; /* of the guest's disk; bytes 0: the source's */
	/* Instead of `size`: a flavor in GiB, whose largest disk the size shall be; 0: not. */
	uint64_t fit_flavor;
	struct drop_choice drop; /* what to leave out */
	uint64_t size_unit; /* the size is rounded up to a multiple of it; 0: not */
	struct guid identifier; /* set when has_identifier; only for a format that has one */
	bool has_identifier;
	enum reflink reflink;
	bool no_scan; /* take the source's allocation as it is; no digests, nothing compressed */
	bool no_holes; /* every byte of the destination gets storage */
	const char *tmpdir;
	/* Read the output back and compare it with the source before it gets its name. */
	bool verify;
};

struct convert_outcome {
	struct convert_result convert;
	struct hash_values hash, guest_hash;
	uint64_t virtual_size; /* of the guest's disk, as written */
	struct dropped dropped; /* with `drop`; free it with dropped_free */
};

int job_convert(const struct convert_job *j, struct convert_outcome *result, struct error *e);
/* As job_convert, sent in order instead of written to j->destination; `verify` and `output` have no
 * meaning. */
int job_stream(const struct convert_job *j, const char *tmpdir, const struct stream_sink *sink,
	struct convert_outcome *result, struct error *e);

struct measure_result {
	uint64_t file_size; /* of what job_convert would write */
	uint64_t fully_allocated; /* the same if all of the disk held data; UINT64_MAX: too much */
	uint64_t virtual_size;
};

/* Reads all of the source and writes nothing; the destination's name stands in errors only. */
int job_measure(const struct convert_job *j, struct measure_result *result, struct error *e);

struct create_job {
	const char *destination;
	const struct format *format;
	uint64_t size; /* of the guest's disk; 0: the parent's */
	struct parent_choice parent;
	struct strings options; /* -o, "key=value" */
	struct guid identifier;
	struct output_options output;
};

struct create_result {
	uint64_t size; /* of the guest's disk */
	uint64_t file_size;
};

/* An empty image, or a child that holds nothing of its own. */
int job_create(const struct create_job *j, struct create_result *result, struct error *e);

struct inject_job {
	struct convert_job convert;
	const struct target_list *targets; /* what to make it ready for */
	const struct target_list *known; /* all targets, for what inspect shows */
	struct strings drivers, seal; /* as in guest_changes */
	const struct guest_edits *edits; /* likewise */
	bool allow_unsigned; /* likewise */
	bool force_dirty; /* as in guest_options */
	const struct windows_wishes *windows; /* as in guest_changes */
	const char *tmpdir;
	bool grow; /* the last partition and its file system take what is free behind them */
	bool dry_run; /* edits are made in the overlay, nothing is written */
	const char *manifest; /* path, NULL: DESTINATION.edits.json */
};

struct inject_result {
	struct convert_outcome convert;
	struct journal journal;
	struct report notes; /* as in guest_changes */
	uint64_t scratch; /* bytes that the overlay held */
};

/* The manifest is put in place just before the destination. */
int job_inject(const struct inject_job *j, struct inject_result *result, struct error *e);
void inject_result_free(struct inject_result *r);

enum package_kind { PACKAGE_FOLDER, PACKAGE_TAR, PACKAGE_OVA };

struct package_job {
	const char *source, *destination; /* destination: nothing is there yet */
	const char *source_format;
	struct guest_image
		*guest; /* that is in the source, opened already; NULL: it is looked for */
	enum package_kind kind;
	enum pack_kind pack; /* of a tar */
	uint64_t time; /* of an archive's files, seconds since 1970 */
	/* Described is the best of each family, and each target that was named, for which the guest
	 * must be ready; NULL: one of `known` that fits the container, or none. */
	const struct target_list *targets;
	const struct target_list *known;
	struct strings properties; /* --property, "key=value" */
	const char *name; /* image name; NULL: from the source's file name */
	const char *script; /* host file that becomes upload.sh */
	const char *tmpdir;
	const char *sign_key; /* path of the key to sign the image with; NULL: not signed */
	const char *certificate; /* then the UUID of its certificate in the cloud's key manager */
	struct output_options output; /* no_sync only */
	struct convert_options engine; /* progress and threads only */
};

/* One image.json. */
struct package_image {
	char *file; /* "image.json", with several targets "image-TARGET.json" */
	const struct target *target; /* described: of the job's lists; NULL: none */
	json_t *body;
};

struct package_result {
	struct package_image *image;
	size_t image_count;
	uint64_t file_size; /* of the image */
	struct report findings; /* what may surprise whoever uploads it */
};

/*
 * Image, image.json, upload.sh, SHA512SUMS, SHA256SUMS, MD5SUMS in a new folder or archive, which
 * appears whole or not at all. ERR_NOTREADY when the guest is ready for none of a family of
 * `targets`, or not for one that was named.  Free the result after a failure, too.
 *
 * An OVA holds the disk as a stream-optimised VMDK and the descriptor of a machine with it; it has
 * no targets, and of the properties min_ram only.
 */
int job_package(const struct package_job *j, struct package_result *result, struct error *e);
/* What image.json would hold; nothing is written. */
int job_describe(const struct package_job *j, struct package_result *result, struct error *e);
void package_result_free(struct package_result *r);

struct check_job {
	const char *image;
	const struct format *format; /* NULL: the content decides */
	const char *allow_parent; /* as open_options.allow_dir of image_open_with */
	bool cross; /* read all content too, VHD and VHDX also by libvhdi, and compare */
	const char *repair; /* where a repaired copy goes; NULL: none is wanted */
	struct output_options output; /* of the copy */
	struct convert_options engine; /* threads and progress */
};

struct check_outcome {
	const struct format *format;
	struct check check; /* of the image, as it is */
	bool repaired; /* the copy is there; it was checked, and holds what the image does */
	uint64_t file_size; /* of the copy */
};

/*
 * Looks at every structure of the image, which may be too broken to be opened.  An error is what
 * keeps that from being done; what is wrong with the image, and why it can't be repaired, is a
 * finding.  Free the outcome after a failure, too.
 */
int job_check(const struct check_job *j, struct check_outcome *r, struct error *e);
void check_outcome_free(struct check_outcome *r);

#endif
