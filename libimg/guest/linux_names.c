/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /dev/vda3 is /dev/sda3 on another hypervisor, and on Hyper-V not even that is sure, since disks
 * are probed in parallel. Only the name itself is replaced, everything around it stays byte for
 * byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"
#include "guest/linux_names_scan.h"

enum { NAME_LIMIT = 4096, NAME_FILES_LIMIT = 512 };

/* Files looked at: resolved paths, each once, and how they are read. */
struct name_files {
	struct strings path;
	enum name_syntax syntax[NAME_FILES_LIMIT];
};

static int file_add(struct tree *t, const char *path, enum name_syntax syntax, struct name_files *f,
	struct error *e)
{
	struct buffer resolved = { 0 };
	int rc;

	if (f->path.count == NAME_FILES_LIMIT || !tree_is(t, path, S_IFREG))
		return 0;
	rc = tree_resolve(t, path, &resolved, e);
	if (!rc && !strings_have(&f->path, buffer_text(&resolved))) {
		f->syntax[f->path.count] = syntax;
		rc = strings_add(&f->path, buffer_text(&resolved), e);
	}
	buffer_free(&resolved);
	return rc;
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), with_len = strlen(with);

	return len > with_len && !strcmp(text + len - with_len, with);
}

/* Files of a directory whose name ends so, or, with `below`, that file of each directory in it. */
static int directory_add(struct tree *t, const char *directory, const char *ending,
	const char *below, struct name_files *f, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, directory, S_IFDIR))
		rc = tree_list(t, directory, &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		char path[512];

		if (!below && !ends(names.item[i], ending))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", directory, names.item[i],
			below ? below : "");
		rc = file_add(t, path, WORDS, f, e);
	}
	strings_free(&names);
	return rc;
}

static int files_find(struct tree *t, struct name_files *f, struct error *e)
{
	static const char *const words[] = { "/etc/default/grub", "/boot/grub/grub.cfg",
		"/boot/grub2/grub.cfg", "/boot/grub/menu.lst", "/boot/extlinux/extlinux.conf",
		"/boot/syslinux/syslinux.cfg", "/etc/kernel/cmdline",
		"/etc/initramfs-tools/conf.d/resume" };
	int rc = file_add(t, "/etc/fstab", FSTAB, f, e);

	if (!rc)
		rc = file_add(t, "/etc/crypttab", CRYPTTAB, f, e);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && !rc; i++)
		rc = file_add(t, words[i], WORDS, f, e);
	if (!rc)
		rc = directory_add(t, "/etc/default/grub.d", ".cfg", NULL, f, e);
	if (!rc)
		rc = directory_add(t, "/boot/loader/entries", ".conf", NULL, f, e);
	if (!rc)
		rc = directory_add(t, "/boot/efi/EFI", NULL, "/grub.cfg", f, e);
	return rc;
}

/* What means the same file system; NULL: not known.  Without an initramfs only the kernel's own
 * PARTUUID= works. */
static int stable_find(const struct guest_image *g, const struct name_found *n, const char *device,
	char **out, struct error *e)
{
	size_t index = linux_volume_of_name(g, device);
	bool partuuid = false;
	char text[64];

	*out = NULL;
	if (index == SIZE_MAX)
		return 0;
	partuuid = !g->id[index].uuid[0];
	for (size_t i = 0; n->command_line && i < g->guest.kernel_count; i++)
		partuuid = partuuid || !g->guest.kernel[i].initramfs;
	if (partuuid && !g->volumes.volume[index].part_id[0])
		return 0;
	snprintf(text, sizeof(text), "%s=%s", partuuid ? "PARTUUID" : "UUID",
		partuuid ? g->volumes.volume[index].part_id : g->id[index].uuid);
	*out = strdup(text);
	return *out ? 0 : error_nomem(e, "a device name");
}

struct collect {
	struct guest_image *g;
	const char *path;
};

static int name_collect(void *arg, const struct name_found *n, struct error *e)
{
	const struct collect *c = arg;
	struct guest *guest = &c->g->guest;
	struct device_name *bigger, *d;

	if (guest->device_name_count == NAME_LIMIT)
		return error_set(
			e, ERR_RANGE, "%s: more than %d device names", c->path, NAME_LIMIT);
	bigger = realloc(guest->device_name, (guest->device_name_count + 1) * sizeof(*bigger));
	if (!bigger)
		return error_nomem(e, "device names");
	guest->device_name = bigger;
	d = &bigger[guest->device_name_count++];
	*d = (struct device_name){ .path = strdup(c->path),
		.line = n->line,
		.device = strndup(n->device, n->len),
		.required = n->required };
	if (!d->path || !d->device)
		return error_nomem(e, "device names");
	return stable_find(c->g, n, d->device, &d->stable, e);
}

struct rewrite {
	struct guest_image *g;
	const char *copied; /* the text up to here is in `out` */
	struct buffer out;
	size_t changes;
};

static int name_rewrite(void *arg, const struct name_found *n, struct error *e)
{
	struct rewrite *r = arg;
	char *device = strndup(n->device, n->len);
	char *stable = NULL;
	int rc = device ? stable_find(r->g, n, device, &stable, e) : error_nomem(e, "a name");

	if (!rc && stable) {
		rc = buffer_append(&r->out, r->copied, (size_t)(n->device - r->copied), e);
		if (!rc)
			rc = buffer_string(&r->out, stable, e);
		r->copied = n->device + n->len;
		r->changes++;
	}
	free(device);
	free(stable);
	return rc;
}

static int file_rewrite(
	struct guest_image *g, const char *path, enum name_syntax syntax, struct error *e)
{
	struct buffer text = { 0 };
	struct rewrite r = { .g = g };
	int rc = tree_read(g->tree, path, TEXT_LIMIT, &text, e);
	size_t used;

	r.copied = buffer_text(&text);
	if (!rc)
		rc = linux_names_scan(syntax, buffer_text(&text), name_rewrite, &r, e);
	used = (size_t)(r.copied - buffer_text(&text));
	if (!rc && r.changes)
		rc = buffer_append(&r.out, r.copied, text.len - used, e);
	if (!rc && r.changes)
		rc = linux_put(g, path, r.out.data, r.out.len,
			"names of disks that hold on any hypervisor", e);
	buffer_free(&r.out);
	buffer_free(&text);
	return rc;
}

static int names_each(struct guest_image *g, bool write, struct error *e)
{
	struct name_files *f = calloc(1, sizeof(*f));
	int rc = f ? files_find(g->tree, f, e) : error_nomem(e, "device names");

	for (size_t i = 0; f && i < f->path.count && !rc; i++) {
		const char *path = f->path.item[i];
		struct buffer text = { 0 };
		bool exists;

		if (write) {
			rc = file_rewrite(g, path, f->syntax[i], e);
			continue;
		}
		rc = linux_text(g->tree, path, &text, &exists, e);
		if (!rc)
			rc = linux_names_scan(f->syntax[i], buffer_text(&text), name_collect,
				&(struct collect){ .g = g, .path = path }, e);
		buffer_free(&text);
	}
	if (f)
		strings_free(&f->path);
	free(f);
	return rc;
}

int linux_names_load(struct guest_image *g, struct error *e)
{
	return names_each(g, false, e);
}

int linux_names_apply(struct guest_image *g, struct error *e)
{
	return names_each(g, true, e);
}
