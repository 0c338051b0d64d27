/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel arguments, services and cloud-init of a guest: what is found, what is written, and that
 * the second time nothing is. */
#include "linux_sample.h"

#define SYSTEMD "mkdir -p usr/lib/systemd/system etc/systemd/system; : >usr/lib/systemd/systemd; "
#define UNIT(name, install)                                                                        \
	"printf '[Unit]\\nDescription=x\\n[Install]\\n" install "' >usr/lib/systemd/system/" name  \
	"; "
#define CLOUD "mkdir -p etc/cloud/cloud.cfg.d; : >usr/bin/cloud-init; "

static void mutate(struct sample *s, const char *commands)
{
	assert_int_equal(setenv("MUTATE", commands, 1), 0);
	sample_make(s, "TABLE=gpt");
	assert_int_equal(unsetenv("MUTATE"), 0);
}

static size_t apply(struct sample *s, const char *targets)
{
	struct target_list l;
	struct error e = { 0 };
	size_t changes;

	sample_open(s, true);
	assert_int_equal(targets_load("recipes", targets, &l, &e), 0);
	if (guest_image_apply(s->g, &(struct guest_changes){ .targets = &l }, &e))
		fail_msg("%s", e.text);
	changes = s->journal.count;
	targets_free(&l);
	sample_save(s);
	return changes;
}

static size_t found(struct sample *s, const char *target, const char *code, const char *says)
{
	struct readiness r;
	size_t count;

	sample_open(s, false);
	r = readiness_of(s, target);
	count = findings(&r.findings, code, says);
	readiness_free(&r);
	sample_shut(s);
	return count;
}

static bool fixable(struct sample *s, const char *target, const char *code)
{
	struct readiness r;
	bool yes = false;

	sample_open(s, false);
	r = readiness_of(s, target);
	for (size_t i = 0; i < r.findings.count; i++)
		if (!strcmp(r.findings.finding[i].code, code))
			yes = r.findings.finding[i].fixable;
	readiness_free(&r);
	sample_shut(s);
	return yes;
}

/* What debugfs finds in the image; a link shows as itself. */
static void holds(struct sample *s, const char *path, const char *text)
{
	char command[512], have[4096];
	size_t len;
	FILE *f;

	snprintf(command, sizeof(command), "debugfs -R 'cat %s' '%s?offset=1048576' 2>/dev/null",
		path, s->image);
	f = popen(command, "r");
	assert_non_null(f);
	len = fread(have, 1, sizeof(have) - 1, f);
	have[len] = 0;
	assert_int_equal(pclose(f), 0);
	assert_string_equal(have, text);
}

static void links(struct sample *s, const char *path, const char *to)
{
	char command[512];

	snprintf(command, sizeof(command),
		"debugfs -R 'stat %s' '%s?offset=1048576' 2>/dev/null | grep -q 'Fast link dest: "
		"\"%s\"'",
		path, s->image, to);
	run(command);
}

static void settled(struct sample *s, const char *targets)
{
	assert_int_equal(apply(s, targets), 0);
}

static void test_grub(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		"printf 'linux /boot/vmlinuz-1 root=UUID=1 ro\\nlinux /memtest.bin\\n"
		"linux /boot/vmlinuz-1 root=UUID=1 ro single\\n"
		"linux /vmlinuz console=ttyS0\\n"
		"linux /vmlinuz \"a b\\n' >boot/grub/grub.cfg; "
		"printf 'x=1\\nGRUB_CMDLINE_LINUX=\"quiet\" # words\\ny=2\\n' >etc/default/grub; "
		": >usr/sbin/grub2-mkconfig");
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", NULL), 2);
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", "2 of 4"), 1);
	assert_int_equal(found(&s, "kvm", "kernel-argument-missing", NULL), 0);
	apply(&s, "hyperv-gen1");
	holds(&s, "/boot/grub/grub.cfg",
		"linux /boot/vmlinuz-1 root=UUID=1 ro console=ttyS0,115200n8 console=tty0\n"
		"linux /memtest.bin\n"
		"linux /boot/vmlinuz-1 root=UUID=1 ro single console=ttyS0,115200n8 console=tty0\n"
		"linux /vmlinuz console=ttyS0\nlinux /vmlinuz \"a b\n");
	holds(&s, "/etc/default/grub",
		"x=1\nGRUB_CMDLINE_LINUX=\"quiet console=ttyS0,115200n8 console=tty0\" # "
		"words\ny=2\n");
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", NULL), 0);
	settled(&s, "hyperv-gen1");
	sample_remove(&s);
}

static void test_grub_directory(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		"echo 'for x in /etc/default/grub.d/*.cfg' >usr/sbin/grub-mkconfig; "
		"printf 'GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\\nGRUB_CMDLINE_LINUX=a\\n' "
		">etc/default/grub; mkdir etc/default/grub.d; "
		"echo 'GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} console=hvc0\"' "
		">etc/default/grub.d/50.cfg");
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", "next grub.cfg"), 1);
	apply(&s, "hyperv-gen1");
	holds(&s, "/etc/default/grub",
		"GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=a\n");
	holds(&s, "/etc/default/grub.d/99-hvimg.cfg",
		"# For the hypervisors that this image is for.\n"
		"GRUB_CMDLINE_LINUX=\"console=ttyS0,115200n8 $GRUB_CMDLINE_LINUX\"\n");
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", NULL), 0);
	settled(&s, "hyperv-gen1");
	sample_remove(&s);
}

/* A value that a command makes is not followed, and not touched. */
static void test_grub_command(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		": >usr/sbin/grub-mkconfig; "
		"echo 'GRUB_CMDLINE_LINUX=\"$(cat /x)\"' >etc/default/grub");
	assert_int_equal(found(&s, "hyperv-gen1", "kernel-argument-missing", NULL), 1);
	assert_false(fixable(&s, "hyperv-gen1", "kernel-argument-missing"));
	apply(&s, "hyperv-gen1");
	holds(&s, "/etc/default/grub", "GRUB_CMDLINE_LINUX=\"$(cat /x)\"\n");
	sample_remove(&s);
}

/* Boot loader entries, with words of their own and with those of GRUB's environment. */
static void test_entries(void **state)
{
	struct sample s;
	char env[1025];
	int used;

	(void)state;
	mutate(&s,
		"rm boot/grub/grub.cfg; mkdir -p boot/loader/entries boot/grub2 etc/kernel; "
		"printf 'linux /vmlinuz\\noptions root=UUID=1 ro\\n' >boot/loader/entries/a.conf; "
		"printf 'linux /vmlinuz\\noptions $kernelopts x\\n' >boot/loader/entries/b.conf; "
		"echo 'root=UUID=1 ro' >etc/kernel/cmdline; "
		"{ printf '# GRUB Environment Block\\nkernelopts=root=UUID=1 ro \\n'; "
		"head -c 1024 /dev/zero | tr '\\0' '#'; } | head -c 1024 >boot/grub2/grubenv");
	assert_int_equal(found(&s, "azure", "kernel-argument-missing", NULL), 3);
	apply(&s, "hyperv-gen1,azure");
	holds(&s, "/boot/loader/entries/a.conf",
		"linux /vmlinuz\noptions root=UUID=1 ro console=ttyS0,115200n8 console=tty1\n");
	holds(&s, "/boot/loader/entries/b.conf", "linux /vmlinuz\noptions $kernelopts x\n");
	holds(&s, "/etc/kernel/cmdline", "root=UUID=1 ro console=ttyS0,115200n8 console=tty1\n");
	used = snprintf(env, sizeof(env),
		"# GRUB Environment Block\nkernelopts=root=UUID=1 ro console=ttyS0,115200n8 "
		"console=tty1 \n");
	memset(env + used, '#', 1024 - (size_t)used);
	env[1024] = 0;
	holds(&s, "/boot/grub2/grubenv", env);
	assert_int_equal(found(&s, "azure", "kernel-argument-missing", NULL), 0);
	settled(&s, "azure,hyperv-gen1");
	sample_remove(&s);
}

/* GRUB refuses a block of another size, so a full one is left alone. */
static void test_full_grubenv(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		"rm boot/grub/grub.cfg; "
		"{ printf '# GRUB Environment Block\\nkernelopts=a='; "
		"head -c 1024 /dev/zero | tr '\\0' a; } | head -c 1018 >boot/grub/grubenv; "
		"printf '\\n#####' >>boot/grub/grubenv");
	assert_int_equal(found(&s, "azure", "kernel-argument-missing", "grubenv"), 1);
	assert_false(fixable(&s, "azure", "kernel-argument-missing"));
	apply(&s, "azure,hyperv-gen1");
	assert_int_equal(found(&s, "azure", "kernel-argument-missing", "grubenv"), 1);
	sample_remove(&s);
}

static void test_no_services_without_systemd(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s, "");
	assert_int_equal(found(&s, "kvm", "service-missing", NULL), 0);
	sample_remove(&s);
}

static void test_services(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		SYSTEMD UNIT("hypervkvpd.service",
			"WantedBy=multi-user.target \\\\\\n other.target\\n") UNIT("hypervvssd."
										   "service",
			"WantedBy=multi-user.target\\nAlso=x.socket\\n") UNIT("x.socket",
			"WantedBy=sockets.target\\nAlias=y.socket\\n") UNIT("hypervfcopyd.service",
			"WantedBy=multi-user.target\\n") "ln -s /dev/null "
							 "etc/systemd/system/hypervfcopyd.service; "
							 "printf '[Service]\\nExecStart=/x\\n' "
							 ">usr/lib/systemd/system/"
							 "qemu-guest-agent.service");
	assert_int_equal(found(&s, "hyperv-gen1", "service-disabled", NULL), 2);
	assert_int_equal(found(&s, "hyperv-gen1", "service-masked", "hypervfcopyd"), 1);
	assert_int_equal(found(&s, "azure", "service-missing", "azure-agent"), 1);
	/* Without [Install] udev starts it. */
	assert_int_equal(found(&s, "kvm", "service-disabled", NULL), 0);
	assert_int_equal(found(&s, "kvm", "service-missing", NULL), 0);
	apply(&s, "hyperv-gen1");
	links(&s, "/etc/systemd/system/multi-user.target.wants/hypervkvpd.service",
		"/lib/systemd/system/hypervkvpd.service");
	links(&s, "/etc/systemd/system/other.target.wants/hypervkvpd.service",
		"/lib/systemd/system/hypervkvpd.service");
	links(&s, "/etc/systemd/system/sockets.target.wants/x.socket",
		"/lib/systemd/system/x.socket");
	links(&s, "/etc/systemd/system/y.socket", "/lib/systemd/system/x.socket");
	assert_int_equal(found(&s, "hyperv-gen1", "service-disabled", NULL), 0);
	assert_int_equal(found(&s, "hyperv-gen1", "service-masked", NULL), 1);
	settled(&s, "hyperv-gen1");
	sample_remove(&s);
}

/* An alias is enabled as the unit that it is; what only systemd can expand is left to it. */
static void test_service_names(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		SYSTEMD UNIT("walinuxagent.service",
			"WantedBy=multi-user.target\\n") "ln -s walinuxagent.service "
							 "usr/lib/systemd/system/waagent.service; "
							 "mkdir "
							 "etc/systemd/system/foo.target.wants; "
							 "ln -s /x "
							 "etc/systemd/system/foo.target.wants/"
							 "hv-kvp-daemon.service; " UNIT(
								 "hv-kvp-daemon.service",
								 "WantedBy=multi-user.target\\n")
								 UNIT("xe-daemon.service",
									 "WantedBy=%%H.target\\n"));
	assert_int_equal(found(&s, "azure", "service-disabled", "walinuxagent.service"), 1);
	/* Some unit pulls it in already. */
	assert_int_equal(found(&s, "azure", "service-disabled", "hv-kvp"), 0);
	assert_int_equal(found(&s, "xen", "service-disabled", "xe-daemon"), 1);
	assert_false(fixable(&s, "xen", "service-disabled"));
	apply(&s, "azure,hyperv-gen1");
	links(&s, "/etc/systemd/system/multi-user.target.wants/walinuxagent.service",
		"/lib/systemd/system/walinuxagent.service");
	assert_int_equal(found(&s, "azure", "service-disabled", NULL), 0);
	sample_remove(&s);
}

static void test_cloud_list(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		CLOUD "echo 'datasource_list: [NoCloud, None]' >etc/cloud/cloud.cfg; "
		      "printf '# made for EC2\\ndatasource_list:\\n  - Ec2\\n  - ConfigDrive\\n"
		      "  - None\\nother: [x, {y: z}]\\n' >etc/cloud/cloud.cfg.d/90.cfg; "
		      "echo 'datasource_list: [ X ]' >etc/cloud/cloud.cfg.d/99.txt");
	assert_int_equal(found(&s, "hyperv-gen1", "cloud-datasource-missing", "OpenStack"), 1);
	assert_int_equal(found(&s, "azure", "cloud-datasource-missing", "Azure"), 1);
	apply(&s, "hyperv-gen1,azure");
	holds(&s, "/etc/cloud/cloud.cfg.d/99-hvimg.cfg",
		"# Where the clouds that this image is for say what an instance is.\n"
		"datasource_list: [ Azure, Ec2, ConfigDrive, OpenStack, None ]\n");
	assert_int_equal(found(&s, "hyperv-gen1", "cloud-datasource-missing", NULL), 0);
	assert_int_equal(found(&s, "azure", "cloud-datasource-missing", NULL), 0);
	settled(&s, "azure,hyperv-gen1");
	sample_remove(&s);
}

/* The file that is read last has the list. */
static void test_cloud_later_file(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s, CLOUD "echo 'datasource_list: [Ec2]' >etc/cloud/cloud.cfg.d/99_ec2.cfg");
	apply(&s, "hyperv-gen1");
	holds(&s, "/etc/cloud/cloud.cfg.d/zz-hvimg.cfg",
		"# Where the clouds that this image is for say what an instance is.\n"
		"datasource_list: [ ConfigDrive, OpenStack, Ec2 ]\n");
	assert_int_equal(found(&s, "hyperv-gen1", "cloud-datasource-missing", NULL), 0);
	settled(&s, "hyperv-gen1");
	sample_remove(&s);
}

/* A guest made with `commands` has that finding, not fixable, and inject leaves its cloud-init
 * alone. */
static void left_alone(const char *commands, const char *code, const char *says)
{
	struct sample s;
	char all[1024];

	snprintf(all, sizeof(all), "%s%s", CLOUD, commands);
	mutate(&s, all);
	assert_int_equal(found(&s, "hyperv-gen1", code, says), 1);
	assert_false(fixable(&s, "hyperv-gen1", code));
	apply(&s, "hyperv-gen1");
	holds(&s, "/etc/cloud/cloud.cfg.d/99-hvimg.cfg", "");
	assert_int_equal(found(&s, "hyperv-gen1", code, says), 1);
	sample_remove(&s);
}

static void test_cloud_left_alone(void **state)
{
	(void)state;
	left_alone(
		": >etc/cloud/cloud-init.disabled", "cloud-init-disabled", "cloud-init.disabled");
	left_alone("echo 'datasource_list: [None]' >etc/cloud/cloud.cfg.d/99-installer.cfg",
		"cloud-init-disabled", "None alone");
	left_alone("echo 'policy: disabled' >etc/cloud/ds-identify.cfg", "cloud-init-disabled",
		"ds-identify.cfg");
	left_alone("echo 'datasource: Ec2' >etc/cloud/ds-identify.cfg", "cloud-datasource-missing",
		"Ec2");
	left_alone("echo 'linux /vmlinuz console=ttyS0 ds=nocloud;s=/x' >boot/grub/grub.cfg",
		"cloud-datasource-missing", "nocloud");
	left_alone("echo 'linux /vmlinuz console=ttyS0 cloud-init=disabled' >boot/grub/grub.cfg",
		"cloud-init-disabled", "kernel command line");
	left_alone("echo 'datasource_list: [*x]' >etc/cloud/cloud.cfg", "cloud-config-unclear",
		"cloud.cfg");
	left_alone("echo 'datasource_list: {a: b}' >etc/cloud/cloud.cfg", "cloud-config-unclear",
		"cloud.cfg");
	left_alone("printf 'merge_how: x\\ndatasource_list: [Ec2]\\n' >etc/cloud/cloud.cfg",
		"cloud-config-unclear", "cloud.cfg");
}

/* Without a list it finds the datasources of every target by itself. */
static void test_cloud_without_list(void **state)
{
	struct sample s;

	(void)state;
	mutate(&s,
		CLOUD
		"printf 'users: [default]\\nx: {datasource_list: [Ec2]}\\n' >etc/cloud/cloud.cfg");
	assert_int_equal(found(&s, "hyperv-gen1", "cloud-datasource-missing", NULL), 0);
	assert_int_equal(found(&s, "hyperv-gen1", "cloud-config-unclear", NULL), 0);
	apply(&s, "hyperv-gen1");
	holds(&s, "/etc/cloud/cloud.cfg.d/99-hvimg.cfg", "");
	sample_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grub),
		cmocka_unit_test(test_grub_directory),
		cmocka_unit_test(test_grub_command),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_full_grubenv),
		cmocka_unit_test(test_no_services_without_systemd),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_service_names),
		cmocka_unit_test(test_cloud_list),
		cmocka_unit_test(test_cloud_later_file),
		cmocka_unit_test(test_cloud_left_alone),
		cmocka_unit_test(test_cloud_without_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
