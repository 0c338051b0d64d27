/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * linux-boot RAW BIOS_OFF BIOS_SIZE ESP_OFF ESP_SIZE ROOT_OFF ROOT_SIZE ROOT_UUID ESP_UUID: makes
 * the guest of a raw image start, in place, and prints the notes, "CODE: TEXT" a line.  Numbers are
 * sectors of 512 bytes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/slice.h"
#include "guest/linux_boot.h"

static struct error e;

struct file_disk {
	struct disk disk;
	int fd;
};

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, e.text);
	exit(1);
}

static int file_read(struct disk *d, uint64_t off, void *buf, size_t len, struct error *why)
{
	const ssize_t got = pread(((struct file_disk *)d)->fd, buf, len, (off_t)off);

	return got == (ssize_t)len ? 0 : error_set(why, ERR_IO, "read");
}

static int file_write(struct disk *d, uint64_t off, const void *buf, size_t len, struct error *why)
{
	const ssize_t put = pwrite(((struct file_disk *)d)->fd, buf, len, (off_t)off);

	return put == (ssize_t)len ? 0 : error_set(why, ERR_IO, "write");
}

static void file_close(struct disk *d)
{
	(void)d;
}

static const struct disk_ops file_ops = {
	.read = file_read, .write = file_write, .close = file_close
};

static struct fs *volume_open(
	struct disk *d, const char *start, const char *count, struct disk **slice)
{
	struct fs *fs;

	must(slice_open(d, strtoull(start, NULL, 10) * 512, strtoull(count, NULL, 10) * 512, slice,
		     &e),
		"partition");
	must(fs_open(*slice, true, &fs, &e), "file system");
	return fs;
}

int main(int argc, char **argv)
{
	struct file_disk file = { .disk = { .ops = &file_ops, .logical_sector = 512 } };
	struct linux_boot boot = { .disk = &file.disk, .mtime = 1735689600, .tmpdir = "/var/tmp" };
	struct disk *esp, *root;
	struct report notes = { 0 };
	struct stat st;

	if (argc != 10 || (file.fd = open(argv[1], O_RDWR)) < 0 || fstat(file.fd, &st)) {
		fprintf(stderr, "no image\n");
		return 2;
	}
	file.disk.size = (uint64_t)st.st_size;
	boot.bios_off = strtoull(argv[2], NULL, 10) * 512;
	boot.bios_size = strtoull(argv[3], NULL, 10) * 512;
	boot.esp = volume_open(&file.disk, argv[4], argv[5], &esp);
	boot.root = volume_open(&file.disk, argv[6], argv[7], &root);
	boot.root_uuid = argv[8];
	boot.esp_uuid = argv[9];
	must(linux_boot_install(&boot, &notes, &e), "linux_boot_install");
	for (size_t i = 0; i < notes.count; i++)
		printf("%s: %s\n", notes.finding[i].code, notes.finding[i].text);
	report_free(&notes);
	fs_close(boot.root);
	fs_close(boot.esp);
	disk_close(root);
	disk_close(esp);
	return close(file.fd) ? 1 : 0;
}
