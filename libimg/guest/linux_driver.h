/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_DRIVER_H
#define LIBIMG_GUEST_LINUX_DRIVER_H

#include "guest/linux.h"
#include "guest/vermagic.h"

/* A kernel of the guest, as one of its own modules describes it. */
struct driver_kernel {
	const char *modules; /* its directory */
	struct module_info own;
};

/* A kernel module that was brought along. */
struct driver {
	char *source; /* path on the host, and behind it those inside media */
	char *path; /* below /lib/modules/V: "extra/NAME.ko.xz" */
	char *name;
	struct buffer bytes; /* as in the file */
	struct module_info info;
	bool fits; /* a kernel of the guest has it now */
};

/* A path of the host whose packages or media hold modules for kernels that the guest has not. */
struct driver_medium {
	char *path;
	struct strings names, vermagics; /* of those */
	size_t taken; /* modules that were for one of the guest's kernels */
};

struct drivers {
	const struct driver_kernel *kernel;
	size_t kernel_count;
	struct driver *driver;
	size_t count, capacity;
	struct driver_medium *medium; /* one for each path that was given */
	size_t medium_count;
	uint64_t held; /* bytes of all modules */
};

/* linux_driver_host.c: reads the modules that the host's paths hold; ERR_USAGE when one has none.
 * out->kernel is set before. */
int drivers_read(const struct strings *paths, struct drivers *out, struct error *e);
/* Whether the module was built for that kernel. */
bool driver_is_for(const struct module_info *m, const struct driver_kernel *k);
/* Takes over the bytes.  `medium` not NULL: a module that is for none of the guest's kernels is
 * only noted there. */
int drivers_add(struct drivers *d, const char *source, const char *name, struct buffer *bytes,
	struct driver_medium *medium, struct error *e);
void drivers_free(struct drivers *d);

/* Where the name of a module file ends: ".ko", ".ko.xz" and so on; NULL: it is none. */
const char *driver_suffix(const char *path);

/* linux_driver_media.c: packages, and media that hold packages or modules. */
bool media_is(const char *path);
/* *found: how many modules there are, for whatever kernel. */
int media_read(const char *path, struct drivers *out, struct driver_medium *medium, size_t *found,
	struct error *e);

/* linux_driver_index.c: puts the chosen modules and new indexes into the directory of modules. */
int drivers_put(struct guest_image *g, const char *modules, struct driver *const *chosen,
	size_t count, struct error *e);

#endif
