/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who asks for a token, and for what: the body of POST /v3/auth/tokens. */
#include "cloud/keystone_private.h"

#include <string.h>

#include "cloud/secret.h"

static int missing(const struct cloud_settings *s, const char *key, struct error *e)
{
	return error_set(e, ERR_USAGE, "cloud %s: %s is not set (in clouds.yaml, or OS_ variables)",
		s->name, key);
}

/* {"id"} or {"name"} of a domain; Keystone's first one without either. */
static json_t *domain(const struct cloud_settings *s, const char *id, const char *name)
{
	const char *value = cloud_value(s, id);

	if (value)
		return json_pack("{s:s}", "id", value);
	value = cloud_value(s, name);
	return value ? json_pack("{s:s}", "name", value) : json_pack("{s:s}", "id", "default");
}

/* The user, by id or by name in a domain, and one thing more; NULL without a user. */
static json_t *user(const struct cloud_settings *s)
{
	const char *id = cloud_value(s, "user_id");
	const char *name = cloud_value(s, "username");

	if (id)
		return json_pack("{s:s}", "id", id);
	if (!name)
		return NULL;
	return json_pack("{s:s,s:o}", "name", name, "domain",
		domain(s, "user_domain_id", "user_domain_name"));
}

static int password_identity(const struct cloud_settings *s, json_t **out, struct error *e)
{
	const char *password = cloud_value(s, "password");
	json_t *who;

	if (!password)
		return missing(s, "password", e);
	who = user(s);
	if (!who)
		return missing(s, "username", e);
	json_object_set_new(who, "password", json_string(password));
	*out = json_pack("{s:[s],s:{s:o}}", "methods", "password", "password", "user", who);
	return *out ? 0 : error_nomem(e, "a token request");
}

static int credential_identity(const struct cloud_settings *s, json_t **out, struct error *e)
{
	const char *id = cloud_value(s, "application_credential_id");
	const char *name = cloud_value(s, "application_credential_name");
	const char *secret = cloud_value(s, "application_credential_secret");
	json_t *what, *who = NULL;

	if (!secret)
		return missing(s, "application_credential_secret", e);
	if (!id && !name)
		return missing(s, "application_credential_id", e);
	if (!id && !(who = user(s)))
		return missing(s, "username (application_credential_name needs it)", e);
	what = id ? json_pack("{s:s,s:s}", "id", id, "secret", secret)
		  : json_pack("{s:s,s:s,s:o}", "name", name, "secret", secret, "user", who);
	*out = json_pack(
		"{s:[s],s:o}", "methods", "application_credential", "application_credential", what);
	return *out ? 0 : error_nomem(e, "a token request");
}

static int token_identity(const struct cloud_settings *s, json_t **out, struct error *e)
{
	const char *token = cloud_value(s, "token");

	if (!token)
		return missing(s, "token", e);
	*out = json_pack("{s:[s],s:{s:s}}", "methods", "token", "token", "id", token);
	return *out ? 0 : error_nomem(e, "a token request");
}

static json_t *scope(const struct cloud_settings *s)
{
	const char *value;

	if ((value = cloud_value(s, "trust_id")))
		return json_pack("{s:{s:s}}", "OS-TRUST:trust", "id", value);
	if ((value = cloud_value(s, "system_scope")))
		return json_pack("{s:{s:b}}", "system", value, 1);
	if ((value = cloud_value(s, "project_id")))
		return json_pack("{s:{s:s}}", "project", "id", value);
	if ((value = cloud_value(s, "project_name")))
		return json_pack("{s:{s:s,s:o}}", "project", "name", value, "domain",
			domain(s, "project_domain_id", "project_domain_name"));
	if ((value = cloud_value(s, "domain_id")))
		return json_pack("{s:{s:s}}", "domain", "id", value);
	if ((value = cloud_value(s, "domain_name")))
		return json_pack("{s:{s:s}}", "domain", "name", value);
	return NULL;
}

bool keystone_has_scope(const struct cloud_settings *s)
{
	static const char *const keys[] = { "trust_id", "system_scope", "project_id",
		"project_name", "domain_id", "domain_name" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (cloud_value(s, keys[i]))
			return true;
	return false;
}

int keystone_request(const struct cloud_settings *s, json_t **out, struct error *e)
{
	/* The scope of an application credential is its project; it refuses to be told one. */
	bool scoped = s->auth != CLOUD_AUTH_APPLICATION_CREDENTIAL && keystone_has_scope(s);
	json_t *identity = NULL;
	int rc;

	if (s->auth == CLOUD_AUTH_PASSWORD)
		rc = password_identity(s, &identity, e);
	else if (s->auth == CLOUD_AUTH_APPLICATION_CREDENTIAL)
		rc = credential_identity(s, &identity, e);
	else
		rc = token_identity(s, &identity, e);
	if (rc)
		return rc;
	*out = scoped ? json_pack("{s:{s:o,s:o}}", "auth", "identity", identity, "scope", scope(s))
		      : json_pack("{s:{s:o}}", "auth", "identity", identity);
	return *out ? 0 : error_nomem(e, "a token request");
}
