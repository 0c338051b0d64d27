/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From auth_url, in the ways that people write it, to the address of Keystone's version 3. */
#include "cloud/keystone_private.h"

#include <stdlib.h>
#include <string.h>

static bool ends_in(const char *text, size_t len, const char *with)
{
	size_t n = strlen(with);

	return len >= n && !strncmp(text + len - n, with, n);
}

/* Scheme, host and port are the same: a name that only the cloud's inside knows is not followed. */
static bool same_host(const char *a, const char *b)
{
	const char *host = strstr(a, "://");
	size_t len = host ? (size_t)(host - a) + 3 + strcspn(host + 3, "/") : 0;

	return len && !strncmp(a, b, len) && (!b[len] || b[len] == '/');
}

static const char *self_link(json_t *version)
{
	json_t *link;
	size_t i;

	json_array_foreach(json_object_get(version, "links"), i, link)
	{
		const char *rel = json_string_value(json_object_get(link, "rel"));

		if (rel && !strcmp(rel, "self"))
			return json_string_value(json_object_get(link, "href"));
	}
	return NULL;
}

static bool is_v3(json_t *version)
{
	const char *id = json_string_value(json_object_get(version, "id"));

	return id && !strncmp(id, "v3", 2);
}

static char *without_slash(const char *url)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	return strndup(url, len);
}

/* What the list of versions at `root` says; NULL: nothing that can be used. */
static char *pick_version(const char *root, json_t *page)
{
	json_t *one = json_object_get(page, "version"), *version;
	char *url = NULL;
	size_t i;

	if (is_v3(one))
		return strdup(root);
	json_array_foreach(json_object_get(json_object_get(page, "versions"), "values"), i, version)
	{
		const char *link = self_link(version);

		if (!is_v3(version))
			continue;
		if (link && same_host(root, link))
			return without_slash(link);
		return asprintf(&url, "%s/v3", root) < 0 ? NULL : url;
	}
	return NULL;
}

static int ask(struct http *h, const char *root, char **out, struct error *e)
{
	struct http_response r;
	int rc = http_call(h, &(struct http_request){ .method = "GET", .url = root }, &r, e);

	if (!rc && r.status >= 400) {
		rc = cloud_refusal(&r, root, ERR_IO, e);
	} else if (!rc) {
		json_t *page = json_loadb((const char *)r.body.data, r.body.len, 0, NULL);

		*out = pick_version(root, page);
		json_decref(page);
		if (!*out)
			rc = error_set(e, ERR_UNSUPPORTED,
				"auth_url: %s lists no version 3 of Keystone (status %ld)", root,
				r.status);
	}
	http_response_free(&r);
	return rc;
}

int keystone_discover(struct http *h, const struct cloud_settings *s, char **out, struct error *e)
{
	const char *url = cloud_value(s, "auth_url");
	size_t len;
	char *root;
	int rc;

	*out = NULL;
	if (s->auth == CLOUD_AUTH_NONE || s->auth == CLOUD_AUTH_ENDPOINT_TOKEN)
		return 0;
	if (!url)
		return error_set(e, ERR_USAGE,
			"cloud %s: auth_url is not set (in clouds.yaml, or OS_AUTH_URL)", s->name);
	len = strlen(url);
	while (len && url[len - 1] == '/')
		len--;
	if (ends_in(url, len, "/v3")) {
		*out = strndup(url, len);
		return *out ? 0 : error_nomem(e, "an address");
	}
	if (ends_in(url, len, "/v2.0"))
		len -= strlen("/v2.0");
	root = strndup(url, len);
	rc = root ? ask(h, root, out, e) : error_nomem(e, "an address");
	free(root);
	return rc;
}
