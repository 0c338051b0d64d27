/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_PARENT_NAMES_H
#define FORMATS_PARENT_NAMES_H

#include "disk/chain.h"

/*
 * The names by which a VHD or a VHDX knows its parent, the best first.  Files get moved, so those
 * that come later count when there is no file by an earlier one.  All zero: none.
 */

enum { PARENT_NAMES_MAX = 16 };

struct parent_names {
	struct parent_name {
		char *path;
		bool windows; /* backslashes separate folders */
	} name[PARENT_NAMES_MAX];
	size_t count;
};

/* Takes over `path`; an empty one, one that is there already and one too many are dropped. */
void parent_names_add(struct parent_names *n, char *path, bool windows);
/* NULL: there is none. */
const char *parent_names_first(const struct parent_names *n);
/* As chain_open; when no name leads to a file, what is said is about the first one. */
int parent_names_open(const struct parent_names *n, const char *format,
	const struct open_options *o, struct chain_file *out, struct error *e);
/* Why a child may not be read without its parent; ERR_REFUSED. */
int parent_names_refuse(const struct parent_names *n, struct error *e);
/* Sets parent_path and adds to references. */
int parent_names_describe(const struct parent_names *n, struct image_info *out, struct error *e);
void parent_names_free(struct parent_names *n);

#endif
