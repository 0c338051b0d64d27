/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_UNIT_H
#define LIBIMG_GUEST_LINUX_UNIT_H

#include "base/strings.h"
#include "fs/tree.h"

/* A systemd unit of a guest that does not run: whether it would be started, and what "systemctl
 * enable" would make (systemd.unit(5), "[Install] Section Options"). */

enum unit_state {
	UNIT_MISSING, /* no unit file */
	UNIT_MASKED,
	UNIT_DISABLED,
	UNIT_STARTED, /* enabled, or without [Install]: something else starts it, as udev does */
};

struct unit {
	enum unit_state state;
	char *name; /* of the unit itself, where an alias was asked for; NULL when missing */
	char *path; /* of its file, NULL when missing or masked */
	struct strings links; /* that enabling makes, each to `path` */
	struct strings also; /* units that are enabled along with it */
	bool unclear; /* [Install] has something that only systemd can expand */
};

/* Whether the guest is started by systemd. */
bool unit_system(struct tree *t);
/* Whether it is the name of a folder of links that start units, "multi-user.target.wants". */
bool unit_pulls(const char *directory);
int unit_load(struct tree *t, const char *name, struct unit *out, struct error *e);
void unit_free(struct unit *u);

#endif
