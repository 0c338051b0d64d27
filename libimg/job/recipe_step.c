/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe does to the guest. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "job/recipe_private.h"

/* How an element becomes an edit: which of its attributes is what. */
struct edit_form {
	const char *element;
	enum guest_edit_kind kind;
	const char *path, *from, *name; /* NULL: it has none */
	bool has_text;
};

static const struct edit_form forms[] = {
	{ "copy", GUEST_COPY, "to", "from", NULL, false },
	{ "write", GUEST_WRITE, "path", NULL, NULL, true },
	{ "template", GUEST_WRITE, "to", "from", NULL, false },
	{ "append-line", GUEST_APPEND, "path", NULL, NULL, true },
	{ "remove", GUEST_REMOVE, "path", NULL, NULL, false },
	{ "link", GUEST_LINK, "path", NULL, NULL, false },
	{ "mkdir", GUEST_MKDIR, "path", NULL, NULL, false },
	{ "chmod", GUEST_MODE, "path", NULL, NULL, false },
	{ "chown", GUEST_OWNER, "path", NULL, NULL, false },
	{ "enable", GUEST_ENABLE, NULL, NULL, "unit", false },
	{ "disable", GUEST_DISABLE, NULL, NULL, "unit", false },
	{ "user", GUEST_USER, NULL, NULL, "name", false },
	{ "hostname", GUEST_HOSTNAME, NULL, NULL, "name", false },
	{ "timezone", GUEST_TIMEZONE, NULL, NULL, "name", false },
	{ "datasources", GUEST_DATASOURCES, NULL, NULL, NULL, false },
	{ "first-boot", GUEST_FIRST_BOOT, NULL, NULL, "name", true },
	{ "registry", GUEST_REGISTRY, "key", NULL, "name", true },
};

/* An attribute that may be there, or is not asked for. */
static int optional_read(const xmlNode *node, const char *name, char **out, struct error *e)
{
	return name ? xml_attribute(node, name, out, e) : 0;
}

static int list_read(const xmlNode *node, const char *name, struct strings *out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (!rc && text)
		rc = strings_split(out, text, ", ", e);
	free(text);
	return rc;
}

static int mode_read(const xmlNode *node, struct guest_edit *edit, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, "mode", &text, e);

	if (rc || !text)
		return rc;
	edit->has_mode = true;
	edit->mode = (uint32_t)strtoul(text, NULL, 8);
	if (strspn(text, "01234567") != strlen(text) || edit->mode > 07777)
		rc = error_set(
			e, ERR_CORRUPT, "mode %s is not of three or four digits up to 7", text);
	free(text);
	return rc;
}

/* A script begins with its first line, not with the end of that of the start tag. */
static int script_read(const xmlNode *node, char **out, struct error *e)
{
	int rc = xml_text(node, out, e);

	if (!rc && **out == '\n' && !xml_is(node, "registry"))
		memmove(*out, *out + 1, strlen(*out));
	return rc;
}

static int keys_read(const xmlNode *node, struct strings *out, struct error *e)
{
	int rc = 0;

	for (xmlNode *n = xml_first(node, "key"); n && !rc; n = xml_next(n, "key")) {
		char *text;

		rc = xml_text(n, &text, e);
		if (!rc) {
			rc = strings_add(out, text, e);
			free(text);
		}
	}
	return rc;
}

static int edit_read(const struct recipe_reading *r, const struct edit_form *form,
	const xmlNode *node, struct guest_edit *edit, struct error *e)
{
	int rc = optional_read(node, form->path, &edit->path, e);

	if (!rc)
		rc = optional_read(node, form->from, &edit->from, e);
	if (!rc)
		rc = recipe_path(r, &edit->from, e);
	if (!rc)
		rc = optional_read(node, form->name, &edit->name, e);
	if (!rc && form->has_text)
		rc = script_read(node, &edit->text, e);
	if (!rc)
		rc = xml_attribute(node, "target", &edit->target, e);
	if (!rc)
		rc = xml_attribute(node, "shell", &edit->shell, e);
	if (!rc)
		rc = xml_attribute(node, "comment", &edit->comment, e);
	if (!rc)
		rc = xml_attribute(node, "owner", &edit->owner, e);
	if (!rc)
		rc = xml_attribute(node, "group", &edit->group, e);
	if (!rc)
		rc = xml_attribute(node, "type", &edit->type, e);
	if (!rc)
		rc = recipe_flag_read(node, "sudo", &edit->sudo, e);
	if (!rc)
		rc = mode_read(node, edit, e);
	if (!rc)
		rc = list_read(node, "groups", &edit->list, e);
	if (!rc)
		rc = list_read(node, "list", &edit->list, e);
	return rc ? rc : keys_read(node, &edit->keys, e);
}

static int file_text(const char *path, struct buffer *out, struct error *e)
{
	int rc = file_read(path, XML_FILE_LIMIT, out, e);

	if (!rc && out->len && memchr(out->data, 0, out->len))
		rc = error_set(e, ERR_CORRUPT, "%s: is no text, so no template: copy it", path);
	return rc;
}

/* A template is a file to be written, once it is read. */
static int template_read(
	struct recipe_reading *r, const xmlNode *node, struct guest_edit *edit, struct error *e)
{
	struct buffer raw = { 0 }, text = { 0 };
	int rc = file_text(edit->from, &raw, e);

	if (!rc)
		rc = recipe_expand(r, node, buffer_text(&raw), &text, e);
	if (!rc) {
		edit->text = strdup(buffer_text(&text));
		rc = edit->text ? 0 : error_nomem(e, "a template");
		free(edit->from);
		edit->from = NULL;
	}
	buffer_free(&raw);
	buffer_free(&text);
	return rc;
}

static int edit_add(struct recipe_reading *r, const struct edit_form *form, const xmlNode *node,
	struct error *e)
{
	struct guest_edits *l = &r->recipe->edits;
	struct guest_edit *edit;
	int rc;

	if (l->count >= RECIPE_STEPS)
		return error_set(e, ERR_RANGE, "more than %d edits", RECIPE_STEPS);
	edit = recipe_grow((void **)&l->edit, &l->count, sizeof(*l->edit), e);
	if (!edit)
		return -ERR_NOMEM;
	edit->kind = form->kind;
	edit->line = (unsigned)xmlGetLineNo(node);
	rc = edit_read(r, form, node, edit, e);
	return rc || !xml_is(node, "template") ? rc : template_read(r, node, edit, e);
}

/* A text of windows_wishes, which the recipe owns. */
static int wish_read(const struct recipe_reading *r, const xmlNode *node, const char *name,
	bool is_path, const char **out, struct error *e)
{
	char *text;
	int rc = xml_attribute(node, name, &text, e);

	if (rc || !text || !*text) {
		free(text);
		return rc;
	}
	if (is_path && strcmp(text, "auto") != 0)
		rc = recipe_path(r, &text, e);
	free((char *)(uintptr_t)*out);
	*out = text;
	return rc;
}

static int windows_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct windows_wishes *w = &r->recipe->windows;
	bool ems;
	int rc = recipe_flag_read(node, "ems", &ems, e);

	r->recipe->has_windows = true;
	w->ems |= !rc && ems;
	if (!rc)
		rc = wish_read(r, node, "rtc", false, &w->rtc, e);
	if (!rc)
		rc = wish_read(r, node, "san-policy", false, &w->san_policy, e);
	if (!rc)
		rc = wish_read(r, node, "rdp", false, &w->rdp, e);
	if (!rc)
		rc = wish_read(r, node, "firewall", false, &w->firewall, e);
	if (!rc)
		rc = wish_read(r, node, "file", true, &w->unattend, e);
	if (!rc)
		rc = wish_read(r, node, "msi", true, &w->cloudbase_init, e);
	if (!rc)
		rc = wish_read(r, node, "conf", true, &w->cloudbase_init_conf, e);
	if (!rc)
		rc = wish_read(r, node, "sha256", false, &w->cloudbase_init_sha256, e);
	return rc ? rc : windows_wishes_check(w, e);
}

static int drivers_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	bool allow_unsigned;
	char *path;
	int rc = xml_attribute(node, "path", &path, e);

	if (!rc)
		rc = recipe_path(r, &path, e);
	if (!rc)
		rc = strings_add_new(&r->recipe->drivers, path, e);
	free(path);
	if (!rc)
		rc = recipe_flag_read(node, "allow-unsigned", &allow_unsigned, e);
	if (!rc)
		r->recipe->allow_unsigned |= allow_unsigned;
	return rc;
}

/* All words together say what is done; there are some twenty operations. */
enum { SEAL_WORDS_MAX = 1000 };

static int seal_read(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	struct strings *seal = &r->recipe->seal, chosen = { 0 };
	char *text;
	int rc = xml_attribute(node, "operations", &text, e);

	if (!rc)
		rc = strings_split(seal, text ? text : "defaults", ", ", e);
	free(text);
	if (!rc && seal->count > SEAL_WORDS_MAX)
		rc = error_set(e, ERR_UNSUPPORTED, "more than %d operations", SEAL_WORDS_MAX);
	if (!rc)
		rc = guest_seal_select(seal, &chosen, e);
	strings_free(&chosen);
	return rc;
}

static int target_add(const struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	char *name;
	int rc = xml_attribute(node, "name", &name, e);

	if (!rc)
		rc = strings_add_new(&r->recipe->targets, name, e);
	free(name);
	return rc;
}

static int step_read(struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (xml_is(node, forms[i].element))
			return edit_add(r, &forms[i], node, e);
	if (xml_is(node, "drivers"))
		return drivers_read(r, node, e);
	if (xml_is(node, "seal"))
		return seal_read(r, node, e);
	if (xml_is(node, "target"))
		return target_add(r, node, e);
	if (xml_is(node, "property"))
		return recipe_property_read(
			node, &r->recipe->property, &r->recipe->property_count, e);
	return windows_read(r, node, e);
}

int recipe_step_read(struct recipe_reading *r, const xmlNode *node, struct error *e)
{
	int rc = step_read(r, node, e);

	return rc ? recipe_at(r, node, e) : 0;
}
