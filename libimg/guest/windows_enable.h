/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_ENABLE_H
#define LIBIMG_GUEST_WINDOWS_ENABLE_H

#include "guest/windows.h"

/*
 * What has to change in the registry so that Windows starts on a target with the drivers that it
 * has: found out once, for readiness to tell and for apply to do, so that both agree.
 */

enum { ENABLE_KEY_SIZE = 1200, ENABLE_BYTES = 48 };

enum enable_action {
	ENABLE_NUMBER,
	ENABLE_TEXT, /* SZ */
	ENABLE_PATH, /* EXPAND_SZ */
	ENABLE_BINARY,
	ENABLE_EMPTY, /* no type, no bytes */
	ENABLE_LIST, /* MULTI_SZ */
	ENABLE_MEMBER, /* one more string of a MULTI_SZ, unless it is in it */
	ENABLE_REMOVE, /* a value, or without a name the key */
};

/* One edit. */
struct enable_step {
	enum enable_action action;
	enum windows_hive_name hive;
	char *key, *name;
	uint32_t number;
	char *text;
	uint8_t bytes[ENABLE_BYTES];
	size_t len;
	struct strings list;
	char *why;
};

struct enable_plan {
	struct guest_image *g;
	const struct target *t;
	/* All that are asked for: what one of them needs, another does not switch off. */
	const struct target_list *all;
	struct hive *h; /* SYSTEM */
	uint32_t build;
	struct enable_step *step;
	size_t step_count;
	struct report findings;
	struct strings told; /* what there is a finding of already, in another control set */
};

/* "KEY\..." into a buffer of ENABLE_KEY_SIZE; ERR_RANGE when it is longer. */
int enable_key(char *key, struct error *e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* windows_enable_plan.c: more edits of SYSTEM.  `why` is for the journal. */
int step_number(struct enable_plan *p, const char *key, const char *name, uint32_t value,
	const char *why, struct error *e);
int step_text(struct enable_plan *p, enum enable_action action, const char *key, const char *name,
	const char *text, const char *why, struct error *e);
int step_bytes(struct enable_plan *p, enum enable_action action, const char *key, const char *name,
	const uint8_t *bytes, size_t len, const char *why, struct error *e);
int step_list(struct enable_plan *p, const char *key, const char *name, const struct strings *list,
	const char *why, struct error *e);
/* `name` NULL: the key with all below it. */
int step_remove(
	struct enable_plan *p, const char *key, const char *name, const char *why, struct error *e);
/* Tells it once for what `about` is, however many control sets show it. */
int enable_tell(struct enable_plan *p, const struct finding_text *f, const char *about,
	struct error *e, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Does all edits. */
int enable_do(struct enable_plan *p, struct error *e);
void enable_free(struct enable_plan *p);

/* A driver in one control set. */
struct enable_driver {
	const struct target_driver *d;
	enum module_need need; /* boot also for what stands in for such a one */
	const char *set;
	bool current; /* that is the control set in use */
	char key[ENABLE_KEY_SIZE]; /* of the service */
};

/* How a fault of the driver is told. */
enum severity enable_severity(const struct enable_driver *s);

/* windows_enable_driver.c: all drivers of the target. */
int enable_drivers(struct enable_plan *p, struct error *e);

/* windows_enable_start.c: a fault of the driver that inject mends. */
struct finding_text enable_fixable(const struct enable_driver *s, const char *code);
/* What has to change of a service whose files are there; `now` is how it is started. */
int enable_start(struct enable_plan *p, const struct enable_driver *s, uint32_t now,
	const char *override, struct error *e);
/* What has to know the driver's devices. */
int enable_devices(struct enable_plan *p, const struct enable_driver *s, struct error *e);

/* windows_enable_file.c: what is wrong with the file of the service, or a further one; *fault NULL:
 * nothing.  Names the file. */
int enable_file_fault(
	struct enable_plan *p, const struct enable_driver *s, char **fault, struct error *e);
/* Whether System32\drivers has a file of that name. */
int enable_file_there(struct enable_plan *p, const char *name, char **path, struct error *e);

/* windows_enable_service.c: a service's key made anew. */
int enable_service_make(struct enable_plan *p, const struct enable_driver *s, struct error *e);

/* windows_enable_critical.c: the driver's devices in CriticalDeviceDatabase, before Windows 8. */
int enable_critical(struct enable_plan *p, const struct enable_driver *s, struct error *e);

/* windows_enable_database.c: the driver's devices in DriverDatabase, Windows 8 and later. */
int enable_database(struct enable_plan *p, const struct enable_driver *s, struct error *e);

/* windows_enable_known.c: whether DriverDatabase knows a driver that did not come with Windows. */
int enable_known(struct enable_plan *p, const struct enable_driver *s, struct error *e);

/* windows_enable_foreign.c: what other hypervisors left. */
int enable_foreign(struct enable_plan *p, struct error *e);
/* Whether the service is to be switched off. */
bool enable_is_foreign(const struct enable_plan *p, const char *service);

/* windows_enable_filter.c: class filters that are not there or must go. */
int enable_filters(struct enable_plan *p, struct error *e);

/* windows_enable_setting.c: values that the target wants. */
int enable_settings(struct enable_plan *p, struct error *e);

#endif
