/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the modules that targets name are: in a kernel, its initramfs, its module directory, or
 * nowhere. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux.h"

const struct kernel_module *linux_module_of(const struct kernel *k, const char *name)
{
	for (size_t i = 0; i < k->module_count; i++)
		if (linux_same_module(k->module[i].name, name))
			return &k->module[i];
	return NULL;
}

/* CONFIG_X=y: for kernels that say so and have no modules.builtin. */
static bool config_builtin(const char *config, const char *option)
{
	size_t len = option ? strlen(option) : 0;

	for (const char *line = config; len && *line;) {
		if (!strncmp(line, option, len) && !strncmp(line + len, "=y", 2) &&
			(!line[len + 2] || isspace((unsigned char)line[len + 2])))
			return true;
		line += strcspn(line, "\n");
		line += *line != 0;
	}
	return false;
}

/*
 * The first module on the module's line of modules.dep that the initramfs has not.  Soft
 * dependencies do not count: without them it loads.
 */
static int lacking_find(const struct linux_indexes *x, const struct linux_initramfs *i,
	const char *name, char **out, struct error *e)
{
	const char *path = kmod_path(x->kmod, name);
	const char *line = buffer_text(&x->dep);
	size_t len = path ? strlen(path) : 0;
	struct strings needed = { 0 };
	int rc = 0;

	for (; path && *line && !(!strncmp(line, path, len) && line[len] == ':');
		line += *line != 0)
		line += strcspn(line, "\n");
	if (path && *line) {
		size_t end = strcspn(line, "\n");
		struct buffer text = { 0 };

		rc = buffer_append(&text, line + len + 1, end - len - 1, e);
		if (!rc)
			rc = strings_split(&needed, buffer_text(&text), " \t\r", e);
		buffer_free(&text);
	}
	for (size_t n = 0; n < needed.count && !rc && !*out; n++) {
		if (linux_initramfs_has(i, needed.item[n]))
			continue;
		*out = strdup(needed.item[n]);
		if (!*out)
			rc = error_nomem(e, "a module");
	}
	strings_free(&needed);
	return rc;
}

struct search {
	const struct linux_indexes *indexes; /* kmod NULL: none */
	const struct linux_initramfs *initramfs;
	const char *config;
};

static int module_add(struct kernel *k, const struct search *s, const char *name,
	const char *option, struct error *e)
{
	struct kernel_module *bigger, *m;

	if (linux_module_of(k, name))
		return 0;
	bigger = realloc(k->module, (k->module_count + 1) * sizeof(*bigger));
	if (!bigger)
		return error_nomem(e, "modules");
	k->module = bigger;
	m = &bigger[k->module_count++];
	*m = (struct kernel_module){ .name = strdup(name) };
	if (!m->name)
		return error_nomem(e, "modules");
	if ((s->indexes->kmod && kmod_builtin(s->indexes->kmod, name)) ||
		config_builtin(s->config, option))
		m->place = MODULE_BUILTIN;
	else if (linux_initramfs_has(s->initramfs, name))
		m->place = MODULE_INITRAMFS;
	else if (s->indexes->kmod && kmod_path(s->indexes->kmod, name))
		m->place = MODULE_FILE;
	if (m->place != MODULE_INITRAMFS || !s->indexes->kmod)
		return 0;
	return lacking_find(s->indexes, s->initramfs, name, &m->lacks, e);
}

static int modules_add(
	struct guest_image *g, struct kernel *k, const struct search *s, struct error *e)
{
	int rc = 0;

	for (size_t t = 0; t < g->known->count && !rc; t++)
		for (size_t i = 0; i < g->known->target[t].module_count && !rc; i++) {
			const struct target_module *m = &g->known->target[t].module[i];

			rc = module_add(k, s, m->name, m->config, e);
			for (size_t a = 0; a < m->alternatives.count && !rc; a++)
				rc = module_add(k, s, m->alternatives.item[a], NULL, e);
		}
	return rc;
}

/* A module that the guest's indexes, which those of the initramfs are made from, do not know. */
static const char *strange_module(const struct kmod *k, const struct linux_initramfs *i)
{
	for (size_t m = 0; m < i->modules.count; m++) {
		const char *path = i->modules.item[m];
		const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
		size_t len = strcspn(base, ".");
		char name[FS_NAME_MAX + 1] = { 0 };

		memcpy(name, base, len < sizeof(name) ? len : sizeof(name) - 1);
		if (!kmod_path(k, name))
			return path;
	}
	return NULL;
}

static int obstacle_set(struct linux_kernel *l, const char *code, struct error *e,
	const char *format, const char *detail)
{
	struct buffer text = { 0 };
	int rc = buffer_string(&text, format, e);

	if (!rc && detail)
		rc = buffer_format(&text, e, " %s", detail);
	if (rc)
		return rc;
	l->obstacle_code = code;
	l->obstacle = strdup(buffer_text(&text));
	buffer_free(&text);
	return l->obstacle ? 0 : error_nomem(e, "a kernel");
}

/* Why no segment can be put behind this initramfs. */
static int obstacle_find(const struct kernel *k, struct linux_kernel *l,
	const struct linux_indexes *x, struct error *e)
{
	const char *strange;

	if (!k->initramfs)
		return obstacle_set(l, "initramfs-missing", e, "it has no initramfs", NULL);
	if (k->problem)
		return obstacle_set(
			l, "initramfs-unreadable", e, "its initramfs can't be read:", k->problem);
	if (!l->indexed)
		return obstacle_set(l, "kernel-modules-missing", e,
			"its module directory is missing or has no modules.dep", NULL);
	if (l->uki.is_signed)
		return obstacle_set(l, "uki-signed", e,
			"its initramfs is part of a unified kernel image that is signed, or whose "
			"measurement is",
			NULL);
	if (l->initramfs.load == LOAD_UNKNOWN)
		return obstacle_set(l, "initramfs-generator-unsupported", e,
			"hvimg does not extend an initramfs made by",
			k->generator ? k->generator : "an unknown generator");
	strange = strange_module(x->kmod, &l->initramfs);
	if (strange)
		return obstacle_set(l, "initramfs-modules-differ", e,
			"its initramfs holds a module that the kernel's modules.dep does not name:",
			strange);
	return 0;
}

int linux_modules_load(
	struct guest_image *g, struct kernel *k, struct linux_kernel *l, struct error *e)
{
	struct linux_indexes x = { 0 };
	struct buffer config = { 0 };
	struct search s = { .indexes = &x, .initramfs = &l->initramfs };
	bool exists;
	int rc = 0;

	if (l->modules) {
		struct error why = { 0 };

		rc = linux_indexes_open(g->tree, l->modules, &x, &why);
		if (rc == -ERR_IO || rc == -ERR_NOMEM)
			*e = why;
		else
			rc = 0;
		l->indexed = x.kmod != NULL;
	}
	if (!rc && k->config)
		rc = linux_text(g->tree, k->config, &config, &exists, e);
	s.config = buffer_text(&config);
	if (!rc)
		rc = modules_add(g, k, &s, e);
	if (!rc)
		rc = obstacle_find(k, l, &x, e);
	buffer_free(&config);
	linux_indexes_close(&x);
	return rc;
}

const struct kernel_module *linux_best_module(const struct kernel *k, const struct target_module *m)
{
	const struct kernel_module *best = linux_module_of(k, m->name);

	for (size_t i = 0; i < m->alternatives.count; i++) {
		const struct kernel_module *other = linux_module_of(k, m->alternatives.item[i]);

		if (other && (!best || other->place > best->place))
			best = other;
	}
	return best;
}
