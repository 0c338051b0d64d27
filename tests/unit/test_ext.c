/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk/slice.h"
#include "tests/unit/fs_sample.h"

enum { MIB = 1 << 20, PAD = 63 * 512 };

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make())
		return -1;
	tools = !run("command -v mke2fs && command -v e2fsck && command -v debugfs");
	if (!tools) {
		print_message("skipped: no e2fsprogs\n");
		return 0;
	}
	return run(
		"mkdir -p tree/etc/dir tree/many && cd tree && echo old >etc/old && "
		"printf 'linked text' >etc/hard && ln etc/hard etc/hard2 && ln -s old etc/link &&"
		" ln -s /$(printf 'x%%.0s' $(seq 200)) etc/long && head -c 300000 /dev/zero |"
		" tr '\\0' a >etc/big && touch many/file-{1..9}; truncate -s 1G sparse; "
		"printf end >>sparse");
}

static void make(const char *options, unsigned mib)
{
	assert_int_equal(run("rm -f image && mke2fs -q -F -d tree %s image %uM", options, mib), 0);
}

/* The image in the middle of a disk, as partitions are; written back and checked by e2fsck. */
struct opened {
	struct disk *memory, *slice;
	struct fs *fs;
};

static int try_open(struct opened *o, bool write, struct error *e)
{
	*o = (struct opened){ .memory = disk_load(image, PAD) };
	assert_int_equal(slice_open(o->memory, PAD, o->memory->size - PAD, &o->slice, e), 0);
	return fs_open(o->slice, write, &o->fs, e);
}

static void open_image(struct opened *o, bool write)
{
	struct error e = { 0 };
	int rc = try_open(o, write, &e);

	if (rc)
		print_error("%s\n", e.text);
	assert_int_equal(rc, 0);
}

static void close_image(struct opened *o)
{
	fs_close(o->fs);
	disk_close(o->slice);
	disk_close(o->memory);
}

static void check(void)
{
	int rc = run("e2fsck -fn image");

	if (rc) {
		char command[64];

		(void)snprintf(command, sizeof(command), "cat %s/log", folder);
		assert_int_equal(system(command), 0);
	}
	assert_int_equal(rc, 0);
}

static void put(struct fs *fs, const char *dir, const char *name, uint64_t size, unsigned seed)
{
	struct xattr label = { .name = (char[]){ "security.selinux" },
		.value = (uint8_t[]){ "system_u:object_r:etc_t:s0" },
		.len = 27 };
	struct fs_put p = { .mode = S_IFREG | 0640,
		.uid = 70000,
		.gid = 5,
		.mtime = 5000000000,
		.size = size,
		.read = pattern,
		.read_arg = &seed,
		.xattr = &label,
		.xattr_count = 1 };
	struct error e = { 0 };
	int rc = fs->ops->put(fs, node_at(fs, dir), name, &p, &e);

	if (rc)
		print_error("%s: %s\n", name, e.text);
	assert_int_equal(rc, 0);
}

static void expect_content(struct fs *fs, const char *path, uint64_t size, unsigned seed)
{
	uint64_t node = node_at(fs, path);
	struct fs_stat st;
	struct error e = { 0 };

	assert_int_equal(fs->ops->stat(fs, node, &st, &e), 0);
	assert_int_equal(st.size, size);
	expect_pattern(fs, node, size, seed);
}

/* What an injection does, and more: create, replace, remove, many names, directories, links. */
static void edit(struct fs *fs)
{
	struct fs_put dir = { .mode = S_IFDIR | 0755, .mtime = 1000 };
	struct fs_put link = { .mode = S_IFLNK | 0777, .mtime = 1000, .target = "../usr/x" };
	char target[300] = { 0 };
	struct error e = { 0 };

	put(fs, "etc", "new", 5, 1);
	put(fs, "etc", "empty", 0, 1);
	put(fs, "etc", "initrd", 3 * MIB + 17, 2);
	put(fs, "etc", "initrd", 2 * MIB, 3);
	put(fs, "etc", "old", 12345, 4);
	put(fs, "etc", "hard", 5000, 5);
	put(fs, "etc", "big", 100, 6);
	for (unsigned i = 0; i < 300; i++) {
		char name[80];

		(void)snprintf(
			name, sizeof(name), "many-%03u-a-long-name-to-split-the-directory", i);
		put(fs, "many", name, i, i);
		if (i & 1)
			assert_int_equal(fs->ops->remove(fs, node_at(fs, "many"), name, &e), 0);
	}
	assert_int_equal(fs->ops->put(fs, node_at(fs, "etc"), "made", &dir, &e), 0);
	assert_int_equal(fs->ops->put(fs, node_at(fs, "etc"), "made", &dir, &e), -ERR_EXISTS);
	put(fs, "etc/made", "inside", 70, 7);
	assert_int_equal(fs->ops->remove(fs, node_at(fs, "etc"), "made", &e), -ERR_REFUSED);
	assert_int_equal(fs->ops->remove(fs, node_at(fs, "etc"), "dir", &e), 0);
	assert_int_equal(fs->ops->put(fs, node_at(fs, "etc"), "link", &link, &e), 0);
	memset(target, 'y', 250);
	link.target = target;
	assert_int_equal(fs->ops->put(fs, node_at(fs, "etc"), "long2", &link, &e), 0);
	assert_int_equal(fs->ops->remove(fs, node_at(fs, "etc"), "absent", &e), -ERR_NOTFOUND);
}

static void expect_edited(struct fs *fs)
{
	struct buffer target = { 0 };
	struct xattr *xattr;
	struct fs_stat st;
	size_t count;
	struct error e = { 0 };

	expect_content(fs, "etc/new", 5, 1);
	expect_content(fs, "etc/empty", 0, 1);
	expect_content(fs, "etc/initrd", 2 * MIB, 3);
	expect_content(fs, "etc/old", 12345, 4);
	expect_content(fs, "etc/hard", 5000, 5);
	expect_content(fs, "etc/hard2", 5000, 5);
	expect_content(fs, "etc/big", 100, 6);
	expect_content(fs, "etc/made/inside", 70, 7);
	expect_content(fs, "many/many-298-a-long-name-to-split-the-directory", 298, 298);
	assert_int_equal(fs->ops->stat(fs, node_at(fs, "etc/hard"), &st, &e), 0);
	assert_int_equal(st.links, 2);
	assert_int_equal(st.mode, S_IFREG | 0640);
	assert_int_equal(st.uid, 70000);
	assert_int_equal(st.gid, 5);
	assert_int_equal(fs->ops->readlink(fs, node_at(fs, "etc/link"), &target, &e), 0);
	assert_string_equal(buffer_text(&target), "../usr/x");
	target.len = 0;
	assert_int_equal(fs->ops->readlink(fs, node_at(fs, "etc/long"), &target, &e), 0);
	assert_int_equal(target.len, 201);
	target.len = 0;
	assert_int_equal(fs->ops->readlink(fs, node_at(fs, "etc/long2"), &target, &e), 0);
	assert_int_equal(target.len, 250);
	buffer_free(&target);
	assert_int_equal(fs->ops->xattrs(fs, node_at(fs, "etc/old"), &xattr, &count, &e), 0);
	assert_int_equal(count, 1);
	assert_string_equal(xattr[0].name, "security.selinux");
	assert_int_equal(xattr[0].len, 27);
	assert_string_equal((const char *)xattr[0].value, "system_u:object_r:etc_t:s0");
	xattrs_free(xattr, count);
}

static uint64_t free_of(struct fs *fs)
{
	uint64_t bytes = 0;
	struct error e = { 0 };

	assert_int_equal(fs->ops->free_bytes(fs, &bytes, &e), 0);
	return bytes;
}

static void every_feature(void **state)
{
	static const char *const options[] = {
		"-t ext4",
		"-t ext4 -O ^metadata_csum",
		"-t ext4 -O ^64bit,^has_journal",
		"-t ext4 -O orphan_file",
		"-t ext4 -O large_dir",
		"-t ext4 -O bigalloc",
		"-t ext4 -O ea_inode",
		"-t ext4 -O verity",
		"-t ext4 -O metadata_csum_seed",
		"-t ext4 -O inline_data",
		"-t ext4 -O casefold,encrypt",
		"-t ext4 -O mmp",
		"-t ext4 -I 128",
		"-t ext4 -b 1024",
		"-t ext4 -E lazy_itable_init=1",
		"-t ext3",
		"-t ext3 -b 2048",
		"-t ext2",
		"-t ext2 -b 1024 -I 128",
		"-t ext2 -O ^filetype,^dir_index,^resize_inode",
	};

	(void)state;
	for (size_t i = 0; tools && i < sizeof(options) / sizeof(options[0]); i++) {
		struct opened o;
		struct error e = { 0 };

		print_message("%s\n", options[i]);
		make(options[i], 24);
		open_image(&o, true);
		edit(o.fs);
		expect_edited(o.fs);
		assert_int_equal(fs_sync(o.fs, &e), 0);
		disk_save(o.slice, image);
		close_image(&o);
		check();
		assert_int_equal(run("debugfs -R 'dump etc/initrd out' image && "
				     "test $(stat -c %%s out) = 2097152"),
			0);
		open_image(&o, false);
		expect_edited(o.fs);
		assert_true(free_of(o.fs) > MIB);
		close_image(&o);
	}
}

static void indexed_directory_stays_right(void **state)
{
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	assert_int_equal(run("mkdir -p tree/indexed && cd tree/indexed && "
			     "touch $(seq -f kernel-made-entry-with-long-name-%%g 1200)"),
		0);
	make("-t ext4", 24);
	assert_int_equal(run("rm -r tree/indexed"), 0);
	(void)run("e2fsck -fyD image");
	assert_int_equal(run("debugfs -R 'htree indexed' image | grep -q 'Number of entries'"), 0);
	open_image(&o, true);
	for (unsigned i = 0; i < 400; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "module-%u-with-quite-a-long-name.ko", i);
		put(o.fs, "indexed", name, 3, i);
	}
	put(o.fs, "indexed", "kernel-made-entry-with-long-name-77", 5, 9);
	assert_int_equal(fs_sync(o.fs, &e), 0);
	disk_save(o.slice, image);
	close_image(&o);
	check();
}

static void same_edits_give_the_same_bytes(void **state)
{
	size_t len[2];
	uint8_t *bytes[2];

	(void)state;
	if (!tools)
		return;
	for (int i = 0; i < 2; i++) {
		struct opened o;
		struct error e = { 0 };

		if (!i) {
			make("-t ext4", 24);
			assert_int_equal(run("cp image pristine"), 0);
		} else {
			/* Over a second later: a clock that was read would show. */
			assert_int_equal(run("sleep 1.1; cp pristine image"), 0);
		}
		open_image(&o, true);
		edit(o.fs);
		assert_int_equal(fs_sync(o.fs, &e), 0);
		disk_save(o.slice, image);
		close_image(&o);
		bytes[i] = file_load(image, PAD, &len[i]);
	}
	assert_int_equal(len[0], len[1]);
	assert_true(!memcmp(bytes[0], bytes[1], len[0]));
	free(bytes[0]);
	free(bytes[1]);
}

static void nothing_reaches_the_disk_without_sync(void **state)
{
	size_t len;
	uint8_t *before, *after;
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	make("-t ext4", 24);
	before = file_load(image, PAD, &len);
	after = malloc(len);
	assert_non_null(after);
	open_image(&o, true);
	assert_int_equal(fs_sync(o.fs, &e), 0);
	assert_int_equal(disk_read(o.memory, 0, after, len, &e), 0);
	assert_memory_equal(before, after, len);
	put(o.fs, "etc", "new", 5, 1);
	fs_close(o.fs);
	o.fs = NULL;
	assert_int_equal(disk_read(o.memory, 0, after, len, &e), 0);
	assert_memory_equal(before, after, len);
	close_image(&o);
	free(before);
	free(after);
}

static void expect_refused(int code, const char *word)
{
	struct opened o;
	struct error e = { 0 };

	assert_int_equal(try_open(&o, true, &e), -code);
	if (!strstr(e.text, word))
		print_error("%s\n", e.text);
	assert_non_null(strstr(e.text, word));
	close_image(&o);
	assert_int_equal(run("cmp image refused"), 0);
}

/* Every state in which edits would be lost or do harm. */
static void unsafe_states_are_refused(void **state)
{
	struct opened o;

	(void)state;
	if (!tools)
		return;
	make("-t ext4", 24);
	assert_int_equal(run("debugfs -w -R 'feature needs_recovery' image; "
			     "debugfs -w -R 'zap_block -f <8> 0' image; cp image refused"),
		0);
	expect_refused(ERR_CORRUPT, "journal");
	open_image(&o, false);
	assert_true(o.fs->needs_recovery);
	close_image(&o);
	make("-t ext4", 24);
	assert_int_equal(run("debugfs -w -R 'ssv state 3' image; cp image refused"), 0);
	expect_refused(ERR_REFUSED, "not clean");
	assert_int_equal(run("debugfs -w -R 'ssv state 0' image; cp image refused"), 0);
	expect_refused(ERR_REFUSED, "not clean");
	make("-t ext4 -O quota", 24);
	assert_int_equal(run("cp image refused"), 0);
	expect_refused(ERR_REFUSED, "quota");
	make("-t ext4", 24);
	assert_int_equal(
		run("debugfs -w -R 'ssv feature_incompat 0x80000242' image; cp image refused"), 0);
	expect_refused(ERR_UNSUPPORTED, "feature");
	make("-t ext4", 24);
	assert_int_equal(run("truncate -s 20M image; cp image refused"), 0);
	expect_refused(ERR_CORRUPT, "volume");
	make("-t ext4 -O casefold", 24);
	assert_int_equal(run("debugfs -w -R 'sif etc flags 0x40080000' image"), 0);
	open_image(&o, true);
	{
		struct fs_put p = { .mode = S_IFREG | 0644 };
		struct error e = { 0 };

		assert_int_equal(
			o.fs->ops->put(o.fs, node_at(o.fs, "etc"), "x", &p, &e), -ERR_REFUSED);
	}
	close_image(&o);
}

static void full_file_system_says_so(void **state)
{
	unsigned seed = 1;
	struct fs_put p = {
		.mode = S_IFREG | 0644, .size = 64 * MIB, .read = pattern, .read_arg = &seed
	};
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	make("-t ext4", 24);
	open_image(&o, true);
	assert_int_equal(o.fs->ops->put(o.fs, node_at(o.fs, "etc"), "x", &p, &e), -ERR_RANGE);
	assert_non_null(strstr(e.text, "67108864 bytes do not fit"));
	assert_int_equal(fs_sync(o.fs, &e), 0);
	disk_save(o.slice, image);
	close_image(&o);
	check();
}

static void sparse_file_reads_as_zeros(void **state)
{
	uint8_t got[3], zero[3] = { 0 };
	struct fs_stat st;
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	make("-t ext4", 24);
	open_image(&o, false);
	assert_int_equal(o.fs->ops->stat(o.fs, node_at(o.fs, "sparse"), &st, &e), 0);
	assert_int_equal(st.size, (1 << 30) + 3);
	assert_int_equal(o.fs->ops->read(o.fs, st.node, 512 * (uint64_t)MIB - 1, got, 3, &e), 0);
	assert_memory_equal(got, zero, 3);
	assert_int_equal(o.fs->ops->read(o.fs, st.node, 1 << 30, got, 3, &e), 0);
	assert_memory_equal(got, "end", 3);
	close_image(&o);
}

static void expect_identified(const char *command, const char *tool)
{
	size_t len;
	uint8_t *bytes;
	struct disk *d;
	struct fs_id id;
	char want[256] = "", got[256];
	struct error e = { 0 };
	FILE *f;

	if (run("command -v %s && command -v blkid", tool)) {
		print_message("skipped: no %s or blkid\n", tool);
		return;
	}
	assert_int_equal(run("rm -f image; truncate -s 48M image; %s", command), 0);
	assert_int_equal(run("{ blkid -p -s TYPE -o value image; blkid -p -s UUID -o value image; "
			     "blkid -p -s LABEL -o value image; } | paste -sd/ >want"),
		0);
	(void)snprintf(got, sizeof(got), "%s/want", folder);
	f = fopen(got, "r");
	assert_non_null(f);
	assert_non_null(fgets(want, sizeof(want), f));
	(void)fclose(f);
	bytes = file_load(image, PAD, &len);
	assert_int_equal(memory_disk_open(bytes + PAD, len - PAD, &d, &e), 0);
	assert_int_equal(fs_identify(d, &id, &e), 0);
	assert_non_null(id.type);
	(void)snprintf(got, sizeof(got), "%s/%s/%s\n", id.type, id.uuid, id.label);
	assert_string_equal(got, want);
	disk_close(d);
	free(bytes);
}

static void identified_as_blkid_does(void **state)
{
	(void)state;
	expect_identified("mke2fs -q -F -t ext2 -L 'my root' image", "mke2fs");
	expect_identified("mke2fs -q -F -t ext3 -L boot image", "mke2fs");
	expect_identified("mke2fs -q -F -t ext4 -L 0123456789abcdef image", "mke2fs");
	expect_identified("mkfs.vfat -F 12 -n CONFIG-2 -i 1234abcd image 2048", "mkfs.vfat");
	expect_identified("mkfs.vfat -F 16 -n ESP image", "mkfs.vfat");
	expect_identified("mkfs.vfat -F 32 -s 1 -n 'EFI SYS' image", "mkfs.vfat");
	expect_identified("mkfs.ntfs -F -q -L 'Windows \xc3\xa9' image", "mkfs.ntfs");
	expect_identified("mkswap -L swapped image", "mkswap");
	expect_identified("truncate -s 320M image; mkfs.xfs -q -L xroot image", "mkfs.xfs");
	expect_identified("truncate -s 200M image; mkfs.btrfs -q -L broot image", "mkfs.btrfs");
	expect_identified("echo x | cryptsetup luksFormat -q --type luks2 --label vault --pbkdf "
			  "pbkdf2 --pbkdf-force-iterations 1000 image -",
		"cryptsetup");
	expect_identified("xorriso -as mkisofs -V CONFIG-2 -o image tree", "xorriso");
}

/* A damaged image gives errors; it never crashes, hangs or asks for memory without end. */
static void use_damaged(const uint8_t *bytes, size_t len)
{
	static const char *const names[] = { "etc", "many", "lost+found", "sparse" };
	struct disk *d;
	struct fs *fs;
	struct error e = { 0 };

	assert_int_equal(memory_disk_open(bytes, len, &d, &e), 0);
	if (!fs_open(d, true, &fs, &e)) {
		unsigned seed = 3;
		struct fs_put p = {
			.mode = S_IFREG | 0644, .size = 9000, .read = pattern, .read_arg = &seed
		};
		uint64_t etc = 0;

		for (size_t i = 0; i < 4; i++) {
			uint64_t node, child;
			struct fs_stat st;

			if (fs->ops->lookup(fs, fs->root, names[i], &node, &e))
				continue;
			if (!i)
				etc = node;
			fs->ops->stat(fs, node, &st, &e);
			if (!fs->ops->lookup(fs, node, "big", &child, &e)) {
				uint8_t buf[9000];

				fs->ops->read(fs, child, 0, buf, sizeof(buf), &e);
			}
		}
		if (etc && !fs->ops->put(fs, etc, "new", &p, &e) &&
			!fs->ops->put(fs, etc, "big", &p, &e))
			fs_sync(fs, &e);
		fs_close(fs);
	} else {
		assert_true(e.text[0]);
	}
	disk_close(d);
}

static void damaged_images(void **state)
{
	uint64_t random = 88172645463325252u;
	size_t len;
	uint8_t *all, *bytes;

	(void)state;
	if (!tools)
		return;
	/* Without checksums, so that the damage is not noticed at once. */
	make("-t ext4 -b 1024 -O ^metadata_csum,^has_journal -N 64", 2);
	all = file_load(image, PAD, &len);
	bytes = all + PAD;
	len -= PAD;
	for (size_t at = 1024; at < 2048; at++) {
		uint8_t before = bytes[at];

		bytes[at] = (uint8_t)(at & 1 ? 0xff : before ^ 0x80);
		use_damaged(bytes, len);
		bytes[at] = before;
	}
	for (unsigned i = 0; i < 1500; i++) {
		uint8_t before;
		size_t at;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = 2048 + (size_t)(random % (60 << 10));
		before = bytes[at];
		bytes[at] = (uint8_t)(random >> 32);
		use_damaged(bytes, len);
		bytes[at] = before;
	}
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_feature),
		cmocka_unit_test(indexed_directory_stays_right),
		cmocka_unit_test(same_edits_give_the_same_bytes),
		cmocka_unit_test(nothing_reaches_the_disk_without_sync),
		cmocka_unit_test(unsafe_states_are_refused),
		cmocka_unit_test(full_file_system_says_so),
		cmocka_unit_test(sparse_file_reads_as_zeros),
		cmocka_unit_test(identified_as_blkid_does),
		cmocka_unit_test(damaged_images),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
