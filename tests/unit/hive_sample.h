/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest hive: a root key, one security descriptor, and free room. */
#ifndef TESTS_UNIT_HIVE_SAMPLE_H
#define TESTS_UNIT_HIVE_SAMPLE_H

#include <string.h>

#include "guest/hive_private.h"

enum {
	SAMPLE_SIZE = 8192,
	SAMPLE_ROOT = 0x20,
	SAMPLE_ROOT_SIZE = 88,
	SAMPLE_SECURITY = SAMPLE_ROOT + SAMPLE_ROOT_SIZE,
	SAMPLE_SECURITY_SIZE = 48,
	SAMPLE_FREE = SAMPLE_SECURITY + SAMPLE_SECURITY_SIZE,
};

static inline void sample_sum(uint8_t *file)
{
	struct hive_base *base = (void *)file;

	base->sum = put_le32(hive_sum(base));
}

static inline void *sample_at(uint8_t *file, uint32_t at)
{
	return file + HIVE_BASE_SIZE + at;
}

static inline void sample_base(uint8_t *file, unsigned minor)
{
	struct hive_base *base = (void *)file;
	struct hive_bin *bin = sample_at(file, 0);

	memset(file, 0, SAMPLE_SIZE);
	memcpy(base->magic, "regf", 4);
	base->primary = base->secondary = put_le32(7);
	base->written = bin->written = put_le64(0x01d5000000000000);
	base->major = put_le32(1);
	base->minor = put_le32(minor);
	base->format = put_le32(1);
	base->root = put_le32(SAMPLE_ROOT);
	base->bins_size = put_le32(SAMPLE_SIZE - HIVE_BASE_SIZE);
	base->cluster = put_le32(1);
	sample_sum(file);
	memcpy(bin->magic, "hbin", 4);
	bin->size = base->bins_size;
}

static inline void sample_hive(uint8_t *file, unsigned minor)
{
	struct hive_security *s;
	struct hive_key *k;
	uint32_t left = SAMPLE_SIZE - HIVE_BASE_SIZE - SAMPLE_FREE;

	sample_base(file, minor);
	*(le32 *)sample_at(file, SAMPLE_ROOT) = put_le32(0u - SAMPLE_ROOT_SIZE);
	*(le32 *)sample_at(file, SAMPLE_SECURITY) = put_le32(0u - SAMPLE_SECURITY_SIZE);
	*(le32 *)sample_at(file, SAMPLE_FREE) = put_le32(left);
	k = sample_at(file, SAMPLE_ROOT + 4);
	memcpy(k->magic, "nk", 2);
	k->flags = put_le16(HIVE_KEY_COMPACT | 4 | 8);
	k->written = put_le64(0x01d5111111111111);
	k->parent = k->subkey_list = k->volatile_list = k->value_list = k->class_name = put_le32(
		HIVE_NIL);
	k->security = put_le32(SAMPLE_SECURITY);
	k->name_len = put_le16(4);
	memcpy(k->name, "ROOT", 4);
	s = sample_at(file, SAMPLE_SECURITY + 4);
	memcpy(s->magic, "sk", 2);
	s->next = s->previous = put_le32(SAMPLE_SECURITY);
	s->users = put_le32(1);
	s->size = put_le32(20);
	s->descriptor[0] = 1;
}

#endif
