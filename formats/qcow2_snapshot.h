/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef FORMATS_QCOW2_SNAPSHOT_H
#define FORMATS_QCOW2_SNAPSHOT_H

#include "formats/qcow2.h"

/*
 * Internal snapshots ("Snapshots" in the specification): earlier states of the disk in the same
 * file, each with an L1 table of its own.
 */

/* Entry of the snapshot table.  Extra data, id and name follow, then padding to 8 bytes. */
struct qcow2_snapshot_entry {
	be64 l1_off; /* +0x00 */
	be32 l1_size; /* +0x08 entries */
	be16 id_len; /* +0x0c */
	be16 name_len; /* +0x0e */
	be32 seconds; /* +0x10 since 1970 */
	be32 nanoseconds; /* +0x14 */
	be64 clock; /* +0x18 of the guest, nanoseconds */
	be32 state_size; /* +0x20 of a saved machine, bytes; the extra data has it too */
	be32 extra_len; /* +0x24 of extra data: state size, then the disk's virtual size, 8 bytes
			   each */
};
_Static_assert(sizeof(struct qcow2_snapshot_entry) == 40, "qcow2 snapshot table entry");

enum {
	QCOW2_SNAPSHOT_TEXT = 256
}; /* qemu's names are shorter; of a longer one the start is kept */

struct qcow2_snapshot {
	uint64_t l1_off;
	uint32_t l1_size; /* entries: what follows the disk's is the state of a machine */
	uint64_t size; /* of the guest's disk, bytes */
	uint32_t seconds; /* since 1970 */
	char id[QCOW2_SNAPSHOT_TEXT], name[QCOW2_SNAPSHOT_TEXT]; /* as in the file */
};

/* Reads the entry at *off of the file and moves *off to the next one. */
int qcow2_snapshot_read(
	struct qcow2 *q, uint64_t *off, struct qcow2_snapshot *out, struct error *e);
/*
 * Makes a loaded image the disk that the snapshot holds.  `what` is a name, else an id, or
 * "snapshot.id=ID,snapshot.name=NAME".  ERR_NOTFOUND names those that there are.
 */
int qcow2_snapshot_select(struct qcow2 *q, const char *what, struct error *e);
/* The first ones, as many as are reasonable to show. */
int qcow2_snapshot_list(struct qcow2 *q, struct image_info *out, struct error *e);

#endif
