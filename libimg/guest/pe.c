/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Headers of a PE image: Microsoft, "PE Format". */
#include "guest/pe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	DOS_SIZE = 64,
	HEADER_SIZE = 24, /* signature and COFF header */
	OPTIONAL_LIMIT = 4096,
	DIRECTORIES_32 = 96, /* where the data directories begin */
	DIRECTORIES_64 = 112,
	DIRECTORY_CERTIFICATE = 4,
	CONTAINS_CODE = 0x20,
	IS_CODE = 0x20000000,
	MAGIC_32 = 0x10b,
	MAGIC_64 = 0x20b,
};

struct section_header {
	char name[8];
	le32 memory_size, address, size, offset, relocations, lines;
	le16 relocation_count, line_count;
	le32 flags;
};
_Static_assert(sizeof(struct section_header) == 40, "PE section header");

static uint16_t at16(const uint8_t *p)
{
	return get_le16((le16){ { p[0], p[1] } });
}

static uint32_t at32(const uint8_t *p)
{
	return get_le32((le32){ { p[0], p[1], p[2], p[3] } });
}

static int part_read(const struct initramfs_source *s, uint64_t off, void *buf, size_t len,
	const char *what, struct error *e)
{
	if (!range_fits(off, len, s->size))
		return error_set(e, ERR_CORRUPT,
			"the PE image is cut off: %s at offset %" PRIu64 " of %" PRIu64, what, off,
			s->size);
	return s->read(s->arg, off, buf, len, e);
}

static int alignment_check(const struct pe *pe, struct error *e)
{
	if (!is_power_of_two(pe->file_alignment) || !is_power_of_two(pe->section_alignment) ||
		pe->file_alignment > pe->section_alignment)
		return error_set(e, ERR_CORRUPT,
			"PE image with a section alignment of %" PRIu32
			" and a file alignment of %" PRIu32,
			pe->section_alignment, pe->file_alignment);
	return 0;
}

/* The certificate table is named by file offset, unlike all other directories. */
static int certificate_take(struct pe *pe, const uint8_t *header, size_t len, struct error *e)
{
	const size_t at = pe->is_64 ? DIRECTORIES_64 : DIRECTORIES_32;
	const size_t entry = at + 8 * (size_t)DIRECTORY_CERTIFICATE;

	if (len < entry + 8 || at32(header + at - 4) <= DIRECTORY_CERTIFICATE)
		return 0;
	pe->certificate_offset = at32(header + entry);
	pe->certificate_size = at32(header + entry + 4);
	if (!pe->certificate_size) {
		pe->certificate_offset = 0;
		return 0;
	}
	if (pe->certificate_offset % 8 || pe->certificate_size < 8 ||
		!range_fits(pe->certificate_offset, pe->certificate_size, pe->size))
		return error_set(e, ERR_CORRUPT,
			"certificate table of %" PRIu32 " bytes at offset %" PRIu32 " of %" PRIu64,
			pe->certificate_size, pe->certificate_offset, pe->size);
	return 0;
}

static int optional_take(struct pe *pe, const uint8_t *header, size_t len, struct error *e)
{
	const uint16_t magic = len >= 2 ? at16(header) : 0;
	int rc;

	if ((magic != MAGIC_32 && magic != MAGIC_64) ||
		len < (magic == MAGIC_64 ? DIRECTORIES_64 : DIRECTORIES_32))
		return error_set(e, ERR_CORRUPT,
			"PE optional header of %zu bytes and type 0x%" PRIx16, len, magic);
	pe->is_64 = magic == MAGIC_64;
	pe->section_alignment = at32(header + 32);
	pe->file_alignment = at32(header + 36);
	pe->image_size = at32(header + 56);
	pe->headers_size = at32(header + 60);
	pe->checksum = at32(header + 64);
	pe->subsystem = at16(header + 68);
	rc = alignment_check(pe, e);
	return rc ? rc : certificate_take(pe, header, len, e);
}

static int section_take(struct pe *pe, const struct section_header *h, struct error *e)
{
	struct pe_section *s = &pe->section[pe->section_count++];
	const uint32_t flags = get_le32(h->flags);

	*s = (struct pe_section){ .address = get_le32(h->address),
		.memory_size = get_le32(h->memory_size),
		.offset = get_le32(h->offset),
		.size = get_le32(h->size),
		.code = (flags & (CONTAINS_CODE | IS_CODE)) != 0 };
	memcpy(s->name, h->name, sizeof(h->name));
	if (s->size && !range_fits(s->offset, s->size, pe->size))
		return error_set(e, ERR_CORRUPT,
			"PE section %zu has %" PRIu32 " bytes at offset %" PRIu32 " of %" PRIu64,
			pe->section_count, s->size, s->offset, pe->size);
	if (!range_fits(s->address, max_u64(s->memory_size, s->size), UINT32_MAX))
		return error_set(e, ERR_CORRUPT,
			"PE section %zu of %" PRIu32 " bytes is loaded at 0x%" PRIx32,
			pe->section_count, s->memory_size, s->address);
	return 0;
}

static int sections_read(
	const struct initramfs_source *source, size_t count, struct pe *pe, struct error *e)
{
	struct section_header header[PE_SECTION_LIMIT];
	int rc;

	if (!count || count > PE_SECTION_LIMIT)
		return error_set(e, ERR_CORRUPT, "PE image of %zu sections", count);
	rc = part_read(source, pe->table, header, count * sizeof(*header), "section table", e);
	if (rc)
		return rc;
	pe->section = calloc(count, sizeof(*pe->section));
	if (!pe->section)
		return error_nomem(e, "PE sections");
	for (size_t i = 0; i < count && !rc; i++)
		rc = section_take(pe, &header[i], e);
	return rc;
}

static int headers_read(const struct initramfs_source *source, struct pe *pe, struct error *e)
{
	uint8_t dos[DOS_SIZE], header[HEADER_SIZE], optional[OPTIONAL_LIMIT];
	size_t optional_size;
	int rc = part_read(source, 0, dos, sizeof(dos), "header", e);

	if (rc)
		return rc;
	if (memcmp(dos, "MZ", 2))
		return error_set(
			e, ERR_CORRUPT, "no PE image: it begins with 0x%02x%02x", dos[0], dos[1]);
	pe->header = at32(dos + 60);
	rc = part_read(source, pe->header, header, sizeof(header), "PE header", e);
	if (rc)
		return rc;
	if (memcmp(header, "PE\0", 4))
		return error_set(e, ERR_CORRUPT, "no PE signature at offset %" PRIu32, pe->header);
	pe->machine = at16(header + 4);
	optional_size = at16(header + 20);
	if (optional_size > OPTIONAL_LIMIT)
		return error_set(e, ERR_CORRUPT, "PE optional header of %zu bytes", optional_size);
	/* The header was inside the file, and the file of a size that 32 bits tell. */
	pe->optional = pe->header + HEADER_SIZE;
	pe->table = pe->optional + (uint32_t)optional_size;
	rc = part_read(source, pe->optional, optional, optional_size, "optional header", e);
	if (!rc)
		rc = optional_take(pe, optional, optional_size, e);
	return rc ? rc : sections_read(source, at16(header + 6), pe, e);
}

int pe_read(const struct initramfs_source *source, struct pe *out, struct error *e)
{
	struct pe pe = { .size = source->size };
	int rc;

	if (source->size > UINT32_MAX)
		return error_set(
			e, ERR_CORRUPT, "no PE image: it has %" PRIu64 " bytes", source->size);
	rc = headers_read(source, &pe, e);
	if (rc)
		pe_free(&pe);
	else
		*out = pe;
	return rc;
}

const struct pe_section *pe_section(const struct pe *pe, const char *name)
{
	for (size_t i = 0; i < pe->section_count; i++)
		if (!strcmp(pe->section[i].name, name))
			return &pe->section[i];
	return NULL;
}

void pe_free(struct pe *pe)
{
	free(pe->section);
	*pe = (struct pe){ 0 };
}
