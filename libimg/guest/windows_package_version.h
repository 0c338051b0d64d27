/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_PACKAGE_VERSION_H
#define LIBIMG_GUEST_WINDOWS_PACKAGE_VERSION_H

#include "base/bytes.h"
#include "base/guid.h"
#include "guest/inf.h"

/* The value Version of a package in DriverDatabase, as Windows 8 to 10 write it. */
struct windows_package_version {
	uint8_t inbox; /* 0: 0xff for drivers that came with Windows */
	uint8_t always_ff; /* 1 */
	le16 arch; /* 2: PROCESSOR_ARCHITECTURE_... */
	le32 zero; /* 4 */
	struct guid class_guid; /* 8 */
	le64 date; /* 24: FILETIME of DriverVer, midnight UTC */
	le16 version[4]; /* 32: lowest field first */
	le64 unknown; /* 40: 0 nearly always */
};
_Static_assert(sizeof(struct windows_package_version) == 48, "Version has 48 bytes");

/* PROCESSOR_ARCHITECTURE_INTEL, _AMD64, _ARM64 */
static inline uint16_t windows_arch_number(enum inf_arch arch)
{
	static const uint16_t numbers[] = { [INF_X86] = 0, [INF_AMD64] = 9, [INF_ARM64] = 12 };

	return numbers[arch];
}

#endif
