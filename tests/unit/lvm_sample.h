/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_LVM_SAMPLE_H
#define TESTS_UNIT_LVM_SAMPLE_H

/* Made-up physical volumes of LVM2, written byte by byte. */
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc.h"

enum {
	PV_AREA = 4096, /* where the first metadata area is */
	PV_AREA_SIZE = 61440,
	PV_START = 65536, /* of the extents */
	PV_EXTENT = 65536,
};

#define PV_ID_A "AAAAAA-0000-1111-2222-3333-4444-555555"
#define PV_ID_B "BBBBBB-0000-1111-2222-3333-4444-555555"

static inline void put32(uint8_t *to, uint32_t n)
{
	le32 v = put_le32(n);

	memcpy(to, &v, sizeof(v));
}

static inline void put64(uint8_t *to, uint64_t n)
{
	le64 v = put_le64(n);

	memcpy(to, &v, sizeof(v));
}

static inline uint32_t lvm_sum(const uint8_t *bytes, size_t len)
{
	return crc32_plain(0xf597a6cf, bytes, len);
}

/* The label, in the second sector; `last` is where a second metadata area is, 0: there is none. */
static inline void pv_label(uint8_t *pv, uint64_t size, const char *id, uint64_t last)
{
	uint8_t *label = pv + 512, *at = label + 32;

	memset(label, 0, 512);
	memcpy(label, "LABELONE", 8);
	put64(label + 8, 1);
	put32(label + 20, 32);
	memcpy(label + 24, "LVM2 001", 8);
	for (; *id; id++)
		if (*id != '-')
			*at++ = (uint8_t)*id;
	put64(at, size);
	put64(at + 8, PV_START);
	at += 40; /* size, one data area, end of list */
	put64(at, PV_AREA);
	put64(at + 8, PV_AREA_SIZE);
	if (last) {
		put64(at + 16, last);
		put64(at + 24, PV_AREA_SIZE);
	}
	put32(label + 16, lvm_sum(label + 20, 492));
}

/* A metadata area with `text` at `at` of its ring. */
static inline void pv_text(uint8_t *pv, uint64_t area, uint64_t at, const char *text)
{
	uint8_t *header = pv + area;
	size_t len = strlen(text) + 1;

	memset(header, 0, 512);
	memcpy(header + 4, " LVM2 x[5A%r0N*>", 16);
	put32(header + 20, 1);
	put64(header + 24, area);
	put64(header + 32, PV_AREA_SIZE);
	put64(header + 40, at);
	put64(header + 48, len);
	put32(header + 56, lvm_sum((const uint8_t *)text, len));
	put32(header, lvm_sum(header + 4, 508));
	for (size_t i = 0; i < len; i++) {
		header[at++] = (uint8_t)text[i];
		if (at == PV_AREA_SIZE)
			at = 512;
	}
}

/* A group "g-1" of the two PVs, 16 and 32 extents, with these volumes. */
#define GROUP_TEXT(number, volumes)                                                                \
	"g-1 {\nid = \"gggggg-0000-1111-2222-3333-4444-555555\"\nseqno = " number                  \
	"\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nflags = []\nextent_size = 128\n"        \
	"physical_volumes {\n"                                                                     \
	"pv0 {\nid = \"" PV_ID_A "\"\ndevice = \"/dev/sda\" # hint\nstatus = [\"ALLOCATABLE\"]\n"  \
	"pe_start = 128\npe_count = 16\n}\n"                                                       \
	"pv1 {\nid = \"" PV_ID_B "\"\nflags = []\npe_start = 128\npe_count = 32\n}\n}\n"           \
	"logical_volumes {\n" volumes "}\n}\ncontents = \"Text Format Volume Group\"\n"            \
	"version = 1\ndescription = \"a \\\"quoted\\\" one\"\n"

#define LV_TEXT(name, status, count, segments)                                                     \
	name " {\nid = \"llllll-0000-1111-2222-3333-4444-555555\"\nstatus = [" status              \
	     "]\nsegment_count = " count "\n" segments "}\n"
#define VISIBLE "\"READ\", \"WRITE\", \"VISIBLE\""
#define SEGMENT_TEXT(name, start, extents, more)                                                   \
	name " {\nstart_extent = " start "\nextent_count = " extents "\n" more "}\n"
#define LINEAR(pv, at) "type = \"striped\"\nstripe_count = 1\nstripes = [\"" pv "\", " at "]\n"

#endif
