/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the clouds that files and environment describe is meant. */
#include "cloud/cloud_choose.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "cloud/cloud_file.h"
#include "cloud/secret.h"

/* Variables that choose or concern others; they alone make no cloud of the environment. */
static const char *const selectors[] = { "OS_CLOUD", "OS_REGION_NAME", "OS_CLIENT_CONFIG_FILE",
	"OS_CLIENT_SECURE_FILE", "OS_CLOUD_NAME" };

static bool starts(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool is_selector(const char *variable)
{
	size_t len = strcspn(variable, "=");

	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++)
		if (strlen(selectors[i]) == len && !strncmp(variable, selectors[i], len))
			return true;
	return false;
}

static int take_variable(json_t *cloud, const char *variable, struct error *e)
{
	size_t len = strcspn(variable, "=") - 3;
	char *key = strndup(variable + 3, len);
	int failed = !key;

	for (char *c = key; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	if (key && variable[3 + len] && variable[3 + len + 1])
		failed = json_object_set_new(cloud, key, json_string(variable + 3 + len + 1));
	if (failed)
		error_set(e, ERR_USAGE, "OS_%s in the environment is no UTF-8", key ? key : "");
	free(key);
	return failed ? -ERR_USAGE : 0;
}

/* The cloud that the OS_ variables make; *out is NULL when they are selectors only. */
static int environment_cloud(char *const *environment, json_t **out, struct error *e)
{
	json_t *cloud = json_object();
	bool any = false;
	int rc = cloud ? 0 : error_nomem(e, "a cloud's settings");

	for (; !rc && environment && *environment; environment++) {
		const char *v = *environment;

		if (!starts(v, "OS_") || !strchr(v, '=') || starts(v, "OS_TEST") ||
			starts(v, "OS_STD") || starts(v, "OS_LOG"))
			continue;
		any = any || !is_selector(v);
		rc = take_variable(cloud, v, e);
	}
	*out = rc || !any ? NULL : cloud;
	if (!*out)
		secret_json_free(cloud);
	return rc;
}

/* clouds.yaml with secure.yaml over it. */
static int files_load(char *const *environment, json_t **out, struct error *e)
{
	json_t *secure = NULL;
	int rc = cloud_file_find("clouds", "OS_CLIENT_CONFIG_FILE", environment, out, e);

	if (!rc)
		rc = cloud_file_find("secure", "OS_CLIENT_SECURE_FILE", environment, &secure, e);
	if (!rc && secure && *out)
		rc = cloud_file_merge(*out, secure, e);
	else if (!rc && secure) {
		*out = secure;
		secure = NULL;
	}
	/* The two share values now. */
	json_decref(secure);
	return rc;
}

static int no_such_cloud(json_t *clouds, const char *name, struct error *e)
{
	struct buffer names = { 0 };
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(clouds, key, value)
	{
		rc = buffer_format(&names, e, "%s%s", names.len ? ", " : "", key);
		if (rc)
			break;
	}
	if (!rc && name)
		rc = error_set(e, ERR_NOTFOUND, "cloud %s: clouds.yaml has %s", name,
			names.len ? buffer_text(&names) : "no such cloud, or was not found");
	else if (!rc && names.len)
		rc = error_set(e, ERR_USAGE, "which cloud: name one with --os-cloud: %s",
			buffer_text(&names));
	else if (!rc)
		rc = error_set(e, ERR_NOTFOUND,
			"no cloud is known: there is no clouds.yaml, and no OS_ variable is set");
	buffer_free(&names);
	return rc;
}

/* Puts what a profile of clouds-public.yaml says below what the cloud says. */
static int profile_apply(json_t **cloud, char *const *environment, struct error *e)
{
	const char *name = json_string_value(json_object_get(*cloud, "profile"));
	json_t *file = NULL, *profile, *copy;
	int rc;

	if (!name)
		return 0;
	rc = cloud_file_find("clouds-public", NULL, environment, &file, e);
	if (rc)
		return rc;
	profile = json_object_get(json_object_get(file, "public-clouds"), name);
	if (!json_is_object(profile)) {
		rc = error_set(e, ERR_UNSUPPORTED,
			"profile %s: clouds-public.yaml does not have it, and hvimg has no list of "
			"clouds of its own",
			name);
	} else if (!(copy = json_deep_copy(profile))) {
		rc = error_nomem(e, "a profile");
	} else {
		rc = cloud_file_merge(copy, *cloud, e);
		json_decref(*cloud);
		*cloud = copy;
	}
	json_decref(file);
	return rc;
}

/* The name of an entry of `regions`, and its values over the cloud's. */
static int region_take(json_t *cloud, json_t *region, struct error *e)
{
	json_t *name = json_is_object(region) ? json_object_get(region, "name") : region;
	json_t *values = json_object_get(region, "values");

	if (!json_is_string(name))
		return error_set(e, ERR_CORRUPT, "regions: an entry without a name");
	if (json_object_set(cloud, "region_name", name))
		return error_nomem(e, "a region");
	return values ? cloud_file_merge(cloud, values, e) : 0;
}

static int region_choose(json_t *cloud, const char *wanted, struct error *e)
{
	json_t *regions = json_object_get(cloud, "regions");
	const char *known = json_string_value(json_object_get(cloud, "region_name"));
	json_t *region;
	size_t i;

	if (!json_is_array(regions) || !json_array_size(regions)) {
		if (!wanted || (known && !strcmp(known, wanted)))
			return 0;
		if (known)
			return error_set(e, ERR_NOTFOUND,
				"OS_REGION_NAME: the cloud's region is %s, not %s", known, wanted);
		return json_object_set_new(cloud, "region_name", json_string(wanted))
			? error_nomem(e, "a region")
			: 0;
	}
	if (!wanted)
		return region_take(cloud, json_array_get(regions, 0), e);
	json_array_foreach(regions, i, region)
	{
		json_t *name = json_is_object(region) ? json_object_get(region, "name") : region;

		if (json_is_string(name) && !strcmp(json_string_value(name), wanted))
			return region_take(cloud, region, e);
	}
	return error_set(e, ERR_NOTFOUND, "OS_REGION_NAME: the cloud has no region %s", wanted);
}

static int choose_from_files(const char *name, char *const *environment, json_t *file,
	struct cloud_settings *out, struct error *e)
{
	json_t *clouds = json_object_get(file, "clouds");
	json_t *cloud;
	int rc;

	if (!name && json_object_size(clouds) == 1)
		name = json_object_iter_key(json_object_iter(clouds));
	cloud = name ? json_object_get(clouds, name) : NULL;
	if (!json_is_object(cloud))
		return no_such_cloud(clouds, name, e);
	out->values = json_deep_copy(cloud);
	out->name = strdup(name);
	if (!out->values || !out->name)
		return error_nomem(e, "a cloud's settings");
	rc = profile_apply(&out->values, environment, e);
	if (!rc)
		rc = region_choose(
			out->values, environment_value(environment, "OS_REGION_NAME"), e);
	return rc ? error_prefix(e, "cloud %s", name) : 0;
}

static int choose(const char *name, char *const *environment, json_t *file, json_t *variables,
	struct cloud_settings *out, struct error *e)
{
	const char *own = environment_value(environment, "OS_CLOUD_NAME");

	own = own ? own : "envvars";
	if (!name)
		name = environment_value(environment, "OS_CLOUD");
	if (json_object_get(json_object_get(file, "clouds"), own))
		return error_set(e, ERR_USAGE,
			"cloud %s: clouds.yaml has a cloud of the name that the environment's has: "
			"set OS_CLOUD_NAME to another",
			own);
	if (!variables || (name && strcmp(name, own) != 0))
		return choose_from_files(name, environment, file, out, e);
	out->name = strdup(own);
	out->values = json_incref(variables);
	return out->name ? 0 : error_nomem(e, "a cloud's settings");
}

int cloud_choose(
	const char *name, char *const *environment, struct cloud_settings *out, struct error *e)
{
	json_t *file = NULL, *variables = NULL;
	int rc = files_load(environment, &file, e);

	if (!rc)
		rc = environment_cloud(environment, &variables, e);
	if (!rc)
		rc = choose(name, environment, file, variables, out, e);
	secret_json_free(file);
	if (variables != out->values)
		secret_json_free(variables);
	else
		json_decref(variables);
	return rc;
}
