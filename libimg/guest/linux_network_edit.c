/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration of an interface extended to its name on hypervisors without PCI, so that the old
 * name means the same as before. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_network.h"

static bool is_word(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(text, word, len);
}

/* The next word of the line; false at its end. */
static bool next_word(const char **at, const char *end, size_t *len)
{
	while (*at < end && strchr(" \t\r\n", **at))
		(*at)++;
	*len = 0;
	while (*at + *len < end && !strchr(" \t\r\n", (*at)[*len]))
		(*len)++;
	return *len > 0;
}

static size_t line_len(const char *text)
{
	size_t len = strcspn(text, "\n");

	return len + (text[len] != 0);
}

static bool begins_stanza(const char *word, size_t len)
{
	static const char *const words[] = { "iface", "auto", "mapping", "source",
		"source-directory", "no-auto-down", "no-scripts", "rename", "template" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_word(word, len, words[i]))
			return true;
	return len > 6 && !memcmp(word, "allow-", 6);
}

/* A text of interfaces(5) on its way. */
struct ifupdown {
	const char *name;
	struct buffer *out; /* the whole text */
	struct buffer copy; /* stanzas for the other name */
	bool inside; /* in a stanza of the name */
	bool certain; /* the name stands nowhere else */
};

/* "auto ens3" fails when there is no ens3; "allow-hotplug" then does nothing. */
static int auto_line(struct ifupdown *i, const char *line, size_t len, struct error *e)
{
	const char *at = line, *end = line + len;
	size_t word, others = 0;
	bool named = false;
	int rc = 0;

	next_word(&at, end, &word);
	for (at += word; next_word(&at, end, &word); at += word) {
		named = named || is_word(at, word, i->name);
		others += !is_word(at, word, i->name);
	}
	if (!named)
		return buffer_append(i->out, line, len, e);
	at = line;
	next_word(&at, end, &word);
	for (at += word; others && !rc && next_word(&at, end, &word); at += word)
		if (!is_word(at, word, i->name)) {
			rc = buffer_format(
				i->out, e, "%s%.*s", named ? "auto " : " ", (int)word, at);
			named = false;
		}
	if (!rc && others)
		rc = buffer_string(i->out, "\n", e);
	return rc ? rc : buffer_format(i->out, e, "allow-hotplug %s\n", i->name);
}

static int iface_line(struct ifupdown *i, const char *at, const char *end, struct error *e)
{
	size_t word;

	i->inside = next_word(&at, end, &word) && is_word(at, word, i->name);
	if (!i->inside)
		return 0;
	at += word;
	return buffer_format(&i->copy, e, "iface " NETWORK_PLAIN_NAME "%.*s", (int)(end - at), at);
}

static bool mentions(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	for (size_t i = 0; name_len <= len && i <= len - name_len; i++)
		if (!memcmp(line + i, name, name_len))
			return true;
	return false;
}

static int ifupdown_line(struct ifupdown *i, const char *line, size_t len, struct error *e)
{
	const char *at = line, *end = line + len;
	size_t word;
	int rc = 0;

	if (!next_word(&at, end, &word) || *at == '#')
		return buffer_append(i->out, line, len, e);
	if (is_word(at, word, "auto")) {
		i->inside = false;
		return auto_line(i, line, len, e);
	}
	if (is_word(at, word, "iface")) {
		rc = iface_line(i, at + word, end, e);
	} else if (begins_stanza(at, word)) {
		i->inside = false;
		/* Of a mapping or a renaming it can't be told what another name would do. */
		if (word <= 6 || memcmp(at, "allow-", 6))
			i->certain = i->certain && !mentions(line, len, i->name);
	} else {
		i->certain = i->certain && !mentions(line, len, i->name) &&
			!memchr(line, '\\', len);
		if (i->inside)
			rc = buffer_append(&i->copy, line, len, e);
	}
	return rc ? rc : buffer_append(i->out, line, len, e);
}

static int edit_ifupdown(const struct network_use *use, const char *text, struct buffer *out,
	bool *done, struct error *e)
{
	struct ifupdown i = { .name = use->name, .out = out, .certain = true };
	int rc = 0;

	for (; *text && !rc; text += line_len(text))
		rc = ifupdown_line(&i, text, line_len(text), e);
	if (!rc)
		rc = buffer_format(out, e,
			"\n# The same under the name without a PCI slot.\n"
			"allow-hotplug " NETWORK_PLAIN_NAME "\n%s",
			buffer_text(&i.copy));
	/* The last line goes on when it has no end. */
	*done = i.certain && i.copy.len && i.copy.data[i.copy.len - 1] == '\n';
	buffer_free(&i.copy);
	return rc;
}

/* Name= of [Match] is a list of patterns. */
static int edit_networkd(const struct network_use *use, const char *text, struct buffer *out,
	bool *done, struct error *e)
{
	int rc = 0;

	for (uint64_t number = 1; *text && !rc; number++) {
		size_t len = line_len(text), bare = strcspn(text, "\r\n");

		rc = buffer_append(out, text, bare, e);
		if (!rc && number == use->line)
			rc = buffer_string(out, " " NETWORK_PLAIN_NAME, e);
		if (!rc)
			rc = buffer_append(out, text + bare, len - bare, e);
		text += len;
	}
	*done = use->line > 0;
	return rc;
}

/* A profile has one interface-name, but may match several; what does not know [match] takes any. */
static int edit_keyfile(const struct network_use *use, const char *text, struct buffer *out,
	bool *done, struct error *e)
{
	uint64_t number = 1;
	int rc = 0;

	*done = !strstr(text, "[match]");
	for (const char *line = text; *line && !rc; line += line_len(line), number++)
		if (number != use->line)
			rc = buffer_append(out, line, line_len(line), e);
	if (!rc)
		rc = buffer_format(out, e,
			"%s\n[match]\ninterface-name=%s;" NETWORK_PLAIN_NAME ";\n",
			out->len && out->data[out->len - 1] != '\n' ? "\n" : "", use->name);
	return rc;
}

/* The copy for the other name is not the same profile, and has no address of a card. */
static int edit_ifcfg(const struct network_use *use, const char *text, struct buffer *out,
	bool *done, struct error *e)
{
	static const char *const dropped[] = { "UUID=", "HWADDR=", "LLADDR=" };
	int rc = 0;

	for (const char *line = text; *line && !rc; line += line_len(line)) {
		const char *start = line + strspn(line, " \t");
		bool drop = false;

		for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
			drop = drop || !strncmp(start, dropped[i], strlen(dropped[i]));
		if (drop)
			continue;
		if (!strncmp(start, "DEVICE=", 7) || !strncmp(start, "NAME=", 5))
			rc = buffer_format(out, e, "%.*s" NETWORK_PLAIN_NAME "\n",
				*start == 'D' ? 7 : 5, start);
		else
			rc = buffer_append(out, line, line_len(line), e);
	}
	*done = use->name && !strchr(use->name, '/') && !strpbrk(use->name, "*?[");
	return rc;
}

static size_t indent_of(const char *line)
{
	return strspn(line, " ");
}

/* The first line behind that is neither empty nor a comment. */
static const char *next_content(const char *line)
{
	for (line += line_len(line); *line; line += line_len(line)) {
		const char *word = line + strspn(line, " \t\r");

		if (*word && *word != '\n' && *word != '#')
			break;
	}
	return line;
}

/* In block style, "ens3:" with settings below it and no match of its own. */
static bool is_plain_block(const char *line)
{
	const size_t outer = indent_of(line);
	const char *child = next_content(line);
	const size_t inner = indent_of(child);

	for (; *child && indent_of(child) > outer; child = next_content(child)) {
		const char *key = child + indent_of(child);

		if (!strncmp(key, "match:", 6) || !strncmp(key, "set-name:", 9))
			return false;
	}
	return inner > outer && !memchr(line, '\t', line_len(line));
}

static int edit_netplan(const struct network_use *use, const char *text, struct buffer *out,
	bool *done, struct error *e)
{
	uint64_t number = 1;
	int rc = 0;

	for (const char *line = text; *line && !rc; line += line_len(line), number++) {
		const char *key = line + indent_of(line);

		if (number == use->line && !strncmp(key, "name:", 5)) {
			*done = true;
			rc = buffer_format(out, e, "%.*sname: \"e*\"\n", (int)(key - line), line);
			continue;
		}
		rc = buffer_append(out, line, line_len(line), e);
		if (rc || number != use->line || !is_plain_block(line))
			continue;
		*done = true;
		rc = buffer_format(out, e, "%*smatch: {name: \"e*\"}\n",
			(int)indent_of(next_content(line)), "");
	}
	return rc;
}

int network_edit(struct guest_image *g, const struct network_use *use, const char *text,
	struct buffer *out, bool *done, struct error *e)
{
	int rc = 0;

	*done = false;
	switch (use->kind) {
	case NETWORK_IFUPDOWN:
		if (network_hotplugs(g))
			rc = edit_ifupdown(use, text, out, done, e);
		break;
	case NETWORK_NETWORKD:
		rc = edit_networkd(use, text, out, done, e);
		break;
	case NETWORK_KEYFILE:
		rc = edit_keyfile(use, text, out, done, e);
		break;
	case NETWORK_IFCFG:
		rc = edit_ifcfg(use, text, out, done, e);
		break;
	case NETWORK_NETPLAN:
		rc = edit_netplan(use, text, out, done, e);
		break;
	case NETWORK_LINK:
	case NETWORK_RULES:
		break;
	}
	if (rc || !*done)
		buffer_free(out);
	return rc;
}
