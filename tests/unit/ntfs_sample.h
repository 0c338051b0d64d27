/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_UNIT_NTFS_SAMPLE_H
#define TESTS_UNIT_NTFS_SAMPLE_H

/* NTFS volumes in fs_sample.h's folder, made by mkntfs and libntfs-3g itself. */
#include <sys/types.h>
#include <time.h>

#include <ntfs-3g/volume.h>

#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/logfile.h>
#include <ntfs-3g/logging.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/security.h>

#include "tests/unit/fs_sample.h"

static inline void make(const char *options, unsigned mib)
{
	if (run("PATH=$PATH:/usr/sbin:/sbin; rm -f image; truncate -s %uM image; "
		"mkntfs -F -Q -q -L TESTING %s image",
		    mib, options))
		fail_msg("mkntfs %s", options);
}

/* A volume that has what Windows' has, made by libntfs-3g itself: descriptors, links, short names,
 * reparse points, compressed data. */
struct maker {
	ntfs_volume *volume;
	uint32_t tight; /* id of a descriptor that passes nothing on */
};

static inline ntfs_inode *walk(struct maker *m, const char *path)
{
	ntfs_inode *ni = ntfs_pathname_to_inode(m->volume, NULL, path);

	if (!ni)
		fail_msg("no %s", path);
	return ni;
}

/* Descriptors of [MS-DTYP] 2.4.6: owner and group SYSTEM, who may do everything, and users who may
 * read. */
static inline void descriptor(char *out, uint8_t flags)
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

static inline void describe(struct maker *m, ntfs_inode *ni, uint8_t flags)
{
	struct PERMISSIONS_CACHE *none = NULL;
	struct SECURITY_CONTEXT context = { .vol = m->volume, .pseccache = &none };
	char bytes[DESCRIPTOR];

	descriptor(bytes, flags);
	assert_int_equal(ntfs_set_ntfs_acl(&context, ni, bytes, sizeof(bytes), 0), 0);
}

static inline ntfs_inode *make_node(struct maker *m, ntfs_inode *dir, const char *name, mode_t type)
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

static inline void done(ntfs_inode *ni, ntfs_inode *dir)
{
	assert_int_equal(dir ? ntfs_inode_close_in_dir(ni, dir) : ntfs_inode_close(ni), 0);
}

static inline void plant_dir(struct maker *m, const char *parent, const char *name)
{
	ntfs_inode *dir = walk(m, parent);

	done(make_node(m, dir, name, S_IFDIR), dir);
	done(dir, NULL);
}

static inline void plant_file(
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

static inline void plant_short(
	struct maker *m, const char *parent, const char *path, const char *name)
{
	/* A directory that is open must not be walked through. */
	ntfs_inode *ni = walk(m, path), *dir = walk(m, parent);

	/* Closes both. */
	assert_int_equal(ntfs_set_ntfs_dos_name(ni, dir, name, strlen(name), 0), 0);
}

static inline void plant_link(
	struct maker *m, const char *path, const char *parent, const char *name)
{
	ntfs_inode *ni = walk(m, path), *dir = walk(m, parent);
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(name, &text);

	assert_int_equal(ntfs_link(ni, dir, text, (u8)len), 0);
	free(text);
	done(ni, NULL);
	done(dir, NULL);
}

static inline void plant_reparse(struct maker *m, const char *path, const void *bytes, size_t len)
{
	ntfs_inode *ni = walk(m, path);

	assert_int_equal(ntfs_set_ntfs_reparse_data(ni, bytes, len, 0), 0);
	done(ni, NULL);
}

/* [MS-FSCC] 2.1.2.4 and 2.1.2.5, with the target as substitute name alone. */
static inline void plant_target(
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

static inline void plant_flags(struct maker *m, const char *path, uint32_t flags)
{
	ntfs_inode *ni = walk(m, path);

	ni->flags |= cpu_to_le32(flags);
	ntfs_inode_mark_dirty(ni);
	NInoFileNameSetDirty(ni);
	done(ni, NULL);
}

static inline void plant(const char *options, unsigned mib)
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

/* States that a volume is left in. */
enum state {
	FLAG_DIRTY = 1,
	FLAG_RESIZE = 2,
	FLAG_UPGRADE = 4,
	HIBERNATED,
	SHORT_HIBERNATION,
	NOT_HIBERNATED,
	LOG_UNCLEAN,
	LOG_CLEAN,
	LOG_NEW,
	LOG_JUNK,
};

/* A restart page of $LogFile; logfile.h. */
static inline void plant_log(ntfs_volume *v, unsigned major, uint8_t flags)
{
	static const uint8_t head[] = "RSTR\x1e\0\x09\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\x10\0\0\x30";
	ntfs_inode *ni = ntfs_inode_open(v, FILE_LogFile);
	ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	uint8_t page[4096] = { 0 };
	unsigned bits = 0;

	assert_non_null(a);
	memcpy(page, head, sizeof(head));
	page[26] = major == 1;
	page[28] = (uint8_t)major;
	page[30] = 1;
	page[0x30 + 8] = 1;
	memset(page + 0x30 + 10, 0xff, 2);
	page[0x30 + 14] = flags;
	while ((uint64_t)a->data_size >> bits)
		bits++;
	page[0x30 + 16] = (uint8_t)(67 - bits);
	page[0x30 + 20] = 0xe0;
	page[0x30 + 22] = 0x40;
	for (unsigned i = 0; i < 8; i++)
		page[0x30 + 24 + i] = (uint8_t)((uint64_t)a->data_size >> 8 * i);
	page[0x30 + 36] = 0x30;
	page[0x30 + 38] = 0x40;
	memset(page + 0x70 + 16, 0xff, 4);
	for (unsigned i = 1; i <= 8; i++)
		page[512 * i - 2] = 1;
	assert_int_equal(ntfs_attr_pwrite(a, 0, sizeof(page), page), sizeof(page));
	ntfs_attr_close(a);
	done(ni, NULL);
}

static inline void plant_hibernation(struct maker *m, const char *head, size_t size)
{
	ntfs_inode *ni;
	ntfs_attr *a;

	plant_file(m, "/", "hiberfil.sys", size, 0);
	ni = walk(m, "/hiberfil.sys");
	a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	assert_non_null(a);
	assert_int_equal(ntfs_attr_pwrite(a, 0, 4, head), 4);
	ntfs_attr_close(a);
	done(ni, NULL);
}

static inline void plant_state(enum state s)
{
	struct maker m = { 0 };

	make("-c 4096", 16);
	m.volume = ntfs_mount(image, 0);
	assert_non_null(m.volume);
	if (s <= FLAG_UPGRADE)
		assert_int_equal(ntfs_volume_write_flags(m.volume, cpu_to_le16(s)), 0);
	if (s == HIBERNATED || s == SHORT_HIBERNATION || s == NOT_HIBERNATED)
		plant_hibernation(&m, s == NOT_HIBERNATED ? "wake" : "HIBR",
			s == SHORT_HIBERNATION ? 100 : 8192);
	if (s == LOG_UNCLEAN || s == LOG_CLEAN || s == LOG_NEW)
		plant_log(m.volume, s == LOG_NEW ? 2 : 1, s == LOG_CLEAN ? 2 : 0);
	if (s == LOG_JUNK) {
		ntfs_inode *ni = ntfs_inode_open(m.volume, FILE_LogFile);
		ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);

		assert_int_equal(ntfs_attr_pwrite(a, 0, 4, "junk"), 4);
		ntfs_attr_close(a);
		done(ni, NULL);
	}
	assert_int_equal(ntfs_umount(m.volume, FALSE), 0);
}

#endif
