/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names in an initramfs that only one hypervisor gives a disk.  dracut writes some into one that it
 * makes for the machine it runs on: arguments in etc/cmdline.d, and scripts and systemd units that
 * wait for disks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux.h"
#include "guest/linux_names_scan.h"

struct names {
	struct guest_image *g;
	const struct kernel *k;
	const struct linux_kernel *l;
	const struct linux_initramfs_text *text;
	const struct target *target; /* for findings */
	struct report *report; /* findings go here, or, when NULL, the new text to `out` */
	struct buffer *out;
	const char *done; /* in the text: where copying goes on */
	bool changed;
};

/* A name by which the file system is found everywhere; NULL: not known.  dracut and udev have made
 * the link before anything looks for it. */
static int stable_find(const struct guest_image *g, const char *device, char **out, struct error *e)
{
	const size_t index = linux_volume_of_name(g, device);

	*out = NULL;
	if (index == SIZE_MAX || !g->id[index].uuid[0])
		return 0;
	if (asprintf(out, "/dev/disk/by-uuid/%s", g->id[index].uuid) >= 0)
		return 0;
	*out = NULL;
	return error_nomem(e, "a device name");
}

static bool is_unit(const struct linux_initramfs_text *t)
{
	return strstr(t->path, ".wants/") != NULL;
}

static int name_report(
	const struct names *n, const char *device, const char *stable, struct error *e)
{
	const char *const waits = strstr(n->text->path, "cmdline.d/") ? NULL : "waits for";
	const bool fixable = stable && !n->l->obstacle && !is_unit(n->text);
	/* An argument counts only as far as the boot loader's does not say otherwise. */
	const struct finding_text f = { .code = "initramfs-device-name",
		.severity = waits && !target_has_disk(n->target, device) ? SEVERITY_ERROR
									 : SEVERITY_WARNING,
		.fixable = fixable,
		.path = n->k->initramfs,
		.fix = fixable ? "hvimg inject writes the UUID instead"
			       : "make the initramfs anew with names by UUID "
				 "(dracut: persistent_policy=by-uuid, or --no-hostonly)" };

	return finding_add(n->report, &f, e,
		"kernel %s: %s in the initramfs %s %s, which is not its name on every hypervisor",
		n->k->version, n->text->path, waits ? waits : "names", device);
}

static int name_see(void *arg, const struct name_found *found, struct error *e)
{
	struct names *n = arg;
	char *device = strndup(found->device, found->len), *stable = NULL;
	int rc = device ? stable_find(n->g, device, &stable, e) : error_nomem(e, "a name");

	if (!rc && n->report)
		rc = name_report(n, device, stable, e);
	if (!rc && !n->report && stable) {
		rc = buffer_append(n->out, n->done, (size_t)(found->device - n->done), e);
		if (!rc)
			rc = buffer_string(n->out, stable, e);
		n->done = found->device + found->len;
		n->changed = true;
	}
	free(device);
	free(stable);
	return rc;
}

static bool is_scanned(const struct linux_initramfs_text *t)
{
	return strstr(t->path, "cmdline.d/") || strstr(t->path, "/devexists-") || is_unit(t);
}

int linux_initramfs_names_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const struct linux_guest *l = g->state;
	int rc = 0;

	for (size_t k = 0; k < l->kernel_count; k++)
		for (size_t i = 0; i < l->kernel[k].initramfs.text_count && !rc; i++) {
			const struct linux_initramfs_text *text = &l->kernel[k].initramfs.text[i];
			struct names n = { .g = g,
				.k = &g->guest.kernel[k],
				.l = &l->kernel[k],
				.text = text,
				.target = t,
				.report = r };

			if (is_scanned(text))
				rc = linux_names_scan(
					WORDS, buffer_text(&text->bytes), name_see, &n, e);
		}
	return rc;
}

int linux_initramfs_names_text(struct guest_image *g, const struct linux_initramfs_text *text,
	struct buffer *out, bool *changed, struct error *e)
{
	const char *old = buffer_text(&text->bytes);
	struct names n = { .g = g, .text = text, .out = out, .done = old };
	int rc = 0;

	if (is_scanned(text) && !is_unit(text))
		rc = linux_names_scan(WORDS, old, name_see, &n, e);
	if (!rc && n.changed)
		rc = buffer_string(out, n.done, e);
	*changed = !rc && n.changed;
	return rc;
}

int linux_initramfs_names_wrong(
	struct guest_image *g, const struct linux_initramfs *i, bool *answer, struct error *e)
{
	int rc = 0;

	*answer = false;
	for (size_t n = 0; n < i->text_count && !rc && !*answer; n++) {
		struct buffer text = { 0 };

		rc = linux_initramfs_names_text(g, &i->text[n], &text, answer, e);
		buffer_free(&text);
	}
	return rc;
}
