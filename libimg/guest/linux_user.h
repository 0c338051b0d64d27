/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_USER_H
#define LIBIMG_GUEST_LINUX_USER_H

#include "guest/linux_account.h"
#include "guest/linux_edit.h"

/* The files that know accounts; the last three only where the guest has them. */
enum account_file {
	ACCOUNT_PASSWD,
	ACCOUNT_GROUPS,
	ACCOUNT_SHADOW,
	ACCOUNT_GSHADOW,
	ACCOUNT_SUBUID,
	ACCOUNT_SUBGID,
	ACCOUNT_FILES,
};

struct accounts {
	struct buffer text[ACCOUNT_FILES];
	bool has[ACCOUNT_FILES];
};

/* linux_edit_user_new.c: adds the records of w->edit's account. */
int linux_user_make(const struct edit_work *w, struct accounts *a, struct error *e);
/* linux_edit_sudo.c */
int linux_sudo_allow(const struct edit_work *w, struct error *e);

#endif
