/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many packages a guest has, by the tools that made their databases; its init and SELinux. */
#include <sys/stat.h>

#include "guest/guest_image.h"
#include "linux_sample.h"

static void open_with(struct sample *s, const char *settings)
{
	sample_make(s, settings);
	sample_open(s, false);
}

static void done(struct sample *s)
{
	sample_shut(s);
	sample_remove(s);
}

static void expect_count(const char *settings, const char *manager, long count)
{
	const struct guest *g;
	struct sample s;

	open_with(&s, settings);
	g = guest_image_guest(s.g);
	assert_string_equal(g->package_manager, manager);
	assert_int_equal(g->has_package_count, count >= 0);
	if (count >= 0)
		assert_int_equal(g->package_count, count);
	done(&s);
}

static void test_counts(void **state)
{
	(void)state;
	expect_count(
		"MUTATE='mkdir -p $T/var/lib/dpkg; stanza() { "
		"printf \"Package: $1\\nStatus: $2\\nVersion: 1\\nArchitecture: all\\n"
		"Maintainer: x\\nDescription: x\\n\\n\"; }; { stanza a \"install ok installed\"; "
		"stanza b \"deinstall ok config-files\"; stanza c \"hold ok installed\"; "
		"stanza d \"install ok unpacked\"; } >$T/var/lib/dpkg/status; "
		"test 2 = $(dpkg-query --admindir=$T/var/lib/dpkg -f "
		"\"\\${db:Status-Abbrev}x\\n\" -W | grep -c ^.i)' ",
		"dpkg", 2);
	expect_count(
		"MUTATE='mkdir -p $T/lib/apk/db; printf \"C:Q1\\nP:musl\\nV:1\\n\\nP:busybox\\n\" "
		">$T/lib/apk/db/installed' ",
		"apk", 2);
	expect_count("MUTATE='mkdir -p $T/var/lib/pacman/local/{a-1,b-2}; touch "
		     "$T/var/lib/pacman/local/{ALPM_DB_VERSION,a-1/desc,b-2/desc}' ",
		"pacman", 2);
}

/* Two packages put into a database by rpm itself. */
#define RPM                                                                                        \
	"command -v rpmbuild rpm >/dev/null && d=$(mktemp -d) && for n in one two; do "            \
	"printf \"Name: $n\\nVersion: 1\\nRelease: 1\\nSummary: x\\nLicense: x\\nBuildArch: "      \
	"noarch\\n%%description\\nx\\n%%files\\n\" >$d/$n.spec; "                                  \
	"rpmbuild -bb --quiet --define \"_topdir $d\" $d/$n.spec >/dev/null 2>&1; done; "          \
	"rpm --root $d/r --dbpath /var/lib/rpm --define \"_db_backend sqlite\" --justdb --nodeps " \
	"-i $d/RPMS/noarch/*.rpm 2>/dev/null; mkdir -p $T/var/lib/rpm; "                           \
	"cp $d/r/var/lib/rpm/rpmdb.sqlite* $T/var/lib/rpm/; rm -rf $d; "

static void test_rpm(void **state)
{
	(void)state;
	if (system("command -v rpmbuild >/dev/null"))
		skip();
	expect_count("MUTATE='" RPM "rm -f $T/var/lib/rpm/*-{wal,shm}' ", "rpm", 2);
	expect_count("MUTATE='" RPM "echo x >$T/var/lib/rpm/rpmdb.sqlite-wal' ", "rpm", -1);
	expect_count(
		"MUTATE='" RPM
		"truncate -s 8192 $T/var/lib/rpm/rpmdb.sqlite; rm -f $T/var/lib/rpm/*-{wal,shm}' ",
		"rpm", -1);
}

static void test_rpm_hostile(void **state)
{
	(void)state;
	if (system("command -v sqlite3 >/dev/null"))
		skip();
	expect_count("MUTATE='mkdir -p $T/var/lib/rpm; echo junk >$T/var/lib/rpm/rpmdb.sqlite' ",
		"rpm", -1);
	expect_count("MUTATE='mkdir -p $T/var/lib/rpm; touch $T/var/lib/rpm/Packages' ", "rpm", -1);
	expect_count("MUTATE='mkdir -p $T/usr/lib/sysimage/rpm; sqlite3 "
		     "$T/usr/lib/sysimage/rpm/rpmdb.sqlite \"CREATE VIEW Packages AS WITH "
		     "RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c\"' ",
		"rpm", -1);
}

static void expect_init(const char *settings, const char *init)
{
	const struct guest *g;
	struct sample s;

	open_with(&s, settings);
	g = guest_image_guest(s.g);
	if (init)
		assert_string_equal(g->init, init);
	else
		assert_null(g->init);
	done(&s);
}

static void test_init(void **state)
{
	(void)state;
	expect_init("", NULL);
	expect_init("MUTATE='mkdir $T/lib/systemd; touch $T/lib/systemd/systemd; "
		    "ln -s /lib/systemd/systemd $T/sbin/init' ",
		"systemd");
	expect_init(
		"MUTATE='touch $T/bin/busybox $T/sbin/openrc; ln -s /bin/busybox $T/sbin/init' ",
		"openrc");
	expect_init("MUTATE='touch $T/sbin/init $T/etc/inittab' ", "sysvinit");
}

static void expect_selinux(const char *settings, const char *mode)
{
	const struct guest *g;
	struct sample s;

	open_with(&s, settings);
	g = guest_image_guest(s.g);
	if (mode)
		assert_string_equal(g->selinux, mode);
	else
		assert_null(g->selinux);
	done(&s);
}

static void test_selinux(void **state)
{
	(void)state;
	expect_selinux("", NULL);
	expect_selinux("MUTATE='mkdir $T/etc/selinux; echo SELINUX=enforcing "
		       ">$T/etc/selinux/config' ",
		"enforcing");
	expect_selinux("MUTATE='mkdir $T/etc/selinux; echo SELINUX=Permissive "
		       ">$T/etc/selinux/config' ",
		"permissive");
	expect_selinux("MUTATE='mkdir $T/etc/selinux; echo SELINUX=enforcing "
		       ">$T/etc/selinux/config; echo GRUB_CMDLINE_LINUX=\"\\\"a selinux=0\\\"\" "
		       ">>$T/etc/default/grub' ",
		"disabled");
	expect_selinux("MUTATE='mkdir $T/etc/selinux; echo SELINUX=enforcing "
		       ">$T/etc/selinux/config; echo GRUB_CMDLINE_LINUX=\"\\\"enforcing=0 b\\\"\" "
		       ">>$T/etc/default/grub' ",
		"permissive");
}

/* What the system says of the next start when a file is put into /usr/share/initramfs-tools. */
static void expect_relabel(const char *settings, bool wanted, const char *label)
{
	struct target_list l;
	struct sample s;
	struct error e = { 0 };
	struct xattr *all;
	size_t count;

	sample_make(&s, settings);
	sample_open(&s, true);
	assert_int_equal(targets_load("recipes", "hyperv-gen1", &l, &e), 0);
	if (guest_image_apply(s.g, &(struct guest_changes){ .targets = &l }, &e))
		fail_msg("%s", e.text);
	assert_int_equal(tree_is(s.g->tree, "/.autorelabel", S_IFREG), wanted);
	assert_int_equal(tree_xattrs(s.g->tree, "/usr/share/initramfs-tools/modules.d/hvimg", &all,
				 &count, &e),
		0);
	assert_int_equal(count, label ? 1 : 0);
	if (label)
		assert_memory_equal(all[0].value, label, strlen(label));
	xattrs_free(all, count);
	sample_save(&s);
	sample_open(&s, true);
	assert_int_equal(guest_image_apply(s.g, &(struct guest_changes){ .targets = &l }, &e), 0);
	assert_int_equal(s.journal.count, 0);
	sample_shut(&s);
	targets_free(&l);
	sample_remove(&s);
}

#define ENFORCING "MUTATE='mkdir $T/etc/selinux; echo SELINUX=enforcing >$T/etc/selinux/config' "
static void test_labels(void **state)
{
	(void)state;
	expect_relabel("", false, NULL);
	expect_relabel(ENFORCING, true, NULL);
	expect_relabel(ENFORCING
		"AFTER='debugfs -w -R \"ea_set /usr/share/initramfs-tools/modules.d "
		"security.selinux system_u:object_r:usr_t:s0\" "
		"\"$IMAGE?offset=1048576\"' ",
		false, "system_u:object_r:usr_t:s0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_rpm),
		cmocka_unit_test(test_rpm_hostile),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_selinux),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
