/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tars unpacked into a fresh ext4, judged by e2fsck and debugfs. */
#include "tests/unit/fs_sample.h"

#include "disk/empty.h"
#include "disk/overlay.h"
#include "fs/ext_make.h"
#include "guest/root_unpack.h"

enum { MIB = 1 << 20, SIZE = 32 * MIB };

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make())
		return -1;
	tools = !run("command -v e2fsck debugfs zstd tar python3");
	if (!tools) {
		print_message("skipped: e2fsprogs, zstd, tar or python3 is missing\n");
		return 0;
	}
	return run("python3 \"$OLDPWD\"/tests/unit/root_tars.py");
}

struct made {
	struct disk *empty, *disk;
	struct fs *fs;
	struct report notes;
	struct root_size size;
	bool full;
};

static int unpack(struct made *m, const char *tar, uint64_t size, struct error *e)
{
	const struct ext_make how = { .uuid = { { 1 } }, .hash_seed = { { 2 } }, .time = 1000000 };
	struct root_unpack job = { .time = 1000000, .notes = &m->notes };
	char path[256];

	*m = (struct made){ 0 };
	(void)snprintf(path, sizeof(path), "%s/%s", folder, tar);
	assert_int_equal(empty_disk_open(size, &m->empty, e), 0);
	assert_int_equal(overlay_open(m->empty, folder, MIB, &m->disk, e), 0);
	assert_int_equal(ext_make(m->disk, &how, e), 0);
	assert_int_equal(fs_open(m->disk, true, &m->fs, e), 0);
	job.tar = path;
	job.root = m->fs;
	return root_unpack(&job, &m->size, &m->full, e);
}

static void made_free(struct made *m)
{
	fs_close(m->fs);
	disk_close(m->disk);
	disk_close(m->empty);
	report_free(&m->notes);
}

/* Of a disk that is mostly zeros the rest. */
static void save(struct disk *d)
{
	int fd = open(image, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	static uint8_t piece[MIB];
	struct error e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)d->size), 0);
	for (uint64_t off = 0; off < d->size;) {
		struct extent x;
		size_t len;

		assert_int_equal(disk_extent(d, off, &x, &e), 0);
		len = x.length < MIB ? (size_t)x.length : MIB;
		if (!x.zero) {
			assert_int_equal(disk_read(d, off, piece, len, &e), 0);
			assert_int_equal(pwrite(fd, piece, len, (off_t)off), (ssize_t)len);
		}
		off += x.zero ? x.length : len;
	}
	close(fd);
}

static void unpack_good(const char *tar, uint64_t size)
{
	struct error e = { 0 };
	struct made m;

	if (unpack(&m, tar, size, &e))
		fail_msg("%s: %s", tar, e.text);
	assert_false(m.full);
	save(m.disk);
	made_free(&m);
	expect_run("e2fsck -fn image");
}

/* debugfs's stat of a path has all of the words. */
static void expect_stat(const char *path, const char *pattern)
{
	char command[512];

	(void)snprintf(command, sizeof(command),
		"debugfs -R 'stat \"%s\"' image | tr -s ' \\n' ' ' >said; grep -q '%s' said", path,
		pattern);
	expect_run(command);
}

static void everything_is_taken_over(void **state)
{
	(void)state;
	if (!tools)
		return;
	unpack_good("good.tar", SIZE);
	expect_stat("/", "Type: directory Mode: 0751");
	expect_stat("/", "mtime: 0x59682f01");
	expect_stat("/etc", "Mode: 0755 .*User: 6 Group: 7 ");
	expect_stat("/etc/hostname", "Mode: 0644 .*User: 2147483646 Group: 123456 .*Size: 5 ");
	expect_stat("/absolute/made", "Mode: 0755 .*User: 0 Group: 0 .*mtime: 0x000f4240");
	expect_stat("/usr/bin/setuid", "Mode: 04755 .*Links: 3 ");
	expect_stat("/usr/bin/ping",
		"security.capability (20) = 01 00 00 02 00 04 00 00 00 00 00 00 00 00 00 00 00 00");
	expect_stat("/usr/bin/note", "user.note (3) = \"a\\\\012b\"\\|user.note (3)");
	expect_stat("/usr/bin/acl",
		"system.posix_acl_access (28) = 01 00 00 00 01 00 06 00 02 00 "
		"04 00 02 00 00 00 04 00 04 00 10 00 06 00 20 00 00 00");
	expect_stat("/srv",
		"system.posix_acl_default (28) = 01 00 00 00 01 00 07 00 04 00 05 00 "
		"08 00 07 00 08 00 00 00 10 00 07 00 20 00 00 00");
	expect_stat("/bin", "Type: symlink .*Fast link dest: \"usr/bin\"");
	expect_stat("/long", "Type: symlink .*Size: 201 ");
	expect_stat("/dev/null", "Type: character .*Mode: 0666 .*Device major/minor number: 01:03");
	expect_stat("/dev/big", "Type: block .*Device major/minor number: 259:1000");
	expect_stat("/dev/fifo", "Type: FIFO");
	expect_stat("/early", "mtime: 0xfffffc18");
	expect_stat("/late", "mtime: 0x2a05f200:00000001");
	expect_stat("/directory-then-link", "Type: symlink .*\"etc\"");
	expect_stat("/etc/odd", "Links: 1 ");
	expect_stat("/hard-then-other", "Size: 5 .*Links: 1 ");
	expect_stat("/folders", "Links: 202 ");
	expect_stat("/lost+found", "Mode: 0700 .*Size: 16384 ");
}

/* By debugfs's own copy of all, and by GNU tar. */
static void content_is_that_of_tar(void **state)
{
	(void)state;
	if (!tools)
		return;
	unpack_good("good.tar", SIZE);
	expect_run("rm -rf ours theirs && mkdir ours theirs && debugfs -R 'rdump / ours' image; "
		   "tar xf good.tar -C theirs --no-same-owner --exclude=./dev --no-acls; "
		   "rm -rf ours/dev ours/lost+found; chmod -R u+rwX ours theirs; "
		   "test -f theirs/absolute/made/up && diff -r --no-dereference ours theirs");
}

static void leftovers_are_told(void **state)
{
	struct error e = { 0 };
	struct made m;

	(void)state;
	if (!tools)
		return;
	assert_int_equal(unpack(&m, "good.tar", SIZE, &e), 0);
	assert_int_equal(m.notes.count, 1);
	assert_string_equal(m.notes.finding[0].code, "attributes-left-out");
	assert_in_range(m.size.nodes, 1700, 1800);
	made_free(&m);
}

static void each_compression_gives_the_same(void **state)
{
	static const char *const tars[] = { "good.tar.gz", "good.tar.bz2", "good.tar.xz",
		"good.tar.zst" };

	(void)state;
	if (!tools)
		return;
	unpack_good("good.tar", SIZE);
	expect_run("cp image first");
	for (size_t i = 0; i < sizeof(tars) / sizeof(tars[0]); i++) {
		unpack_good(tars[i], SIZE);
		expect_run("cmp image first");
	}
}

static void holes_stay_holes(void **state)
{
	static const char *const formats[] = { "gnu", "pax" };

	(void)state;
	for (size_t i = 0; tools && i < sizeof(formats) / sizeof(formats[0]); i++) {
		char command[512];

		(void)snprintf(command, sizeof(command),
			"rm -rf sparse && mkdir sparse && truncate -s 300M sparse/f && "
			"printf a | dd of=sparse/f bs=1 seek=4095 conv=notrunc && "
			"head -c 3000000 /dev/urandom | dd of=sparse/f bs=1M seek=150 "
			"conv=notrunc && "
			"printf end >>sparse/f && tar -S --format=%s -cf sparse.tar -C sparse f",
			formats[i]);
		expect_run(command);
		unpack_good("sparse.tar", SIZE);
		expect_stat("/f", "Size: 314572803 .*Blockcount: 5[89]");
		expect_run("debugfs -R 'dump /f back' image && cmp back sparse/f && rm back");
	}
}

static void expect_refusal(const char *tar, int code, const char *text)
{
	struct error e = { 0 };
	struct made m;
	int rc = unpack(&m, tar, SIZE, &e);

	if (rc != -code || !strstr(e.text, text) || !strstr(e.text, tar))
		fail_msg("%s: %d %s", tar, rc, e.text);
	assert_int_equal(m.full, code == ERR_RANGE);
	made_free(&m);
}

static void hostile_tars_are_refused(void **state)
{
	static const struct {
		const char *tar, *text;
		int code;
	} bad[] = {
		{ "bad-dotdot.tar", "../etc/passwd: a path with \"..\"", ERR_CORRUPT },
		{ "bad-dotdot-within.tar", "a path with \"..\"", ERR_CORRUPT },
		{ "bad-through-link.tar", "leads through \"a\", which is a link", ERR_CORRUPT },
		{ "bad-through-file.tar", "which is no directory", ERR_CORRUPT },
		{ "bad-hard-outside.tar", "a path with \"..\"", ERR_CORRUPT },
		{ "bad-hard-nowhere.tar", "hard link to \"/etc/passwd\": \"etc\" is not in",
			ERR_CORRUPT },
		{ "bad-hard-through-link.tar", "leads through \"l\"", ERR_CORRUPT },
		{ "bad-hard-directory.tar", "a hard link to the directory", ERR_CORRUPT },
		{ "bad-long-name.tar", "a name of 256 bytes", ERR_CORRUPT },
		{ "bad-long-path.tar", "a path of 6029 bytes", ERR_CORRUPT },
		{ "bad-over-directory.tar", "not empty", ERR_CORRUPT },
		{ "bad-over-root.tar", "root is no directory", ERR_CORRUPT },
		{ "bad-lost-found.tar", "lost+found: it must be a directory", ERR_CORRUPT },
		{ "bad-owner.tar", "owner 8589934592", ERR_CORRUPT },
		{ "bad-acl.tar", "system.posix_acl_access is no ACL", ERR_CORRUPT },
		{ "bad-xattr-big.tar", "user.big of 5000 bytes", ERR_UNSUPPORTED },
		{ "bad-empty.tar", "", ERR_CORRUPT },
		{ "bad-short.tar", "", ERR_CORRUPT },
		{ "bad-noise.tar", "not to be unpacked", ERR_CORRUPT },
		{ "nowhere.tar", "", ERR_NOTFOUND },
		{ "full.tar", "bytes, and ", ERR_RANGE },
		{ "full-nodes.tar", "inode", ERR_RANGE },
	};

	(void)state;
	for (size_t i = 0; tools && i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refusal(bad[i].tar, bad[i].code, bad[i].text);
}

/* What a header claims is not believed to be there. */
static void claims_are_checked_first(void **state)
{
	struct error e = { 0 };
	struct made m;

	(void)state;
	if (!tools)
		return;
	assert_true(unpack(&m, "full-claim.tar", SIZE, &e) != 0);
	made_free(&m);
}

static void all_is_counted_when_it_is_full(void **state)
{
	struct error e = { 0 };
	struct made m;
	uint64_t enough;

	(void)state;
	if (!tools)
		return;
	assert_int_equal(unpack(&m, "full.tar", SIZE, &e), -ERR_RANGE);
	assert_int_equal(m.size.nodes, 61);
	assert_in_range(m.size.bytes, 60 * MIB, 61 * MIB);
	enough = m.size.bytes + 4096;
	made_free(&m);
	while (enough - ext_make_overhead(enough) < 61 * MIB)
		enough += MIB;
	unpack_good("full.tar", enough);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_taken_over),
		cmocka_unit_test(content_is_that_of_tar),
		cmocka_unit_test(leftovers_are_told),
		cmocka_unit_test(each_compression_gives_the_same),
		cmocka_unit_test(holes_stay_holes),
		cmocka_unit_test(hostile_tars_are_refused),
		cmocka_unit_test(claims_are_checked_first),
		cmocka_unit_test(all_is_counted_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
