/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_EDIT_H
#define LIBIMG_GUEST_LINUX_EDIT_H

#include "guest/guest_edit_work.h"
#include "guest/linux.h"

/* What edits of Linux guests share. */

/* Numbers of an account and a group, which may be given as such.  NULL: not asked for. ERR_NOTREADY
 * when the guest has none of that name. */
int linux_owner_find(struct guest_image *g, const char *owner, const char *group,
	struct tree_looks *out, struct error *e);

/* linux_edit_unit.c */
int linux_unit_enable(const struct edit_work *w, const char *name, struct error *e);
int linux_unit_disable(const struct edit_work *w, const char *name, struct error *e);

/* linux_edit_user.c */
int linux_user_edit(const struct edit_work *w, struct error *e);

/* An account as it is in the guest. */
struct linux_user {
	const char *name;
	uint32_t uid, gid;
	char *home;
};
/* linux_edit_home.c: its home, from the skeleton when it is new, and the keys that open it. */
int linux_home_edit(const struct edit_work *w, const struct linux_user *u, struct error *e);
/* Of login.defs(5) or another such file; *out NULL: it says nothing. */
int linux_login_value(
	struct guest_image *g, const char *path, const char *name, char **out, struct error *e);
int linux_login_number(struct guest_image *g, const char *name, unsigned base, uint32_t otherwise,
	uint32_t *out, struct error *e);

/* linux_edit_setting.c */
int linux_hostname_edit(const struct edit_work *w, struct error *e);
int linux_timezone_edit(const struct edit_work *w, struct error *e);

/* linux_edit_boot.c */
int linux_first_boot_edit(const struct edit_work *w, struct error *e);

#endif
