/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the guest's network configuration names interfaces. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_network.h"
#include "guest/linux_seal.h"

enum { USES_MAX = 4096 };

struct scan {
	struct network_uses *out;
	enum network_kind kind;
	const char *path;
	char section[32]; /* of an INI file, "[Match]" */
	bool found; /* this file has named an interface */
	bool other; /* it is for something else than an Ethernet interface */
};

static int add_use(struct scan *s, uint64_t line, const char *name, size_t name_len,
	const char *address, struct error *e)
{
	struct network_uses *u = s->out;
	struct network_use *use;

	if (u->count == USES_MAX)
		return error_set(e, ERR_RANGE, "%s: more than %d interfaces are configured",
			s->path, USES_MAX);
	if (u->count == u->capacity) {
		size_t grown = u->capacity ? u->capacity * 2 : 8;
		struct network_use *all = reallocarray(u->use, grown, sizeof(*all));

		if (!all)
			return error_nomem(e, "network configuration");
		u->use = all;
		u->capacity = grown;
	}
	use = &u->use[u->count];
	*use = (struct network_use){ .kind = s->kind, .line = line };
	u->count++;
	s->found = true;
	use->path = strdup(s->path);
	use->name = name ? strndup(name, name_len) : NULL;
	use->address = address ? strdup(address) : NULL;
	return use->path && (use->name || !name) && (use->address || !address)
		? 0
		: error_nomem(e, "network configuration");
}

void network_uses_free(struct network_uses *u)
{
	for (size_t i = 0; i < u->count; i++) {
		free(u->use[i].path);
		free(u->use[i].name);
		free(u->use[i].address);
	}
	free(u->use);
	*u = (struct network_uses){ 0 };
}

int network_lines(const char *text,
	int (*each)(void *arg, const char *line, uint64_t number, struct error *e), void *arg,
	struct error *e)
{
	struct buffer line = { 0 };
	uint64_t number = 1;
	int rc = 0;

	for (; *text && !rc; number++) {
		size_t whole = strcspn(text, "\n"), from = 0, to = whole;

		while (from < to && strchr(" \t\r", text[from]))
			from++;
		while (to > from && strchr(" \t\r", text[to - 1]))
			to--;
		buffer_free(&line);
		rc = buffer_append(&line, text + from, to - from, e);
		if (!rc)
			rc = each(arg, buffer_text(&line), number, e);
		text += whole + (text[whole] != 0);
	}
	buffer_free(&line);
	return rc;
}

/* What stands behind "KEY=" or "KEY = "; NULL: the line is another. */
static const char *value_of(const char *line, const char *key)
{
	size_t len = strlen(key);

	if (strncmp(line, key, len) != 0)
		return NULL;
	line += len + strspn(line + len, " \t");
	if (*line != '=')
		return NULL;
	return line + 1 + strspn(line + 1, " \t\"'");
}

static size_t word_len(const char *text)
{
	return strcspn(text, " \t\"',;}");
}

/* "iface ens3 inet dhcp" */
static int ifupdown_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;

	if (strncmp(line, "iface", 5) != 0 || !strchr(" \t", line[5]) || !line[5])
		return 0;
	line += 5 + strspn(line + 5, " \t");
	if (!strncmp(line, "lo", word_len(line) > 2 ? word_len(line) : 2))
		return 0;
	return add_use(s, number, line, word_len(line), NULL, e);
}

/* Names of [Match] may be several, parted by blanks. */
static int match_names(struct scan *s, const char *value, uint64_t number, struct error *e)
{
	int rc = 0;

	while (*value && !rc) {
		size_t len = word_len(value);

		if (len)
			rc = add_use(s, number, value, len, NULL, e);
		value += len ? len : 1;
	}
	return rc;
}

static int networkd_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;
	const char *name = value_of(line, "Name"), *address = value_of(line, "MACAddress");

	if (*line == '[') {
		snprintf(s->section, sizeof(s->section), "%s", line);
		return 0;
	}
	if (strcmp(s->section, "[Match]") != 0)
		return 0;
	if (!address)
		address = value_of(line, "PermanentMACAddress");
	s->other = s->other || value_of(line, "Type") || value_of(line, "Driver") ||
		value_of(line, "Path") || value_of(line, "Property");
	if (address)
		return add_use(s, number, NULL, 0, address, e);
	return name && s->kind == NETWORK_NETWORKD ? match_names(s, name, number, e) : 0;
}

static int keyfile_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;
	const char *name = value_of(line, "interface-name");
	const char *address = value_of(line, "mac-address"), *type = value_of(line, "type");

	if (*line == '[')
		snprintf(s->section, sizeof(s->section), "%s", line);
	else if (type && !strcmp(s->section, "[connection]"))
		s->other = strcmp(type, "ethernet") != 0 && strcmp(type, "802-3-ethernet") != 0;
	else if (address)
		return add_use(s, number, NULL, 0, address, e);
	else if (name && *name && !strcmp(s->section, "[connection]"))
		return add_use(s, number, name, word_len(name), NULL, e);
	else if (name && !strcmp(s->section, "[match]"))
		return match_names(s, name, number, e);
	return 0;
}

static int ifcfg_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;
	const char *name = value_of(line, "DEVICE"), *address = value_of(line, "HWADDR");

	if (!address)
		address = value_of(line, "LLADDR");
	if (address && *address)
		return add_use(s, number, NULL, 0, address, e);
	return name && *name ? add_use(s, number, name, word_len(name), NULL, e) : 0;
}

/* What follows the key, at the line's beginning or in "match: {KEY ...}". */
static const char *behind(const char *line, const char *key)
{
	const char *at = strncmp(line, key, strlen(key)) ? strstr(line, "{") : line;

	at = at == line ? line : at && !strncmp(line, "match:", 6) ? strstr(at, key) : NULL;
	return at ? at + strlen(key) : NULL;
}

/* Without reading YAML: keys are told by their form, "ens3:" and "macaddress: ...". */
static int netplan_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;
	const char *address = behind(line, "macaddress:"), *name = behind(line, "name:");
	size_t len = strcspn(line, ":");

	if (*line == '#')
		return 0;
	if (address)
		return add_use(s, number, NULL, 0, address + strspn(address, " \t\"'"), e);
	if (name) {
		name += strspn(name, " \t\"'");
		return add_use(s, number, name, word_len(name), NULL, e);
	}
	if (line[len] && !line[len + 1] && (!strncmp(line, "en", 2) || !strncmp(line, "eth", 3)))
		return add_use(s, number, line, len, NULL, e);
	return 0;
}

/* SUBSYSTEM=="net", ..., ATTR{address}=="00:11:22:33:44:55", NAME="eth0" */
static int rules_line(void *arg, const char *line, uint64_t number, struct error *e)
{
	struct scan *s = arg;
	const char *address = strstr(line, "ATTR{address}==\"");
	char text[18];

	if (*line == '#' || !address)
		return 0;
	snprintf(text, sizeof(text), "%.17s", address + 16);
	return add_use(s, number, NULL, 0, text, e);
}

static const struct source {
	const char *pattern;
	enum network_kind kind;
	int (*line)(void *arg, const char *line, uint64_t number, struct error *e);
} sources[] = {
	{ "/etc/network/interfaces", NETWORK_IFUPDOWN, ifupdown_line },
	{ "/etc/network/interfaces.d/*", NETWORK_IFUPDOWN, ifupdown_line },
	{ "/etc/systemd/network/*.network", NETWORK_NETWORKD, networkd_line },
	{ "/etc/systemd/network/*.link", NETWORK_LINK, networkd_line },
	{ "/etc/NetworkManager/system-connections/*", NETWORK_KEYFILE, keyfile_line },
	{ "/etc/sysconfig/network-scripts/ifcfg-*", NETWORK_IFCFG, ifcfg_line },
	{ "/etc/sysconfig/network/ifcfg-*", NETWORK_IFCFG, ifcfg_line },
	{ "/etc/netplan/*.yaml", NETWORK_NETPLAN, netplan_line },
	{ "/etc/udev/rules.d/70-persistent-net.rules", NETWORK_RULES, rules_line },
};

/* SUSE's files say the name by their own alone. */
static int name_from_path(struct scan *s, struct error *e)
{
	const char *name = strstr(s->path, "/ifcfg-");

	return s->kind == NETWORK_IFCFG && !s->found && name && strcmp(name, "/ifcfg-lo") != 0
		? add_use(s, 0, name + 7, strlen(name + 7), NULL, e)
		: 0;
}

static int file_scan(struct guest_image *g, const struct source *source, const char *path,
	struct network_uses *out, struct error *e)
{
	struct scan s = { .out = out, .kind = source->kind, .path = path };
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	if (!rc && exists)
		rc = network_lines(buffer_text(&text), source->line, &s, e);
	if (!rc && exists)
		rc = name_from_path(&s, e);
	/* A profile that names none takes any interface. */
	if (!rc && exists && !s.found && !s.other &&
		(s.kind == NETWORK_NETWORKD || s.kind == NETWORK_KEYFILE))
		rc = add_use(&s, 0, NULL, 0, NULL, e);
	buffer_free(&text);
	return rc;
}

int network_scan(struct guest_image *g, struct network_uses *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && !rc; i++) {
		struct strings paths = { 0 };

		rc = seal_glob(g->tree, sources[i].pattern, &paths, e);
		for (size_t j = 0; j < paths.count && !rc; j++)
			rc = file_scan(g, &sources[i], paths.item[j], out, e);
		strings_free(&paths);
	}
	return rc;
}

bool network_hotplugs(struct guest_image *g)
{
	return tree_is(g->tree, "/lib/udev/ifupdown-hotplug", S_IFREG) ||
		tree_is(g->tree, "/usr/lib/udev/ifupdown-hotplug", S_IFREG);
}
