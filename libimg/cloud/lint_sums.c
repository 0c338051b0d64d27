/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The digest files of a bundle, as sha512sum --check reads them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/checked.h"
#include "base/digests.h"
#include "base/strings.h"
#include "cloud/lint_private.h"
#include "cloud/sums.h"
#include "disk/host_file.h"

enum { SUMS_LIMIT = 1 << 20, READ_SIZE = 1 << 20 };

/* A file of the bundle and what the digest files say of it. */
struct listed {
	char *name;
	char hex[SUM_COUNT][DIGEST_HEX_MAX]; /* "": not said */
};

struct listing {
	struct lint lint;
	const char *folder;
	struct listed *file;
	size_t count;
	size_t found; /* digest files */
};

static int note(
	struct listing *t, const char *code, const char *file, const char *text, struct error *e)
{
	return lint_note(
		&t->lint, SEVERITY_ERROR, code, "package it anew", e, "%.255s: %s", file, text);
}

static int listed_file(struct listing *t, const char *name, struct listed **out, struct error *e)
{
	struct listed *grown;

	for (size_t i = 0; i < t->count; i++)
		if (!strcmp(t->file[i].name, name)) {
			*out = &t->file[i];
			return 0;
		}
	grown = realloc(t->file, (t->count + 1) * sizeof(*grown));
	if (!grown)
		return error_nomem(e, "digests");
	t->file = grown;
	grown += t->count;
	*grown = (struct listed){ .name = strdup(name) };
	if (!grown->name)
		return error_nomem(e, "digests");
	t->count++;
	*out = grown;
	return 0;
}

/* "HEX  NAME". */
static int take_line(struct listing *t, enum sum sum, const char *line, struct error *e)
{
	static const size_t digits[SUM_COUNT] = { 128, 64, 32 };
	size_t len = strspn(line, "0123456789abcdefABCDEF");
	struct listed *f = NULL;
	int rc;

	if (len != digits[sum] || line[len] != ' ' ||
		(line[len + 1] != ' ' && line[len + 1] != '*'))
		return note(t, "sums-malformed", sum_file[sum], "a line is no digest and name", e);
	if (!line[len + 2] || strchr(line + len + 2, '/'))
		return note(t, "sums-malformed", sum_file[sum],
			"a line names a file that is not in the bundle's folder", e);
	rc = listed_file(t, line + len + 2, &f, e);
	if (!rc) {
		memcpy(f->hex[sum], line, len);
		f->hex[sum][len] = '\0';
	}
	return rc;
}

static int open_file(const struct listing *t, const char *name, struct disk **out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", t->folder, name);

	if (!rc)
		rc = host_file_open(buffer_text(&path), out, e);
	buffer_free(&path);
	return rc;
}

static int take_sums(struct listing *t, enum sum sum, struct error *e)
{
	struct strings lines = { 0 };
	struct error why = { 0 };
	struct disk *file;
	char *text;
	int rc = open_file(t, sum_file[sum], &file, &why);

	/* The other digest files will do. */
	if (rc == -ERR_NOTFOUND)
		return 0;
	if (rc) {
		rc = error_of_host(&why, e);
		return rc ? rc : note(t, "sums-malformed", sum_file[sum], why.text, e);
	}
	t->found++;
	text = calloc(1, (size_t)min_u64(file->size, SUMS_LIMIT) + 1);
	if (!text)
		rc = error_nomem(e, "digests");
	else if (file->size > SUMS_LIMIT)
		rc = note(t, "sums-malformed", sum_file[sum], "it is over 1 MiB", e);
	else
		rc = disk_read(file, 0, text, (size_t)file->size, e);
	if (!rc && text)
		rc = strings_split(&lines, text, "\n", e);
	for (size_t i = 0; !rc && i < lines.count; i++)
		rc = take_line(t, sum, lines.item[i], e);
	strings_free(&lines);
	free(text);
	disk_close(file);
	return rc;
}

/* The digests work on one half of `bytes` while the other is read. */
static int digest_all(struct disk *file, uint8_t *bytes, struct digests *d, struct error *e)
{
	int rc = 0;

	for (uint64_t off = 0; !rc && off < file->size; off += READ_SIZE) {
		uint8_t *half = bytes + (off / READ_SIZE % 2) * READ_SIZE;
		size_t len = (size_t)min_u64(READ_SIZE, file->size - off);

		rc = disk_read(file, off, half, len, e);
		if (!rc)
			digests_add(d, half, len);
	}
	return rc;
}

static int file_sums(struct disk *file, char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e)
{
	uint8_t *bytes = malloc((size_t)2 * READ_SIZE);
	struct digests *d;
	int rc = bytes ? digests_open(&d, sum_algorithm, SUM_COUNT, e) : error_nomem(e, "reading");

	if (!rc) {
		rc = digest_all(file, bytes, d, e);
		if (!rc)
			digests_finish(d, hex);
		digests_close(d);
	}
	free(bytes);
	return rc;
}

static int compare(struct listing *t, const struct listed *f, struct disk *file, struct error *e)
{
	char hex[SUM_COUNT][DIGEST_HEX_MAX];
	int rc = file_sums(file, hex, e);

	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		if (*f->hex[i] && strcasecmp(f->hex[i], hex[i]) != 0)
			return note(t, "digest-differs", f->name,
				"its content is not what the digest files say", e);
	return rc;
}

static int check_listed(struct listing *t, const struct listed *f, bool read, struct error *e)
{
	struct error why = { 0 };
	struct disk *file;
	int rc = open_file(t, f->name, &file, &why);

	if (rc == -ERR_NOTFOUND)
		return note(t, "file-missing", f->name, "the digest files name it", e);
	if (rc) {
		rc = error_of_host(&why, e);
		return rc ? rc : note(t, "file-missing", f->name, why.text, e);
	}
	rc = read ? compare(t, f, file, e) : 0;
	disk_close(file);
	return rc;
}

/* What a bundle holds beside images. */
static bool is_beside(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && value_listed("json|sh|html|xml|txt|md|svg", dot + 1, true);
}

static int choose_image(struct listing *t, char **image, struct error *e)
{
	const char *only = NULL;
	size_t count = 0;

	for (size_t i = 0; i < t->count; i++)
		if (!is_beside(t->file[i].name)) {
			only = t->file[i].name;
			count++;
		}
	if (count != 1)
		return 0;
	*image = strdup(only);
	return *image ? 0 : error_nomem(e, "a file name");
}

int lint_sums(const char *folder, bool read, char **image, struct report *out, struct error *e)
{
	struct listing t = { .lint = { .out = out }, .folder = folder };
	int rc = 0;

	*image = NULL;
	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		rc = take_sums(&t, (enum sum)i, e);
	if (!rc && !t.found)
		rc = lint_note(&t.lint, SEVERITY_WARNING, "sums-missing", "package it anew", e,
			"the bundle has no digest files");
	for (size_t i = 0; !rc && i < t.count; i++)
		rc = check_listed(&t, &t.file[i], read, e);
	if (!rc)
		rc = choose_image(&t, image, e);
	for (size_t i = 0; i < t.count; i++)
		free(t.file[i].name);
	free(t.file);
	return rc;
}
