/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_CLOUD_CONFIG_H
#define LIBIMG_GUEST_LINUX_CLOUD_CONFIG_H

#include "guest/guest_image.h"

/* What a guest tells its cloud-init of datasources (cloud-init's base configuration, and the
 * settings of ds-identify that runs before it). */
struct cloud_config {
	bool installed;
	char *off; /* what switches it off, in words; NULL: nothing does */
	char *pinned; /* the one datasource that is used whatever the list says, or NULL */
	char *pinned_by; /* what says so, in words */
	char *unclear; /* path of a file that can't be followed, or NULL */
	bool has_list;
	struct strings list; /* datasource_list of the last file that has one */
	char *list_path; /* that file */
};

int cloud_config_load(struct guest_image *g, struct cloud_config *out, struct error *e);
void cloud_config_free(struct cloud_config *c);

#endif
