/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_OVA_H
#define FORMATS_OVA_H

#include "base/buffer.h"
#include "disk/format.h"

/* OVA (DMTF DSP0243): a tar whose first file, the descriptor NAME.ovf, names the disks in it. */

enum {
	OVA_MEMBERS_MAX = 1024, /* headers of the tar that are looked at */
	OVA_NAME_MAX = 1024, /* bytes of a name */
	OVA_TEXT_MAX = 1 << 20, /* bytes of the descriptor, and of the manifest */
};

/* A plain file in the tar. */
struct ova_member {
	char *name; /* without a leading "./" */
	uint64_t off, len; /* its bytes in the tar */
};

struct ova_members {
	struct ova_member *member; /* in the order of the tar */
	size_t count;
};

/* ERR_CORRUPT for what is no tar, or when one of its files reaches past the end or has a name that
 * leads out of its folder. */
extern const struct format ova_format;

int ova_members_read(struct disk *file, struct ova_members *out, struct error *e);
void ova_members_free(struct ova_members *m);
/* NULL: none of that name. */
const struct ova_member *ova_member_named(const struct ova_members *m, const char *name);
/* ERR_RANGE when it is larger than OVA_TEXT_MAX. */
int ova_member_text(
	struct disk *file, const struct ova_member *m, struct buffer *out, struct error *e);

/* The one disk that the descriptor, the first member, describes. ERR_UNSUPPORTED when there are
 * several, with their names, or when it is stored in a way that is not read. */
int ova_disk_find(struct disk *file, const struct ova_members *m, const struct ova_member **out,
	struct error *e);

/* Compares the members with the manifest's digests, if there is one (DSP0243, 5.1). */
int ova_manifest_check(struct disk *file, const struct ova_members *m,
	const struct convert_options *o, struct error *e);

#endif
