/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A unified kernel has its command line inside, under its signature: names of disks in it are told
 * of, and only the guest can make another.  UAPI.5.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/linux.h"
#include "guest/linux_names_scan.h"
#include "guest/pe.h"

enum { COMMAND_LINE_LIMIT = 64 << 10 };

struct unified {
	const struct bootloader *loader;
	const struct target *target;
	struct report *report;
};

static int name_report(void *arg, const struct name_found *n, struct error *e)
{
	const struct unified *u = arg;
	/* Where the firmware may be a BIOS, another loader may start the guest. */
	const bool fatal = n->required && !target_has_disk(u->target, n->device) &&
		!strcmp(u->target->firmware, "uefi");
	const struct finding_text f = { .code = "unstable-device-name",
		.severity = fatal ? SEVERITY_ERROR : SEVERITY_WARNING,
		.path = u->loader->path,
		.fix = "make the unified kernel anew inside the guest, its root file system named "
		       "by UUID=" };

	return finding_add(u->report, &f, e,
		"the command line inside %s names %.*s, which is not its name on every hypervisor",
		u->loader->path, (int)n->len, n->device);
}

/* Empty when the image has none. */
static int command_line_read(struct tree *t, const char *path, struct buffer *out, struct error *e)
{
	struct linux_file file = { .tree = t, .path = path };
	struct initramfs_source source = { .read = linux_tree_read, .arg = &file };
	const struct pe_section *s;
	struct pe pe = { 0 };
	struct fs_stat st;
	int rc = tree_stat(t, path, TREE_FOLLOW, &st, e);

	source.size = rc ? 0 : st.size;
	if (!rc)
		rc = pe_read(&source, &pe, e);
	s = rc ? NULL : pe_section(&pe, ".cmdline");
	if (s && s->size) {
		const size_t len = (size_t)min_u64(s->size, COMMAND_LINE_LIMIT);

		rc = buffer_zeros(out, len, e);
		if (!rc)
			rc = tree_read_at(t, path, s->offset, out->data, len, e);
	}
	pe_free(&pe);
	return rc == -ERR_CORRUPT ? 0 : rc;
}

static int unified_check(struct guest_image *g, const struct unified *u, struct error *e)
{
	const size_t index = guest_volume_index(g, u->loader->volume);
	struct buffer text = { 0 };
	struct tree *t = NULL;
	struct unified arg = *u;
	int rc;

	if (index == SIZE_MAX || !g->volume[index].fs)
		return 0;
	rc = tree_open(g->volume[index].fs, u->loader->volume, NULL, &t, e);
	if (!rc)
		rc = command_line_read(t, u->loader->path, &text, e);
	if (!rc)
		rc = linux_names_scan(WORDS, buffer_text(&text), name_report, &arg, e);
	buffer_free(&text);
	tree_close(t);
	return rc;
}

int linux_unified_names_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	const bool bios = !strcmp(t->firmware, "bios");
	int rc = 0;

	for (size_t i = 0; !bios && i < g->guest.bootloader_count && !rc; i++) {
		const struct unified u = {
			.loader = &g->guest.bootloader[i], .target = t, .report = r
		};

		if (!strcmp(u.loader->kind, "uki") && u.loader->path)
			rc = unified_check(g, &u, e);
	}
	return rc;
}
