/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read of Windows besides hives: boot.ini, device elements, configurations, answer files.
 */
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "guest/windows_bcd.h"
#include "guest/windows_setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void entries_free(struct windows_bcd *b)
{
	for (size_t i = 0; i < b->entry_count; i++) {
		free(b->entry[i].guid);
		free(b->entry[i].kind);
		free(b->entry[i].description);
		free(b->entry[i].path);
		free(b->entry[i].device);
	}
	free(b->entry);
}

/* What was put right is right. */
static void boot_ini(struct guest_image *g, const char *text)
{
	struct buffer changed = { 0 }, again = { 0 };
	struct windows_bcd b = { 0 };
	char *now = NULL, *then = NULL;
	struct error e;

	if (boot_ini_entries(g, text, &b, &e) || boot_ini_plan(g, text, &changed, &now, &e))
		abort();
	if (changed.len && (boot_ini_plan(g, buffer_text(&changed), &again, &then, &e) || then))
		abort();
	entries_free(&b);
	buffer_free(&changed);
	free(now);
}

/* A second edit changes nothing. */
static void configuration(const char *text)
{
	const struct windows_wishes w = { .rtc = "utc" };
	struct buffer once = { 0 }, twice = { 0 };
	struct error e;

	if (cloudbase_conf_edit(&w, text, &once, &e) ||
		cloudbase_conf_edit(&w, buffer_text(&once), &twice, &e) ||
		strcmp(buffer_text(&once), buffer_text(&twice)) != 0)
		abort();
	buffer_free(&once);
	buffer_free(&twice);
}

static void answer_file(const uint8_t *data, size_t size)
{
	const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	xmlDoc *doc = xmlReadMemory((const char *)data, (int)size, "x", NULL, options);
	struct error e;

	if (doc)
		unattend_check(doc, "x", "amd64", &e);
	xmlFreeDoc(doc);
	xmlResetLastError();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct volume volume[] = { { .id = "p1", .type = "mbr", .active = true },
		{ .id = "p2", .type = "mbr", .off = 512 },
		{ .id = "p5", .type = "mbr", .off = 1024 } };
	struct windows_guest windows = { .root = (char[]){ "/WINDOWS" } };
	struct guest_image g = { .root = 1,
		.state = &windows,
		.volumes = {
			.table = "mbr", .disk_id = "12345678", .volume = volume, .count = 3 } };
	struct buffer text = { 0 }, device = { 0 };
	struct bcd_device d;
	struct error e;

	if (buffer_append(&text, data, size, &e))
		return 0;
	boot_ini(&g, buffer_text(&text));
	configuration(buffer_text(&text));
	answer_file(data, size);
	bcd_device_read(data, size, &d);
	bcd_device_text(&d, &g.volumes, &device, &e);
	buffer_free(&device);
	buffer_free(&text);
	return 0;
}
