/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_PUT_H
#define LIBIMG_GUEST_WINDOWS_PUT_H

#include "guest/windows.h"

/* Where everything of ours lies, below the folder of Windows. */
#define WINDOWS_OWN_FOLDER "Drivers/hvimg"
/* The same for what Windows runs; WINDOWS_OWN_COMMAND in a format of printf. */
#define WINDOWS_OWN_PATH "%SystemRoot%\\Drivers\\hvimg"
#define WINDOWS_OWN_COMMAND "%%SystemRoot%%\\Drivers\\hvimg"

/* A file with the time of modification of the hive SYSTEM, so that it depends on the image alone.
 */
int windows_put(struct guest_image *g, const char *path, const void *bytes, size_t len,
	const char *why, struct error *e);
/* Whether a file name stands for itself in a command of cmd.exe, between quotation marks: printable
 * ASCII without % and what no file may be called. */
bool windows_is_plain_name(const char *name);
/* ERR_NOTREADY, with the reason, when the hive is not there to be edited. */
int windows_hive_edit(
	struct guest_image *g, enum windows_hive_name n, struct hive **out, struct error *e);

#endif
