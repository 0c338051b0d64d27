/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "guest/guest_image.h"

const char *module_place_name(enum module_place p)
{
	switch (p) {
	case MODULE_MISSING:
		return "missing";
	case MODULE_FILE:
		return "module";
	case MODULE_INITRAMFS:
		return "initramfs";
	case MODULE_BUILTIN:
		return "builtin";
	}
	return "missing";
}

int finding_add(
	struct report *r, const struct finding_text *f, struct error *e, const char *format, ...)
{
	struct error text = { 0 };
	struct finding finding = { .severity = f->severity, .fixable = f->fixable };
	va_list args;

	va_start(args, format);
	vsnprintf(text.text, sizeof(text.text), format, args);
	va_end(args);
	/* report_add copies, so the casts lose no promise. */
	finding.code = (char *)(uintptr_t)f->code;
	finding.path = (char *)(uintptr_t)f->path;
	finding.fix = (char *)(uintptr_t)f->fix;
	finding.text = text.text;
	return report_add(r, &finding, e);
}

void guest_free(struct guest *g)
{
	for (size_t i = 0; i < g->kernel_count; i++) {
		struct kernel *k = &g->kernel[i];

		for (size_t m = 0; m < k->module_count; m++) {
			free(k->module[m].name);
			free(k->module[m].lacks);
		}
		free(k->module);
		free(k->version);
		free(k->image);
		free(k->config);
		free(k->initramfs);
		free(k->generator);
		free(k->compression);
		free(k->problem);
	}
	for (size_t i = 0; i < g->device_name_count; i++) {
		free(g->device_name[i].path);
		free(g->device_name[i].device);
		free(g->device_name[i].stable);
	}
	for (size_t i = 0; i < g->bootloader_count; i++) {
		free(g->bootloader[i].volume);
		free(g->bootloader[i].path);
		free(g->bootloader[i].issuer);
	}
	free(g->bootloader);
	free(g->init);
	free(g->package_manager);
	free(g->selinux);
	free(g->kernel);
	free(g->device_name);
	free(g->distro);
	free(g->version);
	free(g->name);
	free(g->arch);
	free(g->initramfs_tool);
	windows_info_free(g->windows);
	*g = (struct guest){ 0 };
}
