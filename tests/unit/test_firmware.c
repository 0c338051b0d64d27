/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What firmware would start: told of, and for UEFI put in place. */
#include "guest_edit.h"

static char efi[64]; /* made-up loaders, by tests/unit/efi-files */

static const char *const codes[] = { "no-esp", "esp-in-mbr", "esp-not-marked", "esp-not-read",
	"no-fallback-loader", "fallback-loader-incomplete", "secure-boot-unsigned",
	"no-bios-boot-code" };

/* A guest with GPT and those commands for the tree of its EFI system partition; $L holds loaders.
 */
static void make(struct sample *s, const char *esp, const char *root)
{
	char settings[1900];

	snprintf(settings, sizeof(settings),
		"L=%s TABLE=gpt ESP='mkdir -p EFI/BOOT EFI/debian EFI/Linux EFI/systemd; %s' "
		"MUTATE='%s'",
		efi, esp, root);
	sample_make(s, settings);
}

/* Of these codes only that one, `code` NULL: none. */
static void expect_only(
	struct sample *s, const char *target, const char *code, const char *says, bool fixable)
{
	struct readiness r = readiness_of(s, target);

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (findings(&r.findings, codes[i], NULL) != (code && !strcmp(code, codes[i]))) {
			findings_print(&r.findings);
			fail_msg("%s", codes[i]);
		}
	if (code && findings(&r.findings, code, says) != 1) {
		findings_print(&r.findings);
		fail_msg("no %s with \"%s\"", code, says);
	}
	for (size_t i = 0; code && i < r.findings.count; i++)
		if (!strcmp(r.findings.finding[i].code, code))
			assert_int_equal(r.findings.finding[i].fixable, fixable);
	readiness_free(&r);
}

/* That finding of a guest, which an injection can not mend. */
static void told(const char *esp, const char *code, const char *says)
{
	struct sample s;

	make(&s, esp, "");
	sample_open(&s, false);
	expect_only(&s, "hyperv-gen2", code, says, false);
	sample_shut(&s);
	sample_remove(&s);
}

/* The file on the EFI system partition has the bytes of that loader. */
static void expect_loader(struct sample *s, const char *path, const char *loader)
{
	char command[512];

	snprintf(command, sizeof(command),
		"debugfs -R 'cat %s' '%s?offset=" ESP_OFFSET "' 2>/dev/null | cmp - %s/%s", path,
		s->image, efi, loader);
	run(command);
}

/* That finding, which an injection mends so that `left` remains. */
static void mended(struct sample *s, const char *esp, const char *root, const char *code,
	const char *says, const char *left)
{
	make(s, esp, root);
	sample_open(s, true);
	expect_only(s, "hyperv-gen2", code, says, true);
	inject(s, "hyperv-gen2");
	expect_only(s, "hyperv-gen2", left, NULL, false);
	sample_save(s);
	expect_no_change(s, "hyperv-gen2");
}

static void test_told(void **state)
{
	(void)state;
	told("cp $L/shim.efi EFI/BOOT/BOOTX64.EFI; cp $L/grub.efi EFI/BOOT/grubx64.efi", NULL,
		NULL);
	told("cp $L/shim.efi EFI/BOOT/bootx64.efi; cp $L/other.efi EFI/BOOT/FBX64.EFI; "
	     "echo x >EFI/debian/bootx64.csv",
		NULL, NULL);
	told("cp $L/shim-both.efi EFI/BOOT/BOOTX64.EFI; cp $L/grub.efi EFI/BOOT/grub.efi", NULL,
		NULL);
	told("cp $L/grub-unsigned.efi EFI/BOOT/BOOTX64.EFI", "secure-boot-unsigned",
		"is not signed");
	told("cp $L/grub.efi EFI/BOOT/BOOTX64.EFI", "secure-boot-unsigned", "Made-up CA");
	told("cp $L/shim.efi EFI/BOOT/BOOTX64.EFI; cp $L/grub-unsigned.efi EFI/BOOT/grubx64.efi",
		"secure-boot-unsigned", "GRUB beside it is not");
	told("true", "no-fallback-loader", "EFI/BOOT/BOOTX64.EFI");
	/* Loaders for another processor, or of which none is the one to take. */
	told("cp $L/grub.efi EFI/debian/grubaa64.efi", "no-fallback-loader", NULL);
	told("cp $L/uki.efi EFI/Linux/a.efi; cp $L/uki.efi EFI/Linux/b.efi", "no-fallback-loader",
		NULL);
	told("echo no loader >EFI/debian/grubx64.efi", "no-fallback-loader", NULL);
	told("cp $L/shim.efi EFI/BOOT/BOOTX64.EFI", "fallback-loader-incomplete", "neither GRUB");
	/* No room. */
	told("cp $L/shim.efi EFI/debian/shimx64.efi; cp $L/grub.efi EFI/debian/grubx64.efi; "
	     "head -c 4200000 /dev/zero | tr \"\\\\0\" x >EFI/full",
		"no-fallback-loader", NULL);
}

static void test_shim(void **state)
{
	static const char source[] = "cp $L/shim.efi EFI/debian/shimx64.efi; "
				     "cp $L/grub.efi EFI/debian/GRUBX64.EFI; "
				     "cp $L/other.efi EFI/debian/mmx64.efi; "
				     "cp $L/other.efi EFI/debian/fbx64.efi; "
				     "echo configuration >EFI/debian/grub.cfg; ";
	char esp[1024];
	struct sample s;

	(void)state;
	mended(&s, source, "", "no-fallback-loader", NULL, NULL);
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "shim.efi");
	expect_loader(&s, "/EFI/BOOT/GRUBX64.efi", "grub.efi");
	expect_loader(&s, "/EFI/BOOT/mmx64.efi", "other.efi");
	expect_file(&s, ESP_OFFSET, "/EFI/BOOT/grub.cfg", "configuration\n");
	expect_file(&s, ESP_OFFSET, "/EFI/debian/grub.cfg", "configuration\n");
	sample_remove(&s);

	/* shim's program without its list, and shim alone. */
	snprintf(esp, sizeof(esp),
		"%s cp $L/shim.efi EFI/BOOT/bootx64.efi; cp $L/other.efi EFI/BOOT/fbx64.efi",
		source);
	mended(&s, esp, "", "fallback-loader-incomplete", "BOOT.CSV", NULL);
	expect_loader(&s, "/EFI/BOOT/bootx64.efi", "shim.efi");
	sample_remove(&s);
	snprintf(esp, sizeof(esp), "%s cp $L/shim.efi EFI/BOOT/BOOTX64.EFI", source);
	mended(&s, esp, "", "fallback-loader-incomplete", "neither GRUB", NULL);
	sample_remove(&s);

	/* The distribution's own directory before that of another. */
	snprintf(esp, sizeof(esp),
		"%s mkdir EFI/aaa; cp $L/shim-vendor.efi EFI/aaa/shimx64.efi; "
		"cp $L/grub.efi EFI/aaa/grubx64.efi; echo x >EFI/aaa/grub.cfg",
		source);
	mended(&s, esp, "", "no-fallback-loader", NULL, NULL);
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "shim.efi");
	sample_remove(&s);
}

static void test_others(void **state)
{
	struct sample s;

	(void)state;
	mended(&s, "cp $L/grub-unsigned.efi EFI/debian/grubx64.efi", "", "no-fallback-loader", NULL,
		"secure-boot-unsigned");
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "grub-unsigned.efi");
	sample_remove(&s);
	mended(&s, "cp $L/systemd-boot.efi EFI/systemd/systemd-bootx64.efi", "",
		"no-fallback-loader", NULL, "secure-boot-unsigned");
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "systemd-boot.efi");
	sample_remove(&s);
	mended(&s, "cp $L/uki.efi EFI/Linux/one.efi", "", "no-fallback-loader", NULL,
		"secure-boot-unsigned");
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "uki.efi");
	sample_remove(&s);
}

/* From the packages' own files: GRUB has to be told where its configuration is. */
static void test_packages(void **state)
{
	static const char stub[] = "search.fs_uuid 11111111-2222-3333-4444-555555555555 root\n"
				   "set prefix=($root)'/boot/grub'\n"
				   "configfile $prefix/grub.cfg\n";
	static const char packages[] =
		"mkdir -p usr/lib/shim usr/lib/grub/x86_64-efi-signed; "
		"cp $L/shim.efi usr/lib/shim/shimx64.efi.signed; "
		"cp $L/other.efi usr/lib/shim/mmx64.efi.signed; "
		"cp $L/grub.efi usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed; ";
	char root[1024];
	struct sample s;

	(void)state;
	mended(&s, "rm -r EFI", packages, "no-fallback-loader", NULL, NULL);
	expect_loader(&s, "/EFI/BOOT/BOOTX64.EFI", "shim.efi");
	expect_loader(&s, "/EFI/BOOT/grubx64.efi", "grub.efi");
	expect_loader(&s, "/EFI/BOOT/mmx64.efi", "other.efi");
	expect_file(&s, ESP_OFFSET, "/EFI/debian/grub.cfg", stub);
	expect_file(&s, ESP_OFFSET, "/EFI/BOOT/grub.cfg", stub);
	sample_remove(&s);
	/* A configuration with commands of a BIOS, and none. */
	for (int i = 0; i < 2; i++) {
		snprintf(root, sizeof(root), "%s %s", packages,
			i ? "echo linux16 /vmlinuz >>boot/grub/grub.cfg" : "rm boot/grub/grub.cfg");
		make(&s, "true", root);
		sample_open(&s, false);
		expect_only(&s, "hyperv-gen2", "no-fallback-loader", NULL, false);
		sample_shut(&s);
		sample_remove(&s);
	}
}

static void expect_bootloader(const struct bootloader *b, const char *kind, const char *path,
	bool fallback, const char *issuer)
{
	assert_string_equal(b->kind, kind);
	assert_string_equal(b->firmware, "uefi");
	assert_string_equal(b->volume, "p3");
	assert_string_equal(b->path, path);
	assert_int_equal(b->fallback, fallback);
	assert_int_equal(b->is_signed, issuer != NULL);
	if (issuer)
		assert_string_equal(b->issuer, issuer);
	else
		assert_null(b->issuer);
}

static void test_list(void **state)
{
	const struct guest *g;
	struct sample s;

	(void)state;
	make(&s,
		"cp $L/shim-both.efi EFI/BOOT/bootX64.efi; cp $L/grub.efi EFI/BOOT/x.EFI; "
		"cp $L/uki.efi EFI/Linux/k.efi; echo x >EFI/Linux/text.efi; "
		"head -c 100000 $L/grub.efi >EFI/Linux/torn.efi; "
		"cp $L/other.efi EFI/debian/fbx64.efi; cp $L/systemd-boot.efi EFI/systemd/s.efi",
		"");
	sample_open(&s, false);
	g = guest_image_guest(s.g);
	assert_int_equal(g->bootloader_count, 8);
	assert_string_equal(g->bootloader[0].kind, "other");
	assert_string_equal(g->bootloader[0].firmware, "bios");
	assert_null(g->bootloader[0].path);
	expect_bootloader(&g->bootloader[1], "shim", "/EFI/BOOT/bootX64.efi", true,
		"Microsoft Corporation UEFI CA 2011, Made-up CA");
	expect_bootloader(&g->bootloader[2], "grub", "/EFI/BOOT/x.EFI", false, "Made-up CA");
	expect_bootloader(&g->bootloader[3], "uki", "/EFI/Linux/k.efi", false, NULL);
	expect_bootloader(&g->bootloader[4], "other", "/EFI/Linux/text.efi", false, NULL);
	expect_bootloader(&g->bootloader[5], "other", "/EFI/Linux/torn.efi", false, NULL);
	expect_bootloader(&g->bootloader[6], "other", "/EFI/debian/fbx64.efi", false, NULL);
	expect_bootloader(&g->bootloader[7], "systemd-boot", "/EFI/systemd/s.efi", false, NULL);
	sample_shut(&s);
	sample_remove(&s);
}

/* Boot code, `what` after the sample was made: a shell function w OFFSET writes there. */
static void bios(const char *table, const char *what, const char *says, const char *kind)
{
	char settings[1900];
	struct sample s;

	snprintf(settings, sizeof(settings),
		"TABLE=%s AFTER='w() { dd of=$IMAGE bs=1 seek=$1 conv=notrunc status=none; }; "
		"boot() { printf \"\\353\\143\\220\" | w $1; printf \"GRUB \\0Geom\\0Hard "
		"Disk\\0\" | "
		"w $(($1 + 384)); }; core() { printf \"RV\" | w $1; "
		"printf \"Geom\\0Read\\0 Error\\0\" | w $(($1 + 288)); }; %s'",
		table, what);
	sample_make(&s, settings);
	sample_open(&s, false);
	expect_only(&s, "hyperv-gen1", says ? "no-bios-boot-code" : NULL, says, false);
	assert_int_equal(guest_image_boots(s.g, "bios"), !says);
	if (kind)
		assert_string_equal(guest_image_guest(s.g)->bootloader[0].kind, kind);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_bios(void **state)
{
	/* core.img of two sectors at sector 2 of the gap before the first partition. */
	static const char good[] = "boot 0; printf \"\\2\\0\\0\\0\\0\\0\\0\\0\" | w 92; core 1024; "
				   "printf \"\\3\\0\\0\\0\\0\\0\\0\\0\\1\\0\\40\\10\" | w 1524; "
				   "printf code | w 1536; ";
	char what[1024];

	(void)state;
	bios("mbr", "true", NULL, "other");
	bios("mbr", "head -c 440 /dev/zero | w 0", "holds no boot code", NULL);
	bios("mbr", good, NULL, "grub");
	snprintf(what, sizeof(what), "%s head -c 4 /dev/zero | w 1536", good);
	bios("mbr", what, "sector 3, where GRUB", "grub");
	snprintf(what, sizeof(what), "%s printf \"\\0\\0\\4\" | w 1524", good);
	bios("mbr", what, "1 sectors at sector 262144", NULL);
	snprintf(what, sizeof(what), "%s printf \"\\0\" | w 1532", good);
	bios("mbr", what, "has no sectors", NULL);
	snprintf(what, sizeof(what), "%s printf xxxxxxxxxxxxxxxxx | w 1312", good);
	bios("mbr", what, "sector 2 is not the start", NULL);
	bios("mbr", "boot 0", "sector 0", NULL);
	bios("gpt", "boot 0; printf \"\\377\\377\\377\\377\\377\\377\\377\\377\" | w 92",
		"not inside the disk", NULL);
	/* Code that goes on to the active partition. */
	bios("mbr", "printf \"Missing operating system\" | w 100", "whose first sector holds none",
		"other");
	bios("mbr",
		"printf \"Missing operating system\" | w 100; printf \"xEXTLINUX\" | w 1048576; "
		"printf \"\\125\\252\" | w 1049086",
		NULL, "extlinux");
	bios("mbr", "printf \"Missing operating system\" | w 100; printf \"\\0\" | w 446",
		"none is active", NULL);
}

/* An EFI system partition by its MBR type alone, and none. */
static void test_partition(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s, "TABLE=boot AFTER='sfdisk -q --part-type $IMAGE 2 ef'");
	sample_open(&s, false);
	{
		struct readiness r = readiness_of(&s, "hyperv-gen2");

		assert_int_equal(findings(&r.findings, "esp-in-mbr", "p2"), 1);
		assert_int_equal(findings(&r.findings, "no-fallback-loader", NULL), 1);
		assert_int_equal(findings(&r.findings, "no-esp", NULL), 0);
		readiness_free(&r);
	}
	sample_shut(&s);
	sample_remove(&s);
	sample_make(&s, "");
	sample_open(&s, false);
	expect_only(&s, "hyperv-gen2", "no-esp", "MBR", false);
	sample_shut(&s);
	sample_remove(&s);
}

/* Either firmware suffices: then nothing about the other is more than a hint. */
static void any(const char *settings, bool ready_for_it, size_t hints)
{
	struct sample s;
	struct target t;
	struct readiness r;
	struct error e = { 0 };
	char firmware[] = "any";
	size_t faults = 0, said = 0;

	sample_make(&s, settings);
	sample_open(&s, false);
	t = *target_by_name(&s.known, "hyperv-gen2");
	t.firmware = firmware;
	assert_int_equal(guest_image_readiness(s.g, &t, &r, &e), 0);
	for (size_t i = 0; i < r.findings.count; i++)
		for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
			const struct finding *f = &r.findings.finding[i];

			if (strcmp(f->code, codes[c]))
				continue;
			faults += f->severity == SEVERITY_ERROR;
			said++;
		}
	assert_int_equal(faults == 0, ready_for_it);
	assert_int_equal(said, hints);
	readiness_free(&r);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_any(void **state)
{
	char settings[512];

	(void)state;
	any("", true, 1);
	any("AFTER='head -c 440 /dev/zero | dd of=$IMAGE conv=notrunc status=none'", false, 2);
	snprintf(settings, sizeof(settings),
		"L=%s TABLE=gpt ESP='mkdir -p EFI/BOOT; cp $L/grub.efi EFI/BOOT/BOOTX64.EFI' "
		"AFTER='head -c 440 /dev/zero | dd of=$IMAGE conv=notrunc status=none'",
		efi);
	any(settings, true, 2);
}

static int setup(void **state)
{
	char command[128];

	(void)state;
	strcpy(efi, "/tmp/hvimg-efi-XXXXXX");
	if (!mkdtemp(efi))
		return -1;
	snprintf(command, sizeof(command), "tests/unit/efi-files %s", efi);
	return system(command);
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", efi);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_shim),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_bios),
		cmocka_unit_test(test_partition),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
