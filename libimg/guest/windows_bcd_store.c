/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/windows_bcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"

static const char *place_name(const char *firmware, bool is_text)
{
	if (is_text)
		return "/boot.ini";
	return strcmp(firmware, "uefi") ? "/Boot/BCD" : "/EFI/Microsoft/Boot/BCD";
}

int bcd_place_find(struct guest_image *g, size_t volume, const char *firmware, bool is_text,
	struct bcd_place *out, struct error *e)
{
	struct bcd_place p = { .volume = volume, .firmware = firmware, .is_text = is_text };
	struct buffer path = { 0 };
	struct error why = { 0 };
	int rc = 0;

	*out = (struct bcd_place){ 0 };
	if (!g->volume[volume].fs)
		return 0;
	p.own = volume != g->root || !g->tree;
	if (p.own)
		rc = tree_open(g->volume[volume].fs, g->volumes.volume[volume].id, g->journal,
			&p.tree, &why);
	else
		p.tree = g->tree;
	if (!rc)
		rc = firmware_path(p.tree, place_name(firmware, is_text), &path, &why);
	p.path = (char *)path.data;
	if (!rc && tree_is(p.tree, p.path, S_IFREG)) {
		*out = p;
		return 0;
	}
	/* What can't be looked into has no store for the boot manager either, unless it is the host
	 * that fails. */
	rc = rc ? error_of_host(&why, e) : tree_failure(p.tree, e);
	bcd_place_close(&p);
	return rc;
}

void bcd_place_close(struct bcd_place *p)
{
	if (p->own)
		tree_close(p->tree);
	free(p->path);
	*p = (struct bcd_place){ 0 };
}

bool bcd_place_counts(const struct guest_image *g, const struct bcd_place *p)
{
	const struct volume *v = &g->volumes.volume[p->volume];

	if (!strcmp(p->firmware, "uefi"))
		return p->volume == firmware_esp(g);
	return v->active || !strcmp(v->type, "whole");
}

int bcd_place_time(const struct bcd_place *p, int64_t *out, struct error *e)
{
	struct fs_stat st;
	int rc = tree_stat(p->tree, p->path, TREE_FOLLOW, &st, e);

	if (!rc)
		*out = st.mtime;
	return rc;
}

/* Before Vista, NTLDR read boot.ini. */
bool bcd_is_text(const struct guest_image *g)
{
	return g->guest.windows->major && g->guest.windows->major < 6;
}

int bcd_place_of(
	struct guest_image *g, const char *firmware, struct bcd_place *out, struct error *e)
{
	int rc = 0;

	*out = (struct bcd_place){ 0 };
	for (size_t i = 0; i < g->volumes.count && !rc; i++) {
		const struct bcd_place wanted = { .volume = i, .firmware = firmware };

		if (!bcd_place_counts(g, &wanted))
			continue;
		rc = bcd_place_find(g, i, firmware, bcd_is_text(g), out, e);
		if (!rc && out->tree)
			return 0;
	}
	return rc;
}

bool bcd_has_place(const struct guest_image *g, const char *firmware)
{
	for (size_t i = 0; i < g->volumes.count; i++) {
		const struct bcd_place p = { .volume = i, .firmware = firmware };

		if (bcd_place_counts(g, &p) && g->volume[i].fs)
			return true;
	}
	return false;
}

const char *bcd_firmware_of(const struct guest_image *g, const struct target *t)
{
	if (strcmp(t->firmware, "any"))
		return t->firmware;
	if (!bcd_has_place(g, "uefi"))
		return "bios";
	return !strcmp(g->volumes.table, "gpt") || !bcd_has_place(g, "bios") ? "uefi" : "bios";
}

int bcd_store_open(
	struct guest_image *g, struct bcd_place *place, struct bcd_store *out, struct error *e)
{
	struct bcd_store s = { .place = *place };
	int rc;

	*place = (struct bcd_place){ 0 };
	rc = windows_hive_open_on(
		g, s.place.tree, g->volumes.volume[s.place.volume].id, s.place.path, &s.file, e);
	if (rc)
		bcd_place_close(&s.place);
	else
		*out = s;
	return rc;
}

int bcd_store_write(struct bcd_store *s, struct error *e)
{
	return windows_hive_write_on(s->place.tree, &s->file, e);
}

void bcd_store_close(struct bcd_store *s)
{
	windows_hive_close(&s->file);
	bcd_place_close(&s->place);
	*s = (struct bcd_store){ 0 };
}

void bcd_element_key(char *key, size_t size, const char *object, unsigned id)
{
	snprintf(key, size, "Objects\\%s\\Elements\\%08x", object, id);
}

/* What is missing, or not of its type, is no failure. */
static int absent(int rc)
{
	return rc == -ERR_NOTFOUND || rc == -ERR_CORRUPT ? 0 : rc;
}

int bcd_text(struct hive *h, const char *object, unsigned id, char **out, struct error *e)
{
	char key[640];

	*out = NULL;
	bcd_element_key(key, sizeof(key), object, id);
	return absent(hive_get_text(h, key, "Element", out, e));
}

static int element_get(
	struct hive *h, const char *object, unsigned id, struct hive_value *out, struct error *e)
{
	char key[640];

	bcd_element_key(key, sizeof(key), object, id);
	return hive_get(h, key, "Element", out, e);
}

int bcd_device(
	struct hive *h, const char *object, unsigned id, struct bcd_device *out, struct error *e)
{
	struct hive_value v;
	int rc = element_get(h, object, id, &v, e);

	*out = (struct bcd_device){ .form = BCD_NONE };
	if (rc)
		return absent(rc);
	bcd_device_read(v.data, v.len, out);
	hive_value_free(&v);
	return 0;
}

int bcd_flag(struct hive *h, const char *object, unsigned id, bool *out, struct error *e)
{
	struct hive_value v;
	int rc = element_get(h, object, id, &v, e);

	*out = false;
	if (rc)
		return absent(rc);
	for (size_t i = 0; i < v.len; i++)
		*out = *out || v.data[i];
	hive_value_free(&v);
	return 0;
}

static bool is_object(struct hive *h, const char *object)
{
	char key[640];

	snprintf(key, sizeof(key), "Objects\\%s\\Elements", object);
	return hive_has_key(h, key);
}

int bcd_default(struct hive *h, char **out, struct error *e)
{
	struct strings order = { 0 };
	char key[640];
	char *name = NULL;
	int rc = bcd_text(h, BCD_BOOTMGR, BCD_DEFAULT, &name, e);

	if (!rc && name && !is_object(h, name)) {
		free(name);
		name = NULL;
	}
	bcd_element_key(key, sizeof(key), BCD_BOOTMGR, BCD_ORDER);
	if (!rc && !name)
		rc = absent(hive_get_list(h, key, "Element", &order, e));
	for (size_t i = 0; i < order.count && !rc && !name; i++) {
		if (!is_object(h, order.item[i]))
			continue;
		name = strdup(order.item[i]);
		rc = name ? 0 : error_nomem(e, "a boot entry");
	}
	strings_free(&order);
	if (rc) {
		free(name);
		return rc;
	}
	*out = name;
	return 0;
}
