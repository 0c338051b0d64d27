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
		/* More of an lz4 stream is to be found without zeros between. */
		"if [ \"$(head -c 4 root/tail | od -An -tx1)\" = ' 02 21 4c 18' ]; then "
		"lz4 -qdc root/tail >root/plain && mv root/plain root/tail && at=0; else "
		"at=$(LC_ALL=C grep -abo -m1 070701 root/tail | head -1 | cut -d: -f1) && "
		"cmp -n $at root/tail /dev/zero && test $(((size + at) %% 512)) = 0; fi && "
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

/* Its own modprobe resolves them, the old ones and the new ones. */
static void expect_resolved(struct sample *s, const char *root)
{
	char command[1024];

	snprintf(command, sizeof(command),
		"cd %s/root/initramfs && modprobe -d $PWD/%s -S " VERSION
		" --show-depends hv_storvsc >../storvsc && modprobe -d $PWD/%s -S " VERSION
		" --show-depends virtio:d00000002v00001af4 >../virtio && "
		"for f in $(sed 's/^insmod //' ../storvsc ../virtio); do test -f $f || exit 1; "
		"done && "
		"grep -q scsi_mod.ko ../storvsc && grep -q virtio_blk.ko ../virtio && "
		"! test -e %s/lib/modules/" VERSION "/kernel/drivers/hv/hv_balloon.ko",
		s->directory, root, root, root);
	run(command);
}

static void expect_injected(struct sample *s, const char *root)
{
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
	expect_resolved(s, root);
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

/* Generators other than initramfs-tools: what the made-up initramfs becomes, the file that names
 * modules to load, and what that must be. */
static void generator(const char *mutate, const char *load_file, const char *text)
{
	struct sample s;
	char settings[1024], file[128];

	snprintf(settings, sizeof(settings),
		"MUTATE='rm -r $I/conf $I/scripts usr/sbin/mkinitramfs; %s'", mutate);
	inject_with(&s, settings, "1048576");
	snprintf(file, sizeof(file), "initramfs/main/%s", load_file);
	expect_text(&s, file, text);
	expect_resolved(&s, "main/usr");
	expect_settled(&s, "hyperv");
	sample_remove(&s);
}

/* What a generator of the installed system is told: commands in the guest's tree, the file, and its
 * text afterwards. */
static void persists(const char *mutate, const char *file, const char *text)
{
	struct sample s;
	char settings[1024], command[512];

	snprintf(settings, sizeof(settings), "MUTATE='rm usr/sbin/mkinitramfs; %s'", mutate);
	sample_make(&s, settings);
	sample_open(&s, true);
	apply(&s, "hyperv", 0);
	expect_ready(&s, "hyperv-gen1");
	sample_save(&s);
	snprintf(command, sizeof(command),
		"cd %s && mkdir -p root && debugfs -R 'dump %s root/told' 'image?offset=1048576' "
		"2>/dev/null",
		s.directory, file);
	run(command);
	expect_text(&s, "told", text);
	expect_settled(&s, "hyperv");
	sample_remove(&s);
}

#define TITLE "# Drivers of the hypervisors that this image is for.\n"
#define NAMES "hv_vmbus hv_storvsc sd_mod hv_netvsc hid-hyperv"

static void test_persistent(void **state)
{
	static const char arch[] = "mkdir -p etc/mkinitcpio.d; "
				   "echo \"%s\" >etc/mkinitcpio.conf; "
				   "echo \"# default_config=x\" >etc/mkinitcpio.d/linux.preset; "
				   "echo /etc/mkinitcpio.conf.d >usr/bin/mkinitcpio; %s";
	char mutate[512];

	(void)state;
	persists("echo x >usr/bin/dracut", "/etc/dracut.conf.d/90-hvimg.conf",
		TITLE "add_drivers+=\" " NAMES " \"\n");
	persists("echo x >usr/bin/dracut; mkdir -p etc/dracut.conf.d; "
		 "echo \"force_drivers+=\\\" hv_vmbus sd_mod \\\"\" >etc/dracut.conf.d/x.conf",
		"/etc/dracut.conf.d/90-hvimg.conf",
		TITLE "add_drivers+=\" hv_storvsc hv_netvsc hid-hyperv \"\n");
	snprintf(mutate, sizeof(mutate), arch, "MODULES=(ext4)", "");
	persists(mutate, "/etc/mkinitcpio.conf.d/hvimg.conf", TITLE "MODULES+=(" NAMES ")\n");
	snprintf(mutate, sizeof(mutate), arch, "MODULES=(ext4)",
		"echo ALL_config=x >>etc/mkinitcpio.d/linux.preset");
	persists(mutate, "/etc/mkinitcpio.conf", "MODULES=(ext4)\nMODULES+=(" NAMES ")\n");
	snprintf(mutate, sizeof(mutate), arch, "MODULES=\\\"ext4 sd_mod\\\"",
		"echo x >usr/bin/mkinitcpio");
	persists(mutate, "/etc/mkinitcpio.conf",
		"MODULES=\"ext4 sd_mod\"\nMODULES+=\" hv_vmbus hv_storvsc hv_netvsc "
		"hid-hyperv\"\n");
}

#define NAMES_LINES "hv_vmbus\nhv_storvsc\nsd_mod\nhv_netvsc\nhid-hyperv\n"

static void test_generators(void **state)
{
	static const char systemd[] =
		"mkdir -p $I/etc $I/usr/lib/systemd/system/sysinit.target.wants;"
		"echo x >$I/usr/lib/systemd/systemd-modules-load;"
		"ln -s ../systemd-modules-load.service "
		"$I/usr/lib/systemd/system/sysinit.target.wants/;";
	char mutate[512];

	(void)state;
	snprintf(mutate, sizeof(mutate), "%s mkdir -p $I/usr/lib/dracut/hooks", systemd);
	generator(mutate, "etc/modules-load.d/hvimg.conf", NAMES_LINES);
	generator("mkdir -p $I/usr/lib/dracut/hooks $I/etc/cmdline.d",
		"etc/cmdline.d/90-hvimg.conf",
		"rd.driver.pre=hv_vmbus,hv_storvsc,sd_mod,hv_netvsc,hid-hyperv\n");
	snprintf(mutate, sizeof(mutate), "%s >$I/buildconfig; >$I/config", systemd);
	generator(mutate, "etc/modules-load.d/hvimg.conf", NAMES_LINES);
	generator(">$I/init_functions;"
		  "printf \"MODULES=\\\"ext4 sd_mod\\\"\\nHOOKS=\\\"udev\\\"\" >$I/config",
		"config",
		"MODULES=\"ext4 sd_mod\"\nHOOKS=\"udev\"\n"
		"MODULES=\"$MODULES hv_vmbus hv_storvsc hv_netvsc hid-hyperv\"\n");
}

/* What dracut wrote for the machine that it ran on. */
static void test_initramfs_names(void **state)
{
	static const char dracut[] = "MUTATE='rm -r $I/conf $I/scripts usr/sbin/mkinitramfs;"
				     "H=$I/usr/lib/dracut/hooks/initqueue/finished;"
				     "mkdir -p $H $I/etc/cmdline.d;"
				     "echo root=/dev/vda1 ro >$I/etc/cmdline.d/95root-dev.conf;"
				     "echo \"[ -e \\\"/dev/vda1\\\" ]\" "
				     ">$H/devexists-\\\\x2fdev\\\\x2fvda1.sh; %s'";
	static const char units[] = "U=$I/etc/systemd/system/initrd.target.wants;mkdir -p $U;"
				    "ln -s ../x.device $U/dev-vda1.device;"
				    "ln -s ../x $U/dev-disk-by\\\\x2duuid-1.device";
	static const char by_uuid[] = "/dev/disk/by-uuid/11111111-2222-3333-4444-555555555555";
	char settings[1024], text[256];
	struct readiness r;
	struct sample s;

	(void)state;
	snprintf(settings, sizeof(settings), dracut, "");
	inject_with(&s, settings, "1048576");
	snprintf(text, sizeof(text), "root=%s ro\n", by_uuid);
	expect_text(&s, "initramfs/main/etc/cmdline.d/95root-dev.conf", text);
	snprintf(text, sizeof(text), "[ -e \"%s\" ]\n", by_uuid);
	expect_text(&s,
		"initramfs/main/usr/lib/dracut/hooks/initqueue/finished/"
		"devexists-\\x2fdev\\x2fvda1.sh",
		text);
	expect_settled(&s, "hyperv");
	sample_remove(&s);

	/* A unit that is waited for can't be taken out. */
	snprintf(settings, sizeof(settings), dracut, units);
	sample_make(&s, settings);
	sample_open(&s, false);
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "initramfs-device-name", NULL), 3);
	assert_int_equal(findings(&r.findings, "initramfs-device-name", "waits for /dev/vda1"), 2);
	assert_int_equal(findings(&r.findings, "initramfs-device-name", "dev-vda1.device"), 1);
	assert_false(r.fixable);
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

/* Where an initramfs has its modules elsewhere, or packed otherwise, than the guest has. */
static void test_modules_packed(void **state)
{
	static const char pack[] = "find $M -name \"*.ko\" -exec %s {} +;"
				   "sed -i s/[.]ko/.ko.%s/g $M/modules.dep;%s";
	static const struct {
		const char *program, *suffix, *more, *added;
	} kinds[] = {
		{ "xz", "xz", "", "hv_storvsc.ko" },
		{ "gzip -n", "gz", "", "hv_storvsc.ko" },
		{ "zstd -q --rm", "zst", "", "hv_storvsc.ko" },
		{ "xz", "xz", ">$I/usr/lib/liblzma.so.5; >$I/usr/lib/libkmod.so.2",
			"hv_storvsc.ko.xz" },
		{ "zstd -q --rm", "zst",
			"cp $M/kernel/drivers/block/virtio_blk.ko.zst "
			"$I/usr/lib/modules/$V/kernel/drivers/block/",
			"hv_storvsc.ko.zst" },
		{ "true", "ko",
			"sed -i s/.ko.ko/.ko/g $M/modules.dep;"
			"mv $I/usr/lib/modules/$V/kernel/drivers/block/virtio_blk.ko "
			"$I/usr/lib/modules/$V/kernel/",
			"hv_storvsc.ko" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct sample s;
		char settings[1024], mutate[512];

		snprintf(mutate, sizeof(mutate), pack, kinds[i].program, kinds[i].suffix,
			kinds[i].more);
		snprintf(settings, sizeof(settings), "MUTATE='%s'", mutate);
		inject_with(&s, settings, "1048576");
		expect_resolved(&s, "main/usr");
		snprintf(settings, sizeof(settings), "grep -q '/%s *$' %s/root/storvsc",
			kinds[i].added, s.directory);
		run(settings);
		if (!strcmp(kinds[i].added, "hv_storvsc.ko"))
			expect_module(&s, "main/usr", "kernel/drivers/scsi/hv_storvsc.ko");
		expect_settled(&s, "hyperv");
		sample_remove(&s);
	}
}

/* A kernel that takes nothing behind an lz4 stream but more of it. */
static void test_lz4_old(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s, "V=5.4.0-1 COMPRESS=lz4");
	sample_open(&s, true);
	apply(&s, "hyperv", 0);
	expect_ready(&s, "hyperv-gen1");
	sample_save(&s);
	expect_settled(&s, "hyperv");
	sample_remove(&s);
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
	refused("AFTER='printf \"feature needs_recovery\\nzap_block -f <8> 0\\n\" | "
		"debugfs -w \"$IMAGE?offset=1048576\" >/dev/null 2>&1'",
		"hyperv");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_generators),
		cmocka_unit_test(test_persistent),
		cmocka_unit_test(test_initramfs_names),
		cmocka_unit_test(test_modules_packed),
		cmocka_unit_test(test_lz4_old),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_boot_volume),
		cmocka_unit_test(test_unmerged),
		cmocka_unit_test(test_old_tools),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
