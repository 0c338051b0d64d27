/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_CLOUD_YAML_H
#define LIBIMG_GUEST_LINUX_CLOUD_YAML_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/strings.h"

enum cloud_yaml {
	CLOUD_YAML_SILENT, /* says nothing of datasources */
	CLOUD_YAML_LIST, /* has a datasource_list of plain names */
	CLOUD_YAML_UNCLEAR, /* what it says can't be followed */
};

/* The last datasource_list at the top of a file of cloud-init's configuration.  `out` is changed
 * only for CLOUD_YAML_LIST. */
int cloud_yaml_read(
	const struct buffer *text, enum cloud_yaml *kind, struct strings *out, struct error *e);

#endif
