/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The index files that depmod left beside a kernel's modules. */
#include <stdio.h>
#include <sys/stat.h>

#include "guest/linux.h"

static const char *const names[INDEX_TEXTS] = { "modules.dep", "modules.alias", "modules.symbols",
	"modules.softdep", "modules.builtin", "modules.builtin.modinfo", "modules.devname",
	"modules.order" };

static int text_read(struct tree *t, const char *modules, const char *name, struct buffer *text,
	bool *has, struct error *e)
{
	struct buffer path = { 0 };
	int rc = buffer_format(&path, e, "%s/%s", modules, name);

	if (!rc && tree_is(t, buffer_text(&path), S_IFREG)) {
		*has = true;
		rc = tree_read(t, buffer_text(&path), KMOD_TEXT_LIMIT, text, e);
	}
	if (rc)
		error_prefix(e, "%s", buffer_text(&path));
	buffer_free(&path);
	return rc;
}

int linux_index_texts_read(
	struct tree *t, const char *modules, struct linux_index_texts *out, struct error *e)
{
	int rc = 0;

	*out = (struct linux_index_texts){ 0 };
	for (size_t i = 0; i < INDEX_TEXTS && !rc; i++)
		rc = text_read(t, modules, names[i], &out->text[i], &out->has[i], e);
	return rc;
}

int linux_index_texts_open(const struct linux_index_texts *t, struct kmod **out, struct error *e)
{
	const char *at[INDEX_TEXTS];

	for (size_t i = 0; i < INDEX_TEXTS; i++)
		at[i] = t->has[i] ? buffer_text(&t->text[i]) : NULL;
	return kmod_open(&(struct kmod_texts){ .dep = at[INDEX_DEP],
				 .alias = at[INDEX_ALIAS],
				 .symbols = at[INDEX_SYMBOLS],
				 .softdep = at[INDEX_SOFTDEP],
				 .builtin = at[INDEX_BUILTIN],
				 .builtin_modinfo = at[INDEX_MODINFO],
				 .builtin_modinfo_len = t->text[INDEX_MODINFO].len,
				 .devname = at[INDEX_DEVNAME],
				 .order = at[INDEX_ORDER] },
		out, e);
}

void linux_index_texts_free(struct linux_index_texts *t)
{
	for (size_t i = 0; i < INDEX_TEXTS; i++)
		buffer_free(&t->text[i]);
}

int linux_indexes_open(
	struct tree *t, const char *modules, struct linux_indexes *out, struct error *e)
{
	struct linux_index_texts texts;
	struct linux_indexes x = { 0 };
	int rc = linux_index_texts_read(t, modules, &texts, e);

	if (!rc && !texts.has[INDEX_DEP])
		rc = error_set(e, ERR_NOTFOUND, "%s has no modules.dep", modules);
	if (!rc)
		rc = linux_index_texts_open(&texts, &x.kmod, e);
	if (!rc) {
		x.dep = texts.text[INDEX_DEP];
		texts.text[INDEX_DEP] = (struct buffer){ 0 };
		*out = x;
	}
	linux_index_texts_free(&texts);
	return rc;
}

void linux_indexes_close(struct linux_indexes *x)
{
	kmod_close(x->kmod);
	buffer_free(&x->dep);
	*x = (struct linux_indexes){ 0 };
}
