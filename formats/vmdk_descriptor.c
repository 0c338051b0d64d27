/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text that describes a disk: lines of KEY=VALUE, and one line an extent. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "formats/vmdk.h"

static const char *const types_read[] = { "monolithicSparse", "streamOptimized", "monolithicFlat",
	"twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "vmfs", NULL };

enum { HAS_TYPE = 1 << 0, HAS_CID = 1 << 1, HAS_PARENT_CID = 1 << 2, HAS_HINT = 1 << 3 };

/* A text from an image, fit to be shown: cut at the first byte that is not printable ASCII. */
static int shown(const char *text)
{
	int len = 0;

	while (len < 64 && text[len] > ' ' - 1 && text[len] < 0x7f)
		len++;
	return len;
}

static char *trim(char *s)
{
	size_t len;

	s += strspn(s, " \t\r");
	len = strlen(s);
	while (len && strchr(" \t\r", s[len - 1]))
		s[--len] = '\0';
	return s;
}

/* The value without the quotes around it. */
static char *unquote(char *s)
{
	size_t len = strlen(s);

	if (len < 2 || s[0] != '"' || s[len - 1] != '"')
		return s;
	s[len - 1] = '\0';
	return s + 1;
}

static int number_parse(char **s, uint64_t *out, struct error *e)
{
	char *end = *s;

	errno = 0;
	if (isdigit((unsigned char)**s))
		*out = strtoull(*s, &end, 10);
	if (end == *s || errno || *out > INT64_MAX / VMDK_SECTOR ||
		(*end && !isspace((unsigned char)*end)))
		return error_set(
			e, ERR_CORRUPT, "descriptor: %.*s is no number of sectors", shown(*s), *s);
	*out *= VMDK_SECTOR;
	*s = end + strspn(end, " \t");
	return 0;
}

static int type_set(struct vmdk_descriptor *d, const char *value, struct error *e)
{
	for (const char *const *known = types_read; *known; known++) {
		if (!strcasecmp(*known, value)) {
			d->type = *known;
			return 0;
		}
	}
	return error_set(
		e, ERR_UNSUPPORTED, "VMDK of type %.*s, which is not read", shown(value), value);
}

static int cid_parse(const char *value, uint32_t *out, struct error *e)
{
	size_t digits = strspn(value, "0123456789abcdefABCDEF");

	if (!digits || digits > 8 || value[digits])
		return error_set(
			e, ERR_CORRUPT, "descriptor: %.*s is no content id", shown(value), value);
	*out = (uint32_t)strtoul(value, NULL, 16);
	return 0;
}

/* Two readers could differ in which of two values they take. */
static int once(unsigned *seen, unsigned bit, const char *key, struct error *e)
{
	if (*seen & bit)
		return error_set(e, ERR_CORRUPT, "descriptor: %s is there twice", key);
	*seen |= bit;
	return 0;
}

static int key_parse(
	struct vmdk_descriptor *d, unsigned *seen, const char *key, char *value, struct error *e)
{
	uint32_t parent;
	int rc;

	if (!strcasecmp(key, "createType")) {
		rc = once(seen, HAS_TYPE, key, e);
		return rc ? rc : type_set(d, value, e);
	}
	if (!strcasecmp(key, "CID")) {
		rc = once(seen, HAS_CID, key, e);
		d->has_cid = true;
		return rc ? rc : cid_parse(value, &d->cid, e);
	}
	if (!strcasecmp(key, "parentCID")) {
		rc = once(seen, HAS_PARENT_CID, key, e);
		if (!rc)
			rc = cid_parse(value, &parent, e);
		if (!rc)
			d->delta |= parent != UINT32_MAX;
		return rc;
	}
	if (!strcasecmp(key, "parentFileNameHint")) {
		rc = once(seen, HAS_HINT, key, e);
		d->delta = true;
		if (!rc && strlen(value) > VMDK_NAME_MAX)
			rc = error_set(
				e, ERR_CORRUPT, "descriptor: name of %zu bytes", strlen(value));
		if (!rc && !(d->parent = strdup(value)))
			rc = error_nomem(e, "a file name");
		return rc;
	}
	return 0;
}

static int kind_parse(char **s, enum vmdk_kind *out, struct error *e)
{
	size_t len = strcspn(*s, " \t");
	const char *kind = *s;

	*s += len;
	*s += strspn(*s, " \t");
	if ((len == 4 && !strncasecmp(kind, "FLAT", 4)) ||
		(len == 4 && !strncasecmp(kind, "VMFS", 4)))
		*out = VMDK_FLAT;
	else if (len == 6 && !strncasecmp(kind, "SPARSE", 6))
		*out = VMDK_SPARSE;
	else if (len == 4 && !strncasecmp(kind, "ZERO", 4))
		*out = VMDK_ZERO;
	else
		return error_set(e, ERR_UNSUPPORTED, "VMDK extent of type %.*s, which is not read",
			(int)min_u64(len, (uint64_t)shown(kind)), kind);
	return 0;
}

static int name_parse(char **s, struct vmdk_line *line, struct error *e)
{
	char *end = **s == '"' ? strchr(*s + 1, '"') : NULL;
	size_t len;

	if (!end)
		return error_set(
			e, ERR_CORRUPT, "descriptor: no file name in quotes: %.*s", shown(*s), *s);
	len = (size_t)(end - *s - 1);
	if (!len || len > VMDK_NAME_MAX)
		return error_set(e, ERR_CORRUPT, "descriptor: file name of %zu bytes", len);
	line->name = strndup(*s + 1, len);
	if (!line->name)
		return error_nomem(e, "a file name");
	*s = end + 1 + strspn(end + 1, " \t");
	return 0;
}

/* `s` is behind the access, where the size starts. */
static int extent_parse(struct vmdk_descriptor *d, char *s, struct error *e)
{
	struct vmdk_line *line = &d->line[d->lines];
	int rc;

	if (d->lines == VMDK_PARTS_MAX)
		return error_set(e, ERR_UNSUPPORTED, "VMDK of more than %u extents",
			(unsigned)VMDK_PARTS_MAX);
	d->lines++;
	rc = number_parse(&s, &line->size, e);
	if (!rc)
		rc = kind_parse(&s, &line->kind, e);
	if (!rc && line->kind != VMDK_ZERO)
		rc = name_parse(&s, line, e);
	if (!rc && line->kind == VMDK_FLAT && *s)
		rc = number_parse(&s, &line->off, e);
	return rc;
}

static int line_parse(struct vmdk_descriptor *d, unsigned *seen, char *line, struct error *e)
{
	static const char *const accesses[] = { "RW ", "RDONLY ", NULL };
	char *equals;

	if (!*line || *line == '#')
		return 0;
	for (const char *const *a = accesses; *a; a++) {
		size_t len = strlen(*a);

		if (!strncasecmp(line, *a, len))
			return extent_parse(d, line + len + strspn(line + len, " \t"), e);
	}
	if (!strncasecmp(line, "NOACCESS ", 9))
		return error_set(
			e, ERR_UNSUPPORTED, "VMDK extent without access: %.*s", shown(line), line);
	equals = strchr(line, '=');
	if (!equals)
		return 0;
	*equals = '\0';
	return key_parse(d, seen, trim(line), unquote(trim(equals + 1)), e);
}

int vmdk_descriptor_parse(char *text, struct vmdk_descriptor *out, struct error *e)
{
	unsigned seen = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		int rc = line_parse(out, &seen, trim(line), e);

		if (rc)
			return rc;
	}
	if (!out->type)
		return error_set(e, ERR_CORRUPT, "descriptor: there is no createType");
	if (!out->lines)
		return error_set(e, ERR_CORRUPT, "descriptor: there is no extent");
	return 0;
}

void vmdk_descriptor_free(struct vmdk_descriptor *d)
{
	free(d->parent);
	for (size_t i = 0; i < d->lines; i++)
		free(d->line[i].name);
}

int vmdk_text_read(struct disk *file, uint64_t off, uint64_t len, char **out, struct error *e)
{
	char *text;
	int rc;

	if (len > VMDK_DESCRIPTOR_MAX || !range_fits(off, len, file->size))
		return error_set(e, ERR_CORRUPT,
			"descriptor of %llu bytes at %llu; %u inside the file are the limit",
			(unsigned long long)len, (unsigned long long)off,
			(unsigned)VMDK_DESCRIPTOR_MAX);
	text = calloc(1, (size_t)len + 1);
	if (!text)
		return error_nomem(e, "a descriptor");
	rc = disk_read(file, off, text, (size_t)len, e);
	if (rc) {
		free(text);
		return rc;
	}
	*out = text;
	return 0;
}
