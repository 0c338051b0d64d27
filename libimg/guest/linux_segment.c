/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Modules are added to an initramfs by a further archive behind it: the kernel unpacks one after
 * the other, a later file taking the place of an earlier one.  Modules are the guest's own, byte
 * for byte, so signatures stay good; its indexes are made anew for what the initramfs then holds.
 * Linux: Documentation/driver-api/early-userspace/buffer-format.rst.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/decompress.h"
#include "guest/linux_segment.h"

enum {
	MODULE_SIZE_LIMIT = 32 << 20,
	SEGMENT_LIMIT = 48 << 20,
};

/* Needed before the root file system, and not there then. */
static bool is_lacking(const struct kernel *k, const struct target_module *m)
{
	const struct kernel_module *best = linux_best_module(k, m);

	if (m->need != NEED_BOOT || !best || best->place == MODULE_BUILTIN)
		return false;
	return best->place == MODULE_FILE || best->lacks;
}

bool linux_needs_segment(const struct kernel *k, const struct target *t)
{
	for (size_t i = 0; i < t->module_count; i++)
		if (is_lacking(k, &t->module[i]))
			return true;
	return false;
}

/* Names of modules that the kernel has as files and that belong into an initramfs, each once. */
static int names_find(const struct kernel *k, const struct target_list *targets,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t t = 0; t < targets->count && !rc; t++)
		for (size_t i = 0; i < targets->target[t].module_count && !rc; i++) {
			const struct target_module *m = &targets->target[t].module[i];
			const struct kernel_module *best = linux_best_module(k, m);

			if (m->initramfs && best && best->place != MODULE_MISSING &&
				best->place != MODULE_BUILTIN)
				rc = strings_add_new(out, best->name, e);
		}
	return rc;
}

/* Module files to add: what the names need, less what is there. */
static int paths_find(const struct kmod *kmod, const struct linux_initramfs *base,
	const struct strings *names, struct strings *out, struct error *e)
{
	struct strings all = { 0 };
	int rc = 0;

	for (size_t i = 0; i < names->count && !rc; i++)
		if (kmod_path(kmod, names->item[i]))
			rc = kmod_closure(kmod, names->item[i], &all, e);
	for (size_t i = 0; i < all.count && !rc; i++)
		if (!linux_initramfs_has(base, all.item[i]))
			rc = strings_add_new(out, all.item[i], e);
	strings_free(&all);
	return rc;
}

struct segment {
	struct guest_image *g;
	const struct linux_kernel *kernel;
	struct cpio_writer cpio;
};

static int file_add(
	struct segment *s, const char *name, const void *bytes, size_t len, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", s->kernel->initramfs.root, name);

	if (!rc)
		rc = cpio_file(&s->cpio, buffer_text(&path), 0644, bytes, len, e);
	if (!rc && s->cpio.out.len > SEGMENT_LIMIT)
		rc = error_set(e, ERR_RANGE, "more than %d bytes of modules to add", SEGMENT_LIMIT);
	buffer_free(&path);
	return rc;
}

/* The signature at a module's end is under the compression, and so stays good without it. */
static int module_unpack(
	const struct linux_initramfs *i, char *name, struct buffer *bytes, struct error *e)
{
	char *ko = strstr(name, ".ko.");
	struct buffer plain = { 0 };
	int rc;

	if (!ko || linux_initramfs_unpacks(i, name))
		return 0;
	rc = decompress_file(bytes->data, bytes->len, MODULE_SIZE_LIMIT, &plain, e);
	buffer_free(bytes);
	*bytes = plain;
	ko[3] = 0;
	return rc;
}

/* `name` becomes that in the initramfs. */
static int module_add(struct segment *s, char *name, struct error *e)
{
	struct buffer path = { 0 }, bytes = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", s->kernel->modules, name);

	if (!rc)
		rc = tree_read(s->g->tree, buffer_text(&path), MODULE_SIZE_LIMIT, &bytes, e);
	if (!rc)
		rc = module_unpack(&s->kernel->initramfs, name, &bytes, e);
	if (rc)
		error_prefix(e, "%s", buffer_text(&path));
	if (!rc)
		rc = file_add(s, name, bytes.data, bytes.len, e);
	buffer_free(&path);
	buffer_free(&bytes);
	return rc;
}

/* Indexes for all modules that the initramfs will hold. */
static int indexes_add(
	struct segment *s, const struct kmod *kmod, const struct strings *added, struct error *e)
{
	const struct strings *there = &s->kernel->initramfs.modules;
	struct strings all = { 0 };
	struct kmod_file *files = NULL;
	size_t count = 0;
	int rc = 0;

	/* `there` is sorted: an archive may hold one path twice. */
	for (size_t i = 0; i < there->count && !rc; i++)
		if (!i || strcmp(there->item[i], there->item[i - 1]))
			rc = strings_add(&all, there->item[i], e);
	for (size_t i = 0; i < added->count && !rc; i++)
		rc = strings_add(&all, added->item[i], e);
	if (!rc)
		rc = kmod_indexes(kmod, &all, &files, &count, e);
	for (size_t i = 0; i < count && !rc; i++)
		rc = file_add(s, files[i].name, files[i].bytes.data, files[i].bytes.len, e);
	if (files)
		kmod_files_free(files, count);
	strings_free(&all);
	return rc;
}

static int load_add(struct segment *s, const struct strings *names, struct error *e)
{
	const struct linux_initramfs *i = &s->kernel->initramfs;
	struct buffer text = { 0 };
	int rc = linux_load_text(i, names, &text, e);

	if (!rc)
		rc = cpio_file(&s->cpio, linux_load_path(i->load), 0644, text.data, text.len, e);
	buffer_free(&text);
	return rc;
}

static int names_replace(struct segment *s, struct error *e)
{
	const struct linux_initramfs *i = &s->kernel->initramfs;
	int rc = 0;

	for (size_t n = 0; n < i->text_count && !rc; n++) {
		struct buffer text = { 0 };
		bool changed;

		rc = linux_initramfs_names_text(s->g, &i->text[n], &text, &changed, e);
		if (!rc && changed)
			rc = cpio_file(&s->cpio, i->text[n].path,
				strstr(i->text[n].path, "/hooks/") ? 0755 : 0644, text.data,
				text.len, e);
		buffer_free(&text);
	}
	return rc;
}

static int segment_fill(struct segment *s, const struct strings *names, struct error *e)
{
	const struct strings *directories = &s->kernel->initramfs.directories;
	struct linux_indexes x = { 0 };
	struct strings added = { 0 };
	int rc = linux_indexes_open(s->g->tree, s->kernel->modules, &x, e);

	if (!rc)
		rc = paths_find(x.kmod, &s->kernel->initramfs, names, &added, e);
	for (size_t i = 0; i < directories->count && !rc; i++)
		rc = cpio_known_directory(&s->cpio, directories->item[i], e);
	for (size_t i = 0; i < added.count && !rc; i++)
		rc = module_add(s, added.item[i], e);
	if (!rc)
		rc = indexes_add(s, x.kmod, &added, e);
	if (!rc)
		rc = load_add(s, names, e);
	if (!rc)
		rc = names_replace(s, e);
	if (!rc)
		rc = cpio_finish(&s->cpio, e);
	strings_free(&added);
	linux_indexes_close(&x);
	return rc;
}

/* As more of an lz4 stream; there, too, an archive begins at a multiple of 4. */
static int segment_glue(const struct segment *s, struct buffer *packed, struct error *e)
{
	struct buffer plain = { 0 };
	int rc = buffer_zeros(&plain, -s->kernel->initramfs.layout.last_unpacked & 3, e);

	if (!rc)
		rc = buffer_append(&plain, s->cpio.out.data, s->cpio.out.len, e);
	if (!rc)
		rc = cpio_lz4(&plain, packed, e);
	buffer_free(&plain);
	return rc;
}

static int segment_place(struct segment *s, struct linux_segment *out, struct error *e)
{
	out->end = s->kernel->initramfs.layout.end;
	out->start = out->end;
	out->mtime = s->cpio.mtime;
	if (!strcmp(s->kernel->initramfs.layout.last, "lz4"))
		return segment_glue(s, &out->bytes, e);
	out->start += initramfs_padding(out->end);
	out->bytes = s->cpio.out;
	s->cpio.out = (struct buffer){ 0 };
	return 0;
}

int linux_segment_make(struct guest_image *g, size_t kernel, const struct target_list *targets,
	struct linux_segment *out, struct error *e)
{
	const struct linux_guest *l = g->state;
	const struct kernel *k = &g->guest.kernel[kernel];
	struct segment s = { .g = g, .kernel = &l->kernel[kernel] };
	struct strings names = { 0 };
	bool needed;
	int rc;

	*out = (struct linux_segment){ .uki = s.kernel->uki };
	if (s.kernel->obstacle)
		return 0;
	rc = linux_initramfs_names_wrong(g, &s.kernel->initramfs, &needed, e);
	for (size_t i = 0; i < targets->count; i++)
		needed = needed || linux_needs_segment(k, &targets->target[i]);
	if (rc || !needed)
		return rc;
	rc = tree_resolve(g->tree, k->initramfs, &out->path, e);
	if (!rc)
		rc = linux_file_time(g, buffer_text(&out->path), &s.cpio.mtime, e);
	if (!rc)
		rc = names_find(k, targets, &names, e);
	if (!rc)
		rc = segment_fill(&s, &names, e);
	if (!rc)
		rc = segment_place(&s, out, e);
	cpio_free(&s.cpio);
	strings_free(&names);
	return rc ? error_prefix(e, "%s", k->initramfs) : 0;
}
