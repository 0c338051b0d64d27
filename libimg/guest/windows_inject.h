/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_INJECT_H
#define LIBIMG_GUEST_WINDOWS_INJECT_H

#include "guest/driver_package.h"
#include "guest/windows_put.h"

/* What the parts of a driver's injection share. */

/* One package on its way into the guest. */
struct inject {
	struct guest_image *g;
	const struct guest_changes *changes;
	const struct driver_package *package;
	char *name; /* of its folder, and the stem of other names: "viostor" */
	char *folder; /* guest path of that, "/Windows/Drivers/hvimg/viostor" */
	/* What the boot driver is registered by until Windows installs the package under a name
	 * that it gives itself: no name of Windows' own, so that nothing of the guest's is
	 * replaced. */
	char *inf; /* "hvimg-viostor.inf" */
	char *id; /* "hvimg-viostor.inf_amd64_0000000000000000" */
	char *why; /* "driver of virtio.iso: viostor/w10/amd64/viostor.inf" */
};

/* Adds a finding to what the caller is told of. */
int inject_note(const struct inject *in, const char *code, enum severity severity, const char *path,
	struct error *e, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* The service of the device's own driver, when Windows loads it before it can install anything;
 * else NULL. */
const struct inf_service *inject_boot_service(const struct inject *in, const struct inf_device *d);

/* windows_inject_stage.c: the whole package into its folder, where Windows looks for drivers. */
int inject_stage(const struct inject *in, struct error *e);
/* A file of the package, by the path that the INF has for it. */
int inject_file(const struct inject *in, const char *source, const struct driver_file **out,
	struct error *e);

/* windows_inject_boot.c: what the loader needs of it before Windows runs.  *boot: it is such. */
int inject_boot(const struct inject *in, bool *boot, struct error *e);

/* windows_driver_file.c: where a file of the INF lies before Windows has installed anything, below
 * the folder of Windows: "System32/drivers/viostor.sys".  ERR_UNSUPPORTED: it waits for that. */
int driver_early_path(unsigned dirid, const char *subdirectory, const char *name,
	struct buffer *out, struct error *e);
/* Puts the file there, unless it waits, or the guest's own is newer. */
int driver_file_put(const struct inject *in, const struct inf_file *f, struct error *e);
/* Whether what the guest has at `path` is newer than the file of the package. */
int driver_is_newer_at(const struct inject *in, const char *path, const struct driver_file *file,
	bool *newer, struct error *e);

/* windows_driver_version.c: whether the guest's file has a higher version than that of the package,
 * which is staged.  Files without one are not newer. */
int driver_is_newer(
	struct guest_image *g, const char *guest, const char *staged, bool *newer, struct error *e);
enum { DRIVER_VERSION_SIZE = 48 };
/* The value Version of a package in DriverDatabase. */
int driver_version_blob(const struct inf *inf, enum inf_arch arch, uint8_t out[DRIVER_VERSION_SIZE],
	struct error *e);

/* windows_driver_registry.c: entries of an AddReg section below `base`. */
enum registry_use {
	REGISTRY_APPLY, /* as Windows installs them */
	REGISTRY_RECORD, /* as DriverDatabase keeps them for later */
};
int driver_registry_put(struct hive *h, const char *base, const struct inf_regs *r,
	enum registry_use use, const char *why, struct error *e);

/* windows_driver_service.c: the service in one control set.  `binary`: where its file lies, below
 * the folder of Windows.  `keep`: a newer driver of that name stays, and is only made to start. */
int driver_service_put(const struct inject *in, struct hive *h, const char *set,
	const struct inf_service *s, const char *binary, bool keep, struct error *e);

/* windows_driver_critical.c: devices of Windows 7 and older, in one control set. */
int driver_critical_put(const struct inject *in, struct hive *h, const char *set,
	const struct inf_device *d, const struct inf_service *s, struct error *e);

/* windows_driver_database.c: all boot devices of the package, for Windows 8 and later. */
int driver_database_put(const struct inject *in, struct hive *h, struct error *e);

/* A file's name in lower case, without its end, of what is harmless in any path and registry. */
int inject_stem(const char *file, char **out, struct error *e);
/* What Windows runs at its next start, for that file; `order` sorts. */
int inject_command(struct guest_image *g, const char *order, const char *stem, const char *command,
	struct error *e);

/* windows_inject_servicing.c: packages that Windows installs as updates. */
int inject_servicing(
	struct guest_image *g, const struct driver_packages *packages, struct error *e);

#endif
