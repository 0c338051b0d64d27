/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GRUB for a BIOS, as grub-install leaves it: its modules in /boot, boot.img in the first sector,
 * core.img in the BIOS boot partition. */
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "guest/grub_core.h"
#include "guest/linux_boot_private.h"

enum {
	/* boot.img, include/grub/i386/pc/boot.h of GRUB 2 */
	CODE_SIZE = 440, /* behind it the disk's id and the partition table */
	KERNEL_SECTOR = 0x5c,
	DRIVE_CHECK = 0x66,
	CONFIG_LIMIT = 512,
};

#define PLATFORM "i386-pc"

/* The drive number that the BIOS gives is trusted: two NOPs in place of a jump, as for any hard
 * disk. */
static int boot_sector_write(
	const struct linux_boot *job, const struct buffer *boot, struct error *e)
{
	const le64 core = put_le64(job->bios_off / GRUB_SECTOR);
	uint8_t sector[GRUB_SECTOR];
	int rc = disk_read(job->disk, 0, sector, sizeof(sector), e);

	if (rc)
		return rc;
	memcpy(sector, boot->data, CODE_SIZE);
	memcpy(sector + KERNEL_SECTOR, &core, sizeof(core));
	memset(sector + DRIVE_CHECK, 0x90, 2);
	return disk_write(job->disk, 0, sector, sizeof(sector), e);
}

static int boot_sector_install(struct booting *b, const struct grub_core *c, struct error *e)
{
	struct buffer boot = { 0 }, path = { 0 };
	int rc = grub_file_read(c, "boot.img", GRUB_SECTOR, &boot, e);

	if (!rc && (boot.len != GRUB_SECTOR || boot.data[0] != 0xeb || boot.data[1] != 0x63))
		rc = error_set(e, ERR_CORRUPT, "%s/boot.img: not GRUB's boot sector", c->directory);
	if (!rc)
		rc = buffer_format(&path, e, "%s/" PLATFORM "/boot.img", b->grub);
	if (!rc)
		rc = booting_put(b, b->root, buffer_text(&path), boot.data, boot.len, e);
	if (!rc)
		rc = boot_sector_write(b->job, &boot, e);
	buffer_free(&boot);
	buffer_free(&path);
	return rc;
}

static int core_install(struct booting *b, const struct grub_core *c, struct error *e)
{
	const struct linux_boot *job = b->job;
	struct buffer core = { 0 }, path = { 0 };
	int rc = grub_core_make(c, &core, e);

	if (!rc && core.len > job->bios_size)
		rc = error_set(e, ERR_RANGE,
			"GRUB's core image has %zu bytes, the BIOS boot partition %llu", core.len,
			(unsigned long long)job->bios_size);
	if (!rc)
		rc = disk_write(job->disk, job->bios_off, core.data, core.len, e);
	if (!rc)
		rc = buffer_format(&path, e, "%s/" PLATFORM "/core.img", b->grub);
	if (!rc)
		rc = booting_put(b, b->root, buffer_text(&path), core.data, core.len, e);
	buffer_free(&core);
	buffer_free(&path);
	return rc;
}

static int grub_install(struct booting *b, struct error *e)
{
	static const char *const wanted[] = { "biosdisk", "part_gpt", "ext2", "search_fs_uuid" };
	struct strings modules = { 0 };
	struct buffer config = { 0 };
	struct grub_core c = { .tree = b->root,
		.directory = "/usr/lib/grub/" PLATFORM,
		.modules = &modules,
		.prefix = b->grub,
		.sector = b->job->bios_off / GRUB_SECTOR };
	int rc = booting_modules_copy(b, PLATFORM, e);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && !rc; i++)
		rc = strings_add(&modules, wanted[i], e);
	if (!rc)
		rc = buffer_format(&config, e, "search.fs_uuid %s root \nset prefix=($root)'%s'\n",
			b->job->root_uuid, b->grub);
	c.config = buffer_text(&config);
	if (!rc)
		rc = core_install(b, &c, e);
	if (!rc)
		rc = boot_sector_install(b, &c, e);
	strings_free(&modules);
	buffer_free(&config);
	return rc;
}

int booting_bios(struct booting *b, bool *done, struct error *e)
{
	*done = b->job->bios_size && !strcmp(b->arch, "x86_64") &&
		tree_is(b->root, "/usr/lib/grub/" PLATFORM "/kernel.img", S_IFREG);
	if (!*done)
		return 0;
	b->menu = true;
	return grub_install(b, e);
}
