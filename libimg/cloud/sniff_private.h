/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_SNIFF_PRIVATE_H
#define LIBIMG_CLOUD_SNIFF_PRIVATE_H

#include "cloud/sniff.h"

enum { SNIFF_SECTOR = 512 };

/* The beginning of a file, which every inspector gets. */
struct sniff_head {
	uint8_t byte[4096];
	size_t len;
};

/* `format` fails `check`; texts are static. */
void sniff_fail(struct sniff *s, enum sniff_format format, const char *check, const char *why);

int sniff_vhdx(struct disk *file, struct sniff *s, struct error *e);
int sniff_vmdk(struct disk *file, const struct sniff_head *head, struct sniff *s, struct error *e);

#endif
