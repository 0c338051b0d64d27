/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_UNIT_INSTALL_H
#define LIBIMG_GUEST_LINUX_UNIT_INSTALL_H

#include "base/strings.h"

/* What [Install] says. */
struct unit_install {
	struct strings wanted, required, upheld, alias, also;
	char *instance; /* of a template that is named without one, may be NULL */
};

int unit_install_read(const char *text, struct unit_install *out, struct error *e);
void unit_install_free(struct unit_install *i);

#endif
