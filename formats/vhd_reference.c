/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a differencing VHD says of its parent: fields of the header, and locators behind it. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "formats/parent_path.h"
#include "formats/vhd_reader.h"
#include "formats/vhd_write.h"

enum {
	LOCATOR_ROOM = 4096, /* at least, as Windows: what is moved finds room for its new path */
	LOCATOR_MAX = 65536, /* bytes of a path that are kept */
};

/*
 * The absolute path on the Windows host to be is not known, and that on this one is nobody's
 * business: W2ku has the relative one too, as blktap and Xen Orchestra write it, for readers that
 * look only there.  The parent's timestamp stays 0, as Windows leaves it: the time of a file is
 * lost in copies, and is nothing that the bytes may depend on.
 */
int vhd_reference_make(const struct parent_spec *p, struct vhd_reference *r, struct error *e)
{
	static const char *const platforms[] = { "W2ku", "W2ru", "MacX" };
	int rc = windows_name_make(p->relative, &r->name, e);

	for (size_t i = 0; i < 3 && !rc; i++) {
		struct vhd_way *way = &r->way[r->ways++];

		memcpy(way->platform, platforms[i], sizeof(way->platform));
		rc = (i < 2 ? windows_path_make : file_url_make)(p->relative, &way->text, e);
	}
	if (!rc && r->name.len > VHD_PARENT_NAME_UNITS * sizeof(be16))
		rc = error_set(e, ERR_USAGE, "the parent's name has %zu characters, at most %u",
			r->name.len / sizeof(be16), (unsigned)VHD_PARENT_NAME_UNITS);
	return rc;
}

/* What lies outside of the file leads nowhere. */
static int way_keep(
	struct disk *file, const struct vhd_locator *l, struct vhd_reference *r, struct error *e)
{
	static const uint8_t unused[sizeof(l->platform)];
	struct vhd_way *way = &r->way[r->ways];
	uint64_t off = get_be64(l->offset);
	uint32_t len = get_be32(l->length);
	int rc;

	if (!memcmp(l->platform, unused, sizeof(unused)) || !len || len > LOCATOR_MAX ||
		!range_fits(off, len, file->size))
		return 0;
	r->ways++;
	memcpy(way->platform, l->platform, sizeof(way->platform));
	rc = buffer_zeros(&way->text, len, e);
	return rc ? rc : disk_read(file, off, way->text.data, len, e);
}

static int name_keep(const struct vhd_header *h, struct vhd_reference *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < VHD_PARENT_NAME_UNITS && !rc; i++) {
		const le16 unit = put_le16(get_be16(h->parent_name[i]));

		rc = buffer_append(&r->name, &unit, sizeof(unit), e);
	}
	return rc;
}

int vhd_reference_keep(struct disk *child, struct vhd_reference *r, struct error *e)
{
	struct vhd *v = vhd_of(child);
	struct vhd_header h;
	int rc = disk_read(v->file, v->image.header_offset, &h, sizeof(h), e);

	if (rc)
		return rc;
	r->timestamp = get_be32(h.parent_timestamp);
	rc = name_keep(&h, r, e);
	for (size_t i = 0; i < VHD_LOCATORS && !rc; i++)
		rc = way_keep(v->file, &h.locator[i], r, e);
	return rc;
}

void vhd_reference_free(struct vhd_reference *r)
{
	buffer_free(&r->name);
	for (size_t i = 0; i < VHD_LOCATORS; i++)
		buffer_free(&r->way[i].text);
}

uint64_t vhd_reference_place(struct vhd_reference *r, uint64_t off)
{
	for (size_t i = 0; i < r->ways; i++) {
		struct vhd_way *way = &r->way[i];

		way->offset = round_up(off, LOCATOR_ROOM);
		way->room = round_up(way->text.len, LOCATOR_ROOM);
		off = way->offset + way->room;
	}
	return round_up(off, LOCATOR_ROOM);
}

/* The room is counted in bytes, as Windows and blktap do, and not in sectors. */
static int way_write(
	struct output *file, const struct vhd_way *way, struct vhd_locator *out, struct error *e)
{
	uint8_t *room = calloc(1, way->room);
	int rc;

	if (!room)
		return error_nomem(e, "the parent's path");
	memcpy(room, way->text.data, way->text.len);
	rc = output_write(file, way->offset, room, way->room, e);
	free(room);
	memcpy(out->platform, way->platform, sizeof(out->platform));
	out->space = put_be32((uint32_t)way->room);
	out->length = put_be32((uint32_t)way->text.len);
	out->offset = put_be64(way->offset);
	return rc;
}

int vhd_reference_write(
	const struct vhd_reference *r, struct output *file, struct vhd_header *h, struct error *e)
{
	int rc = 0;

	h->parent_timestamp = put_be32(r->timestamp);
	for (size_t i = 0; i < r->name.len / 2; i++)
		h->parent_name[i] = (be16){ { r->name.data[2 * i + 1], r->name.data[2 * i] } };
	for (size_t i = 0; i < r->ways && !rc; i++)
		rc = way_write(file, &r->way[i], &h->locator[i], e);
	return rc;
}
