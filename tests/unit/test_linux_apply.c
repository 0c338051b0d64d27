/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Linux guest made ready, then looked at by hvimg and by e2fsprogs, cpio and modprobe. */
#include "linux_sample.h"

/*
 * Dumps guest files next to the image, lets e2fsck judge the file system, and unpacks the initramfs
 * as the kernel would: the old archives, which must be there unchanged, then after zeros the new
 * one over them.  (unmkinitramfs and lsinitramfs of Debian 12 stop at the end of the first archive
 * that is not microcode.)  `boot_offset`: of the volume with /boot.
 */
static void outside_look(struct sample *s, const char *boot_offset)
{
	const char *boot = strcmp(boot_offset, "1048576") ? "" : "/boot";
	char command[4096];

	snprintf(command, sizeof(command),
		"cd %s && rm -rf root && mkdir root && exec 2>root/log && "
		"e2fsck -fn 'image?offset=1048576' >root/fsck && "
		"e2fsck -fn 'image?offset=%s' >>root/fsck && "
		"for f in /etc/fstab /etc/default/grub /etc/initramfs-tools/modules "
		"/usr/share/initramfs-tools/modules.d/hvimg; do "
		"debugfs -R \"dump $f root/${f##*/}\" 'image?offset=1048576'; done && "
		"debugfs -R 'dump %s/grub/grub.cfg root/grub.cfg' 'image?offset=%s' && "
		"debugfs -R 'dump %s/initrd.img-" VERSION " root/new' 'image?offset=%s' && "
		"debugfs -R 'dump %s/initrd.img-" VERSION " root/old' 'image.old?offset=%s' && "
		"size=$(stat -c %%s root/old) && cmp -n $size root/old root/new && "
		"tail -c +$((size + 1)) root/new >root/tail && "
		"at=$(LC_ALL=C grep -abo -m1 070701 root/tail | head -1 | cut -d: -f1) && "
		"cmp -n $at root/tail /dev/zero && test $(((size + at) %% 512)) = 0 && "
		/* One that is not compressed looks like a second microcode archive to it. */
		"{ unmkinitramfs root/old root/initramfs || test -d root/initramfs/early2; } && "
		"cd root/initramfs && { test ! -d early2 || { rm -rf main && mv early2 main; }; } "
		"&& "
		"cd main && "
		"tail -c +$((at + 1)) ../../tail | cpio --quiet -idu",
		s->directory, boot_offset, boot, boot_offset, boot, boot_offset, boot, boot_offset);
	run(command);
}

static void expect_text(struct sample *s, const char *file, const char *text)
{
	char path[256], have[4096];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/root/%s", s->directory, file);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("no %s", file);
	len = fread(have, 1, sizeof(have) - 1, f);
	fclose(f);
	have[len] = 0;
	assert_string_equal(have, text);
}

static void apply(struct sample *s, const char *targets, int wanted)
{
	struct target_list l;
	struct error e = { 0 };
	int rc;

	assert_int_equal(targets_load("recipes", targets, &l, &e), 0);
	rc = guest_image_apply(s->g, &(struct guest_changes){ .targets = &l }, &e);
	if (rc != wanted)
		fail_msg("%d: %s", rc, e.text);
	targets_free(&l);
}

static void expect_ready(struct sample *s, const char *target)
{
	struct readiness r = readiness_of(s, target);

	findings_print(&r.findings);
	assert_true(r.ready);
	/* Of the planted faults, only a disk that is not here can't be named otherwise. */
	assert_int_equal(
		r.findings.count, findings(&r.findings, "unstable-device-name", "/dev/vdb"));
	readiness_free(&r);
}

/* Once more: nothing may change. */
static void expect_settled(struct sample *s, const char *targets)
{
	struct error e = { 0 };

	sample_open(s, true);
	apply(s, targets, 0);
	assert_int_equal(guest_image_sync(s->g, &e), 0);
	assert_int_equal(s->journal.count, 0);
	assert_int_equal(overlay_used(s->overlay), 0);
	sample_shut(s);
}

static const char fstab[] = "# root was on /dev/vda1 once\n" ROOT_UUID
			    " / ext4 defaults 0 1\n/dev/vdb /mnt ext4 nofail 0 2\n";
static const char grub_cfg[] = "# GRUB\nset timeout=5\n\tlinux /boot/vmlinuz-" VERSION
			       " root=" ROOT_UUID
			       " ro console=ttyS0\n\tinitrd /boot/initrd.img-" VERSION "\n";
static const char load[] = "virtio_blk\nhv_vmbus\nhv_storvsc\nsd_mod\nhv_netvsc\nhid-hyperv\n";

/* What the script's modules are filled with. */
static void expect_module(struct sample *s, const char *root, const char *path)
{
	char file[256], text[256];

	snprintf(file, sizeof(file), "initramfs/%s/lib/modules/" VERSION "/%s", root, path);
	snprintf(text, sizeof(text), "module %s\n", path);
	expect_text(s, file, text);
}

static void expect_injected(struct sample *s, const char *root)
{
	char command[512];

	expect_text(s, "fstab", fstab);
	expect_text(s, "grub", "GRUB_CMDLINE_LINUX=\"root=" ROOT_UUID " quiet\"\n");
	expect_text(s, "grub.cfg", grub_cfg);
	expect_text(s, "initramfs/main/conf/modules", load);
	expect_text(s, "initramfs/main/conf/initramfs.conf", "MODULES=list\n");
	expect_text(s, "initramfs/main/init", "#!/bin/sh\n");
	expect_module(s, root, "kernel/drivers/block/virtio_blk.ko");
	expect_module(s, root, "kernel/drivers/hv/hv_vmbus.ko");
	expect_module(s, root, "kernel/drivers/scsi/hv_storvsc.ko");
	expect_module(s, root, "kernel/drivers/scsi/scsi_common.ko");
	expect_module(s, root, "kernel/crypto/crct10dif_common.ko");
	expect_module(s, root, "kernel/drivers/net/hyperv/hv_netvsc.ko");
	expect_module(s, root, "kernel/drivers/hid/hid-hyperv.ko");
	/* Its own modprobe resolves them, the old ones and the new ones. */
	snprintf(command, sizeof(command),
		"cd %s/root/initramfs && modprobe -d $PWD/%s -S " VERSION
		" --show-depends hv_storvsc >../storvsc && modprobe -d $PWD/%s -S " VERSION
		" --show-depends virtio:d00000002v00001af4 >../virtio && "
		"grep -q scsi_mod.ko ../storvsc && grep -q virtio_blk.ko ../virtio && "
		"! test -e %s/lib/modules/" VERSION "/kernel/drivers/hv/hv_balloon.ko",
		s->directory, root, root, root);
	run(command);
}

static void inject_with(struct sample *s, const char *settings, const char *boot_offset)
{
	char command[256];

	sample_make(s, settings);
	snprintf(command, sizeof(command), "cp %s %s.old", s->image, s->image);
	run(command);
	sample_open(s, true);
	apply(s, "hyperv", 0);
	expect_ready(s, "hyperv-gen1");
	sample_save(s);
	sample_open(s, false);
	expect_ready(s, "hyperv-gen1");
	sample_shut(s);
	outside_look(s, boot_offset);
}

static void test_apply(void **state)
{
	static const char *const kinds[] = { "none", "gzip", "zstd", "xz", "lz4" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct sample s;
		char settings[64], command[128];

		snprintf(settings, sizeof(settings), "COMPRESS=%s", kinds[i]);
		inject_with(&s, settings, "1048576");
		expect_injected(&s, "main/usr");
		expect_text(&s, "hvimg",
			"# Drivers of the hypervisors that this image is for.\n"
			"hv_vmbus\nhv_storvsc\nsd_mod\nhv_netvsc\nhid-hyperv\n");
		expect_text(&s, "modules", "# List of modules\nvirtio_blk\n");
		snprintf(command, sizeof(command), "test -L %s/root/initramfs/main/lib",
			s.directory);
		run(command);
		expect_settled(&s, "hyperv");
		sample_remove(&s);
	}
}

static void test_journal(void **state)
{
	static const char *const paths[] = { "/boot/grub/grub.cfg", ("/boot/initrd.img-" VERSION),
		"/etc/default/grub", "/etc/fstab", "/usr/share/initramfs-tools/modules.d/hvimg" };
	struct sample s;

	(void)state;
	sample_make(&s, "");
	sample_open(&s, true);
	apply(&s, "hyperv-gen1", 0);
	assert_int_equal(s.journal.count, 5);
	for (size_t i = 0; i < 5; i++) {
		size_t seen = 0;

		for (size_t j = 0; j < 5; j++)
			seen += !strcmp(s.journal.edit[j].path, paths[i]);
		assert_int_equal(seen, 1);
	}
	sample_shut(&s);
	sample_remove(&s);
}

static void test_boot_volume(void **state)
{
	struct sample s;

	(void)state;
	inject_with(&s, "TABLE=boot", "34603008");
	expect_text(&s, "initramfs/main/conf/modules", load);
	expect_text(&s, "grub.cfg", grub_cfg);
	expect_settled(&s, "hyperv");
	sample_remove(&s);
}

/* lib is a directory of its own in initramfs of older guests. */
static void test_unmerged(void **state)
{
	struct sample s;

	(void)state;
	inject_with(&s, "MUTATE='rm $I/lib; mv $I/usr/lib $I/lib'", "1048576");
	expect_injected(&s, "main");
	expect_settled(&s, "hyperv");
	sample_remove(&s);
}

static void test_old_tools(void **state)
{
	struct sample s;

	(void)state;
	inject_with(&s, "MUTATE='echo old >usr/sbin/mkinitramfs'", "1048576");
	expect_text(&s, "modules",
		"# List of "
		"modules\nvirtio_blk\nhv_vmbus\nhv_storvsc\nsd_mod\nhv_netvsc\nhid-hyperv\n");
	expect_settled(&s, "hyperv");
	sample_remove(&s);
}

/* Refused: not one byte goes to the disk. */
static void refused(const char *settings, const char *targets)
{
	struct sample s;
	struct error e = { 0 };

	sample_make(&s, settings);
	sample_open(&s, true);
	apply(&s, targets, -ERR_NOTREADY);
	assert_int_equal(s.journal.count, 0);
	assert_int_equal(guest_image_sync(s.g, &e), 0);
	assert_int_equal(overlay_used(s.overlay), 0);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_refused(void **state)
{
	(void)state;
	refused("", "hyperv-gen2");
	refused("", "hyperv,hyperv-gen2");
	refused("MUTATE='sed -i /hv_storvsc.ko:/d $M/modules.dep'", "hyperv");
	refused("MUTATE='rm etc/os-release usr/lib/os-release'", "hyperv");
	refused("AFTER='debugfs -w -R \"feature needs_recovery\" \"$IMAGE?offset=1048576\" "
		">/dev/null 2>&1'",
		"hyperv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_boot_volume),
		cmocka_unit_test(test_unmerged),
		cmocka_unit_test(test_old_tools),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
