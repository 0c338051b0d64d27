/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GRUB's core image of made-up files: what goes into it, and what is no file of GRUB's. */
#include "fs_sample.h"

#include <lzma.h>

#include "base/bytes.h"
#include "fs/tree.h"
#include "guest/grub_core.h"

static struct disk *disk;
static struct fs *fs;
static struct tree *tree;

static void put(const char *name, const void *bytes, size_t len)
{
	const struct tree_put p = { .mtime = 1 };
	struct error e = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/grub/%s", name);
	if (tree_put_bytes(tree, path, bytes, len, &p, &e))
		fail_msg("%s", e.text);
}

static void set32(uint8_t *p, uint32_t n)
{
	const le32 v = put_le32(n);

	memcpy(p, &v, sizeof(v));
}

enum { KERNEL_SIZE = 100, KERNEL_AT = 84, DECOMPRESSOR_SIZE = 2848 };

/* An ELF file with one program header. */
static void kernel_fill(uint8_t file[KERNEL_AT + KERNEL_SIZE])
{
	memset(file, 0, KERNEL_AT);
	memcpy(file, "\177ELF\1\1\1", 7);
	file[16] = 2;
	file[18] = 3;
	file[28] = 52;
	file[42] = 32;
	file[44] = 1;
	set32(file + 52, 1);
	set32(file + 56, KERNEL_AT);
	set32(file + 60, 0x9000);
	set32(file + 68, KERNEL_SIZE);
	set32(file + 72, 3 * KERNEL_SIZE);
	memset(file + KERNEL_AT, 'k', KERNEL_SIZE);
}

static void files_put(void)
{
	static const char moddep[] = "ext2: fshelp\nfshelp:\nloop: back\nback: loop\n"
				     "escape: ../boot\nlost: nowhere\n";
	uint8_t kernel[KERNEL_AT + KERNEL_SIZE], diskboot[GRUB_SECTOR] = { 0 },
						 decompressor[DECOMPRESSOR_SIZE];

	kernel_fill(kernel);
	diskboot[0x1fe] = 0x20;
	diskboot[0x1ff] = 0x08;
	memset(decompressor, 'd', sizeof(decompressor));
	put("kernel.img", kernel, sizeof(kernel));
	put("diskboot.img", diskboot, sizeof(diskboot));
	put("lzma_decompress.img", decompressor, sizeof(decompressor));
	put("moddep.lst", moddep, sizeof(moddep) - 1);
	put("ext2.mod", "EXT2.", 5);
	put("fshelp.mod", "HELP", 4);
	put("loop.mod", "loop", 4);
	put("back.mod", "back", 4);
}

static int group_open(void **state)
{
	struct error e = { 0 };

	(void)state;
	folder_make();
	run("mke2fs -q -t ext4 %s 8M", image);
	disk = disk_load(image, 0);
	if (fs_open(disk, true, &fs, &e) || tree_open(fs, "root", NULL, &tree, &e))
		fail_msg("%s", e.text);
	return 0;
}

static int group_close(void **state)
{
	tree_close(tree);
	fs_close(fs);
	disk_close(disk);
	return folder_remove(state);
}

static int make(const char *module, struct buffer *out, struct error *e)
{
	struct strings modules = { 0 };
	const struct grub_core c = { .tree = tree,
		.directory = "/grub",
		.modules = &modules,
		.config = "set a=b\n",
		.prefix = "/boot/grub",
		.sector = 2048 };
	int rc = strings_add(&modules, module, e);

	assert_int_equal(rc, 0);
	buffer_free(out);
	rc = grub_core_make(&c, out, e);
	strings_free(&modules);
	return rc;
}

static uint32_t at32(const uint8_t *p)
{
	return get_le32((le32){ { p[0], p[1], p[2], p[3] } });
}

static void unpack(const struct buffer *core, uint8_t *out, size_t size)
{
	lzma_options_lzma o = { .dict_size = 1 << 16, .lc = 3, .lp = 0, .pb = 2 };
	const lzma_filter filters[] = { { .id = LZMA_FILTER_LZMA1, .options = &o },
		{ .id = LZMA_VLI_UNKNOWN } };
	const uint8_t *begin = core->data + GRUB_SECTOR;
	size_t in = DECOMPRESSOR_SIZE, len = 0;

	assert_int_equal(at32(begin + 12), size);
	assert_int_equal(lzma_raw_buffer_decode(filters, NULL, begin, &in,
				 DECOMPRESSOR_SIZE + at32(begin + 8), out, &len, size),
		LZMA_OK);
	assert_int_equal(len, size);
}

static void test_layout(void **state)
{
	/* The kernel; "mimg", 12, all; fshelp, ext2, the commands and the folder, each with 8 bytes
	 * in front and in fours. */
	enum { OBJECTS = 12 + 12 + 16 + 20 + 20, SIZE = KERNEL_SIZE + OBJECTS };
	struct buffer core = { 0 };
	struct error e = { 0 };
	uint8_t payload[SIZE], *p = payload + KERNEL_SIZE;

	(void)state;
	files_put();
	if (make("ext2", &core, &e))
		fail_msg("%s", e.text);
	assert_int_equal(core.len % GRUB_SECTOR, 0);
	assert_int_equal(at32(core.data + 0x1f4), 2049);
	assert_int_equal(core.data[0x1fc], core.len / GRUB_SECTOR - 1);
	assert_int_equal(core.data[GRUB_SECTOR + DECOMPRESSOR_SIZE - 1], 'd');
	unpack(&core, payload, sizeof(payload));
	assert_int_equal(payload[0], 'k');
	assert_int_equal(payload[KERNEL_SIZE - 1], 'k');
	assert_memory_equal(p, "mimg\14\0\0\0\120\0\0\0", 12);
	assert_memory_equal(p + 12, "\0\0\0\0\14\0\0\0HELP", 12);
	assert_memory_equal(p + 24, "\0\0\0\0\20\0\0\0EXT2.\0\0\0", 16);
	assert_memory_equal(p + 40, "\2\0\0\0\24\0\0\0set a=b\n\0\0\0\0", 20);
	assert_memory_equal(p + 60, "\3\0\0\0\24\0\0\0/boot/grub\0\0", 20);
	buffer_free(&core);
}

static void test_modules(void **state)
{
	struct buffer core = { 0 };
	struct error e = { 0 };

	(void)state;
	files_put();
	/* Each needs the other: both are there once. */
	assert_int_equal(make("loop", &core, &e), 0);
	assert_int_equal(make("escape", &core, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "../boot"));
	assert_int_equal(make("lost", &core, &e), -ERR_NOTFOUND);
	assert_non_null(strstr(e.text, "nowhere"));
	assert_int_equal(make("ext", &core, &e), -ERR_NOTFOUND);
	buffer_free(&core);
}

static void test_deep_modules(void **state)
{
	struct buffer list = { 0 };
	struct strings wanted = { 0 }, out = { 0 };
	struct error e = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(buffer_format(&list, &e, "m%d: m%d\n", i, i + 1), 0);
	assert_int_equal(strings_add(&wanted, "m0", &e), 0);
	assert_int_equal(grub_modules_resolve(buffer_text(&list), &wanted, &out, &e), -ERR_RANGE);
	strings_free(&out);
	strings_free(&wanted);
	buffer_free(&list);
}

static void test_kernels_that_are_none(void **state)
{
	uint8_t kernel[KERNEL_AT + KERNEL_SIZE];
	struct buffer core = { 0 };
	struct error e = { 0 };
	/* type, machine, size and number of program headers, type, offset, address, size there and
	 * in memory */
	static const size_t bytes[] = { 0, 4, 16, 18, 42, 44, 52, 59, 61, 71, 75 };

	(void)state;
	files_put();
	kernel_fill(kernel);
	for (size_t len = 0; len < sizeof(kernel); len++) {
		put("kernel.img", kernel, len);
		assert_int_equal(make("ext2", &core, &e), -ERR_CORRUPT);
		assert_non_null(strstr(e.text, "/grub/kernel.img"));
	}
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		kernel_fill(kernel);
		kernel[bytes[i]] = 0x7e;
		put("kernel.img", kernel, sizeof(kernel));
		assert_int_equal(make("ext2", &core, &e), -ERR_CORRUPT);
	}
	buffer_free(&core);
}

static void test_others_that_are_none(void **state)
{
	static const uint8_t zeros[GRUB_SECTOR];
	struct buffer core = { 0 };
	struct error e = { 0 };
	uint8_t *large = calloc(1, 600000);

	(void)state;
	files_put();
	put("diskboot.img", zeros, sizeof(zeros));
	assert_int_equal(make("ext2", &core, &e), -ERR_CORRUPT);
	assert_non_null(strstr(e.text, "diskboot.img"));
	files_put();
	put("lzma_decompress.img", zeros, 8);
	assert_int_equal(make("ext2", &core, &e), -ERR_CORRUPT);
	files_put();
	/* It would reach into the memory where it unpacks to. */
	assert_non_null(large);
	put("lzma_decompress.img", large, 3585);
	assert_int_equal(make("ext2", &core, &e), -ERR_RANGE);
	files_put();
	put("ext2.mod", large, 600000);
	assert_int_equal(make("ext2", &core, &e), -ERR_RANGE);
	free(large);
	buffer_free(&core);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_modules),
		cmocka_unit_test(test_deep_modules),
		cmocka_unit_test(test_kernels_that_are_none),
		cmocka_unit_test(test_others_that_are_none),
	};

	return cmocka_run_group_tests(tests, group_open, group_close);
}
