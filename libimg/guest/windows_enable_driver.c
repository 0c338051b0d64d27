/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the drivers of a target are started. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable.h"

enum { START_DEMAND = 3, START_NONE = UINT8_MAX };

enum severity enable_severity(const struct enable_driver *s)
{
	if (s->need == NEED_OPTIONAL)
		return SEVERITY_INFO;
	return s->need == NEED_BOOT && s->current ? SEVERITY_ERROR : SEVERITY_WARNING;
}

static struct finding_text fault_text(const struct enable_driver *s, const char *code)
{
	return (struct finding_text){ .code = code, .severity = enable_severity(s) };
}

/* Whether the service could drive its device in that control set, once it is started. */
static int is_installed(
	struct enable_plan *p, const char *set, const char *service, bool *answer, struct error *e)
{
	const struct target_driver *d = target_driver_by_service(p->t, service, p->build);
	struct enable_driver s = { .d = d, .set = set };
	char *fault = NULL;
	int rc;

	*answer = false;
	if (!d)
		return 0;
	rc = enable_key(s.key, e, "%s\\Services\\%s", set, service);
	if (rc || !hive_has_key(p->h, s.key))
		return rc;
	rc = enable_file_fault(p, &s, &fault, e);
	*answer = !rc && !fault;
	free(fault);
	return rc;
}

static int has_alternative(
	struct enable_plan *p, const struct enable_driver *s, bool *answer, struct error *e)
{
	int rc = 0;

	*answer = false;
	for (size_t i = 0; i < s->d->alternatives.count && !rc && !*answer; i++)
		rc = is_installed(p, s->set, s->d->alternatives.item[i], answer, e);
	return rc;
}

/* A driver that is not there, or of which a file is not as it should be. */
static int fault_tell(
	struct enable_plan *p, const struct enable_driver *s, const char *fault, struct error *e)
{
	struct finding_text f = fault_text(s, "driver-file-missing");

	f.fix = "repair Windows where it runs (sfc /scannow)";
	if (target_driver_is_inbox(s->d, p->build))
		return enable_tell(p, &f, s->d->service, e, "driver %s (%s): %s", s->d->service,
			s->d->role, fault);
	f.fix = "give a package with it by --drivers";
	return enable_tell(
		p, &f, s->d->service, e, "driver %s (%s): %s", s->d->service, s->d->role, fault);
}

static int missing_tell(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	struct finding_text f = fault_text(s, "driver-missing");

	f.fix = "give a package with it by --drivers";
	return enable_tell(p, &f, s->d->service, e,
		"this Windows has no driver %s (%s) of its own, and none is installed",
		s->d->service, s->d->role);
}

/* What Windows installs by itself is on its way when its package lies in the guest. */
static int outside_absent(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	const struct finding_text f = { .code = "driver-staged", .severity = SEVERITY_INFO };
	bool staged = false;
	int rc = s->need == NEED_BOOT ? 0 : windows_is_staged(p->g, s->d->file, &staged, e);

	if (rc)
		return rc;
	return staged ? enable_tell(p, &f, s->d->service, e,
				"driver %s (%s) is installed when Windows starts the next time",
				s->d->service, s->d->role)
		      : missing_tell(p, s, e);
}

static int key_make(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	const struct finding_text f = enable_fixable(s, "driver-missing");
	int rc = enable_tell(p, &f, s->d->service, e,
		"%s: service %s has no key, though its driver is there", s->set, s->d->service);

	if (!rc)
		rc = enable_service_make(p, s, e);
	return rc ? rc : enable_devices(p, s, e);
}

/* Windows has the driver, and the service's key is gone. */
static int inbox_absent(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	char *fault = NULL;
	int rc = enable_file_fault(p, s, &fault, e);

	if (!rc && fault)
		rc = s->current ? fault_tell(p, s, fault, e) : 0;
	/* What is started on demand Windows installs when it sees the device. */
	else if (!rc && s->d->start != START_DEMAND && s->d->inf)
		rc = key_make(p, s, e);
	else if (!rc && s->d->start != START_DEMAND && s->current)
		rc = fault_tell(p, s, "the service has no key", e);
	free(fault);
	return rc;
}

static int absent(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	bool other;
	int rc = has_alternative(p, s, &other, e);

	if (rc || other || s->need == NEED_OPTIONAL || !s->d->file)
		return rc;
	if (target_driver_is_inbox(s->d, p->build))
		return inbox_absent(p, s, e);
	return s->current ? outside_absent(p, s, e) : 0;
}

static int set_look(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	char override[ENABLE_KEY_SIZE], *fault = NULL;
	bool other = false;
	uint32_t now;
	int rc = enable_key(override, e, "%s\\StartOverride", s->key);

	if (!rc && !hive_has_key(p->h, s->key))
		return absent(p, s, e);
	if (!rc)
		rc = windows_number(p->h, s->key, "Start", START_NONE, &now, e);
	if (!rc)
		rc = enable_file_fault(p, s, &fault, e);
	/* One that is started and whose file is wrong stops Windows: nothing is lifted then. */
	if (!rc && !fault)
		rc = enable_start(p, s, now, override, e);
	if (!rc && fault)
		rc = has_alternative(p, s, &other, e);
	if (!rc && fault && !other && s->current && s->need != NEED_OPTIONAL)
		rc = fault_tell(p, s, fault, e);
	free(fault);
	return rc;
}

/* One that Windows does not start without, unless another does its work; and that other one. */
static int need_of(struct enable_plan *p, const struct target_driver *d, const char *set,
	enum module_need *out, struct error *e)
{
	bool installed = true;
	int rc = 0;

	*out = d->need;
	for (size_t i = 0; i < p->t->driver_count && !rc; i++) {
		const struct target_driver *other = &p->t->driver[i];

		if (other->need != NEED_BOOT || !target_driver_fits(other, p->build) ||
			!strings_have(&other->alternatives, d->service))
			continue;
		rc = is_installed(p, set, other->service, &installed, e);
		if (!rc && !installed)
			*out = NEED_BOOT;
	}
	return rc;
}

static int driver_look(struct enable_plan *p, const struct target_driver *d, struct error *e)
{
	const struct strings *sets = &windows_of(p->g)->control_sets;
	int rc = 0;

	for (size_t i = 0; i < sets->count && !rc; i++) {
		struct enable_driver s = { .d = d, .set = sets->item[i], .current = i == 0 };
		bool installed;

		rc = need_of(p, d, s.set, &s.need, e);
		/* What is not there stands in for nothing. */
		if (!rc && s.need != d->need) {
			rc = is_installed(p, s.set, d->service, &installed, e);
			s.need = installed ? s.need : d->need;
		}
		if (!rc)
			rc = enable_key(s.key, e, "%s\\Services\\%s", s.set, d->service);
		if (!rc)
			rc = set_look(p, &s, e);
	}
	return rc;
}

int enable_drivers(struct enable_plan *p, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < p->t->driver_count && !rc; i++)
		if (target_driver_fits(&p->t->driver[i], p->build))
			rc = driver_look(p, &p->t->driver[i], e);
	return rc;
}
