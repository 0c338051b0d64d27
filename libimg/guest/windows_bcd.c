/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The boot configuration stores that the image has, as inspect shows them. */
#include "guest/windows_bcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void entry_free(struct windows_boot_entry *b)
{
	free(b->guid);
	free(b->kind);
	free(b->description);
	free(b->path);
	free(b->device);
}

static void bcd_free(struct windows_bcd *b)
{
	for (size_t i = 0; i < b->entry_count; i++)
		entry_free(&b->entry[i]);
	free(b->entry);
	free(b->volume);
	free(b->path);
	free(b->problem);
}

static const char *kind_of(uint32_t type)
{
	switch (type) {
	case BCD_OBJECT_BOOTMGR:
		return "bootmgr";
	case BCD_OBJECT_LOADER:
		return "loader";
	case BCD_OBJECT_RESUME:
		return "resume";
	case BCD_OBJECT_MEMTEST:
		return "memtest";
	default:
		return "other";
	}
}

static bool is_here(const struct bcd_device *d, const struct volume_list *l)
{
	return !d->has_partition || bcd_device_volume(d, l) != SIZE_MAX;
}

/* Of an entry's two devices the one to be shown: a missing one rather. */
static int device_show(
	const struct guest_image *g, struct hive *h, struct windows_boot_entry *b, struct error *e)
{
	struct bcd_device program, system;
	struct buffer text = { 0 };
	int rc = bcd_device(h, b->guid, BCD_DEVICE, &program, e);

	if (!rc)
		rc = bcd_device(h, b->guid, BCD_OS_DEVICE, &system, e);
	if (rc)
		return rc;
	b->found = is_here(&program, &g->volumes) && is_here(&system, &g->volumes);
	rc = bcd_device_text(is_here(&program, &g->volumes) && !b->found ? &system : &program,
		&g->volumes, &text, e);
	if (rc)
		buffer_free(&text);
	b->device = (char *)text.data;
	return rc;
}

static int entry_read(const struct guest_image *g, struct hive *h, const char *object,
	uint32_t type, const char *chosen, struct windows_boot_entry *out, struct error *e)
{
	struct windows_boot_entry b = { .guid = strdup(object),
		.kind = strdup(kind_of(type)),
		.is_default = chosen && !strcasecmp(chosen, object) };
	int rc = b.guid && b.kind ? 0 : error_nomem(e, "a boot entry");

	if (!rc)
		rc = bcd_text(h, object, BCD_DESCRIPTION, &b.description, e);
	if (!rc)
		rc = bcd_text(h, object, BCD_PATH, &b.path, e);
	if (!rc)
		rc = device_show(g, h, &b, e);
	if (rc)
		entry_free(&b);
	else
		*out = b;
	return rc;
}

/* Objects of the first class are programs that are started; others are settings. */
static int is_program(struct hive *h, const char *object, uint32_t *type, struct error *e)
{
	char key[640];
	int rc;

	snprintf(key, sizeof(key), "Objects\\%s\\Description", object);
	rc = hive_get_dword(h, key, "Type", type, e);
	if (rc == -ERR_NOTFOUND || rc == -ERR_CORRUPT) {
		*type = 0;
		rc = 0;
	}
	return rc;
}

static int entries_read(
	const struct guest_image *g, struct hive *h, struct windows_bcd *out, struct error *e)
{
	struct strings objects = { 0 };
	char *chosen = NULL;
	int rc = hive_keys(h, "Objects", &objects, e);

	if (rc == -ERR_NOTFOUND)
		return error_set(e, ERR_CORRUPT, "no boot configuration: it has no Objects");
	if (!rc && objects.count > BCD_OBJECT_LIMIT)
		rc = error_set(e, ERR_RANGE, "%zu objects", objects.count);
	if (!rc)
		rc = bcd_default(h, &chosen, e);
	if (!rc) {
		out->entry = calloc(objects.count + 1, sizeof(*out->entry));
		rc = out->entry ? 0 : error_nomem(e, "boot entries");
	}
	for (size_t i = 0; i < objects.count && !rc; i++) {
		uint32_t type;

		rc = is_program(h, objects.item[i], &type, e);
		if (rc || type >> 28 != 1)
			continue;
		rc = entry_read(
			g, h, objects.item[i], type, chosen, &out->entry[out->entry_count], e);
		out->entry_count += rc == 0;
	}
	free(chosen);
	strings_free(&objects);
	return rc;
}

/* Takes the place. */
static int store_read(
	struct guest_image *g, struct bcd_place *place, struct windows_bcd *out, struct error *e)
{
	struct bcd_store s = { 0 };
	struct buffer text = { 0 };
	int rc;

	if (place->is_text) {
		rc = boot_ini_read(place, &text, e);
		if (!rc)
			rc = boot_ini_entries(g, buffer_text(&text), out, e);
		buffer_free(&text);
		bcd_place_close(place);
		return rc;
	}
	rc = bcd_store_open(g, place, &s, e);
	if (!rc && s.file.problem && !s.file.hive)
		rc = error_set(e, ERR_CORRUPT, "%s", s.file.problem);
	if (!rc)
		rc = entries_read(g, s.file.hive, out, e);
	bcd_store_close(&s);
	return rc;
}

/* What is wrong with the store itself is shown, and is no failure. */
static int problem_keep(const struct error *why, struct windows_bcd *b, struct error *e)
{
	int rc = error_of_host(why, e);

	if (rc)
		return rc;
	b->problem = strdup(why->text);
	return b->problem ? 0 : error_nomem(e, "a boot configuration");
}

static int store_add(struct guest_image *g, struct bcd_place *place, struct error *e)
{
	struct windows_info *w = g->guest.windows;
	struct windows_bcd *bigger = reallocarray(w->bcd, w->bcd_count + 1, sizeof(*bigger));
	struct windows_bcd b = { .firmware = place->firmware };
	struct error why = { 0 };
	int rc;

	if (!bigger) {
		bcd_place_close(place);
		return error_nomem(e, "boot configurations");
	}
	w->bcd = bigger;
	b.volume = strdup(g->volumes.volume[place->volume].id);
	b.path = strdup(place->path);
	rc = b.volume && b.path ? 0 : error_nomem(&why, "a boot configuration");
	if (!rc)
		rc = store_read(g, place, &b, &why);
	bcd_place_close(place);
	if (rc)
		rc = problem_keep(&why, &b, e);
	if (rc)
		bcd_free(&b);
	else
		w->bcd[w->bcd_count++] = b;
	return rc;
}

int windows_bcd_load(struct guest_image *g, struct error *e)
{
	static const struct {
		const char *firmware;
		bool is_text;
	} kind[] = { { "bios", false }, { "uefi", false }, { "bios", true } };
	int rc = 0;

	for (size_t i = 0; i < g->volumes.count && !rc; i++)
		for (size_t k = 0; k < sizeof(kind) / sizeof(kind[0]) && !rc; k++) {
			struct bcd_place place;

			rc = bcd_place_find(g, i, kind[k].firmware, kind[k].is_text, &place, e);
			if (!rc && place.tree)
				rc = store_add(g, &place, e);
		}
	return rc;
}
