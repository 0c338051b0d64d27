/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_ENABLE_DATABASE_H
#define LIBIMG_GUEST_WINDOWS_ENABLE_DATABASE_H

#include "guest/windows_enable.h"

#define DATABASE "DriverDatabase"

/* A driver's package in DriverDatabase, by its INF. */
struct database {
	struct enable_plan *p;
	const struct enable_driver *s;
	char *package; /* name of its key */
	char base[ENABLE_KEY_SIZE]; /* that key */
	char inf[ENABLE_KEY_SIZE]; /* key of the INF */
};

/* windows_enable_package.c: finds the package in use, or what it is to be called. */
int database_open(struct database *d, struct error *e);
void database_close(struct database *d);
/* Its own values and those of the INF, each where it is missing. */
int database_package(struct database *d, struct error *e);
/* The finding that DriverDatabase lacks something of the driver. */
int database_tell(struct database *d, const char *what, struct error *e);
int database_text(struct database *d, enum enable_action action, const char *key, const char *name,
	const char *text, struct error *e);
int database_number(
	struct database *d, const char *key, const char *name, uint32_t value, struct error *e);

#endif
