/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Services that a hypervisor works with.  One that is installed and not started is enabled with the
 * links that "systemctl enable" would make; one that is not installed is only told of, and a masked
 * one was switched off on purpose.
 */
#include <string.h>

#include "guest/linux.h"
#include "guest/linux_unit.h"

/* Units that one brings along by Also=, and theirs. */
enum { ALSO_LIMIT = 16 };

/* The unit that is the service here: one that starts before a disabled, that before a masked. */
static int service_unit(
	struct tree *t, const struct target_service *s, struct unit *out, struct error *e)
{
	struct unit best = { 0 };
	int rc = 0;

	for (size_t i = 0; i < s->units.count && !rc; i++) {
		struct unit u;

		rc = unit_load(t, s->units.item[i], &u, e);
		if (!rc && u.state > best.state) {
			unit_free(&best);
			best = u;
		} else if (!rc)
			unit_free(&u);
	}
	if (rc) {
		unit_free(&best);
		return rc;
	}
	*out = best;
	return 0;
}

static int missing_report(const struct target_service *s, struct report *r, struct error *e)
{
	struct buffer fix = { 0 };
	int rc = buffer_string(&fix, "install the package that brings it, which is ", e);

	for (size_t i = 0; i < s->packages.count && !rc; i++)
		rc = buffer_format(&fix, e, "%s%s",
			!i                                  ? ""
				: i + 1 < s->packages.count ? ", "
							    : " or ",
			s->packages.item[i]);
	if (!rc) {
		const struct finding_text f = { .code = "service-missing",
			.severity = SEVERITY_INFO,
			.fix = buffer_text(&fix) };

		rc = finding_add(r, &f, e, "the service %s is not installed", s->name);
	}
	buffer_free(&fix);
	return rc;
}

static int disabled_report(
	const struct target_service *s, const struct unit *u, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "service-disabled",
		.severity = SEVERITY_WARNING,
		.fixable = !u->unclear,
		.path = u->path,
		.fix = u->unclear ? "enable it inside the guest" : "hvimg inject enables it" };

	return finding_add(
		r, &f, e, "the service %s (%s) is installed, but not started", s->name, u->name);
}

static int masked_report(
	const struct target_service *s, const struct unit *u, struct report *r, struct error *e)
{
	struct buffer fix = { 0 };
	int rc = buffer_format(&fix, e, "\"systemctl unmask %s\" inside the guest", u->name);
	const struct finding_text f = {
		.code = "service-masked", .severity = SEVERITY_INFO, .fix = buffer_text(&fix)
	};

	if (!rc)
		rc = finding_add(r, &f, e, "the service %s (%s) is masked", s->name, u->name);
	buffer_free(&fix);
	return rc;
}

static int service_check(
	struct tree *t, const struct target_service *s, struct report *r, struct error *e)
{
	struct unit u;
	int rc = service_unit(t, s, &u, e);

	if (rc)
		return rc;
	switch (u.state) {
	case UNIT_MISSING:
		rc = missing_report(s, r, e);
		break;
	case UNIT_MASKED:
		rc = masked_report(s, &u, r, e);
		break;
	case UNIT_DISABLED:
		rc = disabled_report(s, &u, r, e);
		break;
	case UNIT_STARTED:
		break;
	}
	unit_free(&u);
	return rc;
}

int linux_service_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < t->service_count && !rc && unit_system(g->tree); i++)
		rc = service_check(g->tree, &t->service[i], r, e);
	return rc;
}

static int links_put(struct guest_image *g, const struct unit *u, struct error *e)
{
	struct tree_put put = { .why = "a service of the hypervisor is started" };
	int rc = 0;

	for (size_t i = 0; i < u->links.count && !rc; i++) {
		const char *link = u->links.item[i];
		struct fs_stat st;

		/* Whatever is there has been put there by somebody. */
		if (!tree_stat(g->tree, link, TREE_NOFOLLOW, &st, NULL))
			continue;
		rc = linux_file_time(g, link, &put.mtime, e);
		if (!rc)
			rc = tree_put_link(g->tree, link, u->path, &put, e);
		if (rc)
			error_prefix(e, "%s", link);
	}
	return rc;
}

static int enable(struct guest_image *g, struct unit *first, struct error *e)
{
	struct strings wanted = { 0 };
	int rc = strings_add(&wanted, first->name, e);

	for (size_t i = 0; i < wanted.count && i < ALSO_LIMIT && !rc; i++) {
		struct unit u;

		rc = unit_load(g->tree, wanted.item[i], &u, e);
		if (rc)
			break;
		if (u.state == UNIT_DISABLED && !u.unclear)
			rc = links_put(g, &u, e);
		for (size_t k = 0; k < u.also.count && !rc; k++)
			rc = strings_add_new(&wanted, u.also.item[k], e);
		unit_free(&u);
	}
	strings_free(&wanted);
	return rc;
}

static int service_apply(struct guest_image *g, const struct target_service *s, struct error *e)
{
	struct unit u;
	int rc = service_unit(g->tree, s, &u, e);

	if (rc)
		return rc;
	if (u.state == UNIT_DISABLED && !u.unclear)
		rc = enable(g, &u, e);
	unit_free(&u);
	return rc;
}

int linux_service_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	int rc = 0;

	if (!unit_system(g->tree))
		return 0;
	for (size_t t = 0; t < targets->count; t++)
		for (size_t i = 0; i < targets->target[t].service_count && !rc; i++)
			rc = service_apply(g, &targets->target[t].service[i], e);
	return rc;
}
