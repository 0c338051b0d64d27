/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/memory.h"
#include "fs/fs.h"

enum { MIB = 1 << 20, SINCE = 1700000000 };

static char folder[] = "/tmp/fat-XXXXXX";
static char image[64];
static bool tools;

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
	char command[1024];
	va_list args;
	int at = snprintf(command, sizeof(command),
		"export LC_ALL=C.UTF-8 TZ=UTC MTOOLS_SKIP_CHECK=1; exec >%s/log 2>&1; cd %s; ",
		folder, folder);

	va_start(args, format);
	(void)vsnprintf(command + at, sizeof(command) - (size_t)at, format, args);
	va_end(args);
	return system(command);
}

static void expect_run(const char *command)
{
	if (run("%s", command)) {
		char show[64];

		(void)snprintf(show, sizeof(show), "cat %s/log >&2", folder);
		(void)system(show);
		fail_msg("%s", command);
	}
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(image, sizeof(image), "%s/image", folder);
	tools = !run("command -v mkfs.fat && command -v fsck.fat && command -v mcopy");
	if (!tools)
		print_message("skipped: no dosfstools or no mtools\n");
	return 0;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

struct opened {
	struct disk *disk;
	struct fs *fs;
};

static int try_open(struct opened *o, bool write, struct error *e)
{
	int fd = open(image, O_RDONLY);
	struct stat st;
	uint8_t *bytes;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	assert_non_null(bytes);
	assert_int_equal(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	*o = (struct opened){ 0 };
	assert_int_equal(memory_disk_open(bytes, (size_t)st.st_size, &o->disk, e), 0);
	free(bytes);
	return fs_open(o->disk, write, &o->fs, e);
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
	disk_close(o->disk);
}

/* Writes everything back to the file, and closes. */
static void save(struct opened *o)
{
	int fd = open(image, O_WRONLY);
	uint8_t *bytes = malloc((size_t)o->disk->size);
	struct error e = { 0 };

	assert_true(fd >= 0);
	assert_non_null(bytes);
	assert_int_equal(fs_sync(o->fs, &e), 0);
	assert_int_equal(disk_read(o->disk, 0, bytes, (size_t)o->disk->size, &e), 0);
	assert_int_equal(pwrite(fd, bytes, (size_t)o->disk->size, 0), (ssize_t)o->disk->size);
	close(fd);
	free(bytes);
	close_image(o);
}

static int find(struct fs *fs, const char *path, uint64_t *node)
{
	char copy[1200], *rest = copy, *name;
	struct error e = { 0 };
	int rc = 0;

	*node = fs->root;
	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (!rc && (name = strsep(&rest, "/")))
		rc = *name ? fs->ops->lookup(fs, *node, name, node, &e) : 0;
	return rc;
}

static uint64_t node_at(struct fs *fs, const char *path)
{
	uint64_t node;

	if (find(fs, path, &node))
		fail_msg("no %s", path);
	return node;
}

/* Content that differs at every place and can be asked for anywhere. */
static int pattern(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	uint8_t *to = buf;

	(void)e;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)((off + i) * 7 + (off + i) / 4096 + *(const unsigned *)arg);
	return 0;
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
	uint8_t *got = malloc(size + 1), *want = malloc(size + 1);
	struct fs_stat st;
	struct error e = { 0 };

	assert_non_null(got);
	assert_non_null(want);
	assert_int_equal(fs->ops->stat(fs, node, &st, &e), 0);
	assert_int_equal(st.size, size);
	assert_int_equal(st.mode, S_IFREG | 0644);
	pattern(&seed, 0, want, size, &e);
	assert_int_equal(fs->ops->read(fs, node, 0, got, size, &e), 0);
	assert_memory_equal(got, want, size);
	if (size > 10000) {
		assert_int_equal(fs->ops->read(fs, node, 4001, got, 5000, &e), 0);
		assert_memory_equal(got, want + 4001, 5000);
	}
	assert_int_equal(fs->ops->read(fs, node, size, got, 1, &e), -ERR_RANGE);
	free(got);
	free(want);
}

static void write_host(const char *path, uint64_t size, unsigned seed)
{
	FILE *file = fopen(path, "w");
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(file);
	assert_non_null(bytes);
	pattern(&seed, 0, bytes, size, NULL);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	free(bytes);
}

static void make(const char *options, unsigned kib)
{
	if (run("rm -f image; truncate -s %uK image; mkfs.fat -i 12345678 -n TESTING %s image", kib,
		    options))
		fail_msg("mkfs.fat %s", options);
}

static void check(void)
{
	expect_run("fsck.fat -n -v image");
	/* It ends well, too, when it only reports. */
	expect_run("! grep -iE 'differ|wrong|bad|lost|reclaim|orphan|duplicate|dirty|not "
		   "match|auto' log");
}

static const char *const long_names[] = {
	"a long name with spaces.txt",
	"another long name with spaces.txt",
	"Mixed.Case",
	"lower.txt",
	".hidden",
	"two.dots.conf",
	"plus+equals=[1].tar.gz",
	"\xc3\x84rger mit \xc3\x9cmlauten.efi",
	"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
	"\xf0\x9f\x90\xa7 penguin",
	"exactly13char",
	"exactly-26-characters-here",
	"vmlinuz-6.1.0-37-amd64",
	"initrd.img-6.1.0-37-amd64",
};
enum { LONG_NAMES = sizeof(long_names) / sizeof(*long_names) };

static void longest_name(char *out)
{
	memset(out, 'n', 251);
	memcpy(out + 251, ".efi", 5);
}

/* What an injection does, and more. */
static void edit(struct fs *fs)
{
	char longest[256];

	assert_int_equal(make_dir(fs, "", "EFI"), 0);
	assert_int_equal(make_dir(fs, "efi", "Boot"), 0);
	assert_int_equal(make_dir(fs, "EFI", "boot"), -ERR_EXISTS);
	put(fs, "EFI/BOOT", "BOOTX64.EFI", 300000, 1);
	put(fs, "EFI/BOOT", "bootx64.efi", 200001, 2);
	put(fs, "EFI/BOOT", "empty", 0, 0);
	put(fs, "EFI/BOOT", "was-empty", 0, 0);
	put(fs, "EFI/BOOT", "was-empty", 77, 5);
	put(fs, "EFI/BOOT", "becomes-empty", 77, 5);
	put(fs, "EFI/BOOT", "becomes-empty", 0, 5);
	for (unsigned i = 0; i < LONG_NAMES; i++)
		put(fs, "", long_names[i], 1000 + i * 600, i);
	longest_name(longest);
	put(fs, "EFI", longest, 9, 9);
	assert_int_equal(make_dir(fs, "EFI", "many"), 0);
	for (unsigned i = 0; i < 300; i++) {
		char name[80];

		(void)snprintf(name, sizeof(name), "Collision of short names %u.conf", i);
		put(fs, "EFI/many", name, i % 3, i);
		if (i % 2)
			assert_int_equal(try_remove(fs, "EFI/many", name), 0);
	}
	assert_int_equal(make_dir(fs, "EFI", "gone"), 0);
	assert_int_equal(try_remove(fs, "EFI", "many"), -ERR_REFUSED);
	assert_int_equal(try_remove(fs, "EFI", "gone"), 0);
	assert_int_equal(try_remove(fs, "EFI", "gone"), -ERR_NOTFOUND);
}

static void expect_edited(struct fs *fs)
{
	char longest[260] = "EFI/";
	uint64_t node;

	expect_content(fs, "EFI/BOOT/BOOTX64.EFI", 200001, 2);
	expect_content(fs, "efi/boot/bootx64.efi", 200001, 2);
	expect_content(fs, "EFI/BOOT/empty", 0, 0);
	expect_content(fs, "EFI/BOOT/was-empty", 77, 5);
	expect_content(fs, "EFI/BOOT/becomes-empty", 0, 0);
	for (unsigned i = 0; i < LONG_NAMES; i++)
		expect_content(fs, long_names[i], 1000 + i * 600, i);
	expect_content(fs, "\xc3\xa4RGER MIT \xc3\xbcMLAUTEN.EFI", 1000 + 7 * 600, 7);
	longest_name(longest + 4);
	expect_content(fs, longest, 9, 9);
	expect_content(fs, "EFI/many/Collision of short names 298.conf", 298 % 3, 298);
	assert_int_equal(
		find(fs, "EFI/many/Collision of short names 297.conf", &node), -ERR_NOTFOUND);
	assert_int_equal(find(fs, "EFI/gone", &node), -ERR_NOTFOUND);
}

/* The same, as files of the host. */
static void expect_extracted(void)
{
	char path[600], longest[256];

	expect_run("rm -rf got want; mkdir -p got want/EFI/Boot want/EFI/many; "
		   "mcopy -s -n -Q -i image '::*' got");
	for (unsigned i = 0; i < LONG_NAMES; i++) {
		(void)snprintf(path, sizeof(path), "%s/want/%s", folder, long_names[i]);
		write_host(path, 1000 + i * 600, i);
	}
	for (unsigned i = 0; i < 300; i += 2) {
		(void)snprintf(path, sizeof(path),
			"%s/want/EFI/many/Collision of short names %u.conf", folder, i);
		write_host(path, i % 3, i);
	}
	longest_name(longest);
	(void)snprintf(path, sizeof(path), "%s/want/EFI/%s", folder, longest);
	write_host(path, 9, 9);
	(void)snprintf(path, sizeof(path), "%s/want/EFI/Boot/BOOTX64.EFI", folder);
	write_host(path, 200001, 2);
	(void)snprintf(path, sizeof(path), "%s/want/EFI/Boot/was-empty", folder);
	write_host(path, 77, 5);
	/* mtools know no characters of two units. */
	expect_run("touch want/EFI/Boot/empty want/EFI/Boot/becomes-empty; rm want/*penguin "
		   "got/*penguin; diff -r want got");
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
	unsigned kib;
} kinds[] = {
	{ "-F 12 -s 1", 2000 },
	{ "-F 12 -s 8 -f 1", 8192 },
	{ "-F 12 -s 128", 65536 },
	{ "-F 12 -S 4096 -s 1", 16000 },
	{ "-F 16 -s 1", 4096 },
	{ "-F 16 -s 4", 32768 },
	{ "-F 16 -S 2048 -s 1", 16384 },
	{ "-F 32 -s 1", 40000 },
	{ "-F 32 -s 1 -f 1", 40000 },
	{ "-F 32 -S 1024 -s 1", 80000 },
};

static void every_kind(void **state)
{
	(void)state;
	for (size_t i = 0; tools && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct opened o;
		uint64_t left;

		print_message("%s\n", kinds[i].options);
		make(kinds[i].options, kinds[i].kib);
		open_image(&o, true);
		assert_string_equal(o.fs->type, "vfat");
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
		close_image(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
	};

	return cmocka_run_group_tests_name("fat", tests, setup, teardown);
}
