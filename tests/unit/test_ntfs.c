/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fs_sample.h"

#include <sys/types.h>
#include <time.h>

#include <ntfs-3g/volume.h>

#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/security.h>

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

/* A volume that has what Windows' has, made by libntfs-3g itself: descriptors, links, short names,
 * reparse points, compressed data. */
struct maker {
	ntfs_volume *volume;
	uint32_t tight; /* id of a descriptor that passes nothing on */
};

static ntfs_inode *walk(struct maker *m, const char *path)
{
	ntfs_inode *ni = ntfs_pathname_to_inode(m->volume, NULL, path);

	if (!ni)
		fail_msg("no %s", path);
	return ni;
}

/* Descriptors of [MS-DTYP] 2.4.6: owner and group SYSTEM, who may do everything, and users who may
 * read. */
static void descriptor(char *out, uint8_t flags)
{
	static const char sids[] = "\1\1\0\0\0\0\0\5\x12\0\0\0\1\1\0\0\0\0\0\5\x12\0\0\0";
	static const char aces[] = "\2\0\x34\0\2\0\0\0"
				   "\0\0\x14\0\xff\1\x1f\0\1\1\0\0\0\0\0\5\x12\0\0\0"
				   "\0\0\x18\0\xa9\0\x12\0\1\2\0\0\0\0\0\5\x20\0\0\0\x21\2\0\0";
	static const char head[] = "\1\0\4\x80\x14\0\0\0\x20\0\0\0\0\0\0\0\x2c\0\0\0";

	memcpy(out, head, 20);
	memcpy(out + 20, sids, 24);
	memcpy(out + 44, aces, 52);
	out[44 + 8 + 1] = out[44 + 28 + 1] = (char)flags;
}
enum { DESCRIPTOR = 96 };

static void describe(struct maker *m, ntfs_inode *ni, uint8_t flags)
{
	struct PERMISSIONS_CACHE *none = NULL;
	struct SECURITY_CONTEXT context = { .vol = m->volume, .pseccache = &none };
	char bytes[DESCRIPTOR];

	descriptor(bytes, flags);
	assert_int_equal(ntfs_set_ntfs_acl(&context, ni, bytes, sizeof(bytes), 0), 0);
}

static ntfs_inode *make_node(struct maker *m, ntfs_inode *dir, const char *name, mode_t type)
{
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(name, &text);
	ntfs_inode *ni;

	assert_true(len > 0);
	ni = ntfs_create(dir, const_cpu_to_le32(0x100), text, (u8)len, type);
	free(text);
	assert_non_null(ni);
	describe(m, ni, type == S_IFDIR ? 3 : 0);
	return ni;
}

static void done(ntfs_inode *ni, ntfs_inode *dir)
{
	assert_int_equal(dir ? ntfs_inode_close_in_dir(ni, dir) : ntfs_inode_close(ni), 0);
}

static void plant_dir(struct maker *m, const char *parent, const char *name)
{
	ntfs_inode *dir = walk(m, parent);

	done(make_node(m, dir, name, S_IFDIR), dir);
	done(dir, NULL);
}

static void plant_file(
	struct maker *m, const char *parent, const char *name, size_t size, unsigned seed)
{
	ntfs_inode *dir = walk(m, parent), *ni = make_node(m, dir, name, S_IFREG);
	ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(a);
	assert_non_null(bytes);
	pattern(&seed, 0, bytes, size, NULL);
	assert_int_equal(ntfs_attr_pwrite(a, 0, (s64)size, bytes), size);
	assert_int_equal(ntfs_attr_pclose(a), 0);
	ntfs_attr_close(a);
	free(bytes);
	done(ni, dir);
	done(dir, NULL);
}

static void plant_short(struct maker *m, const char *parent, const char *path, const char *name)
{
	/* A directory that is open must not be walked through. */
	ntfs_inode *ni = walk(m, path), *dir = walk(m, parent);

	/* Closes both. */
	assert_int_equal(ntfs_set_ntfs_dos_name(ni, dir, name, strlen(name), 0), 0);
}

static void plant_link(struct maker *m, const char *path, const char *parent, const char *name)
{
	ntfs_inode *ni = walk(m, path), *dir = walk(m, parent);
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(name, &text);

	assert_int_equal(ntfs_link(ni, dir, text, (u8)len), 0);
	free(text);
	done(ni, NULL);
	done(dir, NULL);
}

static void plant_reparse(struct maker *m, const char *path, const void *bytes, size_t len)
{
	ntfs_inode *ni = walk(m, path);

	assert_int_equal(ntfs_set_ntfs_reparse_data(ni, bytes, len, 0), 0);
	done(ni, NULL);
}

/* [MS-FSCC] 2.1.2.4 and 2.1.2.5, with the target as substitute name alone. */
static void plant_target(
	struct maker *m, const char *path, bool junction, const char *target, uint8_t relative)
{
	uint8_t bytes[400] = { junction ? 3 : 12, 0, 0, 0xa0 };
	size_t len = strlen(target), at = junction ? 16 : 20;

	for (size_t i = 0; i < len; i++)
		bytes[at + 2 * i] = (uint8_t)target[i];
	bytes[4] = (uint8_t)(at - 8 + 2 * len + 4);
	bytes[10] = bytes[12] = (uint8_t)(2 * len);
	if (!junction)
		bytes[16] = relative;
	else
		bytes[12] += 2;
	plant_reparse(m, path, bytes, at + 2 * len + 4);
}

static void plant_flags(struct maker *m, const char *path, uint32_t flags)
{
	ntfs_inode *ni = walk(m, path);

	ni->flags |= cpu_to_le32(flags);
	ntfs_inode_mark_dirty(ni);
	NInoFileNameSetDirty(ni);
	done(ni, NULL);
}

static void plant(const char *options, unsigned mib)
{
	static const uint8_t wof[] = { 0x17, 0, 0, 0x80, 16, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0,
		0, 0, 0, 0, 0, 0 };
	static const uint8_t dedup[] = { 0x13, 0, 0, 0x80, 4, 0, 0, 0, 1, 2, 3, 4 };
	struct maker m = { 0 };

	make(options, mib);
	ntfs_log_set_handler(ntfs_log_handler_null);
	m.volume = ntfs_mount(image, 0);
	assert_non_null(m.volume);
	plant_dir(&m, "/", "Windows");
	plant_dir(&m, "/Windows", "System32");
	plant_dir(&m, "/Windows/System32", "config");
	plant_dir(&m, "/Windows", "WinSxS");
	plant_dir(&m, "/", "Program Files");
	plant_dir(&m, "/", "Users");
	plant_dir(&m, "/", "Documents and Settings");
	plant_dir(&m, "/", "Data");
	plant_dir(&m, "/", "closed");
	plant_short(&m, "/", "/Program Files", "PROGRA~1");
	plant_file(&m, "/Windows/System32/config", "SYSTEM", 300000, 1);
	plant_file(&m, "/Windows/System32/config", "A long name of a hive", 300000, 2);
	plant_short(&m, "/Windows/System32/config",
		"/Windows/System32/config/A long name of a hive", "ALONGN~1");
	plant_file(&m, "/Windows/System32", "disk.sys", 70000, 3);
	plant_link(&m, "/Windows/System32/disk.sys", "/Windows/WinSxS", "disk of a package.sys");
	plant_file(&m, "/Windows/System32", "linked.txt", 5, 4);
	plant_target(&m, "/Documents and Settings", true, "\\??\\C:\\Users", 0);
	plant_target(&m, "/Data", true, "\\??\\Volume{01234567-89ab-cdef-0123-456789abcdef}\\", 0);
	plant_file(&m, "/Windows", "link", 0, 0);
	plant_target(&m, "/Windows/link", false, "System32\\linked.txt", 1);
	plant_file(&m, "/Windows/System32", "rooted", 0, 0);
	plant_target(&m, "/Windows/System32/rooted", false, "\\Windows\\System32\\linked.txt", 1);
	plant_file(&m, "/Windows/System32", "packed.dll", 9000, 5);
	plant_reparse(&m, "/Windows/System32/packed.dll", wof, sizeof(wof));
	plant_file(&m, "/Windows/System32", "deduplicated.dll", 9000, 5);
	plant_reparse(&m, "/Windows/System32/deduplicated.dll", dedup, sizeof(dedup));
	plant_file(&m, "/Windows/System32", "secret.dll", 9000, 5);
	plant_flags(&m, "/Windows/System32/secret.dll", 0x4000);
	plant_dir(&m, "/", "compressed");
	plant_flags(&m, "/compressed", 0x800);
	plant_file(&m, "/compressed", "file", 500000, 6);
	plant_file(&m, "/compressed", "hive", 500000, 7);
	{
		ntfs_inode *ni = walk(&m, "/closed");

		describe(&m, ni, 0);
		done(ni, NULL);
	}
	assert_int_equal(ntfs_umount(m.volume, FALSE), 0);
}

static void expect_target(struct fs *fs, const char *path, const char *target)
{
	struct buffer text = { 0 };
	struct error e = { 0 };

	assert_int_equal(fs->ops->readlink(fs, node_at(fs, path), &text, &e), 0);
	assert_string_equal(buffer_text(&text), target);
	buffer_free(&text);
}

static void expect_unread(struct fs *fs, const char *path, const char *why)
{
	struct error e = { 0 };
	char byte;

	assert_int_equal(fs->ops->read(fs, node_at(fs, path), 0, &byte, 1, &e), -ERR_UNSUPPORTED);
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
	expect_unread(o.fs, "Windows/System32/packed.dll", "Compact OS");
	expect_unread(o.fs, "Windows/System32/deduplicated.dll", "Deduplication");
	expect_unread(o.fs, "Windows/System32/secret.dll", "EFS");
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
		cmocka_unit_test(edits_give_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
