/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Takes out of a guest what makes it one of its kind, so that clones can be made of it. */
#include "guest/linux_seal.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A step at work. */
struct sealing {
	struct guest_image *g;
	const struct seal_step *step;
	char why[64];
};

static const char *last_name(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* Whether the file's name is among those that stay. */
static bool stays(const struct seal_step *s, const char *path)
{
	const char *name = last_name(path);
	size_t len = strlen(name);

	for (const char *word = s->words; word && *word; word += strspn(word, " ")) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && !memcmp(word, name, len))
			return true;
		word += word_len;
	}
	return false;
}

/* The type of what is at the path itself; 0: nothing. */
static uint32_t type_at(struct sealing *s, const char *path)
{
	struct fs_stat st;

	return tree_stat(s->g->tree, path, TREE_NOFOLLOW, &st, NULL) ? 0 : st.mode & S_IFMT;
}

static int take(struct sealing *s, const char *path, struct error *e)
{
	int rc = tree_remove(s->g->tree, path, s->why, e);

	return rc ? error_prefix(e, "%s", path) : 0;
}

/* A directory's content goes first, the deepest before all. */
static int take_all(struct sealing *s, const char *path, struct error *e)
{
	struct strings all = { 0 };
	int rc = 0;

	/* It belongs to the file system that is mounted here. */
	if (!strcmp(last_name(path), "lost+found"))
		return 0;
	if (type_at(s, path) == S_IFDIR)
		rc = seal_below(s->g->tree, path, &all, e);
	for (size_t i = all.count; i-- && !rc;)
		rc = take(s, all.item[i], e);
	strings_free(&all);
	return rc ? rc : take(s, path, e);
}

static bool is_backup(const char *path)
{
	const char *name = last_name(path);

	return !fnmatch("*.bak", name, FNM_NOESCAPE) || !fnmatch("*~", name, FNM_NOESCAPE);
}

/* Files of all kinds, or editors' backups, at any depth. */
static int take_files_below(struct sealing *s, const char *path, bool backups, struct error *e)
{
	struct strings all = { 0 };
	int rc = 0;

	if (type_at(s, path) == S_IFDIR)
		rc = seal_below(s->g->tree, path, &all, e);
	for (size_t i = 0; i < all.count && !rc; i++) {
		const char *file = all.item[i];
		const uint32_t type = type_at(s, file);
		const bool wanted = backups ? type == S_IFREG && is_backup(file)
					    : type && type != S_IFDIR;

		if (wanted && !stays(s->step, file))
			rc = take(s, file, e);
	}
	strings_free(&all);
	return rc;
}

static int replace(struct sealing *s, const char *path, const char *text, struct error *e)
{
	return type_at(s, path) == S_IFREG ? linux_put(s->g, path, text, strlen(text), s->why, e)
					   : 0;
}

static bool begins(const char *line, const char *words)
{
	for (; *words; words += strspn(words, " ")) {
		size_t len = strcspn(words, " ");

		if (!strncmp(line, words, len))
			return true;
		words += len;
	}
	return false;
}

/* Without any match, systemd-networkd would ignore the file. */
static int unbound_line(struct sealing *s, const char *text, struct buffer *out, struct error *e)
{
	return s->step->action == SEAL_UNBIND && !strstr(text, "\nName=")
		? buffer_string(out, "Name=e*\n", e)
		: 0;
}

static int take_lines(struct sealing *s, const char *path, struct error *e)
{
	struct buffer text = { 0 }, kept = { 0 };
	bool exists, found = false;
	int rc = type_at(s, path) == S_IFREG ? linux_text(s->g->tree, path, &text, &exists, e) : 0;
	size_t len;

	for (const char *line = buffer_text(&text); *line && !rc; line += len) {
		len = strcspn(line, "\n");
		len += line[len] != 0;
		if (!begins(line, s->step->words)) {
			rc = buffer_append(&kept, line, len, e);
			continue;
		}
		if (!found)
			rc = unbound_line(s, buffer_text(&text), &kept, e);
		found = true;
	}
	if (!rc && found)
		rc = s->step->action == SEAL_UNLINK_BOUND
			? take(s, path, e)
			: linux_put(s->g, path, kept.data, kept.len, s->why, e);
	buffer_free(&text);
	buffer_free(&kept);
	return rc;
}

static int take_path(struct sealing *s, const char *path, struct error *e)
{
	switch (s->step->action) {
	case SEAL_REMOVE:
		return stays(s->step, path) ? 0 : take_all(s, path, e);
	case SEAL_UNLINK:
		return type_at(s, path) == S_IFDIR || stays(s->step, path) ? 0 : take(s, path, e);
	case SEAL_BELOW:
		return take_files_below(s, path, false, e);
	case SEAL_BACKUP:
		return take_files_below(s, path, true, e);
	case SEAL_EMPTY:
		return replace(s, path, "", e);
	case SEAL_SEQUENCE:
		return replace(s, path, "00000\n", e);
	case SEAL_LINES:
	case SEAL_UNBIND:
	case SEAL_UNLINK_BOUND:
		return take_lines(s, path, e);
	case SEAL_TOUCH:
		return 0;
	}
	return 0;
}

static int step_apply(struct guest_image *g, const struct seal_step *step, struct error *e)
{
	struct sealing s = { .g = g, .step = step };
	struct strings paths = { 0 };
	int rc;

	snprintf(s.why, sizeof(s.why), "sealed: %s", step->operation);
	if (step->action == SEAL_TOUCH)
		return type_at(&s, step->pattern) ? 0
						  : linux_put(g, step->pattern, "", 0, s.why, e);
	rc = seal_glob(g->tree, step->pattern, &paths, e);
	for (size_t i = 0; i < paths.count && !rc; i++)
		rc = take_path(&s, paths.item[i], e);
	strings_free(&paths);
	return rc;
}

static const struct seal_operation *operation_of(const char *name)
{
	for (const struct seal_operation *o = seal_operations; o->name; o++)
		if (!strcmp(o->name, name))
			return o;
	return NULL;
}

int linux_seal_apply(struct guest_image *g, const struct strings *selection, struct error *e)
{
	struct strings chosen = { 0 };
	int rc = guest_seal_select(selection, &chosen, e);

	for (const struct seal_step *s = seal_steps; s->operation && !rc; s++) {
		const struct seal_operation *o = operation_of(s->operation);

		if (strings_have(&chosen, s->operation) &&
			(!o->only_where || tree_is(g->tree, o->only_where, 0)))
			rc = step_apply(g, s, e);
	}
	strings_free(&chosen);
	return rc;
}
