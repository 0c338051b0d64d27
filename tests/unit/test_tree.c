/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fs/tree.h"
#include "tests/unit/fs_sample.h"

static bool tools;

/* A guest whose links do what they can to get out, and a second file system for /boot. */
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
		"mkdir -p tree/usr/lib/modules/6.1 tree/etc/real tree/boot tree/tmp && cd tree "
		"&& ln -s usr/lib lib && echo root:x >etc/passwd && ln -s ../../../../etc up && "
		"ln -s /etc/real absolute && ln -s loop2 loop1 && ln -s loop1 loop2 && "
		"ln -s /boot/vmlinuz vmlinuz && ln -s missing/file dangling && "
		"ln -s . dot && ln -s / slash && ln -s passwd etc/shadow-link && "
		"ln -s tmp/../tmp etc/real/back && cd .. && "
		"mkdir boot && echo kernel >boot/vmlinuz && mkdir boot/grub && "
		"mke2fs -q -F -t ext4 -d tree root 16M && "
		"debugfs -w -R 'ea_set etc security.selinux etc_label' root && "
		"debugfs -w -R 'ea_set etc/passwd security.selinux passwd_label' root && "
		"debugfs -w -R 'sif etc/passwd uid 7' root && "
		"mke2fs -q -F -t ext2 -d boot bootfs 8M && mkdir efi && echo fat >efi/grub.cfg &&"
		" mke2fs -q -F -t ext2 -d efi efifs 2M");
}

struct part {
	struct disk *disk;
	struct fs *fs;
};

static void part_open(struct part *p, const char *name, bool write)
{
	char path[64];
	struct error e = { 0 };

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	p->disk = disk_load(path, 0);
	assert_int_equal(fs_open(p->disk, write, &p->fs, &e), 0);
}

/* Writes the part to a file and has it checked. */
static void part_check(struct part *p)
{
	char path[64];
	struct error e = { 0 };

	assert_int_equal(fs_sync(p->fs, &e), 0);
	(void)snprintf(path, sizeof(path), "%s/checked", folder);
	disk_save(p->disk, path);
	assert_int_equal(run("e2fsck -fn checked"), 0);
}

static void part_close(struct part *p)
{
	fs_close(p->fs);
	disk_close(p->disk);
}

struct guest {
	struct part root, boot, efi;
	struct journal journal;
	struct tree *tree;
};

static bool guest_open(struct guest *g, bool write)
{
	struct error e = { 0 };

	if (!tools)
		return false;
	*g = (struct guest){ 0 };
	part_open(&g->root, "root", write);
	part_open(&g->boot, "bootfs", write);
	part_open(&g->efi, "efifs", false);
	assert_int_equal(tree_open(g->root.fs, "p1", &g->journal, &g->tree, &e), 0);
	assert_int_equal(tree_mount(g->tree, "/dot/boot/", g->boot.fs, "p2", &e), 0);
	assert_int_equal(tree_mount(g->tree, "/boot/efi", g->efi.fs, "p3", &e), 0);
	return true;
}

static void guest_close(struct guest *g)
{
	tree_close(g->tree);
	journal_free(&g->journal);
	part_close(&g->root);
	part_close(&g->boot);
	part_close(&g->efi);
}

static void expect_text(struct tree *t, const char *path, const char *want)
{
	struct buffer got = { 0 };
	struct error e = { 0 };
	int rc = tree_read(t, path, 1000, &got, &e);

	if (rc)
		print_error("%s\n", e.text);
	assert_int_equal(rc, 0);
	assert_string_equal(buffer_text(&got), want);
	buffer_free(&got);
}

static void expect_path(struct tree *t, const char *path, const char *want)
{
	struct buffer got = { 0 };
	struct error e = { 0 };

	assert_int_equal(tree_resolve(t, path, &got, &e), 0);
	assert_string_equal(buffer_text(&got), want);
	buffer_free(&got);
}

static void expect_failure(struct tree *t, const char *path, int code)
{
	struct fs_stat st;
	struct error e = { 0 };

	assert_int_equal(tree_stat(t, path, TREE_FOLLOW, &st, &e), -code);
	assert_true(e.text[0]);
}

static void paths_stay_in_the_guest(void **state)
{
	struct guest g;
	char long_path[9000], long_name[400];

	(void)state;
	if (!guest_open(&g, false))
		return;
	expect_path(g.tree, "/lib/modules", "/usr/lib/modules");
	expect_path(g.tree, "/up/passwd", "/etc/passwd");
	expect_path(g.tree, "/../../..//etc/./passwd", "/etc/passwd");
	expect_path(g.tree, "etc/passwd", "/etc/passwd");
	expect_path(g.tree, "/absolute", "/etc/real");
	expect_path(g.tree, "/absolute/../passwd", "/etc/passwd");
	expect_path(g.tree, "/absolute/../../../../../etc/passwd", "/etc/passwd");
	expect_path(g.tree, "/slash/slash/dot/dot/slash/etc/", "/etc");
	expect_path(g.tree, "/slash", "/");
	expect_path(g.tree, "/", "/");
	expect_path(g.tree, "", "/");
	expect_path(g.tree, "/boot/grub/..", "/boot");
	expect_path(g.tree, "/boot/efi/../../etc", "/etc");
	expect_text(g.tree, "/up/passwd", "root:x\n");
	expect_failure(g.tree, "/loop1", ERR_CORRUPT);
	expect_failure(g.tree, "/loop2/x", ERR_CORRUPT);
	expect_failure(g.tree, "/dangling", ERR_NOTFOUND);
	expect_failure(g.tree, "/etc/passwd/x", ERR_NOTFOUND);
	expect_failure(g.tree, "/proc/self/environ", ERR_NOTFOUND);
	memset(long_path, '/', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	expect_failure(g.tree, long_path, ERR_RANGE);
	memset(long_name, 'n', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	expect_failure(g.tree, long_name, ERR_RANGE);
	guest_close(&g);
}

static void mounts_are_crossed(void **state)
{
	struct strings names = { 0 };
	struct guest g;
	struct fs_stat st;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, false))
		return;
	expect_text(g.tree, "/boot/vmlinuz", "kernel\n");
	expect_text(g.tree, "/vmlinuz", "kernel\n");
	expect_text(g.tree, "/dot/boot/efi/grub.cfg", "fat\n");
	assert_true(tree_is(g.tree, "/boot/grub", S_IFDIR));
	assert_true(tree_is(g.tree, "/vmlinuz", S_IFREG));
	assert_true(tree_is(g.tree, "/vmlinuz", S_IFLNK));
	assert_false(tree_is(g.tree, "/boot/grub", S_IFREG));
	assert_false(tree_is(g.tree, "/dangling", 0));
	assert_int_equal(tree_stat(g.tree, "/dangling", TREE_NOFOLLOW, &st, &e), 0);
	assert_int_equal(tree_list(g.tree, "/boot", &names, &e), 0);
	assert_int_equal(names.count, 4);
	assert_string_equal(names.item[0], "efi");
	assert_string_equal(names.item[1], "grub");
	assert_string_equal(names.item[2], "lost+found");
	strings_free(&names);
	assert_int_equal(tree_list(g.tree, "/etc/passwd", &names, &e), -ERR_NOTFOUND);
	guest_close(&g);
}

static void reads_are_bounded(void **state)
{
	struct buffer got = { 0 };
	char part[3] = { 0 };
	struct guest g;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, false))
		return;
	assert_int_equal(tree_read(g.tree, "/etc/passwd", 6, &got, &e), -ERR_RANGE);
	assert_int_equal(got.len, 0);
	assert_int_equal(tree_read(g.tree, "/etc", 6, &got, &e), -ERR_UNSUPPORTED);
	assert_int_equal(tree_read_at(g.tree, "/etc/passwd", 5, part, 2, &e), 0);
	assert_string_equal(part, "x\n");
	assert_int_equal(tree_read_at(g.tree, "/etc/passwd", 6, part, 2, &e), -ERR_RANGE);
	assert_int_equal(tree_readlink(g.tree, "/dangling", &got, &e), 0);
	assert_string_equal(buffer_text(&got), "missing/file");
	buffer_free(&got);
	guest_close(&g);
}

static const struct tree_put PUT = { .mtime = 86400, .why = "test" };

static void put(struct tree *t, const char *path, const char *text)
{
	struct error e = { 0 };
	int rc = tree_put_bytes(t, path, text, strlen(text), &PUT, &e);

	if (rc)
		print_error("%s\n", e.text);
	assert_int_equal(rc, 0);
}

static void expect_label(struct tree *t, const char *path, const char *want)
{
	struct xattr *xattr = NULL;
	size_t count = 0;
	struct error e = { 0 };

	assert_int_equal(tree_xattrs(t, path, &xattr, &count, &e), 0);
	assert_int_equal(count, 1);
	assert_string_equal(xattr[0].name, "security.selinux");
	assert_int_equal(xattr[0].len, strlen(want));
	assert_memory_equal(xattr[0].value, want, xattr[0].len);
	xattrs_free(xattr, count);
}

static const struct edit *edit_of(const struct guest *g, const char *path)
{
	for (size_t i = 0; i < g->journal.count; i++)
		if (!strcmp(g->journal.edit[i].path, path))
			return &g->journal.edit[i];
	return NULL;
}

/* sha256 of "new" */
#define SHA_NEW "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"

static void replaced_file_keeps_its_looks(void **state)
{
	const struct edit *edit;
	struct guest g;
	struct fs_stat st;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	put(g.tree, "/up/passwd", "new");
	expect_text(g.tree, "/etc/passwd", "new");
	assert_int_equal(tree_stat(g.tree, "/etc/passwd", TREE_FOLLOW, &st, &e), 0);
	assert_int_equal(st.uid, 7);
	assert_int_equal(st.mtime, 86400);
	expect_label(g.tree, "/etc/passwd", "passwd_label");
	assert_int_equal(g.journal.count, 1);
	edit = edit_of(&g, "/etc/passwd");
	assert_non_null(edit);
	assert_int_equal(edit->action, EDIT_REPLACE);
	assert_string_equal(edit->volume, "p1");
	assert_string_equal(edit->why, "test");
	assert_int_equal(edit->before.size, 7);
	assert_int_equal(edit->after.size, 3);
	assert_string_equal(edit->after.sha256, SHA_NEW);
	assert_int_equal(edit->after.uid, 7);
	put(g.tree, "/etc/passwd", "root:x\n");
	assert_int_equal(g.journal.count, 0);
	part_check(&g.root);
	guest_close(&g);
}

static void new_file_gets_parents_and_label(void **state)
{
	struct guest g;
	struct fs_stat st;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	put(g.tree, "/etc/a/b/../b/c/new.conf", "new");
	expect_text(g.tree, "/etc/a/b/c/new.conf", "new");
	expect_label(g.tree, "/etc/a/b", "etc_label");
	expect_label(g.tree, "/etc/a/b/c/new.conf", "etc_label");
	assert_int_equal(tree_stat(g.tree, "/etc/a/b", TREE_FOLLOW, &st, &e), 0);
	assert_int_equal(st.mode, S_IFDIR | 0755);
	assert_int_equal(g.journal.count, 4);
	assert_string_equal(g.journal.edit[0].path, "/etc/a");
	assert_int_equal(g.journal.edit[0].action, EDIT_CREATE);
	assert_string_equal(g.journal.edit[3].path, "/etc/a/b/c/new.conf");
	assert_int_equal(g.journal.edit[3].after.mode, S_IFREG | 0644);
	put(g.tree, "/lib/modules/6.1/x.ko", "new");
	assert_non_null(edit_of(&g, "/usr/lib/modules/6.1/x.ko"));
	put(g.tree, "/boot/initrd", "new");
	assert_string_equal(edit_of(&g, "/boot/initrd")->volume, "p2");
	part_check(&g.root);
	part_check(&g.boot);
	guest_close(&g);
}

static void link_at_the_end_is_written_through(void **state)
{
	struct buffer target = { 0 };
	struct guest g;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	put(g.tree, "/etc/shadow-link", "new");
	expect_text(g.tree, "/etc/passwd", "new");
	put(g.tree, "/dangling", "new");
	expect_text(g.tree, "/missing/file", "new");
	assert_int_equal(tree_readlink(g.tree, "/dangling", &target, &e), 0);
	buffer_free(&target);
	assert_int_equal(tree_put_bytes(g.tree, "/loop1", "x", 1, &PUT, &e), -ERR_CORRUPT);
	assert_int_equal(tree_put_bytes(g.tree, "/slash", "x", 1, &PUT, &e), -ERR_EXISTS);
	assert_int_equal(tree_put_bytes(g.tree, "/boot", "x", 1, &PUT, &e), -ERR_EXISTS);
	assert_int_equal(tree_put_bytes(g.tree, "/boot/efi/x", "x", 1, &PUT, &e), -ERR_REFUSED);
	part_check(&g.root);
	guest_close(&g);
}

static void what_is_right_is_left_alone(void **state)
{
	struct tree_put mode = { .has_mode = true, .mode = 0600, .mtime = 1 };
	struct guest g;
	struct fs_stat before, after;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	assert_int_equal(tree_stat(g.tree, "/etc/passwd", TREE_FOLLOW, &before, &e), 0);
	put(g.tree, "/etc/passwd", "root:x\n");
	assert_int_equal(tree_put_link(g.tree, "/etc/shadow-link", "passwd", &PUT, &e), 0);
	assert_int_equal(tree_stat(g.tree, "/etc/passwd", TREE_FOLLOW, &after, &e), 0);
	assert_int_equal(after.node, before.node);
	assert_int_equal(after.mtime, before.mtime);
	assert_int_equal(g.journal.count, 0);
	assert_int_equal(tree_put_bytes(g.tree, "/etc/passwd", "root:x\n", 7, &mode, &e), 0);
	assert_int_equal(g.journal.count, 1);
	assert_int_equal(g.journal.edit[0].after.mode, S_IFREG | 0600);
	assert_string_equal(g.journal.edit[0].before.sha256, g.journal.edit[0].after.sha256);
	guest_close(&g);
}

static void links_and_removal(void **state)
{
	struct buffer target = { 0 };
	struct guest g;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	assert_int_equal(tree_put_link(g.tree, "/etc/shadow-link", "real", &PUT, &e), 0);
	assert_int_equal(tree_put_link(g.tree, "/etc/new/link", "../passwd", &PUT, &e), 0);
	assert_int_equal(tree_put_link(g.tree, "/etc/real", "x", &PUT, &e), -ERR_EXISTS);
	expect_text(g.tree, "/etc/new/link", "root:x\n");
	assert_int_equal(tree_readlink(g.tree, "/etc/shadow-link", &target, &e), 0);
	assert_string_equal(buffer_text(&target), "real");
	buffer_free(&target);
	assert_int_equal(tree_remove(g.tree, "/etc/shadow-link", "test", &e), 0);
	assert_true(tree_is(g.tree, "/etc/real", S_IFDIR));
	assert_int_equal(edit_of(&g, "/etc/shadow-link")->action, EDIT_REMOVE);
	assert_int_equal(tree_remove(g.tree, "/etc/shadow-link", "test", &e), -ERR_NOTFOUND);
	assert_int_equal(tree_remove(g.tree, "/usr/lib", "test", &e), -ERR_REFUSED);
	assert_int_equal(tree_remove(g.tree, "/boot", "test", &e), -ERR_REFUSED);
	assert_int_equal(tree_remove(g.tree, "/", "test", &e), -ERR_REFUSED);
	assert_int_equal(tree_remove(g.tree, "/tmp", "test", &e), 0);
	assert_int_equal(tree_remove(g.tree, "/boot/vmlinuz", "test", &e), 0);
	part_check(&g.root);
	part_check(&g.boot);
	guest_close(&g);
}

static void directories_whole(void **state)
{
	const struct tree_put private = { .has_mode = true, .mode = 0700, .why = "test" };
	struct strings all = { 0 };
	struct guest g;
	struct fs_stat st;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	for (int twice = 0; twice < 2; twice++)
		assert_int_equal(tree_make_directory(g.tree, "/lib/a/b", &private, &e), 0);
	assert_int_equal(tree_stat(g.tree, "/usr/lib/a/b", TREE_FOLLOW, &st, &e), 0);
	assert_int_equal(st.mode, S_IFDIR | 0700);
	assert_int_equal(g.journal.count, 2);
	assert_int_equal(tree_make_directory(g.tree, "/etc/passwd", &private, &e), -ERR_EXISTS);
	assert_int_equal(tree_put_link(g.tree, "/lib/a/b/out", "/etc", &PUT, &e), 0);
	put(g.tree, "/lib/a/z", "new");
	assert_int_equal(tree_list_all(g.tree, "/lib/a", 3, &all, &e), 0);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.item[0], "/lib/a/b");
	assert_string_equal(all.item[1], "/lib/a/z");
	assert_string_equal(all.item[2], "/lib/a/b/out");
	strings_free(&all);
	assert_int_equal(tree_list_all(g.tree, "/lib/a", 2, &all, &e), -ERR_RANGE);
	strings_free(&all);
	assert_int_equal(tree_remove_all(g.tree, "/usr/lib/a", "test", &e), 0);
	assert_int_equal(g.journal.count, 0);
	expect_text(g.tree, "/etc/passwd", "root:x\n");
	assert_int_equal(tree_remove_all(g.tree, "/absolute", "test", &e), 0);
	assert_true(tree_is(g.tree, "/etc/real", S_IFDIR));
	assert_int_equal(tree_remove_all(g.tree, "/boot", "test", &e), -ERR_REFUSED);
	part_check(&g.root);
	guest_close(&g);
}

static void looks_alone(void **state)
{
	const struct tree_looks mode = { .has_mode = true, .mode = 02750 };
	const struct tree_looks owner = {
		.has_uid = true, .uid = 70000, .has_gid = true, .gid = 9
	};
	struct guest g;
	struct fs_stat before, st;
	struct error e = { 0 };

	(void)state;
	if (!guest_open(&g, true))
		return;
	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(tree_set_looks(g.tree, "/absolute", &mode, "test", &e), 0);
		assert_int_equal(tree_set_looks(g.tree, "/absolute", &owner, "test", &e), 0);
	}
	assert_int_equal(tree_stat(g.tree, "/etc/real", TREE_FOLLOW, &st, &e), 0);
	assert_int_equal(st.mode, S_IFDIR | 02750);
	assert_int_equal(st.uid, 70000);
	assert_int_equal(st.gid, 9);
	assert_int_equal(g.journal.count, 1);
	assert_int_equal(edit_of(&g, "/etc/real")->after.uid, 70000);
	assert_int_equal(tree_stat(g.tree, "/etc/passwd", TREE_FOLLOW, &before, &e), 0);
	assert_int_equal(tree_set_looks(g.tree, "/etc/passwd", &owner, "test", &e), 0);
	assert_int_equal(tree_stat(g.tree, "/etc/passwd", TREE_FOLLOW, &st, &e), 0);
	assert_int_equal(st.mode, before.mode);
	assert_int_equal(st.mtime, before.mtime);
	assert_int_equal(st.node, before.node);
	expect_label(g.tree, "/etc/passwd", "passwd_label");
	expect_text(g.tree, "/etc/passwd", "root:x\n");
	assert_int_equal(tree_set_looks(g.tree, "/nothing", &mode, "test", &e), -ERR_NOTFOUND);
	assert_int_equal(tree_set_looks(g.tree, "/boot/efi", &mode, "test", &e), -ERR_REFUSED);
	part_check(&g.root);
	guest_close(&g);
}

struct appended {
	struct tree *tree;
	const char *path;
	uint64_t old;
};

/* The file as it was, then as many bytes again: how a segment is appended to an initramfs. */
static int read_appended(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct appended *a = arg;
	size_t kept = off < a->old ? (size_t)(a->old - off < len ? a->old - off : len) : 0;
	int rc = kept ? tree_read_at(a->tree, a->path, off, buf, kept, e) : 0;

	memset((uint8_t *)buf + kept, 'z', len - kept);
	return rc;
}

static void reader_may_read_what_it_replaces(void **state)
{
	enum { OLD = 1500000 };
	struct appended a = { .path = "/boot/initrd", .old = OLD };
	uint8_t *bytes = malloc(OLD);
	struct buffer got = { 0 };
	struct guest g;
	struct error e = { 0 };

	(void)state;
	assert_non_null(bytes);
	if (!guest_open(&g, true)) {
		free(bytes);
		return;
	}
	for (size_t i = 0; i < OLD; i++)
		bytes[i] = (uint8_t)(i * 31 + i / 1024);
	assert_int_equal(tree_put_bytes(g.tree, "/boot/initrd", bytes, OLD, &PUT, &e), 0);
	a.tree = g.tree;
	assert_int_equal(
		tree_put_reader(g.tree, "/boot/initrd", OLD + 9000, read_appended, &a, &PUT, &e),
		0);
	assert_int_equal(tree_read(g.tree, "/boot/initrd", 2 * OLD, &got, &e), 0);
	assert_int_equal(got.len, OLD + 9000);
	assert_memory_equal(got.data, bytes, OLD);
	assert_int_equal(got.data[OLD + 8999], 'z');
	buffer_free(&got);
	free(bytes);
	part_check(&g.boot);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_stay_in_the_guest),
		cmocka_unit_test(mounts_are_crossed),
		cmocka_unit_test(reads_are_bounded),
		cmocka_unit_test(replaced_file_keeps_its_looks),
		cmocka_unit_test(new_file_gets_parents_and_label),
		cmocka_unit_test(link_at_the_end_is_written_through),
		cmocka_unit_test(what_is_right_is_left_alone),
		cmocka_unit_test(links_and_removal),
		cmocka_unit_test(directories_whole),
		cmocka_unit_test(looks_alone),
		cmocka_unit_test(reader_may_read_what_it_replaces),
	};

	return cmocka_run_group_tests(tests, setup, folder_remove);
}
