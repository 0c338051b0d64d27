/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cloud/cloud_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/cloud_choose.h"
#include "cloud/secret.h"

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static const char *direct(const struct cloud_settings *s, const char *key)
{
	const char *value = json_string_value(json_object_get(s->values, key));

	/* What is outside of "auth" comes from nearer to the user. */
	if (!value)
		value = json_string_value(json_object_get(json_object_get(s->values, "auth"), key));
	return value && *value ? value : NULL;
}

/* Other names of a value, and those that stand in for it. */
static const struct {
	const char *key, *other;
} others[] = {
	{ "project_id", "tenant_id" },
	{ "project_name", "tenant_name" },
	{ "token", "auth_token" },
	{ "interface", "endpoint_type" },
	{ "image_endpoint_override", "image_endpoint" },
	{ "endpoint", "url" },
	{ "auth_type", "auth_plugin" },
	{ "user_domain_id", "default_domain_id" },
	{ "user_domain_name", "default_domain_name" },
	{ "project_domain_id", "default_domain_id" },
	{ "project_domain_name", "default_domain_name" },
};

/* The domain said once counts for user and project when there is a project. */
static const char *domain_value(const struct cloud_settings *s, const char *key)
{
	const char *part = strstr(key, "domain_");

	if (!part || part == key || starts(key, "default") ||
		(!direct(s, "project_name") && !direct(s, "project_id") &&
			!direct(s, "tenant_name") && !direct(s, "tenant_id")))
		return NULL;
	return direct(s, part);
}

const char *cloud_value(const struct cloud_settings *s, const char *key)
{
	const char *value = direct(s, key);

	if (!value)
		value = domain_value(s, key);
	for (size_t i = 0; !value && i < sizeof(others) / sizeof(*others); i++)
		if (!strcmp(others[i].key, key))
			value = direct(s, others[i].other);
	return value;
}

static const struct {
	const char *name;
	enum cloud_auth auth;
} auth_types[] = {
	{ "password", CLOUD_AUTH_PASSWORD },
	{ "v3password", CLOUD_AUTH_PASSWORD },
	{ "v3applicationcredential", CLOUD_AUTH_APPLICATION_CREDENTIAL },
	{ "token", CLOUD_AUTH_TOKEN },
	{ "v3token", CLOUD_AUTH_TOKEN },
	{ "admin_token", CLOUD_AUTH_ENDPOINT_TOKEN },
	{ "token_endpoint", CLOUD_AUTH_ENDPOINT_TOKEN },
	{ "none", CLOUD_AUTH_NONE },
	{ "None", CLOUD_AUTH_NONE },
};

static int auth_choose(struct cloud_settings *s, struct error *e)
{
	const char *type = cloud_value(s, "auth_type");

	if (!type) {
		bool credential = cloud_value(s, "application_credential_id") ||
			cloud_value(s, "application_credential_name");

		s->auth = credential ? CLOUD_AUTH_APPLICATION_CREDENTIAL
			: cloud_value(s, "token") && !cloud_value(s, "password")
			? CLOUD_AUTH_TOKEN
			: CLOUD_AUTH_PASSWORD;
		return 0;
	}
	for (size_t i = 0; i < sizeof(auth_types) / sizeof(*auth_types); i++)
		if (!strcmp(type, auth_types[i].name)) {
			s->auth = auth_types[i].auth;
			return 0;
		}
	return error_set(e, ERR_UNSUPPORTED,
		"cloud %s: auth_type %s is not supported: use password, v3applicationcredential or "
		"none, or get a token (openstack token issue) and use auth_type token",
		s->name, type);
}

static int boolean(const struct cloud_settings *s, const char *key, bool *out, struct error *e)
{
	static const char *const words[2][6] = { { "false", "no", "off", "0", "n", "f" },
		{ "true", "yes", "on", "1", "y", "t" } };
	const char *value = cloud_value(s, key);

	for (size_t i = 0; value && i < 12; i++)
		if (!strcasecmp(value, words[i / 6][i % 6])) {
			*out = i / 6;
			return 0;
		}
	return value ? error_set(e, ERR_USAGE, "cloud %s: %s is neither true nor false: %s",
			       s->name, key, value)
		     : 0;
}

static int switches_read(struct cloud_settings *s, struct error *e)
{
	bool verify = true;
	const char *version = cloud_value(s, "identity_api_version");
	int rc = boolean(s, "verify", &verify, e);

	if (!rc)
		s->insecure = !verify;
	if (!rc)
		rc = boolean(s, "insecure", &s->insecure, e);
	if (!rc)
		rc = boolean(s, "force_ipv4", &s->ipv4, e);
	if (!rc && version && *version != '3')
		rc = error_set(e, ERR_UNSUPPORTED,
			"cloud %s: identity_api_version %s: only 3 is spoken", s->name, version);
	return rc;
}

int cloud_settings_load(
	const char *name, char *const *environment, struct cloud_settings *out, struct error *e)
{
	int rc;

	*out = (struct cloud_settings){ 0 };
	rc = cloud_choose(name, environment, out, e);
	if (!rc)
		rc = auth_choose(out, e);
	if (!rc)
		rc = switches_read(out, e);
	if (rc)
		cloud_settings_free(out);
	return rc;
}

void cloud_settings_free(struct cloud_settings *s)
{
	secret_json_free(s->values);
	free(s->name);
	*s = (struct cloud_settings){ 0 };
}
