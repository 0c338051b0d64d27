/* SPDX-License-Identifier: GPL-3.0-or-later */
/* References to other files: which are followed and which are not. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk/chain.h"
#include "disk/image.h"

static char root[] = "/tmp/hvimg-test-chain-XXXXXX";

static const char *const folders[] = { "in", "in/sub", "out" };
static const char *const files[] = { "in/base", "in/sub/deep", "in/a:b", "out/secret",
	"out/base2" };
static const struct {
	const char *name, *to;
} links[] = {
	{ "in/link", "../out/secret" },
	{ "in/door", "../out" },
	{ "in/near", "sub/deep" },
	{ "in/round", "round" },
	{ "out/into", "../in/base" },
};

#define COUNT(x) (sizeof(x) / sizeof((x)[0]))

static int root_make(void **state)
{
	(void)state;
	if (!mkdtemp(root) || chdir(root))
		return -1;
	for (size_t i = 0; i < COUNT(folders); i++)
		if (mkdir(folders[i], 0700))
			return -1;
	for (size_t i = 0; i < COUNT(files); i++) {
		int fd = open(files[i], O_CREAT | O_WRONLY, 0600);

		if (fd < 0 || ftruncate(fd, 1024) || pwrite(fd, files[i], strlen(files[i]), 0) < 0)
			return -1;
		close(fd);
	}
	for (size_t i = 0; i < COUNT(links); i++)
		if (symlink(links[i].to, links[i].name))
			return -1;
	return mkfifo("in/fifo", 0600);
}

static int root_remove(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(links); i++)
		unlink(links[i].name);
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(files[i]);
	unlink("in/fifo");
	for (size_t i = COUNT(folders); i-- > 0;)
		rmdir(folders[i]);
	return chdir("/") || rmdir(root);
}

static int try_open(const char *image, const char *allowed, struct reference r,
	struct chain_file *out, struct error *e)
{
	struct chain chain = { 0 };
	struct open_options o = { .path = image, .allow_dir = allowed, .chain = &chain };
	int rc;

	r.data = !r.format;
	rc = chain_open(&o, &r, out, e);
	chain_free(&chain);
	return rc;
}

/* The reference leads to `file` (a name from `files`). */
static void leads(const char *image, const char *allowed, struct reference r, const char *file)
{
	struct chain_file found;
	struct error e = { 0 };
	char text[64] = "";

	if (try_open(image, allowed, r, &found, &e))
		fail_msg("%s: %s", r.path, e.text);
	assert_int_equal(disk_read(found.disk, 0, text, strlen(file), NULL), 0);
	assert_string_equal(text, file);
	chain_file_close(&found);
}

static void refused(
	const char *image, const char *allowed, struct reference r, int code, const char *text)
{
	struct chain_file found;
	struct error e = { 0 };

	assert_int_equal(try_open(image, allowed, r, &found, &e), -code);
	assert_null(found.disk);
	if (!strstr(e.text, text) || !strstr(e.text, r.path))
		fail_msg("%s: %s", r.path, e.text);
}

#define NAME(...) ((struct reference){ .path = __VA_ARGS__ })

static void test_followed(void **state)
{
	(void)state;
	leads("in/image", "in", NAME("base"), "in/base");
	leads("in/image", "in", NAME("./sub/../base"), "in/base");
	leads("in/sub/image", "in", NAME("../base"), "in/base");
	leads("in/sub/image", "in", NAME("deep"), "in/sub/deep");
	leads("in/image", "in", NAME("near"), "in/sub/deep");
	leads("in/image", "in", NAME("./a:b"), "in/a:b");
	leads("in/image", ".", NAME("../out/secret"), "out/secret");
	leads("in/image", "/", NAME("base"), "in/base");
	/* Not beside the image, but in the folder that was named. */
	leads("in/image", "out", NAME("secret"), "out/secret");
	leads("out/image", "in", NAME("into"), "in/base");
}

static void test_absolute(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/in/sub/deep", root);
	leads("in/image", "in", NAME(path), "in/sub/deep");
	leads("in/image", "in", NAME("/srv/images/base"), "in/base");
	leads("in/image", "in", NAME("C:\\images\\base"), "in/base");
	leads("in/image", "in", NAME("\\\\server\\share\\base"), "in/base");
	leads("in/image", "in", NAME("\\\\?\\Volume{0-1}\\x\\base"), "in/base");
	leads("in/image", "in", NAME(".\\base"), "in/base");
	leads("in/image", "in", NAME("sub\\deep", .windows = true), "in/sub/deep");
	leads("in/image", "in", NAME("..\\far\\base", .windows = true), "in/base");
}

static void test_outside(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/out/secret", root);
	refused("in/image", "in", NAME(path), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("/etc/passwd"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("../out/secret"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("../../../../../../etc/passwd"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("link"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("door/secret"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("sub/../../out/secret"), ERR_REFUSED, "is not in");
	refused("in/image", "in", NAME("C:\\windows\\link"), ERR_REFUSED, "is not in");
	/* A folder's name that only begins like the allowed one. */
	refused("in/image", "in/su", NAME("sub/deep"), ERR_NOTFOUND, "in/su");
	refused("in/image", "in/sub", NAME("../base"), ERR_REFUSED, "is not in");
}

static void test_no_file(void **state)
{
	(void)state;
	refused("in/image", "in", NAME("nothing"), ERR_NOTFOUND, "no such file");
	refused("in/image", "in", NAME("round"), ERR_NOTFOUND, "no such file");
	refused("in/image", "in", NAME(""), ERR_REFUSED, "");
	refused("in/image", "in", NAME("sub"), ERR_REFUSED, "not a regular file");
	refused("in/image", "in", NAME("fifo"), ERR_REFUSED, "not a regular file");
	refused("in/image", "/dev", NAME("/dev/zero"), ERR_REFUSED, "not a regular file");
	refused("in/image", NULL, NAME("base"), ERR_REFUSED, "--allow-parent");
}

static void test_protocols(void **state)
{
	static const char *const names[] = { "json:{\"driver\":\"file\",\"filename\":\"base\"}",
		"nbd://localhost/x", "nbd:unix:/x", "file:base", "fat:/etc", "a:b",
		"blkdebug::base", "ssh://host/base" };

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		refused("in/image", "in", NAME(names[i]), ERR_REFUSED, "not the name of a file");
}

/* Text is no disk unless the image says so. */
static void test_raw(void **state)
{
	struct chain chain = { 0 };
	struct open_options o = { .path = "in/image", .allow_dir = "in", .chain = &chain };
	struct reference r = { .path = "base" };
	struct chain_file found;
	struct error e = { 0 };

	(void)state;
	assert_int_equal(chain_open(&o, &r, &found, &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "raw"));
	chain_free(&chain);
	leads("in/image", "in", NAME("base", .format = "raw"), "in/base");
	refused("in/image", "in", NAME("base", .format = "nothing"), ERR_UNSUPPORTED, "nothing");
}

static int many_open(const struct open_options *o, unsigned i, bool data, struct chain_file *out,
	struct error *e)
{
	struct reference r = { .format = data ? NULL : "raw", .data = data };
	char name[32];
	int fd, rc;

	snprintf(name, sizeof(name), "many%u", i);
	fd = open(name, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	r.path = name;
	rc = chain_open(o, &r, out, e);
	unlink(name);
	return rc;
}

static void test_limits(void **state)
{
	enum { DATA = 100 };
	struct chain chain = { 0 };
	struct open_options o = { .path = "in/image", .allow_dir = ".", .chain = &chain };
	struct chain_file found[CHAIN_MAX + 1 + DATA] = { { 0 } };
	struct reference r = { .path = "base", .format = "raw" };
	struct error e = { 0 };

	(void)state;
	assert_int_equal(chain_open(&o, &r, &found[0], &e), 0);
	r.path = "sub/../base";
	assert_int_equal(chain_open(&o, &r, &found[1], &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "circles"));
	/* Data files refer to nothing, so that there may be more of them. */
	for (unsigned i = 1; i <= DATA; i++)
		assert_int_equal(many_open(&o, CHAIN_MAX + i, true, &found[CHAIN_MAX + i], &e), 0);
	for (unsigned i = 1; i < CHAIN_MAX; i++)
		assert_int_equal(many_open(&o, i, false, &found[i], &e), 0);
	assert_int_equal(many_open(&o, CHAIN_MAX, false, &found[CHAIN_MAX], &e), -ERR_REFUSED);
	assert_non_null(strstr(e.text, "64 is the limit"));
	for (unsigned i = 0; i <= CHAIN_MAX + DATA; i++)
		chain_file_close(&found[i]);
	chain_free(&chain);
}

static void test_data_twice(void **state)
{
	struct chain chain = { 0 };
	struct open_options o = { .path = "in/image", .allow_dir = ".", .chain = &chain };
	struct reference data = { .path = "base", .data = true };
	struct reference image = { .path = "base", .format = "raw" };
	struct chain_file found[3] = { { 0 } };
	struct error e = { 0 };

	(void)state;
	assert_int_equal(chain_open(&o, &data, &found[0], &e), 0);
	assert_int_equal(chain_open(&o, &data, &found[1], &e), 0);
	assert_int_equal(chain.count, 1);
	assert_int_equal(chain_open(&o, &image, &found[2], &e), -ERR_REFUSED);
	for (unsigned i = 0; i < 3; i++)
		chain_file_close(&found[i]);
	chain_free(&chain);
}

static void test_below(void **state)
{
	struct chain_file found, none = { 0 };
	struct error e = { 0 };
	uint8_t buf[2048];
	struct extent x;

	(void)state;
	assert_int_equal(try_open("in/image", "in", NAME("base"), &found, &e), 0);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(chain_read(&found, 3, buf, sizeof(buf), &e), 0);
	assert_memory_equal(buf, "base", 4);
	for (size_t i = 4; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0);
	assert_int_equal(chain_extent(&found, 0, 4096, &x, &e), 0);
	assert_int_equal(x.depth, 1);
	assert_int_equal(x.length, 1024);
	assert_true(x.plain && !strcmp(x.file, found.path));
	assert_int_equal(chain_extent(&found, 1024, 4096, &x, &e), 0);
	assert_true(x.zero && x.length == 4096 && !x.depth);
	chain_file_close(&found);
	assert_int_equal(chain_read(&none, 0, buf, 10, &e), 0);
	assert_int_equal(buf[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_protocols),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_data_twice),
		cmocka_unit_test(test_below),
	};

	return cmocka_run_group_tests(tests, root_make, root_remove);
}
