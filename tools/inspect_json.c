/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tools/inspection.h"
#include "tools/text.h"

static json_t *volumes_json(const struct guest_image *image)
{
	const struct volume_list *list = guest_image_volumes(image);
	const struct fs_id *fs = guest_image_filesystems(image);
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct volume *v = &list->volume[i];

		json_add(&array,
			json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id", v->id,
				"parent", v->parent, "type", v->type, "offset", number_json(v->off),
				"size", number_json(v->size), "filesystem", text_json(fs[i].type),
				"uuid", text_json(fs[i].uuid), "label", text_json(fs[i].label),
				"type_id", text_json(v->type_id), "part_id", text_json(v->part_id),
				"name", text_json(v->name)));
	}
	return array;
}

static json_t *modules_json(const struct kernel *k)
{
	json_t *object = json_object();

	for (size_t i = 0; i < k->module_count; i++)
		json_put(&object, k->module[i].name,
			text_json(module_place_name(k->module[i].place)));
	return object;
}

static json_t *kernels_json(const struct guest *g)
{
	json_t *array = json_array();

	for (size_t i = 0; i < g->kernel_count; i++) {
		const struct kernel *k = &g->kernel[i];

		json_add(&array,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "version",
				text_json(k->version), "image", text_json(k->image), "config",
				text_json(k->config), "initramfs", text_json(k->initramfs),
				"generator", text_json(k->generator), "compression",
				text_json(k->compression), "problem", text_json(k->problem),
				"modules", modules_json(k)));
	}
	return array;
}

static json_t *device_names_json(const struct guest *g)
{
	json_t *array = json_array();

	for (size_t i = 0; i < g->device_name_count; i++) {
		const struct device_name *d = &g->device_name[i];

		json_add(&array,
			json_pack("{s:o,s:o,s:o,s:o,s:b}", "path", text_json(d->path), "line",
				number_json(d->line), "device", text_json(d->device), "stable",
				text_json(d->stable), "required", d->required));
	}
	return array;
}

static json_t *bootloaders_json(const struct guest *g)
{
	json_t *array = json_array();

	for (size_t i = 0; i < g->bootloader_count; i++) {
		const struct bootloader *b = &g->bootloader[i];

		json_add(&array,
			json_pack("{s:o,s:o,s:o,s:o,s:b,s:b,s:o}", "kind", text_json(b->kind),
				"firmware", text_json(b->firmware), "volume", text_json(b->volume),
				"path", text_json(b->path), "fallback", b->fallback, "signed",
				b->is_signed, "issuer", text_json(b->issuer)));
	}
	return array;
}

static json_t *guests_json(const struct guest *g)
{
	json_t *object, *array = json_array();

	if (!g)
		return array;
	object = json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "type",
		g->type, "distro", text_json(g->distro), "version", text_json(g->version), "name",
		text_json(g->name), "arch", text_json(g->arch), "root", text_json(g->root),
		"initramfs_tool", text_json(g->initramfs_tool), "init", text_json(g->init),
		"package_manager", text_json(g->package_manager), "packages",
		g->has_package_count ? number_json(g->package_count) : json_null(), "selinux",
		text_json(g->selinux), "bootloaders", bootloaders_json(g), "kernels",
		kernels_json(g), "device_names", device_names_json(g));
	if (g->windows)
		json_put(&object, "windows", windows_json(g->windows));
	json_add(&array, object);
	return array;
}

static json_t *boot_paths_json(const struct guest_image *image)
{
	static const char *const firmware[] = { "bios", "uefi" };
	json_t *array = json_array();

	for (size_t i = 0; i < 2; i++)
		if (guest_image_boots(image, firmware[i]))
			json_add(&array, json_string(firmware[i]));
	return array;
}

static json_t *readiness_json(const struct inspection *i)
{
	json_t *object = json_object();

	for (size_t n = 0; n < i->readiness_count; n++) {
		const struct readiness *r = &i->readiness[n];

		json_put(&object, r->target->name,
			json_pack("{s:b,s:b,s:o,s:o}", "ready", r->ready, "fixable", r->fixable,
				"evidence", text_json(r->evidence), "findings",
				report_json(&r->findings)));
	}
	return object;
}

/* Of each family with several members ("hyperv-gen1"), whether the image can be a machine of that
 * kind, after inject where that mends it. */
static json_t *generations_json(const struct inspection *i)
{
	json_t *object = json_object();

	for (size_t n = 0; n < i->readiness_count; n++) {
		const struct readiness *r = &i->readiness[n];
		const char *name = r->target->name;
		size_t len = strlen(r->target->family);

		if (!strncmp(name, r->target->family, len) && name[len] == '-')
			json_put(&object, name + len + 1, json_boolean(r->ready || r->fixable));
	}
	return object;
}

json_t *inspection_json(const struct inspection *i)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "format", i->format->name,
		"virtual_size", number_json(i->disk->size), "boot_paths", boot_paths_json(i->image),
		"volumes", volumes_json(i->image), "guests",
		guests_json(guest_image_guest(i->image)), "generations", generations_json(i),
		"readiness", readiness_json(i), "findings",
		report_json(guest_image_report(i->image)));
}
