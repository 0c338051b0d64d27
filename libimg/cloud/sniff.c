/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/sniff.h"

#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "cloud/sniff_private.h"

static const char *const names[SNIFF_COUNT] = { "raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi", "qed",
	"iso", "gpt", "luks" };

const char *sniff_name(enum sniff_format f)
{
	return names[f];
}

size_t sniff_matches(const struct sniff *s, enum sniff_format *one)
{
	size_t count = 0;

	*one = SNIFF_RAW;
	for (size_t i = 0; i < SNIFF_COUNT; i++)
		if (s->match[i]) {
			*one = (enum sniff_format)i;
			count++;
		}
	return count;
}

void sniff_fail(struct sniff *s, enum sniff_format format, const char *check, const char *why)
{
	if (s->failures < SNIFF_FAILURES)
		s->failure[s->failures++] = (struct sniff_failure){ format, check, why };
}

static uint64_t get_be(const uint8_t *at, size_t len)
{
	uint64_t n = 0;

	while (len--)
		n = n << 8 | *at++;
	return n;
}

static uint64_t get_le(const uint8_t *at, size_t len)
{
	uint64_t n = 0;

	while (len--)
		n = n << 8 | at[len];
	return n;
}

/* Incompatible features (+0x48): dirty, corrupt, data file, compression type. */
enum { QCOW2_DATA_FILE = 1 << 2, QCOW2_KNOWN = 0xf };

static void sniff_qcow2(const uint8_t *b, struct sniff *s)
{
	uint64_t version = get_be(b + 4, 4);
	uint64_t features = get_be(b + 0x48, 8);

	s->match[SNIFF_QCOW2] = true;
	s->virtual_size[SNIFF_QCOW2] = get_be(b + 0x18, 8);
	if (get_be(b + 8, 8))
		sniff_fail(s, SNIFF_QCOW2, "backing_file", "it has a backing file");
	/* Asked of version 2 too, where these bytes are not features yet. */
	if (features & QCOW2_DATA_FILE)
		sniff_fail(s, SNIFF_QCOW2, "data_file", "it keeps its data in another file");
	if (version != 2 && version != 3)
		sniff_fail(s, SNIFF_QCOW2, "unknown_features", "it is neither version 2 nor 3");
	else if (version == 3 && (features & ~(uint64_t)QCOW2_KNOWN))
		sniff_fail(s, SNIFF_QCOW2, "unknown_features",
			"it has an incompatible feature that oslo.utils does not know, such as "
			"extended_l2");
}

/* One of the four entries of an MBR, at +0x1be. */
struct mbr_entry {
	uint8_t boot; /* +0x0 */
	uint8_t start_chs[3]; /* +0x1 */
	uint8_t type; /* +0x4 */
	uint8_t end_chs[3]; /* +0x5 */
	le32 start; /* +0x8 */
	le32 sectors; /* +0xc */
};

enum { MBR_ENTRIES = 0x1be, MBR_COUNT = 4, MBR_PROTECTIVE = 0xee, FAT_FIXED_DISK = 0xf8 };

static const char *mbr_fault(const uint8_t *sector)
{
	static const uint8_t protective_start[3] = { 0, 2, 0 };
	struct mbr_entry entry[MBR_COUNT];
	bool used = false, protective = false, more = false;

	memcpy(entry, sector + MBR_ENTRIES, sizeof(entry));
	for (size_t i = 0; i < MBR_COUNT; i++) {
		if (entry[i].boot && entry[i].boot != 0x80)
			return "a partition's boot flag is neither 00 nor 80";
		used = used || entry[i].type;
		more = more || (i && entry[i].type);
		if (entry[i].type != MBR_PROTECTIVE)
			continue;
		protective = true;
		if (memcmp(entry[i].start_chs, protective_start, sizeof(protective_start)) != 0)
			return "the protective partition does not start at CHS 0/0/2";
		if (get_le32(entry[i].start) != 1)
			return "the protective partition does not start at sector 1";
	}
	if (protective && (more || entry[0].type != MBR_PROTECTIVE))
		return "there are partitions beside the protective one (a hybrid MBR)";
	return used ? NULL : "there is a boot sector's signature, but no partition";
}

static void sniff_gpt(const uint8_t *b, struct sniff *s, uint64_t size)
{
	const char *fault;

	if (get_le(b + 510, 2) != 0xaa55 || (b[0x10] == 2 && b[0x15] == FAT_FIXED_DISK))
		return;
	s->match[SNIFF_GPT] = true;
	s->virtual_size[SNIFF_GPT] = size;
	fault = mbr_fault(b);
	if (fault)
		sniff_fail(s, SNIFF_GPT, "mbr", fault);
}

/* Those that ask for a whole first sector. */
static void sniff_sector(const uint8_t *b, struct sniff *s, uint64_t size)
{
	if (!memcmp(b, "QFI\xfb", 4))
		sniff_qcow2(b, s);
	if (get_le(b + 0x40, 4) == 0xbeda107f) {
		s->match[SNIFF_VDI] = true;
		s->virtual_size[SNIFF_VDI] = get_le(b + 0x170, 8);
	}
	if (!memcmp(b, "QED", 4)) {
		s->match[SNIFF_QED] = true;
		sniff_fail(s, SNIFF_QED, "banned", "no one takes QED");
	}
	sniff_gpt(b, s, size);
}

static void sniff_vhd(const struct sniff_head *head, struct sniff *s)
{
	if (head->len < 8 || memcmp(head->byte, "conectix", 8) != 0)
		return;
	s->match[SNIFF_VHD] = true;
	if (head->len < SNIFF_SECTOR)
		sniff_fail(s, SNIFF_VHD, "structure", "the file is shorter than its first header");
	else
		s->virtual_size[SNIFF_VHD] = get_be(head->byte + 0x28, 8);
}

enum { LUKS_HEADER = 592 };

static void sniff_luks(const struct sniff_head *head, struct sniff *s, uint64_t size)
{
	static const uint8_t magic[6] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };
	uint64_t payload;

	if (head->len < sizeof(magic) || memcmp(head->byte, magic, sizeof(magic)) != 0)
		return;
	s->match[SNIFF_LUKS] = true;
	if (head->len < LUKS_HEADER) {
		sniff_fail(s, SNIFF_LUKS, "structure", "the file is shorter than its header");
		return;
	}
	payload = get_be(head->byte + 104, 4) * SNIFF_SECTOR;
	s->virtual_size[SNIFF_LUKS] = size > payload ? size - payload : 0;
	if (get_be(head->byte + 6, 2) != 1)
		sniff_fail(s, SNIFF_LUKS, "version", "it is not LUKS version 1");
}

enum { ISO_AT = 32768, ISO_SECTOR = 2048 };

static int sniff_iso(struct disk *file, struct sniff *s, struct error *e)
{
	uint8_t b[ISO_SECTOR];
	int rc;

	if (!range_fits(ISO_AT, ISO_SECTOR, file->size))
		return 0;
	rc = disk_read(file, ISO_AT, b, sizeof(b), e);
	if (rc ||
		(memcmp(b + 1, "CD001", 5) && memcmp(b + 1, "NSR02", 5) &&
			memcmp(b + 1, "NSR03", 5)))
		return rc;
	s->match[SNIFF_ISO] = true;
	if (b[0] == 1)
		s->virtual_size[SNIFF_ISO] = get_le(b + 80, 4) * get_le(b + 128, 2);
	return 0;
}

/* A VHD's footer is the last sector, or 511 bytes with some old writers. */
static int sniff_footer(struct disk *file, struct sniff *s, struct error *e)
{
	uint8_t b[SNIFF_SECTOR];
	const uint8_t *at = b;
	int rc;

	if (file->size < sizeof(b))
		return 0;
	rc = disk_read(file, file->size - sizeof(b), b, sizeof(b), e);
	if (rc)
		return rc;
	if (memcmp(at, "conectix", 8) != 0 && memcmp(++at, "conectix", 8) != 0)
		return 0;
	s->footer = (struct sniff_footer){
		.there = true,
		.original_size = get_be(at + 0x28, 8),
		.current_size = get_be(at + 0x30, 8),
		.type = (uint32_t)get_be(at + 0x3c, 4),
	};
	return 0;
}

int sniff_file(struct disk *file, struct sniff *out, struct error *e)
{
	struct sniff s = { 0 };
	struct sniff_head head = { .len = (size_t)min_u64(file->size, sizeof(head.byte)) };
	int rc = disk_read(file, 0, head.byte, head.len, e);

	if (rc)
		return rc;
	s.virtual_size[SNIFF_RAW] = file->size;
	if (head.len >= SNIFF_SECTOR)
		sniff_sector(head.byte, &s, file->size);
	sniff_vhd(&head, &s);
	sniff_luks(&head, &s, file->size);
	rc = sniff_iso(file, &s, e);
	if (!rc)
		rc = sniff_footer(file, &s, e);
	if (!rc && head.len >= 8 && !memcmp(head.byte, "vhdxfile", 8))
		rc = sniff_vhdx(file, &s, e);
	if (!rc)
		rc = sniff_vmdk(file, &head, &s, e);
	if (!rc)
		*out = s;
	return rc;
}
