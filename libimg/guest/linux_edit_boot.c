/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scripts that the guest runs at its next start, one after the other in the order of their names,
 * by one unit: units of their own would run side by side.  Each is removed when it has ended,
 * however it ended; when none is left, so are unit and runner.  The log stays.
 */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_edit.h"
#include "guest/linux_unit.h"

#define RUNNER "/usr/local/sbin/hvimg-first-boot"
#define SCRIPTS "/usr/local/sbin/hvimg-first-boot.d"
#define UNIT "hvimg-first-boot.service"
#define UNIT_PATH "/etc/systemd/system/" UNIT

static const char runner[] =
	"#!/bin/sh\n"
	"# Runs once what was left for the first start of this system, and removes itself.\n"
	"umask 022\n"
	"exec >>/var/log/hvimg-first-boot.log 2>&1\n"
	"for script in " SCRIPTS "/*; do\n"
	"\t[ -f \"$script\" ] || continue\n"
	"\techo \"$(date '+%F %T') ${script##*/}\"\n"
	"\t\"$script\" </dev/null\n"
	"\techo \"$(date '+%F %T') ${script##*/} ended with $?\"\n"
	"\trm -f \"$script\"\n"
	"done\n"
	"rmdir " SCRIPTS " || exit 1\n"
	"rm -f /etc/systemd/system/multi-user.target.wants/" UNIT " " UNIT_PATH " " RUNNER "\n";

static const char unit[] = "[Unit]\n"
			   "Description=What was left for the first start of this system\n"
			   "ConditionPathExists=" SCRIPTS "\n"
			   "Wants=network-online.target\n"
			   "After=network-online.target\n"
			   "\n"
			   "[Service]\n"
			   "Type=oneshot\n"
			   "ExecStart=" RUNNER "\n"
			   "\n"
			   "[Install]\n"
			   "WantedBy=multi-user.target\n";

static int name_check(const char *name, struct error *e)
{
	bool good = isalnum((unsigned char)*name) && strlen(name) <= 100;

	for (const char *c = name; *c; c++)
		good = good && (isalnum((unsigned char)*c) || strchr("-_", *c));
	return good ? 0
		    : error_set(e, ERR_USAGE,
			      "%.64s can't be the name of a script: letters, digits, - and _ can",
			      name);
}

/* The program of the first line must be there. */
static int interpreter_check(const struct edit_work *w, const char *text, struct error *e)
{
	struct buffer path = { 0 };
	const char *at = text + 2 + strspn(text + 2, " \t");
	int rc;

	if (text[strcspn(text, "\r\n")] == '\r')
		return error_set(e, ERR_USAGE, "the script's lines end as those of Windows do");
	rc = buffer_append(&path, at, strcspn(at, " \t\n"), e);
	if (!rc && !tree_is(w->g->tree, buffer_text(&path), S_IFREG))
		rc = error_set(e, ERR_NOTREADY,
			"the guest has no %.200s, which is to run the script", buffer_text(&path));
	buffer_free(&path);
	return rc;
}

static int script_put(const struct edit_work *w, struct error *e)
{
	const struct tree_looks looks = { true, true, true, .mode = 0700 };
	const struct tree_put folder = {
		.has_mode = true, .mode = 0700, .mtime = w->mtime, .why = w->why
	};
	const bool whole = !strncmp(w->edit->text, "#!", 2);
	struct buffer text = { 0 }, path = { 0 };
	int rc = buffer_format(&text, e, "%s%s", whole ? "" : "#!/bin/sh\n", w->edit->text);

	if (!rc)
		rc = interpreter_check(w, buffer_text(&text), e);
	if (!rc)
		rc = buffer_format(&path, e, SCRIPTS "/%s", w->edit->name);
	if (!rc)
		rc = tree_make_directory(w->g->tree, SCRIPTS, &folder, e);
	if (!rc)
		rc = edit_put_as(w, buffer_text(&path), text.data, text.len, &looks, e);
	buffer_free(&text);
	buffer_free(&path);
	return rc;
}

int linux_first_boot_edit(const struct edit_work *w, struct error *e)
{
	const struct tree_looks program = { .has_mode = true, .mode = 0755 };
	const struct tree_looks text = { .has_mode = true, .mode = 0644 };
	int rc = name_check(w->edit->name, e);

	if (!rc && !unit_system(w->g->tree))
		rc = error_set(e, ERR_NOTREADY,
			"the guest is not started by systemd, which is to run the script");
	if (!rc)
		rc = script_put(w, e);
	if (!rc)
		rc = edit_put_as(w, RUNNER, runner, strlen(runner), &program, e);
	if (!rc)
		rc = edit_put_as(w, UNIT_PATH, unit, strlen(unit), &text, e);
	return rc ? rc : linux_unit_enable(w, UNIT, e);
}
