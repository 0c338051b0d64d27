/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What CIM_OperatingSystem calls a guest (DMTF CIM schema 2.35, OSType). */
#include <string.h>

#include "cloud/ovf.h"

struct linux_row {
	const char *distro; /* ID of os-release; NULL: any other */
	struct ovf_os os[2]; /* of 32 and of 64 bits */
};

static const struct linux_row linux_rows[] = {
	{ "debian", { { "95", "Debian" }, { "96", "Debian 64-Bit" } } },
	{ "ubuntu", { { "93", "Ubuntu" }, { "94", "Ubuntu 64-Bit" } } },
	{ "rhel",
		{ { "79", "RedHat Enterprise Linux" },
			{ "80", "RedHat Enterprise Linux 64-Bit" } } },
	{ "centos", { { "106", "CentOS 32-bit" }, { "107", "CentOS 64-bit" } } },
	{ "ol", { { "108", "Oracle Linux 32-bit" }, { "109", "Oracle Linux 64-bit" } } },
	{ "sles", { { "84", "SLES" }, { "85", "SLES 64-Bit" } } },
	{ "opensuse-leap", { { "82", "SUSE" }, { "83", "SUSE 64-Bit" } } },
	{ NULL, { { "36", "LINUX" }, { "101", "Linux 64-Bit" } } },
};

struct windows_row {
	uint32_t first; /* build */
	bool server;
	struct ovf_os os[2];
};

/* Newest first: a build is of the first row that it reaches. */
static const struct windows_row windows_rows[] = {
	{ 14300, true,
		{ { "116", "Microsoft Windows Server 2016" },
			{ "116", "Microsoft Windows Server 2016" } } },
	{ 10240, false,
		{ { "119", "Microsoft Windows 10" }, { "120", "Microsoft Windows 10 64-bit" } } },
	{ 9600, true,
		{ { "115", "Microsoft Windows Server 2012 R2" },
			{ "115", "Microsoft Windows Server 2012 R2" } } },
	{ 9600, false,
		{ { "117", "Microsoft Windows 8.1" }, { "118", "Microsoft Windows 8.1 64-bit" } } },
	{ 9200, true,
		{ { "112", "Microsoft Windows Server 2012" },
			{ "112", "Microsoft Windows Server 2012" } } },
	{ 9200, false,
		{ { "113", "Microsoft Windows 8" }, { "114", "Microsoft Windows 8 64-bit" } } },
	{ 7600, true,
		{ { "103", "Microsoft Windows Server 2008 R2" },
			{ "103", "Microsoft Windows Server 2008 R2" } } },
	{ 7600, false, { { "105", "Microsoft Windows 7" }, { "105", "Microsoft Windows 7" } } },
	{ 6000, true,
		{ { "76", "Microsoft Windows Server 2008" },
			{ "77", "Microsoft Windows Server 2008 64-Bit" } } },
	{ 6000, false, { { "73", "Windows Vista" }, { "74", "Windows Vista 64-Bit" } } },
	{ 0, true,
		{ { "69", "Microsoft Windows Server 2003" },
			{ "70", "Microsoft Windows Server 2003 64-Bit" } } },
	{ 0, false, { { "67", "Windows XP" }, { "71", "Windows XP 64-Bit" } } },
};

static bool is_64(const struct guest *g)
{
	return g->arch && strstr(g->arch, "64");
}

static struct ovf_os linux_os(const struct guest *g)
{
	const struct linux_row *r = linux_rows;

	while (r->distro && (!g->distro || strcmp(r->distro, g->distro) != 0))
		r++;
	return r->os[is_64(g)];
}

static struct ovf_os windows_os(const struct guest *g)
{
	const struct windows_row *r = windows_rows;
	bool server = g->windows->product_type > 1;

	while (r->server != server || g->windows->build < r->first)
		r++;
	return r->os[is_64(g)];
}

struct ovf_os ovf_os_of(const struct guest *g)
{
	if (g && g->windows)
		return windows_os(g);
	if (g && !strcmp(g->type, "linux"))
		return linux_os(g);
	return (struct ovf_os){ "1", "Other" };
}
