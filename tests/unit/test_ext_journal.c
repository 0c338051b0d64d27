/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Journals that were not replayed: what e2fsck and the kernel make of them. */
#include "fs/ext.h"
#include "tests/unit/fs_sample.h"

static bool tools, mounts;

static int setup(void **state)
{
	(void)state;
	if (folder_make())
		return -1;
	tools = !run("command -v mke2fs && command -v e2fsck && command -v debugfs");
	if (!tools)
		print_message("skipped: no e2fsprogs\n");
	mounts = tools &&
		!run("mkdir mnt && truncate -s 16M probe && mke2fs -q -F -t ext4 probe && "
		     "mount -o loop probe mnt && umount mnt");
	if (!mounts)
		print_message("skipped in part: no loop mounts\n");
	return tools
		? run("mkdir -p tree/dir && seq 50000 >tree/text && seq 9 >tree/dir/nine && "
		      "printf '\\300\\073\\071\\230' >magic && head -c 70000 /dev/urandom >>magic "
		      "&& head -c 20000 /dev/urandom >other")
		: 0;
}

struct opened {
	struct disk *disk;
	struct fs *fs;
};

static int try_open(struct opened *o, bool write, struct error *e)
{
	*o = (struct opened){ .disk = disk_load(image, 0) };
	return fs_open(o->disk, write, &o->fs, e);
}

static void close_image(struct opened *o)
{
	fs_close(o->fs);
	disk_close(o->disk);
}

static int text_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	(void)arg;
	(void)off;
	(void)e;
	memset(buf, 't', len);
	return 0;
}

/* Replays alone, as the first write does, and has e2fsck do the same to a copy: they may differ in
 * the superblocks of file system (its backup included) and journal, no more. */
static void replay_as_e2fsck(void)
{
	uint8_t byte;
	struct opened o;
	struct error e = { 0 };
	struct disk *view;

	expect_run("cp image dirty; cp image theirs");
	if (!run("e2fsck -E journal_only -p theirs >verdict; grep -q 'was corrupt' verdict")) {
		assert_int_equal(try_open(&o, true, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "checksum"));
		close_image(&o);
		return;
	}
	if (try_open(&o, false, &e))
		fail_msg("%s", e.text);
	view = ext_of(o.fs)->replayed;
	if (!view) {
		close_image(&o);
		assert_int_equal(try_open(&o, true, &e), -1);
		fail_msg("%s", e.text);
	}
	assert_false(ext2fs_has_feature_journal_needs_recovery(ext_of(o.fs)->e2->super));
	assert_int_equal(disk_read(view, 5000, &byte, 1, &e), 0);
	assert_int_equal(disk_write(view, 5000, &byte, 1, &e), 0);
	disk_save(o.disk, image);
	close_image(&o);
	expect_run("cat >compare.py <<'END'\n"
		   "import struct\n"
		   "a, b = (bytearray(open(n, 'rb').read()) for n in ('image', 'theirs'))\n"
		   "for at in range(1024, len(a), 1024):\n"
		   "    super = a[at + 56:at + 58] == b'\\x53\\xef' and b[at + 56:at + 58] == "
		   "b'\\x53\\xef'\n"
		   "    log = a[at:at + 4] == b'\\xc0\\x3b\\x39\\x98' and a[at + 7] in (3, 4)\n"
		   "    if log: assert a[at + 28:at + 32] == b[at + 28:at + 32] == bytes(4)\n"
		   "    if not super and not log and a[at:at + 1024] != b[at:at + 1024]:\n"
		   "        raise SystemExit('differ at %d' % at)\n"
		   "END\n"
		   "python3 compare.py && ! cmp image dirty");
}

/* Edits the dirty file system; e2fsck finds it whole, and the file. */
static void edit(void)
{
	struct fs_put p = { .mode = S_IFREG | 0644, .size = 30000, .read = text_read };
	struct opened o;
	struct error e = { 0 };

	expect_run("cp dirty image");
	if (try_open(&o, true, &e))
		fail_msg("%s", e.text);
	assert_int_equal(o.fs->ops->put(o.fs, o.fs->root, "new", &p, &e), 0);
	assert_int_equal(fs_sync(o.fs, &e), 0);
	disk_save(o.disk, image);
	close_image(&o);
	expect_run("e2fsck -fn image && debugfs -R 'dump /new out' image && "
		   "test $(stat -c %s out) = 30000");
}

static void what_debugfs_journals(void **state)
{
	static const char *const options[] = { "-t ext4", "-t ext4 -O ^64bit", "-t ext4 -b 1024",
		"-t ext4 -O ^metadata_csum,^64bit -b 1024", "-t ext3", "-t ext3 -b 2048",
		"-t ext4 -O ^extents,^64bit" };
	static const char *const sums[] = { "", "-c", "-c -v 2", "-c -v 3" };

	(void)state;
	for (size_t i = 0; tools && i < sizeof(options) / sizeof(*options); i++)
		for (size_t s = 0; s < sizeof(sums) / sizeof(*sums); s++) {
			print_message("%s, jo %s\n", options[i], sums[s]);
			assert_int_equal(
				run("rm -f image; truncate -s 24M image; mke2fs -q -F -d tree %s "
				    "-J size=4 image",
					options[i]),
				0);
			/* Blocks of a file, as the journal of data would have them: two of them
			 * again, one revoked, one revoked and written again, and a transaction
			 * that was not ended. */
			if (run("blocks=$(debugfs -R 'blocks /text' image | tr ' ' '\\n' | grep . "
				"| "
				"head -9 | tr '\\n' ' '); set -- $blocks; printf '%%s\\n' 'jo %s' "
				"\"jw -b $1,$2,$3,$4,$5 magic\" \"jw -b $2,$3 other\" \"jw -r "
				"$4,$5\" "
				"\"jw -b $5 other\" \"jw -b $7,$8 -c other\" jc >commands; "
				"debugfs -w -f commands image; "
				"debugfs -R features image | grep needs_recovery",
				    sums[s])) {
				expect_run("cat log >&2; false");
			}
			replay_as_e2fsck();
		}
}

static void what_the_kernel_journals(void **state)
{
	static const struct {
		const char *make, *mount;
	} kinds[] = {
		{ "-t ext4", "data=ordered" },
		{ "-t ext4", "journal_async_commit,data=writeback" },
		{ "-t ext4 -O ^64bit", "data=journal" },
		{ "-t ext4 -b 1024", "data=journal" },
		{ "-t ext4 -O ^metadata_csum", "data=ordered" },
		{ "-t ext4 -O ^metadata_csum", "journal_checksum" },
		{ "-t ext4 -O orphan_file", "data=ordered" },
		{ "-t ext3", "data=journal" },
		{ "-t ext4 -b 1024 -J size=1", "data=ordered" },
	};

	(void)state;
	for (size_t i = 0; mounts && i < sizeof(kinds) / sizeof(*kinds); i++) {
		print_message("%s, %s\n", kinds[i].make, kinds[i].mount);
		assert_int_equal(run("rm -f disk image; truncate -s 40M disk; "
				     "mke2fs -q -F -d tree -J size=4 %s disk",
					 kinds[i].make),
			0);
		/* What was removed is journaled as revoked; the journal goes round. */
		if (run("mount -o loop,%s disk mnt || exit 9; set -e; cd mnt; "
			"for round in $(seq 4); do mkdir d$round; "
			"for n in $(seq 120); do seq $n >d$round/file-$n; done; sync; "
			"rm -r d$round/*5; cp ../magic m$round; mv text t$round; sync; "
			"mv t$round text; "
			"[ $round -lt 3 ] || { rm -r d$((round - 1)); sync; }; done; "
			"cp ../magic last; sync; touch more; cd ..; cp disk image",
			    kinds[i].mount)) {
			(void)run("umount mnt");
			fail_msg("no image with %s", kinds[i].mount);
		}
		expect_run("umount mnt; debugfs -R features image | grep needs_recovery");
		replay_as_e2fsck();
		edit();
		/* The kernel's own replay leaves the same files. */
		expect_run("cp dirty kernel; mount -o loop kernel mnt; mkdir -p a b; cp -a "
			   "mnt/. a; umount mnt; debugfs -R 'rdump / b' image; rm b/new; "
			   "diff -r a b; rc=$?; rm -rf a b; exit $rc");
	}
}

/* Any damage is an answer, and nothing outside the file system is touched. */
static void lie(const char *sums, const char *features)
{
	uint64_t random = 7;

	assert_int_equal(run("rm -f image; truncate -s 8M image; mke2fs -q -F -t ext4 -O %s -b "
			     "1024 -d tree -J "
			     "size=1 image; printf '%%s\\n' 'jo %s' 'jw -b 5000,5001 magic' "
			     "'jw -r 5001' 'jw -b 5002 other' jc >commands; "
			     "debugfs -w -f commands image; cp image good",
				 features, sums),
		0);
	for (int i = 0; i < 400; i++) {
		struct opened o;
		struct error e = { 0 };
		blk64_t block = 0;
		uint8_t byte;
		uint64_t at;

		assert_int_equal(try_open(&o, false, &e), 0);
		assert_non_null(ext_of(o.fs)->replayed);
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		assert_int_equal(ext2fs_bmap2(ext_of(o.fs)->e2, 8, NULL, NULL, 0, random >> 40 & 7,
					 NULL, &block),
			0);
		at = block * 1024 + (random >> 50) % (i % 2 ? 64 : 1024);
		fs_close(o.fs);
		assert_int_equal(disk_read(o.disk, at, &byte, 1, &e), 0);
		byte ^= (uint8_t)(1 << (random >> 61));
		assert_int_equal(disk_write(o.disk, at, &byte, 1, &e), 0);
		o.fs = NULL;
		if (!fs_open(o.disk, true, &o.fs, &e)) {
			struct fs_put p = { .mode = S_IFREG, .size = 3000, .read = text_read };

			(void)o.fs->ops->put(o.fs, o.fs->root, "new", &p, &e);
			(void)fs_sync(o.fs, &e);
		}
		close_image(&o);
	}
}

static void journals_that_lie(void **state)
{
	(void)state;
	if (!tools)
		return;
	lie("-c", "64bit");
	/* Without checksums all of it is believed. */
	lie("", "^metadata_csum,^64bit");
}

/* One byte of what was journaled, and of a commit block, is not what it was. */
static void wrong_checksums_are_named(void **state)
{
	static const unsigned block[] = { 1, 2, 3 };

	(void)state;
	for (size_t i = 0; tools && i < sizeof(block) / sizeof(*block); i++) {
		struct opened o;
		struct error e = { 0 };

		assert_int_equal(run("rm -f image; truncate -s 8M image; mke2fs -q -F -t ext4 -b "
				     "1024 -J size=1 image; "
				     "printf '%%s\\n' 'jo -c' 'jw -b 5000 other' 'jw -b 5002 "
				     "other' jc >commands; "
				     "head -c 1024 other >one; sed -i s/other/one/ commands; "
				     "debugfs -w -f commands image; debugfs -w -R 'zap_block -f "
				     "<8> -o 70 -l 1 -p "
				     "0x77 %u' image",
					 block[i]),
			0);
		assert_int_equal(try_open(&o, true, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "checksum"));
		close_image(&o);
		assert_int_equal(try_open(&o, false, &e), 0);
		assert_true(o.fs->needs_recovery);
		close_image(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_debugfs_journals),
		cmocka_unit_test(what_the_kernel_journals),
		cmocka_unit_test(journals_that_lie),
		cmocka_unit_test(wrong_checksums_are_named),
	};

	return cmocka_run_group_tests_name("ext_journal", tests, setup, folder_remove);
}
