/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a service's error page says, for people. */
#include "cloud/keystone.h"

#include <ctype.h>
#include <string.h>

#include "cloud/secret.h"

enum { WORDS_MAX = 600 };

static const struct {
	const char *entity;
	char is;
} entities[] = { { "&#x27;", '\'' }, { "&#39;", '\'' }, { "&quot;", '"' }, { "&amp;", '&' },
	{ "&lt;", '<' }, { "&gt;", '>' }, { "&nbsp;", ' ' } };

static char entity_at(const char *text, size_t *len)
{
	for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++)
		if (!strncmp(text, entities[i].entity, strlen(entities[i].entity))) {
			*len = strlen(entities[i].entity);
			return entities[i].is;
		}
	*len = 1;
	return *text;
}

/* Where a page's head, which repeats the status, or a tag ends; NULL: `text` is none. */
static const char *markup_end(const char *text)
{
	const char *end;

	if (*text != '<' || !(isalpha((unsigned char)text[1]) || strchr("/!", text[1])))
		return NULL;
	if (!strncasecmp(text, "<head", 5) && (end = strstr(text, "</head>")))
		return end + 7;
	end = strchr(text, '>');
	return end ? end + 1 : text + strlen(text);
}

/* Without tags and entities, and with one space where there were more. */
static void words_of(const char *text, char out[WORDS_MAX])
{
	size_t n = 0;

	while (*text && n + 1 < WORDS_MAX) {
		const char *end = markup_end(text);
		size_t len = 1;
		char c = end ? ' ' : entity_at(text, &len);

		text = end ? end : text + len;
		if (!isspace((unsigned char)c))
			out[n++] = c;
		else if (n && out[n - 1] != ' ')
			out[n++] = ' ';
	}
	while (n && (out[n - 1] == ' ' || out[n - 1] == '.'))
		n--;
	out[n] = 0;
}

/* Keystone wraps its message, Glance does not. */
static const char *message_in(json_t *page)
{
	json_t *inner = json_object_get(page, "error");
	json_t *message = json_object_get(json_is_object(inner) ? inner : page, "message");

	return json_string_value(message);
}

static const char *status_name(long status)
{
	switch (status) {
	case 400:
		return " Bad Request";
	case 401:
		return " Unauthorized";
	case 403:
		return " Forbidden";
	case 404:
		return " Not Found";
	case 409:
		return " Conflict";
	case 413:
		return " Too Large";
	case 503:
		return " Service Unavailable";
	default:
		return "";
	}
}

int cloud_refusal(
	const struct http_response *r, const char *what, enum error_code code, struct error *e)
{
	json_t *page = json_loadb((const char *)r->body.data, r->body.len, 0, NULL);
	const char *message = page ? message_in(page) : NULL;
	char words[WORDS_MAX];

	words_of(message ? message : page ? "" : buffer_text(&r->body), words);
	json_decref(page);
	return error_set(e, code, "%s: the server says %ld%s%s%s", what, r->status,
		status_name(r->status), *words ? ": " : "", words);
}
