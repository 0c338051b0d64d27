/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DRIVER_FOLDER_H
#define LIBIMG_GUEST_DRIVER_FOLDER_H

#include "guest/inf.h"

/* Which Windows the folders of a virtio-win medium are for, <driver>/<windows>/<architecture> or
 * by-os/<architecture>/<windows>, as their names say. */
struct driver_folder {
	enum {
		FOLDER_OTHER, /* for another one than the platform, or a newer one */
		FOLDER_ANY, /* its name says nothing */
		FOLDER_OLDER, /* for one before the platform, of its family */
		FOLDER_SAME,
	} fit;
	uint32_t build; /* the first that it is for, 0 with FOLDER_ANY */
	const char *name; /* static: "w10", NULL: its name says nothing */
};

/* `path`: of a folder, "/" between names. */
struct driver_folder driver_folder_read(const char *path, const struct inf_platform *p);
/* Whether an INF at that path is left where it is: the driver for virtual functions, in a folder of
 * its own, and the protocol that goes with it, which are to be set up by hand. */
bool driver_is_skipped(const char *path);

#endif
