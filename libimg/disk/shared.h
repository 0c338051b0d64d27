/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_DISK_SHARED_H
#define LIBIMG_DISK_SHARED_H

#include "disk/disk.h"

/*
 * A disk for several readers at once, each in threads of its own and each going from front to back.
 * What the first of them reads is kept until all have gone past it, so that the disk below is read,
 * and inflated, once.  Whoever reads otherwise gets the same bytes, from below.
 */
struct shared;

/*
 * Keeps at most `window` units of UNIT_SIZE bytes: a reader that is so much ahead of the slowest
 * waits for it.  All `readers` count as running from now on, so each must read on or leave.
 */
int shared_open(struct disk *below, unsigned readers, unsigned window, struct shared **out,
	struct error *e);
/* The disk of the reader `index`, which lives as long as the whole: closing it does nothing. */
struct disk *shared_reader(struct shared *s, unsigned index);
/* Nobody waits for this reader any more; it may still read. */
void shared_leave(struct shared *s, unsigned index);
/* When nobody reads any more.  NULL is fine. */
void shared_close(struct shared *s);

#endif
