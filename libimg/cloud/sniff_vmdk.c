/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A VMDK as oslo.utils judges it: sparse ones with their descriptor, and descriptors alone. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/strings.h"
#include "cloud/sniff_private.h"

/* Hosted sparse extent header; the fields behind it do not matter here. */
struct sparse_header {
	uint8_t magic[4]; /* +0x00 "KDMV" */
	le32 version; /* +0x04 */
	le32 flags; /* +0x08 */
	le64 capacity; /* +0x0c sectors */
	le64 grain; /* +0x14 */
	le64 descriptor; /* +0x1c sector */
	le64 descriptor_size; /* +0x24 sectors */
	le32 entries; /* +0x2c of a grain table */
	le64 second_directory; /* +0x30 */
	le64 directory; /* +0x38 sector, or all ones: see the footer */
};

struct sparse_marker {
	le64 value; /* +0x00 */
	le32 size; /* +0x08 */
	le32 type; /* +0x0c */
	uint8_t pad[496]; /* +0x10 */
};

enum {
	DESCRIPTOR_AT = 1, /* sector */
	DESCRIPTOR_MAX = (1 << 20) - 1, /* bytes */
	FOOTER_SIZE = 3 * SNIFF_SECTOR, /* marker, header, end of stream */
	MARKER_FOOTER = 3,
};

static bool is_text(const struct sniff_head *head)
{
	size_t len = head->len < SNIFF_SECTOR ? head->len : SNIFF_SECTOR;

	for (size_t i = 0; i < len; i++)
		if (head->byte[i] > 0x7e || (head->byte[i] < 0x20 && !isspace(head->byte[i])))
			return false;
	return len >= sizeof(struct sparse_header);
}

/* The value of createType, in lower case; NULL: none of sane length. */
static const char *create_type(const char *descriptor, size_t *len)
{
	static const char key[] = "createtype=\"";
	const char *at = strstr(descriptor, key);
	const char *end;

	if (!at)
		return NULL;
	at += sizeof(key) - 1;
	end = strchr(at, '"');
	if (!end || end - at >= 64)
		return NULL;
	*len = (size_t)(end - at);
	return at;
}

static bool is_extent(const char *line)
{
	static const char *const access[] = { "rw", "rdonly", "noaccess" };
	size_t word = strcspn(line, " ");

	for (size_t i = 0; i < sizeof(access) / sizeof(*access); i++)
		if (strlen(access[i]) == word && !strncmp(line, access[i], word))
			return true;
	return false;
}

/* NULL, or what is wrong with the line. */
static const char *line_fault(char *line, bool *extent)
{
	const char *equals;
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#' || !strncmp(line, "ddb", 3))
		return NULL;
	equals = strchr(line, '=');
	if (equals && !memchr(line, ' ', (size_t)(equals - line)))
		return NULL;
	if (!is_extent(line))
		return "its descriptor has a line that is no comment, setting or extent";
	*extent = true;
	return strchr(line, '/') ? "an extent's file name has a slash in it" : NULL;
}

/* `text` is lower case, and cut up. */
static const char *descriptor_fault(char *text)
{
	bool extent = false;
	const char *fault, *type;
	char *line, *rest = text;
	size_t len = 0;

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c > 0x7f)
			return "its descriptor is not ASCII";
	type = create_type(text, &len);
	if (!type ||
		!((len == 16 && !strncmp(type, "monolithicsparse", len)) ||
			(len == 15 && !strncmp(type, "streamoptimized", len))))
		return "its createType is neither monolithicSparse nor streamOptimized";
	while ((line = strsep(&rest, "\n"))) {
		fault = line_fault(line, &extent);
		if (fault)
			return fault;
	}
	return extent ? NULL : "its descriptor has no extent";
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

static int judge_descriptor(
	struct disk *file, const struct sparse_header *h, struct sniff *s, struct error *e)
{
	uint64_t sectors = get_le64(h->descriptor_size);
	uint64_t len = sectors > DESCRIPTOR_MAX / SNIFF_SECTOR ? DESCRIPTOR_MAX
							       : sectors * SNIFF_SECTOR;
	const char *fault = "it has no descriptor in the file";
	char *text;
	int rc;

	if (!range_fits(SNIFF_SECTOR, len, file->size)) {
		sniff_fail(s, SNIFF_VMDK, "descriptor", fault);
		return 0;
	}
	text = calloc(1, (size_t)len + 1);
	if (!text)
		return error_nomem(e, "a VMDK's descriptor");
	rc = disk_read(file, SNIFF_SECTOR, text, (size_t)len, e);
	if (!rc) {
		lower(text);
		fault = descriptor_fault(text);
		if (fault)
			sniff_fail(s, SNIFF_VMDK, "descriptor", fault);
		else
			s->virtual_size[SNIFF_VMDK] = get_le64(h->capacity) * SNIFF_SECTOR;
	}
	free(text);
	return rc;
}

static bool marker_is(const uint8_t *sector, uint32_t type)
{
	struct sparse_marker m;

	memcpy(&m, sector, sizeof(m));
	for (size_t i = 0; i < sizeof(m.pad); i++)
		if (m.pad[i])
			return false;
	return !get_le32(m.size) && get_le32(m.type) == type && (type || !get_le64(m.value));
}

static const char *footer_fault(const struct sparse_header *head, const uint8_t *b)
{
	struct sparse_header foot;

	memcpy(&foot, b + SNIFF_SECTOR, sizeof(foot));
	if (memcmp(foot.magic, head->magic, 4) != 0 ||
		get_le32(foot.version) != get_le32(head->version))
		return "header and footer are of different versions";
	if (get_le64(foot.descriptor) != get_le64(head->descriptor) ||
		get_le64(foot.descriptor_size) != get_le64(head->descriptor_size))
		return "header and footer name different descriptors";
	if (get_le64(foot.directory) == UINT64_MAX)
		return "the footer names another footer";
	if (!marker_is(b, MARKER_FOOTER))
		return "the footer's marker is damaged";
	return marker_is(b + 2 * SNIFF_SECTOR, 0) ? NULL : "the end-of-stream marker is damaged";
}

static int judge_footer(
	struct disk *file, const struct sparse_header *h, struct sniff *s, struct error *e)
{
	uint8_t b[FOOTER_SIZE];
	const char *fault = "the file is too short for its footer";
	int rc = 0;

	if (file->size >= sizeof(b)) {
		rc = disk_read(file, file->size - sizeof(b), b, sizeof(b), e);
		if (!rc)
			fault = footer_fault(h, b);
	}
	if (!rc && fault)
		sniff_fail(s, SNIFF_VMDK, "footer", fault);
	return rc;
}

static int sniff_sparse(
	struct disk *file, const struct sniff_head *head, struct sniff *s, struct error *e)
{
	struct sparse_header h;
	uint32_t version;
	int rc = 0;

	s->match[SNIFF_VMDK] = true;
	if (head->len < sizeof(h)) {
		sniff_fail(s, SNIFF_VMDK, "structure", "the file is shorter than its header");
		return 0;
	}
	memcpy(&h, head->byte, sizeof(h));
	version = get_le32(h.version);
	if (version < 1 || version > 3 || get_le64(h.descriptor) != DESCRIPTOR_AT) {
		sniff_fail(s, SNIFF_VMDK, "structure",
			"it is not version 1 to 3 with its descriptor in the second sector");
		return 0;
	}
	if (get_le64(h.directory) == UINT64_MAX)
		rc = judge_footer(file, &h, s, e);
	return rc ? rc : judge_descriptor(file, &h, s, e);
}

/* A descriptor alone: its data is in other files, which is never taken. */
static void sniff_descriptor(const struct sniff_head *head, struct sniff *s)
{
	char text[sizeof(head->byte) + 1];
	const char *fault;
	size_t len;

	memcpy(text, head->byte, head->len);
	text[head->len] = '\0';
	lower(text);
	if (!create_type(text, &len))
		return;
	s->match[SNIFF_VMDK] = true;
	fault = descriptor_fault(text);
	if (fault)
		sniff_fail(s, SNIFF_VMDK, "descriptor", fault);
}

int sniff_vmdk(struct disk *file, const struct sniff_head *head, struct sniff *s, struct error *e)
{
	if (head->len >= 4 && !memcmp(head->byte, "KDMV", 4))
		return sniff_sparse(file, head, s, e);
	if (is_text(head))
		sniff_descriptor(head, s);
	return 0;
}
