/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_BCD_DEVICE_H
#define LIBIMG_GUEST_WINDOWS_BCD_DEVICE_H

#include "base/buffer.h"
#include "base/guid.h"
#include "volume/volume.h"

/* Device elements of a boot configuration store: how its entries name a partition. */

enum bcd_form {
	BCD_NONE, /* there is no such element */
	BCD_PARTITION,
	BCD_BOOT, /* where the boot manager was started from */
	BCD_LOCATE, /* the first partition that has the entry's files */
	BCD_FILE, /* a file on a partition: a RAM disk or a virtual disk */
	BCD_OTHER,
};

struct bcd_device {
	enum bcd_form form;
	bool has_partition; /* what follows is known; always for BCD_PARTITION */
	bool is_gpt;
	struct guid disk, partition; /* GPT */
	uint32_t signature; /* MBR: of the disk */
	uint64_t offset; /* MBR: of the partition, bytes */
};

enum { BCD_DEVICE_SIZE = 88 };

/* Any bytes; what is not understood is BCD_OTHER. */
void bcd_device_read(const void *data, size_t len, struct bcd_device *out);
/* The volume that it names by the ids of disk and partition; SIZE_MAX: it is not on this disk. */
size_t bcd_device_volume(const struct bcd_device *d, const struct volume_list *l);
/* An element that names volume `index`; false when it is no partition. */
bool bcd_device_make(const struct volume_list *l, size_t index, uint8_t out[BCD_DEVICE_SIZE]);
/* "partition 2", "missing partition ...", "boot", "locate", "none", "unknown"; appended. */
int bcd_device_text(const struct bcd_device *d, const struct volume_list *l, struct buffer *out,
	struct error *e);
/* The number in the id of a partition, "p2"; 0: it is none. */
unsigned bcd_partition_number(const struct volume *v);

#endif
