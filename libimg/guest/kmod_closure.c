/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a module needs: the closure over modules.dep and modules.softdep. */

#include <stdlib.h>
#include <string.h>

#include "guest/kmod_private.h"

/* No real module needs a tenth of it; keeps a made-up modules.dep from costing the square of its
 * length. */
enum { CLOSURE_LIMIT = 2048 };

/* The modules found so far, each once; those from `done` on are still to be looked at. */
struct closure {
	const struct kmod *k;
	size_t *module;
	size_t count, done;
	bool *seen; /* by module number */
};

static void closure_add(struct closure *c, size_t module)
{
	if (c->seen[module])
		return;
	c->seen[module] = true;
	c->module[c->count++] = module;
}

/* modules.dep holds whole closures already, so one line is enough. */
static int closure_needs(struct closure *c, const struct kmod_module *m, struct error *e)
{
	struct span rest = m->needs, word;
	size_t module;

	while (word_next(&rest, &word)) {
		if (!kmod_find_path(c->k, word, &module))
			return error_set(e, ERR_CORRUPT,
				"modules.dep: %s needs %.*s, which has no line", m->path,
				(int)(word.len < 200 ? word.len : 200), word.text);
		closure_add(c, module);
	}
	return 0;
}

/* A soft dependency names a module, else an alias such as crypto-crc32c; libkmod looks in this
 * order too. */
static void closure_soft_name(struct closure *c, struct span wanted)
{
	size_t count;
	const struct name *found = names_find(&c->k->by_name, wanted, &count);

	if (!found)
		found = names_find(&c->k->by_alias, wanted, &count);
	for (size_t i = 0; i < count; i++)
		closure_add(c, found[i].module);
}

/* modprobe.d(5): words count only after "pre:" or "post:". */
static void closure_soft(struct closure *c, struct span name)
{
	size_t count;
	const struct name *found = names_find(&c->k->soft, name, &count);

	for (size_t i = 0; i < count; i++) {
		const char *at = found[i].span.text + found[i].span.len;
		bool counts = false;
		struct span rest, word;

		if (!line_next(&at, &rest))
			continue;
		while (word_next(&rest, &word)) {
			if (span_is(word, "pre:") || span_is(word, "post:"))
				counts = true;
			else if (counts)
				closure_soft_name(c, word);
		}
	}
}

/* Adds what the next module needs. */
static int closure_step(struct closure *c, const char *name, struct error *e)
{
	const struct kmod_module *m = &c->k->module[c->module[c->done++]];
	int rc = closure_needs(c, m, e);

	if (rc)
		return rc;
	closure_soft(c, span_module((struct span){ m->path, strlen(m->path) }));
	if (c->count > CLOSURE_LIMIT)
		return error_set(
			e, ERR_RANGE, "module %s needs more than %d others", name, CLOSURE_LIMIT);
	return 0;
}

struct ranked {
	size_t needs, module;
};

static int ranked_compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->needs != y->needs)
		return x->needs < y->needs ? -1 : 1;
	return (x->module > y->module) - (x->module < y->module);
}

/* As its dependencies' own are among them, a module always has more than each of them has. */
static int closure_emit(const struct closure *c, struct strings *paths, struct error *e)
{
	struct ranked *ranked = calloc(c->count, sizeof(*ranked));
	int rc = 0;

	if (!ranked)
		return error_nomem(e, "module closure");
	for (size_t i = 0; i < c->count; i++)
		ranked[i] = (struct ranked){ c->k->module[c->module[i]].need_count, c->module[i] };
	qsort(ranked, c->count, sizeof(*ranked), ranked_compare);
	for (size_t i = 0; i < c->count && !rc; i++)
		rc = strings_add_new(paths, c->k->module[ranked[i].module].path, e);
	free(ranked);
	return rc;
}

int kmod_closure(const struct kmod *k, const char *name, struct strings *paths, struct error *e)
{
	struct closure c = { .k = k };
	size_t count;
	const struct name *found = names_find(
		&k->by_name, (struct span){ name, strlen(name) }, &count);
	int rc = 0;

	if (!found && kmod_builtin(k, name))
		return 0;
	if (!found)
		return error_set(e, ERR_NOTFOUND, "the kernel has no module %s", name);

	c.module = calloc(k->count, sizeof(*c.module));
	c.seen = calloc(k->count, sizeof(*c.seen));
	if (!c.module || !c.seen) {
		rc = error_nomem(e, "module closure");
		goto out;
	}
	closure_add(&c, found->module);
	while (c.done < c.count && !rc)
		rc = closure_step(&c, name, e);
	if (!rc)
		rc = closure_emit(&c, paths, e);
out:
	free(c.module);
	free(c.seen);
	return rc;
}
