/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an initramfs holds: which modules, which texts that count, which directories an appended
 * segment need not make. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux_initramfs.h"

enum {
	ENTRY_LIMIT = 65536, /* modules, and directories, that are remembered */
	TEXT_SIZE_LIMIT = 65536,
	TEXT_COUNT_LIMIT = 256,
};

/* What systemd waits for before it looks for the root file system. */
#define UNITS "etc/systemd/system/initrd.target.wants/"

int linux_tree_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct linux_file *f = arg;

	return tree_read_at(f->tree, f->path, f->offset + off, buf, len, e);
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Paths whose being a link or a directory decides where files are. */
static bool is_near(const char *name)
{
	static const char *const near[LINK_LIMIT] = { "lib", "usr", "usr/lib", "lib/modules",
		"usr/lib/modules", "conf", "etc", "etc/modules-load.d", "etc/cmdline.d" };

	for (size_t i = 0; i < LINK_LIMIT && near[i]; i++)
		if (!strcmp(name, near[i]))
			return true;
	return false;
}

/* Files whose text is looked at. */
static bool is_text(const char *name)
{
	static const char *const whole[] = { "conf/modules", "config",
		"etc/modules-load.d/hvimg.conf" };

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (!strcmp(name, whole[i]))
			return true;
	return begins(name, "etc/cmdline.d/") ||
		strstr(name, "/dracut/hooks/initqueue/finished/devexists-");
}

struct scan {
	struct linux_initramfs *out;
	const char *version;
	struct linux_links links;
	struct strings files; /* all module files, whole paths */
	struct error *e;
	int rc; /* what an entry callback could not return */
};

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
	struct linux_link *l = NULL;
	char *target = strdup(entry->link);

	if (!target)
		return error_nomem(e, "a link");
	for (size_t i = 0; i < s->links.count; i++)
		if (!strcmp(s->links.link[i].name, entry->name))
			l = &s->links.link[i];
	if (!l) {
		/* No more names than is_near knows, so there is room. */
		l = &s->links.link[s->links.count++];
		*l = (struct linux_link){ .name = strdup(entry->name) };
	}
	free(l->target);
	l->target = target;
	return l->name ? 0 : error_nomem(e, "a link");
}

static int entry_note(struct scan *s, const struct initramfs_entry *entry, struct error *e)
{
	const char *below = below_modules(entry->name, s->version);
	const bool near = is_near(entry->name);

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

static struct linux_initramfs_text *text_find(const struct linux_initramfs *i, const char *path)
{
	for (size_t n = 0; n < i->text_count; n++)
		if (!strcmp(i->text[n].path, path))
			return &i->text[n];
	return NULL;
}

const struct buffer *linux_initramfs_text(const struct linux_initramfs *i, const char *path)
{
	const struct linux_initramfs_text *t = text_find(i, path);

	return t ? &t->bytes : NULL;
}

static int text_new(struct linux_initramfs *i, const char *path, struct linux_initramfs_text **out,
	struct error *e)
{
	struct linux_initramfs_text *grown;

	if (i->text_count == TEXT_COUNT_LIMIT)
		return error_set(
			e, ERR_RANGE, "more than %d files in etc/cmdline.d", TEXT_COUNT_LIMIT);
	grown = reallocarray(i->text, i->text_count + 1, sizeof(*grown));
	if (!grown)
		return error_nomem(e, "a text");
	i->text = grown;
	*out = &grown[i->text_count];
	**out = (struct linux_initramfs_text){ .path = strdup(path) };
	if (!(*out)->path)
		return error_nomem(e, "a text");
	i->text_count++;
	return 0;
}

/* A later archive's file takes the place of an earlier one's. */
static int text_take(void *arg, const struct initramfs_entry *entry, const void *bytes, size_t len,
	struct error *e)
{
	struct scan *s = arg;
	struct linux_initramfs_text *t = text_find(s->out, entry->name);
	int rc = t ? 0 : text_new(s->out, entry->name, &t, e);

	if (rc)
		return rc;
	buffer_free(&t->bytes);
	return buffer_append(&t->bytes, bytes, len, e);
}

/* A unit that systemd waits for: its name is that of a device file, "-" for "/" (systemd.unit(5)).
 */
static int unit_note(struct scan *s, const struct initramfs_entry *entry, struct error *e)
{
	const char *name = entry->name + sizeof(UNITS) - 1;
	struct linux_initramfs_text *t = NULL;
	struct buffer device = { 0 };
	int rc = buffer_string(&device, "/", e);

	for (; *name && strcmp(name, ".device") && !rc; name++) {
		bool dash = begins(name, "\\x2d");
		char c = dash ? '-' : *name == '-' ? '/' : *name;

		name += dash ? 3 : 0;
		rc = buffer_append(&device, &c, 1, e);
	}
	if (!rc && *name && !text_find(s->out, entry->name))
		rc = text_new(s->out, entry->name, &t, e);
	if (!rc && t)
		rc = buffer_append(&t->bytes, device.data, device.len, e);
	buffer_free(&device);
	return rc;
}

static bool entry_see(void *arg, const struct initramfs_entry *entry)
{
	struct scan *s = arg;

	if (s->rc)
		return false;
	linux_initramfs_mark(s->out, entry->name);
	s->rc = entry_note(s, entry, s->e);
	if (!s->rc && begins(entry->name, UNITS) && s->out->text_count < TEXT_COUNT_LIMIT)
		s->rc = unit_note(s, entry, s->e);
	return S_ISREG(entry->mode) && is_text(entry->name) && entry->size <= TEXT_SIZE_LIMIT;
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

int linux_initramfs_read(const struct linux_file *file, uint64_t size, const char *version,
	struct linux_initramfs *out, struct error *e)
{
	struct linux_file part = *file;
	const struct initramfs_source source = {
		.size = size, .read = linux_tree_read, .arg = &part
	};
	struct scan s = { .out = out, .version = version, .e = e };
	const struct initramfs_visitor visitor = {
		.entry = entry_see, .data = text_take, .arg = &s
	};
	int rc;

	*out = (struct linux_initramfs){ 0 };
	rc = initramfs_walk(&source, &visitor, &out->layout, e);
	if (!rc)
		rc = s.rc;
	if (!rc)
		rc = linux_initramfs_root(&s.links, version, &out->root, e);
	if (!rc)
		rc = modules_take(&s, out, e);
	if (!rc)
		linux_initramfs_judge(out);
	for (size_t i = 0; i < s.links.count; i++) {
		free(s.links.link[i].name);
		free(s.links.link[i].target);
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
	for (size_t n = 0; n < i->text_count; n++) {
		free(i->text[n].path);
		buffer_free(&i->text[n].bytes);
	}
	free(i->text);
	*i = (struct linux_initramfs){ 0 };
}
