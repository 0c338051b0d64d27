/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/guestfs_library.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int find(void *handle, const char *name, void *function, struct error *e)
{
	void *address = dlsym(handle, name);

	if (!address)
		return error_set(e, ERR_UNSUPPORTED,
			"the installed libguestfs is too old: it has no %s", name);
	memcpy(function, &address, sizeof(address));
	return 0;
}

int guestfs_library_open(const char *soname, struct guestfs_library *out, struct error *e)
{
	/* It registers what runs at the end of the program, so it stays mapped. */
	struct guestfs_library l = { .handle = dlopen(
					     soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
	int rc = 0;

	if (!l.handle)
		return error_set(e, ERR_UNSUPPORTED,
			"%s is not installed: install libguestfs0 (Debian, Ubuntu) or libguestfs "
			"(Fedora, RHEL, openSUSE)",
			soname);
#define GUESTFS_FIND(name)                                                                         \
	if (!rc)                                                                                   \
		rc = find(l.handle, "guestfs_" #name, &l.name, e);
	GUESTFS_FUNCTIONS(GUESTFS_FIND)
#undef GUESTFS_FIND
	if (rc)
		guestfs_library_close(&l);
	else
		*out = l;
	return rc;
}

void guestfs_library_close(struct guestfs_library *l)
{
	if (l->handle)
		dlclose(l->handle);
	*l = (struct guestfs_library){ 0 };
}

int guestfs_kernel_check(const char *folder, struct error *e)
{
	char pattern[256];
	glob_t found;
	size_t readable = 0, count = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s/vmlinu[xz]-*", folder);
	if (!glob(pattern, 0, NULL, &found)) {
		count = found.gl_pathc;
		for (size_t i = 0; i < count; i++)
			readable += !access(found.gl_pathv[i], R_OK);
		globfree(&found);
	}
	if (readable)
		return 0;
	if (!count)
		return error_set(e, ERR_UNSUPPORTED,
			"libguestfs finds no kernel in %s to start: install one (linux-image-amd64 "
			"on Debian), or name one in SUPERMIN_KERNEL",
			folder);
	return error_set(e, ERR_UNSUPPORTED,
		"libguestfs may not read any of the %zu kernels in %s: make one readable "
		"(chmod a+r), or name one in SUPERMIN_KERNEL",
		count, folder);
}
