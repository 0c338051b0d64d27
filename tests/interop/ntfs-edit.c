/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * ntfs-edit IMAGE <COMMANDS: changes an NTFS volume through libntfs-3g, without mounting it.  A
 * command a line, names are of the root directory:
 *   put NAME FILE             a file with the bytes of a host file
 *   turns NAME NAME CLUSTERS COUNT   two files that take COUNT turns, or as many as there is room
 *                             for, to grow by CLUSTERS
 *   files NAME COUNT          empty files NAME0, NAME1, ..., as many as there is room for
 *   stream NAME STREAM FILE   a named stream of a file
 *   hole NAME SIZE            the file's own bytes become a hole
 *   reparse NAME FILE         a reparse point
 *   size NAME SIZE            longer or shorter
 *   link NAME NAME            another name for a file
 *   remove NAME
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ntfs-3g/attrib.h>
#include <ntfs-3g/dir.h>
#include <ntfs-3g/inode.h>
#include <ntfs-3g/reparse.h>
#include <ntfs-3g/unistr.h>
#include <ntfs-3g/volume.h>

static ntfs_volume *volume;

static void die(const char *what, const char *name)
{
	fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* NULL: the volume is full. */
static ntfs_inode *file_create_some(const char *name)
{
	ntfs_inode *root = ntfs_inode_open(volume, FILE_root), *file;
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(name, &text);

	if (!root || len < 0)
		die("create", name);
	file = ntfs_create(root, const_cpu_to_le32(0), text, (u8)len, S_IFREG);
	free(text);
	ntfs_inode_close(root);
	return file;
}

static ntfs_inode *file_create(const char *name)
{
	ntfs_inode *file = file_create_some(name);

	if (!file)
		die("create", name);
	return file;
}

static ntfs_inode *file_open(const char *name)
{
	ntfs_inode *file = ntfs_pathname_to_inode(volume, NULL, name);

	if (!file)
		die("open", name);
	return file;
}

static ntfs_attr *stream_open(ntfs_inode *file, const char *name)
{
	ntfschar *text = AT_UNNAMED;
	int len = *name ? ntfs_mbstoucs(name, (text = NULL, &text)) : 0;
	ntfs_attr *a;

	if (*name && !ntfs_attr_exist(file, AT_DATA, text, (u32)len) &&
		ntfs_attr_add(file, AT_DATA, text, (u8)len, NULL, 0))
		die("add stream", name);
	a = ntfs_attr_open(file, AT_DATA, text, (u32)len);
	if (!a)
		die("open stream", name);
	return a;
}

static char *host_read(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	char *bytes;

	if (!f || fstat(fileno(f), &st) || !(bytes = malloc((size_t)st.st_size + 1)))
		die("read", path);
	*len = fread(bytes, 1, (size_t)st.st_size, f);
	fclose(f);
	return bytes;
}

static void bytes_put(ntfs_inode *file, const char *stream, const char *path)
{
	size_t len;
	char *bytes = host_read(path, &len);
	ntfs_attr *a = stream_open(file, stream);

	if (ntfs_attr_pwrite(a, 0, (s64)len, bytes) != (s64)len)
		die("write", path);
	ntfs_attr_close(a);
	ntfs_inode_close(file);
	free(bytes);
}

static void take_turns(const char *one, const char *other, long clusters, long count)
{
	ntfs_inode *file[2] = { file_create(one), file_create(other) };
	s64 size = volume->cluster_size * clusters;
	char *bytes = malloc((size_t)size);

	for (long i = 0; i < 2 * count; i++) {
		ntfs_attr *a = stream_open(file[i % 2], "");

		memset(bytes, 'a' + (int)(i % 26), (size_t)size);
		if (ntfs_attr_pwrite(a, i / 2 * size, size, bytes) != size) {
			ntfs_attr_close(a);
			break;
		}
		ntfs_attr_close(a);
	}
	free(bytes);
	ntfs_inode_close(file[0]);
	ntfs_inode_close(file[1]);
}

static void file_resize(const char *name, long long size)
{
	ntfs_inode *file = file_open(name);
	ntfs_attr *a = stream_open(file, "");

	if (ntfs_attr_truncate(a, size))
		die("resize", name);
	ntfs_attr_close(a);
	ntfs_inode_close(file);
}

static void file_remove(const char *name)
{
	ntfs_inode *root = ntfs_inode_open(volume, FILE_root);
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(name, &text);

	if (ntfs_delete(volume, name, file_open(name), root, text, (u8)len))
		die("remove", name);
	free(text);
}

static void file_link(const char *name, const char *other)
{
	ntfs_inode *root = ntfs_inode_open(volume, FILE_root), *file = file_open(name);
	ntfschar *text = NULL;
	int len = ntfs_mbstoucs(other, &text);

	if (len < 0 || ntfs_link(file, root, text, (u8)len))
		die("link", name);
	free(text);
	ntfs_inode_close(file);
	ntfs_inode_close(root);
}

static void reparse_set(const char *name, const char *path)
{
	size_t len;
	char *bytes = host_read(path, &len);
	ntfs_inode *file = file_open(name);

	if (ntfs_set_ntfs_reparse_data(file, bytes, len, 0))
		die("reparse", name);
	ntfs_inode_close(file);
	free(bytes);
}

static void command_run(char *line)
{
	char *word[5] = { NULL };
	int n = 0;

	for (char *w = strtok(line, " \n"); w && n < 5; w = strtok(NULL, " \n"))
		word[n++] = w;
	if (n == 3 && !strcmp(word[0], "put")) {
		bytes_put(file_create(word[1]), "", word[2]);
	} else if (n == 5 && !strcmp(word[0], "turns")) {
		take_turns(word[1], word[2], atol(word[3]), atol(word[4]));
	} else if (n == 3 && !strcmp(word[0], "files")) {
		for (long i = 0; i < atol(word[2]); i++) {
			char name[64];
			ntfs_inode *file;

			snprintf(name, sizeof(name), "%s%ld", word[1], i);
			file = file_create_some(name);
			if (!file)
				break;
			ntfs_inode_close(file);
		}
	} else if (n == 4 && !strcmp(word[0], "stream")) {
		bytes_put(file_open(word[1]), word[2], word[3]);
	} else if (n == 3 && !strcmp(word[0], "hole")) {
		file_resize(word[1], 0);
		file_resize(word[1], atoll(word[2]));
	} else if (n == 3 && !strcmp(word[0], "size")) {
		file_resize(word[1], atoll(word[2]));
	} else if (n == 3 && !strcmp(word[0], "link")) {
		file_link(word[1], word[2]);
	} else if (n == 3 && !strcmp(word[0], "reparse")) {
		reparse_set(word[1], word[2]);
	} else if (n == 2 && !strcmp(word[0], "remove")) {
		file_remove(word[1]);
	} else {
		errno = EINVAL;
		die("command", word[0] ? word[0] : "");
	}
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc != 2)
		return 2;
	volume = ntfs_mount(argv[1], 0);
	if (!volume)
		die("mount", argv[1]);
	while (fgets(line, sizeof(line), stdin))
		command_run(line);
	if (ntfs_umount(volume, FALSE))
		die("unmount", argv[1]);
	return 0;
}
