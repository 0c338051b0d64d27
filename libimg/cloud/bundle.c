/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is alike in bundles of every kind: names and digest files. */
#include <string.h>

#include "cloud/bundle_private.h"

enum { MODE_FILE = 0644, MODE_PROGRAM = 0755 };

const char *const sum_algorithm[SUM_COUNT] = { "sha512", "sha256", "md5" };
const char *const sum_file[SUM_COUNT] = { "SHA512SUMS", "SHA256SUMS", "MD5SUMS" };

bool bundle_name_fits(const char *name)
{
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == '\\' || *c == '/' || *c == 0x7f)
			return false;
	for (size_t i = 0; i < SUM_COUNT; i++)
		if (!strcmp(name, sum_file[i]))
			return false;
	return *name && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int bundle_open(const char *destination, const struct bundle_options *o, struct bundle **out,
	struct error *e)
{
	return o->tar ? bundle_tar_open(destination, o, out, e)
		      : bundle_folder_open(destination, o, out, e);
}

static int note_sums(
	struct bundle *b, const char *name, char hex[SUM_COUNT][DIGEST_HEX_MAX], struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		rc = buffer_format(&b->sums[i], e, "%s  %s\n", hex[i], name);
	return rc;
}

int bundle_copy(struct bundle *b, const char *source, const char *name,
	const struct convert_options *progress, uint64_t *size, struct error *e)
{
	char hex[SUM_COUNT][DIGEST_HEX_MAX];
	int rc = b->ops->copy(b, source, name, progress, size, hex, e);

	return rc ? rc : note_sums(b, name, hex, e);
}

int bundle_take(struct bundle *b, const char *source, const char *name,
	char hex[SUM_COUNT][DIGEST_HEX_MAX], const struct convert_options *progress,
	struct error *e)
{
	uint64_t size;
	int rc;

	if (!b->ops->take)
		return bundle_copy(b, source, name, progress, &size, e);
	rc = b->ops->take(b, source, name, e);
	return rc ? rc : note_sums(b, name, hex, e);
}

static int add(struct bundle *b, const char *name, const void *bytes, size_t len, unsigned mode,
	struct error *e)
{
	char hex[SUM_COUNT][DIGEST_HEX_MAX];
	int rc = b->ops->add(b, name, bytes, len, mode, e);

	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		rc = digest_bytes(sum_algorithm[i], bytes, len, hex[i], e);
	return rc ? rc : note_sums(b, name, hex, e);
}

int bundle_add(struct bundle *b, const char *name, const void *bytes, size_t len, struct error *e)
{
	return add(b, name, bytes, len, MODE_FILE, e);
}

int bundle_add_program(
	struct bundle *b, const char *name, const void *bytes, size_t len, struct error *e)
{
	return add(b, name, bytes, len, MODE_PROGRAM, e);
}

int bundle_commit(struct bundle *b, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < SUM_COUNT; i++)
		rc = b->ops->add(b, sum_file[i], b->sums[i].data, b->sums[i].len, MODE_FILE, e);
	return rc ? rc : b->ops->commit(b, e);
}

void bundle_close(struct bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < SUM_COUNT; i++)
		buffer_free(&b->sums[i]);
	b->ops->close(b);
}
