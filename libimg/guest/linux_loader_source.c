/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What loaders a directory has, and how they are to be called where firmware looks. */
#include "guest/linux_loader_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/bootloader.h"
#include "guest/firmware.h"
#include "guest/pe.h"

int plan_file(struct planner *p, struct tree *t, char *from, const char *to, struct error *e)
{
	struct loader_part *part = &p->plan->part[p->plan->count];
	struct fs_stat st;
	int rc = tree_stat(t, from, TREE_FOLLOW, &st, e);

	if (!rc && p->plan->count == LOADER_PARTS)
		rc = error_set(e, ERR_RANGE, "a loader of more than %d files", LOADER_PARTS);
	if (rc) {
		free(from);
		return rc;
	}
	*part = (struct loader_part){ .tree = t, .from = from, .to = strdup(to), .size = st.size };
	p->plan->count++;
	return part->to ? 0 : error_nomem(e, "a loader");
}

int plan_text(struct planner *p, const char *text, const char *to, struct error *e)
{
	struct loader_part *part = &p->plan->part[p->plan->count];

	if (p->plan->count == LOADER_PARTS)
		return error_set(e, ERR_RANGE, "a loader of more than %d files", LOADER_PARTS);
	*part = (struct loader_part){
		.text = strdup(text), .to = strdup(to), .size = strlen(text)
	};
	p->plan->count++;
	return part->text && part->to ? 0 : error_nomem(e, "a loader");
}

void plan_empty(struct loader_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->part[i].from);
		free(plan->part[i].text);
		free(plan->part[i].to);
	}
	plan->count = 0;
}

static uint16_t machine_of(const char *arch)
{
	if (arch && !strcmp(arch, "aarch64"))
		return PE_MACHINE_ARM64;
	return arch && !strcmp(arch, "i686") ? PE_MACHINE_I386 : PE_MACHINE_X86_64;
}

bool source_fits(const struct planner *p, uint16_t machine)
{
	return machine == machine_of(p->g->guest.arch);
}

int source_find(struct planner *p, const struct source *s, const char *stem, const char *suffix,
	const char *kind, char **out, struct error *e)
{
	struct buffer wanted = { 0 }, path = { 0 };
	struct loader l = { 0 };
	int rc = buffer_format(&wanted, e, "%s/%s%s%s", s->directory, stem, suffix, s->ending);

	*out = NULL;
	if (!rc)
		rc = firmware_path(s->tree, buffer_text(&wanted), &path, e);
	if (!rc && tree_is(s->tree, buffer_text(&path), S_IFREG))
		rc = loader_read(s->tree, buffer_text(&path), &l, e);
	if (!rc && source_fits(p, l.machine) && (!kind || !strcmp(l.kind, kind))) {
		*out = strdup(buffer_text(&path));
		rc = *out ? 0 : error_nomem(e, "a loader");
	}
	loader_free(&l);
	buffer_free(&wanted);
	buffer_free(&path);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* By the name with the processor's, or SUSE's without it. */
static int either_find(struct planner *p, const struct source *s, const char *stem,
	const char *old_stem, const char *kind, char **out, struct error *e)
{
	int rc = source_find(p, s, stem, p->suffix, kind, out, e);

	return rc || *out ? rc : source_find(p, s, old_stem, "", kind, out, e);
}

/* Beside shim its helpers keep their names, for it looks for them by those. */
static int beside_take(struct planner *p, const struct source *s, char *from, struct error *e)
{
	const char *name = strrchr(from, '/') + 1;
	char to[300];

	snprintf(to, sizeof(to), "/EFI/BOOT/%.*s", (int)strcspn(name, "."), name);
	strcat(to, ".efi");
	return plan_file(p, s->tree, from, to, e);
}

int source_take_grub(
	struct planner *p, const struct source *s, const struct source *shims, struct error *e)
{
	char *shim = NULL, *grub = NULL, *manager = NULL;
	int rc = either_find(p, s, "grub", "grub", "grub", &grub, e);

	if (rc || !grub)
		return rc;
	rc = either_find(p, shims, "shim", "shim", "shim", &shim, e);
	if (!rc && shim)
		rc = either_find(p, shims, "mm", "MokManager", NULL, &manager, e);
	if (rc) {
		free(shim);
		free(grub);
		free(manager);
		return rc;
	}
	/* Without shim GRUB is what firmware starts. */
	rc = shim ? beside_take(p, s, grub, e) : plan_file(p, s->tree, grub, p->fallback, e);
	if (shim && !rc)
		rc = plan_file(p, shims->tree, shim, p->fallback, e);
	else
		free(shim);
	if (manager && !rc)
		rc = beside_take(p, shims, manager, e);
	else
		free(manager);
	return rc;
}
