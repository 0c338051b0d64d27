/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tools/inspection.h"
#include "tools/text.h"

/* `text` behind `before`; nothing at all for an unknown one. */
static void put_known(const char *before, const char *text)
{
	if (!text || !*text)
		return;
	fputs(before, stdout);
	put_text(stdout, text);
}

static void print_volumes(const struct guest_image *image)
{
	const struct volume_list *list = guest_image_volumes(image);
	const struct fs_id *fs = guest_image_filesystems(image);

	printf("\nvolumes (%s)\n  %-6s %14s %14s  %-12s %-36s  %s\n", list->table, "id", "offset",
		"size", "holds", "uuid", "label");
	for (size_t i = 0; i < list->count; i++) {
		const struct volume *v = &list->volume[i];
		const char *holds = fs[i].type ? fs[i].type : v->bios_boot ? "GRUB core" : "-";

		printf("  %-6s %14" PRIu64 " %14" PRIu64 "  %s", v->id, v->off, v->size, holds);
		if (*fs[i].uuid || *fs[i].label || v->esp)
			printf("%*s%-36s", 14 - (int)strlen(holds), "", fs[i].uuid);
		put_known("  ", fs[i].label);
		put_known("  ", v->esp ? "(EFI system)" : "");
		putchar('\n');
	}
}

/* Columns of a terminal that lists are wrapped at. */
enum { WIDTH = 100, LIST_INDENT = 18 };

/* A word of a list that goes on in the next line where this one is full. */
static void put_wrapped(const char *word, size_t *column)
{
	size_t len = strlen(word) + 1;

	if (*column + len > WIDTH) {
		printf("\n%*s", LIST_INDENT, "");
		*column = LIST_INDENT;
	}
	put_known(" ", word);
	*column += len;
}

static void print_modules(const struct kernel *k)
{
	static const struct {
		enum module_place place;
		const char *title;
	} groups[] = {
		{ MODULE_BUILTIN, "built in" },
		{ MODULE_INITRAMFS, "in initramfs" },
		{ MODULE_FILE, "module" },
		{ MODULE_MISSING, "missing" },
	};

	for (size_t g = 0; g < sizeof(groups) / sizeof(*groups); g++) {
		size_t column = 0;

		for (size_t i = 0; i < k->module_count; i++) {
			if (k->module[i].place != groups[g].place)
				continue;
			if (!column)
				column = (size_t)printf("    %-14s", groups[g].title);
			put_wrapped(k->module[i].name, &column);
		}
		if (column)
			putchar('\n');
	}
}

static void print_kernel(const struct kernel *k)
{
	put_known("  kernel ", k->version);
	put_known(", ", k->image);
	putchar('\n');
	if (k->initramfs) {
		put_known("    initramfs      ", k->initramfs);
		put_known(", made by ", k->generator);
		put_known(", compression ", k->compression);
		putchar('\n');
	}
	if (k->problem) {
		put_known("    problem        ", k->problem);
		putchar('\n');
	}
	print_modules(k);
}

/* What the guest is run by, one line; nothing where nothing is known. */
static void print_system(const struct guest *g)
{
	const char *before = "  ";

	if (g->init) {
		put_known("  started by ", g->init);
		before = ", ";
	}
	if (g->has_package_count)
		printf("%s%" PRIu64 " packages", before, g->package_count);
	else if (g->package_manager)
		printf("%spackages", before);
	if (g->has_package_count || g->package_manager)
		before = ", ";
	put_known(" of ", g->package_manager);
	if (g->selinux) {
		printf("%sSELinux", before);
		put_known(" ", g->selinux);
	}
	if (g->init || g->package_manager || g->has_package_count || g->selinux)
		putchar('\n');
}

static void print_loaders(const struct guest *g)
{
	for (size_t i = 0; i < g->bootloader_count; i++) {
		const struct bootloader *b = &g->bootloader[i];

		put_known("  loader ", b->kind);
		put_known(" for ", b->firmware);
		put_known(" on ", b->volume);
		put_known(", ", b->path);
		if (b->fallback)
			fputs(", started without a boot entry", stdout);
		if (b->is_signed)
			fputs(", signed", stdout);
		put_known(" by ", b->is_signed ? b->issuer : NULL);
		putchar('\n');
	}
}

static void print_guest(const struct guest *g)
{
	if (!g) {
		puts("\nguest: none that hvimg knows");
		return;
	}
	put_known("\nguest: ", g->name ? g->name : g->type);
	put_known(", ", g->distro);
	put_known(" ", g->version);
	put_known(", ", g->arch);
	put_known(", root on ", g->root);
	putchar('\n');
	print_system(g);
	if (g->windows)
		windows_print(g->windows);
	print_loaders(g);
	for (size_t i = 0; i < g->kernel_count; i++)
		print_kernel(&g->kernel[i]);
}

void inspection_print(const struct inspection *i)
{
	const struct report *report = guest_image_report(i->image);
	bool bios = guest_image_boots(i->image, "bios");
	bool uefi = guest_image_boots(i->image, "uefi");

	fputs("image: ", stdout);
	put_text(stdout, i->path);
	printf(", %s, ", i->format->name);
	put_size(stdout, i->disk->size);
	printf("\nboots with: %s\n",
		bios && uefi   ? "BIOS, UEFI"
			: bios ? "BIOS"
			: uefi ? "UEFI"
			       : "nothing found");
	for (size_t n = 0; n < report->count; n++)
		put_finding(stdout, "", &report->finding[n]);
	print_volumes(i->image);
	print_guest(guest_image_guest(i->image));
	inspection_print_readiness(i);
}
