/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a configuration file that may name disks, and as a table of signatures. */
#include <stdlib.h>
#include <string.h>

#include "guest/bootloader.h"
#include "guest/linux_names_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct text {
	const char *bytes;
	size_t len;
	const char *end; /* of the last name */
};

/* Names lie in the text, one behind the other. */
static int name_visit_one(void *arg, const struct name_found *n, struct error *e)
{
	struct text *t = arg;

	(void)e;
	if (n->device < t->end || !n->len || n->device + n->len > t->bytes + t->len)
		abort();
	t->end = n->device + n->len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const enum name_syntax all[] = { WORDS, SETTINGS, FSTAB, CRYPTTAB };
	struct strings issuers = { 0 };
	struct error e;
	char *text = malloc(len + 1);

	if (!text)
		return 0;
	memcpy(text, bytes, len);
	text[len] = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct text t = { .bytes = text, .len = strlen(text), .end = text };
		size_t disk_len = 0;

		linux_names_scan(all[i], text, name_visit_one, &t, &e);
		if (linux_link_partition(text, &disk_len) && disk_len >= strlen(text))
			abort();
	}
	free(text);
	authenticode_issuers(bytes, len, &issuers, &e);
	strings_free(&issuers);
	return 0;
}
