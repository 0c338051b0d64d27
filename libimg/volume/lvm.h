/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_VOLUME_LVM_H
#define LIBIMG_VOLUME_LVM_H

#include "base/buffer.h"
#include "disk/mapped.h"
#include "volume/lvm_config.h"
#include "volume/volume.h"

/* LVM2: physical volumes (PV) in groups (VG) that are cut into logical volumes (LV). */

enum {
	LVM_SECTOR = 512, /* whatever the disk's sectors are */
	LVM_LABEL_SECTORS = 4, /* at the start of a PV, one of which has the label */
	LVM_ID_SIZE = 32, /* characters, without the dashes */
	LVM_NAME_MAX = 127,
	LVM_TEXT_MAX = 2 << 20, /* bytes of metadata; 4000 LVs take as much */
	LVM_PVS_MAX = 128, /* looked at on a disk */
	LVM_GROUPS_MAX = 16,
	LVM_VOLUMES_MAX = 1024, /* of a group */
	LVM_COPIES_MAX = 2, /* metadata areas of a PV */
};

struct lvm_area {
	uint64_t off, len; /* bytes in the PV */
};

struct lvm_pv {
	size_t volume; /* index in the list */
	uint64_t off, size; /* bytes in the disk */
	char id[LVM_ID_SIZE + 1];
	struct lvm_area copy[LVM_COPIES_MAX]; /* metadata areas */
	size_t copies;
	bool twice; /* another one has the same id */
};

/* lvm_label.c: *found tells whether `d` is a PV; one whose label is damaged is ERR_CORRUPT. */
int lvm_label_read(struct disk *d, struct lvm_pv *out, bool *found, struct error *e);
/* The text in a metadata area, into an empty buffer, which stays so when the PV is in no group. */
int lvm_text_read(struct disk *d, const struct lvm_area *area, struct buffer *out, struct error *e);

/* A PV as its group names it. */
struct lvm_member {
	const char *name;
	const struct lvm_pv *pv; /* NULL: not on this disk */
	uint64_t start, extents; /* bytes in the disk; of the group's extent size */
};

struct lvm_lv {
	const char *name;
	char dm_uuid[80];
	bool visible, writable;
	const char *code; /* static, of a finding; NULL: it can be opened */
	char problem[256];
	struct mapped_piece *piece;
	size_t pieces;
};

/* Bytes of the disk that an LV takes. */
struct lvm_part {
	uint64_t off, end;
	size_t lv;
};

struct lvm_group {
	struct lvm_config config;
	size_t section; /* of the group in the config */
	const char *name;
	char id[LVM_ID_SIZE + 1];
	uint64_t number; /* rises with each change */
	uint64_t extent; /* bytes */
	struct lvm_member *member;
	size_t members;
	struct lvm_lv *lv;
	size_t lvs;
	struct lvm_part *part; /* rising */
	size_t parts, part_capacity;
	bool certain; /* all that lies in its PVs is known */
};

/* lvm_group.c: reads a group from its text; `pv` must live as long.  An LV that can't be opened has
 * its problem; what is wrong with all of the group is ERR_CORRUPT or ERR_UNSUPPORTED. */
int lvm_group_read(const struct buffer *text, const struct lvm_pv *pv, size_t pvs,
	struct lvm_group *out, struct error *e);
/* Name, id and number only. */
int lvm_group_identify(const struct buffer *text, struct lvm_group *out, struct error *e);
void lvm_group_free(struct lvm_group *g);

/* lvm_segment.c: fills pieces and parts, or code and problem, of an LV from its section. */
int lvm_lv_read(struct lvm_group *g, size_t section, struct lvm_lv *out, struct error *e);
/* Marks what is not certain to be an LV's own: what another kind of LV is made of, and what two
 * have.  Sorts the parts. */
void lvm_conflicts_mark(struct lvm_group *g);

/* lvm.c: appends the LVs of all PVs in the list, and marks these as pools. */
int lvm_read(struct disk *d, struct volume_list *l, struct report *report, struct error *e);

#endif
