/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kernels and initramfs of a guest are found, however they are named, and made ready. */
#include "linux_sample.h"

static void open_with(struct sample *s, const char *mutate, const char *packed)
{
	char settings[1800];

	snprintf(settings, sizeof(settings), "MUTATE='%s' PACKED='%s'", mutate, packed);
	sample_make(s, settings);
	sample_open(s, true);
}

/* The kernel that has this initramfs. */
static const struct kernel *kernel_with(const struct sample *s, const char *initramfs)
{
	const struct guest *g = guest_image_guest(s->g);

	for (size_t i = 0; i < g->kernel_count; i++)
		if (g->kernel[i].initramfs && !strcmp(g->kernel[i].initramfs, initramfs))
			return &g->kernel[i];
	for (size_t i = 0; i < g->kernel_count; i++)
		fprintf(stderr, "kernel %s %s\n", g->kernel[i].version,
			g->kernel[i].initramfs ? g->kernel[i].initramfs : "-");
	fail_msg("no kernel with %s", initramfs);
	return NULL;
}

static void expect_count(const struct sample *s, size_t count)
{
	assert_int_equal(guest_image_guest(s->g)->kernel_count, count);
}

static void inject(struct sample *s, int wanted)
{
	struct target_list l;
	struct error e = { 0 };
	int rc;

	assert_int_equal(targets_load("recipes", "hyperv-gen1", &l, &e), 0);
	rc = guest_image_apply(s->g, &(struct guest_changes){ .targets = &l }, &e);
	if (rc != wanted)
		fail_msg("%d: %s", rc, e.text);
	targets_free(&l);
}

/* Injects, and looks whether each kernel has what it needs. */
static void expect_injected(struct sample *s)
{
	const struct guest *g;

	inject(s, 0);
	g = guest_image_guest(s->g);
	for (size_t i = 0; i < g->kernel_count; i++)
		for (size_t m = 0; m < g->kernel[i].module_count; m++)
			if (!strcmp(g->kernel[i].module[m].name, "hv_storvsc"))
				assert_int_equal(g->kernel[i].module[m].place, MODULE_INITRAMFS);
}

static void done(struct sample *s)
{
	sample_shut(s);
	sample_remove(s);
}

/* A kernel image's header: its version is where 0x20e says, less 0x200. */
#define HEADER(name)                                                                               \
	"{ head -c 514 /dev/zero; printf HdrS; head -c 8 /dev/zero; printf \"\\0\\4\"; "           \
	"head -c 1008 /dev/zero; echo \"$V (builder) #1 SMP\"; } >boot/" name ";"

static void test_arch(void **state)
{
	struct sample s;

	(void)state;
	/* The package says to which name the kernel belongs. */
	open_with(&s, "",
		"rm boot/vmlinuz-*; mv boot/initrd.img-$V boot/initramfs-linux.img;"
		"cp boot/initramfs-linux.img boot/initramfs-linux-fallback.img;"
		"echo kernel >boot/vmlinuz-linux; echo kernel >usr/lib/modules/$V/vmlinuz;"
		"echo linux >usr/lib/modules/$V/pkgbase; echo >boot/grub/grub.cfg");
	expect_count(&s, 2);
	assert_string_equal(kernel_with(&s, "/boot/initramfs-linux.img")->version, VERSION);
	assert_string_equal(
		kernel_with(&s, "/boot/initramfs-linux.img")->image, "/boot/vmlinuz-linux");
	assert_string_equal(
		kernel_with(&s, "/boot/initramfs-linux-fallback.img")->version, VERSION);
	expect_injected(&s);
	done(&s);

	/* The image says its version, though there are modules of another, too. */
	open_with(&s, "mkdir usr/lib/modules/6.9.9",
		"rm boot/vmlinuz-*; mv boot/initrd.img-$V boot/initramfs-linux.img;" HEADER(
			"vmlinuz-linux") "echo >boot/grub/grub.cfg");
	expect_count(&s, 1);
	assert_string_equal(kernel_with(&s, "/boot/initramfs-linux.img")->version, VERSION);
	done(&s);

	/* No version is in the image of arm64: the only modules are its. */
	open_with(&s, "",
		"rm boot/vmlinuz-*; mv boot/initrd.img-$V boot/initramfs-linux.img;"
		"echo kernel >boot/Image-linux; echo >boot/grub/grub.cfg");
	expect_count(&s, 1);
	assert_string_equal(kernel_with(&s, "/boot/initramfs-linux.img")->version, VERSION);
	done(&s);
}

static void test_menus(void **state)
{
	struct sample s;

	(void)state;
	/* One more initramfs of the same kernel, behind one of microcode. */
	open_with(&s, "",
		"cp boot/initrd.img-$V boot/other; echo x >boot/ucode;"
		"printf \"menuentry x {\\n linux (hd0,1)/boot/vmlinuz-$V quiet\\n"
		" initrd /boot/ucode /boot/other\\n}\\n\" >>boot/grub/grub.cfg");
	expect_count(&s, 2);
	assert_string_equal(kernel_with(&s, "/boot/other")->version, VERSION);
	expect_injected(&s);
	done(&s);

	/* kernel-install's folders, which only an entry tells of. */
	open_with(&s, "",
		"mkdir -p boot/abc/$V boot/loader/entries; mv boot/vmlinuz-$V boot/abc/$V/linux;"
		"mv boot/initrd.img-$V boot/abc/$V/initrd; echo >boot/grub/grub.cfg;"
		"printf \"title x\\ninitrd /abc/$V/initrd\\nlinux /abc/$V/linux\\n\" "
		">boot/loader/entries/abc.conf");
	expect_count(&s, 1);
	assert_string_equal(kernel_with(&s, ("/boot/abc/" VERSION "/initrd"))->version, VERSION);
	expect_injected(&s);
	done(&s);

	open_with(&s, "",
		"mkdir boot/extlinux; mv boot/initrd.img-$V boot/i; echo >boot/grub/grub.cfg;"
		"printf \"LABEL x\\n KERNEL /boot/vmlinuz-$V\\n APPEND ro initrd=/boot/i "
		"quiet\\n\" "
		">boot/extlinux/extlinux.conf");
	expect_count(&s, 1);
	assert_string_equal(kernel_with(&s, "/boot/i")->version, VERSION);
	done(&s);

	/* A link is no other file; a name with a variable no name. */
	open_with(&s, "",
		"ln -s initrd.img-$V boot/initrd; printf \" linux /boot/vmlinuz-$V\\n initrd "
		"/boot/initrd\\n linux /boot/vmlinuz-$V\\n initrd /\\$x\\n\" >>boot/grub/grub.cfg");
	expect_count(&s, 1);
	done(&s);
}

static void test_missing(void **state)
{
	static const char *const entry = " linux /boot/vmlinuz-$V\\n initrd /boot/gone\\n";
	struct sample s;
	struct readiness r;
	char packed[256];

	(void)state;
	snprintf(packed, sizeof(packed), "printf \"%s\" >>boot/grub/grub.cfg", entry);
	open_with(&s, "", packed);
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "initramfs-missing", "/boot/gone"), 1);
	assert_true(r.fixable);
	readiness_free(&r);
	done(&s);

	/* The entry that is started by itself. */
	snprintf(packed, sizeof(packed), "printf \"%s\" >boot/grub/grub.cfg", entry);
	open_with(&s, "", packed);
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "initramfs-missing", "/boot/gone"), 1);
	assert_false(r.fixable);
	readiness_free(&r);
	inject(&s, -ERR_NOTREADY);
	done(&s);
}

/* A /boot that has no room for the second of two. */
static void test_room(void **state)
{
	struct error e = { 0 };
	struct target_list l;
	struct sample s;
	char settings[512];

	(void)state;
	snprintf(settings, sizeof(settings),
		"TABLE=boot MUTATE='for f in $(find $M -name hv_\\*.ko); do "
		"head -c 1300000 /dev/urandom >$f; done' "
		"PACKED='head -c 3000000 /dev/urandom >boot/large'");
	sample_make(&s, settings);
	sample_open(&s, true);
	assert_int_equal(targets_load("recipes", "hyperv-gen1", &l, &e), 0);
	assert_int_equal(guest_image_apply(s.g, &(struct guest_changes){ .targets = &l }, &e),
		-ERR_NOTREADY);
	assert_non_null(strstr(e.text, "bytes free"));
	assert_int_equal(s.journal.count, 0);
	targets_free(&l);
	done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arch),
		cmocka_unit_test(test_menus),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
