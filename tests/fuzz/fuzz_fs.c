/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a file system: identified, opened, asked for free space, walked a little and edited.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "disk/memory.h"
#include "fs/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void tree_use(struct fs *fs, bool write)
{
	static const uint8_t bytes[5000];
	struct tree_put put = { .why = "fuzz" };
	struct strings names = { 0 };
	struct buffer text = { 0 };
	struct tree *t;
	struct error e;

	if (tree_open(fs, "p1", NULL, &t, &e))
		return;
	tree_list(t, "/", &names, &e);
	for (size_t i = 0; i < names.count && i < 20; i++) {
		struct fs_stat st;

		tree_stat(t, names.item[i], TREE_FOLLOW, &st, &e);
		tree_read(t, names.item[i], 1 << 20, &text, &e);
		text.len = 0;
	}
	if (write && tree_put_bytes(t, "/etc/new", "text", 4, &put, &e) == 0)
		fs_sync(fs, &e);
	for (size_t i = 0; write && i < names.count && i < 4; i++) {
		tree_put_bytes(t, names.item[i], bytes, sizeof(bytes), &put, &e);
		tree_remove(t, names.item[i], "fuzz", &e);
	}
	if (write)
		fs_sync(fs, &e);
	buffer_free(&text);
	strings_free(&names);
	tree_close(t);
}

/* Runs rise and stay inside. */
static int run_seen(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	uint64_t *end = arg;

	(void)e;
	if (off < end[0] || !range_fits(off, len, end[1]) || !len)
		abort();
	end[0] = off + len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	for (int write = 0; write < 2; write++) {
		struct disk *d;
		struct fs_id id;
		struct fs *fs;
		struct error e;

		if (memory_disk_open(bytes, len, &d, &e))
			return 0;
		fs_identify(d, &id, &e);
		if (fs_open(d, write, &fs, &e) == 0) {
			uint64_t end[2] = { 0, len };

			if (fs->ops->free_runs)
				fs->ops->free_runs(fs, run_seen, end, &e);
			tree_use(fs, write);
			fs_close(fs);
		}
		disk_close(d);
	}
	return 0;
}
