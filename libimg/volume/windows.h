/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_WINDOWS_H
#define LIBIMG_VOLUME_WINDOWS_H

#include "volume/volume.h"

/* Partitions whose bytes Windows hands out to volumes of its own, which may reach over several
 * disks. */

/* What hands them out, in words; NULL: nothing. */
const char *windows_manager(const struct volume *v);
/* ERR_REFUSED when something on the disk is handed out so: the records of it lie outside of
 * partitions, too. */
int windows_managers_check(const struct volume_list *l, struct error *e);
/* A finding for each kind of them. */
int windows_report(const struct volume_list *l, struct report *report, struct error *e);

#endif
