/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "formats/parent_path.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "formats/utf16.h"

/* Neither is in a Windows path: the one would name another file, the other none. */
static int name_check(const char *relative, struct error *e)
{
	for (const char *c = relative; *c; c++)
		if (*c == '\\' || iscntrl((unsigned char)*c))
			return error_set(e, ERR_USAGE,
				"byte %td of the parent's name is a backslash or a control "
				"character, which no file name on Windows has",
				c - relative);
	return 0;
}

static int text_make(const char *text, struct buffer *out, struct error *e)
{
	int rc = utf16_make(text, out, e);

	return rc == -ERR_USAGE ? error_prefix(e, "the parent's name %.512s", text) : rc;
}

static const char *dot_of(const char *relative)
{
	return strncmp(relative, "../", 3) ? "./" : "";
}

int windows_path_make(const char *relative, struct buffer *out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = name_check(relative, e);

	if (!rc)
		rc = buffer_format(&path, e, "%s%s", dot_of(relative), relative);
	for (size_t i = 0; !rc && i < path.len; i++)
		if (path.data[i] == '/')
			path.data[i] = '\\';
	if (!rc)
		rc = text_make(buffer_text(&path), out, e);
	buffer_free(&path);
	return rc;
}

int windows_name_make(const char *relative, struct buffer *out, struct error *e)
{
	const char *slash = strrchr(relative, '/');
	int rc = name_check(relative, e);

	return rc ? rc : text_make(slash ? slash + 1 : relative, out, e);
}

int file_url_make(const char *relative, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e, "file://%s", dot_of(relative));

	for (const char *c = relative; !rc && *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte < 0x80 && (isalnum(byte) || strchr("-_.!~*'()/+,=@", byte)))
			rc = buffer_append(out, c, 1, e);
		else
			rc = buffer_format(out, e, "%%%02X", byte);
	}
	return rc;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int file_url_path(const uint8_t *url, size_t len, struct buffer *out, struct error *e)
{
	static const char scheme[] = "file://", host[] = "localhost/";
	bool is_url = len >= 7 && !strncasecmp((const char *)url, scheme, 7);
	size_t i = is_url ? 7 : 0;
	int rc = 0;

	if (is_url && len - i >= 10 && !strncasecmp((const char *)url + i, host, 10))
		i += 9;
	while (!rc && i < len && url[i]) {
		uint8_t byte = url[i++];

		if (is_url && byte == '%' && len - i >= 2 && hex_digit(url[i]) >= 0 &&
			hex_digit(url[i + 1]) >= 0) {
			byte = (uint8_t)(hex_digit(url[i]) << 4 | hex_digit(url[i + 1]));
			i += 2;
		}
		if (byte < 0x20 || byte == 0x7f)
			byte = '?';
		rc = buffer_append(out, &byte, 1, e);
	}
	return rc;
}
