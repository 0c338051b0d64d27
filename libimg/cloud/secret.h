/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SECRET_H
#define LIBIMG_CLOUD_SECRET_H

#include <jansson.h>

#include "base/buffer.h"

/* Passwords and tokens do not stay in memory that somebody else gets next. */

/* Overwrites and frees; NULL is fine. */
void secret_free(char *text);
void secret_buffer_free(struct buffer *b);
/* Overwrites every text in `value`, at most 16 levels deep, and gives the reference up. */
void secret_json_free(json_t *value);

#endif
