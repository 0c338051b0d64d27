/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resume= names the swap space that a suspended system lies on.  One that is not there is waited
 * for at each start: initramfs-tools(7), dracut.cmdline(7).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/linux_names_files.h"

/* "resume=VALUE" in a text. */
struct resume_word {
	const char *word;
	size_t len; /* of the whole */
	char *value;
	uint64_t line;
};

static bool is_comment(const char *text, const char *at)
{
	while (at > text && at[-1] != '\n')
		at--;
	at += strspn(at, " \t");
	return *at == '#';
}

/* The next one from `at`; a NULL word: there is none. */
static int word_next(const char *text, const char *at, struct resume_word *out, struct error *e)
{
	*out = (struct resume_word){ .line = 1 };
	for (; (at = strcasestr(at, "resume=")); at++) {
		const char before = at == text ? ' ' : at[-1];

		if ((isspace((unsigned char)before) || strchr("\"'=", before)) &&
			!is_comment(text, at))
			break;
	}
	if (!at)
		return 0;
	for (const char *c = text; c < at; c++)
		out->line += *c == '\n';
	out->word = at;
	out->len = 7 + strcspn(at + 7, " \t\r\n\"'");
	out->value = strndup(at + 7, out->len - 7);
	return out->value ? 0 : error_nomem(e, "a word");
}

/* What lies in others that were not taken apart can't be known to be missing. */
static bool all_seen(const struct guest_image *g)
{
	static const char *const holders[] = { "LVM2_member", "crypto_LUKS", "linux_raid_member" };

	for (size_t i = 0; i < g->volumes.count; i++)
		for (size_t h = 0; g->id[i].type && h < 3; h++)
			if (!strcmp(g->id[i].type, holders[h]) && !g->volumes.volume[i].pool)
				return false;
	return true;
}

static bool is_missing(const struct names *s, const char *value)
{
	static const char *const tags[] = { "UUID=", "LABEL=", "PARTUUID=", "PARTLABEL=",
		"/dev/disk/by-uuid/", "/dev/disk/by-label/", "/dev/disk/by-partuuid/",
		"/dev/disk/by-partlabel/" };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		if (!strncmp(value, tags[i], strlen(tags[i])))
			return linux_volume_of(s->g, value) == SIZE_MAX && all_seen(s->g);
	return linux_name_is_unstable(value) && linux_names_volume(s, value) == SIZE_MAX;
}

static int word_report(
	struct names *s, const struct resume_word *w, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "resume-missing",
		.severity = SEVERITY_WARNING,
		.fixable = !s->file->frozen,
		.path = s->file->path,
		.fix = "hvimg inject takes it out" };

	return finding_add(r, &f, e,
		"line %llu of %s resumes from %s, which no volume is: each start would wait for it",
		(unsigned long long)w->line, s->file->path, w->value);
}

/* A setting of its own becomes "none"; a word of a command line goes with one space. */
static int word_drop(struct buffer *out, const char *text, const char **copied,
	const struct resume_word *w, struct error *e)
{
	const char *end = w->word + w->len;
	const char *start = w->word;
	const bool setting = !strncmp(start, "RESUME=", 7) && (start == text || start[-1] == '\n');
	int rc;

	if (setting) {
		rc = buffer_append(out, *copied, (size_t)(start - *copied) + 7, e);
		*copied = end;
		return rc ? rc : buffer_string(out, "none", e);
	}
	if (start > *copied && start[-1] == ' ')
		start--;
	else if (*end == ' ')
		end++;
	rc = buffer_append(out, *copied, (size_t)(start - *copied), e);
	*copied = end;
	return rc;
}

/* With a report the words are told of, otherwise taken out. */
static int text_each(struct names *s, const char *text, struct report *r, struct buffer *out,
	bool *dropped, struct error *e)
{
	const char *copied = text, *at = text;
	int rc = 0;

	while (!rc) {
		struct resume_word w;

		rc = word_next(text, at, &w, e);
		if (rc || !w.word)
			break;
		at = w.word + w.len;
		if (is_missing(s, w.value) && r)
			rc = word_report(s, &w, r, e);
		else if (is_missing(s, w.value)) {
			*dropped = true;
			rc = word_drop(out, text, &copied, &w, e);
		}
		free(w.value);
	}
	return !rc && *dropped ? buffer_string(out, copied, e) : rc;
}

static int file_each(struct names *s, struct report *r, struct error *e)
{
	struct buffer text = { 0 }, out = { 0 };
	bool dropped = false;
	int rc = linux_name_file_read(s->file, &text, e);

	if (!rc)
		rc = text_each(s, buffer_text(&text), r, &out, &dropped, e);
	if (!rc && dropped && !s->file->frozen)
		rc = linux_name_file_write(s->file, &out,
			"no waiting for a place to resume from that is not there", e);
	buffer_free(&out);
	buffer_free(&text);
	return rc;
}

static int resume_each(struct guest_image *g, struct report *r, struct error *e)
{
	struct names s;
	int rc = linux_names_open(g, &s, e);

	if (rc)
		return rc;
	for (size_t i = 0; i < s.files.count && !rc; i++) {
		s.file = &s.files.file[i];
		if (s.file->syntax == WORDS || s.file->syntax == SETTINGS)
			rc = file_each(&s, r, e);
	}
	linux_names_close(&s);
	return rc;
}

int linux_resume_check(struct guest_image *g, struct report *r, struct error *e)
{
	return resume_each(g, r, e);
}

int linux_resume_apply(struct guest_image *g, struct error *e)
{
	return resume_each(g, NULL, e);
}
