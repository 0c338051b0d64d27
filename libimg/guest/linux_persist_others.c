/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dracut (dracut.conf(5)) and mkinitcpio (mkinitcpio.conf(5)) are told of modules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_persist.h"

/* The package's settings, then the administrator's, which count more. */
static int dracut_text(struct tree *t, struct buffer *out, struct error *e)
{
	int rc = persist_texts(t, "/usr/lib/dracut/dracut.conf.d", ".conf", out, e);

	if (!rc)
		rc = persist_text(t, "/etc/dracut.conf", out, e);
	return rc ? rc : persist_texts(t, "/etc/dracut.conf.d", ".conf", out, e);
}

/* Without hostonly the drivers of all disks go in; what is so by default changed with versions. */
static int dracut_builds_all(struct tree *t, bool *all, struct error *e)
{
	struct buffer text = { 0 };
	char *hostonly = NULL;
	int rc = dracut_text(t, &text, e);

	if (!rc)
		rc = linux_shell_value(buffer_text(&text), "hostonly", &hostonly, e);
	*all = !rc && hostonly && !strcmp(hostonly, "no");
	free(hostonly);
	buffer_free(&text);
	return rc;
}

static int dracut_listed(struct tree *t, struct strings *out, struct error *e)
{
	static const char *const names[] = { "add_drivers", "force_drivers", NULL };
	struct buffer text = { 0 };
	int rc = dracut_text(t, &text, e);

	if (!rc)
		rc = persist_words(buffer_text(&text), names, out, e);
	buffer_free(&text);
	return rc;
}

static int dracut_place(struct tree *t, struct persist_file *out, struct error *e)
{
	(void)t;
	(void)e;
	*out = (struct persist_file){ .path = "/etc/dracut.conf.d/90-hvimg.conf",
		.before = "add_drivers+=\" ",
		.after = " \"" };
	return 0;
}

const struct persist_tool persist_dracut = { "dracut", { "/usr/bin/dracut", "/usr/sbin/dracut" },
	dracut_builds_all, dracut_listed, dracut_place };

#define ARCH_SETTINGS "/etc/mkinitcpio.conf"
#define ARCH_SNIPPETS "/etc/mkinitcpio.conf.d"

/* Its hook "autodetect" leaves out what the machine that it ran on had not. */
static int arch_builds_all(struct tree *t, bool *all, struct error *e)
{
	(void)t;
	(void)e;
	*all = false;
	return 0;
}

static int arch_listed(struct tree *t, struct strings *out, struct error *e)
{
	static const char *const names[] = { "MODULES", NULL };
	struct buffer text = { 0 };
	int rc = persist_text(t, ARCH_SETTINGS, &text, e);

	if (!rc)
		rc = persist_texts(t, ARCH_SNIPPETS, ".conf", &text, e);
	if (!rc)
		rc = persist_words(buffer_text(&text), names, out, e);
	buffer_free(&text);
	return rc;
}

static bool has_line(const char *text, const char *word)
{
	for (; *text; text += *text != 0) {
		size_t len = strcspn(text, "\n");
		const char *found = *text == '#' ? NULL : strstr(text, word);

		if (found && found < text + len)
			return true;
		text += len;
	}
	return false;
}

/* Snippets are read by its newer versions, and where no preset names one file to be read. */
static int arch_snippets(struct tree *t, bool *answer, struct error *e)
{
	struct buffer program = { 0 }, presets = { 0 };
	int rc = persist_text(t, "/usr/bin/mkinitcpio", &program, e);

	if (!rc)
		rc = persist_texts(t, "/etc/mkinitcpio.d", ".preset", &presets, e);
	*answer = !rc && strstr(buffer_text(&program), "mkinitcpio.conf.d") &&
		!has_line(buffer_text(&presets), "_config=");
	buffer_free(&program);
	buffer_free(&presets);
	return rc;
}

/* MODULES is an array of the shell, or a text in old settings. */
static int arch_place(struct tree *t, struct persist_file *out, struct error *e)
{
	struct buffer text = { 0 };
	bool snippets, is_text;
	int rc = persist_text(t, ARCH_SETTINGS, &text, e);

	if (!rc)
		rc = arch_snippets(t, &snippets, e);
	if (!rc) {
		is_text = has_line(buffer_text(&text), "MODULES=\"") ||
			has_line(buffer_text(&text), "MODULES='");
		*out = (struct persist_file){ .before = is_text ? "MODULES+=\" " : "MODULES+=(",
			.after = is_text ? "\"" : ")" };
		snprintf(out->path, sizeof(out->path), "%s",
			snippets ? ARCH_SNIPPETS "/hvimg.conf" : ARCH_SETTINGS);
	}
	buffer_free(&text);
	return rc;
}

const struct persist_tool persist_mkinitcpio = { "mkinitcpio", { "/usr/bin/mkinitcpio" },
	arch_builds_all, arch_listed, arch_place };
