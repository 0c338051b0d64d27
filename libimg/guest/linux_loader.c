/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts what UEFI firmware without a boot entry starts beside the loaders that the guest has, byte
 * for byte, so that their signatures stay good.
 */
#include "guest/linux_loader.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"

static const char why[] = "UEFI firmware without a boot entry starts the guest's own loader";

int linux_loader_possible(struct guest_image *g, bool *answer, struct error *e)
{
	const size_t esp = firmware_esp(g);
	struct loader_plan plan;
	int rc;

	*answer = false;
	if (esp == SIZE_MAX || g->volume[esp].problem)
		return 0;
	rc = linux_loader_plan(g, &plan, e);
	if (rc)
		return rc;
	*answer = plan.count > 0;
	linux_loader_plan_free(&plan);
	return 0;
}

static int part_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct loader_part *part = arg;

	return tree_read_at(part->tree, part->from, off, buf, len, e);
}

/* A replaced file keeps its time, a new one gets that of os-release. */
static int time_find(struct guest_image *g, const struct linux_esp *esp, const char *path,
	int64_t *out, struct error *e)
{
	struct fs_stat st;
	int rc = tree_stat(esp->tree, path, TREE_FOLLOW, &st, e);

	if (rc == -ERR_NOTFOUND)
		return linux_file_time(g, "/etc/os-release", out, e);
	*out = rc ? 0 : st.mtime;
	return rc;
}

static int part_put(struct guest_image *g, const struct linux_esp *esp, struct loader_part *part,
	struct error *e)
{
	struct tree_put put = { .why = why };
	struct buffer whole = { 0 }, path = { 0 };
	int rc = buffer_format(&whole, e, "%s%s", esp->prefix, part->to);

	if (!rc)
		rc = firmware_place(esp->tree, buffer_text(&whole), &path, e);
	if (!rc)
		rc = time_find(g, esp, buffer_text(&path), &put.mtime, e);
	if (!rc && part->tree)
		rc = tree_put_reader(
			esp->tree, buffer_text(&path), part->size, part_read, part, &put, e);
	else if (!rc)
		rc = tree_put_bytes(esp->tree, buffer_text(&path), part->text, part->size, &put, e);
	buffer_free(&whole);
	buffer_free(&path);
	return rc ? error_prefix(e, "%s", part->to) : 0;
}

static int program_drop(struct guest_image *g, const struct linux_esp *esp, struct error *e)
{
	struct buffer path = { 0 };
	char name[64];
	int rc;

	snprintf(name, sizeof(name), "/EFI/BOOT/fb%s.efi", firmware_suffix(g->guest.arch));
	rc = linux_esp_path(esp, name, &path, e);
	if (!rc)
		rc = tree_remove(esp->tree, buffer_text(&path),
			"no list tells shim's fallback program what to start", e);
	buffer_free(&path);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

static bool wants_uefi(const struct target_list *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		if (strcmp(targets->target[i].firmware, "bios"))
			return true;
	return false;
}

int linux_loader_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	struct loader_plan plan = { 0 };
	struct linux_esp esp = { .index = SIZE_MAX };
	int rc = 0;

	if (!wants_uefi(targets))
		return 0;
	rc = linux_esp_open(g, &esp, e);
	if (!rc && linux_esp_editable(g, &esp))
		rc = linux_loader_plan(g, &plan, e);
	if (!rc && plan.count && plan.drop_program)
		rc = program_drop(g, &esp, e);
	for (size_t i = 0; i < plan.count && !rc; i++)
		rc = part_put(g, &esp, &plan.part[i], e);
	linux_loader_plan_free(&plan);
	linux_esp_close(&esp);
	return rc;
}
