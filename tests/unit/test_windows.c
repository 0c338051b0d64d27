/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows guests: what is seen of them, and what keeps them from being edited. */
#include "linux_sample.h"

#include "guest/windows.h"

/* Beside what targets name: a service that no Windows has, and those whose ImagePath is of each
 * form. */
static const char *const services[] = { "vmbus", "storvsc", "disk", "nosuch", "form1", "form2",
	"form3", "form4", "form5", "form6", "form7", "form8" };
enum { SERVICES = sizeof(services) / sizeof(services[0]) };

static void target_add(struct target_list *known)
{
	struct target *t = &known->target[0];

	t->driver = reallocarray(t->driver, t->driver_count + SERVICES, sizeof(*t->driver));
	assert_non_null(t->driver);
	for (size_t i = 0; i < SERVICES; i++) {
		t->driver[t->driver_count] = (struct target_driver){ .need = NEED_OPTIONAL };
		t->driver[t->driver_count].service = strdup(services[i]);
		assert_non_null(t->driver[t->driver_count++].service);
	}
}

/* What differs from what scripts/make-windows-guest makes.  $D is a folder. */
struct change {
	const char *before; /* commands of the shell, run in the folder */
	const char *hive;
	struct {
		const char *key, *text; /* below the hive's root; as in a .reg file */
	} value[12];
	const char *options; /* further ones of the script */
};

/* hivexregedit wants every key on the way to be named. */
static void keys_write(FILE *f, const char *hive, const char *key)
{
	for (size_t at = strcspn(key, "\\"); key[at]; at += 1 + strcspn(key + at + 1, "\\"))
		fprintf(f, "[HKEY_LOCAL_MACHINE\\%s\\%.*s]\n\n", hive, (int)at, key);
	fprintf(f, "[HKEY_LOCAL_MACHINE\\%s\\%s]\n", hive, key);
}

static void reg_write(const struct sample *s, const struct change *c)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/r.reg", s->directory);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("Windows Registry Editor Version 5.00\n\n", f);
	for (size_t i = 0; c->value[i].key; i++) {
		keys_write(f, c->hive, c->value[i].key);
		fprintf(f, "%s\n\n", c->value[i].text);
	}
	assert_int_equal(fclose(f), 0);
}

static void make(struct sample *s, const char *version, const struct change *c)
{
	char command[2048], reg[64] = "";
	struct error e = { 0 };

	memset(s, 0, sizeof(*s));
	strcpy(s->directory, "/tmp/hvimg-windows-XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->image, sizeof(s->image), "%s/image", s->directory);
	if (c->hive) {
		reg_write(s, c);
		snprintf(reg, sizeof(reg), "--reg %s=$D/r.reg", c->hive);
	}
	snprintf(command, sizeof(command),
		"D=%s; (cd $D; %s) && scripts/make-windows-guest --size 48 %s %s %s %s",
		s->directory, c->before ? c->before : ":", version, s->image, reg,
		c->options ? c->options : "");
	run(command);
	assert_int_equal(targets_load_all("recipes", &s->known, &e), 0);
	target_add(&s->known);
}

static void end(struct sample *s)
{
	sample_shut(s);
	sample_remove(s);
}

static const struct change none;

static void open_made(struct sample *s, const char *version, const struct change *c)
{
	make(s, version, c);
	sample_open(s, false);
	if (!guest_image_guest(s->g)) {
		findings_print(guest_image_report(s->g));
		fail_msg("no guest in %s", version);
	}
}

static const struct windows_info *info(const struct sample *s)
{
	return guest_image_guest(s->g)->windows;
}

static const struct windows_service *service(const struct sample *s, const char *name)
{
	for (size_t i = 0; i < info(s)->service_count; i++)
		if (!strcmp(info(s)->service[i].name, name))
			return &info(s)->service[i];
	fail_msg("no service %s", name);
	return NULL;
}

static void test_versions(void **state)
{
	static const struct {
		const char *name, *product, *version, *linux_arch, *arch, *edition, *root;
		uint8_t product_type;
		size_t control_sets;
		const char *firmware;
		size_t bootloaders;
		const char *loader, *loader_path;
	} guests[] = {
		{ "winxp", "Microsoft Windows XP", "5.1.2600", "i686", "i386", NULL, "/WINDOWS", 1,
			2, "bios", 1, "ntldr", "/ntldr" },
		/* It calls itself Windows 10. */
		{ "win11", "Windows 11 Pro", "10.0.22631.2428", "x86_64", "x86_64", "Professional",
			"/Windows", 1, 1, "uefi", 2, "bootmgr",
			"/EFI/Microsoft/Boot/bootmgfw.efi" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		const struct guest *g;
		const struct windows_info *w;
		struct sample s;

		open_made(&s, guests[i].name, &none);
		g = guest_image_guest(s.g);
		w = g->windows;
		assert_string_equal(g->type, "windows");
		assert_string_equal(g->distro, "windows");
		assert_string_equal(g->name, guests[i].product);
		assert_string_equal(g->version, guests[i].version);
		assert_string_equal(g->arch, guests[i].linux_arch);
		assert_string_equal(w->arch, guests[i].arch);
		assert_string_equal(w->product, guests[i].product);
		assert_int_equal(!w->edition, !guests[i].edition);
		if (w->edition)
			assert_string_equal(w->edition, guests[i].edition);
		assert_string_equal(w->system_root, guests[i].root);
		assert_int_equal(w->product_type, guests[i].product_type);
		assert_false(w->evaluation);
		assert_int_equal(w->control_sets.count, guests[i].control_sets);
		assert_string_equal(w->current, "ControlSet001");
		assert_string_equal(w->language, "0409");
		assert_non_null(w->hostname);
		assert_int_equal(
			guest_image_boots(s.g, "bios"), !strcmp(guests[i].firmware, "bios"));
		assert_int_equal(
			guest_image_boots(s.g, "uefi"), !strcmp(guests[i].firmware, "uefi"));
		assert_int_equal(g->bootloader_count, guests[i].bootloaders);
		assert_string_equal(g->bootloader[g->bootloader_count - 1].kind, guests[i].loader);
		assert_string_equal(
			g->bootloader[g->bootloader_count - 1].path, guests[i].loader_path);
		end(&s);
	}
}

#define SERVICES_KEY "ControlSet001\\Services\\"
#define FORM SERVICES_KEY "form"
static void test_services(void **state)
{
	static const struct change change = {
		.before = "echo x >x",
		.hive = "SYSTEM",
		.value = {
			{ FORM "1", "\"ImagePath\"=\"system32\\\\DRIVERS\\\\DISK.sys\"" },
			{ FORM "2", "\"ImagePath\"=\"\\\\SystemRoot\\\\System32\\\\drivers\\\\disk.sys\"" },
			{ FORM "3", "\"ImagePath\"=\"%SystemRoot%\\\\System32\\\\drivers\\\\disk.sys\"" },
			{ FORM "4", "\"ImagePath\"=\"\\\\??\\\\C:\\\\Windows\\\\System32\\\\drivers\\\\disk.sys\"" },
			{ FORM "5", "\"ImagePath\"=\"C:\\\\windows\\\\system32\\\\cmd.exe /c exit.exe\"" },
			{ FORM "6", "\"ImagePath\"=\"\\\"C:\\\\Program Files\\\\a b.exe\\\" -x\"" },
			{ FORM "7", "\"ImagePath\"=\"System32\\\\drivers\\\\gone.sys\"" },
			{ FORM "8", "\"Start\"=dword:00000004" },
			{ SERVICES_KEY "storvsc\\StartOverride", "\"3\"=dword:00000004" },
		},
		.options = "--add 'Program Files/a b.exe'=$D/x "
			   "--add Windows/System32/drivers/form8.sys=$D/x",
	};
	static const struct {
		const char *name, *file;
	} files[] = {
		{ "vmbus", "/Windows/System32/drivers/vmbus.sys" },
		{ "form1", "/Windows/System32/drivers/disk.sys" },
		{ "form2", "/Windows/System32/drivers/disk.sys" },
		{ "form3", "/Windows/System32/drivers/disk.sys" },
		{ "form4", "/Windows/System32/drivers/disk.sys" },
		{ "form5", "/Windows/System32/cmd.exe" },
		{ "form6", "/Program Files/a b.exe" },
		{ "form7", NULL },
		{ "form8", "/Windows/System32/drivers/form8.sys" },
		{ "nosuch", NULL },
	};
	struct sample s;

	(void)state;
	open_made(&s, "win10", &change);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct windows_service *w = service(&s, files[i].name);

		assert_int_equal(w->present, strcmp(files[i].name, "nosuch") != 0);
		if (!files[i].file != !w->file)
			fail_msg("%s: %s", files[i].name, w->file ? w->file : "no file");
		if (w->file)
			assert_string_equal(w->file, files[i].file);
	}
	assert_string_equal(service(&s, "vmbus")->version, "10.0.19045.3803");
	assert_null(service(&s, "form8")->version);
	assert_int_equal(service(&s, "form8")->start, 4);
	assert_false(service(&s, "form1")->has_start);
	assert_false(service(&s, "disk")->has_override);
	assert_true(service(&s, "vmbus")->has_override);
	assert_int_equal(service(&s, "vmbus")->override, 3);
	assert_int_equal(service(&s, "storvsc")->override, 4);
	end(&s);
}

#define CURRENT "Microsoft\\Windows\\CurrentVersion\\"

/* Guests with several things wrong each, and what is said of them. */
static const struct {
	struct change change;
	struct {
		const char *code, *says;
		enum severity severity;
	} finding[7];
} states[] = {
	{ { .before = "printf HIBR >h; truncate -s 8K h; echo '<x/>' >p",
		  .hive = "SOFTWARE",
		  .value = { { CURRENT "WindowsUpdate\\Auto Update\\RebootRequired", "" },
			  { CURRENT "Component Based Servicing\\SessionsPending",
				  "\"Exclusive\"=dword:00000001" },
			  { CURRENT "Setup\\State", "\"ImageState\"=\"IMAGE_STATE_UNDEPLOYABLE\"" },
			  { "Policies\\Microsoft\\Windows\\DeviceInstall\\Restrictions",
				  "\"DenyUnspecified\"=dword:00000001" },
			  { "Microsoft\\Windows NT\\CurrentVersion",
				  "\"EditionID\"=\"ServerStandardEval\"" } },
		  .options = "--add hiberfil.sys=$D/h --add Windows/WinSxS/pending.xml=$D/p" },
		{ { "windows-hibernated", "sleeps", SEVERITY_ERROR },
			{ "windows-pending-updates", "half applied", SEVERITY_ERROR },
			{ "windows-pending-reboot",
				"WindowsUpdate\\RebootRequired, Component Based "
				"Servicing\\SessionsPending",
				SEVERITY_WARNING },
			{ "windows-setup-unfinished", "UNDEPLOYABLE", SEVERITY_ERROR },
			{ "device-restrictions", "DenyUnspecified", SEVERITY_WARNING },
			{ "windows-evaluation", "ServerStandardEval", SEVERITY_INFO } } },
	{ { .hive = "SYSTEM",
		  .value = { { "ControlSet001\\Control\\Session Manager",
				     "\"PendingFileRenameOperations\"=hex(7):61,00,00,00,00,00" },
			  { "Setup", "\"SystemSetupInProgress\"=dword:00000001" } } },
		{ { "windows-pending-reboot", "PendingFileRename", SEVERITY_WARNING },
			{ "windows-setup-unfinished", "SystemSetupInProgress", SEVERITY_ERROR } } },
	{ { .hive = "SYSTEM", .value = { { "Select", "\"Current\"=dword:00000007" } } },
		{ { "control-set-missing", "of the 1 that are there", SEVERITY_ERROR } } },
	{ { .before = "head -c 5000 /dev/zero >h",
		  .options = "--remove Windows/System32/config/SOFTWARE "
			     "--add Windows/System32/config/SYSTEM=$D/h" },
		{ { "hive-damaged", "has no config/SOFTWARE", SEVERITY_ERROR },
			{ "hive-damaged", "/Windows/System32/config/SYSTEM", SEVERITY_ERROR } } },
};

static void expect_finding(
	const struct report *r, const char *code, const char *says, enum severity severity)
{
	if (findings(r, code, says) != 1) {
		findings_print(r);
		fail_msg("no %s with \"%s\"", code, says);
	}
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->finding[i].code, code)) {
			assert_int_equal(r->finding[i].severity, severity);
			assert_false(r->finding[i].fixable);
		}
}

static void test_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		struct readiness r;
		struct sample s;

		open_made(&s, "win10", &states[i].change);
		r = readiness_of(&s, "hyperv-gen2");
		for (size_t k = 0; states[i].finding[k].code; k++)
			expect_finding(&r.findings, states[i].finding[k].code,
				states[i].finding[k].says, states[i].finding[k].severity);
		assert_false(r.ready);
		assert_string_equal(r.evidence, "inferred");
		readiness_free(&r);
		end(&s);
	}
}

/* None of these is said of a guest that is well. */
static void test_sound(void **state)
{
	static const char *const codes[] = { "windows-hibernated", "windows-pending-updates",
		"windows-pending-reboot", "windows-setup-unfinished", "device-restrictions",
		"control-set-missing", "windows-evaluation", "hive-damaged", "hive-dirty",
		"bitlocker" };
	/* A resumed image, and setup that shall go on. */
	static const struct change change = { .before = "printf wake >h; truncate -s 8K h",
		.hive = "SYSTEM",
		.value = { { "Setup", "\"SystemSetupInProgress\"=dword:00000001" } },
		.options = "--generalized --add hiberfil.sys=$D/h" };
	struct readiness r;
	struct sample s;

	(void)state;
	open_made(&s, "win10", &change);
	assert_true(info(&s)->generalized);
	r = readiness_of(&s, "hyperv-gen2");
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (findings(&r.findings, codes[i], NULL)) {
			findings_print(&r.findings);
			fail_msg("%s", codes[i]);
		}
	readiness_free(&r);
	end(&s);
}

static void test_firmware(void **state)
{
	static const struct {
		const char *version;
		struct change change;
		struct {
			const char *target, *code, *says;
		} finding[2];
	} faults[] = {
		{ "win10-bios", { 0 }, { { "hyperv-gen2", "no-esp", "MBR" } } },
		{ "win7", { .options = "--remove system:bootmgr" },
			{ { "hyperv-gen1", "no-bios-boot-code", "neither bootmgr nor ntldr" } } },
		{ "win10", { .options = "--no-fallback" },
			{ { "hyperv-gen2", "no-fallback-loader", "BOOTX64.EFI" },
				{ "hyperv-gen1", "no-bios-boot-code", "boot code" } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct sample s;

		open_made(&s, faults[i].version, &faults[i].change);
		for (size_t k = 0; k < 2 && faults[i].finding[k].target; k++) {
			struct readiness r = readiness_of(&s, faults[i].finding[k].target);

			if (findings(&r.findings, faults[i].finding[k].code,
				    faults[i].finding[k].says) != 1) {
				findings_print(&r.findings);
				fail_msg("%s: no %s", faults[i].version, faults[i].finding[k].code);
			}
			readiness_free(&r);
		}
		end(&s);
	}
}

/* The partition at that offset looks as if BitLocker had encrypted it. */
static void encrypt(struct sample *s, const char *offset)
{
	char command[256];

	snprintf(command, sizeof(command),
		"printf '\353X\220-FVE-FS-' | dd of=%s bs=1 seek=%s conv=notrunc status=none",
		s->image, offset);
	run(command);
}

static void test_bitlocker(void **state)
{
	struct readiness r;
	struct sample s;

	(void)state;
	make(&s, "win10", &none);
	encrypt(&s, "68157440");
	sample_open(&s, false);
	assert_true(info(&s)->bitlocker);
	r = readiness_of(&s, "hyperv-gen2");
	expect_finding(&r.findings, "bitlocker", "volume p2", SEVERITY_WARNING);
	readiness_free(&r);
	sample_shut(&s);
	/* Windows itself. */
	encrypt(&s, "84934656");
	sample_open(&s, false);
	assert_null(guest_image_guest(s.g));
	assert_int_equal(findings(guest_image_report(s.g), "bitlocker", "manage-bde -off"), 2);
	r = readiness_of(&s, "hyperv-gen2");
	assert_false(r.ready || r.fixable);
	assert_int_equal(findings(&r.findings, "no-guest", NULL), 1);
	readiness_free(&r);
	end(&s);
}

/* Hidden sectors of the active partition, which begins at 1 MiB. */
static void test_moved_partition(void **state)
{
	struct readiness r;
	struct sample s;
	char command[256];

	(void)state;
	make(&s, "win7", &none);
	snprintf(command, sizeof(command),
		"printf '\\77\\0\\0\\0' | dd of=%s bs=1 seek=$((1048576 + 28)) conv=notrunc "
		"status=none",
		s.image);
	run(command);
	sample_open(&s, false);
	assert_false(guest_image_boots(s.g, "bios"));
	r = readiness_of(&s, "hyperv-gen1");
	assert_int_equal(findings(&r.findings, "no-bios-boot-code",
				 "begins at sector 63, it begins at 2048"),
		1);
	readiness_free(&r);
	end(&s);
}

static void expect_seal_refused(struct sample *s)
{
	struct strings seal = { 0 };
	struct target_list targets = { 0 };
	struct error e = { 0 };

	assert_int_equal(strings_add(&seal, "machine-id", &e), 0);
	assert_int_equal(guest_image_apply(s->g,
				 &(struct guest_changes){ .targets = &targets, .seal = &seal }, &e),
		-ERR_UNSUPPORTED);
	assert_non_null(strstr(e.text, "--seal: machine-id"));
	assert_int_equal(s->journal.count, 0);
	strings_free(&seal);
}

/* The hive's file keeps its owner, times and place; its logs are emptied, and only that is written.
 */
static void test_hive_written(void **state)
{
	static const struct change change = { .before = "echo stale >log",
		.options = "--add Windows/System32/config/SYSTEM.LOG1=$D/log" };
	static const char key[] = "ControlSet001\\Control\\CrashControl";
	static const char path[] = "/Windows/System32/config/SYSTEM";
	struct fs_stat before, after;
	struct error e = { 0 };
	uint32_t value;
	struct sample s;

	(void)state;
	make(&s, "win10", &change);
	sample_open(&s, true);
	expect_seal_refused(&s);
	assert_int_equal(tree_stat(s.g->tree, path, TREE_FOLLOW, &before, &e), 0);
	assert_int_equal(windows_hive_write(s.g, &windows_of(s.g)->hive[WINDOWS_SYSTEM], &e), 0);
	assert_int_equal(s.journal.count, 0);
	assert_int_equal(hive_set_dword(windows_hive(s.g, WINDOWS_SYSTEM), key, "AutoReboot", 7,
				 "a test", &e),
		0);
	assert_int_equal(windows_hive_write(s.g, &windows_of(s.g)->hive[WINDOWS_SYSTEM], &e), 0);
	assert_int_equal(s.journal.count, 2);
	assert_string_equal(s.journal.edit[0].path, path);
	assert_string_equal(s.journal.edit[1].path, "/Windows/System32/config/SYSTEM.LOG1");
	assert_int_equal(s.journal.edit[1].after.size, 0);
	assert_string_equal(s.journal.registry[0].hive, path);
	sample_save(&s);
	sample_open(&s, false);
	assert_int_equal(tree_stat(s.g->tree, path, TREE_FOLLOW, &after, &e), 0);
	assert_int_equal(after.node, before.node);
	assert_int_equal(after.mtime, before.mtime);
	assert_int_equal(
		hive_get_dword(windows_hive(s.g, WINDOWS_SYSTEM), key, "AutoReboot", &value, &e),
		0);
	assert_int_equal(value, 7);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_moved_partition),
		cmocka_unit_test(test_bitlocker),
		cmocka_unit_test(test_hive_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
