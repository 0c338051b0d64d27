/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files that the chosen INF files name. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "guest/driver_private.h"
#include "guest/inf_private.h"

/* A file to be found: where, and for which package. */
struct want {
	char *place, *target; /* lower case; `target` is the name that has its bytes */
	size_t candidate, order;
	char *spelled; /* its path beside the INF, once it is seen */
	struct buffer bytes;
	bool read;
};

struct collect {
	struct driver_load *load;
	const struct driver_aliases *aliases;
	struct want *want; /* sorted by target once complete */
	size_t count;
};

static void want_free(struct want *w)
{
	free(w->place);
	free(w->target);
	free(w->spelled);
	buffer_free(&w->bytes);
}

static int want_add(struct collect *c, size_t candidate, const char *path, struct error *e)
{
	const struct driver_candidate *from = &c->load->candidate[candidate];
	struct buffer place = { 0 };
	struct want w = { .candidate = candidate, .order = c->count };
	int rc = inf_grow((void **)&c->want, c->count, sizeof(*c->want), e);

	if (!rc)
		rc = buffer_format(&place, e, "%.*s%s", (int)from->folder, from->place, path);
	if (!rc) {
		w.place = driver_lower(buffer_text(&place));
		w.target = w.place ? strdup(driver_alias_target(c->aliases, w.place)) : NULL;
		if (!w.target)
			rc = error_nomem(e, "driver packages");
	}
	buffer_free(&place);
	if (rc)
		want_free(&w);
	else
		c->want[c->count++] = w;
	return rc;
}

static int inf_wants(struct collect *c, size_t candidate, struct error *e)
{
	const struct inf *inf = &c->load->candidate[candidate].package.inf;
	int rc = inf->catalog ? want_add(c, candidate, inf->catalog, e) : 0;

	for (size_t i = 0; !rc && i < inf->sources.count; i++)
		rc = want_add(c, candidate, inf->sources.item[i], e);
	for (size_t i = 0; !rc && i < inf->device_count; i++)
		for (size_t k = 0; !rc && k < inf->device[i].file_count; k++)
			rc = want_add(c, candidate, inf->device[i].file[k].source, e);
	return rc;
}

static int want_compare(const void *a, const void *b)
{
	const struct want *x = a, *y = b;
	int rc = strcmp(x->target, y->target);

	if (!rc)
		rc = strcmp(x->place, y->place);
	if (!rc)
		rc = (x->candidate > y->candidate) - (x->candidate < y->candidate);
	return rc ? rc : (x->order > y->order) - (x->order < y->order);
}

/* Devices of an INF share files. */
static void wants_sort(struct collect *c)
{
	size_t kept = 0;

	if (c->count)
		qsort(c->want, c->count, sizeof(*c->want), want_compare);
	for (size_t i = 0; i < c->count; i++) {
		const struct want *last = kept ? &c->want[kept - 1] : NULL;

		if (last && last->candidate == c->want[i].candidate &&
			!strcmp(last->place, c->want[i].place))
			want_free(&c->want[i]);
		else
			c->want[kept++] = c->want[i];
	}
	c->count = kept;
}

/* The first that wants what is at `target`. */
static size_t want_from(const struct collect *c, const char *target)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (strcmp(c->want[middle].target, target) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int bytes_take(
	struct collect *c, struct want *w, const struct buffer *bytes, struct error *e)
{
	c->load->held += bytes->len;
	if (c->load->held > DRIVER_FILES_MAX)
		return error_set(e, ERR_RANGE, "drivers of more than %d bytes", DRIVER_FILES_MAX);
	w->read = true;
	return buffer_append(&w->bytes, bytes->data, bytes->len, e);
}

/* A name without bytes says how the file is spelled, and another one may come with what it holds.
 */
static int target_visit(struct collect *c, struct medium_file *m, const char *place,
	const char *target, struct error *e)
{
	struct buffer bytes = { 0 };
	const size_t from = want_from(c, target);
	int rc = 0;

	for (size_t i = from; !rc && i < c->count && !strcmp(c->want[i].target, target); i++) {
		struct want *w = &c->want[i];

		if (!w->spelled && !strcmp(w->place, place))
			rc = inf_copy(
				&w->spelled, m->place + c->load->candidate[w->candidate].folder, e);
	}
	if (!rc && from < c->count && !strcmp(c->want[from].target, target) && !c->want[from].read)
		rc = medium_file_read(m, DRIVER_FILE_MAX, &bytes, e);
	if (!rc && bytes.len)
		for (size_t i = from; !rc && i < c->count && !strcmp(c->want[i].target, target);
			i++)
			if (!c->want[i].read)
				rc = bytes_take(c, &c->want[i], &bytes, e);
	buffer_free(&bytes);
	return rc;
}

static int collect_visit(void *arg, struct medium_file *m, struct error *e)
{
	struct collect *c = arg;
	char *place = driver_lower(m->place);
	int rc;

	if (!place)
		return error_nomem(e, "driver packages");
	rc = target_visit(c, m, place, driver_alias_target(c->aliases, place), e);
	free(place);
	return rc;
}

/* Of an INF given by itself, what is beside it on the host. */
static int beside_collect(struct collect *c, const char *inf, struct error *e)
{
	const char *slash = strrchr(inf, '/');
	const size_t len = slash && slash != inf ? (size_t)(slash - inf) : 1;
	char *folder = slash ? strndup(inf, len) : strdup(".");
	int rc = folder ? 0 : error_nomem(e, "driver packages");

	for (size_t i = 0; !rc && i < c->count; i++) {
		struct want *w = &c->want[i];
		struct medium_file m = { .place = w->place, .path = w->place };
		char *path = NULL;

		rc = medium_beside(folder, w->place, &path, e);
		m.host = path;
		if (!rc && path) {
			rc = inf_copy(&w->spelled, path + strlen(folder) + 1, e);
			if (!rc)
				rc = target_visit(c, &m, w->place, w->target, e);
		}
		free(path);
	}
	free(folder);
	return rc;
}

static int file_compare(const void *a, const void *b)
{
	return strcasecmp(
		((const struct driver_file *)a)->path, ((const struct driver_file *)b)->path);
}

static int files_give(struct collect *c, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < c->count; i++) {
		struct want *w = &c->want[i];
		struct driver_package *p = &c->load->candidate[w->candidate].package;

		if (!w->spelled)
			continue;
		rc = inf_grow((void **)&p->file, p->file_count, sizeof(*p->file), e);
		if (rc)
			break;
		p->file[p->file_count++] = (struct driver_file){ w->spelled, w->bytes };
		w->spelled = NULL;
		w->bytes = (struct buffer){ 0 };
	}
	return rc;
}

static int wants_read(struct collect *c, const char *path, struct error *e)
{
	struct stat st;

	wants_sort(c);
	if (stat(path, &st))
		return error_set(e, ERR_IO, "%s is gone", path);
	return driver_is_inf(path) && !S_ISDIR(st.st_mode) ? beside_collect(c, path, e)
							   : medium_walk(path, collect_visit, c, e);
}

int driver_collect(struct driver_load *l, size_t path, struct error *e)
{
	struct collect c = { .load = l, .aliases = &l->aliases[path] };
	const char *top = l->paths->item[path];
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < l->count; i++)
		any = any || (l->candidate[i].path == path && !l->candidate[i].dropped);
	if (!any)
		return 0;
	for (size_t i = 0; !rc && i < l->count; i++)
		if (l->candidate[i].path == path && !l->candidate[i].dropped)
			rc = inf_wants(&c, i, e);
	if (!rc)
		rc = wants_read(&c, top, e);
	if (!rc)
		rc = files_give(&c, e);
	for (size_t i = 0; i < l->count; i++)
		if (l->candidate[i].path == path && l->candidate[i].package.file_count)
			qsort(l->candidate[i].package.file, l->candidate[i].package.file_count,
				sizeof(struct driver_file), file_compare);
	for (size_t i = 0; i < c.count; i++)
		want_free(&c.want[i]);
	free(c.want);
	return rc;
}

const struct driver_file *driver_file_find(const struct driver_package *p, const char *path)
{
	const struct driver_file key = { .path = (char *)(uintptr_t)path };

	return p->file_count ? bsearch(&key, p->file, p->file_count, sizeof(*p->file), file_compare)
			     : NULL;
}

int driver_complete(const struct driver_package *p, struct error *e)
{
	for (size_t i = 0; i < p->inf.device_count; i++)
		for (size_t k = 0; k < p->inf.device[i].file_count; k++)
			if (!driver_file_find(p, p->inf.device[i].file[k].source))
				return error_set(e, ERR_NOTREADY, "%s: its file %s is not there",
					p->origin, p->inf.device[i].file[k].source);
	return 0;
}
