/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a GRUB for UEFI looks for its files: section "mods" has objects, as behind the kernel of a
 * core image.  GRUB 2, include/grub/kernel.h. */
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "guest/grub_core.h"
#include "guest/pe.h"
#include "guest/tree_file.h"

enum {
	INFO_MAGIC = 0x676d696d, /* "mimg" */
	OBJECT_PREFIX = 3,
	OBJECT_LIMIT = 4096,
};

/* struct grub_module_info64 */
struct info {
	le32 magic, padding;
	le64 offset, size; /* of the objects, from here; of all */
};
_Static_assert(sizeof(struct info) == 24, "grub_module_info64");

struct object {
	le32 type, size; /* with this header */
};

static int no_grub(const struct tree_file *f, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "%s: not a GRUB with modules built in", f->path);
}

static int prefix_take(
	struct tree_file *f, uint64_t at, uint64_t size, struct buffer *out, struct error *e)
{
	char text[256] = "";
	int rc;

	if (size >= sizeof(text))
		return no_grub(f, e);
	rc = tree_file_read(f, at, text, (size_t)size, e);
	return rc ? rc : buffer_string(out, text, e);
}

static int prefix_find(
	struct tree_file *f, const struct pe_section *s, struct buffer *out, struct error *e)
{
	const uint64_t end = (uint64_t)s->offset + s->size;
	struct object o;
	struct info info;
	uint64_t at;
	int rc;

	if (s->size < sizeof(info))
		return no_grub(f, e);
	rc = tree_file_read(f, s->offset, &info, sizeof(info), e);
	if (rc)
		return rc;
	if (get_le32(info.magic) != INFO_MAGIC || get_le64(info.offset) > s->size)
		return no_grub(f, e);
	at = s->offset + get_le64(info.offset);
	for (unsigned i = 0; i < OBJECT_LIMIT && range_fits(at, sizeof(o), end); i++) {
		rc = tree_file_read(f, at, &o, sizeof(o), e);
		if (rc)
			return rc;
		if (get_le32(o.size) < sizeof(o) || !range_fits(at, get_le32(o.size), end))
			break;
		if (get_le32(o.type) == OBJECT_PREFIX)
			return prefix_take(f, at + sizeof(o), get_le32(o.size) - sizeof(o), out, e);
		at += get_le32(o.size);
	}
	return no_grub(f, e);
}

int grub_prefix_read(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct tree_file f = { .tree = t, .path = path };
	struct initramfs_source source;
	const struct pe_section *s;
	struct pe pe = { 0 };
	int rc = tree_file_source(&f, &source, e);

	if (rc)
		return rc;
	rc = pe_read(&source, &pe, e);
	if (rc)
		return error_prefix(e, "%s", path);
	s = pe_section(&pe, "mods");
	rc = s ? prefix_find(&f, s, out, e) : no_grub(&f, e);
	pe_free(&pe);
	return rc;
}
