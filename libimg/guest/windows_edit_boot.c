/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scripts of a recipe, for the first boot: of cmd.exe, or of PowerShell when the first line says
 * "#ps1", as cloudbase-init knows them. */
#include <stdlib.h>
#include <string.h>

#include "guest/windows_edit.h"

#define POWERSHELL "#ps1"
#define ORDER "60-" /* behind drivers and agents */

/* Lines as cmd.exe wants them. */
static int text_make(const char *text, struct buffer *out, struct error *e)
{
	int rc = 0;

	while (*text && !rc) {
		const size_t len = strcspn(text, "\n");

		rc = buffer_append(out, text, len - (len && text[len - 1] == '\r'), e);
		if (!rc)
			rc = buffer_string(out, "\r\n", e);
		text += len + (text[len] != 0);
	}
	return rc;
}

/* It removes the script once that has succeeded; a failing one is tried again. */
static int command_make(const char *file, bool powershell, struct buffer *out, struct error *e)
{
	int rc = buffer_string(out,
		powershell ? "\"%SystemRoot%\\System32\\WindowsPowerShell\\v1.0\\powershell.exe\" "
			     "-NoProfile -NonInteractive -ExecutionPolicy Bypass -File "
			   : "call ",
		e);

	return rc ? rc
		  : buffer_format(out, e,
			    "\"" WINDOWS_OWN_COMMAND "\\%s\" && del /f /q \"" WINDOWS_OWN_COMMAND
			    "\\%s\"",
			    file, file);
}

static int name_check(const char *name, struct error *e)
{
	if (windows_is_plain_name(name) && !strpbrk(name, " &()^!;,=") && strlen(name) <= 100)
		return 0;
	return error_set(e, ERR_USAGE, "%.64s can't be the name of a script", name);
}

int windows_first_boot_edit(const struct edit_work *w, struct error *e)
{
	const bool powershell = !strncmp(w->edit->text, POWERSHELL, strlen(POWERSHELL));
	struct buffer text = { 0 }, file = { 0 }, path = { 0 }, command = { 0 }, step = { 0 };
	struct strings commands = { 0 };
	int rc = name_check(w->edit->name, e);

	if (!rc)
		rc = text_make(w->edit->text, &text, e);
	if (!rc)
		rc = buffer_format(
			&file, e, "script-%s.%s", w->edit->name, powershell ? "ps1" : "cmd");
	if (!rc)
		rc = buffer_format(&path, e, "%s/" WINDOWS_OWN_FOLDER "/%s", windows_of(w->g)->root,
			buffer_text(&file));
	if (!rc)
		rc = command_make(buffer_text(&file), powershell, &command, e);
	if (!rc)
		rc = strings_add(&commands, buffer_text(&command), e);
	if (!rc)
		rc = buffer_format(&step, e, ORDER "%s", w->edit->name);
	if (!rc)
		rc = windows_first_boot_add(w->g, buffer_text(&step), &commands, e);
	if (!rc)
		rc = edit_put(w, buffer_text(&path), text.data, text.len, e);
	strings_free(&commands);
	buffer_free(&text);
	buffer_free(&file);
	buffer_free(&path);
	buffer_free(&command);
	buffer_free(&step);
	return rc;
}
