/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answer file.  Setup takes the first that it finds: the one that the registry names, then
 * those of Panther\Unattend, then those of Panther.  What is found before ours is put aside, under
 * a name that is not looked for.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/xml.h"
#include "guest/firmware.h"
#include "guest/windows_setting.h"

static const char why[] = "Setup's answer file";

enum { KEPT_LIMIT = 16 << 20 };

/* The first copy is kept: a second edit would replace the guest's own by ours. */
static int copy_keep(struct guest_image *g, const char *path, struct error *e)
{
	struct buffer name = { 0 }, bytes = { 0 };
	int rc = buffer_format(&name, e, "%s.before-hvimg", path);

	if (!rc && !tree_is(g->tree, buffer_text(&name), 0)) {
		rc = tree_read(g->tree, path, KEPT_LIMIT, &bytes, e);
		if (!rc)
			rc = windows_put(g, buffer_text(&name), bytes.data, bytes.len,
				"the answer file that was there", e);
	}
	buffer_free(&bytes);
	buffer_free(&name);
	return rc;
}

/* One that Setup finds before ours. */
static int earlier_drop(struct guest_image *g, const char *name, struct error *e)
{
	struct buffer path = { 0 };
	struct error none;
	int rc = firmware_path_below(g->tree, windows_of(g)->root, name, &path, &none);

	if (rc) {
		buffer_free(&path);
		return error_of_host(&none, e);
	}
	rc = copy_keep(g, buffer_text(&path), e);
	if (!rc)
		rc = tree_remove(g->tree, buffer_text(&path),
			"Setup would take this answer file instead of the one that is put in", e);
	buffer_free(&path);
	return rc;
}

static int registry_drop(struct guest_image *g, struct error *e)
{
	struct hive *h = NULL;
	int rc = windows_hive_edit(g, WINDOWS_SYSTEM, &h, e);

	if (rc)
		return rc;
	return hive_remove_value(h, "Setup", "UnattendFile",
		"Setup would take that answer file instead of the one that is put in", e);
}

static int file_put(struct guest_image *g, const struct buffer *text, struct error *e)
{
	struct buffer wanted = { 0 }, path = { 0 }, have = { 0 };
	int rc = buffer_format(&wanted, e, "%s/Panther/unattend.xml", windows_of(g)->root);
	bool is_other = false;

	if (!rc)
		rc = firmware_place(g->tree, buffer_text(&wanted), &path, e);
	if (!rc && tree_is(g->tree, buffer_text(&path), S_IFREG)) {
		rc = tree_read(g->tree, buffer_text(&path), KEPT_LIMIT, &have, e);
		is_other = !rc &&
			(have.len != text->len || memcmp(have.data, text->data, text->len) != 0);
	}
	if (!rc && is_other)
		rc = copy_keep(g, buffer_text(&path), e);
	if (!rc)
		rc = windows_put(g, buffer_text(&path), text->data, text->len, why, e);
	buffer_free(&wanted);
	buffer_free(&path);
	buffer_free(&have);
	return rc;
}

static int user_file(struct guest_image *g, const char *path, struct buffer *out, struct error *e)
{
	xmlDoc *doc = NULL;
	int rc = xml_load(path, NULL, &doc, e);

	if (!rc)
		rc = unattend_check(doc, path, inf_arch_name(windows_of(g)->platform.arch), e);
	xmlFreeDoc(doc);
	return rc ? rc : given_load(path, XML_FILE_LIMIT, out, e);
}

/* Setup keeps what it has used. */
static int password_note(const struct guest_changes *c, const struct buffer *text, struct error *e)
{
	static const char end[] = "Password>";
	const struct finding_text f = { .code = "unattend-password",
		.severity = SEVERITY_WARNING,
		.path = "/Windows/Panther/unattend.xml",
		.fix = "let a command of the answer file remove it, or let cloudbase-init set "
		       "passwords" };

	if (!c->notes || !memmem(text->data, text->len, end, strlen(end)))
		return 0;
	return finding_add(c->notes, &f, e,
		"the answer file holds a password, which can be read in the guest as long as the "
		"file is there");
}

int windows_unattend_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	const struct windows_wishes *w = c->windows;
	struct buffer text = { 0 };
	int rc;

	if (!w->unattend)
		return 0;
	if (windows_of(g)->platform.major && windows_of(g)->platform.major < 6)
		return error_set(e, ERR_NOTREADY,
			"--unattend: Windows before Vista has another kind of answer file, "
			"sysprep.inf");
	if (!g->guest.windows->generalized)
		return error_set(e, ERR_NOTREADY,
			"--unattend: the image is not generalized (its state is %s): Windows would "
			"not look at an answer file; run sysprep /generalize in it first",
			g->guest.windows->image_state ? g->guest.windows->image_state : "not told");
	rc = strcmp(w->unattend, "auto") ? user_file(g, w->unattend, &text, e)
					 : unattend_make(g, w, &text, e);
	if (!rc)
		rc = registry_drop(g, e);
	if (!rc)
		rc = earlier_drop(g, "Panther/Unattend/Unattend.xml", e);
	if (!rc)
		rc = earlier_drop(g, "Panther/Unattend/Autounattend.xml", e);
	if (!rc)
		rc = file_put(g, &text, e);
	if (!rc)
		rc = password_note(c, &text, e);
	buffer_free(&text);
	return rc ? error_prefix(e, "--unattend") : 0;
}
