/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_HIVE_FORMAT_H
#define LIBIMG_GUEST_HIVE_FORMAT_H

#include "base/bytes.h"

/* What a hive is made of on the disk (msuhanov/regf).  Offsets in it are from the end of the base
 * block and name cells. */
enum {
	HIVE_BASE_SIZE = 4096,
	HIVE_SUM_AT = 508,
	HIVE_BIN_UNIT = 4096,
	HIVE_BIN_HEADER = 32,
	HIVE_CELL_HEADER = 4,
	HIVE_SEGMENT = 16344, /* bytes of data in each cell of a big value but the last */
	HIVE_DEPTH_LIMIT = 512, /* levels of keys, as in Windows */
	/* Of one key: well above what libhivex takes (70,000 keys, 110,000 values), for large
	 * SOFTWARE hives. */
	HIVE_SUBKEYS_LIMIT = 250000,
	HIVE_VALUES_LIMIT = 250000,
};

#define HIVE_NIL UINT32_MAX /* the offset of nothing */
#define HIVE_INLINE 0x80000000u /* in a value's size: the data is where its offset would be */

struct hive_base {
	char magic[4]; /* 0: "regf" */
	le32 primary; /* 4: sequence number, raised before the hive is written */
	le32 secondary; /* 8: and after */
	le64 written; /* 12: FILETIME */
	le32 major; /* 20: 1 */
	le32 minor; /* 24: 3 to 6 */
	le32 type; /* 28: enum hive_file_type */
	le32 format; /* 32: 1 */
	le32 root; /* 36: the root key's cell */
	le32 bins_size; /* 40 */
	le32 cluster; /* 44 */
	uint8_t name[64]; /* 48: UTF-16 */
	uint8_t ids[32]; /* 112 */
	le32 flags; /* 144: bit 0, of transactions */
	uint8_t rest[360]; /* 148 */
	le32 sum; /* 508: XOR of the words before; never 0 or all ones */
};

enum hive_file_type { HIVE_PRIMARY = 0, HIVE_OLD_LOG = 1, HIVE_OLDER_LOG = 2, HIVE_NEW_LOG = 6 };

struct hive_bin {
	char magic[4]; /* 0: "hbin" */
	le32 at; /* 4: its own offset */
	le32 size; /* 8: a multiple of 4096 */
	uint8_t reserved[8]; /* 12 */
	le64 written; /* 20: in the first one */
	le32 spare; /* 28 */
};

struct hive_key { /* "nk" */
	char magic[2]; /* 0 */
	le16 flags; /* 2 */
	le64 written; /* 4 */
	le32 access; /* 12 */
	le32 parent; /* 16 */
	le32 subkeys; /* 20 */
	le32 volatile_subkeys; /* 24 */
	le32 subkey_list; /* 28 */
	le32 volatile_list; /* 32 */
	le32 values; /* 36 */
	le32 value_list; /* 40 */
	le32 security; /* 44 */
	le32 class_name; /* 48 */
	le16 subkey_name_max; /* 52: bytes as UTF-16 */
	le16 user_flags; /* 54 */
	le32 class_max; /* 56 */
	le32 value_name_max; /* 60 */
	le32 value_data_max; /* 64 */
	le32 work; /* 68 */
	le16 name_len; /* 72: bytes */
	le16 class_len; /* 74 */
	uint8_t name[]; /* 76 */
};

struct hive_data { /* "vk", a value */
	char magic[2]; /* 0 */
	le16 name_len; /* 2: bytes */
	le32 size; /* 4: see HIVE_INLINE */
	le32 data; /* 8 */
	le32 type; /* 12 */
	le16 flags; /* 16 */
	le16 spare; /* 18 */
	uint8_t name[]; /* 20 */
};

enum {
	HIVE_KEY_COMPACT = 0x20, /* flag of a key: its name is Latin-1, not UTF-16 */
	HIVE_VALUE_COMPACT = 1, /* likewise of a value */
	HIVE_KEY_SIZE = 76,
	HIVE_DATA_SIZE = 20,
};

struct hive_security { /* "sk": one security descriptor, shared by keys, all in a ring */
	char magic[2]; /* 0 */
	le16 reserved; /* 2 */
	le32 next, previous; /* 4 */
	le32 users; /* 12 */
	le32 size; /* 16 */
	uint8_t descriptor[]; /* 20 */
};

/* "li" of keys; "lf" and "lh" of pairs of key and hint; "ri" of the former lists.  "db" has the
 * number of segments of a big value, then one offset of their list. */
struct hive_list {
	char magic[2]; /* 0 */
	le16 count; /* 2 */
	le32 item[]; /* 4 */
};

_Static_assert(sizeof(struct hive_base) == 512, "base block");
_Static_assert(sizeof(struct hive_bin) == HIVE_BIN_HEADER, "hbin");
_Static_assert(sizeof(struct hive_key) == HIVE_KEY_SIZE, "nk");
_Static_assert(sizeof(struct hive_data) == HIVE_DATA_SIZE, "vk");
_Static_assert(sizeof(struct hive_security) == 20, "sk");
_Static_assert(sizeof(struct hive_list) == 4, "lists");

#endif
