/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A PE image whose one section grows: Microsoft, "PE Format". */
#include "guest/pe_grow.h"

#include <inttypes.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	/* In the COFF header, its signature included; in the optional header; in a section header.
	 */
	COFF_SYMBOLS = 12,
	OPTIONAL_DATA_SIZE = 8,
	OPTIONAL_ENTRY = 16,
	OPTIONAL_IMAGE_SIZE = 56,
	OPTIONAL_CHECKSUM = 64,
	SECTION_SIZE = 40,
	SECTION_MEMORY = 8,
	SECTION_ADDRESS = 12,
	SECTION_STORED = 16,
	SECTION_OFFSET = 20,
	PIECE = 64 << 10,
};

struct grow {
	struct pe pe;
	struct pe_grown *out;
	size_t index; /* of the section */
	uint64_t stored; /* bytes in the file that it gets */
	uint64_t behind; /* address of the next section; UINT64_MAX: none */
	uint64_t up; /* how far those behind move in memory */
};

static uint32_t get(const struct grow *g, size_t at)
{
	const uint8_t *p = g->out->headers.data + at;

	return get_le32((le32){ { p[0], p[1], p[2], p[3] } });
}

static void set(struct grow *g, size_t at, uint64_t value)
{
	const le32 v = put_le32((uint32_t)value);

	memcpy(g->out->headers.data + at, &v, sizeof(v));
}

static int section_find(struct grow *g, const char *name, struct error *e)
{
	const struct pe_section *s = pe_section(&g->pe, name);
	size_t same = 0;

	for (size_t i = 0; i < g->pe.section_count; i++)
		same += !strcmp(g->pe.section[i].name, name);
	if (!s || !s->size)
		return error_set(e, ERR_NOTFOUND, "the image has no section %s", name);
	if (same > 1)
		return error_set(e, ERR_UNSUPPORTED, "the image has %zu sections %s", same, name);
	g->index = (size_t)(s - g->pe.section);
	return 0;
}

/* Where the section ends in the file, and that nothing else is in it. */
static int place_find(struct grow *g, struct error *e)
{
	const struct pe_section *s = &g->pe.section[g->index];
	const uint64_t end = (uint64_t)s->offset + s->size;
	uint64_t next = UINT64_MAX;

	g->behind = UINT64_MAX;
	for (size_t i = 0; i < g->pe.section_count; i++) {
		const struct pe_section *o = &g->pe.section[i];

		if (o == s)
			continue;
		if (o->address >= s->address)
			g->behind = min_u64(g->behind, o->address);
		if (!o->size)
			continue;
		if (o->offset < end && s->offset < (uint64_t)o->offset + o->size)
			return error_set(e, ERR_UNSUPPORTED,
				"sections %s and %s share bytes of the file", s->name, o->name);
		if (o->offset >= end)
			next = min_u64(next, o->offset);
	}
	if (s->offset < g->pe.table + g->pe.section_count * SECTION_SIZE)
		return error_set(e, ERR_UNSUPPORTED, "section %s is inside the headers", s->name);
	g->out->start = s->offset;
	g->out->end = next == UINT64_MAX ? end : next;
	return 0;
}

/* What points by address must not point at what moves. */
static int pointers_check(const struct grow *g, struct error *e)
{
	const size_t optional = g->pe.optional, at = optional + (g->pe.is_64 ? 112 : 96);
	size_t count = get(g, at - 4);

	if (!g->up)
		return 0;
	if (get(g, optional + OPTIONAL_ENTRY) >= g->behind)
		return error_set(e, ERR_UNSUPPORTED, "the image's code is behind its %s",
			g->pe.section[g->index].name);
	for (size_t i = 0; i < count && at + 8 * i + 8 <= g->pe.table; i++)
		if (get(g, at + 8 * i + 4) && get(g, at + 8 * i) >= g->behind)
			return error_set(e, ERR_UNSUPPORTED,
				"directory %zu of the image is behind its %s", i,
				g->pe.section[g->index].name);
	return 0;
}

static int sections_move(struct grow *g, uint64_t size, struct error *e)
{
	uint64_t image_size = 0;

	for (size_t i = 0; i < g->pe.section_count; i++) {
		const struct pe_section *s = &g->pe.section[i];
		const size_t at = g->pe.table + i * SECTION_SIZE;
		uint64_t address = s->address, memory = max_u64(s->memory_size, s->size);

		if (i == g->index) {
			memory = size;
			set(g, at + SECTION_MEMORY, size);
			set(g, at + SECTION_STORED, g->stored);
		} else if (s->size && s->offset >= g->out->end) {
			set(g, at + SECTION_OFFSET, s->offset - g->out->end + g->out->follows);
		}
		if (i != g->index && address >= g->behind)
			address += g->up;
		set(g, at + SECTION_ADDRESS, address);
		image_size = max_u64(
			image_size, round_up(address + memory, g->pe.section_alignment));
	}
	image_size = max_u64(image_size, g->pe.image_size);
	if (image_size > UINT32_MAX || g->out->size > UINT32_MAX)
		return error_set(e, ERR_RANGE,
			"the image would have %" PRIu64 " bytes, and %" PRIu64 " in memory",
			g->out->size, image_size);
	set(g, g->pe.optional + OPTIONAL_IMAGE_SIZE, image_size);
	return 0;
}

static int layout_make(struct grow *g, uint64_t size, struct error *e)
{
	const struct pe_section *s = &g->pe.section[g->index];
	const size_t symbols = g->pe.header + COFF_SYMBOLS,
		     data = g->pe.optional + OPTIONAL_DATA_SIZE;
	struct pe_grown *out = g->out;
	uint64_t memory_end;
	int rc;

	if (size > UINT32_MAX)
		return error_set(e, ERR_RANGE, "section of %" PRIu64 " bytes", size);
	g->stored = round_up(size, g->pe.file_alignment);
	out->follows = out->start + g->stored;
	out->size = out->follows + (g->pe.size - out->end);
	memory_end = round_up(s->address + size, g->pe.section_alignment);
	g->up = memory_end > g->behind ? memory_end - g->behind : 0;
	g->up = round_up(g->up, g->pe.section_alignment);
	rc = pointers_check(g, e);
	if (!rc)
		rc = sections_move(g, size, e);
	if (rc)
		return rc;
	if (get(g, symbols) >= out->end)
		set(g, symbols, get(g, symbols) - out->end + out->follows);
	if (!s->code)
		set(g, data, get(g, data) - s->size + g->stored);
	return 0;
}

/* The sum of all 16-bit words, carries added in, and the length. */
static int checksum_make(struct grow *g, struct error *e)
{
	const size_t at = g->pe.optional + OPTIONAL_CHECKSUM;
	uint8_t piece[PIECE];
	uint64_t sum = 0;

	/* Zero means that nobody made one, and firmware asks for none. */
	if (!g->pe.checksum)
		return 0;
	set(g, at, 0);
	for (uint64_t off = 0; off < g->out->size; off += PIECE) {
		size_t len = (size_t)min_u64(PIECE, g->out->size - off);
		int rc = pe_grown_read(g->out, off, piece, len, e);

		if (rc)
			return rc;
		for (size_t i = 0; i < len; i++)
			sum += (uint64_t)piece[i] << (i & 1 ? 8 : 0);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	set(g, at, sum + g->out->size);
	return 0;
}

int pe_grow(const struct initramfs_source *source, const char *section,
	const struct initramfs_source *content, struct pe_grown *out, struct error *e)
{
	struct grow g = { .out = out };
	int rc = pe_read(source, &g.pe, e);

	*out = (struct pe_grown){ .old = source, .content = content };
	if (rc)
		return rc;
	if (g.pe.certificate_size)
		rc = error_set(e, ERR_UNSUPPORTED, "the image is signed");
	if (!rc)
		rc = section_find(&g, section, e);
	if (!rc)
		rc = place_find(&g, e);
	if (!rc)
		rc = buffer_zeros(&out->headers, g.pe.table + g.pe.section_count * SECTION_SIZE, e);
	if (!rc)
		rc = source->read(source->arg, 0, out->headers.data, out->headers.len, e);
	if (!rc)
		rc = layout_make(&g, content->size, e);
	if (!rc)
		rc = checksum_make(&g, e);
	pe_free(&g.pe);
	if (rc)
		pe_grown_free(out);
	return rc;
}

/* A part of one kind: headers, what was before the section, the section, zeros, what was behind. */
static int part_read(const struct pe_grown *g, uint64_t off, void *buf, size_t len, size_t *done,
	struct error *e)
{
	const uint64_t content = g->start + g->content->size;

	if (off < g->headers.len) {
		*done = (size_t)min_u64(len, g->headers.len - off);
		memcpy(buf, g->headers.data + off, *done);
		return 0;
	}
	if (off < g->start) {
		*done = (size_t)min_u64(len, g->start - off);
		return g->old->read(g->old->arg, off, buf, *done, e);
	}
	if (off < content) {
		*done = (size_t)min_u64(len, content - off);
		return g->content->read(g->content->arg, off - g->start, buf, *done, e);
	}
	if (off < g->follows) {
		*done = (size_t)min_u64(len, g->follows - off);
		memset(buf, 0, *done);
		return 0;
	}
	*done = (size_t)min_u64(len, g->size - off);
	return g->old->read(g->old->arg, g->end + (off - g->follows), buf, *done, e);
}

int pe_grown_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct pe_grown *g = arg;
	uint8_t *to = buf;

	if (!range_fits(off, len, g->size))
		return error_set(
			e, ERR_RANGE, "%zu bytes at %" PRIu64 " of %" PRIu64, len, off, g->size);
	while (len) {
		size_t done;
		int rc = part_read(g, off, to, len, &done, e);

		if (rc)
			return rc;
		to += done;
		off += done;
		len -= done;
	}
	return 0;
}

void pe_grown_free(struct pe_grown *g)
{
	buffer_free(&g->headers);
	*g = (struct pe_grown){ 0 };
}
