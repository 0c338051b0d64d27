/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * diskboot.img, which loads the rest by its block list; lzma_decompress.img; and packed with LZMA
 * the kernel and behind it the modules, each with a header.  GRUB 2: include/grub/offsets.h,
 * include/grub/kernel.h, util/mkimage.c.
 */
#include "guest/grub_core.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"

enum {
	FILE_LIMIT = 1 << 20,
	/* of a PC's memory */
	LINK_ADDRESS = 0x9000, /* where the kernel runs */
	DECOMPRESS_ADDRESS = 0x8200,
	CORE_END = 0x78000,
	KERNEL_END = 0x68000,
	/* diskboot.img: one entry of its block list, at the end */
	LIST_START = 0x1f4,
	LIST_LENGTH = 0x1fc,
	LIST_SEGMENT = 0x1fe,
	SEGMENT = 0x820,
	/* lzma_decompress.img */
	COMPRESSED_SIZE = 0x08,
	UNCOMPRESSED_SIZE = 0x0c,
	DICTIONARY = 1 << 16,
	/* modules */
	INFO_MAGIC = 0x676d696d, /* "mimg" */
	INFO_SIZE = 12,
	HEADER_SIZE = 8,
	OBJECT_ELF = 0,
	OBJECT_CONFIG = 2,
	OBJECT_PREFIX = 3,
	/* ELF, System V ABI */
	ELF_EXECUTABLE = 2,
	ELF_386 = 3,
	ELF_LOAD = 1,
	PROGRAM_LIMIT = 16,
};

struct elf_header {
	uint8_t ident[16];
	le16 type, machine; /* 16 */
	le32 version, entry, program_offset, section_offset, flags; /* 20 */
	le16 size, program_size, program_count; /* 40 */
	le16 section_size, section_count, names; /* 46 */
};
_Static_assert(sizeof(struct elf_header) == 52, "Elf32_Ehdr");

struct elf_program {
	le32 type, offset, virtual_address, physical_address; /* 0 */
	le32 file_size, memory_size, flags, alignment; /* 16 */
};
_Static_assert(sizeof(struct elf_program) == 32, "Elf32_Phdr");

int grub_file_read(const struct grub_core *c, const char *name, size_t limit, struct buffer *out,
	struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", c->directory, name);

	buffer_free(out);
	if (!rc)
		rc = tree_read(c->tree, buffer_text(&path), limit, out, e);
	if (rc)
		error_prefix(e, "%s", buffer_text(&path));
	buffer_free(&path);
	return rc;
}

static int corrupt(const struct grub_core *c, const char *name, const char *what, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "%s/%s: %s", c->directory, name, what);
}

static bool is_elf_386(const struct elf_header *h)
{
	return !memcmp(h->ident, "\177ELF\1\1", 6) && get_le16(h->type) == ELF_EXECUTABLE &&
		get_le16(h->machine) == ELF_386 &&
		get_le16(h->program_size) == sizeof(struct elf_program) &&
		get_le16(h->program_count) <= PROGRAM_LIMIT;
}

/* The only program header that is loaded; false: there is not exactly one, or it is not inside. */
static bool program_find(const struct buffer *file, struct elf_program *out)
{
	struct elf_header h;
	size_t found = 0;

	if (file->len < sizeof(h))
		return false;
	memcpy(&h, file->data, sizeof(h));
	if (!is_elf_386(&h) ||
		!range_fits(get_le32(h.program_offset),
			(uint64_t)get_le16(h.program_count) * sizeof(*out), file->len))
		return false;
	for (size_t i = 0; i < get_le16(h.program_count); i++) {
		struct elf_program p;

		memcpy(&p, file->data + get_le32(h.program_offset) + i * sizeof(p), sizeof(p));
		if (get_le32(p.type) != ELF_LOAD)
			continue;
		*out = p;
		found++;
	}
	return found == 1 && get_le32(out->virtual_address) == LINK_ADDRESS &&
		range_fits(get_le32(out->offset), get_le32(out->file_size), file->len) &&
		get_le32(out->memory_size) <= KERNEL_END - LINK_ADDRESS;
}

static int kernel_append(const struct grub_core *c, struct buffer *out, struct error *e)
{
	struct elf_program p = { 0 };
	struct buffer file = { 0 };
	int rc = grub_file_read(c, "kernel.img", FILE_LIMIT, &file, e);

	if (!rc && !program_find(&file, &p))
		rc = corrupt(c, "kernel.img", "not GRUB's kernel for a BIOS", e);
	if (!rc)
		rc = buffer_append(out, file.data + get_le32(p.offset), get_le32(p.file_size), e);
	buffer_free(&file);
	return rc;
}

static int put32(struct buffer *b, uint32_t n, struct error *e)
{
	const le32 v = put_le32(n);

	return buffer_append(b, &v, sizeof(v), e);
}

static int object_append(
	struct buffer *out, uint32_t type, const void *bytes, size_t len, struct error *e)
{
	const size_t padded = (size_t)round_up(len, 4);
	int rc = put32(out, type, e);

	if (!rc)
		rc = put32(out, (uint32_t)(padded + HEADER_SIZE), e);
	if (!rc)
		rc = buffer_append(out, bytes, len, e);
	return rc ? rc : buffer_zeros(out, padded - len, e);
}

static int modules_append(const struct grub_core *c, struct buffer *out, struct error *e)
{
	struct buffer file = { 0 };
	struct strings modules = { 0 };
	int rc = grub_file_read(c, "moddep.lst", FILE_LIMIT, &file, e);

	if (!rc)
		rc = grub_modules_resolve(buffer_text(&file), c->modules, &modules, e);
	for (size_t i = 0; i < modules.count && !rc; i++) {
		struct buffer name = { 0 };

		rc = buffer_format(&name, e, "%s.mod", modules.item[i]);
		if (!rc)
			rc = grub_file_read(c, buffer_text(&name), FILE_LIMIT, &file, e);
		if (!rc)
			rc = object_append(out, OBJECT_ELF, file.data, file.len, e);
		if (!rc && out->len > CORE_END)
			rc = error_set(e, ERR_RANGE, "the modules are too large for a core image");
		buffer_free(&name);
	}
	buffer_free(&file);
	strings_free(&modules);
	return rc;
}

/* What is packed: the kernel, and "mimg", where the modules begin, how many bytes all are. */
static int payload_make(const struct grub_core *c, struct buffer *out, struct error *e)
{
	struct buffer objects = { 0 };
	int rc = modules_append(c, &objects, e);

	if (!rc)
		rc = object_append(&objects, OBJECT_CONFIG, c->config, strlen(c->config) + 1, e);
	if (!rc)
		rc = object_append(&objects, OBJECT_PREFIX, c->prefix, strlen(c->prefix) + 1, e);
	if (!rc)
		rc = kernel_append(c, out, e);
	if (!rc)
		rc = put32(out, INFO_MAGIC, e);
	if (!rc)
		rc = put32(out, INFO_SIZE, e);
	if (!rc)
		rc = put32(out, (uint32_t)(INFO_SIZE + objects.len), e);
	if (!rc)
		rc = buffer_append(out, objects.data, objects.len, e);
	buffer_free(&objects);
	return rc;
}

/* The decompressor has these numbers built in, and knows the size. */
static int payload_pack(const struct buffer *payload, struct buffer *out, struct error *e)
{
	lzma_options_lzma o;
	const lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA1, .options = &o },
		{ .id = LZMA_VLI_UNKNOWN } };
	const size_t room = payload->len + payload->len / 2 + 1024;
	size_t len = 0;
	int rc = buffer_reserve(out, room, e);

	if (rc)
		return rc;
	if (lzma_lzma_preset(&o, 9))
		return error_set(e, ERR_UNSUPPORTED, "liblzma has no encoder for LZMA");
	o.dict_size = DICTIONARY;
	o.lc = 3;
	o.lp = 0;
	o.pb = 2;
	if (lzma_raw_buffer_encode(
		    filters, NULL, payload->data, payload->len, out->data + out->len, &len, room))
		return error_nomem(e, "GRUB's core image");
	out->len += len;
	return 0;
}

static void patch32(struct buffer *b, size_t at, uint32_t n)
{
	const le32 v = put_le32(n);

	memcpy(b->data + at, &v, sizeof(v));
}

/* The decompressor, and behind it what it unpacks. */
static int loaded_make(const struct grub_core *c, struct buffer *out, struct error *e)
{
	struct buffer payload = { 0 };
	size_t size = 0;
	int rc = payload_make(c, &payload, e);

	if (!rc)
		rc = grub_file_read(
			c, "lzma_decompress.img", LINK_ADDRESS - DECOMPRESS_ADDRESS, out, e);
	if (!rc && out->len < UNCOMPRESSED_SIZE + sizeof(le32))
		rc = corrupt(c, "lzma_decompress.img", "too short", e);
	size = out->len;
	if (!rc)
		rc = payload_pack(&payload, out, e);
	if (!rc && out->len > CORE_END - LINK_ADDRESS)
		rc = error_set(e, ERR_RANGE, "the core image has %zu bytes, more than a PC loads",
			out->len);
	if (!rc) {
		patch32(out, COMPRESSED_SIZE, (uint32_t)(out->len - size));
		patch32(out, UNCOMPRESSED_SIZE, (uint32_t)payload.len);
		rc = buffer_zeros(out, (size_t)round_up(out->len, GRUB_SECTOR) - out->len, e);
	}
	buffer_free(&payload);
	return rc;
}

static int loader_make(
	const struct grub_core *c, uint64_t sectors, struct buffer *out, struct error *e)
{
	const le64 start = put_le64(c->sector + 1);
	const le16 length = put_le16((uint16_t)sectors), segment = put_le16(SEGMENT);
	int rc = grub_file_read(c, "diskboot.img", GRUB_SECTOR, out, e);

	if (rc)
		return rc;
	if (out->len != GRUB_SECTOR || memcmp(out->data + LIST_SEGMENT, &segment, sizeof(segment)))
		return corrupt(c, "diskboot.img", "not the first sector of a core image", e);
	memcpy(out->data + LIST_START, &start, sizeof(start));
	memcpy(out->data + LIST_LENGTH, &length, sizeof(length));
	return 0;
}

int grub_core_make(const struct grub_core *c, struct buffer *out, struct error *e)
{
	struct buffer loaded = { 0 };
	int rc = loaded_make(c, &loaded, e);

	if (!rc)
		rc = loader_make(c, loaded.len / GRUB_SECTOR, out, e);
	if (!rc)
		rc = buffer_append(out, loaded.data, loaded.len, e);
	buffer_free(&loaded);
	return rc;
}
