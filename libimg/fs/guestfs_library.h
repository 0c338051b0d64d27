/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_GUESTFS_LIBRARY_H
#define LIBIMG_FS_GUESTFS_LIBRARY_H

#include <guestfs.h>

#include "base/error.h"

/* libguestfs, loaded when it is needed: hvimg runs where it is not installed. */
#define GUESTFS_SONAME "libguestfs.so.0"

#define GUESTFS_FUNCTIONS(F)                                                                       \
	F(add_drive_opts_argv)                                                                     \
	F(btrfs_subvolume_get_default)                                                             \
	F(btrfs_subvolume_list)                                                                    \
	F(chmod)                                                                                   \
	F(close)                                                                                   \
	F(copy_file_to_file_argv)                                                                  \
	F(create_flags)                                                                            \
	F(free_btrfssubvolume_list)                                                                \
	F(free_statns)                                                                             \
	F(free_statns_list)                                                                        \
	F(free_statvfs)                                                                            \
	F(free_xattr_list)                                                                         \
	F(last_errno)                                                                              \
	F(last_error)                                                                              \
	F(launch)                                                                                  \
	F(lchown)                                                                                  \
	F(lgetxattrs)                                                                              \
	F(ln_s)                                                                                    \
	F(lremovexattr)                                                                            \
	F(ls)                                                                                      \
	F(lsetxattr)                                                                               \
	F(lstatns)                                                                                 \
	F(lstatnslist)                                                                             \
	F(mkdir_mode)                                                                              \
	F(mkmountpoint)                                                                            \
	F(mount_options)                                                                           \
	F(pread)                                                                                   \
	F(pwrite)                                                                                  \
	F(readlink)                                                                                \
	F(rename)                                                                                  \
	F(rm)                                                                                      \
	F(rmdir)                                                                                   \
	F(set_autosync)                                                                            \
	F(set_backend)                                                                             \
	F(set_backend_setting)                                                                     \
	F(set_error_handler)                                                                       \
	F(set_memsize)                                                                             \
	F(set_network)                                                                             \
	F(set_pgroup)                                                                              \
	F(set_tmpdir)                                                                              \
	F(statvfs)                                                                                 \
	F(sync)                                                                                    \
	F(umount)                                                                                  \
	F(utimens)                                                                                 \
	F(write)

struct guestfs_library {
	void *handle;
#define GUESTFS_POINTER(name) __typeof__(guestfs_##name) *name;
	GUESTFS_FUNCTIONS(GUESTFS_POINTER)
#undef GUESTFS_POINTER
};

/* ERR_UNSUPPORTED, naming the package, when there is no such library. */
int guestfs_library_open(const char *soname, struct guestfs_library *out, struct error *e);
/* A library that is not open is fine. */
void guestfs_library_close(struct guestfs_library *l);

/* Whether an appliance can be built from a kernel in `folder`: ERR_UNSUPPORTED when none of its
 * kernels can be read. */
int guestfs_kernel_check(const char *folder, struct error *e);

#endif
