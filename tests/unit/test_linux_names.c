/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of disks wherever a guest's configuration has them: found, told of, replaced. */
#include "guest_edit.h"

static const char uuid[] = "11111111-2222-3333-4444-555555555555";

/* The code and no other of these pieces is told of; after an injection it no longer is. */
static void planted(const char *settings, const char *code, const char *says, size_t count)
{
	static const char *const codes[] = { "unstable-device-name", "resume-missing",
		"device-map-stale", "grub-uuid-disabled", "lvm-filter-device", "raid-device-named",
		"grub-install-device" };
	struct sample s;
	struct readiness r;

	sample_make(&s, settings);
	sample_open(&s, true);
	r = readiness_of(&s, "hyperv-gen1");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		const size_t seen = findings(&r.findings, codes[i], NULL);

		if (seen != (strcmp(codes[i], code) ? 0 : count)) {
			findings_print(&r.findings);
			fail_msg("%zu %s with %s", seen, codes[i], settings);
		}
	}
	assert_int_equal(findings(&r.findings, code, says), count);
	readiness_free(&r);
	inject(&s, "hyperv-gen1");
	r = readiness_of(&s, "hyperv-gen1");
	if (findings(&r.findings, code, NULL)) {
		findings_print(&r.findings);
		fail_msg("%s is still told of", code);
	}
	readiness_free(&r);
	sample_save(&s);
	expect_no_change(&s, "hyperv-gen1");
	sample_remove(&s);
}

/* A guest without faults of its own names. */
#define CLEAN                                                                                      \
	"sed -i s,/dev/vda1,UUID=11111111-2222-3333-4444-555555555555, etc/fstab "                 \
	"etc/default/grub boot/grub/grub.cfg; sed -i /vdb/d etc/fstab; "

static void test_planted(void **state)
{
	(void)state;
	planted("MUTATE='" CLEAN "mkdir -p boot/loader/entries; "
		"echo options root=/dev/xvda1 ro >boot/loader/entries/a.conf'",
		"unstable-device-name", "/dev/xvda1", 1);
	planted("MUTATE='" CLEAN "mkdir -p etc/kernel; printf \"root=/dev/nvme0n1p1 ro\" "
		">etc/kernel/cmdline'",
		"unstable-device-name", "/dev/nvme0n1p1", 1);
	planted("MUTATE='" CLEAN "echo root=/dev/mmcblk0p1 >boot/extlinux.conf'",
		"unstable-device-name", "/dev/mmcblk0p1", 1);
	planted("MUTATE='" CLEAN "mkdir etc/dracut.conf.d; "
		"echo add_device+=\\\" /dev/vda1 \\\" >etc/dracut.conf.d/x.conf'",
		"unstable-device-name", "/dev/vda1", 1);
	planted("MUTATE='" CLEAN "echo \"/dev/disk/by-path/pci-0000:00:04.0-part1 / ext4 x 0 1\" "
		">etc/fstab'",
		"unstable-device-name", "/dev/disk/by-path/pci-0000:00:04.0-part1", 1);
	planted("MUTATE='" CLEAN "sed -i s,root=UUID=.*-5*,root=/dev/disk/by-id/virtio-ab-part1, "
		"etc/default/grub'",
		"unstable-device-name", "/dev/disk/by-id/virtio-ab-part1", 1);
	planted("MUTATE='" CLEAN "sed -i s/quiet/resume=UUID=77777777-0000-0000-0000-0123456789ab/ "
		"etc/default/grub'",
		"resume-missing", "77777777", 1);
	planted("MUTATE='" CLEAN "sed -i \"s,ro ,ro resume=/dev/vda5 ,\" boot/grub/grub.cfg'",
		"resume-missing", "/dev/vda5", 1);
	planted("MUTATE='" CLEAN "mkdir etc/initramfs-tools/conf.d; echo RESUME=LABEL=swap "
		">etc/initramfs-tools/conf.d/resume'",
		"resume-missing", "LABEL=swap", 1);
	planted("MUTATE='" CLEAN "echo \"(hd0) /dev/vda\" >boot/grub/device.map'",
		"device-map-stale", "line 1", 1);
	planted("MUTATE='" CLEAN "echo GRUB_DISABLE_LINUX_UUID=\\\"true\\\" >>etc/default/grub'",
		"grub-uuid-disabled", "line 2", 1);
}

/* Told of, though not mended. */
static void test_told(void **state)
{
	/* What makes the second partition one of LVM's. */
	static const char lvm[] =
		"TABLE=mbr AFTER='w() { dd of=$IMAGE bs=1 seek=$1 conv=notrunc status=none; }; "
		"printf LABELONE | w 34603520; printf \"LVM2 001\" | w 34603544'";
	char settings[1024];
	struct sample s;
	struct readiness r;

	(void)state;
	snprintf(settings, sizeof(settings),
		"%s MUTATE='%s mkdir etc/lvm; echo \"filter = [ "
		"\\\"a|^/dev/vda2$|\\\", \\\"r|.*|\\\" ]\" >etc/lvm/lvm.conf; "
		"echo /dev/vda >etc/default/grub_installdevice'",
		lvm, CLEAN);
	sample_make(&s, settings);
	sample_open(&s, false);
	assert_string_equal(guest_image_filesystems(s.g)[1].type, "LVM2_member");
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "lvm-filter-device", "line 1"), 1);
	assert_int_equal(findings(&r.findings, "grub-install-device", "line 1"), 1);
	assert_false(r.fixable);
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

/* What names a file system by itself, or is a comment, is no fault. */
static void test_clean(void **state)
{
	struct sample s;
	struct readiness r;

	(void)state;
	sample_make(&s,
		"MUTATE='" CLEAN "echo \"/dev/mapper/vg-home /home ext4 x 0 0\" >>etc/fstab; "
		"echo \"/dev/vg/var /var ext4 x 0 0\" >>etc/fstab; "
		"echo \"# GRUB_DISABLE_LINUX_UUID=true\" >>etc/default/grub; "
		"echo \"# (hd0) /dev/vda\" >boot/grub/device.map; "
		"mkdir -p etc/initramfs-tools/conf.d; "
		"echo RESUME=UUID=11111111-2222-3333-4444-555555555555 "
		">etc/initramfs-tools/conf.d/resume; "
		"echo \"x resume=/dev/mapper/vg-swap resume=none\" >etc/default/grub'");
	sample_open(&s, false);
	r = readiness_of(&s, "hyperv-gen1");
	/* The modules of the target, which this is not about. */
	assert_int_equal(r.findings.count,
		findings(&r.findings, "initramfs-module-missing", NULL) +
			findings(&r.findings, "persistent-drop-in-missing", NULL));
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

/* Exactly the name changes. */
static void test_bytes(void **state)
{
	struct sample s;
	char expected[256];

	(void)state;
	sample_make(&s,
		"MUTATE='mkdir -p etc/dracut.conf.d etc/initramfs-tools/conf.d; "
		"printf \"add_device+=\\\" /dev/vda1 \\\" # x\" >etc/dracut.conf.d/x.conf; "
		"echo RESUME=/dev/vda9 >etc/initramfs-tools/conf.d/resume; "
		"printf \"A=\\\"a resume=/dev/vdz9 b\\\"\\nB=\\\"resume=UUID=1 c\\\"\\n"
		"C=\\\"resume=/dev/vda1\\\"\\n\" >etc/default/grub; "
		"printf \"(hd0)\\t/dev/vda\\n(hd1) /dev/mapper/x\\n\" >boot/grub/device.map'");
	sample_open(&s, true);
	inject(&s, "hyperv-gen1");
	sample_save(&s);
	snprintf(expected, sizeof(expected), "add_device+=\" /dev/disk/by-uuid/%s \" # x", uuid);
	expect_file(&s, ROOT_OFFSET, "/etc/dracut.conf.d/x.conf", expected);
	expect_file(&s, ROOT_OFFSET, "/etc/initramfs-tools/conf.d/resume", "RESUME=none\n");
	snprintf(expected, sizeof(expected), "A=\"a b\"\nB=\"c\"\nC=\"resume=UUID=%s\"\n", uuid);
	expect_file(&s, ROOT_OFFSET, "/etc/default/grub", expected);
	expect_file(&s, ROOT_OFFSET, "/boot/grub/device.map",
		"# (hd0)\t/dev/vda\n(hd1) /dev/mapper/x\n");
	sample_remove(&s);
}

/* An environment block keeps its size; one without room keeps its bytes, and that is said. */
static void test_environment(void **state)
{
	struct sample s;
	struct readiness r;
	char have[2048], expected[256];

	(void)state;
	sample_make(&s,
		"MUTATE='" CLEAN
		"{ printf \"# GRUB Environment Block\\nkernelopts=root=/dev/vda1 ro\\n\"; "
		"printf \"%1024s\" | tr \" \" \"#\"; } | head -c 1024 >boot/grub/grubenv'");
	sample_open(&s, true);
	inject(&s, "hyperv-gen1");
	sample_save(&s);
	snprintf(expected, sizeof(expected), "# GRUB Environment Block\nkernelopts=root=UUID=%s ro",
		uuid);
	/* Other words may follow. */
	assert_int_equal(
		read_file(&s, ROOT_OFFSET, "/boot/grub/grubenv", have, sizeof(have)), 1024);
	assert_memory_equal(have, expected, strlen(expected));
	assert_string_equal(have + 1000, "########################");
	sample_remove(&s);

	sample_make(&s,
		"MUTATE='" CLEAN
		"{ printf \"# GRUB Environment Block\\nkernelopts=root=/dev/vda1 ro\\n\"; "
		"printf \"x=%955s\\n\"; } | head -c 1024 >boot/grub/grubenv'");
	sample_open(&s, false);
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "unstable-device-name", "grubenv"), 1);
	assert_false(r.fixable);
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

/* Swap space has a UUID as well, of its own kind. */
static void test_swap(void **state)
{
	struct sample s;
	const struct guest *g;

	(void)state;
	sample_make(&s,
		"MUTATE='" CLEAN "echo \"/dev/vda2 none swap sw 0 0\" >>etc/fstab' "
		"AFTER='truncate -s 7M $IMAGE.swap; "
		"mkswap -q -U 55555555-2222-3333-4444-555555555555 $IMAGE.swap; "
		"dd if=$IMAGE.swap of=$IMAGE bs=512 seek=67584 conv=notrunc status=none'");
	sample_open(&s, false);
	g = guest_image_guest(s.g);
	assert_int_equal(g->device_name_count, 1);
	assert_string_equal(g->device_name[0].stable, "UUID=55555555-2222-3333-4444-555555555555");
	assert_false(g->device_name[0].required);
	sample_shut(&s);
	sample_remove(&s);
}

/* The command line inside a unified kernel can't be changed. */
static void test_unified(void **state)
{
	struct sample s;
	struct readiness r;

	(void)state;
	sample_make(&s,
		"TABLE=gpt MUTATE='" CLEAN "' ESP='mkdir -p EFI/Linux; "
		"echo root=/dev/vda1 ro >c; echo x >k; objcopy --add-section .linux=k "
		"--change-section-vma .linux=0x200000 --add-section .cmdline=c "
		"--change-section-vma .cmdline=0x100000 "
		"/usr/lib/systemd/boot/efi/linuxx64.efi.stub EFI/Linux/a.efi'");
	sample_open(&s, false);
	r = readiness_of(&s, "hyperv-gen2");
	assert_int_equal(findings(&r.findings, "unstable-device-name", NULL), 1);
	assert_int_equal(
		findings(&r.findings, "unstable-device-name", "inside /EFI/Linux/a.efi"), 1);
	assert_false(r.fixable);
	readiness_free(&r);
	/* A BIOS does not start it. */
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "unstable-device-name", NULL), 0);
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

/* An EFI system partition that fstab mounts, and one that it does not. */
static void test_esp(void **state)
{
	static const char esp[] = "ESP='mkdir -p efi/DEBIAN loader/entries; "
				  "echo linux /x root=/dev/vda1 >efi/DEBIAN/grub.cfg; "
				  "echo options root=/dev/vda1 >loader/entries/x.conf'";
	char settings[1024], expected[128];
	struct sample s;

	(void)state;
	for (int mounted = 0; mounted < 2; mounted++) {
		snprintf(settings, sizeof(settings),
			"TABLE=gpt %s MUTATE='%s echo \"UUID=88888888-2222-3333-4444-555555555555 "
			"%s vfat x 0 0\" >>etc/fstab'",
			esp, CLEAN, mounted ? "/boot/efi" : "none");
		sample_make(&s, settings);
		sample_open(&s, true);
		assert_int_equal(guest_image_guest(s.g)->device_name_count, 2);
		assert_string_equal(guest_image_guest(s.g)->device_name[0].path,
			mounted ? "/boot/efi/loader/entries/x.conf" : "/loader/entries/x.conf");
		inject(&s, "hyperv-gen1");
		assert_int_equal(guest_image_guest(s.g)->device_name_count, 0);
		sample_save(&s);
		snprintf(expected, sizeof(expected), "linux /x root=UUID=%s\n", uuid);
		expect_file(&s, ESP_OFFSET, "/efi/DEBIAN/grub.cfg", expected);
		expect_no_change(&s, "hyperv-gen1");
		sample_remove(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_planted),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_unified),
		cmocka_unit_test(test_esp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
