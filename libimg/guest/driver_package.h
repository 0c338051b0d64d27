/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_DRIVER_PACKAGE_H
#define LIBIMG_GUEST_DRIVER_PACKAGE_H

#include "guest/inf.h"

/* Driver packages for Windows on the host: folders, .inf files, and media and archives (.iso .cab
 * .zip .tar .rpm) that hold some. */

/* What a package must have, name and bytes. */
struct driver_file {
	char *path; /* relative to the INF's folder, "/" between, as spelled there */
	struct buffer bytes;
};

struct driver_package {
	/* Where it is from, for people: "virtio.iso: viostor/w10/amd64/viostor.inf"; behind it, in
	 * "(...)", when its folder is for an older Windows. */
	char *origin;
	char *directory; /* the INF's folder in its medium, "viostor/w10/amd64"; "" at its top */
	char *inf_name; /* "viostor.inf" */
	struct buffer inf_bytes;
	struct inf inf; /* for the platform asked */
	struct driver_file *file; /* everything that the INF copies, and its catalogue */
	size_t file_count;
	/* Its catalogue is there, is a signed one (PKCS #7) and lists the INF and every driver
	 * binary.  Whether the signature is right and whom Windows trusts is not looked at. */
	bool cataloged;
	bool embedded; /* every driver binary has an embedded signature */
	bool exact; /* named by the user itself, not found on a medium */
};

/* An integration-services cab (CBS): to be installed by Windows itself at first boot. */
struct servicing_package {
	char *origin, *name; /* "Windows6.x-HyperVIntegrationServices-x64.cab" */
	struct buffer bytes;
};

struct driver_packages {
	struct driver_package *package;
	size_t count;
	struct servicing_package *servicing;
	size_t servicing_count;
	struct strings passed_over; /* INF files on media that can't be read, and why */
};

struct driver_wish {
	struct inf_platform platform;
	/* Hardware ids, as inf_device_matches takes them; of media only what has one of these is
	 * taken.  NULL or none: everything that fits. */
	const struct strings *devices;
	bool allow_unsigned;
};

/*
 * Of several packages of one INF name or for one device that fit, the one is taken whose folder is
 * for this very Windows, else the one with the newest DriverVer.  ERR_NOTREADY when nothing of a
 * path fits, naming what it has instead; ERR_REFUSED for an unsigned package.  Bounded in memory
 * and time on any archive; no path of one reaches outside it.
 */
int driver_packages_load(const struct strings *paths, const struct driver_wish *wish,
	struct driver_packages *out, struct error *e);
void driver_packages_free(struct driver_packages *p);

#endif
