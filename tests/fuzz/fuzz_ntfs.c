/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An NTFS volume that is good but for a few bytes.  The smallest volumes are larger than a fuzzer's
 * inputs, so that an input is a list of changes to the one that scripts/fuzz-seeds-ntfs made
 * ($HVIMG_FUZZ_NTFS, otherwise build-fuzz/ntfs): sector, offset in it, length, bytes; sectors are
 * counted without those that are all zeros.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/memory.h"
#include "fs/tree.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
const char *__asan_default_options(void);

/* libntfs-3g keeps the inodes that it fails to write, which nobody can free. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

enum { SECTOR = 512, VOLUME_MAX = 16 << 20 };

static uint8_t *volume, *changed;
static size_t volume_len;
static uint32_t *sectors; /* that hold something */
static size_t sector_count;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const uint8_t zeros[SECTOR];
	const char *path = getenv("HVIMG_FUZZ_NTFS");
	FILE *file = fopen(path ? path : "build-fuzz/ntfs", "r");

	(void)argc;
	(void)argv;
	volume = malloc(VOLUME_MAX);
	changed = malloc(VOLUME_MAX);
	sectors = calloc(VOLUME_MAX / SECTOR, sizeof(*sectors));
	if (!file || !volume || !changed || !sectors)
		return 0;
	volume_len = fread(volume, 1, VOLUME_MAX, file);
	fclose(file);
	for (size_t i = 0; i < volume_len / SECTOR; i++)
		if (memcmp(volume + i * SECTOR, zeros, SECTOR) != 0)
			sectors[sector_count++] = (uint32_t)i;
	return 0;
}

static void change(const uint8_t *bytes, size_t len)
{
	memcpy(changed, volume, volume_len);
	while (len > 5) {
		size_t sector = sectors[(bytes[0] | (size_t)bytes[1] << 8) % sector_count];
		size_t at = (bytes[2] | (size_t)bytes[3] << 8) % SECTOR;
		size_t count = bytes[4] % 8 + 1;

		bytes += 5;
		len -= 5;
		if (count > len)
			count = len;
		if (count > SECTOR - at)
			count = SECTOR - at;
		memcpy(changed + sector * SECTOR + at, bytes, count);
		bytes += count;
		len -= count;
	}
}

static void look(struct tree *t, const char *dir)
{
	struct strings names = { 0 };
	struct buffer text = { 0 };
	struct error e;

	tree_list(t, dir, &names, &e);
	for (size_t i = 0; i < names.count && i < 12; i++) {
		struct fs_stat st;
		char path[1200];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names.item[i]);
		tree_stat(t, path, TREE_NOFOLLOW, &st, &e);
		tree_readlink(t, path, &text, &e);
		tree_read(t, path, 1 << 20, &text, &e);
		text.len = 0;
	}
	strings_free(&names);
	buffer_free(&text);
}

static void edit(struct tree *t)
{
	static const uint8_t bytes[70000];
	static const char *const paths[] = { "/windows/system32/config/system",
		"/Windows/small.txt", "/Windows/New folder/new", "/symlink/System32/x",
		"/many/A name that is long enough, number 26" };
	struct tree_put put = { .mtime = 1, .why = "fuzz" };
	struct error e;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		tree_put_bytes(t, paths[i], bytes, i % 2 ? 10 : sizeof(bytes), &put, &e);
	tree_remove(t, "/many/LINK", "fuzz", &e);
	tree_remove(t, "/many/a name that is long enough, number 7", "fuzz", &e);
	tree_remove(t, "/symlink", "fuzz", &e);
}

static void use(struct fs *fs, bool write)
{
	struct tree *t;
	struct error e;
	uint64_t left;

	if (tree_open(fs, "p1", NULL, &t, &e))
		return;
	look(t, "");
	look(t, "/Windows/System32/config");
	look(t, "/many");
	fs->ops->free_bytes(fs, &left, &e);
	if (write) {
		edit(t);
		fs_sync(fs, &e);
	}
	tree_close(t);
}

/* Runs are inside of the disk. */
static int run_seen(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	(void)arg;
	(void)e;
	if (!len || !range_fits(off, len, volume_len))
		abort();
	return 0;
}

static void ask(struct disk *d)
{
	const struct fs_id id = { .type = "ntfs" };
	struct error e;

	fs_free_runs(d, &id, run_seen, NULL, &e);
	fs_paging_runs(d, &id, run_seen, NULL, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	if (!sector_count)
		return 0;
	change(bytes, len);
	for (int write = 0; write < 2; write++) {
		struct fs_options o = { .write = write, .force_dirty = true };
		struct disk *d;
		struct fs *fs;
		struct error e;

		if (memory_disk_open(changed, volume_len, &d, &e))
			return 0;
		ask(d);
		if (fs_open_with(d, &o, &fs, &e) == 0) {
			use(fs, write);
			fs_close(fs);
		}
		disk_close(d);
	}
	return 0;
}
