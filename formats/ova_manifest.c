/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The manifest NAME.mf: a line "SHA256(FILE)= HEX" a file (DSP0243, 5.1). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/checked.h"
#include "base/digest.h"
#include "disk/convert.h"
#include "formats/ova.h"

enum { PIECE = 1 << 20 };

struct manifest_line {
	const char *algorithm; /* as base/digest.h calls it */
	char *name;
	char *hex;
};

/* Takes a line apart in place. */
static int line_read(char *line, struct manifest_line *out, struct error *e)
{
	static const char *const known[][2] = { { "SHA1", "sha1" }, { "SHA256", "sha256" },
		{ "SHA512", "sha512" } };
	char *open = strchr(line, '('), *close = open ? strrchr(open, ')') : NULL;
	char *equals = close ? strchr(close, '=') : NULL;

	if (!equals)
		return error_set(e, ERR_CORRUPT, "\"%.64s\" is no line of a manifest", line);
	*open = *close = '\0';
	*out = (struct manifest_line){ .name = open + 1,
		.hex = equals + 1 + strspn(equals + 1, " \t") };
	out->hex[strcspn(out->hex, " \t\r")] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strncasecmp(line, known[i][0], strcspn(line, " \t")) &&
			strlen(known[i][0]) == strcspn(line, " \t"))
			out->algorithm = known[i][1];
	if (!out->algorithm)
		return error_set(e, ERR_UNSUPPORTED,
			"the digest %.32s is not known, SHA1, SHA256 and SHA512 are", line);
	return 0;
}

static int member_digest(struct disk *file, const struct ova_member *m, struct digest *d,
	const struct convert_options *o, struct error *e)
{
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? 0 : error_nomem(e, "a digest");

	for (uint64_t at = 0; !rc && at < m->len; at += PIECE) {
		size_t len = (size_t)min_u64(PIECE, m->len - at);

		rc = disk_read(file, m->off + at, piece, len, e);
		if (!rc)
			digest_add(d, piece, len);
		/* The work itself has not begun. */
		if (!rc && o->progress && o->progress(o->progress_arg, 0, 1))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	free(piece);
	return rc;
}

static int line_check(struct disk *file, const struct ova_members *m,
	const struct manifest_line *line, const struct convert_options *o, struct error *e)
{
	const struct ova_member *member = ova_member_named(m, line->name);
	char hex[DIGEST_HEX_MAX];
	struct digest *d;
	int rc;

	if (!member)
		return error_set(
			e, ERR_CORRUPT, "%.256s is named, but not in the archive", line->name);
	rc = digest_open(&d, line->algorithm, e);
	if (rc)
		return rc;
	rc = member_digest(file, member, d, o, e);
	if (!rc) {
		digest_hex(d, hex);
		if (strcasecmp(hex, line->hex) != 0)
			rc = error_set(e, ERR_CORRUPT, "%s: its %s is %s, not %.129s", member->name,
				line->algorithm, hex, line->hex);
	}
	digest_close(d);
	return rc;
}

static const struct ova_member *manifest_find(const struct ova_members *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const char *dot = strrchr(m->member[i].name, '.');

		if (dot && !strcasecmp(dot, ".mf"))
			return &m->member[i];
	}
	return NULL;
}

int ova_manifest_check(struct disk *file, const struct ova_members *m,
	const struct convert_options *o, struct error *e)
{
	const struct ova_member *manifest = manifest_find(m);
	struct buffer text = { 0 };
	char *rest = NULL, *line;
	size_t lines = 0;
	int rc;

	if (!manifest)
		return 0;
	rc = ova_member_text(file, manifest, &text, e);
	line = rc || !text.len ? NULL : strtok_r((char *)text.data, "\n", &rest);
	for (; !rc && line; line = strtok_r(NULL, "\n", &rest)) {
		struct manifest_line l = { 0 };

		if (!line[strspn(line, " \t\r")])
			continue;
		if (++lines > OVA_MEMBERS_MAX)
			rc = error_set(e, ERR_RANGE, "more than %d lines", OVA_MEMBERS_MAX);
		if (!rc)
			rc = line_read(line, &l, e);
		if (!rc)
			rc = line_check(file, m, &l, o, e);
	}
	buffer_free(&text);
	return rc ? error_prefix(e, "%s", manifest->name) : 0;
}
