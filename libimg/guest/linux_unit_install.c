/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_unit_install.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

void unit_install_free(struct unit_install *i)
{
	strings_free(&i->wanted);
	strings_free(&i->required);
	strings_free(&i->upheld);
	strings_free(&i->alias);
	strings_free(&i->also);
	free(i->instance);
}

/* An empty value takes back what was said before it. */
static int list_assign(struct strings *list, const char *value, struct error *e)
{
	if (!value[strspn(value, " \t")])
		strings_free(list);
	return strings_split(list, value, " \t\r", e);
}

static int install_assign(struct unit_install *i, const char *line, struct error *e)
{
	struct {
		const char *key;
		struct strings *list;
	} keys[] = { { "WantedBy", &i->wanted }, { "RequiredBy", &i->required },
		{ "UpheldBy", &i->upheld }, { "Alias", &i->alias }, { "Also", &i->also } };
	size_t len = strcspn(line, " \t=");
	const char *value = line + len + strspn(line + len, " \t");

	if (*value != '=')
		return 0;
	value++;
	for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++)
		if (len == strlen(keys[k].key) && !strncmp(line, keys[k].key, len))
			return list_assign(keys[k].list, value, e);
	if (len == 15 && !strncmp(line, "DefaultInstance", len)) {
		value += strspn(value, " \t");
		free(i->instance);
		i->instance = strndup(value, strcspn(value, " \t\r"));
		return i->instance ? 0 : error_nomem(e, "a unit");
	}
	return 0;
}

/* Reads a line with those that continue it; comments between them do not count. */
static int line_read(const char **text, struct buffer *line, struct error *e)
{
	bool more = true;
	int rc = 0;

	buffer_free(line);
	while (more && **text && !rc) {
		const char *start = *text + strspn(*text, " \t");
		size_t len = strcspn(start, "\n");
		bool comment = *start == '#' || *start == ';';

		*text = start + len + (start[len] == '\n');
		if (comment && line->len)
			continue;
		while (len && (start[len - 1] == '\r' || start[len - 1] == ' '))
			len--;
		more = len && start[len - 1] == '\\' && !comment;
		rc = buffer_append(line, start, len - more, e);
		if (!rc && more)
			rc = buffer_string(line, " ", e);
	}
	return rc;
}

int unit_install_read(const char *text, struct unit_install *out, struct error *e)
{
	struct buffer line = { 0 };
	bool inside = false;
	int rc = 0;

	while (*text && !rc) {
		const char *start;

		rc = line_read(&text, &line, e);
		start = buffer_text(&line);
		if (*start == '[')
			inside = !strncmp(start, "[Install]", 9);
		else if (!rc && inside && *start != '#' && *start != ';')
			rc = install_assign(out, start, e);
	}
	buffer_free(&line);
	return rc;
}
