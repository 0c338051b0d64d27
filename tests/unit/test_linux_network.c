/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interfaces that are called otherwise on the target, in each kind of configuration. */
#include "linux_sample.h"

#include "guest/guest_image.h"

#define HOTPLUG "mkdir -p $T/usr/lib/udev; touch $T/usr/lib/udev/ifupdown-hotplug; "

struct network_case {
	const char *path, *before; /* `before`: printf's format, in single quotes of the shell */
	const char *result, *after; /* the file that is read afterwards; NULL: nothing is mended */
	const char *setup;
	unsigned names, addresses; /* findings */
};

static void sample_of(struct sample *s, const struct network_case *c)
{
	char settings[1900];

	snprintf(settings, sizeof(settings),
		"MUTATE='%s mkdir -p \"$T%.*s\"; printf \"%s\" >\"$T%s\"' ",
		c->setup ? c->setup : "", (int)(strrchr(c->path, '/') - c->path), c->path,
		c->before, c->path);
	sample_make(s, settings);
}

static void expect_findings(struct sample *s, const char *target, size_t names, size_t addresses)
{
	struct readiness r = readiness_of(s, target);

	if (findings(&r.findings, "network-name", NULL) != names ||
		findings(&r.findings, "network-mac-bound", NULL) != addresses) {
		findings_print(&r.findings);
		fail_msg("%s: not %zu and %zu", target, names, addresses);
	}
	readiness_free(&r);
}

static void apply(struct sample *s, const char *seal)
{
	struct target_list l = { 0 };
	struct strings words = { 0 };
	struct error e = { 0 };

	if (!seal)
		assert_int_equal(targets_load("recipes", "hyperv-gen1", &l, &e), 0);
	else
		assert_int_equal(strings_split(&words, seal, ",", &e), 0);
	if (guest_image_apply(s->g, &(struct guest_changes){ .targets = &l, .seal = &words }, &e))
		fail_msg("%s", e.text);
	targets_free(&l);
	strings_free(&words);
}

static void expect_file(struct sample *s, const char *path, const char *text)
{
	struct buffer b = { 0 };
	struct error e = { 0 };

	if (tree_read(s->g->tree, path, 1 << 20, &b, &e))
		fail_msg("%s", e.text);
	assert_string_equal(buffer_text(&b), text);
	buffer_free(&b);
}

static void expect_case(const struct network_case *c)
{
	struct sample s;

	sample_of(&s, c);
	sample_open(&s, true);
	expect_findings(&s, "hyperv-gen1", c->names, c->addresses);
	expect_findings(&s, "xen", c->names, c->addresses);
	expect_findings(&s, "kvm", 0, c->addresses);
	apply(&s, NULL);
	expect_findings(&s, "hyperv-gen1", c->after ? 0 : c->names, c->addresses);
	if (c->after)
		expect_file(&s, c->result, c->after);
	sample_save(&s);
	sample_open(&s, true);
	apply(&s, NULL);
	assert_int_equal(s.journal.count, 0);
	sample_shut(&s);
	sample_remove(&s);
}

#define INTERFACES "/etc/network/interfaces"
#define ADDED "\n# The same under the name without a PCI slot.\nallow-hotplug eth0\n"
#define KEYFILE "/etc/NetworkManager/system-connections/wired.nmconnection"
static const struct network_case cases[] = {
	{ INTERFACES,
		"auto lo\\niface lo inet loopback\\n\\nallow-hotplug ens3\\niface ens3 inet "
		"dhcp\\n",
		INTERFACES,
		"auto lo\niface lo inet loopback\n\nallow-hotplug ens3\niface ens3 inet "
		"dhcp\n" ADDED "iface eth0 inet dhcp\n",
		HOTPLUG, 1, 0 },
	{ INTERFACES,
		"auto lo enp1s0 br0\\niface lo inet loopback\\niface enp1s0 inet static\\n"
		"\\taddress 192.0.2.7/24\\n# why\\n\\tgateway 192.0.2.1\\niface enp1s0 inet6 "
		"auto\\n"
		"iface br0 inet manual\\n\\tbridge_ports none\\n",
		INTERFACES,
		"auto lo br0\nallow-hotplug enp1s0\niface lo inet loopback\niface enp1s0 inet "
		"static\n"
		"\taddress 192.0.2.7/24\n# why\n\tgateway 192.0.2.1\niface enp1s0 inet6 auto\n"
		"iface br0 inet manual\n\tbridge_ports none\n" ADDED
		"iface eth0 inet static\n\taddress 192.0.2.7/24\n\tgateway 192.0.2.1\n"
		"iface eth0 inet6 auto\n",
		HOTPLUG, 1, 0 },
	/* No udev to bring it up; the name is used elsewhere; two interfaces: none is certain. */
	{ INTERFACES, "auto ens3\\niface ens3 inet dhcp\\n", NULL, NULL, NULL, 1, 0 },
	{ INTERFACES,
		"auto ens3\\niface ens3 inet dhcp\\niface b inet dhcp\\n bridge_ports ens3\\n",
		NULL, NULL, HOTPLUG, 1, 0 },
	{ INTERFACES, "iface ens3 inet dhcp\\niface ens4 inet dhcp\\n", NULL, NULL, HOTPLUG, 2, 0 },
	{ INTERFACES, "iface eth0 inet dhcp\\niface ens3 inet dhcp\\n", NULL, NULL, HOTPLUG, 0, 0 },
	{ "/etc/systemd/network/10-x.network", "[Match]\\nName=ens3\\n[Network]\\nDHCP=yes\\n",
		"/etc/systemd/network/10-x.network",
		"[Match]\nName=ens3 eth0\n[Network]\nDHCP=yes\n", NULL, 1, 0 },
	{ "/etc/systemd/network/10-x.network", "[Match]\\nName=en*\\n[Network]\\nDHCP=yes",
		"/etc/systemd/network/10-x.network", "[Match]\nName=en* eth0\n[Network]\nDHCP=yes",
		NULL, 1, 0 },
	{ "/etc/systemd/network/10-x.network", "[Match]\\nName=en* eth*\\n", NULL, NULL, NULL, 0,
		0 },
	{ "/etc/systemd/network/10-x.network", "[Match]\\nMACAddress=00:11:22:33:44:55\\n", NULL,
		NULL, NULL, 0, 1 },
	{ KEYFILE,
		"[connection]\\nid=w\\ntype=ethernet\\ninterface-name=ens3\\n[ipv4]\\nmethod="
		"auto\\n",
		KEYFILE,
		"[connection]\nid=w\ntype=ethernet\n[ipv4]\nmethod=auto\n\n[match]\n"
		"interface-name=ens3;eth0;\n",
		NULL, 1, 0 },
	{ KEYFILE, "[connection]\\ntype=wifi\\n[wifi]\\nmac-address=00:11:22:33:44:55\\n", NULL,
		NULL, NULL, 0, 1 },
	{ "/etc/sysconfig/network-scripts/ifcfg-ens3",
		"TYPE=Ethernet\\nNAME=\\\"ens3\\\"\\nUUID=1-2\\nDEVICE=ens3\\nONBOOT=yes\\n",
		"/etc/sysconfig/network-scripts/ifcfg-eth0",
		"TYPE=Ethernet\nNAME=eth0\nDEVICE=eth0\nONBOOT=yes\n", NULL, 1, 0 },
	{ "/etc/netplan/01.yaml",
		"network:\\n  ethernets:\\n    # x\\n    ens3:\\n\\n      dhcp4: true\\n  version: "
		"2\\n",
		"/etc/netplan/01.yaml",
		"network:\n  ethernets:\n    # x\n    ens3:\n      match: {name: \"e*\"}\n\n"
		"      dhcp4: true\n  version: 2\n",
		NULL, 1, 0 },
	{ "/etc/netplan/01.yaml",
		"network:\\n  ethernets:\\n    ens3:\\n      match:\\n        macaddress: "
		"00:11:22:33:44:55\\n"
		"      set-name: ens3\\n",
		NULL, NULL, NULL, 1, 1 },
	{ "/etc/netplan/01.yaml",
		"network:\\n  ethernets:\\n    all:\\n      match:\\n        name: en*\\n      "
		"dhcp4: "
		"true\\n",
		"/etc/netplan/01.yaml",
		"network:\n  ethernets:\n    all:\n      match:\n        name: \"e*\"\n      "
		"dhcp4: "
		"true\n",
		NULL, 1, 0 },
	{ "/etc/udev/rules.d/70-persistent-net.rules",
		"# card\\nSUBSYSTEM==\\\"net\\\", ATTR{address}==\\\"00:11:22:33:44:55\\\", "
		"NAME=\\\"eth0\\\"\\n",
		NULL, NULL, NULL, 0, 1 },
};

static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s: %s\n", cases[i].path, cases[i].before);
		expect_case(&cases[i]);
	}
}

#define MATCH "[Match]\\nMACAddress=00:11:22:33:44:55\\n"
static void test_addresses_taken_out(void **state)
{
	struct sample s;

	(void)state;
	sample_make(&s,
		"MUTATE='mkdir -p $T/etc/systemd/network $T/etc/NetworkManager/system-connections "
		"$T/etc/udev/rules.d; cd $T/etc/systemd/network; "
		"printf \"" MATCH "[Network]\\nDHCP=yes\\n\" >a.network; "
		"printf \"" MATCH "Name=lan*\\n\" >b.network; "
		"printf \"" MATCH "[Link]\\nName=lan0\\n\" >c.link; "
		"printf \"[Match]\\nDriver=x\\n\" >d.link; cd ../../NetworkManager/sys*; "
		"printf "
		"\"[connection]\\ntype=ethernet\\n[ethernet]\\nmac-address=00:11:22:33:44:55\\n\" "
		">w; "
		"cd $T' ");
	sample_open(&s, true);
	expect_findings(&s, "kvm", 0, 4);
	apply(&s, "net-hwaddr,udev-persistent-net");
	expect_findings(&s, "kvm", 0, 0);
	expect_file(
		&s, "/etc/systemd/network/a.network", "[Match]\nName=e*\n[Network]\nDHCP=yes\n");
	expect_file(&s, "/etc/systemd/network/b.network", "[Match]\nName=lan*\n");
	expect_file(&s, "/etc/NetworkManager/system-connections/w",
		"[connection]\ntype=ethernet\n[ethernet]\n");
	assert_false(tree_is(s.g->tree, "/etc/systemd/network/c.link", 0));
	assert_true(tree_is(s.g->tree, "/etc/systemd/network/d.link", 0));
	sample_shut(&s);
	sample_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_taken_out),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
