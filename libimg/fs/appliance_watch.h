/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_FS_APPLIANCE_WATCH_H
#define LIBIMG_FS_APPLIANCE_WATCH_H

#include <stdbool.h>

/*
 * While libguestfs starts its virtual machine nobody else can stop it: the call returns when the
 * machine answers or ends, and one that got a KVM that does not work does neither.  A thread beside
 * the call ends the machine once `cancelled` says so, or, with `patience` other than 0, when it
 * runs for so many seconds.  It is the child of this process that has `sockets`, a path that no
 * other program knows, in its arguments.
 */
struct appliance_watch;

/* NULL: there is no such thread, and the start can't be stopped.  `cancelled` (may be NULL) is
 * called in it. */
struct appliance_watch *appliance_watch_start(
	const char *sockets, unsigned patience, bool (*cancelled)(void *arg), void *arg);
/* NULL is fine. */
void appliance_watch_end(struct appliance_watch *w);

#endif
