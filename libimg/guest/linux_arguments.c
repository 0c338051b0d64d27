/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel command line is kept where the boot loader reads it now, and where the guest's tools
 * take the next one from.  Words are added in each of these places, only where they are lacking,
 * and everything else stays byte for byte.
 */
#include <string.h>

#include "guest/linux.h"
#include "guest/linux_arguments_files.h"
#include "guest/linux_grub_default.h"

/* GRUB's environment block has this size, and its loader refuses another (grub-editenv). */
enum { GRUBENV_SIZE = 1024 };

/* A quote that is not closed would swallow what is added. */
static bool is_open(const struct command_line *l)
{
	bool open = false;

	for (size_t i = 0; i < l->len; i++)
		open = open != (l->text[i] == '"');
	return open;
}

/* Words that a boot loader entry takes from GRUB's environment are edited there. */
static bool is_left(const struct command_line *l)
{
	return is_open(l) || memmem(l->text, l->len, "$kernelopts", 11) ||
		memmem(l->text, l->len, "${kernelopts}", 13);
}

/* Appends the whole file as it should be; *changes counts lines. */
static int file_edit(const struct argument_file *f, const struct argument_list *wanted,
	struct buffer *out, size_t *changes, struct strings *lacking, struct error *e)
{
	size_t copied = 0;
	int rc = 0;

	*changes = 0;
	for (size_t i = 0; i < f->lines->count && !rc; i++) {
		const struct command_line line = argument_line_of(f, i);
		struct strings lacks = { 0 };

		if (is_left(&line))
			continue;
		rc = command_line_lacks(&line, wanted, &lacks, e);
		if (!rc && lacks.count) {
			size_t start = f->lines->line[i].start;

			++*changes;
			rc = buffer_append(out, f->text.data + copied, start - copied, e);
			if (!rc)
				rc = command_line_edit(&line, wanted, out, e);
			copied = start + line.len;
		}
		for (size_t k = 0; k < lacks.count && !rc; k++)
			rc = strings_add_new(lacking, lacks.item[k], e);
		strings_free(&lacks);
	}
	return rc ? rc : buffer_append(out, f->text.data + copied, f->text.len - copied, e);
}

/* The block keeps its size: '#' fills it up.  *fits false: it can't. */
static int grubenv_pad(struct buffer *b, bool *fits, struct error *e)
{
	int rc = 0;

	while (b->len && b->data[b->len - 1] == '#')
		b->len--;
	/* One with less before the filling is not GRUB's. */
	*fits = b->len && b->data[b->len - 1] == '\n' && b->len <= GRUBENV_SIZE;
	while (*fits && b->len < GRUBENV_SIZE && !rc)
		rc = buffer_append(b, "#", 1, e);
	return rc;
}

static int file_finish(
	const struct argument_file *f, struct buffer *out, bool *fits, struct error *e)
{
	*fits = true;
	if (f->syntax != SYNTAX_GRUBENV)
		return 0;
	*fits = f->text.len == GRUBENV_SIZE;
	return *fits ? grubenv_pad(out, fits, e) : 0;
}

struct check {
	const struct argument_list *wanted;
	struct report *report;
};

static int lacking_report(struct report *r, const char *path, const struct strings *lacking,
	bool fixable, const char *place, struct error *e)
{
	const struct finding_text f = { .code = "kernel-argument-missing",
		.severity = SEVERITY_WARNING,
		.fixable = fixable,
		.path = path,
		.fix = fixable ? "hvimg inject puts it there" : "put it there inside the guest" };
	struct buffer words = { 0 };
	int rc = 0;

	for (size_t i = 0; i < lacking->count && !rc; i++)
		rc = buffer_format(&words, e, "%s%s", i ? ", " : "", lacking->item[i]);
	if (!rc)
		rc = finding_add(r, &f, e, "%s should have %s", place, buffer_text(&words));
	buffer_free(&words);
	return rc;
}

static int file_check(void *arg, const struct argument_file *f, struct error *e)
{
	const struct check *c = arg;
	struct strings lacking = { 0 };
	struct buffer out = { 0 }, place = { 0 };
	size_t changes;
	bool fits = true;
	int rc = file_edit(f, c->wanted, &out, &changes, &lacking, e);

	if (!rc)
		rc = file_finish(f, &out, &fits, e);
	if (!rc && f->lines->count > 1)
		rc = buffer_format(&place, e, "%zu of %zu kernel command lines in %s", changes,
			f->lines->count, f->path);
	else if (!rc)
		rc = buffer_format(&place, e, "the kernel command line in %s", f->path);
	if (!rc && changes)
		rc = lacking_report(c->report, f->path, &lacking, fits, buffer_text(&place), e);
	strings_free(&lacking);
	buffer_free(&out);
	buffer_free(&place);
	return rc;
}

static int default_check(struct guest_image *g, const struct argument_list *wanted,
	struct report *r, struct error *e)
{
	struct grub_default d;
	struct strings lacking = { 0 };
	int rc = grub_default_load(g, &d, e);

	if (rc)
		return rc;
	if (d.used)
		rc = command_line_lacks(&(struct command_line){ .text = buffer_text(&d.line),
						.len = d.line.len,
						.context = buffer_text(&d.more) },
			wanted, &lacking, e);
	if (!rc && lacking.count)
		rc = lacking_report(r, GRUB_DEFAULT, &lacking, !d.unclear,
			"the kernel command line of the next grub.cfg", e);
	strings_free(&lacking);
	grub_default_free(&d);
	return rc;
}

int linux_arguments_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	struct argument_list wanted;
	/* Only read. */
	const struct target_list one = { .target = (struct target *)(uintptr_t)t, .count = 1 };
	int rc = arguments_merge(&one, &wanted, e);

	if (!rc && wanted.count)
		rc = argument_files_each(
			g, file_check, &(struct check){ .wanted = &wanted, .report = r }, e);
	if (!rc && wanted.count)
		rc = default_check(g, &wanted, r, e);
	return rc;
}

struct apply {
	struct guest_image *g;
	const struct argument_list *wanted;
};

static int file_apply(void *arg, const struct argument_file *f, struct error *e)
{
	const struct apply *a = arg;
	struct strings lacking = { 0 };
	struct buffer out = { 0 };
	size_t changes;
	bool fits = true;
	int rc = file_edit(f, a->wanted, &out, &changes, &lacking, e);

	if (!rc)
		rc = file_finish(f, &out, &fits, e);
	if (!rc && changes && fits)
		rc = linux_put(
			a->g, f->path, out.data, out.len, "kernel arguments of the target", e);
	strings_free(&lacking);
	buffer_free(&out);
	return rc;
}

int linux_arguments_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	struct argument_list wanted;
	struct grub_default d;
	int rc = arguments_merge(targets, &wanted, e);

	if (rc || !wanted.count)
		return rc;
	rc = argument_files_each(g, file_apply, &(struct apply){ .g = g, .wanted = &wanted }, e);
	if (!rc)
		rc = grub_default_load(g, &d, e);
	if (rc)
		return rc;
	rc = grub_default_apply(g, &d, &wanted, e);
	grub_default_free(&d);
	return rc;
}

struct find {
	const char *prefix;
	struct strings *out;
};

static int file_search(void *arg, const struct argument_file *f, struct error *e)
{
	const struct find *s = arg;
	int rc = 0;

	for (size_t i = 0; i < f->lines->count && !rc; i++) {
		const struct command_line line = argument_line_of(f, i);

		rc = command_line_find(&line, s->prefix, s->out, e);
	}
	return rc;
}

int linux_arguments_find(
	struct guest_image *g, const char *prefix, struct strings *out, struct error *e)
{
	return argument_files_each(
		g, file_search, &(struct find){ .prefix = prefix, .out = out }, e);
}
