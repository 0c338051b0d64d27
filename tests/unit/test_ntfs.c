/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fs_sample.h"

#include "fs/tree.h"

enum { MIB = 1 << 20, SINCE = 1700000000 };

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make() || setenv("LC_ALL", "C.UTF-8", 1) || setenv("TZ", "UTC", 1))
		return -1;
	tools = !run("PATH=$PATH:/usr/sbin:/sbin; for i in mkntfs ntfscp ntfscat ntfsls ntfsfix "
		     "ntfsinfo wimlib-imagex; do command -v $i || exit 1; done");
	if (!tools)
		print_message("skipped: no ntfs-3g or no wimtools\n");
	return 0;
}

struct opened {
	struct disk *disk;
	struct fs *fs;
};

static int try_open_with(struct opened *o, const struct fs_options *options, struct error *e)
{
	*o = (struct opened){ .disk = disk_load(image, 0) };
	return fs_open_with(o->disk, options, &o->fs, e);
}

static int try_open(struct opened *o, bool write, struct error *e)
{
	const struct fs_options options = { .write = write };

	return try_open_with(o, &options, e);
}

static void open_image(struct opened *o, bool write)
{
	struct error e = { 0 };

	if (try_open(o, write, &e))
		fail_msg("%s", e.text);
}

static void close_image(struct opened *o)
{
	fs_close(o->fs);
	disk_close(o->disk);
}

/* Writes everything back to the file, and closes. */
static void save(struct opened *o)
{
	struct error e = { 0 };

	if (fs_sync(o->fs, &e))
		fail_msg("%s", e.text);
	disk_save(o->disk, image);
	close_image(o);
}

static int try_put(struct fs *fs, const char *dir, const char *name, uint64_t size, unsigned seed,
	struct error *e)
{
	struct fs_put p = { .mode = S_IFREG | 0640,
		.mtime = SINCE,
		.size = size,
		.read = pattern,
		.read_arg = &seed };

	return fs->ops->put(fs, node_at(fs, dir), name, &p, e);
}

static void put(struct fs *fs, const char *dir, const char *name, uint64_t size, unsigned seed)
{
	struct error e = { 0 };

	if (try_put(fs, dir, name, size, seed, &e))
		fail_msg("%s: %s", name, e.text);
}

static int try_remove(struct fs *fs, const char *dir, const char *name)
{
	struct error e = { 0 };

	return fs->ops->remove(fs, node_at(fs, dir), name, &e);
}

static int make_dir(struct fs *fs, const char *dir, const char *name)
{
	struct fs_put p = { .mode = S_IFDIR | 0755, .mtime = SINCE };
	struct error e = { 0 };

	return fs->ops->put(fs, node_at(fs, dir), name, &p, &e);
}

static void expect_content(struct fs *fs, const char *path, uint64_t size, unsigned seed)
{
	uint64_t node = node_at(fs, path);
	struct fs_stat st;
	struct error e = { 0 };

	assert_int_equal(fs->ops->stat(fs, node, &st, &e), 0);
	assert_int_equal(st.size, size);
	assert_int_equal(st.mode, S_IFREG | 0644);
	expect_pattern(fs, node, size, seed);
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

static void make(const char *options, unsigned mib)
{
	if (run("PATH=$PATH:/usr/sbin:/sbin; rm -f image; truncate -s %uM image; "
		"mkntfs -F -Q -q -L TESTING %s image",
		    mib, options))
		fail_msg("mkntfs %s", options);
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

static uint64_t free_of(struct fs *fs)
{
	uint64_t bytes = 0;
	struct error e = { 0 };

	assert_int_equal(fs->ops->free_bytes(fs, &bytes, &e), 0);
	return bytes;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(edits_give_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
