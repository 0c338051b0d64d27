/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host name and time zone. */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_edit.h"
#include "guest/linux_unit.h"

#define ZONES "/usr/share/zoneinfo/"
#define OWN_ADDRESS "127.0.1.1"

enum { HOST_NAME_LIMIT = 64, LABEL_LIMIT = 63 }; /* of Linux; RFC 1123 2.1 */

static int hostname_check(const char *name, struct error *e)
{
	size_t label = 0;
	bool good = *name && strlen(name) <= HOST_NAME_LIMIT;

	for (const char *c = name; *c && good; c++) {
		const bool edge = !label || !c[1] || c[1] == '.';

		if (*c == '.') {
			good = label > 0 && c[1];
			label = 0;
			continue;
		}
		label++;
		good = label <= LABEL_LIMIT && (isalnum((unsigned char)*c) || (*c == '-' && !edge));
	}
	return good ? 0 : error_set(e, ERR_USAGE, "%.100s can't be a host name (RFC 1123)", name);
}

/* "127.0.1.1<tab>vm.example.org<tab>vm" */
static int host_line(const char *name, struct buffer *out, struct error *e)
{
	const size_t first = strcspn(name, ".");
	int rc = buffer_format(out, e, OWN_ADDRESS "\t%s", name);

	if (!rc && name[first])
		rc = buffer_format(out, e, "\t%.*s", (int)first, name);
	return rc ? rc : buffer_string(out, "\n", e);
}

static bool begins_with(const char *line, const char *address)
{
	const size_t len = strlen(address);

	return !strncmp(line, address, len) && (line[len] == ' ' || line[len] == '\t');
}

static bool has_own(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text != 0)
		if (begins_with(text, OWN_ADDRESS))
			return true;
	return false;
}

/* The text with the line in the place of the one that there is, else behind that of localhost. */
static int hosts_make(const char *text, const char *line, struct buffer *out, struct error *e)
{
	const bool replaces = has_own(text);
	bool done = false;
	int rc = 0;

	while (*text && !rc) {
		const size_t len = strcspn(text, "\n");
		const bool old = begins_with(text, OWN_ADDRESS);
		const bool here = replaces ? old : begins_with(text, "127.0.0.1");

		if (!old)
			rc = buffer_append(out, text, len, e);
		if (!rc && !old)
			rc = buffer_string(out, "\n", e);
		if (!rc && here && !done) {
			rc = buffer_string(out, line, e);
			done = true;
		}
		text += len + (text[len] != 0);
	}
	return rc || done ? rc : buffer_string(out, line, e);
}

/* Debian's installer gives a host without a fixed address that of its own; others leave its name to
 * nss-myhostname.  A line that is there is kept right everywhere. */
static int hosts_edit(const struct edit_work *w, struct error *e)
{
	struct buffer text = { 0 }, line = { 0 }, changed = { 0 };
	const char *manager = w->g->guest.package_manager;
	bool exists, has;
	int rc = linux_text(w->g->tree, "/etc/hosts", &text, &exists, e);

	has = !rc && has_own(buffer_text(&text));
	if (!rc && (has || (exists && manager && !strcmp(manager, "dpkg")))) {
		rc = host_line(w->edit->name, &line, e);
		if (!rc)
			rc = hosts_make(buffer_text(&text), buffer_text(&line), &changed, e);
		if (!rc)
			rc = edit_put(w, "/etc/hosts", changed.data, changed.len, e);
	}
	buffer_free(&text);
	buffer_free(&line);
	buffer_free(&changed);
	return rc;
}

int linux_hostname_edit(const struct edit_work *w, struct error *e)
{
	struct buffer text = { 0 };
	int rc = hostname_check(w->edit->name, e);

	if (!rc && !unit_system(w->g->tree) && !tree_is(w->g->tree, "/etc/hostname", S_IFREG))
		rc = error_set(e, ERR_NOTREADY,
			"the guest has no /etc/hostname, and no systemd that would read one");
	if (!rc)
		rc = buffer_format(&text, e, "%s\n", w->edit->name);
	if (!rc)
		rc = edit_put(w, "/etc/hostname", text.data, text.len, e);
	buffer_free(&text);
	return rc ? rc : hosts_edit(w, e);
}

static int zone_check(const struct edit_work *w, const char *path, struct error *e)
{
	const char *name = w->edit->name;
	char magic[4] = { 0 };
	int rc = 0;

	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("/_+-", *c))
			return error_set(e, ERR_USAGE, "%.64s can't be a time zone", name);
	if (*name == '/' || !tree_is(w->g->tree, path, S_IFREG))
		return error_set(
			e, ERR_NOTREADY, "the guest has no time zone %.64s (" ZONES ")", name);
	rc = tree_read_at(w->g->tree, path, 0, magic, sizeof(magic), e);
	if (rc == -ERR_RANGE || (!rc && memcmp(magic, "TZif", 4) != 0))
		rc = error_set(e, ERR_NOTREADY, "%s is no time zone (tzfile(5))", path);
	return rc;
}

/* As localtime(5) wants it, which is what timedatectl makes. */
int linux_timezone_edit(const struct edit_work *w, struct error *e)
{
	struct buffer path = { 0 }, target = { 0 }, line = { 0 };
	int rc = buffer_format(&path, e, ZONES "%s", w->edit->name);

	if (!rc)
		rc = zone_check(w, buffer_text(&path), e);
	if (!rc)
		rc = buffer_format(&target, e, "..%s", buffer_text(&path));
	if (!rc)
		rc = edit_put_link(w, "/etc/localtime", buffer_text(&target), e);
	if (!rc)
		rc = buffer_format(&line, e, "%s\n", w->edit->name);
	if (!rc && tree_is(w->g->tree, "/etc/timezone", S_IFREG))
		rc = edit_put(w, "/etc/timezone", line.data, line.len, e);
	buffer_free(&path);
	buffer_free(&target);
	buffer_free(&line);
	return rc;
}
