/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/http_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "cloud/secret.h"

enum { SECRET_LEAST = 4 /* what is shorter would be found everywhere */ };

bool http_url_is(const char *text)
{
	return !strncasecmp(text, "http://", 7) || !strncasecmp(text, "https://", 8);
}

/* Not checked further than libcurl does. */
static int url_parse(const char *url, CURLU **out, struct error *e)
{
	CURLU *u = curl_url();

	if (!u)
		return error_nomem(e, "an address");
	if (curl_url_set(u, CURLUPART_URL, url, 0)) {
		curl_url_cleanup(u);
		return error_set(e, ERR_USAGE, "the address is no URL");
	}
	*out = u;
	return 0;
}

/* NULL when it is not there. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(u, what, &text, flags) ? NULL : text;
}

static int url_put(CURLU *u, struct buffer *out, struct error *e)
{
	char *text = part(u, CURLUPART_URL, 0);
	int rc = text ? buffer_string(out, text, e) : error_nomem(e, "an address");

	if (text)
		explicit_bzero(text, strlen(text));
	curl_free(text);
	return rc;
}

static void user_forget(CURLU *u)
{
	curl_url_set(u, CURLUPART_USER, NULL, 0);
	curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
}

static int url_reduced(const char *url, bool query, struct buffer *out, struct error *e)
{
	CURLU *u = NULL;
	int rc = url_parse(url, &u, e);

	if (rc)
		return rc;
	user_forget(u);
	curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
	if (!query)
		curl_url_set(u, CURLUPART_QUERY, NULL, 0);
	rc = url_put(u, out, e);
	curl_url_cleanup(u);
	return rc;
}

int http_url_shown(const char *url, struct buffer *out, struct error *e)
{
	return url_reduced(url, false, out, e);
}

int http_url_content(const char *url, struct buffer *out, struct error *e)
{
	return url_reduced(url, true, out, e);
}

static bool tells(const char *secret, const char *text)
{
	return secret && strlen(secret) >= SECRET_LEAST && strstr(text, secret);
}

/* As it stands in the address, and as it is meant. */
static bool tells_decoded(const char *secret, const char *text)
{
	char *plain = curl_easy_unescape(NULL, secret, 0, NULL);
	bool told = tells(secret, text) || tells(plain, text);

	secret_free(plain);
	return told;
}

/* A value that is not named is one, too. */
static bool query_tells(char *query, const char *text)
{
	char *rest = query, *pair;
	bool told = false;

	while (!told && (pair = strsep(&rest, "&;"))) {
		const char *equals = strchr(pair, '=');

		told = tells_decoded(equals ? equals + 1 : pair, text);
	}
	return told;
}

bool http_url_tells(const char *url, const char *text)
{
	CURLU *u = NULL;
	char *password, *query;
	bool told;

	if (url_parse(url, &u, NULL))
		return true;
	password = part(u, CURLUPART_PASSWORD, 0);
	query = part(u, CURLUPART_QUERY, 0);
	told = (password && tells_decoded(password, text)) || (query && query_tells(query, text));
	curl_free(password);
	curl_free(query);
	curl_url_cleanup(u);
	return told;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart what)
{
	char *one = part(a, what, CURLU_DEFAULT_PORT), *two = part(b, what, CURLU_DEFAULT_PORT);
	bool same = one && two && !strcasecmp(one, two);

	curl_free(one);
	curl_free(two);
	return same;
}

static void user_take(CURLU *from, CURLU *to)
{
	char *user = part(from, CURLUPART_USER, 0), *password = part(from, CURLUPART_PASSWORD, 0);

	curl_url_set(to, CURLUPART_USER, user, 0);
	curl_url_set(to, CURLUPART_PASSWORD, password, 0);
	curl_free(user);
	curl_free(password);
}

static int scheme_check(CURLU *from, CURLU *to, struct error *e)
{
	char *before = part(from, CURLUPART_SCHEME, 0), *after = part(to, CURLUPART_SCHEME, 0);
	int rc = 0;

	if (!before || !after)
		rc = error_nomem(e, "an address");
	else if (strcmp(after, "http") != 0 && strcmp(after, "https") != 0)
		rc = error_set(e, ERR_REFUSED,
			"the server leads to %s, only http and https are "
			"followed",
			after);
	else if (strcmp(before, "https") == 0 && strcmp(after, "http") == 0)
		rc = error_set(e, ERR_REFUSED, "the server leads from https to http");
	curl_free(before);
	curl_free(after);
	return rc;
}

int http_url_follow(const char *url, const char *location, struct buffer *out, struct error *e)
{
	CURLU *from = NULL, *to = NULL;
	int rc = url_parse(url, &from, e);

	if (!rc)
		rc = url_parse(url, &to, e);
	if (!rc &&
		curl_url_set(
			to, CURLUPART_URL, location, CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME))
		rc = error_set(e, ERR_CORRUPT, "the server leads to what is no URL");
	if (!rc)
		rc = scheme_check(from, to, e);
	if (!rc) {
		user_forget(to);
		if (same_part(from, to, CURLUPART_SCHEME) && same_part(from, to, CURLUPART_HOST) &&
			same_part(from, to, CURLUPART_PORT))
			user_take(from, to);
		rc = url_put(to, out, e);
	}
	curl_url_cleanup(from);
	curl_url_cleanup(to);
	return rc;
}
