/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_DRIVER_H
#define LIBIMG_GUEST_LINUX_DRIVER_H

#include "guest/linux.h"
#include "guest/vermagic.h"

/* A kernel module that was brought along. */
struct driver {
	char *source; /* path on the host */
	char *path; /* below /lib/modules/V: "extra/NAME.ko.xz" */
	char *name;
	struct buffer bytes; /* as in the file */
	struct module_info info;
	bool fits; /* a kernel of the guest has it now */
};

struct drivers {
	struct driver *driver;
	size_t count, capacity;
};

/* linux_driver_host.c: reads the modules that the host's paths hold; ERR_USAGE when one has none.
 */
int drivers_read(const struct strings *paths, struct drivers *out, struct error *e);
void drivers_free(struct drivers *d);

/* linux_driver_index.c: puts the chosen modules and new indexes into the directory of modules. */
int drivers_put(struct guest_image *g, const char *modules, struct driver *const *chosen,
	size_t count, struct error *e);

#endif
