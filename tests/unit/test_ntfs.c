/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fs_edit_sample.h"

#include "fs/tree.h"
#include "tests/unit/ntfs_sample.h"

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make() || setenv("LC_ALL", "C.UTF-8", 1) || setenv("TZ", "UTC", 1))
		return -1;
	tools = !run("PATH=$PATH:/usr/sbin:/sbin; for i in mkntfs ntfscp ntfscat ntfsls ntfsfix "
		     "ntfsinfo ntfssecaudit wimlib-imagex; do command -v $i || exit 1; done");
	if (!tools)
		print_message("skipped: no ntfs-3g or no wimtools\n");
	return 0;
}

static int try_open_with(struct opened *o, const struct fs_options *options, struct error *e)
{
	*o = (struct opened){ .disk = disk_load(image, 0) };
	return fs_open_with(o->disk, options, &o->fs, e);
}

static void write_host(const char *name, uint64_t size, unsigned seed)
{
	char path[600];
	uint8_t *bytes = malloc(size + 1);
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_non_null(bytes);
	pattern(&seed, 0, bytes, size, NULL);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	free(bytes);
}

static void check(void)
{
	expect_run("ntfsfix -n image && ntfsinfo -m image && "
		   "! grep -qiE 'corrupt|mismatch|fail|bad|error' log");
}

static const char *const long_names[] = {
	"a long name with spaces.txt",
	"Mixed.Case",
	".hidden",
	"two.dots.conf",
	"plus+equals=[1].tar.gz",
	"\xc3\x84rger mit \xc3\x9cmlauten.sys",
	"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
	"\xf0\x9f\x90\xa7 penguin",
	"console.txt",
	"COM10",
	"a&b$c~1.{8f2}",
};
enum { LONG_NAMES = sizeof(long_names) / sizeof(*long_names) };

static void longest_name(char *out)
{
	memset(out, 'n', 251);
	memcpy(out + 251, ".sys", 5);
}

/* What an injection does, and more. */
static void edit(struct fs *fs)
{
	char longest[256];

	assert_int_equal(make_dir(fs, "", "Windows"), 0);
	assert_int_equal(make_dir(fs, "windows", "System32"), 0);
	assert_int_equal(make_dir(fs, "Windows", "SYSTEM32"), -ERR_EXISTS);
	put(fs, "Windows/SYSTEM32", "storvsc.sys", 300000, 1);
	put(fs, "Windows/System32", "STORVSC.SYS", 200001, 2);
	put(fs, "Windows/System32", "empty", 0, 0);
	put(fs, "Windows/System32", "was-empty", 0, 0);
	put(fs, "Windows/System32", "was-empty", 77, 5);
	put(fs, "Windows/System32", "becomes-empty", 77777, 5);
	put(fs, "Windows/System32", "becomes-empty", 0, 5);
	put(fs, "Windows/System32", "large", 3 * MIB + 5, 8);
	put(fs, "Windows/System32", "large", 2 * MIB + 7, 9);
	for (unsigned i = 0; i < LONG_NAMES; i++)
		put(fs, "", long_names[i], 300 + i * 600, i);
	longest_name(longest);
	put(fs, "Windows", longest, 9, 9);
	assert_int_equal(make_dir(fs, "Windows", "many"), 0);
	for (unsigned i = 0; i < 300; i++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "One of many names %u.inf", i);
		put(fs, "Windows/many", name, i % 3, i);
		if (i % 2)
			assert_int_equal(try_remove(fs, "Windows/many", name), 0);
	}
	assert_int_equal(make_dir(fs, "Windows", "gone"), 0);
	assert_int_equal(try_remove(fs, "Windows", "many"), -ERR_REFUSED);
	assert_int_equal(try_remove(fs, "Windows", "GONE"), 0);
	assert_int_equal(try_remove(fs, "Windows", "gone"), -ERR_NOTFOUND);
}

static void expect_edited(struct fs *fs)
{
	char longest[300] = "Windows/";
	uint64_t node;

	expect_content(fs, "Windows/System32/storvsc.sys", 200001, 2);
	expect_content(fs, "WINDOWS/system32/StorVsc.sys", 200001, 2);
	expect_content(fs, "Windows/System32/empty", 0, 0);
	expect_content(fs, "Windows/System32/was-empty", 77, 5);
	expect_content(fs, "Windows/System32/becomes-empty", 0, 0);
	expect_content(fs, "Windows/System32/large", 2 * MIB + 7, 9);
	for (unsigned i = 0; i < LONG_NAMES; i++)
		expect_content(fs, long_names[i], 300 + i * 600, i);
	expect_content(fs, "\xc3\xa4RGER MIT \xc3\xbcMLAUTEN.SYS", 300 + 5 * 600, 5);
	longest_name(longest + 8);
	expect_content(fs, longest, 9, 9);
	expect_content(fs, "Windows/many/One of many names 298.inf", 298 % 3, 298);
	assert_int_equal(
		node_find(fs, "Windows/many/One of many names 297.inf", &node), -ERR_NOTFOUND);
	assert_int_equal(node_find(fs, "Windows/gone", &node), -ERR_NOTFOUND);
	assert_int_equal(node_find(fs, "$MFT", &node), -ERR_NOTFOUND);
}

/* The same, as others read it: wimlib takes the whole volume out. */
static void expect_extracted(void)
{
	char name[600], longest[256];

	expect_run("rm -rf got want; mkdir -p got want/Windows/System32 want/Windows/many; "
		   "wimlib-imagex capture image out.wim --compress=none && "
		   "wimlib-imagex apply out.wim 1 got");
	for (unsigned i = 0; i < LONG_NAMES; i++) {
		(void)snprintf(name, sizeof(name), "want/%s", long_names[i]);
		write_host(name, 300 + i * 600, i);
	}
	for (unsigned i = 0; i < 300; i += 2) {
		(void)snprintf(name, sizeof(name), "want/Windows/many/One of many names %u.inf", i);
		write_host(name, i % 3, i);
	}
	longest_name(longest);
	(void)snprintf(name, sizeof(name), "want/Windows/%s", longest);
	write_host(name, 9, 9);
	write_host("want/Windows/System32/storvsc.sys", 200001, 2);
	write_host("want/Windows/System32/was-empty", 77, 5);
	write_host("want/Windows/System32/empty", 0, 0);
	write_host("want/Windows/System32/becomes-empty", 0, 0);
	write_host("want/Windows/System32/large", 2 * MIB + 7, 9);
	expect_run("diff -r want got");
}

static const struct {
	const char *options;
	unsigned mib;
} kinds[] = {
	{ "-c 4096", 16 },
	{ "-c 512", 16 },
	{ "-c 65536", 64 },
	{ "-s 4096 -c 4096", 32 },
};

static void every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; tools && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct opened o;
		uint64_t left;

		print_message("%s\n", kinds[i].options);
		make(kinds[i].options, kinds[i].mib);
		open_image(&o, true);
		assert_string_equal(o.fs->type, "ntfs");
		assert_string_equal(o.fs->label, "TESTING");
		edit(o.fs);
		expect_edited(o.fs);
		left = free_of(o.fs);
		save(&o);
		check();
		expect_extracted();
		open_image(&o, false);
		expect_edited(o.fs);
		assert_int_equal(free_of(o.fs), left);
		assert_false(o.fs->needs_recovery);
		close_image(&o);
	}
}

static void volumes_that_windows_is_not_done_with(void **state)
{
	static const struct {
		enum state state;
		const char *why; /* NULL: it may be edited */
		bool forced; /* it may be edited with force_dirty */
	} cases[] = {
		{ FLAG_DIRTY, "chkdsk /f", true },
		{ FLAG_RESIZE, "resize", false },
		{ FLAG_UPGRADE, "upgrade", false },
		{ HIBERNATED, "powercfg /h off", false },
		{ SHORT_HIBERNATION, "powercfg /h off", false },
		{ NOT_HIBERNATED, NULL, true },
		{ LOG_UNCLEAN, "shutdown /s /t 0", true },
		{ LOG_CLEAN, NULL, true },
		{ LOG_NEW, "fast startup", false },
		{ LOG_JUNK, "shutdown /s /t 0", true },
	};

	(void)state;
	for (size_t i = 0; tools && i < sizeof(cases) / sizeof(*cases); i++) {
		struct fs_options force = { .write = true, .force_dirty = true };
		struct opened o;
		struct error e = { 0 };
		int want = cases[i].why ? -ERR_REFUSED : 0, rc;

		plant_state(cases[i].state);
		expect_run("cp image start");
		rc = try_open(&o, true, &e);
		if (rc != want || (rc && !strstr(e.text, cases[i].why)))
			fail_msg("%zu: %d, %s", i, rc, e.text);
		close_image(&o);
		open_image(&o, false);
		assert_int_equal(o.fs->needs_recovery, cases[i].why != NULL);
		assert_int_equal(
			fs_check_write(o.disk, &force, &e), cases[i].forced ? 0 : -ERR_REFUSED);
		fs_close(o.fs);
		disk_save(o.disk, image);
		disk_close(o.disk);
		expect_run("cmp image start");
		rc = try_open_with(&o, &force, &e);
		assert_int_equal(rc, cases[i].forced ? 0 : -ERR_REFUSED);
		if (!rc) {
			put(o.fs, "", "new", 10000, 1);
			save(&o);
			/* What was thrown away is for chkdsk to find. */
			expect_run("ntfsfix -n image && ntfsinfo -f -m image");
			assert_int_equal(run("ntfsinfo -f -m image | grep -q 'Flags.*DIRTY'") == 0,
				cases[i].why != NULL);
			open_image(&o, false);
			expect_content(o.fs, "new", 10000, 1);
		}
		close_image(&o);
	}
}

/* Long lists, of which no two are alike, fill more than one block of $Secure. */
static void many_descriptors(void **state)
{
	enum { DIRS = 12, ENTRIES = 2500, HEAD = 44, SIZE = HEAD + 8 + ENTRIES * 24 };
	static char bytes[SIZE];
	struct PERMISSIONS_CACHE *none = NULL;
	struct maker m = { 0 };
	struct opened o;
	char name[32];

	(void)state;
	if (!tools)
		return;
	make("-c 4096", 32);
	m.volume = ntfs_mount(image, 0);
	assert_non_null(m.volume);
	for (unsigned i = 0; i < DIRS; i++) {
		struct SECURITY_CONTEXT context = { .vol = m.volume, .pseccache = &none };
		ntfs_inode *ni;

		(void)snprintf(name, sizeof(name), "/dir%u", i);
		plant_dir(&m, "/", name + 1);
		descriptor(bytes, 0);
		bytes[HEAD + 2] = (char)(SIZE - HEAD);
		bytes[HEAD + 3] = (char)((SIZE - HEAD) >> 8);
		bytes[HEAD + 4] = (char)ENTRIES;
		bytes[HEAD + 5] = (char)(ENTRIES >> 8);
		for (unsigned k = 0; k < ENTRIES; k++) {
			char *ace = bytes + HEAD + 8 + k * 24;

			memcpy(ace, "\0\3\x18\0\xa9\0\x12\0\1\2\0\0\0\0\0\5\x20\0\0\0", 20);
			ace[20] = (char)k;
			ace[21] = (char)(k >> 8);
			ace[22] = (char)i;
		}
		ni = walk(&m, name);
		assert_int_equal(ntfs_set_ntfs_acl(&context, ni, bytes, SIZE, 0), 0);
		done(ni, NULL);
	}
	assert_int_equal(ntfs_umount(m.volume, FALSE), 0);
	open_image(&o, true);
	for (unsigned i = 0; i < DIRS; i++) {
		(void)snprintf(name, sizeof(name), "dir%u", i);
		put(o.fs, name, "file", 100, i);
		put(o.fs, name, "another", 100, i);
		assert_int_equal(make_dir(o.fs, name, "sub"), 0);
	}
	save(&o);
	check();
	expect_run("ntfssecaudit -a image >audit && grep 'No errors were found' audit && "
		   "grep -E '(3[0-9]|4[0-9]) valid entries in .SDH' audit");
}

/* Names and sizes as they should be after any sequence of edits. */
enum { MODEL = 60 };
struct model {
	bool there;
	unsigned seed;
	uint64_t size;
};
static const char *const model_dirs[] = { "", "sub", "sub/deeper" };

static void random_edits(struct fs *fs, struct model *m, uint64_t *state, unsigned steps)
{
	while (steps--) {
		unsigned i;
		char name[80];

		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		i = (unsigned)(*state >> 33) % MODEL;
		model_name(i, name, sizeof(name));
		if (m[i].there && (*state >> 60) % 3 == 0) {
			assert_int_equal(try_remove(fs, model_dirs[i % 3], name), 0);
			m[i].there = false;
			continue;
		}
		/* Many small ones, which stay in their record. */
		m[i] = (struct model){ true, steps,
			(*state >> 58) % 2 ? (*state >> 40) % 900 : (*state >> 40) % 90000 };
		put(fs, model_dirs[i % 3], name, m[i].size, m[i].seed);
	}
}

static void model_extract(const struct model *m)
{
	expect_run("rm -rf got want; mkdir -p got want/sub/deeper; "
		   "wimlib-imagex capture image out.wim --compress=none && "
		   "wimlib-imagex apply out.wim 1 got");
	for (unsigned i = 0; i < MODEL; i++) {
		char path[200], name[80];

		model_name(i, name, sizeof(name));
		(void)snprintf(path, sizeof(path), "want/%s/%s", model_dirs[i % 3], name);
		if (m[i].there)
			write_host(path, m[i].size, m[i].seed);
	}
	expect_run("diff -r want got");
}

static void random_edits_are_what_others_read(void **state)
{
	(void)state;
	for (size_t i = 0; tools && i < 2; i++) {
		struct model m[MODEL] = { 0 };
		uint64_t seed = i + 1;
		struct opened o;

		make(kinds[i].options, kinds[i].mib);
		open_image(&o, true);
		assert_int_equal(make_dir(o.fs, "", "sub"), 0);
		assert_int_equal(make_dir(o.fs, "sub", "deeper"), 0);
		for (int round = 0; round < 2; round++) {
			random_edits(o.fs, m, &seed, 250);
			save(&o);
			check();
			model_extract(m);
			open_image(&o, true);
		}
		close_image(&o);
	}
}

static void names_and_kinds_that_windows_lacks(void **state)
{
	static const char *const bad[] = { "a/b", "a:b", "what?", "st*r", "end.", "end ", "\"",
		"a\\b", "\x01", "\xff", "<", "|", "", "con", "NUL.txt", "com1", "Lpt9.x",
		"COM\xc2\xb2", "aux .c", "..", "CONIN$" };
	struct fs_put link = { .mode = S_IFLNK | 0777, .target = "x" };
	struct opened o;
	struct error e = { 0 };
	char longer[300];

	(void)state;
	if (!tools)
		return;
	make("-c 4096", 16);
	open_image(&o, true);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (try_put(o.fs, "", bad[i], 1, 1, &e) != -ERR_USAGE)
			fail_msg("%s", bad[i]);
	memset(longer, 'x', 256);
	longer[256] = '\0';
	assert_int_equal(try_put(o.fs, "", longer, 1, 1, &e), -ERR_USAGE);
	assert_int_equal(o.fs->ops->put(o.fs, o.fs->root, "link", &link, &e), -ERR_UNSUPPORTED);
	assert_int_equal(try_put(o.fs, "", "$Boot", 1, 1, &e), -ERR_REFUSED);
	assert_int_equal(try_remove(o.fs, "", "$logfile"), -ERR_REFUSED);
	put(o.fs, "", "x", 1, 1);
	close_image(&o);
	open_image(&o, false);
	assert_int_equal(try_put(o.fs, "", "x", 1, 1, &e), -ERR_REFUSED);
	close_image(&o);
}

static void a_full_volume_stays_whole(void **state)
{
	struct opened o;
	struct error e = { 0 };
	unsigned count = 0;
	char name[64];

	(void)state;
	if (!tools)
		return;
	make("-c 512", 6);
	open_image(&o, true);
	assert_int_equal(try_put(o.fs, "", "large", 8 * MIB, 1, &e), -ERR_RANGE);
	assert_int_equal(make_dir(o.fs, "", "dir"), 0);
	for (;; count++) {
		(void)snprintf(name, sizeof(name), "file that fills %u", count);
		if (try_put(o.fs, "dir", name, 9000, count, &e))
			break;
	}
	assert_int_equal(e.code, ERR_RANGE);
	assert_true(count > 50);
	assert_int_equal(try_remove(o.fs, "dir", "FILE THAT FILLS 7"), 0);
	put(o.fs, "dir", "file that fills 7", 8000, 7);
	save(&o);
	check();
	open_image(&o, false);
	expect_content(o.fs, "dir/file that fills 7", 8000, 7);
	expect_content(o.fs, "dir/file that fills 8", 9000, 8);
	close_image(&o);
}

/* Paths of a guest are the directories' own spelling, whatever was asked for. */
static void trees_know_no_case(void **state)
{
	struct tree_put p = { .mtime = SINCE, .why = "test" };
	struct journal journal = { 0 };
	struct buffer text = { 0 };
	struct opened o;
	struct error e = { 0 };
	struct tree *t;

	(void)state;
	if (!tools)
		return;
	plant("-c 4096", 32);
	open_image(&o, true);
	assert_int_equal(tree_open(o.fs, "p2", &journal, &t, &e), 0);
	assert_int_equal(tree_resolve(t, "/WINDOWS/system32/CONFIG/alongn~1", &text, &e), 0);
	assert_string_equal(buffer_text(&text), "/Windows/System32/config/A long name of a hive");
	text.len = 0;
	assert_int_equal(tree_resolve(t, "/windows/LINK", &text, &e), 0);
	assert_string_equal(buffer_text(&text), "/Windows/System32/linked.txt");
	text.len = 0;
	assert_int_equal(tree_put_bytes(t, "/documents and SETTINGS/New.txt", "1", 1, &p, &e), 0);
	assert_int_equal(tree_put_bytes(t, "/WINDOWS/SYSTEM32/DISK.SYS", "2", 1, &p, &e), 0);
	assert_int_equal(tree_put_bytes(t, "/windows/system32/disk.sys", "2", 1, &p, &e), 0);
	assert_int_equal(tree_put_bytes(t, "/windows/INF/new.inf", "3", 1, &p, &e), 0);
	assert_int_equal(tree_remove(t, "/windows/inf/NEW.INF", "test", &e), 0);
	assert_int_equal(tree_put_bytes(t, "/data/x", "3", 1, &p, &e), -ERR_UNSUPPORTED);
	assert_true(tree_is(t, "/progra~1", S_IFDIR));
	assert_int_equal(journal.count, 3);
	assert_string_equal(journal.edit[0].path, "/Users/New.txt");
	assert_string_equal(journal.edit[1].path, "/Windows/System32/disk.sys");
	assert_string_equal(journal.edit[2].path, "/Windows/INF");
	tree_close(t);
	journal_free(&journal);
	buffer_free(&text);
	save(&o);
	check();
}

/* Numbers that the library would shift by, allocate or follow. */
static void damaged_volumes_are_refused(void **state)
{
	static const struct {
		uint64_t at; /* in the boot sector, or with `record` in that file record */
		int record; /* -1: the boot sector */
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{ 11, -1, "\3\2", 2, "sectors of" },
		{ 11, -1, "\0\200", 2, "sectors of" },
		{ 13, -1, "\0", 1, "clusters of" },
		{ 13, -1, "\3", 1, "clusters of" },
		{ 13, -1, "\340", 1, "clusters of" },
		{ 40, -1, "\377\377\377\377\377\377\377\177", 8, "cut off" },
		{ 41, -1, "\377", 1, "cut off" },
		{ 40, -1, "\0\0\0\0\0\0\0\0", 8, "cut off" },
		{ 48, -1, "\377\377\377", 3, "master file table" },
		{ 63, -1, "\200", 1, "master file table" },
		{ 64, -1, "\0", 1, "file records" },
		{ 64, -1, "\200", 1, "file records" },
		{ 64, -1, "\1", 1, "can't be read" },
		{ 68, -1, "\340", 1, "index records" },
		{ 0, 0, "BAAD", 4, "can't be read" },
		{ 0, 5, "BAAD", 4, "root directory" },
		{ 0, 6, "BAAD", 4, "$Bitmap" },
		{ 0, 10, "JUNK", 4, "$UpCase" },
		{ 20, 0, "\377\377", 2, "can't be read" },
	};

	(void)state;
	if (!tools)
		return;
	make("-c 4096", 16);
	expect_run("cp image start");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct opened o;
		struct error e = { 0 };
		uint64_t at = cases[i].at;
		int rc;

		expect_run("cp start image");
		if (cases[i].record >= 0)
			at += 4 * 4096 + (uint64_t)cases[i].record * 1024;
		o.disk = disk_load(image, 0);
		assert_int_equal(disk_write(o.disk, at, cases[i].bytes, cases[i].len, &e), 0);
		rc = fs_open(o.disk, false, &o.fs, &e);
		/* Some make it no NTFS at all. */
		if (rc != -ERR_UNSUPPORTED && (rc != -ERR_CORRUPT || !strstr(e.text, cases[i].why)))
			fail_msg("%zu: %d, %s", i, rc, e.text);
		disk_close(o.disk);
	}
	expect_run("cp start image; truncate -s 9M image");
	{
		struct opened o;
		struct error e = { 0 };

		assert_int_equal(try_open(&o, false, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "cut off"));
		disk_close(o.disk);
	}
}

/* A disk of which a read fails. */
struct failing {
	struct disk disk;
	struct disk *below;
	unsigned left; /* reads that are answered */
};

static int failing_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *e)
{
	struct failing *f = (struct failing *)d;

	if (!f->left)
		return error_set(e, ERR_IO, "a read that failed");
	f->left--;
	return disk_read(f->below, off, buf, len, e);
}

static int failing_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *e)
{
	return disk_write(((struct failing *)d)->below, off, buf, len, e);
}

static const struct disk_ops failing_ops = { .read = failing_read, .write = failing_write };

static int use(struct disk *d, struct error *e)
{
	const struct fs_options options = { .write = true };
	struct tree_put p = { .mtime = SINCE };
	struct strings names = { 0 };
	struct buffer text = { 0 };
	struct tree *t = NULL;
	struct fs *fs = NULL;
	int rc = fs_open_with(d, &options, &fs, e);

	if (!rc)
		rc = tree_open(fs, "p1", NULL, &t, e);
	if (!rc)
		rc = tree_list(t, "/windows/system32/config", &names, e);
	if (!rc)
		rc = tree_read(t, "/compressed/file", MIB, &text, e);
	if (!rc)
		rc = tree_put_bytes(t, "/windows/system32/new.txt", "new", 3, &p, e);
	if (!rc)
		rc = tree_put_bytes(t, "/windows/system32/disk.sys", "new", 3, &p, e);
	if (!rc)
		rc = tree_remove(t, "/windows/system32/linked.txt", "test", e);
	if (!rc)
		rc = fs_sync(fs, e);
	tree_close(t);
	fs_close(fs);
	strings_free(&names);
	buffer_free(&text);
	return rc;
}

static void failed_reads_are_told(void **state)
{
	unsigned left = 0;
	int rc = -1;

	(void)state;
	if (!tools)
		return;
	plant("-c 4096", 16);
	for (; rc; left++) {
		struct disk *d = disk_load(image, 0);
		struct failing f = { .below = d, .left = left };
		struct error e = { 0 };

		f.disk = (struct disk){
			.ops = &failing_ops, .size = d->size, .logical_sector = 512
		};
		rc = use(&f.disk, &e);
		if (rc && (e.code != ERR_IO || !strstr(e.text, "a read that failed")))
			fail_msg("%u reads: %d, %s", left, rc, e.text);
		disk_close(d);
	}
	assert_in_range(left, 50, 1000);
}

/* The clock is in nothing that is written. */
static void edits_give_the_same_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; tools && i < 2; i++) {
		make(kinds[i].options, kinds[i].mib);
		expect_run("cp image start");
		for (int round = 0; round < 2; round++) {
			struct opened o;

			expect_run("cp start image");
			open_image(&o, true);
			edit(o.fs);
			save(&o);
			expect_run(round ? "cmp image first" : "mv image first");
		}
	}
}

static void expect_target(struct fs *fs, const char *path, const char *target)
{
	struct buffer text = { 0 };
	struct error e = { 0 };

	assert_int_equal(fs->ops->readlink(fs, node_at(fs, path), &text, &e), 0);
	assert_string_equal(buffer_text(&text), target);
	buffer_free(&text);
}

static void expect_unread(struct fs *fs, const char *path, int code, const char *why)
{
	struct error e = { 0 };
	char byte;

	assert_int_equal(fs->ops->read(fs, node_at(fs, path), 0, &byte, 1, &e), -code);
	if (!strstr(e.text, why))
		fail_msg("%s: %s", path, e.text);
}

static struct fs_stat stat_of(struct fs *fs, const char *path)
{
	struct error e = { 0 };
	struct fs_stat st;

	if (fs->ops->stat(fs, node_at(fs, path), &st, &e))
		fail_msg("%s: %s", path, e.text);
	return st;
}

static void what_windows_has_is_read(void **state)
{
	struct buffer text = { 0 };
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	plant("-c 4096", 32);
	open_image(&o, false);
	expect_content(o.fs, "Windows/System32/config/system", 300000, 1);
	expect_content(o.fs, "Windows/System32/config/alongn~1", 300000, 2);
	expect_content(o.fs, "compressed/file", 500000, 6);
	assert_int_equal(stat_of(o.fs, "Windows/System32/config/ALONGN~1").links, 1);
	assert_int_equal(stat_of(o.fs, "Windows/WinSxS/disk of a package.sys").links, 2);
	assert_int_equal(stat_of(o.fs, "progra~1").mode, S_IFDIR | 0755);
	assert_int_equal(stat_of(o.fs, "Windows/link").mode, S_IFLNK | 0777);
	assert_int_equal(stat_of(o.fs, "Windows/System32/packed.dll").mode, S_IFREG | 0644);
	expect_target(o.fs, "Documents and Settings", "/Users");
	expect_target(o.fs, "Windows/link", "System32/linked.txt");
	expect_target(o.fs, "Windows/System32/rooted", "/Windows/System32/linked.txt");
	assert_int_equal(
		o.fs->ops->readlink(o.fs, node_at(o.fs, "Data"), &text, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "another volume"));
	buffer_free(&text);
	expect_unread(o.fs, "Windows/System32/packed.dll", ERR_CORRUPT, "Compact OS");
	expect_unread(o.fs, "Windows/System32/deduplicated.dll", ERR_UNSUPPORTED, "Deduplication");
	expect_unread(o.fs, "Windows/System32/secret.dll", ERR_UNSUPPORTED, "EFS");
	close_image(&o);
}

static int count_names(void *arg, const char *name, uint64_t node)
{
	unsigned *count = arg;

	(void)node;
	if (strchr(name, '~') || strchr(name, '$'))
		fail_msg("%s is listed", name);
	++*count;
	return 0;
}

/* Records, other links, short names and descriptors stay where they are to stay. */
static void replacing_keeps_what_it_has_to(void **state)
{
	struct fs_stat hive, packed, link, other;
	struct opened o;
	struct error e = { 0 };
	unsigned count = 0;

	(void)state;
	if (!tools)
		return;
	plant("-c 4096", 32);
	open_image(&o, true);
	hive = stat_of(o.fs, "Windows/System32/config/A long name of a hive");
	packed = stat_of(o.fs, "compressed/hive");
	link = stat_of(o.fs, "Windows/WinSxS/disk of a package.sys");
	put(o.fs, "Windows/System32/config", "ALONGN~1", 400000, 12);
	put(o.fs, "compressed", "HIVE", 600001, 17);
	put(o.fs, "Windows/System32", "disk.sys", 80000, 13);
	put(o.fs, "Windows/System32", "packed.dll", 8000, 15);
	put(o.fs, "compressed", "new", 100000, 18);
	assert_int_equal(
		try_put(o.fs, "Windows/System32", "deduplicated.dll", 1, 1, &e), -ERR_UNSUPPORTED);
	assert_int_equal(
		try_put(o.fs, "Windows/System32", "secret.dll", 1, 1, &e), -ERR_UNSUPPORTED);
	assert_int_equal(try_remove(o.fs, "", "documents and settings"), 0);
	save(&o);
	check();
	open_image(&o, false);
	expect_content(o.fs, "Windows/System32/config/A long name of a hive", 400000, 12);
	expect_content(o.fs, "Windows/System32/config/ALONGN~1", 400000, 12);
	expect_content(o.fs, "compressed/hive", 600001, 17);
	expect_content(o.fs, "compressed/new", 100000, 18);
	expect_content(o.fs, "Windows/System32/disk.sys", 80000, 13);
	expect_content(o.fs, "Windows/System32/packed.dll", 8000, 15);
	expect_content(o.fs, "Windows/WinSxS/disk of a package.sys", 70000, 3);
	assert_int_equal(stat_of(o.fs, "Windows/System32/config/ALONGN~1").node, hive.node);
	assert_int_equal(stat_of(o.fs, "compressed/hive").node, packed.node);
	other = stat_of(o.fs, "Windows/WinSxS/disk of a package.sys");
	assert_int_equal(other.node, link.node);
	assert_int_equal(other.links, 1);
	assert_int_equal(other.mtime, link.mtime);
	assert_int_not_equal(stat_of(o.fs, "Windows/System32/disk.sys").node, link.node);
	assert_int_equal(o.fs->ops->list(o.fs, node_at(o.fs, "Windows/System32/config"),
				 count_names, &count, &e),
		0);
	assert_int_equal(count, 2);
	assert_int_equal(o.fs->ops->list(o.fs, o.fs->root, count_names, &count, &e), 0);
	assert_int_equal(count, 8);
	close_image(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(what_windows_has_is_read),
		cmocka_unit_test(replacing_keeps_what_it_has_to),
		cmocka_unit_test(volumes_that_windows_is_not_done_with),
		cmocka_unit_test(many_descriptors),
		cmocka_unit_test(random_edits_are_what_others_read),
		cmocka_unit_test(names_and_kinds_that_windows_lacks),
		cmocka_unit_test(a_full_volume_stays_whole),
		cmocka_unit_test(trees_know_no_case),
		cmocka_unit_test(damaged_volumes_are_refused),
		cmocka_unit_test(failed_reads_are_told),
		cmocka_unit_test(edits_give_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
