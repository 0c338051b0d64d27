/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What keeps a driver whose files are there from being started. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/windows_enable.h"

enum { START_BOOT = 0, START_DISABLED = 4, FIRST_VISTA = 6000, FIRST_WITH_DATABASE = 9200 };

static const char *const start_names[] = { "at boot", "by the system", "by itself", "on demand" };

struct finding_text enable_fixable(const struct enable_driver *s, const char *code)
{
	return (struct finding_text){ .code = code,
		.severity = enable_severity(s),
		.fixable = true,
		.fix = "hvimg inject sets it right" };
}

int enable_devices(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	const bool boot = s->d->start == START_BOOT;

	if (p->build < FIRST_WITH_DATABASE)
		return boot ? enable_critical(p, s, e) : 0;
	/* It is one for all control sets. */
	if (!s->current)
		return 0;
	if (target_driver_is_inbox(s->d, p->build))
		return enable_database(p, s, e);
	return boot ? enable_known(p, s, e) : 0;
}

static int start_set(
	struct enable_plan *p, const struct enable_driver *s, uint32_t now, struct error *e)
{
	const bool disabled = now == START_DISABLED;
	const struct finding_text f = enable_fixable(
		s, disabled ? "driver-disabled" : "driver-start");
	const char *wanted = start_names[s->d->start];
	char why[ENABLE_KEY_SIZE];
	int rc;

	if (now < START_DISABLED)
		rc = enable_tell(p, &f, s->d->service, e,
			"%s: driver %s is started %s (Start %u), where it has to be started %s",
			s->set, s->d->service, start_names[now], now, wanted);
	else
		rc = enable_tell(p, &f, s->d->service, e,
			"%s: driver %s is %s, where it has to be started %s", s->set, s->d->service,
			disabled ? "disabled (Start 4)" : "never started", wanted);
	if (!rc)
		rc = enable_key(why, e, "%s starts %s, for %s", s->d->service, wanted, p->t->name);
	if (!rc && disabled)
		rc = enable_key(why, e, "%s was disabled (Start 4); %s has it start %s",
			s->d->service, p->t->name, wanted);
	return rc ? rc : step_number(p, s->key, "Start", s->d->start, why, e);
}

/* Windows 7 has its demand drivers with a path that only a running kernel understands. */
static int image_set(struct enable_plan *p, const struct enable_driver *s, struct error *e)
{
	static const char prefix[] = "\\SystemRoot\\";
	struct finding_text f = enable_fixable(s, "driver-start");
	char *image = NULL, text[ENABLE_KEY_SIZE];
	int rc = windows_text(p->h, s->key, "ImagePath", &image, e);

	if (!rc && image && !strncasecmp(image, prefix, sizeof(prefix) - 1)) {
		f.severity = SEVERITY_INFO;
		rc = enable_tell(p, &f, s->d->service, e,
			"%s: driver %s has a path that boot drivers do not have (%s)", s->set,
			s->d->service, image);
		if (!rc)
			rc = enable_key(text, e, "system32\\drivers\\%s", s->d->file);
		if (!rc)
			rc = step_text(p, ENABLE_PATH, s->key, "ImagePath", text,
				"as boot drivers have it", e);
	}
	free(image);
	return rc;
}

static int override_remove(
	struct enable_plan *p, const struct enable_driver *s, const char *key, struct error *e)
{
	const struct finding_text f = enable_fixable(s, "driver-override");
	int rc = enable_tell(p, &f, s->d->service, e,
		"%s: driver %s has a StartOverride, which keeps it from being started on some "
		"hardware",
		s->set, s->d->service);

	return rc ? rc
		  : step_remove(p, key, NULL, "it keeps the driver from being started at boot", e);
}

int enable_start(struct enable_plan *p, const struct enable_driver *s, uint32_t now,
	const char *override, struct error *e)
{
	const bool boot = s->d->start == START_BOOT;
	int rc = 0;

	if (s->d->start != TARGET_AS_FOUND && now > s->d->start)
		rc = start_set(p, s, now, e);
	if (!rc && hive_has_key(p->h, override))
		rc = override_remove(p, s, override, e);
	if (!rc && boot && p->build >= FIRST_VISTA && p->build < FIRST_WITH_DATABASE &&
		target_driver_is_inbox(s->d, p->build))
		rc = image_set(p, s, e);
	return rc ? rc : enable_devices(p, s, e);
}
