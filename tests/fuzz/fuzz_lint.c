/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as an image and as its description. */
#include <stdlib.h>

#include "cloud/lint.h"
#include "cloud/sniff.h"
#include "disk/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void lint_bytes(const json_t *body, struct disk *d)
{
	static const struct target_list none;
	const struct lint_rules rules = { .glance = lint_newest(), .known = &none };
	const struct lint_file file = { .file = d };
	struct report report = { 0 };
	struct error e;

	if (lint_body(body, &rules, &report, &e) || lint_file(body, &file, &rules, &report, &e))
		abort();
	report_free(&report);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	json_t *body = json_loadb((const char *)bytes, len, JSON_DISABLE_EOF_CHECK, NULL);
	struct error e;
	struct disk *d;

	if (!body)
		body = json_pack("{s:s}", "disk_format", "raw");
	if (body && !memory_disk_open(bytes, len, &d, &e)) {
		lint_bytes(body, d);
		disk_close(d);
	}
	json_decref(body);
	return 0;
}
