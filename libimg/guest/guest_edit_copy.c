/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and folders of the host into the guest.  Of the host's permissions only "may be run" is
 * taken over: the rest depends on who fetched the files, and how. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/host_file.h"
#include "guest/guest_edit_work.h"

enum { FILES_LIMIT = 20000, LINK_LIMIT = 4096 }; /* of one copy; bytes of a link's target */

static int read_host(void *file, uint64_t off, void *buf, size_t len, struct error *e)
{
	return disk_read(file, off, buf, len, e);
}

static int copy_file(const struct edit_work *w, const char *from, const struct stat *host,
	const char *to, struct error *e)
{
	struct tree_put put = { .mtime = w->mtime, .why = w->why };
	struct disk *file = NULL;
	struct fs_stat st;
	int rc;

	if (!tree_stat(w->g->tree, to, TREE_FOLLOW, &st, NULL)) {
		put.mtime = st.mtime;
	} else {
		put.has_mode = true;
		put.mode = host->st_mode & S_IXUSR ? 0755 : 0644;
	}
	if (w->looks.has_mode) {
		put.has_mode = true;
		put.mode = w->looks.mode;
	}
	rc = w->check ? w->check(w, to, e) : 0;
	if (!rc)
		rc = host_file_open(from, &file, e);
	if (!rc)
		rc = tree_put_reader(w->g->tree, to, file->size, read_host, file, &put, e);
	disk_close(file);
	return rc;
}

/* A folder may be entered by those who may read it. */
static uint32_t folder_mode(uint32_t mode)
{
	return mode | (mode & 0444) >> 2;
}

static int copy_folder(const struct edit_work *w, const char *to, struct error *e)
{
	const struct tree_put put = { .has_mode = w->looks.has_mode,
		.mode = folder_mode(w->looks.mode),
		.mtime = w->mtime,
		.why = w->why };

	return tree_make_directory(w->g->tree, to, &put, e);
}

static int copy_link(const struct edit_work *w, const char *from, const char *to, struct error *e)
{
	char target[LINK_LIMIT];
	const ssize_t len = readlink(from, target, sizeof(target) - 1);

	if (len < 0)
		return error_errno(e, errno, "%s", from);
	target[len] = 0;
	return edit_put_link(w, to, target, e);
}

static int owner_set(const struct edit_work *w, const char *to, struct error *e)
{
	struct tree_looks owner = w->looks;

	owner.has_mode = false;
	return owner.has_uid || owner.has_gid ? tree_set_looks(w->g->tree, to, &owner, w->why, e)
					      : 0;
}

static int names_add(const char *folder, const char *below, struct strings *out, struct error *e)
{
	struct strings names = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return error_errno(e, errno, "%s", folder);
	while (!rc && (errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		rc = out->count + names.count >= FILES_LIMIT
			? error_set(e, ERR_RANGE, "more than %d files", FILES_LIMIT)
			: strings_add(&names, entry->d_name, e);
	}
	if (!rc && errno)
		rc = error_errno(e, errno, "%s", folder);
	closedir(dir);
	strings_sort(&names);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		rc = buffer_format(&path, e, "%s/%s", below, names.item[i]);
		if (!rc)
			rc = strings_add(out, buffer_text(&path), e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

/* What is at `from`; of a folder, the names in it are added to those still to be copied. */
static int copy_one(const struct edit_work *w, const char *from, const char *below, const char *to,
	struct strings *rest, struct error *e)
{
	struct stat st;
	int rc;

	/* The one that the user named may be a link to what is meant. */
	if (*below ? lstat(from, &st) : stat(from, &st))
		return error_errno(e, errno, "%s", from);
	if (S_ISLNK(st.st_mode))
		return copy_link(w, from, to, e);
	if (S_ISREG(st.st_mode)) {
		rc = copy_file(w, from, &st, to, e);
	} else if (S_ISDIR(st.st_mode)) {
		rc = copy_folder(w, to, e);
		if (!rc)
			rc = names_add(from, below, rest, e);
	} else {
		return error_set(e, ERR_UNSUPPORTED, "%s is no file, folder or link", from);
	}
	return rc ? rc : owner_set(w, to, e);
}

/* A path that ends with a slash is the folder to copy into. */
static int base_make(const struct edit_work *w, struct buffer *out, struct error *e)
{
	const char *last = strrchr(w->edit->from, '/');
	const size_t len = strlen(w->path);
	struct stat st;
	int rc = buffer_string(out, w->path, e);

	if (!rc && len > 1 && w->path[len - 1] == '/' && !stat(w->edit->from, &st) &&
		S_ISREG(st.st_mode))
		rc = buffer_string(out, last ? last + 1 : w->edit->from, e);
	return rc;
}

int edit_copy(const struct edit_work *w, struct error *e)
{
	struct strings rest = { 0 };
	struct buffer base = { 0 };
	int rc = base_make(w, &base, e);

	if (!rc)
		rc = strings_add(&rest, "", e);
	for (size_t i = 0; i < rest.count && !rc; i++) {
		struct buffer from = { 0 }, to = { 0 };
		/* Adding names may move the list, not its strings. */
		const char *below = rest.item[i];

		rc = buffer_format(&from, e, "%s%s", w->edit->from, below);
		if (!rc)
			rc = buffer_format(&to, e, "%s%s", buffer_text(&base), below);
		if (!rc)
			rc = copy_one(w, buffer_text(&from), below, buffer_text(&to), &rest, e);
		buffer_free(&from);
		buffer_free(&to);
	}
	strings_free(&rest);
	buffer_free(&base);
	return rc;
}
