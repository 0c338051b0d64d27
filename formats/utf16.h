/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_UTF16_H
#define FORMATS_UTF16_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Whether it is text: no half of a surrogate pair and no control character up to a NUL or `units`.
 */
bool utf16_is_text(const le16 *text, size_t units);
/* UTF-16 up to a NUL or `units`, as UTF-8; `out` has room for 3 * units + 1 bytes. */
void utf16_text(const le16 *text, size_t units, char *out);

#endif
