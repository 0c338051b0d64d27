/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who made an initramfs, how it loads modules, and which its modprobe can read. */
#include <string.h>

#include "guest/linux.h"

enum {
	MARK_LOADER = 1 << 0, /* systemd-modules-load */
	MARK_LOADER_WANTED = 1 << 1, /* and sysinit.target starts it */
	MARK_CONFIG = 1 << 2, /* mkinitcpio's /config, which its /init reads */
	MARK_KMOD = 1 << 3, /* modprobe is kmod's */
	MARK_XZ = 1 << 4,
	MARK_ZSTD = 1 << 5,
	MARK_GZIP = 1 << 6,
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && !strcmp(text + len - tail, with);
}

/* Files that only one generator puts in. */
static const char *generator_of(const char *name)
{
	static const struct {
		const char *generator, *name;
		bool prefix;
	} known[] = {
		{ "initramfs-tools", "conf/initramfs.conf", false },
		{ "initramfs-tools", "scripts/init-top/ORDER", false },
		{ "dracut", "usr/lib/dracut/", true },
		{ "dracut", "lib/dracut/", true },
		{ "dracut", "usr/lib/initrd-release", false },
		{ "mkinitcpio", "init_functions", false },
		{ "mkinitcpio", "buildconfig", false },
		{ "booster", "etc/booster.init.yaml", false },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].prefix ? begins(name, known[i].name) : !strcmp(name, known[i].name))
			return known[i].generator;
	return NULL;
}

void linux_initramfs_mark(struct linux_initramfs *i, const char *name)
{
	static const struct {
		const char *text;
		unsigned mark;
	} tails[] = {
		{ "lib/systemd/systemd-modules-load", MARK_LOADER },
		{ "sysinit.target.wants/systemd-modules-load.service", MARK_LOADER_WANTED },
	}, parts[] = {
		{ "/libkmod.so", MARK_KMOD },
		{ "/liblzma.so", MARK_XZ },
		{ "/libzstd.so", MARK_ZSTD },
		{ "/libz.so", MARK_GZIP },
	};
	const char *generator = generator_of(name);

	/* mkinitcpio puts systemd's initrd-release in, too, and is known by its own files. */
	if (generator && (!i->generator || !strcmp(name, "buildconfig")))
		i->generator = generator;
	if (!strcmp(name, "config"))
		i->marks |= MARK_CONFIG;
	for (size_t n = 0; n < sizeof(tails) / sizeof(tails[0]); n++)
		if (ends(name, tails[n].text))
			i->marks |= tails[n].mark;
	for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
		if (strstr(name, parts[n].text))
			i->marks |= parts[n].mark;
}

void linux_initramfs_judge(struct linux_initramfs *i)
{
	const unsigned systemd = MARK_LOADER | MARK_LOADER_WANTED;
	const char *generator = i->generator ? i->generator : "";

	i->load = LOAD_UNKNOWN;
	if (!strcmp(generator, "initramfs-tools"))
		i->load = LOAD_CONF_MODULES;
	else if (strcmp(generator, "dracut") && strcmp(generator, "mkinitcpio"))
		return;
	else if ((i->marks & systemd) == systemd)
		i->load = LOAD_MODULES_LOAD;
	else if (!strcmp(generator, "dracut"))
		i->load = LOAD_CMDLINE;
	else if (i->marks & MARK_CONFIG)
		i->load = LOAD_CONFIG;
}

bool linux_same_module(const char *a, const char *b)
{
	const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');

	a = slash_a ? slash_a + 1 : a;
	b = slash_b ? slash_b + 1 : b;
	for (; *a && *a != '.' && *b && *b != '.'; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return (!*a || *a == '.') && (!*b || *b == '.');
}

bool linux_initramfs_has(const struct linux_initramfs *i, const char *module)
{
	for (size_t m = 0; m < i->modules.count; m++)
		if (linux_same_module(i->modules.item[m], module))
			return true;
	return false;
}

bool linux_initramfs_unpacks(const struct linux_initramfs *i, const char *module)
{
	static const struct {
		const char *suffix;
		unsigned mark;
	} packed[] = { { ".xz", MARK_XZ }, { ".zst", MARK_ZSTD }, { ".gz", MARK_GZIP } };

	if (ends(module, ".ko"))
		return true;
	for (size_t n = 0; n < sizeof(packed) / sizeof(packed[0]); n++) {
		if (!ends(module, packed[n].suffix))
			continue;
		for (size_t m = 0; m < i->modules.count; m++)
			if (ends(i->modules.item[m], packed[n].suffix))
				return true;
		return (i->marks & MARK_KMOD) && (i->marks & packed[n].mark);
	}
	return false;
}
