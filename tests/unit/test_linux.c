/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is found in a Linux guest, and whether it is ready: exactly what was put into it. */
#include "linux_sample.h"

static const struct kernel_module *module_of(const struct kernel *k, const char *name)
{
	for (size_t i = 0; i < k->module_count; i++)
		if (!strcmp(k->module[i].name, name))
			return &k->module[i];
	fail_msg("%s was not looked at", name);
	return NULL;
}

static void expect_place(const struct kernel *k, const char *name, enum module_place place)
{
	assert_string_equal(module_place_name(module_of(k, name)->place), module_place_name(place));
}

/* Readiness for a target of a guest made with `settings`. */
static void ready_with(
	struct sample *s, struct readiness *r, const char *settings, const char *target)
{
	sample_make(s, settings);
	sample_open(s, false);
	*r = readiness_of(s, target);
}

static void done(struct sample *s, struct readiness *r)
{
	readiness_free(r);
	sample_shut(s);
	sample_remove(s);
}

static void test_detected(void **state)
{
	struct sample s;
	const struct guest *g;
	const struct kernel *k;

	(void)state;
	sample_make(&s, "");
	sample_open(&s, false);
	g = guest_image_guest(s.g);
	assert_non_null(g);
	assert_string_equal(g->type, "linux");
	assert_string_equal(g->distro, "debian");
	assert_string_equal(g->version, "12");
	assert_string_equal(g->name, "Made-up GNU/Linux 12 (\"test\")");
	assert_string_equal(g->arch, "x86_64");
	assert_string_equal(g->root, "p1");
	assert_string_equal(g->initramfs_tool, "initramfs-tools");
	assert_int_equal(g->kernel_count, 1);
	k = &g->kernel[0];
	assert_string_equal(k->version, VERSION);
	assert_string_equal(k->image, "/boot/vmlinuz-" VERSION);
	assert_string_equal(k->config, "/boot/config-" VERSION);
	assert_string_equal(k->initramfs, "/boot/initrd.img-" VERSION);
	assert_string_equal(k->generator, "initramfs-tools");
	assert_null(k->problem);
	expect_place(k, "hv_vmbus", MODULE_FILE);
	expect_place(k, "hid-hyperv", MODULE_FILE);
	expect_place(k, "ahci", MODULE_MISSING);
	assert_true(guest_image_boots(s.g, "bios"));
	assert_false(guest_image_boots(s.g, "uefi"));
	/* /mnt of fstab is on a disk that is not here. */
	assert_int_equal(guest_image_report(s.g)->count, 1);
	assert_int_equal(findings(guest_image_report(s.g), "volume-not-read", "/mnt"), 1);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_compression(void **state)
{
	static const char *const kinds[] = { "none", "gzip", "zstd", "xz", "lz4" };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct sample s;
		char settings[64];
		const struct guest *g;

		snprintf(settings, sizeof(settings), "COMPRESS=%s", kinds[i]);
		sample_make(&s, settings);
		sample_open(&s, false);
		g = guest_image_guest(s.g);
		assert_non_null(g);
		assert_null(g->kernel[0].problem);
		assert_string_equal(g->kernel[0].compression, kinds[i]);
		sample_shut(&s);
		sample_remove(&s);
	}
}

static void expect_name(const struct device_name *d, const char *path, uint64_t line,
	const char *device, const char *stable, bool required)
{
	assert_string_equal(d->path, path);
	assert_int_equal(d->line, line);
	assert_string_equal(d->device, device);
	if (stable)
		assert_string_equal(d->stable, stable);
	else
		assert_null(d->stable);
	assert_int_equal(d->required, required);
}

static void test_names(void **state)
{
	struct sample s;
	const struct guest *g;

	(void)state;
	sample_make(&s, "");
	sample_open(&s, false);
	g = guest_image_guest(s.g);
	assert_int_equal(g->device_name_count, 4);
	expect_name(&g->device_name[0], "/etc/fstab", 2, "/dev/vda1", ROOT_UUID, true);
	expect_name(&g->device_name[1], "/etc/fstab", 3, "/dev/vdb", NULL, false);
	expect_name(&g->device_name[2], "/etc/default/grub", 1, "/dev/vda1", ROOT_UUID, true);
	expect_name(&g->device_name[3], "/boot/grub/grub.cfg", 3, "/dev/vda1", ROOT_UUID, true);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_findings(void **state)
{
	struct sample s;
	struct readiness r;

	(void)state;
	ready_with(&s, &r, "", "hyperv-gen1");
	assert_false(r.ready);
	assert_true(r.fixable);
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", NULL), 3);
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", "hv_vmbus"), 1);
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", "hv_storvsc"), 1);
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", "sd_mod"), 1);
	assert_int_equal(findings(&r.findings, "unstable-device-name", NULL), 4);
	assert_int_equal(findings(&r.findings, "persistent-drop-in-missing", NULL), 1);
	assert_int_equal(r.findings.count, 8);
	assert_int_equal(report_count(&r.findings, SEVERITY_ERROR), 6);
	readiness_free(&r);
	r = readiness_of(&s, "hyperv-gen2");
	assert_false(r.ready || r.fixable);
	assert_int_equal(findings(&r.findings, "no-esp", NULL), 1);
	assert_int_equal(r.findings.count, 9);
	done(&s, &r);
}

/* A settings line, the target, the one code to see, and whether inject could help. */
static void finds(
	const char *settings, const char *target, const char *code, const char *says, bool fixable)
{
	struct sample s;
	struct readiness r;

	ready_with(&s, &r, settings, target);
	if (!findings(&r.findings, code, says)) {
		findings_print(&r.findings);
		fail_msg("no %s with \"%s\"", code, says ? says : "");
	}
	assert_false(r.ready);
	assert_int_equal(r.fixable, fixable);
	done(&s, &r);
}

static void test_not_fixable(void **state)
{
	(void)state;
	finds("MUTATE='sed -i /hv_storvsc.ko:/d $M/modules.dep'", "hyperv-gen1",
		"kernel-module-missing", "CONFIG_HYPERV_STORAGE", false);
	finds("MUTATE='sed -i /hv_netvsc.ko:/d $M/modules.dep'", "hyperv-gen1",
		"kernel-module-missing", "hv_netvsc", false);
	finds("MUTATE='rm -r $I/conf $I/scripts; mkdir $I/etc; >$I/etc/booster.init.yaml'",
		"hyperv-gen1", "initramfs-generator-unsupported", "booster", false);
	finds("MUTATE='rm -r $I/conf $I/scripts'", "hyperv-gen1", "initramfs-generator-unsupported",
		"unknown", false);
	finds("MUTATE='rm -r $I'", "hyperv-gen1", "initramfs-missing", NULL, false);
	finds("MUTATE='rm -r $I; echo nonsense >$T/boot/initrd.img-$V'", "hyperv-gen1",
		"initramfs-unreadable", NULL, false);
	finds("MUTATE='echo x >$I/usr/lib/modules/$V/kernel/strange.ko'", "hyperv-gen1",
		"initramfs-modules-differ", "kernel/strange.ko", false);
	finds("MUTATE='rm $M/modules.dep'", "hyperv-gen1", "kernel-modules-missing", NULL, false);
	finds("MUTATE='rm $T/boot/vmlinuz*'", "hyperv-gen1", "no-kernel", NULL, false);
	finds("MUTATE='rm $T/etc/os-release $T/usr/lib/os-release'", "hyperv-gen1", "no-guest",
		NULL, false);
	finds("AFTER='dd if=/dev/zero of=$IMAGE bs=3 count=1 conv=notrunc status=none'",
		"hyperv-gen1", "no-bios-boot-code", NULL, false);
	finds("MUTATE='printf \"/dev/vdb1 / ext4 x 0 1\\n\" >$T/etc/fstab'", "hyperv-gen1",
		"unstable-device-name", "/dev/vdb1", false);
}

static void test_firmware(void **state)
{
	(void)state;
	finds("TABLE=gpt MUTATE='printf "
	      "\"\\177ELF\\1\\1\\1\\0\\0\\0\\0\\0\\0\\0\\0\\0\\2\\0\\3\\0\" "
	      ">$T/usr/bin/dash'",
		"hyperv-gen2", "arch-32bit", "i686", false);
	finds("TABLE=gpt", "hyperv-gen2", "initramfs-module-missing", "hv_vmbus", true);
}

/* Nothing is asked for that the guest does not need. */
static void test_ready(void **state)
{
	static const char full[] = "sed -i s,/dev/vda1,LABEL=x, etc/fstab etc/default/grub "
				   "boot/grub/grub.cfg; sed -i /vdb/d etc/fstab; "
				   "echo MODULES=most >etc/initramfs-tools/initramfs.conf; ";
	char settings[1024];
	struct sample s;
	struct readiness r;

	(void)state;
	snprintf(settings, sizeof(settings),
		"MUTATE='%s cp -r $M/. $I/usr/lib/modules/$V/; rm -r "
		"$I/usr/lib/modules/$V/kernel/crypto'",
		full);
	ready_with(&s, &r, settings, "hyperv-gen1");
	findings_print(&r.findings);
	assert_true(r.ready);
	assert_false(r.fixable);
	assert_int_equal(r.findings.count, 0);
	expect_place(&guest_image_guest(s.g)->kernel[0], "hv_storvsc", MODULE_INITRAMFS);
	done(&s, &r);

	/* All built in, by modules.builtin and by the configuration: then no initramfs is needed
	 * either. */
	snprintf(settings, sizeof(settings),
		"MUTATE='%s rm -r $I; printf "
		"kernel/drivers/hv/hv_vmbus.ko\\\\nkernel/drivers/scsi/hv-storvsc.ko"
		"\\\\n >>$M/modules.builtin; echo CONFIG_BLK_DEV_SD=y >>boot/config-$V'",
		full);
	ready_with(&s, &r, settings, "hyperv-gen1");
	findings_print(&r.findings);
	assert_true(r.ready);
	expect_place(&guest_image_guest(s.g)->kernel[0], "hv_storvsc", MODULE_BUILTIN);
	expect_place(&guest_image_guest(s.g)->kernel[0], "sd_mod", MODULE_BUILTIN);
	done(&s, &r);
}

/* A journal that is not replayed matters only to edits. */
static void test_recovery(void **state)
{
	static const char dirty[] =
		"AFTER='printf \"feature needs_recovery\\nzap_block -f <8> 0\\n\" | "
		"debugfs -w \"$IMAGE?offset=1048576\" >/dev/null 2>&1'";
	char settings[1024];
	struct sample s;
	struct readiness r;

	(void)state;
	finds(dirty, "hyperv-gen1", "fs-needs-recovery", "p1", false);
	snprintf(settings, sizeof(settings),
		"%s MUTATE='sed -i s,/dev/vda1,LABEL=x, etc/fstab etc/default/grub "
		"boot/grub/grub.cfg; "
		"sed -i /vdb/d etc/fstab; echo MODULES=most >etc/initramfs-tools/initramfs.conf; "
		"cp -r $M/. $I/usr/lib/modules/$V/'",
		dirty);
	ready_with(&s, &r, settings, "hyperv-gen1");
	assert_true(r.ready);
	assert_int_equal(r.findings.count, 1);
	assert_int_equal(findings(&r.findings, "fs-needs-recovery", NULL), 1);
	done(&s, &r);
}

static void test_dependency_lacks(void **state)
{
	struct sample s;
	struct readiness r;

	(void)state;
	ready_with(&s, &r,
		"MUTATE='cp -r $M/. $I/usr/lib/modules/$V/; rm "
		"$I/usr/lib/modules/$V/kernel/drivers/scsi/"
		"scsi_common.ko'",
		"hyperv-gen1");
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", "scsi_common"), 2);
	assert_int_equal(findings(&r.findings, "initramfs-module-missing", NULL), 2);
	assert_true(r.fixable);
	done(&s, &r);
}

static void test_boot_volume(void **state)
{
	struct sample s;
	struct readiness r;

	(void)state;
	ready_with(&s, &r, "TABLE=boot", "hyperv-gen1");
	assert_int_equal(guest_image_guest(s.g)->kernel_count, 1);
	assert_string_equal(
		guest_image_guest(s.g)->kernel[0].initramfs, "/boot/initrd.img-" VERSION);
	assert_true(r.fixable);
	done(&s, &r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detected),
		cmocka_unit_test(test_compression),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_not_fixable),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_ready),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_dependency_lacks),
		cmocka_unit_test(test_boot_volume),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
