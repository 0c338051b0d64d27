/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections of a module, System V ABI chapter 4; every offset is checked before it is used. */
#include "guest/vermagic.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/decompress.h"

enum { SECTIONS_MAX = 0xff00, SYMBOLS_MAX = 1 << 20 };

static uint16_t read_le16(const uint8_t *at)
{
	return get_le16(*(const le16 *)at);
}

static uint32_t read_le32(const uint8_t *at)
{
	return get_le32(*(const le32 *)at);
}

static uint64_t read_le64(const uint8_t *at)
{
	return get_le64(*(const le64 *)at);
}

struct elf {
	const uint8_t *bytes;
	size_t len;
	uint64_t table; /* of section headers */
	uint16_t count, names;
};

struct section {
	uint32_t name, type, link;
	uint64_t off, size;
};

static int elf_open(const uint8_t *bytes, size_t len, struct elf *out, struct error *e)
{
	if (len < sizeof(Elf64_Ehdr) || memcmp(bytes, ELFMAG, SELFMAG) ||
		bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
		return error_set(e, ERR_UNSUPPORTED, "not a 64-bit little-endian ELF file");
	*out = (struct elf){ .bytes = bytes,
		.len = len,
		.table = read_le64(bytes + offsetof(Elf64_Ehdr, e_shoff)),
		.count = read_le16(bytes + offsetof(Elf64_Ehdr, e_shnum)),
		.names = read_le16(bytes + offsetof(Elf64_Ehdr, e_shstrndx)) };
	if (read_le16(bytes + offsetof(Elf64_Ehdr, e_shentsize)) != sizeof(Elf64_Shdr) ||
		!out->count || out->count > SECTIONS_MAX || out->names >= out->count ||
		!range_fits(out->table, (uint64_t)out->count * sizeof(Elf64_Shdr), len))
		return error_set(e, ERR_CORRUPT, "%u section headers at %" PRIu64 " of %zu bytes",
			out->count, out->table, len);
	return 0;
}

/* Its content lies within the file. */
static int section_at(const struct elf *f, uint32_t index, struct section *out, struct error *e)
{
	const uint8_t *h;

	if (index >= f->count)
		return error_set(e, ERR_CORRUPT, "section %" PRIu32 " of %u", index, f->count);
	h = f->bytes + f->table + index * sizeof(Elf64_Shdr);
	*out = (struct section){ .name = read_le32(h + offsetof(Elf64_Shdr, sh_name)),
		.type = read_le32(h + offsetof(Elf64_Shdr, sh_type)),
		.link = read_le32(h + offsetof(Elf64_Shdr, sh_link)),
		.off = read_le64(h + offsetof(Elf64_Shdr, sh_offset)),
		.size = read_le64(h + offsetof(Elf64_Shdr, sh_size)) };
	if (out->type != SHT_NOBITS && !range_fits(out->off, out->size, f->len))
		return error_set(e, ERR_CORRUPT,
			"section %" PRIu32 " has %" PRIu64 " bytes at %" PRIu64 " of %zu", index,
			out->size, out->off, f->len);
	return 0;
}

/* A text of a string table; NULL: it does not end there. */
static const char *text_at(const struct elf *f, const struct section *strings, uint64_t off)
{
	const char *text = (const char *)f->bytes + strings->off;

	if (strings->type == SHT_NOBITS || off >= strings->size ||
		!memchr(text + off, 0, (size_t)(strings->size - off)))
		return NULL;
	return text + off;
}

static int set_once(char **field, const char *value, struct error *e)
{
	size_t len = strlen(value);

	if (*field)
		return 0;
	while (len && value[len - 1] == ' ')
		len--;
	*field = strndup(value, len);
	return *field ? 0 : error_nomem(e, "a module");
}

static int field_take(const char *text, struct module_info *out, struct error *e)
{
	if (!strncmp(text, "vermagic=", 9))
		return set_once(&out->vermagic, text + 9, e);
	if (!strncmp(text, "name=", 5))
		return set_once(&out->name, text + 5, e);
	if (!strncmp(text, "depends=", 8))
		return strings_split(&out->depends, text + 8, ",", e);
	if (!strncmp(text, "alias=", 6))
		return strings_add(&out->aliases, text + 6, e);
	if (!strncmp(text, "softdep=", 8))
		return strings_add(&out->softdeps, text + 8, e);
	return 0;
}

/* Texts "NAME=VALUE", each ended by NUL, between them more NULs. */
static int modinfo_take(
	const struct elf *f, const struct section *s, struct module_info *out, struct error *e)
{
	int rc = 0;

	for (uint64_t off = 0; off < s->size && !rc;) {
		const char *text = text_at(f, s, off);

		if (!text)
			return error_set(e, ERR_CORRUPT, ".modinfo ends within a text");
		rc = field_take(text, out, e);
		off += strlen(text) + 1;
	}
	return rc;
}

/* Each exported symbol has a record that is called "__ksymtab_" and its name. */
static int symbols_take(
	const struct elf *f, const struct section *s, struct module_info *out, struct error *e)
{
	static const char prefix[] = "__ksymtab_";
	struct section strings;
	int rc = section_at(f, s->link, &strings, e);

	if (!rc && s->size / sizeof(Elf64_Sym) > SYMBOLS_MAX)
		rc = error_set(e, ERR_RANGE, "more than %d symbols", SYMBOLS_MAX);
	for (uint64_t off = 0; !rc && s->size - off >= sizeof(Elf64_Sym);
		off += sizeof(Elf64_Sym)) {
		const char *name = text_at(f, &strings, read_le32(f->bytes + s->off + off));

		if (!name)
			rc = error_set(e, ERR_CORRUPT, "a symbol's name is outside of its table");
		else if (!strncmp(name, prefix, sizeof(prefix) - 1))
			rc = strings_add(&out->exports, name + sizeof(prefix) - 1, e);
	}
	return rc;
}

static int sections_take(const struct elf *f, struct module_info *out, struct error *e)
{
	struct section names, s;
	int rc = section_at(f, f->names, &names, e);

	for (uint32_t i = 0; i < f->count && !rc; i++) {
		const char *name;

		rc = section_at(f, i, &s, e);
		name = rc ? NULL : text_at(f, &names, s.name);
		if (rc || !name || s.type == SHT_NOBITS)
			continue;
		if (!strcmp(name, ".modinfo"))
			rc = modinfo_take(f, &s, out, e);
		else if (s.type == SHT_SYMTAB)
			rc = symbols_take(f, &s, out, e);
	}
	if (!rc && !out->vermagic)
		rc = error_set(e, ERR_CORRUPT, "no vermagic in it: not a kernel module");
	return rc;
}

int module_info_read(const void *bytes, size_t len, struct module_info *out, struct error *e)
{
	struct module_info m = { 0 };
	struct buffer plain = { 0 };
	struct elf f;
	int rc = 0;

	if (codec_find(bytes, len)) {
		rc = decompress_file(bytes, len, MODULE_LIMIT, &plain, e);
		bytes = plain.data;
		len = plain.len;
	}
	if (!rc)
		rc = elf_open(bytes, len, &f, e);
	if (!rc) {
		m.machine = read_le16((const uint8_t *)bytes + offsetof(Elf64_Ehdr, e_machine));
		rc = sections_take(&f, &m, e);
	}
	buffer_free(&plain);
	if (rc)
		module_info_free(&m);
	else
		*out = m;
	return rc;
}

void module_info_free(struct module_info *m)
{
	free(m->name);
	free(m->vermagic);
	strings_free(&m->depends);
	strings_free(&m->aliases);
	strings_free(&m->softdeps);
	strings_free(&m->exports);
	*m = (struct module_info){ 0 };
}
