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
		bool any = false;

		for (size_t i = 0; i < k->module_count; i++) {
			if (k->module[i].place != groups[g].place)
				continue;
			if (!any)
				printf("    %-14s", groups[g].title);
			any = true;
			put_known(" ", k->module[i].name);
		}
		if (any)
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
	for (size_t i = 0; i < g->kernel_count; i++)
		print_kernel(&g->kernel[i]);
	for (size_t i = 0; i < g->device_name_count; i++) {
		const struct device_name *d = &g->device_name[i];

		put_known("  ", d->path);
		printf(":%" PRIu64 ": ", d->line);
		put_known("names ", d->device);
		put_known(", stable would be ", d->stable);
		putchar('\n');
	}
}

static void print_readiness(const struct inspection *i)
{
	puts("\nreadiness");
	for (size_t n = 0; n < i->readiness_count; n++) {
		const struct readiness *r = &i->readiness[n];

		printf("  %-12s %s (%s)\n", r->target->name,
			r->ready             ? "ready"
				: r->fixable ? "not ready, hvimg inject mends it"
					     : "not ready",
			r->target->evidence);
		for (size_t f = 0; f < r->findings.count; f++)
			put_finding(stdout, "      ", &r->findings.finding[f]);
	}
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
	print_readiness(i);
}
