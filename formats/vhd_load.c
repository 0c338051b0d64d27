/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Footers and header of a VHD: which of them to believe, and whether what they say can be. */
#include "formats/vhd.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"

enum { OLD_FOOTER = 511 }; /* bytes of the footer of Virtual PC before 2004 */

static void footer_check(struct vhd_place *p)
{
	const struct vhd_footer *f = &p->footer;

	p->cookie = memcmp(f->cookie, "conectix", sizeof(f->cookie)) == 0;
	p->valid = p->cookie && get_be32(f->checksum) == vhd_footer_checksum(f);
}

int vhd_head_read(struct disk *file, struct vhd_place *p, struct error *e)
{
	int rc = disk_read(file, 0, &p->footer, sizeof(p->footer), e);

	p->off = 0;
	footer_check(p);
	return rc;
}

int vhd_tail_read(struct disk *file, struct vhd_place *p, struct error *e)
{
	uint8_t bytes[VHD_SECTOR + 1] = { 0 };
	bool old;
	int rc;

	p->off = file->size - VHD_SECTOR;
	rc = disk_read(file, p->off, bytes, VHD_SECTOR, e);
	if (rc)
		return rc;
	old = memcmp(bytes, "conectix", 8) != 0 && memcmp(bytes + 1, "conectix", 8) == 0;
	memcpy(&p->footer, bytes + old, sizeof(p->footer));
	if (old)
		p->off = file->size - OLD_FOOTER;
	footer_check(p);
	return 0;
}

static bool is_fixed(const struct vhd_place *p)
{
	return get_be32(p->footer.type) == VHD_FIXED;
}

static int damaged(const struct vhd_place *head, const struct vhd_place *tail, struct error *e)
{
	const struct vhd_place *p = tail->cookie ? tail : head;

	if (!p->cookie)
		return error_set(e, ERR_CORRUPT, "no VHD footer at the end nor at the start");
	if (p->valid)
		return error_set(e, ERR_CORRUPT,
			"the disk is fixed, but its footer is not at the end at %" PRIu64
			": the file is cut off",
			tail->off);
	return error_set(e, ERR_CORRUPT,
		"the footer at %" PRIu64 " has checksum %#x, not %#x, and there is no good copy",
		p->off, vhd_footer_checksum(&p->footer), get_be32(p->footer.checksum));
}

/* The footer at the end is the one that counts, its copy at the start the spare one. */
static int footer_choose(const struct vhd_place *head, const struct vhd_place *tail,
	const struct vhd_place **out, struct error *e)
{
	const struct vhd_footer *h = &head->footer, *t = &tail->footer;

	if (!tail->valid && (!head->valid || is_fixed(head)))
		return damaged(head, tail, e);
	*out = tail->valid ? tail : head;
	if (!tail->valid || tail->off == head->off)
		return 0;
	/* Guests can write into the first sector of a fixed disk, and other tools look there
	 * first: they would follow tables that the guest made up. */
	if (is_fixed(tail) && head->cookie)
		return error_set(e, ERR_REFUSED,
			"the footer says that the disk is fixed, but its first sector looks like a "
			"footer too; -f raw takes the file as it is");
	if (head->valid &&
		(get_be32(h->type) != get_be32(t->type) ||
			get_be64(h->data_offset) != get_be64(t->data_offset)))
		return error_set(e, ERR_CORRUPT,
			"the footer (type %u, header at %" PRIu64
			") and its copy (type %u, header at %" PRIu64 ") contradict each other",
			get_be32(t->type), get_be64(t->data_offset), get_be32(h->type),
			get_be64(h->data_offset));
	return 0;
}

/* A creator's name is four characters, filled up with blanks or NULs. */
static void creator_copy(const uint8_t from[4], char to[5])
{
	size_t len = 4;

	while (len && (from[len - 1] == ' ' || !from[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] > ' ' && from[i] < 0x7f ? (char)from[i] : '?';
	to[len] = 0;
}

static int version_check(const char *what, be32 version, struct error *e)
{
	uint32_t major = get_be32(version) >> 16;

	/* Minor versions may add fields, which readers then ignore. */
	if (major == VHD_VERSION >> 16)
		return 0;
	return error_set(e, ERR_UNSUPPORTED, "the %s has version %u.%u", what, major,
		get_be32(version) & 0xffff);
}

static int type_check(uint32_t type, struct error *e)
{
	if (type == VHD_FIXED || type == VHD_DYNAMIC || type == VHD_DIFFERENCING)
		return 0;
	return error_set(
		e, ERR_UNSUPPORTED, "disk type %u: neither fixed, dynamic nor differencing", type);
}

/*
 * Current Size is the size, whoever made the image.  Virtual PC, and qemu for some creators, take
 * cylinders * heads * sectors, which is up to a cylinder less: that could lose the guest's data,
 * one cylinder too many only adds sectors that nobody used.
 */
static int size_check(const struct vhd_image *m, struct error *e)
{
	if (!m->size || m->size % VHD_SECTOR || m->size > INT64_MAX)
		return error_set(e, ERR_CORRUPT,
			"the size of %" PRIu64 " bytes is no whole number of sectors that can be",
			m->size);
	if (m->type == VHD_FIXED && m->size > m->data_end)
		return error_set(e, ERR_CORRUPT,
			"the fixed disk has %" PRIu64 " bytes, but the file only %" PRIu64
			" in front of the footer: it is cut off",
			m->size, m->data_end);
	return 0;
}

static int footer_take(const struct vhd_footer *f, struct vhd_image *m, struct error *e)
{
	int rc = version_check("footer", f->version, e);

	if (!rc)
		rc = type_check(get_be32(f->type), e);
	if (rc)
		return rc;
	m->type = (enum vhd_type)get_be32(f->type);
	m->size = get_be64(f->current_size);
	m->id = vhd_id_get(f->id);
	m->header_offset = get_be64(f->data_offset);
	creator_copy(f->creator, m->creator);
	return size_check(m, e);
}

static int header_read(struct disk *file, uint64_t off, struct vhd_header *h, struct error *e)
{
	int rc;

	/* The first sector has the footer's copy. */
	if (off < VHD_SECTOR || !range_fits(off, sizeof(*h), file->size))
		return error_set(e, ERR_CORRUPT,
			"the dynamic disk header at %" PRIu64 " is not inside the file of %" PRIu64
			" bytes",
			off, file->size);
	rc = disk_read(file, off, h, sizeof(*h), e);
	if (rc)
		return rc;
	if (memcmp(h->cookie, "cxsparse", sizeof(h->cookie)) != 0)
		return error_set(e, ERR_CORRUPT, "no dynamic disk header at %" PRIu64, off);
	if (get_be32(h->checksum) != vhd_header_checksum(h))
		return error_set(e, ERR_CORRUPT,
			"the dynamic disk header has checksum %#x, not %#x", vhd_header_checksum(h),
			get_be32(h->checksum));
	return version_check("dynamic disk header", h->version, e);
}

/* The BAT may lie anywhere, but not over footer or header, and whole. */
static int table_check(struct disk *file, const struct vhd_image *m, struct error *e)
{
	uint64_t len = (uint64_t)m->entries * sizeof(be32);
	uint64_t off = m->table_offset;

	if (off < VHD_SECTOR || !range_fits(off, len, file->size))
		return error_set(e, ERR_CORRUPT,
			"the table of %u entries at %" PRIu64 " is not inside the file of %" PRIu64
			" bytes",
			m->entries, off, file->size);
	if (off < m->header_offset + sizeof(struct vhd_header) && m->header_offset < off + len)
		return error_set(e, ERR_CORRUPT,
			"the table at %" PRIu64 " overlaps the header at %" PRIu64, off,
			m->header_offset);
	return 0;
}

static int header_take(
	struct disk *file, const struct vhd_header *h, struct vhd_image *m, struct error *e)
{
	m->table_offset = get_be64(h->table_offset);
	m->entries = get_be32(h->entries);
	m->block_size = get_be32(h->block_size);
	if (m->block_size < VHD_SECTOR || !is_power_of_two(m->block_size))
		return error_set(e, ERR_CORRUPT, "block size %u is no power of two of at least 512",
			m->block_size);
	m->bitmap_size = vhd_bitmap_size(m->block_size);
	if (div_up(m->size, m->block_size) > m->entries)
		return error_set(e, ERR_CORRUPT,
			"%u table entries for blocks of %u bytes do not reach the disk's end at "
			"%" PRIu64,
			m->entries, m->block_size, m->size);
	return table_check(file, m, e);
}

static int footers_load(struct disk *file, struct vhd_image *m, struct error *e)
{
	const struct vhd_place *chosen = NULL;
	struct vhd_place head, tail;
	int rc;

	if (file->size < VHD_SECTOR)
		return error_set(e, ERR_CORRUPT, "%" PRIu64 " bytes are too few for a VHD footer",
			file->size);
	rc = vhd_head_read(file, &head, e);
	if (!rc)
		rc = vhd_tail_read(file, &tail, e);
	if (!rc)
		rc = footer_choose(&head, &tail, &chosen, e);
	if (rc)
		return rc;
	m->data_end = tail.valid ? tail.off : file->size;
	return footer_take(&chosen->footer, m, e);
}

int vhd_load(struct disk *file, struct vhd_image *m, struct error *e)
{
	struct vhd_header h;
	int rc;

	*m = (struct vhd_image){ 0 };
	rc = footers_load(file, m, e);
	if (rc || m->type == VHD_FIXED)
		return rc;
	rc = header_read(file, m->header_offset, &h, e);
	if (!rc)
		rc = header_take(file, &h, m, e);
	if (!rc && m->type == VHD_DIFFERENCING)
		rc = vhd_load_parent(file, &h, m, e);
	return rc;
}
