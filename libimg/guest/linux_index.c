/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index files that depmod left beside a kernel's modules. */
#include <stdio.h>
#include <sys/stat.h>

#include "guest/linux.h"

enum {
	DEP,
	ALIAS,
	SYMBOLS,
	SOFTDEP,
	BUILTIN,
	MODINFO,
	DEVNAME,
	ORDER,
	TEXTS,
};

static const char *const names[TEXTS] = { "modules.dep", "modules.alias", "modules.symbols",
	"modules.softdep", "modules.builtin", "modules.builtin.modinfo", "modules.devname",
	"modules.order" };

/* *out stays NULL when there is no such file. */
static int text_read(struct tree *t, const char *modules, const char *name, struct buffer *text,
	const char **out, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", modules, name);

	if (!rc && tree_is(t, buffer_text(&path), S_IFREG)) {
		rc = tree_read(t, buffer_text(&path), KMOD_TEXT_LIMIT, text, e);
		*out = buffer_text(text);
	}
	if (rc)
		error_prefix(e, "%s", buffer_text(&path));
	buffer_free(&path);
	return rc;
}

int linux_indexes_open(
	struct tree *t, const char *modules, struct linux_indexes *out, struct error *e)
{
	struct buffer text[TEXTS] = { 0 };
	const char *at[TEXTS] = { NULL };
	struct linux_indexes x = { 0 };
	struct kmod_texts texts;
	int rc = 0;

	for (size_t i = 0; i < TEXTS && !rc; i++)
		rc = text_read(t, modules, names[i], &text[i], &at[i], e);
	if (!rc && !at[DEP])
		rc = error_set(e, ERR_NOTFOUND, "%s has no modules.dep", modules);
	texts = (struct kmod_texts){ .dep = at[DEP],
		.alias = at[ALIAS],
		.symbols = at[SYMBOLS],
		.softdep = at[SOFTDEP],
		.builtin = at[BUILTIN],
		.builtin_modinfo = at[MODINFO],
		.builtin_modinfo_len = text[MODINFO].len,
		.devname = at[DEVNAME],
		.order = at[ORDER] };
	if (!rc)
		rc = kmod_open(&texts, &x.kmod, e);
	if (!rc) {
		x.dep = text[DEP];
		text[DEP] = (struct buffer){ 0 };
		*out = x;
	}
	for (size_t i = 0; i < TEXTS; i++)
		buffer_free(&text[i]);
	return rc;
}

void linux_indexes_close(struct linux_indexes *x)
{
	kmod_close(x->kmod);
	buffer_free(&x->dep);
	*x = (struct linux_indexes){ 0 };
}
