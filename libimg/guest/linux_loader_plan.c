/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the guest's own loaders are.  Firmware's boot entry, which an image has not, would start
 * EFI/VENDOR/shimx64.efi; that starts grubx64.efi beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/bootloader.h"
#include "guest/firmware.h"
#include "guest/linux_loader.h"
#include "guest/pe.h"

/* What a plan is made with. */
struct planner {
	struct guest_image *g;
	struct loader_plan *plan;
	const char *suffix; /* "x64" */
	char fallback[32]; /* "/EFI/BOOT/BOOTX64.EFI" */
};

/* A directory with loaders, and how they are called in it. */
struct source {
	struct tree *tree;
	const char *directory;
	const char *ending; /* ".efi", ".efi.signed" */
};

static int part_take(struct planner *p, struct tree *t, char *from, const char *to, struct error *e)
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

static int text_take(struct planner *p, const char *text, const char *to, struct error *e)
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

static uint16_t machine_of(const char *arch)
{
	if (arch && !strcmp(arch, "aarch64"))
		return PE_MACHINE_ARM64;
	return arch && !strcmp(arch, "i686") ? PE_MACHINE_I386 : PE_MACHINE_X86_64;
}

/* *out: the path of a loader of that kind for the guest's processor; NULL: it is not there.
 * `kind` NULL: any. */
static int loader_find(struct planner *p, const struct source *s, const char *stem,
	const char *suffix, const char *kind, char **out, struct error *e)
{
	struct buffer wanted = { 0 }, path = { 0 };
	struct loader l = { 0 };
	int rc = buffer_format(&wanted, e, "%s/%s%s%s", s->directory, stem, suffix, s->ending);

	*out = NULL;
	if (!rc)
		rc = firmware_path(s->tree, buffer_text(&wanted), &path, e);
	if (!rc && tree_is(s->tree, buffer_text(&path), S_IFREG))
		rc = loader_read(s->tree, buffer_text(&path), &l, e);
	if (!rc && l.machine == machine_of(p->g->guest.arch) && (!kind || !strcmp(l.kind, kind))) {
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
	int rc = loader_find(p, s, stem, p->suffix, kind, out, e);

	return rc || *out ? rc : loader_find(p, s, old_stem, "", kind, out, e);
}

/* Beside shim its helpers keep their names, for it looks for them by those. */
static int beside_take(struct planner *p, const struct source *s, char *from, struct error *e)
{
	const char *name = strrchr(from, '/') + 1;
	char to[300];

	snprintf(to, sizeof(to), "/EFI/BOOT/%.*s", (int)strcspn(name, "."), name);
	strcat(to, ".efi");
	return part_take(p, s->tree, from, to, e);
}

/* *taken: the directory has what starts the guest. */
static int grub_take(struct planner *p, const struct source *s, bool *taken, struct error *e)
{
	char *shim = NULL, *grub = NULL, *manager = NULL;
	int rc = either_find(p, s, "grub", "grub", "grub", &grub, e);

	*taken = false;
	if (rc || !grub)
		return rc;
	rc = either_find(p, s, "shim", "shim", "shim", &shim, e);
	if (!rc && shim)
		rc = either_find(p, s, "mm", "MokManager", NULL, &manager, e);
	if (rc) {
		free(shim);
		free(grub);
		free(manager);
		return rc;
	}
	*taken = true;
	rc = shim ? beside_take(p, s, grub, e) : part_take(p, s->tree, grub, p->fallback, e);
	if (shim && !rc)
		rc = part_take(p, s->tree, shim, p->fallback, e);
	else
		free(shim);
	if (manager && !rc)
		rc = beside_take(p, s, manager, e);
	else
		free(manager);
	return rc;
}

static void plan_empty(struct loader_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->part[i].from);
		free(plan->part[i].text);
		free(plan->part[i].to);
	}
	plan->count = 0;
}

/* GRUB that shim starts reads grub.cfg of its vendor's directory, else the one beside it. */
static int stub_take(struct planner *p, const char *vendor, struct error *e)
{
	char path[300];
	char *stub = NULL;
	int rc = linux_loader_stub(p->g, &stub, e);

	snprintf(path, sizeof(path), "/EFI/%s/grub.cfg", vendor);
	if (!rc && stub)
		rc = text_take(p, stub, path, e);
	if (!rc && stub)
		rc = text_take(p, stub, "/EFI/BOOT/grub.cfg", e);
	if (!rc && !stub)
		plan_empty(p->plan);
	free(stub);
	return rc;
}

/* GRUB alone that has none there was told another place when it was installed. */
static int config_take(struct planner *p, const char *vendor, struct error *e)
{
	char path[300];
	struct buffer have = { 0 };
	char *from;
	int rc;

	snprintf(path, sizeof(path), "/EFI/%s/grub.cfg", vendor);
	rc = firmware_path(p->plan->look, path, &have, e);
	from = rc ? NULL : strdup(buffer_text(&have));
	buffer_free(&have);
	if (from)
		return part_take(p, p->plan->look, from, "/EFI/BOOT/grub.cfg", e);
	if (rc != -ERR_NOTFOUND)
		return rc ? rc : error_nomem(e, "a loader");
	return p->plan->count > 1 ? stub_take(p, vendor, e) : 0;
}

static bool is_vendor(const char *name)
{
	static const char *const others[] = { "BOOT", "Linux", "systemd", "Microsoft", "tools" };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strcasecmp(name, others[i]))
			return false;
	return strlen(name) < 200;
}

/* The vendor's directory of this distribution is the one to take, when there are several. */
static bool is_own(const struct guest_image *g, const char *name)
{
	static const char *const alias[][2] = { { "rhel", "redhat" }, { "rocky", "rocky" },
		{ "almalinux", "almalinux" }, { "opensuse-leap", "opensuse" },
		{ "opensuse-tumbleweed", "opensuse" }, { "ol", "redhat" }, { "arch", "grub" } };

	if (!g->guest.distro)
		return false;
	for (size_t i = 0; i < sizeof(alias) / sizeof(alias[0]); i++)
		if (!strcmp(g->guest.distro, alias[i][0]) && !strcasecmp(name, alias[i][1]))
			return true;
	return !strcasecmp(name, g->guest.distro);
}

static int vendor_take(struct planner *p, const char *efi, const char *vendor, struct error *e)
{
	char directory[400];
	const struct source s = { .tree = p->plan->look, .directory = directory, .ending = ".efi" };
	bool taken;
	int rc;

	snprintf(directory, sizeof(directory), "%.100s/%s", efi, vendor);
	rc = grub_take(p, &s, &taken, e);
	return rc || !taken ? rc : config_take(p, vendor, e);
}

static int vendors_take(struct planner *p, const char *efi, struct error *e)
{
	struct strings names = { 0 };
	int rc = tree_list(p->plan->look, efi, &names, e);

	for (int own = 1; own >= 0; own--)
		for (size_t i = 0; i < names.count && !rc && !p->plan->count; i++)
			if (is_vendor(names.item[i]) && is_own(p->g, names.item[i]) == own)
				rc = vendor_take(p, efi, names.item[i], e);
	strings_free(&names);
	return rc;
}

static int systemd_take(struct planner *p, const char *efi, struct error *e)
{
	char directory[200];
	const struct source s = { .tree = p->plan->look, .directory = directory, .ending = ".efi" };
	char *from;
	int rc;

	snprintf(directory, sizeof(directory), "%.100s/systemd", efi);
	rc = loader_find(p, &s, "systemd-boot", p->suffix, "systemd-boot", &from, e);
	return rc || !from ? rc : part_take(p, s.tree, from, p->fallback, e);
}

/* Of several unified kernels which one the guest would start can't be known. */
static int unified_take(struct planner *p, const char *efi, struct error *e)
{
	struct strings names = { 0 };
	struct loader l = { 0 };
	char directory[200];
	char *from = NULL;
	int rc = 0;

	snprintf(directory, sizeof(directory), "%.100s/Linux", efi);
	if (tree_is(p->plan->look, directory, S_IFDIR))
		rc = tree_list(p->plan->look, directory, &names, e);
	if (!rc && names.count == 1 && asprintf(&from, "%s/%s", directory, names.item[0]) < 0) {
		from = NULL;
		rc = error_nomem(e, "a loader");
	}
	if (!rc && from)
		rc = loader_read(p->plan->look, from, &l, e);
	if (!rc && from && !strcmp(l.kind, "uki") && l.machine == machine_of(p->g->guest.arch))
		rc = part_take(p, p->plan->look, from, p->fallback, e);
	else
		free(from);
	loader_free(&l);
	strings_free(&names);
	return rc;
}

/* What packages of the guest hold for such partitions, when it was never installed on one. */
static int packages_take(struct planner *p, struct error *e)
{
	const char *grub = p->suffix[0] == 'a' ? "/usr/lib/grub/arm64-efi-signed"
		: p->suffix[0] == 'i'          ? "/usr/lib/grub/i386-efi-signed"
					       : "/usr/lib/grub/x86_64-efi-signed";
	const struct source of_grub = {
		.tree = p->g->tree, .directory = grub, .ending = ".efi.signed"
	};
	struct source of_shim = of_grub;
	char *from = NULL;
	int rc = loader_find(p, &of_grub, "grub", p->suffix, "grub", &from, e);

	of_shim.directory = "/usr/lib/shim";
	if (rc || !from || !p->g->guest.distro || !is_vendor(p->g->guest.distro)) {
		free(from);
		return rc;
	}
	rc = beside_take(p, &of_grub, from, e);
	if (!rc)
		rc = loader_find(p, &of_shim, "shim", p->suffix, "shim", &from, e);
	if (!rc && !from) {
		/* GRUB alone is what firmware starts then. */
		free(p->plan->part[0].to);
		p->plan->part[0].to = strdup(p->fallback);
		rc = p->plan->part[0].to ? 0 : error_nomem(e, "a loader");
	} else if (!rc) {
		rc = part_take(p, of_shim.tree, from, p->fallback, e);
		if (!rc)
			rc = loader_find(p, &of_shim, "mm", p->suffix, NULL, &from, e);
		if (!rc && from)
			rc = beside_take(p, &of_shim, from, e);
	}
	return rc ? rc : stub_take(p, p->g->guest.distro, e);
}

/* In the order in which installers prefer them. */
static int sources_take(struct planner *p, struct error *e)
{
	struct buffer efi = { 0 };
	int rc = firmware_path(p->plan->look, "/EFI", &efi, e);
	const bool has_efi = !rc;

	if (rc == -ERR_NOTFOUND)
		rc = 0;
	if (!rc && has_efi)
		rc = vendors_take(p, buffer_text(&efi), e);
	if (!rc && has_efi && !p->plan->count)
		rc = systemd_take(p, buffer_text(&efi), e);
	if (!rc && has_efi && !p->plan->count)
		rc = unified_take(p, buffer_text(&efi), e);
	if (!rc && !p->plan->count)
		rc = packages_take(p, e);
	buffer_free(&efi);
	return rc == -ERR_NOTFOUND ? 0 : rc;
}

/* Clusters are at most 64 KiB, and directories need one. */
static int room_check(struct planner *p, size_t esp, struct error *e)
{
	struct fs *fs = p->g->volume[esp].fs;
	uint64_t need = 3 * 65536, free_bytes;
	int rc = fs->ops->free_bytes(fs, &free_bytes, e);

	for (size_t i = 0; i < p->plan->count; i++)
		need += p->plan->part[i].size + 65536;
	if (!rc && need > free_bytes)
		plan_empty(p->plan);
	return rc;
}

int linux_loader_plan(struct guest_image *g, struct loader_plan *out, struct error *e)
{
	struct loader_plan plan = { 0 };
	struct planner p = { .g = g, .plan = &plan, .suffix = firmware_suffix(g->guest.arch) };
	const size_t esp = firmware_esp(g);
	struct fallback have;
	int rc = 0;

	*out = plan;
	if (esp == SIZE_MAX || !g->volume[esp].fs)
		return 0;
	snprintf(p.fallback, sizeof(p.fallback), "/EFI/BOOT/%s",
		firmware_fallback_name(g->guest.arch));
	rc = tree_open(g->volume[esp].fs, g->volumes.volume[esp].id, NULL, &plan.look, e);
	if (!rc)
		rc = firmware_fallback(plan.look, g->guest.arch, &have, e);
	if (!rc && (!have.present || firmware_fallback_lacks(&have)))
		rc = sources_take(&p, e);
	plan.drop_program = !rc && have.has_program && !have.has_entries;
	if (!rc && plan.count)
		rc = room_check(&p, esp, e);
	if (!rc)
		rc = tree_failure(plan.look, e);
	if (rc)
		linux_loader_plan_free(&plan);
	else
		*out = plan;
	return rc;
}

void linux_loader_plan_free(struct loader_plan *p)
{
	plan_empty(p);
	tree_close(p->look);
	*p = (struct loader_plan){ 0 };
}
