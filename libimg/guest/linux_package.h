/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_PACKAGE_H
#define LIBIMG_GUEST_LINUX_PACKAGE_H

#include "guest/linux.h"

/* linux_package_rpm.c: counts what rpm -qa would list; sets nothing when that can't be told. */
int linux_rpm_count(struct guest_image *g, const char *path, struct error *e);

#endif
