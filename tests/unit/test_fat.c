/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/fs_edit_sample.h"

static bool tools;

static int setup(void **state)
{
	(void)state;
	if (folder_make() || setenv("LC_ALL", "C.UTF-8", 1) || setenv("TZ", "UTC", 1) ||
		setenv("MTOOLS_SKIP_CHECK", "1", 1))
		return -1;
	tools = !run("command -v mkfs.fat && command -v fsck.fat && command -v mcopy");
	if (!tools)
		print_message("skipped: no dosfstools or no mtools\n");
	return 0;
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
	expect_run("! grep -qiE 'differ|wrong|bad|lost|reclaim|orphan|duplicate|dirty|not "
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
		node_find(fs, "EFI/many/Collision of short names 297.conf", &node), -ERR_NOTFOUND);
	assert_int_equal(node_find(fs, "EFI/gone", &node), -ERR_NOTFOUND);
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

/* Names and sizes as they should be after any sequence of edits. */
enum { MODEL = 40 };
struct model {
	bool there;
	unsigned seed;
	uint64_t size;
};

static void random_edits(struct fs *fs, struct model *m, uint64_t *state, unsigned steps)
{
	static const char *const dirs[] = { "", "sub", "sub/deeper" };

	while (steps--) {
		unsigned i, dir;
		char name[80];

		*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		i = (unsigned)(*state >> 33) % MODEL;
		dir = i % 3;
		model_name(i, name, sizeof(name));
		if (m[i].there && (*state >> 60) % 3 == 0) {
			assert_int_equal(try_remove(fs, dirs[dir], name), 0);
			m[i].there = false;
			continue;
		}
		m[i] = (struct model){ true, steps, (*state >> 40) % 20000 };
		put(fs, dirs[dir], name, m[i].size, m[i].seed);
	}
}

static void model_extract(const struct model *m)
{
	static const char *const dirs[] = { "", "sub/", "sub/deeper/" };

	expect_run("rm -rf got want; mkdir -p got want/sub/deeper; "
		   "mcopy -s -n -Q -i image '::*' got");
	for (unsigned i = 0; i < MODEL; i++) {
		char path[200], name[80];

		model_name(i, name, sizeof(name));
		(void)snprintf(path, sizeof(path), "%s/want/%s%s", folder, dirs[i % 3], name);
		if (m[i].there)
			write_host(path, m[i].size, m[i].seed);
	}
	expect_run("diff -r want got");
}

static void random_edits_are_what_others_read(void **state)
{
	(void)state;
	for (size_t i = 0; tools && i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct model m[MODEL] = { 0 };
		uint64_t seed = i + 1;
		struct opened o;

		make(kinds[i].options, kinds[i].kib);
		open_image(&o, true);
		assert_int_equal(make_dir(o.fs, "", "sub"), 0);
		assert_int_equal(make_dir(o.fs, "sub", "deeper"), 0);
		for (int round = 0; round < 3; round++) {
			random_edits(o.fs, m, &seed, 150);
			save(&o);
			check();
			model_extract(m);
			open_image(&o, true);
		}
		close_image(&o);
	}
}

static void what_mtools_write_is_read_and_edited(void **state)
{
	static const char *const makes[] = {
		"mformat -C -i image -f 1440 ::",
		"mformat -C -i image -T 40000 -h 16 -s 63 -c 4 ::",
		"mformat -C -i image -F -T 131072 -h 255 -s 63 -c 1 -v ESP ::",
	};

	(void)state;
	for (size_t i = 0; tools && i < 3; i++) {
		struct opened o;
		struct fs_stat st;
		struct error e = { 0 };
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/file", folder);
		write_host(path, 70001, 3);
		expect_run("rm -f image; touch -d 2021-03-04T05:06:08Z file");
		expect_run(makes[i]);
		expect_run("mmd -i image ::/EFI ::/EFI/debian; "
			   "mcopy -m -i image file '::/EFI/debian/Gr\xc3\xbc\xc3\x9f dich.efi'; "
			   "mcopy -i image file ::/lower.cfg; mcopy -i image file ::/UPPER.EXT; "
			   "for i in $(seq 100); do echo $i >f$i; done; "
			   "mmd -i image ::/many; mcopy -i image f[0-9]* ::/many");
		open_image(&o, true);
		expect_content(o.fs, "EFI/debian/Gr\xc3\xbc\xc3\x9f dich.efi", 70001, 3);
		expect_content(o.fs, "lower.cfg", 70001, 3);
		expect_content(o.fs, "upper.ext", 70001, 3);
		assert_int_equal(
			o.fs->ops->stat(o.fs,
				node_at(o.fs, "EFI/debian/Gr\xc3\xbc\xc3\x9f dich.efi"), &st, &e),
			0);
		assert_int_equal(st.mtime, 1614834368);
		put(o.fs, "EFI/debian", "gr\xc3\xbc\xc3\x9f dich.efi", 1234, 9);
		put(o.fs, "", "lower.cfg", 99, 8);
		assert_int_equal(try_remove(o.fs, "", "Upper.Ext"), 0);
		for (unsigned n = 1; n <= 100; n++) {
			char name[8];

			(void)snprintf(name, sizeof(name), "f%u", n);
			assert_int_equal(try_remove(o.fs, "many", name), 0);
		}
		assert_int_equal(try_remove(o.fs, "", "many"), 0);
		save(&o);
		check();
		write_host(path, 1234, 9);
		expect_run(
			"mtype -i image '::/EFI/debian/Gr\xc3\xbc\xc3\x9f dich.efi' | cmp - file");
		write_host(path, 99, 8);
		expect_run(
			"mtype -i image ::/lower.cfg | cmp - file; ! mdir -i image ::/UPPER.EXT");
	}
}

static int list_first(void *arg, const char *name, uint64_t node)
{
	(void)node;
	(void)snprintf(arg, 64, "%s", name);
	return 1;
}

/* Windows NT keeps the case of a short name in two bits, and has no long one then. */
static void case_bits_of_short_names(void **state)
{
	char name[64] = "";
	struct opened o;
	struct error e = { 0 };
	uint8_t lower = 0x18;

	(void)state;
	if (!tools)
		return;
	make("-F 12 -s 1 -n NONE", 1000);
	expect_run(
		"rm image; mformat -C -i image -f 1440 ::; echo x >f; mcopy -i image f ::/AB.CDE");
	open_image(&o, true);
	assert_int_equal(disk_write(o.disk, 19 * 512 + 12, &lower, 1, &e), 0);
	fs_close(o.fs);
	assert_int_equal(fs_open(o.disk, true, &o.fs, &e), 0);
	assert_int_equal(o.fs->ops->list(o.fs, o.fs->root, list_first, name, &e), 1);
	assert_string_equal(name, "ab.cde");
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
	make("-F 12 -s 1 -r 64", 1000);
	open_image(&o, true);
	assert_int_equal(try_put(o.fs, "", "large", 2 * MIB, 1, &e), -ERR_RANGE);
	assert_int_equal(make_dir(o.fs, "", "dir"), 0);
	for (;; count++) {
		(void)snprintf(name, sizeof(name), "file that fills %u", count);
		if (try_put(o.fs, "dir", name, 3000, count, &e))
			break;
	}
	assert_int_equal(e.code, ERR_RANGE);
	assert_true(count > 250);
	assert_true(free_of(o.fs) < 4000);
	assert_int_equal(try_remove(o.fs, "dir", "FILE THAT FILLS 7"), 0);
	/* The root has a fixed size. */
	for (count = 0; !try_put(o.fs, "", name, 0, 0, &e); count++)
		(void)snprintf(name, sizeof(name), "a name of two entries %u", count);
	assert_int_equal(e.code, ERR_RANGE);
	assert_in_range(count, 15, 35);
	save(&o);
	check();
}

static void names_and_kinds_that_fat_lacks(void **state)
{
	static const char *const bad[] = { "a/b", "a:b", "what?", "st*r", "end.", "end ", "\"",
		"a\\b", "\x01", "\xff", "<", "|", "" };
	struct fs_put link = { .mode = S_IFLNK | 0777, .target = "x" };
	struct opened o;
	struct error e = { 0 };
	char longer[300];

	(void)state;
	if (!tools)
		return;
	make("-F 12 -s 1", 1000);
	open_image(&o, true);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(try_put(o.fs, "", bad[i], 1, 1, &e), -ERR_USAGE);
	memset(longer, 'x', 256);
	longer[256] = '\0';
	assert_int_equal(try_put(o.fs, "", longer, 1, 1, &e), -ERR_USAGE);
	assert_int_equal(o.fs->ops->put(o.fs, o.fs->root, "link", &link, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "symbolic"));
	close_image(&o);
	open_image(&o, false);
	assert_int_equal(try_put(o.fs, "", "x", 1, 1, &e), -ERR_REFUSED);
	close_image(&o);
	expect_run("truncate -s 0 image; truncate -s 8M image; printf '\353\166\220EXFAT   ' | "
		   "dd of=image conv=notrunc");
	assert_int_equal(try_open(&o, false, &e), -ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "exfat"));
	close_image(&o);
}

static void same_edits_give_the_same_bytes(void **state)
{
	(void)state;
	if (!tools)
		return;
	make("-F 32 -s 1", 40000);
	expect_run("cp image pristine");
	for (int i = 0; i < 2; i++) {
		struct opened o;

		expect_run(i ? "mv image first; sleep 2.1; cp pristine image" : "true");
		open_image(&o, true);
		edit(o.fs);
		save(&o);
	}
	expect_run("cmp first image && ! cmp pristine image");
}

static void nothing_reaches_the_disk_without_sync(void **state)
{
	uint8_t *before, *after;
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	make("-F 16 -s 1", 4096);
	open_image(&o, true);
	before = malloc((size_t)o.disk->size);
	after = malloc((size_t)o.disk->size);
	assert_non_null(before);
	assert_non_null(after);
	assert_int_equal(disk_read(o.disk, 0, before, (size_t)o.disk->size, &e), 0);
	put(o.fs, "", "new", 5000, 1);
	fs_close(o.fs);
	o.fs = NULL;
	assert_int_equal(disk_read(o.disk, 0, after, (size_t)o.disk->size, &e), 0);
	assert_memory_equal(before, after, o.disk->size);
	close_image(&o);
	free(before);
	free(after);
}

static int run_add(void *arg, uint64_t off, uint64_t len, struct error *e)
{
	uint64_t *sum = arg;

	(void)e;
	assert_true(off >= sum[1]);
	sum[0] += len;
	sum[1] = off + len + 1; /* apart from each other */
	return 0;
}

static int free_runs(struct opened *o, uint64_t *bytes, struct error *e)
{
	uint64_t sum[2] = { 0 };
	int rc = o->fs->ops->free_runs(o->fs, run_add, sum, e);

	*bytes = sum[0];
	return rc;
}

/* One byte somewhere in the first table of a FAT16 volume with clusters of one sector. */
static void poke(struct opened *o, unsigned copies, uint32_t cluster, uint16_t value)
{
	uint8_t boot[64], bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };
	struct error e = { 0 };

	assert_int_equal(disk_read(o->disk, 0, boot, sizeof(boot), &e), 0);
	for (unsigned i = 0; i < copies; i++) {
		uint64_t at = ((uint64_t)(boot[14] | boot[15] << 8) +
				      i * (uint64_t)(boot[22] | boot[23] << 8)) *
			512;

		assert_int_equal(disk_write(o->disk, at + 2 * cluster, bytes, 2, &e), 0);
	}
}

/* Opens the volume of two files of three clusters, 2 to 4 and 5 to 7, with one entry changed. */
static int open_poked(struct opened *o, uint32_t cluster, uint16_t value, struct error *e)
{
	open_image(o, false);
	poke(o, 2, cluster, value);
	fs_close(o->fs);
	o->fs = NULL;
	return fs_open(o->disk, true, &o->fs, e);
}

static void chains_that_lie(void **state)
{
	static const struct {
		uint32_t cluster;
		uint16_t value;
	} lies[] = { { 4, 2 }, { 4, 4 }, { 3, 6 }, { 3, 0 }, { 3, 1 }, { 3, 0xfff7 }, { 3, 0xffff },
		{ 4, 0xf000 }, { 2, 0xfff0 } };
	struct opened o;
	struct error e = { 0 };
	uint64_t bytes, node;

	(void)state;
	if (!tools)
		return;
	make("-F 16 -s 1", 4096);
	open_image(&o, true);
	put(o.fs, "", "A", 1500, 1);
	put(o.fs, "", "B", 1500, 2);
	save(&o);
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		uint8_t buf[1500];

		assert_int_equal(open_poked(&o, lies[i].cluster, lies[i].value, &e), -ERR_CORRUPT);
		assert_int_equal(fs_open(o.disk, false, &o.fs, &e), 0);
		node = node_at(o.fs, "A");
		(void)o.fs->ops->read(o.fs, node, 0, buf, sizeof(buf), &e);
		assert_int_equal(free_runs(&o, &bytes, &e), -ERR_CORRUPT);
		close_image(&o);
	}
	/* A cluster of nobody is not free, and keeps nobody from editing. */
	assert_int_equal(open_poked(&o, 100, 0xffff, &e), 0);
	assert_int_equal(free_runs(&o, &bytes, &e), 0);
	assert_int_equal(bytes, free_of(o.fs));
	close_image(&o);
}

static void copies_that_differ_and_volumes_in_use(void **state)
{
	struct opened o;
	struct error e = { 0 };
	uint64_t bytes;

	(void)state;
	if (!tools)
		return;
	make("-F 16 -s 1", 4096);
	open_image(&o, true);
	put(o.fs, "", "A", 1500, 1);
	assert_int_equal(free_runs(&o, &bytes, &e), 0);
	assert_int_equal(bytes, free_of(o.fs));
	assert_int_equal(fs_sync(o.fs, &e), 0);
	poke(&o, 1, 200, 0xffff);
	fs_close(o.fs);
	/* The first copy counts; after an edit the other one is the same. */
	assert_int_equal(fs_open(o.disk, true, &o.fs, &e), 0);
	assert_int_equal(free_runs(&o, &bytes, &e), -ERR_REFUSED);
	put(o.fs, "", "B", 700, 3);
	save(&o);
	expect_run("fsck.fat -n -v image; ! grep -qi differ log");
	/* The mark of a volume that was not unmounted stays. */
	make("-F 16 -s 1", 4096);
	open_image(&o, true);
	poke(&o, 2, 1, 0x7fff);
	fs_close(o.fs);
	assert_int_equal(fs_open(o.disk, true, &o.fs, &e), 0);
	put(o.fs, "", "B", 700, 3);
	save(&o);
	expect_run("fsck.fat -n -v image; grep -qi dirty log");
	open_image(&o, false);
	expect_content(o.fs, "B", 700, 3);
	close_image(&o);
}

static void times_are_cut(void **state)
{
	static const int64_t times[][2] = { { 0, 315532800 }, { 1700000001, 1700000000 },
		{ INT64_MAX, 4354819198 }, { -5, 315532800 } };
	struct opened o;
	struct error e = { 0 };

	(void)state;
	if (!tools)
		return;
	make("-F 12 -s 1", 1000);
	open_image(&o, true);
	for (size_t i = 0; i < 4; i++) {
		struct fs_put p = { .mode = S_IFREG, .mtime = times[i][0] };
		struct fs_stat st;

		assert_int_equal(o.fs->ops->put(o.fs, o.fs->root, "T", &p, &e), 0);
		assert_int_equal(o.fs->ops->stat(o.fs, node_at(o.fs, "T"), &st, &e), 0);
		assert_int_equal(st.mtime, times[i][1]);
	}
	close_image(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind),
		cmocka_unit_test(random_edits_are_what_others_read),
		cmocka_unit_test(what_mtools_write_is_read_and_edited),
		cmocka_unit_test(case_bits_of_short_names),
		cmocka_unit_test(a_full_volume_stays_whole),
		cmocka_unit_test(names_and_kinds_that_fat_lacks),
		cmocka_unit_test(same_edits_give_the_same_bytes),
		cmocka_unit_test(nothing_reaches_the_disk_without_sync),
		cmocka_unit_test(chains_that_lie),
		cmocka_unit_test(copies_that_differ_and_volumes_in_use),
		cmocka_unit_test(times_are_cut),
	};

	return cmocka_run_group_tests_name("fat", tests, setup, folder_remove);
}
