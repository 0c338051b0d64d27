/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The extents of a disk, one behind the other, each a file that the descriptor names. */
#include <ctype.h>
#include <string.h>

#include "base/checked.h"
#include "formats/vmdk.h"

enum { CACHE = 4 << 20 }; /* bytes of tables, and as many of inflated grains, of all extents */

/* A name from an image, fit to be shown on a terminal. */
static void printable(const char *name, char *out, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		out[i] = iscntrl((unsigned char)name[i]) ? '?' : name[i];
	out[i] = '\0';
}

static int flat_open(struct vmdk_part *p, struct error *e)
{
	if (range_fits(p->off, p->size, p->file.disk->size))
		return 0;
	return error_set(e, ERR_CORRUPT,
		"%s: extent of %llu bytes at %llu is not inside the file of %llu bytes",
		p->file.path, (unsigned long long)p->size, (unsigned long long)p->off,
		(unsigned long long)p->file.disk->size);
}

/* The descriptor's size counts: the header's may be rounded up to whole grains. */
static int sparse_open(struct vmdk_part *p, struct disk *file, size_t cache, struct error *e)
{
	struct vmdk_sparse *s;
	int rc = vmdk_sparse_open(file, cache, &s, e);

	if (rc)
		return rc;
	p->sparse = s;
	if (p->size <= s->disk.size && s->disk.size - p->size < s->grain)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"the descriptor says that the extent has %llu bytes, its header says %llu",
		(unsigned long long)p->size, (unsigned long long)s->disk.size);
}

static int referred_open(struct vmdk *v, struct vmdk_part *p, const char *name,
	const struct open_options *o, struct error *e)
{
	struct reference r = { .path = name, .data = true };
	int rc = chain_open(o, &r, &p->file, e);

	if (rc)
		return rc;
	if (p->kind == VMDK_FLAT)
		return flat_open(p, e);
	rc = sparse_open(p, p->file.disk, CACHE / v->descriptor.lines, e);
	return rc ? error_prefix(e, "%s", p->file.path) : 0;
}

static void refuse_reference(struct vmdk *v, const char *name)
{
	char text[512];

	printable(name, text, sizeof(text));
	error_set(&v->refusal, ERR_REFUSED,
		"the image keeps its content in another file: %s; --allow-parent permits files in "
		"the image's folder, --allow-parent=DIR those in DIR",
		text);
}

static void refuse_delta(struct vmdk *v)
{
	char text[512];

	printable(v->descriptor.parent ? v->descriptor.parent : "(not named)", text, sizeof(text));
	error_set(&v->refusal, ERR_REFUSED,
		"the image is a delta: it holds only what differs from its parent %s", text);
}

/* The image's own file is the only extent. */
static int own_open(struct vmdk *v, struct vmdk_sparse *s, struct error *e)
{
	struct vmdk_part *p = &v->part[0];

	p->sparse = s;
	s->delta = v->descriptor.delta;
	if (v->descriptor.lines != 1 || p->kind != VMDK_SPARSE)
		return error_set(e, ERR_UNSUPPORTED,
			"sparse VMDK whose descriptor names %zu extents, or one that is not sparse",
			v->descriptor.lines);
	if (p->size <= s->disk.size && s->disk.size - p->size < s->grain)
		return 0;
	return error_set(e, ERR_CORRUPT,
		"the descriptor says that the disk has %llu bytes, the header says %llu",
		(unsigned long long)p->size, (unsigned long long)s->disk.size);
}

static int parts_place(struct vmdk *v, struct error *e)
{
	const struct vmdk_descriptor *d = &v->descriptor;

	for (size_t i = 0; i < d->lines; i++) {
		const struct vmdk_line *l = &d->line[i];

		v->part[i] = (struct vmdk_part){
			.start = v->disk.size, .size = l->size, .off = l->off, .kind = l->kind
		};
		if (!add_fits(v->disk.size, l->size, &v->disk.size) || v->disk.size > INT64_MAX)
			return error_set(
				e, ERR_UNSUPPORTED, "%zu extents of more than 8 EiB", d->lines);
	}
	v->parts = d->lines;
	return 0;
}

int vmdk_own_open(struct vmdk *v, struct vmdk_sparse *s, struct error *e)
{
	int rc = parts_place(v, e);

	if (rc)
		vmdk_sparse_close(s);
	else
		rc = own_open(v, s, e);
	if (!rc && v->descriptor.delta)
		refuse_delta(v);
	return rc;
}

int vmdk_parts_open(struct vmdk *v, const struct open_options *o, struct error *e)
{
	int rc = parts_place(v, e);

	if (!rc && v->descriptor.delta)
		refuse_delta(v);
	for (size_t i = 0; !rc && i < v->parts && !v->refusal.code; i++) {
		const char *name = v->descriptor.line[i].name;

		if (!name)
			continue;
		if (!chain_allowed(o))
			refuse_reference(v, name);
		else
			(void)referred_open(v, &v->part[i], name, o, &v->refusal);
	}
	return rc;
}

void vmdk_parts_close(struct vmdk *v)
{
	for (size_t i = 0; i < v->parts; i++) {
		vmdk_sparse_close(v->part[i].sparse);
		chain_file_close(&v->part[i].file);
	}
}

/* The part that holds guest offset `off`; empty ones hold none. */
static struct vmdk_part *part_at(struct vmdk *v, uint64_t off)
{
	size_t i = 0;

	while (off - v->part[i].start >= v->part[i].size)
		i++;
	return &v->part[i];
}

static int part_read(struct vmdk_part *p, uint64_t within, void *buf, size_t len, struct error *e)
{
	switch (p->kind) {
	case VMDK_FLAT:
		return disk_read(p->file.disk, p->off + within, buf, len, e);
	case VMDK_SPARSE:
		return disk_read(&p->sparse->disk, within, buf, len, e);
	case VMDK_ZERO:
		memset(buf, 0, len);
		return 0;
	}
	return error_set(e, ERR_CORRUPT, "no such kind of extent: %d", (int)p->kind);
}

int vmdk_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct vmdk *v = (struct vmdk *)d;
	uint8_t *out = buf;

	if (v->refusal.code)
		return error_set(e, (enum error_code)v->refusal.code, "%s", v->refusal.text);
	while (len) {
		struct vmdk_part *p = part_at(v, off);
		uint64_t within = off - p->start;
		size_t now = (size_t)min_u64(len, p->size - within);
		int rc = part_read(p, within, out, now, e);

		if (rc)
			return p->file.path ? error_prefix(e, "%s", p->file.path) : rc;
		out += now;
		off += now;
		len -= now;
	}
	return 0;
}

static int part_extent(struct vmdk_part *p, uint64_t within, struct extent *out, struct error *e)
{
	int rc;

	switch (p->kind) {
	case VMDK_FLAT:
		rc = disk_extent(p->file.disk, p->off + within, out, e);
		if (rc)
			return rc;
		/* What a host file does not say is that its bytes are where they are. */
		out->plain = !out->zero;
		out->stored = true;
		out->offset = out->plain ? p->off + within : 0;
		return 0;
	case VMDK_SPARSE:
		return disk_extent(&p->sparse->disk, within, out, e);
	case VMDK_ZERO:
		*out = (struct extent){ .length = p->size - within, .zero = true };
		return 0;
	}
	return error_set(e, ERR_CORRUPT, "no such kind of extent: %d", (int)p->kind);
}

int vmdk_extent(struct disk *d, uint64_t off, struct extent *out, struct error *e)
{
	struct vmdk *v = (struct vmdk *)d;
	struct vmdk_part *p = part_at(v, off);
	bool own = p->sparse && !p->file.disk;
	int rc = 0;

	/* Nothing is known of files that may not be opened. */
	*out = (struct extent){ .length = p->size - (off - p->start) };
	if (own || !v->refusal.code)
		rc = part_extent(p, off - p->start, out, e);
	if (rc)
		return p->file.path ? error_prefix(e, "%s", p->file.path) : rc;
	out->length = min_u64(out->length, p->size - (off - p->start));
	if (out->plain && p->file.path)
		out->file = p->file.path;
	return 0;
}
