/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/keystone_private.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/secret.h"

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool take_time(json_t *token, const char *key, time_t *out)
{
	const char *text = json_string_value(json_object_get(token, key));
	struct tm t = { 0 };

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &t))
		return false;
	*out = timegm(&t);
	return true;
}

/* The life of a token made just now is told by two times of the server, whatever our clock says. */
static void take_end(struct keystone *k, json_t *token)
{
	time_t issued = time(NULL), expires;

	k->ends = take_time(token, "expires_at", &expires);
	if (!k->ends)
		return;
	if (!k->given)
		take_time(token, "issued_at", &issued);
	k->life = expires - issued;
	k->end = now() + k->life;
}

static int take_catalog(
	struct keystone *k, const struct http_response *r, const char *what, struct error *e)
{
	json_t *page = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	json_t *token = json_object_get(page, "token");
	json_t *catalog = json_object_get(token, "catalog");
	int rc = 0;

	if (!token)
		rc = error_set(e, ERR_CORRUPT, "%s: the answer holds no token", what);
	if (catalog) {
		json_decref(k->catalog);
		k->catalog = json_incref(catalog);
	}
	if (!rc)
		take_end(k, token);
	json_decref(page);
	return rc;
}

static int token_take(
	struct keystone *k, const struct http_response *r, const char *what, struct error *e)
{
	char *token;
	int rc = http_header(r, "X-Subject-Token", &token, e);

	if (!rc && !token)
		rc = error_set(e, ERR_CORRUPT, "%s: the answer has no X-Subject-Token", what);
	if (rc)
		return rc;
	secret_free(k->token);
	k->token = token;
	k->given = false;
	return take_catalog(k, r, what, e);
}

/* Uses the user's token as it is, with what Keystone says of it. */
static int token_look(struct keystone *k, struct error *e)
{
	struct http_response r = { 0 };
	char *url = NULL;
	int rc = 0;

	k->token = strdup(cloud_value(k->settings, "token"));
	if (!k->token || asprintf(&url, "%s/auth/tokens", k->base) < 0)
		return error_nomem(e, "a token");
	k->given = true;
	rc = http_call(k->http,
		&(struct http_request){
			.method = "GET", .url = url, .token = k->token, .subject_token = k->token },
		&r, e);
	if (!rc)
		rc = r.status == 200 ? take_catalog(k, &r, url, e)
				     : cloud_refusal(&r, url, ERR_REFUSED, e);
	http_response_free(&r);
	free(url);
	return rc;
}

static int send_request(
	struct keystone *k, const char *url, json_t *body, struct http_response *r, struct error *e)
{
	char *text = json_dumps(body, JSON_COMPACT);
	int rc = text ? http_call(k->http,
				&(struct http_request){ .method = "POST",
					.url = url,
					.content_type = "application/json",
					.body = text,
					.body_len = strlen(text) },
				r, e)
		      : error_nomem(e, "a token request");

	secret_free(text);
	return rc;
}

static int token_make(struct keystone *k, struct error *e)
{
	struct http_response r = { 0 };
	json_t *body = NULL;
	char *url = NULL;
	int rc = keystone_request(k->settings, &body, e);

	if (rc)
		return rc;
	if (asprintf(&url, "%s/auth/tokens", k->base) < 0) {
		url = NULL;
		rc = error_nomem(e, "an address");
	}
	if (!rc)
		rc = send_request(k, url, body, &r, e);
	secret_json_free(body);
	if (!rc && (r.status == 201 || r.status == 200))
		rc = token_take(k, &r, url, e);
	else if (!rc && r.status == 403 && k->settings->auth == CLOUD_AUTH_TOKEN)
		rc = token_look(k, e); /* one of an application credential makes no other */
	else if (!rc)
		rc = cloud_refusal(&r, url, ERR_REFUSED, e);
	http_response_free(&r);
	free(url);
	return rc;
}

static int token_get(struct keystone *k, struct error *e)
{
	if (k->settings->auth != CLOUD_AUTH_TOKEN || keystone_has_scope(k->settings))
		return token_make(k, e);
	if (!cloud_value(k->settings, "token"))
		return error_set(e, ERR_USAGE, "cloud %s: token is not set", k->settings->name);
	return token_look(k, e);
}

int keystone_open(
	struct http *h, const struct cloud_settings *s, struct keystone **out, struct error *e)
{
	struct keystone *k = calloc(1, sizeof(*k));
	const char *token = cloud_value(s, "token");
	int rc;

	if (!k)
		return error_nomem(e, "Keystone");
	k->http = h;
	k->settings = s;
	rc = keystone_discover(h, s, &k->base, e);
	if (!rc && k->base) {
		rc = token_get(k, e);
	} else if (!rc && s->auth == CLOUD_AUTH_ENDPOINT_TOKEN) {
		k->token = token ? strdup(token) : NULL;
		if (!k->token)
			rc = error_set(e, ERR_USAGE, "cloud %s: token is not set", s->name);
	}
	if (rc)
		keystone_close(k);
	else
		*out = k;
	return rc;
}

void keystone_close(struct keystone *k)
{
	if (!k)
		return;
	secret_free(k->token);
	json_decref(k->catalog);
	free(k->base);
	free(k);
}

int keystone_renew(struct keystone *k, struct error *e)
{
	if (!k->base || k->settings->auth == CLOUD_AUTH_TOKEN)
		return error_set(e, ERR_REFUSED,
			"cloud %s: the token is not taken, and a given one can't be renewed: it "
			"may "
			"have expired",
			k->settings->name);
	return token_make(k, e);
}

int keystone_token(struct keystone *k, unsigned seconds, const char **out, struct error *e)
{
	time_t wanted = (time_t)seconds;
	int rc = 0;

	/* One that never lives so long is renewed at half of its life. */
	if (wanted > k->life / 2)
		wanted = k->life / 2;
	if (k->token && k->ends && k->base && k->settings->auth != CLOUD_AUTH_TOKEN &&
		k->end - now() < wanted)
		rc = keystone_renew(k, e);
	if (!rc)
		*out = k->token;
	return rc;
}

static int copy_endpoint(const char *url, char **out, struct error *e)
{
	size_t len = strlen(url);

	while (len && url[len - 1] == '/')
		len--;
	*out = strndup(url, len);
	return *out ? 0 : error_nomem(e, "an address");
}

/* "publicURL" is what old files call "public". */
static bool interface_is(json_t *endpoint, const char *wanted)
{
	const char *is = json_string_value(json_object_get(endpoint, "interface"));
	size_t len = strlen(wanted);

	if (len > 3 && !strcmp(wanted + len - 3, "URL"))
		len -= 3;
	return is && strlen(is) == len && !strncmp(is, wanted, len);
}

static bool region_is(json_t *endpoint, const char *wanted)
{
	const char *id = json_string_value(json_object_get(endpoint, "region_id"));
	const char *name = json_string_value(json_object_get(endpoint, "region"));

	return !wanted || (id && !strcmp(id, wanted)) || (name && !strcmp(name, wanted));
}

static const char *find_endpoint(
	json_t *catalog, const char *type, const char *interface, const char *region)
{
	json_t *service, *endpoint;
	size_t i, j;

	json_array_foreach(catalog, i, service)
	{
		const char *is = json_string_value(json_object_get(service, "type"));

		if (!is || strcmp(is, type) != 0)
			continue;
		json_array_foreach(json_object_get(service, "endpoints"), j, endpoint)
		{
			if (interface_is(endpoint, interface) && region_is(endpoint, region))
				return json_string_value(json_object_get(endpoint, "url"));
		}
	}
	return NULL;
}

int keystone_endpoint(struct keystone *k, const char *type, char **out, struct error *e)
{
	const struct cloud_settings *s = k->settings;
	const char *interface = cloud_value(s, "interface");
	const char *region = cloud_value(s, "region_name");
	const char *url;
	char key[64];

	snprintf(key, sizeof(key), "%s_endpoint_override", type);
	url = cloud_value(s, key);
	if (!url && !k->base)
		url = cloud_value(s, "endpoint");
	if (!url && !k->base)
		return error_set(e, ERR_USAGE,
			"cloud %s: endpoint is not set, and without Keystone there is no catalog "
			"that has it",
			s->name);
	if (!url && !k->catalog)
		return error_set(e, ERR_NOTFOUND,
			"cloud %s: the token has no catalog: name a project (project_name), or set "
			"%s",
			s->name, key);
	interface = interface ? interface : "public";
	if (!url)
		url = find_endpoint(k->catalog, type, interface, region);
	if (!url)
		return error_set(e, ERR_NOTFOUND,
			"cloud %s: the catalog has no %s endpoint of %s in region %s", s->name,
			interface, type, region ? region : "(any)");
	return copy_endpoint(url, out, e);
}
