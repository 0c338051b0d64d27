/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_KNOWN_H
#define LIBIMG_DISK_KNOWN_H

#include "disk/format.h"

/*
 * Files that are recognised so as not to be taken for raw disks.  Both return the name of what the
 * file is, or NULL.
 */

/* Containers and archives that no format of this build claims; `nth` counts the matches from 0. */
const char *known_container(const struct probe *p, size_t nth);
/* What also turns up as the content of a container: a CD image, a text. */
const char *known_content(const struct probe *p);

#endif
