/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/upload_script.h"

#include "base/file.h"

enum { SCRIPT_MAX = 1 << 20 };

const char upload_script_name[] = "upload.sh";

int upload_script_add(const char *path, struct bundle *b, struct error *e)
{
	struct buffer text = { 0 };
	int rc = file_read(path, SCRIPT_MAX, &text, e);

	if (!rc)
		rc = bundle_add_program(b, upload_script_name, text.data, text.len, e);
	buffer_free(&text);
	return rc;
}
