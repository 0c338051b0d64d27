/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks a VHD: its footers, then what they lead to. */
#include "formats/vhd_check.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"

#define REPAIR "hvimg check --repair writes a copy with whole footers"

static const struct fault file_short = { "vhd-truncated", SEVERITY_ERROR, NULL };
static const struct fault footer_lost = { "vhd-footer-lost", SEVERITY_ERROR, NULL };
static const struct fault footer_missing = { "vhd-footer-missing", SEVERITY_ERROR, REPAIR };
static const struct fault footer_checksum = { "vhd-footer-checksum", SEVERITY_ERROR, REPAIR };
static const struct fault trailing_data = { "vhd-trailing-data", SEVERITY_ERROR, REPAIR };
static const struct fault copy_missing = { "vhd-copy-missing", SEVERITY_ERROR, REPAIR };
static const struct fault copy_checksum = { "vhd-copy-checksum", SEVERITY_ERROR, REPAIR };
static const struct fault copy_differs = { "vhd-copy-differs", SEVERITY_ERROR, NULL };
static const struct fault copy_stale = { "vhd-copy-stale", SEVERITY_WARNING, REPAIR };
static const struct fault copy_of_fixed = { "vhd-fixed-copy", SEVERITY_ERROR,
	"-f raw takes the file as it is" };
static const struct fault features_wrong = { "vhd-features", SEVERITY_WARNING, NULL };
static const struct fault version_unknown = { "vhd-version", SEVERITY_ERROR, NULL };
static const struct fault type_unknown = { "vhd-type", SEVERITY_ERROR, NULL };
static const struct fault saved_state = { "vhd-saved-state", SEVERITY_WARNING,
	"shut the machine down before its disk is used elsewhere" };
static const struct fault size_wrong = { "vhd-size", SEVERITY_ERROR, NULL };
static const struct fault size_large = { "vhd-size-limit", SEVERITY_WARNING,
	"convert it to VHDX, which holds up to 64 TiB" };
static const struct fault size_original = { "vhd-size-original", SEVERITY_WARNING, REPAIR };
static const struct fault fixed_next = { "vhd-data-offset", SEVERITY_WARNING, REPAIR };
static const struct fault fixed_size = { "vhd-fixed-size", SEVERITY_ERROR, NULL };

static bool is_fixed(const struct vhd_place *p)
{
	return get_be32(p->footer.type) == VHD_FIXED;
}

/* Looks for a footer in front of what was appended to the file. */
static int footer_search(struct vhd_check *v, struct vhd_place *found, struct error *e)
{
	enum { SEARCHED = 1 << 20 };
	uint64_t end = v->file->size - v->file->size % VHD_SECTOR;
	uint64_t least = end > SEARCHED ? end - SEARCHED : VHD_SECTOR;

	*found = (struct vhd_place){ 0 };
	for (uint64_t off = end; off > least && !found->valid;) {
		int rc;

		off -= VHD_SECTOR;
		rc = disk_read(v->file, off, &found->footer, VHD_SECTOR, e);
		if (rc)
			return rc;
		found->off = off;
		found->cookie = !memcmp(found->footer.cookie, "conectix", 8);
		found->valid = found->cookie &&
			get_be32(found->footer.checksum) == vhd_footer_checksum(&found->footer);
	}
	return 0;
}

/* The footer at the end.  One that is not the last sector replaces *tail. */
static int tail_check(struct vhd_check *v, struct vhd_place *tail, struct error *e)
{
	struct vhd_place found;
	int rc;

	if (tail->valid)
		return 0;
	if (tail->cookie)
		return check_find(v->c, &footer_checksum, tail->off, e,
			"the footer has checksum %#x, not %#x", vhd_footer_checksum(&tail->footer),
			get_be32(tail->footer.checksum));
	rc = footer_search(v, &found, e);
	if (rc)
		return rc;
	if (!found.valid)
		return check_find(
			v->c, &footer_missing, tail->off, e, "the file does not end with a footer");
	*tail = found;
	return check_find(v->c, &trailing_data, found.off + VHD_SECTOR, e,
		"%" PRIu64 " bytes follow the footer, which is the end of a VHD",
		v->file->size - found.off - VHD_SECTOR);
}

/* The copy at the start, which all but fixed disks have. */
static int head_check(struct vhd_check *v, const struct vhd_place *head, struct error *e)
{
	if (!head->cookie)
		return check_find(v->c, &copy_missing, 0, e,
			"the file does not start with a copy of the footer");
	if (head->valid)
		return 0;
	return check_find(v->c, &copy_checksum, 0, e,
		"the copy of the footer has checksum %#x, not %#x",
		vhd_footer_checksum(&head->footer), get_be32(head->footer.checksum));
}

/* Both are whole; what decides how the file is read has to be the same. */
static int pair_check(struct vhd_check *v, const struct vhd_footer *head,
	const struct vhd_footer *tail, struct error *e)
{
	if (memcmp(&head->type, &tail->type, sizeof(head->type)) != 0 ||
		memcmp(&head->data_offset, &tail->data_offset, sizeof(head->data_offset)) != 0 ||
		memcmp(&head->current_size, &tail->current_size, sizeof(head->current_size)) != 0)
		return check_lost(v->c, &copy_differs, 0, e,
			"the footer (type %u, %" PRIu64 " bytes, header at %" PRIu64
			") and its copy (type %u, %" PRIu64 " bytes, header at %" PRIu64
			") contradict each other",
			get_be32(tail->type), get_be64(tail->current_size),
			get_be64(tail->data_offset), get_be32(head->type),
			get_be64(head->current_size), get_be64(head->data_offset));
	/* By which children know the disk. */
	if (memcmp(head->id, tail->id, sizeof(head->id)) != 0)
		return check_find(v->c, &copy_differs, 68, e,
			"the footer and its copy have different unique ids");
	if (memcmp(head, tail, sizeof(*head)) != 0)
		return check_find(v->c, &copy_stale, 0, e,
			"the copy of the footer is whole, but not the same as the footer");
	return 0;
}

/* Leaves in *out the footer to go by, NULL when there is none. */
static int footers_check(struct vhd_check *v, const struct vhd_place *head, struct vhd_place *tail,
	const struct vhd_place **out, struct error *e)
{
	int rc = tail_check(v, tail, e);

	*out = tail->valid ? tail : head->valid && !is_fixed(head) ? head : NULL;
	if (!rc && *out && is_fixed(*out) && head->cookie && tail->off)
		return check_lost(v->c, &copy_of_fixed, 0, e,
			"the footer says that the disk is fixed, but its first sector looks like a "
			"footer too");
	if (!rc && !(tail->cookie && is_fixed(tail)))
		rc = head_check(v, head, e);
	if (!rc && !*out)
		rc = check_lost(v->c, &footer_lost, tail->off, e,
			"neither the footer nor a copy of it is whole");
	if (!rc && *out && head->valid && tail->valid && !is_fixed(*out))
		rc = pair_check(v, &head->footer, &tail->footer, e);
	return rc;
}

static int state_check(struct vhd_check *v, const struct vhd_place *p, struct error *e)
{
	const struct vhd_footer *f = &p->footer;
	uint32_t features = get_be32(f->features);
	int rc = 0;

	/* Bit 0: a temporary disk; bit 1 is always set. */
	if ((features & ~UINT32_C(1)) != VHD_RESERVED_FEATURE)
		rc = check_find(v->c, &features_wrong, p->off + 8, e,
			"features %#x: bit 1 has to be set, and only bit 0 may be besides",
			features);
	if (!rc && f->saved_state)
		rc = check_find(v->c, &saved_state, p->off + 84, e,
			"the disk belongs to a machine in saved state (%u)", f->saved_state);
	if (!rc && get_be64(f->original_size) != get_be64(f->current_size))
		rc = check_find(v->c, &size_original, p->off + 40, e,
			"the original size is %" PRIu64 " bytes, the current one %" PRIu64
			": some programs take the first",
			get_be64(f->original_size), get_be64(f->current_size));
	return rc;
}

static int size_check(struct vhd_check *v, const struct vhd_place *p, bool *good, struct error *e)
{
	uint64_t size = get_be64(p->footer.current_size);

	*good = size && size % VHD_SECTOR == 0 && size <= INT64_MAX;
	if (!*good)
		return check_lost(v->c, &size_wrong, p->off + 48, e,
			"the size of %" PRIu64 " bytes is no whole number of sectors that can be",
			size);
	if (size > VHD_MAX_SIZE)
		return check_find(v->c, &size_large, p->off + 48, e,
			"the disk has %" PRIu64 " bytes, a VHD may have 2040 GiB", size);
	return 0;
}

/* *good when the footer says where all else is. */
static int footer_check(struct vhd_check *v, const struct vhd_place *p, bool *good, struct error *e)
{
	uint32_t version = get_be32(p->footer.version), type = get_be32(p->footer.type);
	int rc;

	*good = false;
	if (version >> 16 != VHD_VERSION >> 16)
		return check_lost(v->c, &version_unknown, p->off + 12, e,
			"the footer has version %u.%u, only 1.0 is known", version >> 16,
			version & 0xffff);
	if (type != VHD_FIXED && type != VHD_DYNAMIC && type != VHD_DIFFERENCING)
		return check_lost(v->c, &type_unknown, p->off + 60, e,
			"disk type %u: neither fixed, dynamic nor differencing", type);
	rc = state_check(v, p, e);
	return rc ? rc : size_check(v, p, good, e);
}

static int fixed_check(struct vhd_check *v, const struct vhd_place *p, struct error *e)
{
	uint64_t size = get_be64(p->footer.current_size);
	int rc = 0;

	if (get_be64(p->footer.data_offset) != VHD_NOWHERE)
		rc = check_find(v->c, &fixed_next, p->off + 16, e,
			"a fixed disk has no header, but its footer says that one is at %" PRIu64,
			get_be64(p->footer.data_offset));
	if (!rc && size > p->off)
		rc = check_lost(v->c, &file_short, p->off, e,
			"the disk has %" PRIu64 " bytes, but only %" PRIu64
			" are in front of the footer: the file is cut off",
			size, p->off);
	if (!rc && size < p->off)
		rc = check_find(v->c, &fixed_size, p->off + 48, e,
			"the disk has %" PRIu64 " bytes, but %" PRIu64
			" are in front of the footer",
			size, p->off);
	return rc;
}

static int dynamic_check(struct vhd_check *v, struct error *e)
{
	bool good = false;
	int rc = vhd_check_header(v, &good, e);

	if (rc || !good)
		return rc;
	if (v->image.type == VHD_DIFFERENCING)
		rc = vhd_check_parent(v, e);
	if (!rc)
		rc = vhd_check_batmap(v, e);
	return rc ? rc : vhd_check_table(v, e);
}

int vhd_check(struct disk *file, struct check *c, struct error *e)
{
	struct vhd_check v = { .c = c, .file = file };
	const struct vhd_place *p = NULL;
	struct vhd_place head, tail;
	bool good = false;
	int rc;

	if (file->size < VHD_SECTOR)
		return check_lost(c, &file_short, 0, e,
			"%" PRIu64 " bytes are too few for a footer", file->size);
	rc = vhd_head_read(file, &head, e);
	if (!rc)
		rc = vhd_tail_read(file, &tail, e);
	if (!rc)
		rc = footers_check(&v, &head, &tail, &p, e);
	if (!rc && p)
		rc = footer_check(&v, p, &good, e);
	if (rc || !good)
		return rc;
	if (is_fixed(p))
		return fixed_check(&v, p, e);
	v.image = (struct vhd_image){
		.type = (enum vhd_type)get_be32(p->footer.type),
		.size = get_be64(p->footer.current_size),
		.data_end = tail.cookie || tail.valid ? tail.off : file->size,
		.header_offset = get_be64(p->footer.data_offset),
	};
	return dynamic_check(&v, e);
}

/* Both footers are gone, but a header is where every known creator puts it. */
bool vhd_remains(struct disk *file)
{
	struct vhd_header h;

	return file->size >= VHD_SECTOR + sizeof(h) &&
		!disk_read(file, VHD_SECTOR, &h, sizeof(h), NULL) &&
		!memcmp(h.cookie, "cxsparse", sizeof(h.cookie)) &&
		get_be32(h.checksum) == vhd_header_checksum(&h);
}
