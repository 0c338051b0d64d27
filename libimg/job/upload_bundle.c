/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bundle's folder as a source: the image that its digests name, and image.json. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cloud/bundle.h"
#include "cloud/sums.h"
#include "job/upload_private.h"

enum { TEXT_LIMIT = 1 << 20 };

static bool ends_in(const char *text, const char *with)
{
	size_t len = strlen(text), n = strlen(with);

	return len > n && !strcmp(text + len - n, with);
}

/* What bundles hold beside the image. */
static bool is_companion(const char *name)
{
	return ends_in(name, ".json") || ends_in(name, ".sh") || ends_in(name, ".html") ||
		ends_in(name, ".xml");
}

/* One line of SHA512SUMS, "HEX  NAME"; *next is the line after it, NULL when there is none. */
static int line_take(char *line, char **hex, char **name, char **next, struct error *e)
{
	char *end = strchr(line, '\n');

	*next = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	if (strspn(line, "0123456789abcdef") != DIGEST_HEX_MAX - 1 || line[128] != ' ' ||
		!line[129] || !bundle_name_fits(line + 130))
		return error_set(e, ERR_CORRUPT, "%s: \"%.80s\" is no digest and name",
			sum_file[SUM_SHA512], line);
	line[128] = 0;
	*hex = line;
	*name = line + 130;
	return 0;
}

struct contents {
	const char *image, *image_hex;
	const char *json_hex; /* of the .json file that is used */
};

static int sums_read(
	struct buffer *text, const char *json_name, struct contents *out, struct error *e)
{
	char *line = text->len ? (char *)text->data : NULL;

	while (line && *line) {
		char *hex = NULL, *name = NULL;
		int rc = line_take(line, &hex, &name, &line, e);

		if (rc)
			return rc;
		if (!strcmp(name, json_name))
			out->json_hex = hex;
		else if (!is_companion(name) && out->image)
			return error_set(e, ERR_UNSUPPORTED,
				"holds two images, %s and %s: upload them one by one", out->image,
				name);
		else if (!is_companion(name)) {
			out->image = name;
			out->image_hex = hex;
		}
	}
	if (!out->image || !out->json_hex)
		return error_set(e, ERR_CORRUPT, "%s names no %s%s", sum_file[SUM_SHA512],
			out->image ? json_name : "image",
			out->image ? ": name one of its .json files" : "");
	return 0;
}

static int body_read(const char *path, const char *hex, json_t **body, struct error *e)
{
	char got[DIGEST_HEX_MAX] = "";
	struct buffer text = { 0 };
	json_error_t why;
	int rc = file_read(path, TEXT_LIMIT, &text, e);

	if (!rc)
		rc = digest_bytes("sha512", text.data, text.len, got, e);
	if (!rc && (!hex || strcmp(got, hex) != 0))
		rc = error_set(e, ERR_CORRUPT, "%s: is not what %s says: it was changed", path,
			sum_file[SUM_SHA512]);
	if (!rc) {
		*body = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &why);
		if (!json_is_object(*body))
			rc = error_set(e, ERR_CORRUPT, "%s: line %d: %s", path,
				*body ? 1 : why.line, *body ? "is no object" : why.text);
	}
	buffer_free(&text);
	return rc;
}

static int folder_open(
	struct upload *u, const char *folder, const char *json_name, json_t **body, struct error *e)
{
	struct buffer path = { 0 }, sums = { 0 };
	struct contents c = { NULL, NULL, NULL };
	int rc = buffer_format(&path, e, "%s/%s", folder, sum_file[SUM_SHA512]);

	if (!rc)
		rc = file_read(buffer_text(&path), TEXT_LIMIT, &sums, e);
	if (!rc) {
		rc = sums_read(&sums, json_name, &c, e);
		if (rc)
			error_prefix(e, "%s", folder);
	}
	path.len = 0;
	if (!rc)
		rc = buffer_format(&path, e, "%s/%s", folder, json_name);
	if (!rc)
		rc = body_read(buffer_text(&path), c.json_hex, body, e);
	if (!rc)
		rc = buffer_format(&u->path, e, "%s/%s", folder, c.image);
	if (!rc && c.image_hex && !(u->announced = strdup(c.image_hex)))
		rc = error_nomem(e, "a digest");
	buffer_free(&path);
	buffer_free(&sums);
	return rc;
}

int upload_bundle_open(struct upload *u, bool *is_bundle, json_t **body, struct error *e)
{
	const char *source = u->job->source;
	const char *slash = strrchr(source, '/');
	char *folder;
	struct stat st;
	int rc;

	*is_bundle = true;
	if (!stat(source, &st) && S_ISDIR(st.st_mode))
		return folder_open(u, source, "image.json", body, e);
	*is_bundle = ends_in(source, ".json");
	if (!*is_bundle)
		return 0;
	folder = slash ? strndup(source, (size_t)(slash - source) + 1) : strdup(".");
	if (!folder)
		return error_nomem(e, "a file name");
	rc = folder_open(u, folder, slash ? slash + 1 : source, body, e);
	free(folder);
	return rc;
}
