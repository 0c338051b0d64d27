/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_RECIPE_H
#define LIBIMG_JOB_RECIPE_H

#include "base/size.h"
#include "base/strings.h"
#include "guest/guest_edit.h"

/* A golden image, described in one XML file (recipes/recipe.rng): where it comes from, what is
 * changed in it, what is made of it. */

struct recipe_parameter {
	char *name;
	char *value; /* --set, else the default; NULL: required and not given */
	char *help; /* or NULL */
	bool secret; /* never shown, nor written to a plan or manifest */
};

enum recipe_source_kind {
	SOURCE_IMAGE, /* a disk image, of the host or by http(s) */
	SOURCE_TAR, /* the root file system of a Linux guest as a tar, made into a disk */
	SOURCE_PACKAGES, /* the same, installed by mmdebstrap */
};

struct recipe_source {
	enum recipe_source_kind kind;
	char *location; /* path, absolute or beside the recipe, or URL */
	char *format; /* NULL: the content decides */
	char *allow_parent; /* as of convert; NULL: no */
	char *digest_name, *digest; /* "sha256" or "sha512", lower case hex; NULL: not pinned */
	/* of SOURCE_TAR and SOURCE_PACKAGES */
	uint64_t disk_size; /* bytes */
	char *suite, *mirror; /* of SOURCE_PACKAGES */
	struct strings packages;
};

struct recipe_property {
	char *name, *value;
};

struct recipe_output {
	unsigned line; /* of the recipe, for messages */
	char *file; /* its name in the bundle */
	char *format; /* "vhdx" */
	char *profile; /* of convert, or NULL */
	struct strings options; /* -o */
	bool compress;
	struct strings targets; /* that it is for: those whose properties it gets */
	struct recipe_property *property;
	size_t property_count;
};

struct recipe_upload {
	char *cloud; /* of clouds.yaml; NULL: by environment */
	char *method; /* "put" or "import" */
	char *visibility; /* or NULL */
	bool rotate; /* takes the place of older ones of its name */
	unsigned keep_versions;
};

struct recipe {
	char *path; /* of the file */
	char *name, *title;
	char *tested; /* "boot" or "plan": how it was tried */
	struct recipe_parameter *parameter;
	size_t parameter_count;
	struct recipe_source source;
	struct size_change size; /* of the disk; bytes 0: as it is */
	bool grow; /* the last partition and its ext4 file system grow with the disk */
	struct guest_edits edits;
	struct strings drivers, seal; /* as of inject */
	bool allow_unsigned; /* likewise */
	struct windows_wishes windows; /* its texts are the recipe's */
	bool has_windows;
	struct strings targets;
	struct recipe_output *output;
	size_t output_count;
	char *bundle; /* "dir" "tar" "ova" */
	unsigned bundle_line; /* 0: it is not said */
	char *bundle_compress; /* "none" "gzip" "zstd" */
	char *image_name; /* in Glance */
	struct recipe_property *property; /* of every output */
	size_t property_count;
	struct recipe_upload *upload; /* NULL: none */
	struct strings files; /* the recipe's own and those it includes */
};

/*
 * Reads a recipe: a path, or the name of one in `recipes`.  It is checked against the schema before
 * anything of it is used; errors name file, line and the rule in words.  `set` are "NAME=VALUE":
 * ERR_USAGE for one that the recipe has not, or that is missing.  Paths in it are made absolute.
 */
int recipe_load(const char *recipes, const char *name, const struct strings *set,
	struct recipe *out, struct error *e);
void recipe_free(struct recipe *r);
/* Whether the value of a secret parameter is in the text; and an error's text taken away where one
 * is, or may be, in it.  Returns -e->code. */
bool recipe_has_secret(const struct recipe *r, const char *text);
int recipe_error_hide(const struct recipe *r, struct error *e);

/* Names, titles and `tested` of the shipped ones, sorted by name. */
struct recipe_summary {
	char *name, *title, *tested;
};
int recipes_list(const char *recipes, struct recipe_summary **out, size_t *count, struct error *e);
void recipes_list_free(struct recipe_summary *l, size_t count);

#endif
