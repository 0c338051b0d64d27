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
#include "guest/linux_loader_source.h"

/* GRUB that shim starts reads grub.cfg of its vendor's directory, else the one beside it. */
static int stub_take(struct planner *p, const char *vendor, struct error *e)
{
	char path[300];
	char *stub = NULL;
	int rc = linux_loader_stub(p->g, &stub, e);

	snprintf(path, sizeof(path), "/EFI/%s/grub.cfg", vendor);
	if (!rc && stub)
		rc = plan_text(p, stub, path, e);
	if (!rc && stub)
		rc = plan_text(p, stub, "/EFI/BOOT/grub.cfg", e);
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
		return plan_file(p, p->plan->look, from, "/EFI/BOOT/grub.cfg", e);
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
	int rc;

	snprintf(directory, sizeof(directory), "%.100s/%s", efi, vendor);
	rc = source_take_grub(p, &s, &s, e);
	return rc || !p->plan->count ? rc : config_take(p, vendor, e);
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
	rc = source_find(p, &s, "systemd-boot", p->suffix, "systemd-boot", &from, e);
	return rc || !from ? rc : plan_file(p, s.tree, from, p->fallback, e);
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
	if (!rc && from && !strcmp(l.kind, "uki") && source_fits(p, l.machine))
		rc = plan_file(p, p->plan->look, from, p->fallback, e);
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
	const struct source of_shim = {
		.tree = p->g->tree, .directory = "/usr/lib/shim", .ending = ".efi.signed"
	};
	int rc;

	if (!p->g->guest.distro || !is_vendor(p->g->guest.distro))
		return 0;
	rc = source_take_grub(p, &of_grub, &of_shim, e);
	return rc || !p->plan->count ? rc : stub_take(p, p->g->guest.distro, e);
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
