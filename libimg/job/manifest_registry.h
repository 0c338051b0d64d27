/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_JOB_MANIFEST_REGISTRY_H
#define LIBIMG_JOB_MANIFEST_REGISTRY_H

#include <jansson.h>

#include "base/journal.h"

/* Names in a guest are bytes; JSON wants UTF-8, so others are escaped. */
json_t *guest_text_json(const char *text);
json_t *registry_edit_json(const struct registry_edit *r);

#endif
