/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_BASE_CRC_H
#define LIBIMG_BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC-32C (Castagnoli, as iSCSI and VHDX use it), initial value and final xor all ones. */
uint32_t crc32c(const void *bytes, size_t len);
/* Of more bytes than fit in memory: `before` is that of all in front of these, 0 at the start. */
uint32_t crc32c_more(uint32_t before, const void *bytes, size_t len);
/* CRC-32 (IEEE, as GPT uses it). */
uint32_t crc32_of(const void *bytes, size_t len);
/* As crc32_of, from another initial value and without the final xor: as LVM uses it. */
uint32_t crc32_plain(uint32_t initial, const void *bytes, size_t len);

#endif
