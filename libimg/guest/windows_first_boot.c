/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands that Windows runs at its next start.
 *
 * What starts them is a service whose program is cmd.exe.  It is the one way that works in an image
 * that goes on living as well as in a generalized one, and needs no program of our own in the
 * guest: SetupComplete.cmd is run at the end of Setup only, and not on every edition; RunOnce waits
 * for someone to log on, and has that person's rights; a command of HKLM\SYSTEM\Setup that fails
 * keeps Windows in Setup.  While Setup runs, the service control manager starts nothing that is
 * not on its list, so the service comes after it.
 *
 * cmd.exe does not answer the service control manager, which ends it after 30 seconds at the
 * latest: so it only starts a second cmd.exe, and ends by itself.  The start counts as failed;
 * ErrorControl 0 says that this is of no importance.
 *
 * Every command is a file of its own.  One that succeeded is removed.  When none is left, or at the
 * third start, service and files are removed by the script itself; the log stays.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/windows_put.h"

#define SERVICE "hvimg-first-boot"
#define STEPS "first-boot"

enum { STEP_LIMIT = 999, LINE_LIMIT = 2000 }; /* cmd.exe takes 8191 characters, once expanded */

/* 259: nothing more to be done, no device has it yet or a better driver (pnputil); 3010, 1641: done
 * once Windows has been restarted. */
static const char *const runner[] = {
	"@echo off",
	"setlocal EnableExtensions DisableDelayedExpansion",
	"set \"SYS=%SystemRoot%\\System32\"",
	"set \"STEPS=" WINDOWS_OWN_PATH "\\" STEPS "\"",
	"set \"LOG=" WINDOWS_OWN_PATH "\\first-boot.log\"",
	"cd /d \"%SystemRoot%\"",
	"for /f \"tokens=3\" %%V in "
	"('\"%SYS%\\reg.exe\" query HKLM\\SYSTEM\\Setup /v SystemSetupInProgress') "
	"do if \"%%V\"==\"0x1\" exit 0",
	"call :run >>\"%LOG%\" 2>&1",
	"if not exist \"%STEPS%\\*-*.cmd\" goto remove",
	"if %START% lss 3 exit 0",
	"echo %DATE% %TIME% given up >>\"%LOG%\"",
	":remove",
	"\"%SYS%\\sc.exe\" delete " SERVICE " >>\"%LOG%\" 2>&1",
	"rd /s /q \"%STEPS%\" & exit 0",
	"",
	":run",
	"set \"START=0\"",
	"if exist \"%STEPS%\\starts\" set /p START=<\"%STEPS%\\starts\"",
	"set /a START+=1",
	">\"%STEPS%\\starts\" echo %START%",
	"echo %DATE% %TIME% start %START% of 3",
	"for /f \"delims=\" %%F in ('dir /b /a-d /on \"%STEPS%\\*-*.cmd\"') do call :step \"%%F\"",
	"echo %DATE% %TIME% end",
	"exit /b 0",
	"",
	":step",
	"set \"TRY=0\"",
	":again",
	"set /a TRY+=1",
	"echo %DATE% %TIME% %~1, try %TRY% of 3",
	"\"%SYS%\\cmd.exe\" /d /c \"%STEPS%\\%~1\" <nul",
	"set \"CODE=%ERRORLEVEL%\"",
	"echo %DATE% %TIME% %~1 ended with %CODE%",
	"for %%C in (0 259 1641 3010) do if \"%CODE%\"==\"%%C\" goto done",
	"if %TRY% geq 3 exit /b 1",
	"\"%SYS%\\ping.exe\" -n 11 127.0.0.1 >nul",
	"goto again",
	":done",
	"del /f /q \"%STEPS%\\%~1\"",
	"exit /b 0",
};

static const char *const why_script = "Windows runs it once, at its next start";
static const char *const why_service =
	"starts the commands of the first boot; they remove it afterwards";

static int own_path(
	const struct guest_image *g, const char *name, struct buffer *out, struct error *e)
{
	return buffer_format(out, e, "%s/" WINDOWS_OWN_FOLDER "/" STEPS "%s%s", windows_of(g)->root,
		*name ? "/" : "", name);
}

static int script_put(
	struct guest_image *g, const char *name, const struct buffer *text, struct error *e)
{
	struct buffer path = { 0 };
	int rc = own_path(g, name, &path, e);

	if (!rc)
		rc = windows_put(g, buffer_text(&path), text->data, text->len, why_script, e);
	buffer_free(&path);
	return rc;
}

static int runner_put(struct guest_image *g, struct error *e)
{
	struct buffer text = { 0 };
	int rc = 0;

	for (size_t i = 0; i < sizeof(runner) / sizeof(*runner) && !rc; i++)
		rc = buffer_format(&text, e, "%s\r\n", runner[i]);
	if (!rc)
		rc = script_put(g, "run.cmd", &text, e);
	buffer_free(&text);
	return rc;
}

static int step_put(struct guest_image *g, const char *name, size_t number, const char *command,
	struct error *e)
{
	struct buffer file = { 0 }, text = { 0 };
	int rc = 0;

	for (const char *c = command; *c && !rc; c++)
		if (*c < ' ' || *c > '~')
			rc = error_set(e, ERR_USAGE,
				"a command for the first boot holds the character %u",
				(unsigned char)*c);
	if (!rc && strlen(command) > LINE_LIMIT)
		rc = error_set(e, ERR_RANGE, "a command for the first boot has %zu characters",
			strlen(command));
	if (!rc)
		rc = buffer_format(&file, e, "%s-%03zu.cmd", name, number);
	if (!rc)
		rc = buffer_format(&text, e, "@echo off\r\n%s\r\n", command);
	if (!rc)
		rc = script_put(g, buffer_text(&file), &text, e);
	buffer_free(&file);
	buffer_free(&text);
	return rc;
}

/* What of that name an earlier edit has left: further commands, and the count of starts. */
static bool is_stale(const char *file, const char *name, size_t commands)
{
	size_t len = strlen(name), number;
	int end = 0;

	if (!strcmp(file, "starts"))
		return true;
	return !strncmp(file, name, len) && sscanf(file + len, "-%3zu.cmd%n", &number, &end) == 1 &&
		end && !file[len + (size_t)end] && number > commands;
}

static int stale_remove(struct guest_image *g, const char *name, size_t commands, struct error *e)
{
	struct strings files = { 0 };
	struct buffer path = { 0 };
	int rc = own_path(g, "", &path, e);

	if (!rc && tree_is(g->tree, buffer_text(&path), S_IFDIR))
		rc = tree_list(g->tree, buffer_text(&path), &files, e);
	for (size_t i = 0; i < files.count && !rc; i++) {
		if (!is_stale(files.item[i], name, commands))
			continue;
		buffer_free(&path);
		rc = own_path(g, files.item[i], &path, e);
		if (!rc)
			rc = tree_remove(
				g->tree, buffer_text(&path), "left of an earlier first boot", e);
	}
	strings_free(&files);
	buffer_free(&path);
	return rc;
}

/* In one control set. */
static int service_put(struct hive *h, const char *set, struct error *e)
{
	static const struct {
		const char *name;
		enum hive_type type;
		const char *text;
	} texts[] = {
		{ "DisplayName", HIVE_SZ, "hvimg first boot" },
		{ "Description", HIVE_SZ,
			"Finishes what was done to this image, and removes itself." },
		{ "ObjectName", HIVE_SZ, "LocalSystem" },
		{ "ImagePath", HIVE_EXPAND_SZ,
			"%SystemRoot%\\System32\\cmd.exe /d /c start \"\" /b "
			"\"%SystemRoot%\\System32\\cmd.exe\" /d /c \"" WINDOWS_OWN_PATH "\\" STEPS
			"\\run.cmd\"" },
	};
	static const struct {
		const char *name;
		uint32_t value;
	} numbers[] = { { "Type", 0x10 }, { "Start", 2 }, { "ErrorControl", 0 } };
	struct strings needs = { 0 };
	struct buffer key = { 0 };
	int rc = buffer_format(&key, e, "%s\\Services\\" SERVICE, set);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !rc; i++)
		rc = hive_set_dword(
			h, buffer_text(&key), numbers[i].name, numbers[i].value, why_service, e);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !rc; i++)
		rc = hive_set_text(h, buffer_text(&key), texts[i].name, texts[i].type,
			texts[i].text, why_service, e);
	if (!rc)
		rc = strings_add(&needs, "RpcSs", e);
	if (!rc)
		rc = hive_set_list(h, buffer_text(&key), "DependOnService", &needs, why_service, e);
	strings_free(&needs);
	buffer_free(&key);
	return rc;
}

int windows_first_boot_add(
	struct guest_image *g, const char *name, const struct strings *commands, struct error *e)
{
	const struct windows_guest *w = windows_of(g);
	struct hive *h = NULL;
	int rc = windows_hive_edit(g, WINDOWS_SYSTEM, &h, e);

	if (!rc && (!windows_is_plain_name(name) || commands->count > STEP_LIMIT))
		rc = error_set(e, ERR_USAGE, "\"%s\": no name for %zu commands of the first boot",
			name, commands->count);
	if (!rc)
		rc = stale_remove(g, name, commands->count, e);
	if (rc || !commands->count)
		return rc;
	rc = runner_put(g, e);
	for (size_t i = 0; i < commands->count && !rc; i++)
		rc = step_put(g, name, i + 1, commands->item[i], e);
	for (size_t i = 0; i < w->control_sets.count && !rc; i++)
		rc = service_put(h, w->control_sets.item[i], e);
	return rc ? error_prefix(e, "first boot") : 0;
}
