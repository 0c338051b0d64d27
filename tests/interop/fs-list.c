/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fs-list IMAGE...: every file of the file systems in the images, which are opened together, one
 * line each: image, path, mode, owner, links, time, size and digest or target, attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "disk/host_file.h"
#include "fs/appliance.h"

static struct error e;

static void check(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(1);
}

struct name {
	char *name;
	uint64_t node;
};

struct names {
	struct name *name;
	size_t count;
};

static int add(void *arg, const char *name, uint64_t node)
{
	struct names *n = arg;

	n->name = reallocarray(n->name, n->count + 1, sizeof(*n->name));
	n->name[n->count++] = (struct name){ strdup(name), node };
	return 0;
}

static void hex(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

static void show_file(struct fs *fs, const struct fs_stat *st, const char *path)
{
	char digest[DIGEST_HEX_MAX];
	uint8_t *bytes = malloc(st->size + 1);

	check(fs->ops->read(fs, st->node, 0, bytes, st->size, &e), path);
	check(digest_bytes("sha256", bytes, st->size, digest, &e), path);
	printf(" %llu %s", (unsigned long long)st->size, digest);
	free(bytes);
}

static void show(struct fs *fs, const char *image, const char *path, uint64_t node)
{
	struct names names = { 0 };
	struct buffer target = { 0 };
	struct xattr *x;
	size_t count;
	struct fs_stat st;

	check(fs->ops->stat(fs, node, &st, &e), path);
	printf("%s %s %o %u %u ", image, path, st.mode, st.uid, st.gid);
	if (!S_ISDIR(st.mode))
		printf("%u", st.links);
	printf(" %lld", (long long)st.mtime);
	if (S_ISREG(st.mode))
		show_file(fs, &st, path);
	if (S_ISLNK(st.mode)) {
		check(fs->ops->readlink(fs, node, &target, &e), path);
		printf(" %s", buffer_text(&target));
		buffer_free(&target);
	}
	check(fs->ops->xattrs(fs, node, &x, &count, &e), path);
	qsort(x, count, sizeof(*x), compare);
	for (size_t i = 0; i < count; i++) {
		printf(" %s=", x[i].name);
		hex(x[i].value, x[i].len);
	}
	xattrs_free(x, count);
	printf("\n");
	if (S_ISDIR(st.mode))
		check(fs->ops->list(fs, node, add, &names, &e), path);
	for (size_t i = 0; i < names.count; i++) {
		char *below = NULL;

		if (asprintf(&below, "%s/%s", path, names.name[i].name) < 0)
			exit(1);
		show(fs, image, below, names.name[i].node);
		free(below);
		free(names.name[i].name);
	}
	free(names.name);
}

int main(int argc, char **argv)
{
	struct fs_options o = { 0 };
	struct disk *disk[24];
	struct fs_id id[24];

	check(appliance_open(NULL, NULL, NULL, &o.appliance, &e), "appliance");
	for (int i = 1; i < argc; i++) {
		check(host_file_open(argv[i], &disk[i], &e), argv[i]);
		check(fs_identify(disk[i], &id[i], &e), argv[i]);
		check(appliance_add(o.appliance, disk[i], &id[i], &e), argv[i]);
	}
	for (int i = 1; i < argc; i++) {
		struct fs *fs;

		check(fs_open_with(disk[i], &o, &fs, &e), argv[i]);
		show(fs, argv[i], "", fs->root);
		fs_close(fs);
	}
	appliance_close(o.appliance);
	for (int i = 1; i < argc; i++)
		disk_close(disk[i]);
	return 0;
}
