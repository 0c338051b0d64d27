/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/glance_private.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/secret.h"

enum {
	TRIES = 4, /* of what can be asked again */
	FIRST_WAIT_MS = 500,
	TOKEN_SECONDS = 60, /* what a token must still be good for */
	LIST_LIMIT = 1000,
};

int glance_url(const struct glance *g, const char *path, struct buffer *out, struct error *e)
{
	out->len = 0;
	return buffer_format(out, e, "%s%s", g->base, path);
}

static void pause_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

static int ask_once(struct glance *g, const struct question *q, const char *url, const char *text,
	struct http_response *r, struct error *e)
{
	struct http_request request = {
		.method = q->method,
		.url = url,
		.content_type = text ? q->type : NULL,
		.body = text,
		.body_len = text ? strlen(text) : 0,
	};
	int rc = keystone_token(g->keystone, TOKEN_SECONDS, &request.token, e);

	if (!rc)
		rc = http_call(g->http, &request, r, e);
	if (rc || r->status != 401 || !request.token)
		return rc;
	http_response_free(r);
	rc = keystone_renew(g->keystone, e);
	if (!rc)
		rc = keystone_token(g->keystone, 0, &request.token, e);
	return rc ? rc : http_call(g->http, &request, r, e);
}

/* What passes: the server is starting, or has too much to do. */
static bool passes(const struct http_response *r)
{
	return r->status == 503 || r->status == 502 || r->status == 504 || r->status == 429;
}

static int ask(struct glance *g, const struct question *q, struct http_response *r, struct error *e)
{
	struct buffer url = { 0 };
	char *text = q->body ? json_dumps(q->body, JSON_COMPACT) : NULL;
	unsigned wait = FIRST_WAIT_MS;
	int rc = glance_url(g, q->path, &url, e);

	if (!rc && q->body && !text)
		rc = error_nomem(e, "a request");
	for (unsigned i = 1; !rc; i++, wait *= 2) {
		bool again;

		rc = ask_once(g, q, buffer_text(&url), text, r, e);
		again = rc == -ERR_IO ? q->safe || http_never_connected(g->http)
				      : !rc && q->safe && passes(r);
		if (!again || i == TRIES)
			break;
		http_response_free(r);
		rc = 0;
		pause_ms(wait);
	}
	buffer_free(&url);
	free(text);
	return rc;
}

static int refused(const struct http_response *r, const struct question *q, struct error *e)
{
	enum error_code code = r->status == 404 ? ERR_NOTFOUND
		: r->status == 409              ? ERR_EXISTS
						: ERR_REFUSED;
	char what[128];

	snprintf(what, sizeof(what), "Glance: %s %s", q->method, q->path);
	what[strcspn(what, "?")] = 0;
	return cloud_refusal(r, what, code, e);
}

int glance_ask(struct glance *g, const struct question *q, json_t **out, struct error *e)
{
	struct http_response r = { 0 };
	int rc = ask(g, q, &r, e);

	if (!rc && (r.status < 200 || r.status > 299))
		rc = refused(&r, q, e);
	if (!rc && out) {
		*out = json_loadb((const char *)r.body.data, r.body.len, 0, NULL);
		if (!*out)
			rc = error_set(e, ERR_CORRUPT, "Glance: %s %s: the answer is no JSON",
				q->method, q->path);
	}
	http_response_free(&r);
	return rc;
}

static bool has_v2(json_t *page)
{
	json_t *version;
	size_t i;

	json_array_foreach(json_object_get(page, "versions"), i, version)
	{
		const char *id = json_string_value(json_object_get(version, "id"));

		if (id && !strncmp(id, "v2", 2))
			return true;
	}
	return false;
}

/* Catalogs name Glance with or without the version. */
static int check_version(struct glance *g, const char *root, struct error *e)
{
	struct http_response r = { 0 };
	json_t *page;
	int rc = http_call(g->http, &(struct http_request){ .method = "GET", .url = root }, &r, e);

	if (!rc && r.status >= 400) {
		rc = cloud_refusal(&r, root, ERR_IO, e);
	} else if (!rc) {
		page = json_loadb((const char *)r.body.data, r.body.len, 0, NULL);
		if (!has_v2(page))
			rc = error_set(e, ERR_UNSUPPORTED,
				"%s: lists no version 2 of Glance (status %ld)", root, r.status);
		json_decref(page);
	}
	http_response_free(&r);
	return rc;
}

static int base_find(struct glance *g, struct error *e)
{
	char *root;
	size_t len;
	int rc = keystone_endpoint(g->keystone, "image", &root, e);

	if (rc)
		return rc;
	len = strlen(root);
	if (len > 3 && !strcmp(root + len - 3, "/v2")) {
		g->base = root;
		return 0;
	}
	rc = check_version(g, root, e);
	if (!rc && asprintf(&g->base, "%s/v2", root) < 0) {
		g->base = NULL;
		rc = error_nomem(e, "an address");
	}
	free(root);
	return rc;
}

int glance_open(struct http *h, struct keystone *k, struct glance **out, struct error *e)
{
	struct glance *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return error_nomem(e, "Glance");
	g->http = h;
	g->keystone = k;
	rc = base_find(g, e);
	if (rc)
		glance_close(g);
	else
		*out = g;
	return rc;
}

void glance_close(struct glance *g)
{
	if (!g)
		return;
	http_response_free(&g->sending);
	buffer_free(&g->url);
	free(g->base);
	free(g);
}

int glance_create(struct glance *g, json_t *body, json_t **image, char **methods, struct error *e)
{
	const struct question q = {
		.method = "POST", .path = "/images", .type = "application/json", .body = body
	};
	struct http_response r = { 0 };
	int rc = ask(g, &q, &r, e);

	if (!rc && r.status != 201)
		rc = refused(&r, &q, e);
	if (!rc && methods)
		rc = http_header(&r, "OpenStack-image-import-methods", methods, e);
	if (!rc && methods && !*methods && !(*methods = strdup("")))
		rc = error_nomem(e, "import methods");
	if (!rc) {
		*image = json_loadb((const char *)r.body.data, r.body.len, 0, NULL);
		if (!json_is_string(json_object_get(*image, "id"))) {
			json_decref(*image);
			*image = NULL;
			rc = error_set(
				e, ERR_CORRUPT, "Glance: POST /images: the answer is no image");
		}
	}
	http_response_free(&r);
	return rc;
}

int glance_image_path(const char *id, const char *rest, char path[GLANCE_PATH_MAX], struct error *e)
{
	if (strspn(id, "0123456789abcdefABCDEF-") != strlen(id) || strlen(id) > 64 || !*id)
		return error_set(e, ERR_CORRUPT, "\"%.80s\" is no image id", id);
	snprintf(path, GLANCE_PATH_MAX, "/images/%s%s", id, rest);
	return 0;
}

int glance_get(struct glance *g, const char *id, json_t **image, struct error *e)
{
	char path[GLANCE_PATH_MAX];
	int rc = glance_image_path(id, "", path, e);

	return rc ? rc
		  : glance_ask(g, &(struct question){ .method = "GET", .path = path, .safe = true },
			    image, e);
}

int glance_query(struct buffer *query, const char *key, const char *value, struct error *e)
{
	int rc = buffer_format(query, e, "%s%s=", query->len ? "&" : "", key);

	for (const char *c = value; !rc && *c; c++) {
		bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_.~",
			*c);

		rc = buffer_format(query, e, plain ? "%c" : "%%%02X", (unsigned char)*c);
	}
	return rc;
}

/* "next" is a path from the server's root, /v2/images?...; NULL: there is no further page. */
static const char *next_page(json_t *page)
{
	const char *next = json_string_value(json_object_get(page, "next"));
	const char *version = next ? strstr(next, "/v2/images?") : NULL;

	return version ? version + strlen("/v2") : NULL;
}

int glance_list(struct glance *g, const char *query, json_t **images, struct error *e)
{
	struct buffer path = { 0 };
	json_t *all = json_array();
	int rc = all ? buffer_format(&path, e, "/images?limit=100&sort=created_at:desc&%s", query)
		     : error_nomem(e, "a list of images");

	while (!rc && path.len && json_array_size(all) < LIST_LIMIT) {
		json_t *page = NULL;
		const char *next;

		rc = glance_ask(g,
			&(struct question){
				.method = "GET", .path = buffer_text(&path), .safe = true },
			&page, e);
		if (!rc && json_array_extend(all, json_object_get(page, "images")))
			rc = error_set(e, ERR_CORRUPT, "Glance: the answer is no list of images");
		next = rc ? NULL : next_page(page);
		path.len = 0;
		if (next)
			rc = buffer_string(&path, next, e);
		json_decref(page);
	}
	buffer_free(&path);
	if (rc)
		json_decref(all);
	else
		*images = all;
	return rc;
}

int glance_set(struct glance *g, const char *id, const char *key, json_t *value, struct error *e)
{
	char path[GLANCE_PATH_MAX], pointer[300];
	json_t *body = NULL;
	int rc = glance_image_path(id, "", path, e);

	if (rc)
		return rc;
	snprintf(pointer, sizeof(pointer), "/%s", key);
	body = json_pack("[{s:s,s:s,s:O}]", "op", "replace", "path", pointer, "value", value);
	rc = body ? glance_ask(g,
			    &(struct question){ .method = "PATCH",
				    .path = path,
				    .type = "application/openstack-images-v2.1-json-patch",
				    .body = body },
			    NULL, e)
		  : error_nomem(e, "a request");
	json_decref(body);
	return rc;
}

int glance_delete(struct glance *g, const char *id, struct error *e)
{
	struct error own = { 0 };
	char path[GLANCE_PATH_MAX];
	int rc = glance_image_path(id, "", path, e);

	if (rc)
		return rc;
	rc = glance_ask(g, &(struct question){ .method = "DELETE", .path = path, .safe = true },
		NULL, &own);
	if (!rc || rc == -ERR_NOTFOUND)
		return 0;
	return error_set(e, (enum error_code)own.code, "%s", own.text);
}
