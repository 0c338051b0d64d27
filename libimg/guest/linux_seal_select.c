/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which operations --seal means: the language of virt-sysprep --operations. */
#include <stdlib.h>
#include <string.h>

#include "guest/linux_seal.h"

enum { OPERATIONS_MAX = 64 };

static int refuse_unknown(const char *word, struct error *e)
{
	struct buffer known = { 0 };
	int rc = 0;

	for (const struct seal_operation *o = seal_operations; o->name && !rc; o++)
		if (!o->refusal)
			rc = buffer_format(&known, e, " %s", o->name);
	if (!rc)
		rc = error_set(e, ERR_USAGE,
			"--seal: unknown operation \"%s\"; known are defaults, all,%s", word,
			buffer_text(&known));
	buffer_free(&known);
	return rc;
}

/* "all" leaves out what can't be done; asked for by its name, that is an error. */
static int choose(const char *word, bool chosen[OPERATIONS_MAX], struct error *e)
{
	const bool wanted = *word != '-';
	const char *name = word + !wanted;
	const bool group = !strcmp(name, "all") || !strcmp(name, "defaults");
	bool found = group;

	for (size_t i = 0; seal_operations[i].name && i < OPERATIONS_MAX; i++) {
		const struct seal_operation *o = &seal_operations[i];
		const bool named = !strcmp(name, o->name);

		found = found || named;
		if (named && wanted && o->refusal)
			return error_set(e, ERR_USAGE, "--seal: %s is not done to an image: %s",
				name, o->refusal);
		if (named || (group && !o->refusal && (o->by_default || !strcmp(name, "all"))))
			chosen[i] = wanted;
	}
	return found ? 0 : refuse_unknown(name, e);
}

int guest_seal_select(const struct strings *words, struct strings *out, struct error *e)
{
	bool chosen[OPERATIONS_MAX] = { false };
	size_t count = out->count;
	int rc = 0;

	for (size_t i = 0; i < words->count && !rc; i++)
		rc = choose(words->item[i], chosen, e);
	for (size_t i = 0; seal_operations[i].name && i < OPERATIONS_MAX && !rc; i++)
		if (chosen[i])
			rc = strings_add(out, seal_operations[i].name, e);
	if (!rc && words->count && out->count == count)
		rc = error_set(e, ERR_USAGE,
			"--seal: no operation is left; \"defaults,-machine-id\" is all but that");
	return rc;
}
