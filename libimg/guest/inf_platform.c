/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a section is for, as the end of its name has it:
 * NT[architecture][.[major][.[minor][.[product type][.[suite mask][.[build]]]]]]
 * ("Combining platform extensions with operating system versions").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/inf_private.h"

enum { DECORATIONS_TOLD = 16 };

const char *inf_arch_name(enum inf_arch a)
{
	static const char *const names[] = { "x86", "amd64", "arm64" };

	return names[a];
}

/* A number up to the next "." or the end; none stands for 0. */
static bool number_take(const char **text, uint32_t *out)
{
	char piece[16];
	const size_t len = strcspn(*text, ".");

	if (len >= sizeof(piece))
		return false;
	memcpy(piece, *text, len);
	piece[len] = 0;
	*text += len;
	return !len || inf_number_read(piece, out);
}

bool inf_decoration_read(const char *text, const struct inf_platform *p, struct inf_decoration *out)
{
	struct inf_decoration d = { 0 };
	uint32_t *const parts[] = { &d.major, &d.minor, &d.product, &d.suite, &d.build };
	const char *arch = inf_arch_name(p->arch);
	size_t len;

	if (strncasecmp(text, "nt", 2))
		return false;
	text += 2;
	len = strcspn(text, ".");
	if (len)
		d.arch = len == strlen(arch) && !strncasecmp(text, arch, len) ? INF_THIS_ARCH
									      : INF_OTHER_ARCH;
	text += len;
	for (size_t i = 0; *text == '.' && i < sizeof(parts) / sizeof(*parts); i++) {
		text++;
		if (!number_take(&text, parts[i]))
			return false;
	}
	if (*text)
		return false;
	*out = d;
	return true;
}

static int version_compare(const uint32_t a[3], const uint32_t b[3])
{
	for (unsigned i = 0; i < 3; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* The suite of a guest is not known, so what wants one is not for it. */
bool inf_decoration_fits(const struct inf_decoration *d, const struct inf_platform *p)
{
	const uint32_t wanted[] = { d->major, d->minor, d->build };
	const uint32_t has[] = { p->major, p->minor, p->build };

	return d->arch != INF_OTHER_ARCH && version_compare(wanted, has) <= 0 &&
		(!d->product || d->product == p->product) && !d->suite;
}

bool inf_decoration_closer(const struct inf_decoration *a, const struct inf_decoration *b)
{
	const uint32_t first[] = { a->major, a->minor, a->build };
	const uint32_t second[] = { b->major, b->minor, b->build };
	const int by_version = version_compare(first, second);

	if (by_version)
		return by_version > 0;
	if (!a->product != !b->product)
		return a->product;
	return a->arch == INF_THIS_ARCH && b->arch != INF_THIS_ARCH;
}

/* What follows the name and a "." in a section's name, when it begins so and a decoration may
 * follow; else NULL. */
static const char *decoration_of(const char *section, const char *name)
{
	const size_t len = strlen(name);

	return !strncasecmp(section, name, len) && !strncasecmp(section + len, ".nt", 3)
		? section + len + 1
		: NULL;
}

/* The first section that may be NAME.nt..., of those that are sorted. */
static int first_decorated(
	const struct inf_source *s, const char *name, size_t *out, struct error *e)
{
	struct buffer from = { 0 };
	int rc = buffer_format(&from, e, "%s.nt", name);

	if (!rc)
		*out = inf_section_from(s, buffer_text(&from));
	buffer_free(&from);
	return rc;
}

int inf_section_fitting(
	struct inf_source *s, const char *name, const struct inf_section **out, struct error *e)
{
	const struct inf_section *best = NULL;
	struct inf_decoration closest = { 0 };
	const char *text;
	size_t at = 0;
	int rc = first_decorated(s, name, &at, e);

	for (; !rc && at < s->section_count && (text = decoration_of(s->section[at].name, name));
		at++) {
		struct inf_decoration d;

		s->work += strlen(text);
		if (!inf_decoration_read(text, s->platform, &d) ||
			!inf_decoration_fits(&d, s->platform) ||
			(best && !inf_decoration_closer(&d, &closest)))
			continue;
		best = &s->section[at];
		closest = d;
	}
	*out = best ? best : inf_section_find(s, name);
	return rc;
}

int inf_decorations(
	const struct inf_source *s, const char *name, struct strings *out, struct error *e)
{
	struct inf_decoration d;
	const char *text;
	size_t at = 0;
	int rc = first_decorated(s, name, &at, e);

	for (; !rc && at < s->section_count && out->count < DECORATIONS_TOLD &&
		(text = decoration_of(s->section[at].name, name));
		at++)
		/* "base.ntx86.services" is a part of another. */
		if (inf_decoration_read(text, s->platform, &d))
			rc = strings_add_new(out, text, e);
	return rc;
}
