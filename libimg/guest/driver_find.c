/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a path of the host has for one Windows. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/driver_private.h"
#include "guest/inf_private.h"

enum { OTHERS_TOLD = 6 };

/* An INF as it is found; one that is another name has no bytes of its own. */
struct found {
	char *place;
	size_t path; /* where in `place` its archive's path begins */
	struct buffer bytes;
};

struct find {
	struct driver_load *load;
	size_t path; /* its number among those given */
	const char *top; /* the path of the host */
	struct found *found;
	size_t count;
	uint64_t bytes;
	bool whole; /* given itself, or all there is in a folder */
	size_t taken;
	struct strings others; /* what it has instead, and why that is not taken */
};

bool driver_is_inf(const char *path)
{
	const size_t len = strlen(path);

	return len > 4 && !strcasecmp(path + len - 4, ".inf");
}

static struct driver_aliases *aliases(const struct find *f)
{
	return &f->load->aliases[f->path];
}

static int other_note(struct find *f, const char *what, const char *why, struct error *e)
{
	struct buffer text = { 0 };
	int rc;

	if (f->others.count > OTHERS_TOLD)
		return 0;
	if (f->others.count == OTHERS_TOLD)
		return strings_add(&f->others, "and others", e);
	rc = buffer_format(&text, e, "%.120s (%.200s)", what, why);
	if (!rc)
		rc = strings_add(&f->others, buffer_text(&text), e);
	buffer_free(&text);
	return rc;
}

static int inf_keep(struct find *f, struct medium_file *m, struct error *e)
{
	struct found *found;
	int rc = inf_grow((void **)&f->found, f->count, sizeof(*f->found), e);

	if (rc)
		return rc;
	if (++f->load->infs > INFS_MAX)
		return error_set(e, ERR_RANGE,
			"%s: more than %d INF files; give a folder with fewer", f->top, INFS_MAX);
	found = &f->found[f->count++];
	*found = (struct found){ .place = strdup(m->place), .path = (size_t)(m->path - m->place) };
	if (!found->place)
		return error_nomem(e, "an INF");
	rc = medium_file_read(m, INF_LIMIT, &found->bytes, e);
	f->bytes += found->bytes.len;
	if (!rc && f->bytes > INF_BYTES_MAX)
		rc = error_set(
			e, ERR_RANGE, "%s: INF files of more than %d bytes", f->top, INF_BYTES_MAX);
	return rc;
}

static int servicing_visit(struct find *f, struct medium_file *m, struct error *e)
{
	struct buffer origin = { 0 };
	char *why = NULL;
	int rc = strcmp(f->top, m->host ? m->host : "")
		? buffer_format(&origin, e, "%s: %s", f->top, m->place)
		: buffer_string(&origin, f->top, e);

	if (!rc)
		rc = driver_servicing_add(f->load, buffer_text(&origin), m, &why, e);
	f->taken += !rc && !why;
	if (!rc && why)
		rc = other_note(f, m->place, why, e);
	free(why);
	buffer_free(&origin);
	return rc;
}

static int find_visit(void *arg, struct medium_file *m, struct error *e)
{
	struct find *f = arg;
	int rc = driver_alias_note(aliases(f), m, e);

	if (rc || m->servicing)
		return rc ? rc : servicing_visit(f, m, e);
	return driver_is_inf(m->path) ? inf_keep(f, m, e) : 0;
}

/* Of a link the bytes may have come with any of its names. */
static int found_bytes(
	const struct find *f, const struct found *found, const struct buffer **out, struct error *e)
{
	char *own = driver_lower(found->place);
	const char *target = own ? driver_alias_target(aliases(f), own) : NULL;
	int rc = own ? 0 : error_nomem(e, "a name");

	*out = &found->bytes;
	for (size_t i = 0; !rc && aliases(f)->count && !(*out)->len && i < f->count; i++) {
		char *other = driver_lower(f->found[i].place);

		if (!other)
			rc = error_nomem(e, "a name");
		else if (!strcmp(driver_alias_target(aliases(f), other), target))
			*out = &f->found[i].bytes;
		free(other);
	}
	free(own);
	return rc;
}

static bool is_wanted(const struct inf *inf, const struct strings *devices)
{
	if (!devices || !devices->count)
		return true;
	for (size_t i = 0; i < inf->device_count; i++)
		for (size_t k = 0; k < devices->count; k++)
			if (inf_device_matches(&inf->device[i], devices->item[k]))
				return true;
	return false;
}

static int origin_make(const struct find *f, struct driver_candidate *c, struct error *e)
{
	struct buffer text = { 0 };
	const char *slash = strrchr(f->top, '/');
	const bool itself = !strcmp(c->place, slash ? slash + 1 : f->top);
	int rc = itself ? buffer_string(&text, f->top, e)
			: buffer_format(&text, e, "%s: %s", f->top, c->place);

	if (!rc && c->windows.fit == FOLDER_OLDER)
		rc = buffer_format(&text, e, " (folder %s, for an older Windows)", c->windows.name);
	if (!rc)
		rc = inf_copy(&c->package.origin, buffer_text(&text), e);
	buffer_free(&text);
	return rc;
}

static int candidate_names(const struct find *f, struct driver_candidate *c,
	const struct found *found, struct error *e)
{
	const char *path = found->place + found->path, *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int rc = inf_copy(&c->place, found->place, e);

	c->folder = (size_t)(name - found->place);
	if (!rc)
		rc = inf_copy(&c->package.inf_name, name, e);
	if (!rc)
		rc = inf_copy(&c->package.directory, path, e);
	if (!rc)
		c->package.directory[slash ? slash - path : 0] = 0;
	return rc ? rc : origin_make(f, c, e);
}

static int candidate_add(struct find *f, const struct found *found, const struct buffer *bytes,
	struct driver_candidate *c, struct error *e)
{
	struct driver_load *l = f->load;
	int rc = inf_grow((void **)&l->candidate, l->count, sizeof(*l->candidate), e);

	if (!rc)
		rc = candidate_names(f, c, found, e);
	if (!rc)
		rc = buffer_append(&c->package.inf_bytes, bytes->data, bytes->len, e);
	if (rc)
		return rc;
	c->path = f->path;
	c->package.exact = f->whole;
	l->held += bytes->len;
	l->candidate[l->count++] = *c;
	*c = (struct driver_candidate){ 0 };
	f->taken++;
	return 0;
}

/* What a medium's INF that can't be read means: nothing for one that is for another Windows. */
static int unread(struct find *f, const char *place, const struct error *why, struct error *e)
{
	struct buffer text = { 0 };
	int rc = error_of_host(why, e);

	if (rc)
		return rc;
	if (f->whole)
		return error_set(e,
			why->code == ERR_UNSUPPORTED ? ERR_NOTREADY : (enum error_code)why->code,
			"%s: %s", f->top, why->text);
	rc = other_note(f, place, why->text, e);
	if (!rc && why->code != ERR_UNSUPPORTED)
		rc = buffer_format(&text, e, "%s: %s: %s", f->top, place, why->text);
	if (!rc && text.len)
		rc = strings_add(&f->load->out->passed_over, buffer_text(&text), e);
	buffer_free(&text);
	return rc;
}

static int inf_consider(struct find *f, const struct found *found, struct error *e)
{
	struct driver_load *l = f->load;
	const struct buffer *bytes;
	const char *path = found->place + found->path;
	struct driver_candidate c = { 0 };
	struct error why = { 0 };
	int rc;

	if (l->work > driver_inf_work_max)
		return error_set(e, ERR_RANGE,
			"%s: more INF files, or longer ones, than hvimg reads; give a folder with "
			"fewer",
			f->top);
	c.windows = f->whole ? (struct driver_folder){ .fit = FOLDER_ANY }
			     : driver_folder_read(path, &l->wish->platform);
	if (!f->whole && driver_is_skipped(path))
		return 0;
	if (c.windows.fit == FOLDER_OTHER)
		return other_note(f, found->place, "its folder is for another Windows", e);
	rc = found_bytes(f, found, &bytes, e);
	if (rc)
		return rc;
	rc = inf_parse_counted(
		bytes->data, bytes->len, &l->wish->platform, &c.package.inf, &l->work, &why);
	if (rc)
		return unread(f, found->place, &why, e);
	if (!f->whole && !is_wanted(&c.package.inf, l->wish->devices))
		rc = other_note(f, found->place, "it is for other devices than those wanted", e);
	else
		rc = candidate_add(f, found, bytes, &c, e);
	driver_package_free(&c.package);
	free(c.place);
	return rc;
}

static int nothing(const struct find *f, struct error *e)
{
	const struct inf_platform *p = &f->load->wish->platform;
	struct buffer text = { 0 };
	int rc = 0;

	if (!f->count && !f->others.count)
		return error_set(e, ERR_USAGE,
			"%s holds no driver package for Windows (.inf), neither as files nor in an "
			"archive or medium (.iso, .cab, .zip, .tar, .rpm); of an .iso the ISO 9660 "
			"tree is read, not UDF",
			f->top);
	for (size_t i = 0; !rc && i < f->others.count; i++)
		rc = buffer_format(&text, e, "%s%s", i ? ", " : "", f->others.item[i]);
	if (!rc)
		rc = error_set(e, ERR_NOTREADY,
			"%s has no driver for %s Windows %u.%u.%u%s; it has %s", f->top,
			inf_arch_name(p->arch), p->major, p->minor, p->build,
			p->product == 1      ? " (a client)"
				: p->product ? " (a server)"
					     : "",
			text.len ? buffer_text(&text) : "only what is to be installed by hand");
	buffer_free(&text);
	return rc;
}

static int all_consider(struct find *f, struct error *e)
{
	struct stat st;
	int rc = 0;

	driver_aliases_sort(aliases(f));
	f->whole = f->count == 1 && !f->taken && !stat(f->top, &st) &&
		(S_ISDIR(st.st_mode) || driver_is_inf(f->top));
	for (size_t i = 0; !rc && i < f->count; i++)
		rc = inf_consider(f, &f->found[i], e);
	if (!rc && !f->taken)
		rc = nothing(f, e);
	return rc;
}

int driver_find(struct driver_load *l, size_t path, struct error *e)
{
	struct find f = { .load = l, .path = path, .top = l->paths->item[path] };
	int rc = medium_walk(f.top, find_visit, &f, e);

	if (!rc)
		rc = all_consider(&f, e);
	for (size_t i = 0; i < f.count; i++) {
		free(f.found[i].place);
		buffer_free(&f.found[i].bytes);
	}
	free(f.found);
	strings_free(&f.others);
	return rc;
}
