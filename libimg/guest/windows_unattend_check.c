/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user's answer file.  Setup passes over a component whose attributes are not exactly those of
 * the guest, and says so in a log inside the guest only: it is said here instead.
 */
#include <stdlib.h>
#include <string.h>

#include "base/xml.h"
#include "guest/windows_setting.h"

static const char *const passes[] = { "windowsPE", "offlineServicing", "generalize", "specialize",
	"auditSystem", "auditUser", "oobeSystem" };
enum { PASSES = sizeof(passes) / sizeof(passes[0]) };

static const char offline_namespace[] = "urn:schemas-microsoft-com:cpi";

struct check {
	const char *path;
	const char *arch;
	bool seen[PASSES];
	size_t components; /* for the guest's processor */
};

static bool in_namespace(const xmlNode *node, const char *uri)
{
	return node->ns && node->ns->href && !strcmp((const char *)node->ns->href, uri);
}

static int pass_check(struct check *c, const xmlNode *settings, struct error *e)
{
	char *name = NULL;
	int rc = xml_attribute(settings, "pass", &name, e);
	size_t i = 0;

	while (!rc && name && i < PASSES && strcmp(passes[i], name) != 0)
		i++;
	if (!rc && !name)
		rc = error_set(e, ERR_CORRUPT, "%s:%ld: settings has no pass", c->path,
			xmlGetLineNo(settings));
	else if (!rc && i == PASSES)
		rc = error_set(e, ERR_CORRUPT, "%s:%ld: Setup has no pass \"%.60s\"", c->path,
			xmlGetLineNo(settings), name);
	else if (!rc && c->seen[i])
		rc = error_set(e, ERR_CORRUPT, "%s:%ld: a second pass \"%s\"", c->path,
			xmlGetLineNo(settings), name);
	if (!rc)
		c->seen[i] = true;
	free(name);
	return rc;
}

static int attribute_check(struct check *c, const xmlNode *component, const char *name,
	const char *wanted, struct error *e)
{
	char *value = NULL;
	int rc = xml_attribute(component, name, &value, e);

	if (!rc && (!value || strcmp(value, wanted) != 0))
		rc = error_set(e, ERR_CORRUPT,
			"%s:%ld: the component's %s is \"%.60s\", not %s: Setup would pass over it",
			c->path, xmlGetLineNo(component), name, value ? value : "", wanted);
	free(value);
	return rc;
}

static int arch_check(struct check *c, const xmlNode *component, struct error *e)
{
	static const char *const known[] = { "x86", "amd64", "arm64", "ia64", "arm", "wow64" };
	char *value = NULL;
	size_t i = 0;
	int rc = xml_attribute(component, "processorArchitecture", &value, e);

	while (!rc && value && i < 6 && strcmp(known[i], value) != 0)
		i++;
	if (!rc && (!value || i == 6))
		rc = error_set(e, ERR_CORRUPT,
			"%s:%ld: the component's processorArchitecture is \"%.60s\"", c->path,
			xmlGetLineNo(component), value ? value : "");
	if (!rc && !strcmp(value, c->arch))
		c->components++;
	free(value);
	return rc;
}

static int component_check(struct check *c, const xmlNode *component, struct error *e)
{
	char *name = NULL;
	int rc = xml_attribute(component, "name", &name, e);

	if (!rc && (!name || !*name))
		rc = error_set(e, ERR_CORRUPT, "%s:%ld: a component without a name", c->path,
			xmlGetLineNo(component));
	free(name);
	if (!rc)
		rc = arch_check(c, component, e);
	if (!rc)
		rc = attribute_check(c, component, "publicKeyToken", UNATTEND_KEY_TOKEN, e);
	if (!rc)
		rc = attribute_check(c, component, "language", "neutral", e);
	return rc ? rc : attribute_check(c, component, "versionScope", "nonSxS", e);
}

static int unknown(const struct check *c, const xmlNode *node, struct error *e)
{
	return error_set(e, ERR_CORRUPT, "%s:%ld: Setup knows no %.60s there", c->path,
		xmlGetLineNo(node), (const char *)node->name);
}

static int settings_check(struct check *c, const xmlNode *settings, struct error *e)
{
	int rc = pass_check(c, settings, e);

	for (const xmlNode *n = xml_first(settings, NULL); n && !rc; n = xml_next(n, NULL))
		rc = xml_is(n, "component") && in_namespace(n, UNATTEND_NAMESPACE)
			? component_check(c, n, e)
			: unknown(c, n, e);
	return rc;
}

static int child_check(struct check *c, const xmlNode *n, struct error *e)
{
	if (in_namespace(n, offline_namespace)) /* where the file was made from */
		return 0;
	if (!in_namespace(n, UNATTEND_NAMESPACE))
		return unknown(c, n, e);
	if (xml_is(n, "settings"))
		return settings_check(c, n, e);
	return xml_is(n, "servicing") ? 0 : unknown(c, n, e);
}

int unattend_check(const xmlDoc *doc, const char *path, const char *arch, struct error *e)
{
	struct check c = { .path = path, .arch = arch };
	const xmlNode *root = xmlDocGetRootElement(doc);
	int rc = 0;

	if (!root || !xml_is(root, "unattend") || !in_namespace(root, UNATTEND_NAMESPACE))
		return error_set(e, ERR_CORRUPT,
			"%s:1: no answer file: its root is not unattend of " UNATTEND_NAMESPACE,
			path);
	for (const xmlNode *n = xml_first(root, NULL); n && !rc; n = xml_next(n, NULL))
		rc = child_check(&c, n, e);
	if (!rc && !c.components)
		rc = error_set(e, ERR_CORRUPT,
			"%s:1: has no component for %s, the guest's processor", path, arch);
	return rc;
}
