/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_EDIT_H
#define LIBIMG_GUEST_WINDOWS_EDIT_H

#include "guest/guest_edit_work.h"
#include "guest/windows_put.h"

/* windows_edit_registry.c */
int windows_registry_edit(const struct edit_work *w, struct error *e);
/* windows_edit_boot.c */
int windows_first_boot_edit(const struct edit_work *w, struct error *e);

#endif
