/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "guest/firmware.h"
#include "guest/linux_loader.h"

int linux_mount_point(struct guest_image *g, size_t index, char *out, size_t size, struct error *e)
{
	struct buffer text = { 0 };
	bool exists;
	int rc = linux_text(g->tree, "/etc/fstab", &text, &exists, e);

	*out = 0;
	for (const char *line = buffer_text(&text); *line && !rc && !*out;) {
		struct strings field = { 0 };
		struct buffer one = { 0 };
		size_t len = strcspn(line, "\n");

		rc = buffer_append(&one, line, len, e);
		if (!rc)
			rc = strings_split(&field, buffer_text(&one), " \t\r", e);
		if (!rc && field.count >= 3 && field.item[0][0] != '#' && field.item[1][0] == '/' &&
			field.item[1][1] && strlen(field.item[1]) < size &&
			linux_volume_of(g, field.item[0]) == index)
			strcpy(out, field.item[1]);
		strings_free(&field);
		buffer_free(&one);
		line += len + (line[len] != 0);
	}
	buffer_free(&text);
	return rc;
}

int linux_esp_open(struct guest_image *g, struct linux_esp *out, struct error *e)
{
	struct linux_esp esp = { .index = firmware_esp(g) };
	int rc = 0;

	if (esp.index != SIZE_MAX && !g->volume[esp.index].fs)
		esp.index = SIZE_MAX;
	if (esp.index != SIZE_MAX && g->volume[esp.index].used)
		rc = linux_mount_point(g, esp.index, esp.prefix, sizeof(esp.prefix), e);
	if (!rc && esp.prefix[0])
		esp.tree = g->tree;
	if (!rc && esp.index != SIZE_MAX && !esp.tree) {
		esp.own = true;
		rc = tree_open(g->volume[esp.index].fs, g->volumes.volume[esp.index].id, g->journal,
			&esp.tree, e);
	}
	if (!rc)
		*out = esp;
	return rc;
}

void linux_esp_close(struct linux_esp *esp)
{
	if (esp->own)
		tree_close(esp->tree);
	*esp = (struct linux_esp){ .index = SIZE_MAX };
}

int linux_esp_path(
	const struct linux_esp *esp, const char *path, struct buffer *out, struct error *e)
{
	struct buffer whole = { 0 };
	int rc = buffer_format(&whole, e, "%s%s", esp->prefix, path);

	if (!rc)
		rc = firmware_path(esp->tree, buffer_text(&whole), out, e);
	buffer_free(&whole);
	return rc;
}

bool linux_esp_editable(const struct guest_image *g, const struct linux_esp *esp)
{
	return esp->index != SIZE_MAX && !g->volume[esp->index].problem;
}
