/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tools/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

static FILE *log_file;
static bool be_quiet;

int say_open(const char *log, bool quiet, struct error *e)
{
	be_quiet = quiet;
	if (!log)
		return 0;
	log_file = fopen(log, "ae");
	return log_file ? 0 : error_errno(e, errno, "--log: %s", log);
}

void say_close(void)
{
	if (log_file)
		fclose(log_file);
	log_file = NULL;
}

static void say(FILE *out, const char *text)
{
	fputs("hvimg: ", out);
	put_text(out, text);
	fputc('\n', out);
}

void say_error(const char *text)
{
	say(stderr, text);
	if (log_file)
		say(log_file, text);
}

void say_note(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!be_quiet)
		say(stderr, text);
	if (log_file)
		say(log_file, text);
}

/* Length of the UTF-8 sequence at `s` with its code point, 0 when it is none (RFC 3629). */
static size_t utf8_step(const char *s, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const uint8_t *b = (const uint8_t *)s;
	size_t len = b[0] < 0x80 ? 1
		: b[0] < 0xc2    ? 0
		: b[0] < 0xe0    ? 2
		: b[0] < 0xf0    ? 3
		: b[0] < 0xf5    ? 4
				 : 0;

	if (!len)
		return 0;
	*code = len == 1 ? b[0] : b[0] & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((b[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (b[i] & 0x3f);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return len;
}

/* C0, DEL, C1, and the marks that turn the direction of what follows. */
static bool harms_terminal(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
		(code >= 0x2066 && code <= 0x2069);
}

void put_text(FILE *out, const char *text)
{
	uint32_t code;

	while (*text) {
		size_t len = utf8_step(text, &code);

		if (len && !harms_terminal(code)) {
			fwrite(text, 1, len, out);
		} else {
			len = len ? len : 1;
			for (size_t i = 0; i < len; i++)
				fprintf(out, "\\x%02x", (uint8_t)text[i]);
		}
		text += len;
	}
}

json_t *text_json(const char *text)
{
	struct buffer clean = { 0 };
	json_t *out = NULL;
	uint32_t code;
	int rc = 0;

	if (!text)
		return json_null();
	while (!rc && *text) {
		size_t len = utf8_step(text, &code);

		rc = len ? buffer_append(&clean, text, len, NULL)
			 : buffer_string(&clean, "\xef\xbf\xbd", NULL);
		text += len ? len : 1;
	}
	if (!rc)
		out = json_string(buffer_text(&clean));
	buffer_free(&clean);
	return out;
}

void put_size(FILE *out, uint64_t bytes)
{
	char text[SIZE_TEXT];

	size_text(bytes, text);
	fputs(text, out);
}

void json_add(json_t **list, json_t *item)
{
	if (!json_array_append_new(*list, item))
		return;
	json_decref(*list);
	*list = NULL;
}

void json_put(json_t **object, const char *key, json_t *value)
{
	if (!json_object_set_new(*object, key, value))
		return;
	json_decref(*object);
	*object = NULL;
}

json_t *number_json(uint64_t n)
{
	return json_integer((json_int_t)n);
}

json_t *strings_json(const struct strings *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->count; i++)
		json_add(&array, text_json(s->item[i]));
	return array;
}

json_t *finding_json(const struct finding *f)
{
	return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o}", "code", text_json(f->code), "severity",
		severity_name(f->severity), "text", text_json(f->text), "fix", text_json(f->fix),
		"offset", f->has_offset ? number_json(f->offset) : json_null(), "path",
		text_json(f->path));
}

json_t *report_json(const struct report *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->count; i++)
		json_add(&array, finding_json(&r->finding[i]));
	return array;
}

void put_finding(FILE *out, const char *indent, const struct finding *f)
{
	fprintf(out, "%s%s: ", indent, severity_name(f->severity));
	put_text(out, f->text);
	if (f->path) {
		fputs(" (", out);
		put_text(out, f->path);
		fputc(')', out);
	}
	if (f->fix) {
		fprintf(out, "\n%s  fix: ", indent);
		put_text(out, f->fix);
	}
	fputc('\n', out);
}

int print_json(json_t *document, struct error *e)
{
	json_t *whole = json_pack("{s:i}", "schema", 1);
	int rc = 0;

	if (!document || !whole || json_object_update(whole, document))
		rc = error_nomem(e, "JSON");
	else if (json_dumpf(whole, stdout, JSON_INDENT(2)))
		rc = ferror(stdout) ? error_set(e, ERR_IO, "cannot print JSON")
				    : error_nomem(e, "JSON");
	else
		putchar('\n');
	json_decref(document);
	json_decref(whole);
	return rc;
}
