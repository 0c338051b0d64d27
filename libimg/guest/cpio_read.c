/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads newc cpio archives as Linux does:
 * Documentation/driver-api/early-userspace/buffer-format.rst and init/initramfs.c.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/cpio_read.h"

enum { CPIO_HEADER = 110, CPIO_FIELDS = 13 };

struct cpio_header {
	uint32_t inode, mode, links, size, major, minor, name_size, sum;
	bool summed;
	uint64_t off; /* of the header, for messages */
};

static int header_field(const uint8_t *digits, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < 8; i++) {
		uint8_t c = digits[i];
		uint8_t lower = c | 0x20;
		uint32_t digit;

		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			digit = (uint32_t)(lower - 'a' + 10);
		else
			return -1;
		*out = *out << 4 | digit;
	}
	return 0;
}

static int header_parse(const uint8_t *raw, struct cpio_header *h, struct error *e)
{
	uint32_t field[CPIO_FIELDS];

	if (memcmp(raw, "07070", 5) != 0 || (raw[5] != '1' && raw[5] != '2'))
		return error_set(
			e, ERR_CORRUPT, "no cpio header (newc) at offset %" PRIu64, h->off);
	for (size_t i = 0; i < CPIO_FIELDS; i++)
		if (header_field(raw + 6 + 8 * i, &field[i]))
			return error_set(e, ERR_CORRUPT,
				"cpio header at offset %" PRIu64 " has a field that is no number",
				h->off);
	*h = (struct cpio_header){ .inode = field[0],
		.mode = field[1],
		.links = field[4],
		.size = field[6],
		.major = field[7],
		.minor = field[8],
		.name_size = field[11],
		.sum = field[12],
		.summed = raw[5] == '2',
		.off = h->off };
	if (h->name_size < 2 || h->name_size > CPIO_NAME_LIMIT)
		return error_set(e, ERR_CORRUPT,
			"cpio header at offset %" PRIu64 " has a name of %" PRIu32 " bytes", h->off,
			h->name_size);
	return 0;
}

static int cut_off(const struct cpio_header *h, struct error *e)
{
	return error_set(e, ERR_CORRUPT,
		"archive is cut off inside the cpio entry whose header is at offset %" PRIu64,
		h->off);
}

/* Headers and contents begin at multiples of 4. */
static int stream_align(struct stream *s, const struct cpio_header *h, struct error *e)
{
	uint8_t padding[4];
	size_t want = (size_t)(-s->taken & 3), got;
	int rc = stream_read(s, padding, want, &got, e);

	if (!rc && got < want)
		return cut_off(h, e);
	return rc;
}

static int name_read(
	struct cpio_reader *r, struct stream *s, const struct cpio_header *h, struct error *e)
{
	size_t got;
	int rc;

	r->name.len = 0;
	rc = buffer_zeros(&r->name, h->name_size, e);
	if (!rc)
		rc = stream_read(s, r->name.data, h->name_size, &got, e);
	if (rc)
		return rc;
	if (got < h->name_size)
		return cut_off(h, e);
	if (memchr(r->name.data, 0, h->name_size) != r->name.data + h->name_size - 1)
		return error_set(e, ERR_CORRUPT,
			"cpio entry at offset %" PRIu64
			" has a name that does not end where it should",
			h->off);
	return stream_align(s, h, e);
}

/* Takes the content; into r->content when it is wanted. */
static int content_read(struct cpio_reader *r, struct stream *s, const struct cpio_header *h,
	bool keep, struct error *e)
{
	uint64_t left = h->size;
	uint32_t sum = 0;

	r->content.len = 0;
	while (left) {
		int rc = stream_fill(s, e);
		size_t n = (size_t)min_u64(s->out_len, left);

		if (!rc && !n)
			rc = cut_off(h, e);
		if (!rc && keep)
			rc = buffer_append(&r->content, s->out, n, e);
		if (rc)
			return rc;
		for (size_t i = 0; h->summed && i < n; i++)
			sum += s->out[i];
		stream_take(s, n);
		left -= n;
	}
	if (h->summed && S_ISREG(h->mode) && sum != h->sum)
		return error_set(e, ERR_CORRUPT,
			"cpio entry at offset %" PRIu64 " has checksum %08" PRIx32
			", not %08" PRIx32,
			h->off, sum, h->sum);
	return stream_align(s, h, e);
}

static int data_give(
	const struct cpio_reader *r, const struct initramfs_entry *entry, struct error *e)
{
	const struct initramfs_visitor *v = r->visitor;

	return v->data ? v->data(v->arg, entry, buffer_text(&r->content), r->content.len, e) : 0;
}

static bool link_is(const struct cpio_link *l, const struct cpio_header *h)
{
	return l->inode == h->inode && l->major == h->major && l->minor == h->minor;
}

static int link_keep(
	struct cpio_reader *r, const struct cpio_header *h, const char *name, struct error *e)
{
	struct cpio_link *grown;

	if (r->link_count == CPIO_LINK_LIMIT)
		return error_set(
			e, ERR_RANGE, "more than %d hard links without content", CPIO_LINK_LIMIT);
	grown = reallocarray(r->link, r->link_count + 1, sizeof(*grown));
	if (!grown)
		return error_nomem(e, "hard links");
	r->link = grown;
	r->link[r->link_count] = (struct cpio_link){ h->inode, h->major, h->minor, h->mode,
		strdup(name) };
	return r->link[r->link_count++].name ? 0 : error_nomem(e, "hard links");
}

/* Gives the content in hand to the links that wait for this inode; to all of them when `h` is NULL.
 */
static int links_give(struct cpio_reader *r, const struct cpio_header *h, struct error *e)
{
	size_t kept = 0;
	int rc = 0;

	for (size_t i = 0; i < r->link_count; i++) {
		struct cpio_link *l = &r->link[i];
		struct initramfs_entry entry = { .name = l->name,
			.mode = l->mode,
			.size = r->content.len,
			.segment = r->segment };

		if (h && !link_is(l, h)) {
			r->link[kept++] = *l;
			continue;
		}
		if (!rc)
			rc = data_give(r, &entry, e);
		free(l->name);
	}
	r->link_count = kept;
	return rc;
}

static bool links_wait(const struct cpio_reader *r, const struct cpio_header *h)
{
	for (size_t i = 0; i < r->link_count; i++)
		if (link_is(&r->link[i], h))
			return true;
	return false;
}

/* Content of a file; h->size may be zero. */
static int file_read(struct cpio_reader *r, struct stream *s, const struct cpio_header *h,
	const struct initramfs_entry *entry, bool wanted, struct error *e)
{
	bool waited = h->links > 1 && h->size && links_wait(r, h);
	int rc;

	if ((wanted || waited) && h->size > INITRAMFS_FILE_LIMIT)
		return error_set(e, ERR_RANGE, "%s has %" PRIu32 " bytes, more than %d",
			entry->name, h->size, INITRAMFS_FILE_LIMIT);
	if (wanted && h->links > 1 && !h->size)
		return link_keep(r, h, entry->name, e);
	rc = content_read(r, s, h, wanted || waited, e);
	if (!rc && wanted)
		rc = data_give(r, entry, e);
	if (!rc && waited)
		rc = links_give(r, h, e);
	return rc;
}

static const char *entry_name(const char *name)
{
	for (;;) {
		if (name[0] == '/' && name[1])
			name++;
		else if (name[0] == '.' && name[1] == '/' && name[2])
			name += 2;
		else
			return name;
	}
}

/* What an early archive for microcode and ACPI tables is made of; dracut marks it with a file
 * "early_cpio". */
static bool is_firmware(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "kernel") == 0 ||
		strncmp(name, "kernel/", 7) == 0 || strcmp(name, "early_cpio") == 0;
}

static int entry_read(
	struct cpio_reader *r, struct stream *s, const struct cpio_header *h, struct error *e)
{
	const struct initramfs_visitor *v = r->visitor;
	struct initramfs_entry entry = { .name = entry_name((const char *)r->name.data),
		.mode = h->mode,
		.size = h->size,
		.segment = r->segment };
	bool wanted;
	int rc;

	r->firmware_only = r->firmware_only && is_firmware(entry.name);
	if (S_ISLNK(h->mode)) {
		if (!h->size || h->size > CPIO_NAME_LIMIT)
			return error_set(e, ERR_CORRUPT,
				"symbolic link %s has a target of %" PRIu32 " bytes", entry.name,
				h->size);
		rc = content_read(r, s, h, true, e);
		if (rc)
			return rc;
		entry.link = buffer_text(&r->content);
	}
	wanted = v->entry && v->entry(v->arg, &entry);
	if (S_ISREG(h->mode))
		return file_read(r, s, h, &entry, wanted, e);
	return entry.link ? 0 : content_read(r, s, h, false, e);
}

int cpio_read_archive(struct cpio_reader *r, struct stream *s, bool *complete, struct error *e)
{
	*complete = false;
	while (!*complete) {
		struct cpio_header h = { .off = s->codec ? s->taken : stream_offset(s) };
		uint8_t raw[CPIO_HEADER];
		size_t got;
		int rc = stream_read(s, raw, sizeof(raw), &got, e);

		if (!rc && !got)
			break;
		if (!rc && got < sizeof(raw))
			rc = cut_off(&h, e);
		if (!rc)
			rc = header_parse(raw, &h, e);
		if (!rc)
			rc = name_read(r, s, &h, e);
		if (!rc && ++r->entries > INITRAMFS_ENTRY_LIMIT)
			rc = error_set(
				e, ERR_RANGE, "more than %d cpio entries", INITRAMFS_ENTRY_LIMIT);
		if (rc)
			return rc;
		*complete = strcmp((const char *)r->name.data, "TRAILER!!!") == 0;
		rc = *complete ? content_read(r, s, &h, false, e) : entry_read(r, s, &h, e);
		if (rc)
			return rc;
	}
	/* Links do not reach over a trailer; those still waiting are empty files. */
	r->content.len = 0;
	return links_give(r, NULL, e);
}

void cpio_reader_free(struct cpio_reader *r)
{
	for (size_t i = 0; i < r->link_count; i++)
		free(r->link[i].name);
	free(r->link);
	buffer_free(&r->name);
	buffer_free(&r->content);
}
