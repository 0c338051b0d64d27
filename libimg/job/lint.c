/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/lint.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/strings.h"
#include "cloud/lint.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "job/unpacked.h"

enum { BODY_LIMIT = 1 << 20 };

struct linting {
	const struct lint_job *job;
	struct lint_rules rules;
	struct report *out;
	char *image; /* path, NULL: none */
};

static int note(struct linting *t, const char *code, enum severity severity, const char *text,
	const char *fix, struct error *e)
{
	/* report_add copies. */
	struct finding f = {
		.code = (char *)(uintptr_t)code,
		.severity = severity,
		.text = (char *)(uintptr_t)text,
		.fix = (char *)(uintptr_t)fix,
	};

	return report_add(t->out, &f, e);
}

static int read_text(const char *path, struct buffer *text, struct error *e)
{
	struct disk *file;
	int rc = host_file_open(path, &file, e);

	if (rc)
		return error_prefix(e, "%s", path);
	if (file->size > BODY_LIMIT)
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s: neither a bundle's folder or tar nor a description", path);
	if (!rc)
		rc = buffer_zeros(text, (size_t)file->size, e);
	if (!rc && text->len)
		rc = disk_read(file, 0, text->data, text->len, e);
	disk_close(file);
	return rc;
}

/* Whether it can be meant for a description at all. */
static bool looks_like_json(const char *path, const struct buffer *text)
{
	const char *dot = strrchr(path, '.');
	size_t at = 0;

	while (at < text->len && strchr(" \t\r\n", text->data[at]))
		at++;
	return (at < text->len && text->data[at] == '{') || (dot && !strcasecmp(dot, ".json"));
}

/* *out NULL: what is wrong is a finding. */
static int load_body(struct linting *t, const char *path, json_t **out, struct error *e)
{
	struct buffer text = { 0 };
	json_error_t fault;
	char line[512];
	int rc = read_text(path, &text, e);

	*out = NULL;
	if (!rc && !looks_like_json(path, &text))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s: neither a bundle's folder or tar nor a description in JSON", path);
	if (!rc)
		*out = json_loadb(buffer_text(&text), text.len, JSON_REJECT_DUPLICATES, &fault);
	if (!rc && !*out) {
		snprintf(line, sizeof(line), "%.200s: line %d: %.200s", path, fault.line,
			fault.text);
		rc = note(t, "body-shape", SEVERITY_ERROR, line, NULL, e);
	}
	buffer_free(&text);
	return rc;
}

/* What cannot be opened is a finding as well, unless it is the host's fault. */
static int lint_opened(struct linting *t, const json_t *body, struct disk *file, struct error *e)
{
	struct lint_file f = { .file = file };
	struct image_info info = { 0 };
	struct error why = { 0 };
	struct disk *d = NULL;
	int rc = image_open(t->image, NULL, &d, &f.format, &why);

	if (!rc) {
		rc = f.format->info(d, &info, e);
		f.info = &info;
		f.virtual_size = d->size;
		f.logical_sector = d->logical_sector;
	} else {
		rc = error_of_host(&why, e);
		f.format = NULL;
		f.why = &why;
	}
	if (!rc)
		rc = lint_file(body, &f, &t->rules, t->out, e);
	image_info_free(&info);
	disk_close(d);
	return rc;
}

/* Says of which description the findings from the one numbered `first` on are. */
static int name_findings(struct linting *t, size_t first, const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = first; i < t->out->count; i++) {
		struct finding *f = &t->out->finding[i];

		if (f->path)
			continue;
		f->path = strdup(slash ? slash + 1 : path);
		if (!f->path)
			return error_nomem(e, "a finding");
	}
	return 0;
}

static int lint_one(struct linting *t, const char *path, struct error *e)
{
	size_t first = t->out->count;
	struct disk *file = NULL;
	json_t *body;
	int rc = load_body(t, path, &body, e);

	if (rc || !body)
		return rc;
	rc = lint_body(body, &t->rules, t->out, e);
	if (!rc && t->image && json_is_object(body)) {
		rc = host_file_open(t->image, &file, e);
		if (!rc)
			rc = lint_opened(t, body, file, e);
		if (rc)
			error_prefix(e, "%s", t->image);
	}
	disk_close(file);
	json_decref(body);
	return rc ? rc : name_findings(t, first, path, e);
}

/* "image.json", or one for each target: "image-NAME.json". */
static bool is_description(const char *name)
{
	size_t len = strlen(name);

	return !strcmp(name, "image.json") ||
		(len > 11 && !strncmp(name, "image-", 6) && !strcmp(name + len - 5, ".json"));
}

static int find_descriptions(const char *folder, struct strings *out, struct error *e)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int rc = 0;

	if (!dir)
		return error_errno(e, errno, "%s: cannot be listed", folder);
	while (!rc && (entry = readdir(dir)))
		if (is_description(entry->d_name))
			rc = strings_add(out, entry->d_name, e);
	closedir(dir);
	strings_sort(out);
	return rc;
}

static int join(const char *folder, const char *name, char **out, struct error *e)
{
	if (asprintf(out, "%s/%s", folder, name) >= 0)
		return 0;
	*out = NULL;
	return error_nomem(e, "a path");
}

/* The image of one description: that after which it is named, where a bundle holds several, else
 * the only one. */
static int choose_image(
	struct linting *t, const char *description, const char *found, struct error *e)
{
	const char *folder = t->job->what;
	size_t len = strlen(description);
	struct stat st;
	int rc = 0;

	free(t->image);
	t->image = NULL;
	if (len > 11) {
		rc = join(folder, description + 6, &t->image, e);
		if (rc)
			return rc;
		t->image[strlen(t->image) - 5] = 0;
		if (!stat(t->image, &st) && S_ISREG(st.st_mode))
			return 0;
		free(t->image);
		t->image = NULL;
	}
	if (found)
		return join(folder, found, &t->image, e);
	return note(t, "image-missing", SEVERITY_ERROR,
		"the digest files do not say which file of the bundle is the image",
		"name the image after the bundle", e);
}

static int lint_description(struct linting *t, const char *name, const char *found, struct error *e)
{
	char *path = NULL;
	int rc = t->job->image ? 0 : choose_image(t, name, found, e);

	if (!rc)
		rc = join(t->job->what, name, &path, e);
	if (!rc)
		rc = lint_one(t, path, e);
	free(path);
	return rc;
}

static int lint_bundle(struct linting *t, struct error *e)
{
	struct strings names = { 0 };
	char *found = NULL;
	int rc = lint_sums(t->job->what, !t->job->no_digests, &found, t->out, e);

	if (!rc)
		rc = find_descriptions(t->job->what, &names, e);
	if (!rc && !names.count)
		rc = note(t, "body-missing", SEVERITY_ERROR, "the bundle has no image.json",
			"package it anew", e);
	for (size_t i = 0; !rc && i < names.count; i++)
		rc = lint_description(t, names.item[i], found, e);
	strings_free(&names);
	free(found);
	return rc;
}

static int lint_tar(struct linting *t, struct error *e)
{
	const struct lint_job *whole = t->job;
	struct lint_job job = *whole;
	struct unpacked bundle;
	int rc = unpacked_open(job.what, job.tmpdir, job.stop, job.stop_arg, &bundle, e);

	job.what = bundle.folder;
	t->job = &job;
	if (!rc)
		rc = lint_bundle(t, e);
	t->job = whole;
	unpacked_close(&bundle);
	return rc;
}

int job_lint(const struct lint_job *j, struct report *out, struct error *e)
{
	struct linting t = {
		.job = j,
		.rules = { .glance = j->glance, .known = j->known },
		.out = out,
	};
	struct stat st;
	int rc;

	if (stat(j->what, &st))
		return error_errno(e, errno, "%s", j->what);
	if (j->image) {
		t.image = strdup(j->image);
		if (!t.image)
			return error_nomem(e, "a path");
	}
	if (S_ISDIR(st.st_mode))
		rc = lint_bundle(&t, e);
	else if (unpacked_is_wanted(j->what))
		rc = lint_tar(&t, e);
	else
		rc = lint_one(&t, j->what, e);
	free(t.image);
	return rc;
}
