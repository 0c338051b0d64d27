/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a recipe asks of a guest: each edit by its effects, and again. */
#include <fcntl.h>
#include <sys/stat.h>

#include "guest/guest_edit.h"
#include "guest/linux_account.h"
#include "guest/windows.h"
#include "linux_sample.h"

/* Of a guest that has what edits need, all that the sample of a Linux guest lacks. */
static const char linux_settings[] =
	"MUTATE='"
	"mkdir -p etc/skel/.config home usr/lib/systemd/system usr/share/zoneinfo/Europe "
	"etc/sudoers.d etc/cloud/cloud.cfg.d var/lib/dpkg root etc/systemd/system/x.target.wants;"
	"printf TZif2 >usr/share/zoneinfo/Europe/Berlin; echo no >usr/share/zoneinfo/README;"
	"echo Etc/UTC >etc/timezone; ln -s /usr/share/zoneinfo/Etc/UTC etc/localtime;"
	"printf \"root:x:0:0:root:/root:/bin/sh\\nold:x:1004:1004:,,,:/home/old:/bin/sh\\n\" "
	">etc/passwd;"
	"printf \"root:x:0:\\nold:x:1004:\\nsudo:x:27:old\\ndocker:x:1005:\" >etc/group;"
	"printf \"root:*:19000:0:99999:7:::\\nold:!:19000::::::\\n\" >etc/shadow;"
	"printf \"root:*::\\nsudo:*::old\\n\" >etc/gshadow; chmod 640 etc/shadow;"
	"printf \"old:100000:65536\\n\" >etc/subuid;"
	"printf \"UID_MIN 1000\\nPASS_MAX_DAYS\\t90\\nHOME_MODE 0750\\n#UMASK 077\\n\" "
	">etc/login.defs;"
	"echo hi >etc/skel/.profile; ln -s .profile etc/skel/.login; touch usr/bin/sudo;"
	"echo \"@includedir /etc/sudoers.d\" >etc/sudoers;"
	"printf \"127.0.0.1\\tlocalhost\\n127.0.1.1\\told\\n::1 ip6\\n\" >etc/hosts;"
	"echo old >etc/hostname; touch usr/lib/systemd/systemd usr/bin/cloud-init;"
	"printf "
	"\"[Install]\\nWantedBy=multi-user.target\\nAlias=other.service\\nAlso=a.socket\\n\" "
	">usr/lib/systemd/system/a.service;"
	"printf \"[Install]\\nWantedBy=sockets.target\\n\" >usr/lib/systemd/system/a.socket;"
	"printf \"[Unit]\\n\" >usr/lib/systemd/system/static.service;"
	"ln -s /dev/null etc/systemd/system/masked.service;"
	"ln -s /lib/systemd/system/a.service etc/systemd/system/x.target.wants/a.service;"
	"'";

/* An ed25519 public key that nobody has the other half of. */
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA a@b"

static void apply_to(struct sample *s, const struct guest_edits *l, int wanted, struct error *e)
{
	const struct target_list none = { 0 };
	int rc = guest_image_apply(
		s->g, &(struct guest_changes){ .targets = &none, .edits = l }, e);

	if (rc != wanted)
		fail_msg("%d: %s", rc, e->text);
}

/* The edit, and again on a guest that has it. */
static void twice(struct sample *s, const struct guest_edit *edits, size_t count)
{
	struct guest_edit *copy = calloc(count, sizeof(*copy));
	const struct guest_edits l = { copy, count };
	struct error e = { 0 };
	size_t changed;

	assert_non_null(copy);
	memcpy(copy, edits, count * sizeof(*copy));
	apply_to(s, &l, 0, &e);
	changed = s->journal.count + s->journal.registry_count;
	assert_true(changed);
	for (size_t i = 0; i < s->journal.count; i++)
		assert_true(s->journal.edit[i].why[0]);
	sample_save(s);
	sample_open(s, true);
	apply_to(s, &l, 0, &e);
	if (s->journal.count + s->journal.registry_count)
		fail_msg("%s again", s->journal.count ? s->journal.edit[0].path : "registry");
	free(copy);
}

static void refused(struct sample *s, struct guest_edit edit, int code, const char *says)
{
	const struct guest_edits l = { &edit, 1 };
	struct error e = { 0 };

	edit.line = 7;
	apply_to(s, &l, -code, &e);
	if (strncmp(e.text, "recipe line 7: ", 15) != 0 || !strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
	assert_int_equal(s->journal.count + s->journal.registry_count, 0);
}

static void expect_file(struct sample *s, const char *path, const char *want)
{
	struct buffer got = { 0 };
	struct error e = { 0 };

	if (tree_read(s->g->tree, path, 1 << 20, &got, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buffer_text(&got), want);
	buffer_free(&got);
}

static void expect_looks(
	struct sample *s, const char *path, uint32_t mode, uint32_t uid, uint32_t gid)
{
	struct fs_stat st;
	struct error e = { 0 };

	if (tree_stat(s->g->tree, path, TREE_NOFOLLOW, &st, &e))
		fail_msg("%s", e.text);
	if (st.mode != mode || st.uid != uid || st.gid != gid)
		fail_msg("%s is %o %u:%u", path, st.mode, st.uid, st.gid);
}

static void expect_link(struct sample *s, const char *path, const char *want)
{
	struct buffer got = { 0 };
	struct error e = { 0 };

	if (tree_readlink(s->g->tree, path, &got, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buffer_text(&got), want);
	buffer_free(&got);
}

static bool is_there(struct sample *s, const char *path)
{
	struct fs_stat st;

	return !tree_stat(s->g->tree, path, TREE_NOFOLLOW, &st, NULL);
}

static void linux_open(struct sample *s)
{
	sample_make(s, linux_settings);
	sample_open(s, true);
}

static void end(struct sample *s)
{
	char command[256];

	sample_save(s);
	snprintf(command, sizeof(command),
		"cd %s && dd if=image of=fs bs=1M skip=1 count=32 status=none && e2fsck -fn fs "
		">log 2>&1",
		s->directory);
	run(command);
	sample_remove(s);
}

static void test_files(void **state)
{
	struct guest_edit edits[] = {
		{ .kind = GUEST_WRITE,
			.path = "/etc/motd",
			.text = "hello\n",
			.owner = "old",
			.group = "27",
			.has_mode = true,
			.mode = 0640 },
		{ .kind = GUEST_WRITE, .path = "/etc/shadow", .text = "root:*::::::\n" },
		{ .kind = GUEST_APPEND, .path = "/etc/hosts", .text = "10.0.0.1 db" },
		{ .kind = GUEST_APPEND, .path = "/etc/hosts", .text = "127.0.0.1\tlocalhost" },
		{ .kind = GUEST_APPEND, .path = "/etc/group", .text = "a:x:1:\nb:x:2:\n" },
		{ .kind = GUEST_APPEND, .path = "/etc/new", .text = "x" },
		{ .kind = GUEST_REMOVE, .path = "/etc/skel" },
		{ .kind = GUEST_REMOVE, .path = "/etc/nothing/there" },
		{ .kind = GUEST_LINK, .path = "/opt/a/link", .target = "../b" },
		{ .kind = GUEST_MKDIR,
			.path = "/srv/data",
			.has_mode = true,
			.mode = 01770,
			.group = "docker" },
		{ .kind = GUEST_MODE, .path = "/home", .has_mode = true, .mode = 0711 },
		{ .kind = GUEST_OWNER, .path = "/home", .owner = "old" },
	};
	struct sample s;

	(void)state;
	linux_open(&s);
	twice(&s, edits, sizeof(edits) / sizeof(*edits));
	expect_file(&s, "/etc/motd", "hello\n");
	expect_looks(&s, "/etc/motd", S_IFREG | 0640, 1004, 27);
	expect_looks(&s, "/etc/shadow", S_IFREG | 0640, 0, 0);
	expect_file(
		&s, "/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\told\n::1 ip6\n10.0.0.1 db\n");
	expect_file(&s, "/etc/group",
		"root:x:0:\nold:x:1004:\nsudo:x:27:old\ndocker:x:1005:\na:x:1:\nb:x:2:\n");
	expect_file(&s, "/etc/new", "x\n");
	assert_false(is_there(&s, "/etc/skel"));
	expect_link(&s, "/opt/a/link", "../b");
	expect_looks(&s, "/srv/data", S_IFDIR | 01770, 0, 1005);
	expect_looks(&s, "/home", S_IFDIR | 0711, 1004, 0);
	end(&s);
}

static void test_copy(void **state)
{
	char from[128], one[128];
	struct guest_edit edits[] = {
		{ .kind = GUEST_COPY, .from = from, .path = "/opt/app", .owner = "old" },
		{ .kind = GUEST_COPY, .from = one, .path = "/etc/" },
		{ .kind = GUEST_COPY,
			.from = one,
			.path = "/etc/secret",
			.has_mode = true,
			.mode = 0600 },
	};
	struct buffer text = { 0 };
	struct error e = { 0 };
	struct sample s;
	char command[512];

	(void)state;
	linux_open(&s);
	snprintf(from, sizeof(from), "%s/app", s.directory);
	snprintf(one, sizeof(one), "%s/app/run", s.directory);
	snprintf(command, sizeof(command),
		"umask 077; mkdir %s && cd %s && mkdir bin empty && printf one >run && chmod 700 "
		"run && "
		"head -c 3000000 /dev/zero >bin/big && ln -s /etc/passwd bin/link",
		from, from);
	run(command);
	twice(&s, edits, 3);
	expect_looks(&s, "/opt/app", S_IFDIR | 0755, 1004, 0);
	expect_looks(&s, "/opt/app/empty", S_IFDIR | 0755, 1004, 0);
	expect_looks(&s, "/opt/app/bin/big", S_IFREG | 0644, 1004, 0);
	expect_looks(&s, "/opt/app/run", S_IFREG | 0755, 1004, 0);
	expect_looks(&s, "/etc/run", S_IFREG | 0755, 0, 0);
	expect_looks(&s, "/etc/secret", S_IFREG | 0600, 0, 0);
	expect_link(&s, "/opt/app/bin/link", "/etc/passwd");
	expect_file(&s, "/opt/app/run", "one");
	assert_int_equal(guest_edit_describe(&edits[0], &text, &e), 0);
	assert_string_equal(buffer_text(&text), "copy app to /opt/app");
	buffer_free(&text);
	snprintf(command, sizeof(command), "mkfifo %s/bin/pipe", from);
	run(command);
	refused(&s, edits[0], ERR_UNSUPPORTED, "pipe is no file");
	strcat(from, "/nothing");
	refused(&s, edits[0], ERR_NOTFOUND, "nothing");
	end(&s);
}

static void test_units(void **state)
{
	struct guest_edit disable = { .kind = GUEST_DISABLE, .name = "a" };
	struct guest_edit enable = { .kind = GUEST_ENABLE, .name = "a" };
	struct sample s;

	(void)state;
	linux_open(&s);
	refused(&s, (struct guest_edit){ .kind = GUEST_ENABLE, .name = "masked.service" },
		ERR_NOTREADY, "masked");
	refused(&s, (struct guest_edit){ .kind = GUEST_ENABLE, .name = "nosuch" }, ERR_NOTREADY,
		"nosuch.service");
	refused(&s, (struct guest_edit){ .kind = GUEST_DISABLE, .name = "static" }, ERR_NOTREADY,
		"without being enabled");
	twice(&s, &enable, 1);
	expect_link(&s, "/etc/systemd/system/multi-user.target.wants/a.service",
		"/lib/systemd/system/a.service");
	expect_link(&s, "/etc/systemd/system/other.service", "/lib/systemd/system/a.service");
	expect_link(&s, "/etc/systemd/system/sockets.target.wants/a.socket",
		"/lib/systemd/system/a.socket");
	twice(&s, &disable, 1);
	assert_false(is_there(&s, "/etc/systemd/system/multi-user.target.wants/a.service"));
	assert_false(is_there(&s, "/etc/systemd/system/x.target.wants/a.service"));
	assert_false(is_there(&s, "/etc/systemd/system/other.service"));
	assert_false(is_there(&s, "/etc/systemd/system/sockets.target.wants/a.socket"));
	assert_true(is_there(&s, "/etc/systemd/system/masked.service"));
	end(&s);
}

static void list_add(struct strings *l, const char *text)
{
	assert_int_equal(strings_add(l, text, NULL), 0);
}

static void test_user(void **state)
{
	struct guest_edit edits[] = {
		{ .kind = GUEST_USER, .name = "admin", .comment = "An Admin", .sudo = true },
		{ .kind = GUEST_USER, .name = "docker" },
		{ .kind = GUEST_USER, .name = "root" },
	};
	struct sample s;

	(void)state;
	linux_open(&s);
	list_add(&edits[0].list, "sudo");
	list_add(&edits[0].keys, "\n\t" KEY "\n");
	list_add(&edits[2].keys, KEY);
	twice(&s, edits, 3);
	/* docker gets the group of its name; 1005 is taken as a number of groups. */
	expect_file(&s, "/etc/passwd",
		"root:x:0:0:root:/root:/bin/sh\nold:x:1004:1004:,,,:/home/old:/bin/sh\n"
		"admin:x:1005:1006:An Admin:/home/admin:/bin/sh\n"
		"docker:x:1006:1005::/home/docker:/bin/sh\n");
	expect_file(&s, "/etc/group",
		"root:x:0:\nold:x:1004:\nsudo:x:27:old,admin\ndocker:x:1005:\nadmin:x:1006:\n");
	expect_file(&s, "/etc/shadow",
		"root:*:19000:0:99999:7:::\nold:!:19000::::::\nadmin:!:::90::::\n"
		"docker:!:::90::::\n");
	expect_file(&s, "/etc/gshadow", "root:*::\nsudo:*::old,admin\nadmin:!::\n");
	expect_file(
		&s, "/etc/subuid", "old:100000:65536\nadmin:165536:65536\ndocker:231072:65536\n");
	expect_looks(&s, "/etc/shadow", S_IFREG | 0640, 0, 0);
	expect_looks(&s, "/home/admin", S_IFDIR | 0750, 1005, 1006);
	expect_looks(&s, "/home/admin/.config", S_IFDIR | 0755, 1005, 1006);
	expect_looks(&s, "/home/admin/.profile", S_IFREG | 0644, 1005, 1006);
	expect_link(&s, "/home/admin/.login", ".profile");
	expect_looks(&s, "/home/admin/.ssh", S_IFDIR | 0700, 1005, 1006);
	expect_looks(&s, "/home/admin/.ssh/authorized_keys", S_IFREG | 0600, 1005, 1006);
	expect_file(&s, "/home/admin/.ssh/authorized_keys", KEY "\n");
	expect_looks(&s, "/root/.ssh/authorized_keys", S_IFREG | 0600, 0, 0);
	expect_looks(&s, "/etc/sudoers.d/90-admin", S_IFREG | 0440, 0, 0);
	expect_file(&s, "/etc/sudoers.d/90-admin", "admin ALL=(ALL:ALL) NOPASSWD: ALL\n");
	assert_false(is_there(&s, "/etc/subgid"));
	assert_false(is_there(&s, "/.autorelabel"));
	strings_free(&edits[0].list);
	strings_free(&edits[0].keys);
	strings_free(&edits[2].keys);
	end(&s);
}

static void test_user_refused(void **state)
{
	static char *const names[] = { "Admin", "a b", "a:b", "../x", "0day", "a$",
		"abcdefghijabcdefghijabcdefghijabc" };
	static const char *const keys[] = { "-----BEGIN OPENSSH PRIVATE KEY-----", "ssh-ed25519",
		KEY "\n" KEY, "ssh-dss AAAA", "" };
	struct guest_edit user = { .kind = GUEST_USER, .name = "u" };
	struct sample s;

	(void)state;
	linux_open(&s);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		refused(&s, (struct guest_edit){ .kind = GUEST_USER, .name = names[i] }, ERR_USAGE,
			"can't be an account's name");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct error e = { 0 };
		const struct guest_edits l = { &user, 1 };

		list_add(&user.keys, keys[i]);
		apply_to(&s, &l, -ERR_USAGE, &e);
		assert_non_null(strstr(e.text, "ssh key"));
		assert_null(strstr(e.text, "PRIVATE"));
		strings_free(&user.keys);
		sample_shut(&s);
		sample_open(&s, true);
	}
	user.comment = "a:b";
	refused(&s, user, ERR_USAGE, "comment");
	user.comment = NULL;
	user.shell = "/bin/nosuch";
	refused(&s, user, ERR_NOTREADY, "/bin/nosuch");
	user.shell = NULL;
	list_add(&user.list, "nogroup");
	refused(&s, user, ERR_NOTREADY, "no group nogroup");
	strings_free(&user.list);
	end(&s);
}

static void test_settings(void **state)
{
	struct guest_edit edits[] = {
		{ .kind = GUEST_HOSTNAME, .name = "vm.example.org" },
		{ .kind = GUEST_TIMEZONE, .name = "Europe/Berlin" },
		{ .kind = GUEST_DATASOURCES },
	};
	static char *const hosts[] = { "-a", "a-", "a..b", ".a", "a.", "a_b", "" };
	static char *const zones[] = { "Europe/Nowhere", "README", "Europe" };
	struct sample s;

	(void)state;
	linux_open(&s);
	for (size_t i = 0; i + 1 < sizeof(hosts) / sizeof(*hosts); i++)
		refused(&s, (struct guest_edit){ .kind = GUEST_HOSTNAME, .name = hosts[i] },
			ERR_USAGE, "can't be a host name");
	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
		refused(&s, (struct guest_edit){ .kind = GUEST_TIMEZONE, .name = zones[i] },
			ERR_NOTREADY, "no time zone");
	refused(&s, (struct guest_edit){ .kind = GUEST_TIMEZONE, .name = "../../etc/passwd" },
		ERR_USAGE, "can't be a time zone");
	list_add(&edits[2].list, "Openstack");
	refused(&s, edits[2], ERR_USAGE, "no datasource Openstack");
	strings_free(&edits[2].list);
	list_add(&edits[2].list, "OpenStack");
	list_add(&edits[2].list, "ConfigDrive");
	twice(&s, edits, 3);
	expect_file(&s, "/etc/hostname", "vm.example.org\n");
	expect_file(
		&s, "/etc/hosts", "127.0.0.1\tlocalhost\n127.0.1.1\tvm.example.org\tvm\n::1 ip6\n");
	expect_link(&s, "/etc/localtime", "../usr/share/zoneinfo/Europe/Berlin");
	expect_file(&s, "/etc/timezone", "Europe/Berlin\n");
	expect_file(&s, "/etc/cloud/cloud.cfg.d/99-hvimg.cfg",
		"# Where the clouds that this image is for say what an instance is.\n"
		"datasource_list: [ OpenStack, ConfigDrive ]\n");
	strings_free(&edits[2].list);
	end(&s);
}

static void test_first_boot(void **state)
{
	struct guest_edit edits[] = {
		{ .kind = GUEST_FIRST_BOOT, .name = "20-b", .text = "#!/bin/sh\necho b\n" },
		{ .kind = GUEST_FIRST_BOOT, .name = "10-a", .text = "echo a\n" },
	};
	struct guest_edit wrong = { .kind = GUEST_FIRST_BOOT, .name = "x", .text = "#!/bin/py\n" };
	struct sample s;

	(void)state;
	linux_open(&s);
	refused(&s, wrong, ERR_NOTREADY, "/bin/py");
	wrong.text = "#!/bin/sh\r\n";
	refused(&s, wrong, ERR_USAGE, "Windows");
	wrong.name = "a/b";
	refused(&s, wrong, ERR_USAGE, "name of a script");
	twice(&s, edits, 2);
	expect_file(&s, "/usr/local/sbin/hvimg-first-boot.d/20-b", "#!/bin/sh\necho b\n");
	expect_file(&s, "/usr/local/sbin/hvimg-first-boot.d/10-a", "#!/bin/sh\necho a\n");
	expect_looks(&s, "/usr/local/sbin/hvimg-first-boot.d/10-a", S_IFREG | 0700, 0, 0);
	expect_looks(&s, "/usr/local/sbin/hvimg-first-boot", S_IFREG | 0755, 0, 0);
	expect_link(&s, "/etc/systemd/system/multi-user.target.wants/hvimg-first-boot.service",
		"/etc/systemd/system/hvimg-first-boot.service");
	end(&s);
}

static void test_refused(void **state)
{
	struct guest_edit none[] = { { 0 } };
	const struct guest_edits l = { none, 1 };
	struct error e = { 0 };
	struct sample s;

	(void)state;
	linux_open(&s);
	refused(&s, (struct guest_edit){ .kind = GUEST_REGISTRY, .path = "SYSTEM\\x", .name = "y" },
		ERR_NOTREADY, "Linux guests can't");
	refused(&s, (struct guest_edit){ .kind = GUEST_WRITE, .path = "etc/x", .text = "" },
		ERR_USAGE, "does not begin");
	refused(&s, (struct guest_edit){ .kind = GUEST_WRITE, .path = "/etc/../x", .text = "" },
		ERR_USAGE, "\"..\"");
	refused(&s, (struct guest_edit){ .kind = GUEST_WRITE, .path = "/etc/x" }, ERR_USAGE,
		"no text");
	refused(&s, (struct guest_edit){ .kind = GUEST_REMOVE, .path = "/" }, ERR_REFUSED, "root");
	refused(&s, (struct guest_edit){ .kind = GUEST_EDIT_KINDS }, ERR_USAGE, "kind");
	refused(&s,
		(struct guest_edit){
			.kind = GUEST_WRITE, .path = "/x", .text = "", .owner = "nobody-here" },
		ERR_NOTREADY, "/etc/passwd has no nobody-here");
	sample_shut(&s);
	/* A disk with nothing on it. */
	assert_int_equal(truncate(s.image, 0), 0);
	assert_int_equal(truncate(s.image, 4 << 20), 0);
	sample_open(&s, true);
	none[0] = (struct guest_edit){ .kind = GUEST_WRITE, .path = "/x", .text = "" };
	apply_to(&s, &l, -ERR_NOTREADY, &e);
	assert_non_null(strstr(e.text, "no guest"));
	sample_shut(&s);
	sample_remove(&s);
}

static void windows_open(struct sample *s)
{
	char command[256];
	struct error e = { 0 };

	memset(s, 0, sizeof(*s));
	strcpy(s->directory, "/tmp/hvimg-windows-XXXXXX");
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->image, sizeof(s->image), "%s/image", s->directory);
	snprintf(
		command, sizeof(command), "scripts/make-windows-guest --size 48 win7 %s", s->image);
	run(command);
	assert_int_equal(targets_load_all("recipes", &s->known, &e), 0);
	sample_open(s, true);
}

static void expect_registry(struct sample *s, const char *key, const char *name, uint32_t type,
	const void *data, size_t len)
{
	struct hive_value v;
	struct error e = { 0 };

	if (hive_get(windows_hive(s->g, WINDOWS_SYSTEM), key, name, &v, &e))
		fail_msg("%s", e.text);
	assert_int_equal(v.type, type);
	assert_int_equal(v.len, len);
	assert_memory_equal(v.data, data, len);
	hive_value_free(&v);
}

static void test_windows(void **state)
{
	struct guest_edit edits[] = {
		{ .kind = GUEST_WRITE, .path = "C:\\ProgramData\\App\\a.txt", .text = "a\n" },
		{ .kind = GUEST_APPEND, .path = "/programdata/app/a.txt", .text = "b" },
		{ .kind = GUEST_APPEND, .path = "/ProgramData/new.txt", .text = "b" },
		{ .kind = GUEST_MKDIR, .path = "/Empty/Below" },
		{ .kind = GUEST_COPY, .from = "tests/unit/linux_sample.h", .path = "C:\\x.h" },
		{ .kind = GUEST_REMOVE, .path = "/windows/inf" },
		{ .kind = GUEST_FIRST_BOOT, .name = "setup", .text = "echo on\necho x" },
		{ .kind = GUEST_FIRST_BOOT, .name = "shell", .text = "#ps1\nexit 0\n" },
		{ .kind = GUEST_REGISTRY,
			.path = "SYSTEM\\CurrentControlSet\\Control\\Own",
			.name = "d",
			.type = "dword",
			.text = "0x10" },
		{ .kind = GUEST_REGISTRY,
			.path = "HKLM\\System\\ControlSet001\\Control\\Own",
			.name = "q",
			.type = "qword",
			.text = "18446744073709551615" },
		{ .kind = GUEST_REGISTRY, .path = "SYSTEM\\Own", .text = "t" },
		{ .kind = GUEST_REGISTRY,
			.path = "SYSTEM\\Own",
			.name = "l",
			.type = "multi-sz",
			.text = "a\nb\n" },
		{ .kind = GUEST_REGISTRY,
			.path = "SYSTEM\\Own",
			.name = "b",
			.type = "binary",
			.text = "0a, 1B2c" },
	};
	struct sample s;

	(void)state;
	windows_open(&s);
	twice(&s, edits, sizeof(edits) / sizeof(*edits));
	expect_file(&s, "/ProgramData/App/a.txt", "a\nb\n");
	expect_file(&s, "/ProgramData/new.txt", "b\r\n");
	assert_true(is_there(&s, "/Empty/Below") && is_there(&s, "/x.h"));
	assert_false(is_there(&s, "/Windows/inf"));
	expect_file(&s, "/Windows/Drivers/hvimg/script-setup.cmd", "echo on\r\necho x\r\n");
	expect_file(&s, "/Windows/Drivers/hvimg/first-boot/60-setup-001.cmd",
		"@echo off\r\ncall \"%SystemRoot%\\Drivers\\hvimg\\script-setup.cmd\" && del /f /q "
		"\"%SystemRoot%\\Drivers\\hvimg\\script-setup.cmd\"\r\n");
	assert_true(is_there(&s, "/Windows/Drivers/hvimg/script-shell.ps1"));
	assert_true(windows_of(s.g)->control_sets.count);
	for (size_t i = 0; i < windows_of(s.g)->control_sets.count; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%s\\Control\\Own",
			windows_of(s.g)->control_sets.item[i]);
		expect_registry(&s, key, "d", HIVE_DWORD, "\x10\0\0\0", 4);
	}
	expect_registry(&s, "ControlSet001\\Control\\Own", "q", HIVE_QWORD,
		"\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	expect_registry(&s, "Own", "", HIVE_SZ, "t\0\0", 4);
	expect_registry(&s, "Own", "l", HIVE_MULTI_SZ, "a\0\0\0b\0\0\0\0", 10);
	expect_registry(&s, "Own", "b", HIVE_BINARY, "\x0a\x1b\x2c", 3);
	sample_shut(&s);
	sample_remove(&s);
}

static void test_windows_refused(void **state)
{
	static const enum guest_edit_kind kinds[] = { GUEST_LINK, GUEST_MODE, GUEST_OWNER,
		GUEST_ENABLE, GUEST_DISABLE, GUEST_USER, GUEST_HOSTNAME, GUEST_TIMEZONE };
	struct guest_edit value = { .kind = GUEST_REGISTRY, .path = "SAM\\x", .name = "v" };
	struct sample s;

	(void)state;
	windows_open(&s);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		refused(&s,
			(struct guest_edit){ .kind = kinds[i],
				.path = "/x",
				.name = "x",
				.target = "x",
				.has_mode = true,
				.owner = "x" },
			ERR_NOTREADY, "Windows guests can't");
	refused(&s,
		(struct guest_edit){
			.kind = GUEST_WRITE, .path = "/x", .text = "", .has_mode = true },
		ERR_NOTREADY, "permissions");
	refused(&s, (struct guest_edit){ .kind = GUEST_WRITE, .path = "D:\\x", .text = "" },
		ERR_NOTREADY, "drive");
	refused(&s, (struct guest_edit){ .kind = GUEST_REMOVE, .path = "c:\\windows\\system32" },
		ERR_REFUSED, "registry");
	refused(&s,
		(struct guest_edit){ .kind = GUEST_COPY,
			.from = "tests/unit/run",
			.path = "/WINDOWS/System32/config/system" },
		ERR_REFUSED, "registry");
	refused(&s, value, ERR_NOTREADY, "SAM\\x is no key");
	value.path = "SYSTEM\\\\x";
	refused(&s, value, ERR_USAGE, "empty part");
	value.path = "SYSTEM\\x";
	value.type = "dword";
	value.text = "4294967296";
	refused(&s, value, ERR_USAGE, "no number");
	value.type = "binary";
	value.text = "0a1";
	refused(&s, value, ERR_USAGE, "no byte");
	value.type = "word";
	refused(&s, value, ERR_USAGE, "no type");
	sample_shut(&s);
	sample_remove(&s);
}

/* Numbers as useradd gives them, also when the highest is taken. */
static void test_numbers(void **state)
{
	struct buffer text = { 0 };
	struct error e = { 0 };
	uint32_t n;

	(void)state;
	assert_int_equal(
		buffer_string(&text, "a:x:1000:\nb:x:1002:\nc:x:65534:\nbad\n:::\n", &e), 0);
	assert_int_equal(account_number_free(&text, 2, 1000, 60000, &n, &e), 0);
	assert_int_equal(n, 1003);
	assert_int_equal(account_number_free(&text, 2, 1000, 1002, &n, &e), 0);
	assert_int_equal(n, 1001);
	assert_int_equal(account_number_free(&text, 2, 1002, 1002, &n, &e), -ERR_RANGE);
	assert_int_equal(account_number_free(&text, 2, 65534, UINT32_MAX, &n, &e), 0);
	assert_int_equal(n, 65535);
	assert_false(account_has(&text, "bad"));
	assert_int_equal(account_set(&text, "bad", 2, "x", &e), -ERR_CORRUPT);
	assert_int_equal(account_set(&text, "b", 9, "x", &e), -ERR_CORRUPT);
	buffer_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_user_refused),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_first_boot),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_windows_refused),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
