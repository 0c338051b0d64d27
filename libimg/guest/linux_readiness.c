/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps a Linux guest from starting on a target, and which of it can be mended. */
#include <string.h>

#include "guest/linux.h"

/* A module that has to be there before the root file system. */
static int boot_module_check(const struct kernel *k, const struct linux_kernel *l,
	const struct kernel_module *m, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "initramfs-module-missing",
		.severity = SEVERITY_ERROR,
		.fixable = !l->obstacle,
		.path = k->initramfs,
		.fix = l->obstacle ? NULL : "hvimg inject puts it in" };

	if (m->place == MODULE_INITRAMFS && m->lacks)
		return finding_add(r, &f, e,
			"kernel %s: the initramfs has %s, but not %s, which that needs", k->version,
			m->name, m->lacks);
	return finding_add(r, &f, e, "kernel %s: %s is not in the initramfs", k->version, m->name);
}

static int module_check(const struct kernel *k, const struct linux_kernel *l,
	const struct target_module *wanted, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "kernel-module-missing",
		.severity = SEVERITY_ERROR,
		.path = l->modules,
		.fix = "install a kernel that has it" };
	const struct kernel_module *m = linux_best_module(k, wanted);

	if (!m)
		return error_set(e, ERR_USAGE,
			"module %s is of no target that was known when the "
			"image was opened",
			wanted->name);
	if (m->place == MODULE_MISSING && wanted->need != NEED_OPTIONAL)
		return finding_add(r, &none, e, "kernel %s has no module %s%s%s%s", k->version,
			wanted->name, wanted->config ? " (" : "",
			wanted->config ? wanted->config : "", wanted->config ? ")" : "");
	if (wanted->need != NEED_BOOT || m->place == MODULE_BUILTIN || m->place == MODULE_MISSING)
		return 0;
	if (m->place == MODULE_INITRAMFS && !m->lacks)
		return 0;
	return boot_module_check(k, l, m, r, e);
}

/* All that is needed before the root file system is in the kernel or its initramfs. */
static bool starts(const struct kernel *k, const struct target *t)
{
	for (size_t i = 0; i < t->module_count; i++) {
		const struct kernel_module *m = linux_best_module(k, &t->module[i]);

		if (t->module[i].need != NEED_BOOT || (m && m->place == MODULE_BUILTIN))
			continue;
		if (!m || m->place != MODULE_INITRAMFS || m->lacks)
			return false;
	}
	return true;
}

/* Why modules can't be put into an initramfs that lacks some. */
static int obstacle_report(
	const struct kernel *k, const struct linux_kernel *l, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = l->obstacle_code,
		.severity = SEVERITY_ERROR,
		.path = k->initramfs,
		.fix = l->uki.is_signed
			? "make the image anew inside the guest, with the target's modules, and "
			  "sign it"
			: "make an initramfs with the target's modules inside the guest" };

	return finding_add(r, &f, e, "kernel %s: %s", k->version, l->obstacle);
}

static int kernel_check(const struct kernel *k, const struct linux_kernel *l,
	const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text rescue = {
		.code = "rescue-kernel-skipped", .severity = SEVERITY_INFO, .path = k->image
	};
	const bool blind = !k->initramfs || k->problem || !l->indexed;
	int rc = 0;

	/* Fedora's and its like: a copy of some kernel without modules of its own, for repairs. */
	if (!strncmp(k->version, "0-rescue", 8))
		return finding_add(r, &rescue, e, "kernel %s was not looked at", k->version);
	if (!starts(k, t) && l->obstacle && (blind || linux_needs_segment(k, t)))
		rc = obstacle_report(k, l, r, e);
	/* When nothing can be seen there is one reason for all modules, told above. */
	if (!starts(k, t) && blind)
		return rc;
	for (size_t i = 0; i < t->module_count && !rc; i++)
		rc = module_check(k, l, &t->module[i], r, e);
	return rc;
}

static int kernels_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text none = { .code = "no-kernel", .severity = SEVERITY_ERROR };
	const struct linux_guest *l = g->state;
	int rc = 0;

	if (!g->guest.kernel_count)
		return finding_add(r, &none, e, "no kernel was found in /boot or /lib/modules");
	for (size_t i = 0; i < g->guest.kernel_count && !rc; i++)
		rc = kernel_check(&g->guest.kernel[i], &l->kernel[i], t, r, e);
	return rc;
}

/* A kernel of that version that has built in what is needed before the root file system. */
static bool starts_alone(const struct guest *guest, const char *version, const struct target *t)
{
	for (size_t i = 0; version && i < guest->kernel_count; i++) {
		const struct kernel *k = &guest->kernel[i];
		bool alone = !strcmp(k->version, version);

		for (size_t n = 0; n < t->module_count && alone; n++) {
			const struct kernel_module *m = linux_best_module(k, &t->module[n]);

			alone = t->module[n].need != NEED_BOOT || (m && m->place == MODULE_BUILTIN);
		}
		if (alone)
			return true;
	}
	return false;
}

/* What a menu names first is started unless somebody chooses. */
static int menus_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct linux_guest *l = g->state;
	int rc = 0;

	for (size_t i = 0; i < l->missing_count && !rc; i++) {
		const struct linux_missing *m = &l->missing[i];
		const struct finding_text f = { .code = "initramfs-missing",
			.severity = m->first && !starts_alone(&g->guest, m->version, t)
				? SEVERITY_ERROR
				: SEVERITY_WARNING,
			.path = m->menu,
			.fix = "make it inside the guest, or take the entry out" };

		rc = finding_add(r, &f, e, "%s names %s, which is not there", m->menu, m->path);
	}
	return rc;
}

static int names_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < g->guest.device_name_count && !rc; i++) {
		const struct device_name *d = &g->guest.device_name[i];
		const bool fatal = d->required && !target_has_disk(t, d->device);
		const struct finding_text f = { .code = "unstable-device-name",
			.severity = fatal ? SEVERITY_ERROR : SEVERITY_WARNING,
			.fixable = d->stable != NULL,
			.path = d->path,
			.fix = d->stable ? "hvimg inject writes the UUID instead"
					 : "name the file system by UUID=" };

		rc = finding_add(r, &f, e,
			"line %llu of %s names %s, which is not its name on "
			"every hypervisor%s%s",
			(unsigned long long)d->line, d->path, d->device,
			d->stable ? ": should be " : "", d->stable ? d->stable : "");
	}
	return rc;
}

static int persist_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "persistent-drop-in-missing",
		.severity = SEVERITY_WARNING,
		.fixable = true,
		.fix = "hvimg inject tells the generator of them" };
	bool missing;
	int rc = linux_persist_missing(g, t, &missing, e);

	if (rc || !missing)
		return rc;
	return finding_add(
		r, &f, e, "the guest's next initramfs would lack modules that the target needs");
}

static int processor_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "arch-32bit", .severity = SEVERITY_ERROR };

	if (strcmp(t->firmware, "uefi") || !g->guest.arch || strcmp(g->guest.arch, "i686"))
		return 0;
	return finding_add(r, &f, e,
		"the guest is for %s, which 64-bit UEFI firmware does not start", g->guest.arch);
}

int linux_readiness(
	struct guest_image *g, const struct target *t, struct report *out, struct error *e)
{
	int rc = processor_check(g, t, out, e);

	if (!rc)
		rc = kernels_check(g, t, out, e);
	if (!rc)
		rc = menus_check(g, t, out, e);
	if (!rc)
		rc = linux_initramfs_names_check(g, t, out, e);
	if (!rc)
		rc = names_check(g, t, out, e);
	if (!rc)
		rc = linux_unified_names_check(g, t, out, e);
	if (!rc)
		rc = linux_resume_check(g, out, e);
	if (!rc)
		rc = linux_disk_settings_check(g, out, e);
	if (!rc)
		rc = persist_check(g, t, out, e);
	if (!rc)
		rc = linux_arguments_check(g, t, out, e);
	if (!rc)
		rc = linux_service_check(g, t, out, e);
	if (!rc)
		rc = linux_cloud_check(g, t, out, e);
	if (!rc)
		rc = linux_network_check(g, t, out, e);
	return rc;
}
