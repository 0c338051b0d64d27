/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_CLOUD_CLOUD_SETTINGS_H
#define LIBIMG_CLOUD_CLOUD_SETTINGS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

/*
 * How to reach a cloud, as openstacksdk finds it out: clouds.yaml with secure.yaml over it and a
 * profile of clouds-public.yaml below it, or the environment's OS_ variables, which are a cloud of
 * their own.
 */

enum cloud_auth {
	CLOUD_AUTH_PASSWORD,
	CLOUD_AUTH_APPLICATION_CREDENTIAL,
	CLOUD_AUTH_TOKEN,
	CLOUD_AUTH_ENDPOINT_TOKEN, /* a token and where to use it, no Keystone */
	CLOUD_AUTH_NONE,
};

struct cloud_settings {
	char *name; /* of the cloud; "envvars" for that of the environment */
	enum cloud_auth auth;
	bool insecure, ipv4;
	json_t *values; /* what cloud_value looks up */
};

/*
 * The cloud of that name; NULL: OS_CLOUD, else the environment, else the only one of the file.
 * `environment` is as environ.  ERR_NOTFOUND when there is none, ERR_UNSUPPORTED names a kind of
 * authentication that is not done.
 */
int cloud_settings_load(
	const char *name, char *const *environment, struct cloud_settings *out, struct error *e);
/* A value by its name in clouds.yaml ("auth_url", "region_name"); NULL when it is not set. */
const char *cloud_value(const struct cloud_settings *s, const char *key);
/* Overwrites what is secret.  All zero is fine. */
void cloud_settings_free(struct cloud_settings *s);

#endif
