/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of formats, made from list.def. */
#include "disk/format.h"

#define FORMAT(name) extern const struct format name##_format;
#include "formats/list.def"
#undef FORMAT

const struct format *const format_list[] = {
#define FORMAT(name) &name##_format,
#include "formats/list.def"
#undef FORMAT
	NULL,
};
