/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_arguments_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"

enum { FILES_LIMIT = 512, NAMES_LIMIT = 4096 };

struct argument_files {
	struct strings path; /* resolved, each once */
	enum argument_syntax syntax[FILES_LIMIT];
};

static int file_add(struct tree *t, const char *path, enum argument_syntax syntax,
	struct argument_files *f, struct error *e)
{
	struct buffer resolved = { 0 };
	int rc;

	if (f->path.count == FILES_LIMIT || !tree_is(t, path, S_IFREG))
		return 0;
	rc = tree_resolve(t, path, &resolved, e);
	if (!rc && !strings_have(&f->path, buffer_text(&resolved))) {
		f->syntax[f->path.count] = syntax;
		rc = strings_add(&f->path, buffer_text(&resolved), e);
	}
	buffer_free(&resolved);
	return rc;
}

/* The entries of a directory, or with `below` that file of each of its directories. */
static int directory_add(struct tree *t, const char *directory, const char *below,
	enum argument_syntax syntax, struct argument_files *f, struct error *e)
{
	struct strings names = { 0 };
	int rc = 0;

	if (tree_is(t, directory, S_IFDIR))
		rc = tree_list(t, directory, &names, e);
	for (size_t i = 0; i < names.count && i < NAMES_LIMIT && !rc; i++) {
		struct buffer path = { 0 };
		size_t len = strlen(names.item[i]);

		if (!below && (len < 6 || strcmp(names.item[i] + len - 5, ".conf")))
			continue;
		rc = buffer_format(
			&path, e, "%s/%s%s", directory, names.item[i], below ? below : "");
		if (!rc)
			rc = file_add(t, buffer_text(&path), syntax, f, e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

static int files_find(struct tree *t, struct argument_files *f, struct error *e)
{
	static const struct {
		const char *path;
		enum argument_syntax syntax;
	} files[] = {
		{ "/boot/grub/grub.cfg", SYNTAX_GRUB },
		{ "/boot/grub2/grub.cfg", SYNTAX_GRUB },
		{ "/boot/grub/menu.lst", SYNTAX_GRUB },
		{ "/boot/grub/grub.conf", SYNTAX_GRUB },
		{ "/boot/grub/grubenv", SYNTAX_GRUBENV },
		{ "/boot/grub2/grubenv", SYNTAX_GRUBENV },
		{ "/etc/kernel/cmdline", SYNTAX_PLAIN },
		{ "/boot/extlinux/extlinux.conf", SYNTAX_EXTLINUX },
		{ "/boot/extlinux.conf", SYNTAX_EXTLINUX },
		{ "/boot/syslinux/syslinux.cfg", SYNTAX_EXTLINUX },
		{ "/etc/update-extlinux.conf", SYNTAX_EXTLINUX_CONF },
	};
	static const char *const entries[] = { "/boot/loader/entries", "/boot/efi/loader/entries",
		"/efi/loader/entries" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !rc; i++)
		rc = file_add(t, files[i].path, files[i].syntax, f, e);
	for (size_t i = 0; i < sizeof(entries) / sizeof(*entries) && !rc; i++)
		rc = directory_add(t, entries[i], NULL, SYNTAX_ENTRY, f, e);
	if (!rc)
		rc = directory_add(t, "/boot/efi/EFI", "/grub.cfg", SYNTAX_GRUB, f, e);
	if (!rc)
		rc = directory_add(t, "/boot/efi/EFI", "/grubenv", SYNTAX_GRUBENV, f, e);
	return rc;
}

struct command_line argument_line_of(const struct argument_file *f, size_t i)
{
	return (struct command_line){ .text = buffer_text(&f->text) + f->lines->line[i].start,
		.len = f->lines->line[i].len,
		.context = buffer_text(&f->lines->context) };
}

int argument_files_each(struct guest_image *g,
	int (*take)(void *arg, const struct argument_file *f, struct error *e), void *arg,
	struct error *e)
{
	struct argument_files *files = calloc(1, sizeof(*files));
	struct argument_lines *lines = calloc(1, sizeof(*lines));
	int rc = files && lines ? files_find(g->tree, files, e)
				: error_nomem(e, "kernel arguments");

	for (size_t i = 0; files && lines && i < files->path.count && !rc; i++) {
		struct argument_file f = {
			.path = files->path.item[i], .syntax = files->syntax[i], .lines = lines
		};
		bool exists;

		lines->count = 0;
		buffer_free(&lines->context);
		rc = linux_text(g->tree, f.path, &f.text, &exists, e);
		if (!rc)
			rc = arguments_scan(f.syntax, buffer_text(&f.text), lines, e);
		if (!rc && lines->count)
			rc = take(arg, &f, e);
		buffer_free(&f.text);
	}
	if (lines)
		buffer_free(&lines->context);
	if (files)
		strings_free(&files->path);
	free(lines);
	free(files);
	return rc;
}
