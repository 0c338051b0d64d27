/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_PARENT_PATH_H
#define FORMATS_PARENT_PATH_H

#include "base/buffer.h"

/*
 * How VHD and VHDX spell the way from a child's folder to its parent.  `relative` is as in struct
 * parent_spec.  ERR_USAGE: the name cannot be spelt so.
 */

/* With "\" between folders and ".\" or "..\" in front, in UTF-16, little endian. */
int windows_path_make(const char *relative, struct buffer *out, struct error *e);
/* The last part alone, in UTF-16, little endian. */
int windows_name_make(const char *relative, struct buffer *out, struct error *e);
/* "file://./x/y" (RFC 2396). */
int file_url_make(const char *relative, struct buffer *out, struct error *e);
/* The path in such a URL, or the text as it is when it is none; control characters become "?". */
int file_url_path(const uint8_t *url, size_t len, struct buffer *out, struct error *e);

#endif
