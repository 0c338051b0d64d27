/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Firmware without a boot entry starts EFI/Boot/bootx64.efi (UEFI 2.10, 3.5.1.1), and boot entries
 * do not travel with a disk.  Windows' own boot manager is put there byte for byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/bootloader.h"
#include "guest/firmware.h"
#include "guest/pe.h"
#include "guest/windows_bcd.h"

static const char why[] = "UEFI firmware without a boot entry starts Windows' boot manager";

static const char manager_path[] = "/EFI/Microsoft/Boot/bootmgfw.efi";

/* Microsoft signs shim of other systems too, by another certificate. */
static const char *const own_issuers[] = { "Microsoft Windows Production PCA 2011",
	"Windows UEFI CA 2023", "Microsoft Windows Verification PCA",
	"Microsoft Windows PCA 2010" };

enum fallback_state { FALLBACK_MISSING, FALLBACK_SAME, FALLBACK_OLDER, FALLBACK_FOREIGN };

struct loader_state {
	size_t esp;
	struct tree *tree; /* of the EFI system partition */
	struct tree *from; /* that has the boot manager; NULL: there is none to be put */
	char *source; /* its path in that */
	uint64_t size;
	bool is_new; /* the partition has none: it goes there too */
	char fallback[32]; /* "/EFI/Boot/bootx64.efi" */
	char *path; /* of that, as spelled; NULL: not there */
	enum fallback_state state;
	const char *kind; /* static: of the one that is there */
};

static void state_close(struct loader_state *s)
{
	tree_close(s->tree);
	free(s->source);
	free(s->path);
}

/* *out NULL: no such file. */
static int spelled(struct tree *t, const char *path, char **out, struct error *e)
{
	struct buffer name = { 0 };
	struct error none;
	int rc = firmware_path(t, path, &name, &none);

	*out = NULL;
	if (!rc && tree_is(t, buffer_text(&name), S_IFREG))
		*out = (char *)name.data;
	else
		buffer_free(&name);
	return tree_failure(t, e);
}

/* The boot manager: the partition's own, else the copy that Windows keeps. */
static int source_find(struct guest_image *g, struct loader_state *s, struct error *e)
{
	struct buffer copy = { 0 };
	struct fs_stat st;
	int rc = spelled(s->tree, manager_path, &s->source, e);

	s->from = s->tree;
	if (!rc && !s->source) {
		s->is_new = true;
		s->from = g->tree;
		rc = buffer_format(&copy, e, "%s/Boot/EFI/bootmgfw.efi", windows_of(g)->root);
		if (!rc)
			rc = spelled(s->from, buffer_text(&copy), &s->source, e);
		buffer_free(&copy);
	}
	if (!rc && s->source)
		rc = tree_stat(s->from, s->source, TREE_FOLLOW, &st, e);
	if (!rc && s->source)
		s->size = st.size;
	else
		s->from = NULL;
	return rc;
}

static const char *suffix_of(uint16_t machine)
{
	switch (machine) {
	case PE_MACHINE_I386:
		return "ia32";
	case PE_MACHINE_X86_64:
		return "x64";
	case PE_MACHINE_ARM64:
		return "aa64";
	default:
		return NULL;
	}
}

static int is_equal(const struct loader_state *s, bool *equal, struct error *e)
{
	enum { PIECE = 64 << 10 };
	uint8_t *a = malloc(2 * PIECE), *b = a ? a + PIECE : NULL;
	struct fs_stat st;
	int rc = a ? tree_stat(s->tree, s->path, TREE_FOLLOW, &st, e) : error_nomem(e, "a loader");

	*equal = !rc && st.size == s->size;
	for (uint64_t off = 0; !rc && *equal && off < s->size; off += PIECE) {
		const size_t len = (size_t)min_u64(PIECE, s->size - off);

		rc = tree_read_at(s->from, s->source, off, a, len, e);
		if (!rc)
			rc = tree_read_at(s->tree, s->path, off, b, len, e);
		*equal = !rc && !memcmp(a, b, len);
	}
	free(a);
	return rc;
}

static bool is_own(const struct loader *l)
{
	for (size_t i = 0; i < sizeof(own_issuers) / sizeof(own_issuers[0]); i++)
		if (strings_have(&l->issuer, own_issuers[i]))
			return true;
	return false;
}

static int fallback_look(struct loader_state *s, struct error *e)
{
	struct loader l = { 0 };
	bool equal = false;
	int rc = spelled(s->tree, s->fallback, &s->path, e);

	if (rc || !s->path)
		return rc;
	rc = is_equal(s, &equal, e);
	if (!rc)
		rc = loader_read(s->tree, s->path, &l, e);
	s->kind = l.kind;
	s->state = equal ? FALLBACK_SAME : is_own(&l) ? FALLBACK_OLDER : FALLBACK_FOREIGN;
	loader_free(&l);
	return rc;
}

/* Without a boot configuration there is nothing that the boot manager could start. */
static bool has_store(struct tree *t)
{
	struct error none;
	char *path = NULL;
	bool has = !spelled(t, "/EFI/Microsoft/Boot/BCD", &path, &none) && path;

	free(path);
	return has;
}

/* out->from NULL: nothing can be put there. */
static int state_read(struct guest_image *g, struct loader_state *out, struct error *e)
{
	struct loader_state s = { .esp = firmware_esp(g) };
	struct loader l = { 0 };
	const char *suffix = NULL;
	int rc;

	*out = s;
	if (s.esp == SIZE_MAX || !g->volume[s.esp].fs)
		return 0;
	rc = tree_open(g->volume[s.esp].fs, g->volumes.volume[s.esp].id, g->journal, &s.tree, e);
	if (rc)
		return rc;
	if (has_store(s.tree))
		rc = source_find(g, &s, e);
	if (!rc && s.from)
		rc = loader_read(s.from, s.source, &l, e);
	if (!rc)
		suffix = suffix_of(l.machine);
	loader_free(&l);
	if (!suffix)
		s.from = NULL;
	snprintf(s.fallback, sizeof(s.fallback), "/EFI/Boot/boot%s.efi", suffix ? suffix : "x64");
	if (!rc && s.from)
		rc = fallback_look(&s, e);
	if (rc)
		state_close(&s);
	else
		*out = s;
	return rc;
}

int windows_loader_places(struct guest_image *g, bool *answer, struct error *e)
{
	struct loader_state s;
	int rc = state_read(g, &s, e);

	if (rc)
		return rc;
	*answer = s.from && s.state == FALLBACK_MISSING && !g->volume[s.esp].problem;
	state_close(&s);
	return 0;
}

int windows_loader_readiness(struct guest_image *g, struct report *out, struct error *e)
{
	struct finding_text f = { .severity = SEVERITY_WARNING };
	struct loader_state s;
	int rc = state_read(g, &s, e);

	if (rc)
		return rc;
	f.path = s.path;
	if (s.from && s.state == FALLBACK_FOREIGN) {
		f.code = "loader-foreign";
		f.fix = "let the machine's boot entries name Windows' boot manager, or put that "
			"into EFI/Boot if no other system is on the disk";
		rc = finding_add(out, &f, e,
			"%s is not Windows' boot manager (%s), and firmware without a boot entry "
			"starts it",
			s.path + 1, s.kind);
	} else if (s.tree && has_store(s.tree) && !s.from) {
		f.code = "loader-missing";
		f.severity = SEVERITY_ERROR;
		f.fix = "put it there with bcdboot, from Windows' recovery media";
		rc = finding_add(out, &f, e,
			"the EFI system partition has no boot manager of Windows "
			"(EFI/Microsoft/Boot/bootmgfw.efi) that a known processor runs");
	}
	state_close(&s);
	return rc;
}

static int source_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	const struct loader_state *s = arg;

	return tree_read_at(s->from, s->source, off, buf, len, e);
}

static int loader_put(struct loader_state *s, const char *path, struct error *e)
{
	struct tree_put put = { .why = why };
	struct buffer name = { 0 };
	struct fs_stat st;
	int rc = tree_stat(s->from, s->source, TREE_FOLLOW, &st, e);

	put.mtime = rc ? 0 : st.mtime;
	if (!rc)
		rc = firmware_place(s->tree, path, &name, e);
	if (!rc)
		rc = tree_put_reader(s->tree, buffer_text(&name), s->size, source_read, s, &put, e);
	buffer_free(&name);
	return rc ? error_prefix(e, "%s", path) : 0;
}

static bool wants_uefi(const struct target_list *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		if (strcmp(targets->target[i].firmware, "bios") != 0)
			return true;
	return false;
}

int windows_loader_apply(struct guest_image *g, const struct guest_changes *c, struct error *e)
{
	struct loader_state s;
	int rc;

	if (!wants_uefi(c->targets))
		return 0;
	rc = state_read(g, &s, e);
	if (rc)
		return rc;
	if (s.from && !g->volume[s.esp].problem) {
		if (s.is_new)
			rc = loader_put(&s, manager_path, e);
		if (!rc && (s.state == FALLBACK_MISSING || s.state == FALLBACK_OLDER))
			rc = loader_put(&s, s.fallback, e);
	}
	state_close(&s);
	return rc;
}
