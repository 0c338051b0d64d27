/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ntfs-put plant IMAGE: a volume with what Windows puts on one, made by libntfs-3g.
 * ntfs-put check IMAGE: whether the volume may be edited.
 * ntfs-put edit IMAGE PATH...: each path becomes a file of 100000 bytes; "-PATH" is removed.
 */
#include "tests/unit/fs_sample.h"

#include "fs/tree.h"
#include "tests/unit/ntfs_sample.h"

static struct error e;

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(1);
}

static void edit(struct tree *t, const char *path)
{
	static const struct tree_put put = { .mtime = 1700000000, .why = "test" };
	static uint8_t bytes[100000];
	unsigned seed = (unsigned)strlen(path);

	pattern(&seed, 0, bytes, sizeof(bytes), NULL);
	if (*path == '-')
		must(tree_remove(t, path + 1, "test", &e), path);
	else
		must(tree_put_bytes(t, path, bytes, sizeof(bytes), &put, &e), path);
}

int main(int argc, char **argv)
{
	const struct fs_options options = { .write = true };
	struct disk *d;
	struct tree *t;
	struct fs *fs;

	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "plant")) {
		must(folder_make(), "folder");
		plant("-c 4096", 32);
		d = disk_load(image, 0);
		disk_save(d, argv[2]);
		disk_close(d);
		return folder_remove(NULL);
	}
	d = disk_load(argv[2], 0);
	if (!strcmp(argv[1], "check")) {
		must(fs_check_write(d, &options, &e), argv[2]);
		disk_close(d);
		return 0;
	}
	must(fs_open_with(d, &options, &fs, &e), argv[2]);
	must(tree_open(fs, "p1", NULL, &t, &e), argv[2]);
	for (int i = 3; i < argc; i++)
		edit(t, argv[i]);
	tree_close(t);
	must(fs_sync(fs, &e), argv[2]);
	fs_close(fs);
	disk_save(d, argv[2]);
	disk_close(d);
	return 0;
}
