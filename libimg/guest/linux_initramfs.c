/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an initramfs holds: who made it, which modules, which directories an appended segment need
 * not make. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

enum {
	ENTRY_LIMIT = 65536, /* modules, and directories, that are remembered */
	LINK_HOPS = 8,
	LOAD_LIMIT = 65536, /* bytes of conf/modules */
};

/* A symbolic link that a path to modules may go through. */
struct link {
	char *name, *target;
};

struct scan {
	struct linux_initramfs *out;
	const char *version;
	struct link link[8];
	size_t links;
	struct strings files; /* all module files, whole paths */
	struct error *e;
	int rc; /* what an entry callback could not return */
};

int linux_tree_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct linux_file *f = arg;

	return tree_read_at(f->tree, f->path, off, buf, len, e);
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Files that only one generator puts in. */
static const struct mark {
	const char *generator, *name;
	bool prefix;
} marks[] = {
	{ "initramfs-tools", "conf/initramfs.conf", false },
	{ "initramfs-tools", "scripts/init-top/ORDER", false },
	{ "dracut", "usr/lib/dracut/", true },
	{ "dracut", "lib/dracut/", true },
	{ "dracut", "usr/lib/initrd-release", false },
	{ "mkinitcpio", "init_functions", false },
	{ "mkinitcpio", "buildconfig", false },
};

static void generator_note(struct linux_initramfs *out, const char *name)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && !out->generator; i++)
		if (marks[i].prefix ? begins(name, marks[i].name) : !strcmp(name, marks[i].name))
			out->generator = marks[i].generator;
}

/* Paths whose being a link or a directory decides where modules are. */
static bool is_near_modules(const char *name)
{
	static const char *const near[] = { "lib", "usr", "usr/lib", "lib/modules",
		"usr/lib/modules", "conf" };

	for (size_t i = 0; i < sizeof(near) / sizeof(near[0]); i++)
		if (!strcmp(name, near[i]))
			return true;
	return false;
}

/* What is below lib/modules/V, or usr/lib/modules/V; the directory V itself gives "". */
static const char *below_modules(const char *name, const char *version)
{
	size_t len = strlen(version);

	if (begins(name, "usr/"))
		name += 4;
	if (!begins(name, "lib/modules/"))
		return NULL;
	name += 12;
	if (!begins(name, version) || (name[len] && name[len] != '/'))
		return NULL;
	return name[len] ? name + len + 1 : name + len;
}

static bool is_module(const char *name)
{
	const char *ko = strstr(name, ".ko");

	while (ko && strstr(ko + 1, ".ko"))
		ko = strstr(ko + 1, ".ko");
	return ko && (!ko[3] || ko[3] == '.') && !strchr(ko, '/');
}

static int link_note(struct scan *s, const struct initramfs_entry *entry, struct error *e)
{
	struct link *l = NULL;
	char *target = strdup(entry->link);

	if (!target)
		return error_nomem(e, "a link");
	for (size_t i = 0; i < s->links; i++)
		if (!strcmp(s->link[i].name, entry->name))
			l = &s->link[i];
	if (!l) {
		/* No more names than is_near_modules knows, so there is room. */
		l = &s->link[s->links++];
		*l = (struct link){ .name = strdup(entry->name) };
	}
	free(l->target);
	l->target = target;
	return l->name ? 0 : error_nomem(e, "a link");
}

static int entry_note(struct scan *s, const struct initramfs_entry *entry, struct error *e)
{
	const char *below = below_modules(entry->name, s->version);
	const bool near = is_near_modules(entry->name);

	if (s->files.count >= ENTRY_LIMIT || s->out->directories.count >= ENTRY_LIMIT)
		return error_set(e, ERR_RANGE, "more than %d modules or directories", ENTRY_LIMIT);
	if (S_ISLNK(entry->mode) && near && entry->link) {
		int rc = link_note(s, entry, e);

		return rc ? rc : strings_add(&s->out->directories, entry->name, e);
	}
	if (S_ISDIR(entry->mode) && (near || below))
		return strings_add(&s->out->directories, entry->name, e);
	if (S_ISREG(entry->mode) && below && is_module(below))
		return strings_add(&s->files, entry->name, e);
	return 0;
}

static bool entry_see(void *arg, const struct initramfs_entry *entry)
{
	struct scan *s = arg;

	if (s->rc)
		return false;
	generator_note(s->out, entry->name);
	s->rc = entry_note(s, entry, s->e);
	return S_ISREG(entry->mode) && !strcmp(entry->name, "conf/modules") &&
		entry->size <= LOAD_LIMIT;
}

/* A later archive's conf/modules takes the place of an earlier one's. */
static int load_take(void *arg, const struct initramfs_entry *entry, const void *bytes, size_t len,
	struct error *e)
{
	struct scan *s = arg;

	(void)entry;
	buffer_free(&s->out->load);
	return buffer_append(&s->out->load, bytes, len, e);
}

static const struct link *link_of(const struct scan *s, const char *path, size_t len)
{
	for (size_t i = 0; i < s->links; i++)
		if (strlen(s->link[i].name) == len && !strncmp(s->link[i].name, path, len))
			return &s->link[i];
	return NULL;
}

/* Replaces the first component that is a link.  Only what distributions do is understood: targets
 * below the root, or beside the link, without "..". */
static int link_follow(const struct scan *s, struct buffer *path, bool *followed, struct error *e)
{
	const char *text = buffer_text(path);

	*followed = false;
	for (size_t len = strcspn(text, "/"); text[len]; len += 1 + strcspn(text + len + 1, "/")) {
		const struct link *l = link_of(s, text, len);
		struct buffer next = { 0 };
		const char *slash;
		int rc = 0;

		if (!l)
			continue;
		if (strstr(l->target, ".."))
			return error_set(
				e, ERR_UNSUPPORTED, "%s is a link to %s", l->name, l->target);
		slash = l->target[0] == '/' ? NULL : strrchr(l->name, '/');
		if (slash)
			rc = buffer_append(&next, l->name, (size_t)(slash + 1 - l->name), e);
		if (!rc)
			rc = buffer_format(
				&next, e, "%s%s", l->target + strspn(l->target, "/"), text + len);
		buffer_free(path);
		*path = next;
		*followed = true;
		return rc;
	}
	return 0;
}

static int root_find(const struct scan *s, struct linux_initramfs *out, struct error *e)
{
	struct buffer path = { 0 };
	bool followed = true;
	int rc = buffer_format(&path, e, "lib/modules/%s/", s->version);

	for (int hop = 0; followed && !rc; hop++) {
		rc = link_follow(s, &path, &followed, e);
		if (!rc && hop == LINK_HOPS)
			rc = error_set(e, ERR_CORRUPT, "links of lib/modules go round");
	}
	if (!rc) {
		out->root = strdup(buffer_text(&path));
		if (!out->root)
			rc = error_nomem(e, "the module directory");
	}
	if (!rc)
		out->root[strlen(out->root) - 1] = 0;
	buffer_free(&path);
	return rc;
}

/* Module files below the root, also when spelled through a link; what lies beside it no modprobe
 * would find. */
static int modules_take(const struct scan *s, struct linux_initramfs *out, struct error *e)
{
	size_t len = strlen(out->root);
	int rc = 0;

	for (size_t i = 0; i < s->files.count && !rc; i++) {
		const char *name = s->files.item[i];

		if (begins(name, out->root) && name[len] == '/')
			rc = strings_add(&out->modules, name + len + 1, e);
		else if (begins(name, "lib/"))
			rc = strings_add(&out->modules, below_modules(name, s->version), e);
	}
	strings_sort(&out->modules);
	return rc;
}

int linux_initramfs_read(struct tree *t, const char *path, const char *version,
	struct linux_initramfs *out, struct error *e)
{
	struct linux_file file = { .tree = t, .path = path };
	struct initramfs_source source = { .read = linux_tree_read, .arg = &file };
	struct scan s = { .out = out, .version = version, .e = e };
	struct initramfs_visitor visitor = { .entry = entry_see, .data = load_take, .arg = &s };
	struct fs_stat st;
	int rc = tree_stat(t, path, TREE_FOLLOW, &st, e);

	*out = (struct linux_initramfs){ 0 };
	if (rc)
		return rc;
	source.size = st.size;
	rc = initramfs_walk(&source, &visitor, &out->layout, e);
	if (!rc)
		rc = s.rc;
	if (!rc)
		rc = root_find(&s, out, e);
	if (!rc)
		rc = modules_take(&s, out, e);
	for (size_t i = 0; i < s.links; i++) {
		free(s.link[i].name);
		free(s.link[i].target);
	}
	strings_free(&s.files);
	if (rc)
		linux_initramfs_free(out);
	return rc;
}

void linux_initramfs_free(struct linux_initramfs *i)
{
	free(i->root);
	strings_free(&i->modules);
	strings_free(&i->directories);
	buffer_free(&i->load);
	*i = (struct linux_initramfs){ 0 };
}
