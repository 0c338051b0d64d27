/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DRIVER_PRIVATE_H
#define LIBIMG_GUEST_DRIVER_PRIVATE_H

#include "guest/driver_folder.h"
#include "guest/driver_medium.h"
#include "guest/driver_package.h"

/* What the parts of reading driver packages share. */

enum {
	INFS_MAX = 4096, /* INF files of all paths */
	INF_BYTES_MAX = 64 << 20, /* of all INF files of a path */
	DRIVER_FILE_MAX = 64 << 20,
	DRIVER_FILES_MAX = 512 << 20, /* bytes of all that is kept */
};

static const uint64_t driver_inf_work_max = UINT64_C(256) << 20;

/* An INF that fits, until the choice. */
struct driver_candidate {
	struct driver_package package;
	size_t path; /* its number among those given */
	char *place; /* of the INF, as its walk shows it */
	size_t folder; /* how much of that is its folder, with the last "/" */
	struct driver_folder windows; /* that the folder is for */
	bool dropped;
};

/* A file of a path that is another name of one in the same archive. */
struct driver_alias {
	char *place, *target; /* lower case */
};

struct driver_aliases {
	struct driver_alias *alias; /* sorted by place once the path is walked */
	size_t count;
};

struct driver_load {
	const struct driver_wish *wish;
	const struct strings *paths;
	struct driver_candidate *candidate;
	size_t count;
	struct driver_aliases *aliases; /* one a path */
	size_t infs; /* INF files looked at */
	uint64_t work; /* that reading them took */
	uint64_t held; /* bytes kept */
	struct driver_packages *out;
};

/* driver_find.c: the INF files of a path that fit, and packages of Windows. */
int driver_find(struct driver_load *l, size_t path, struct error *e);
bool driver_is_inf(const char *path);

/* driver_alias.c */
char *driver_lower(const char *text);
int driver_alias_note(struct driver_aliases *all, const struct medium_file *f, struct error *e);
void driver_aliases_sort(struct driver_aliases *all);
/* The name that stands for the file at that place (lower case): for all its names the same one. */
const char *driver_alias_target(const struct driver_aliases *all, const char *place);
void driver_aliases_free(struct driver_aliases *all);

/* driver_choice.c: marks as dropped what gives way to another. */
int driver_choose(struct driver_load *l, struct error *e);

/* driver_collect.c: reads what the INF files that are left name. */
int driver_collect(struct driver_load *l, size_t path, struct error *e);
/* ERR_NOTREADY with what is copied and not there. */
int driver_complete(const struct driver_package *p, struct error *e);
/* NULL: it has none.  `path` in any case. */
const struct driver_file *driver_file_find(const struct driver_package *p, const char *path);

/* driver_check.c: processor and signatures. */
int driver_check(struct driver_package *p, const struct driver_wish *wish, struct error *e);

/* driver_servicing.c: takes it when it is for the platform; *why, which the caller frees, says why
 * it was not. */
int driver_servicing_add(struct driver_load *l, const char *origin, struct medium_file *f,
	char **why, struct error *e);

void driver_package_free(struct driver_package *p);

#endif
