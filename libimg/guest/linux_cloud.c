/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cloud-init asks the datasources of its list.  Without a list it looks for all of them and finds
 * those of any target.  A list made for another cloud gets the missing ones by a file of our own,
 * which is read last.  A guest whose cloud-init was switched off, or tied to one datasource by
 * hand, stays so and is told of: cloud-init that wakes up in a machine in use makes new host keys
 * and users.
 */
#include <string.h>
#include <strings.h>

#include "guest/linux.h"
#include "guest/linux_cloud_config.h"

#define DIRECTORY "/etc/cloud/cloud.cfg.d/"
#define NOTHING "None" /* the datasource that is always found, and has nothing */

/* The first that is read after the file which has the list now; NULL: none is. */
static const char *drop_in(const struct cloud_config *c)
{
	static const char *const paths[] = { DIRECTORY "99-hvimg.cfg", DIRECTORY "zz-hvimg.cfg",
		DIRECTORY "zzzz-hvimg.cfg" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (!c->list_path || strncmp(c->list_path, DIRECTORY, strlen(DIRECTORY)) != 0 ||
			strcmp(c->list_path, paths[i]) <= 0)
			return paths[i];
	return NULL;
}

static bool is_off(const struct cloud_config *c)
{
	/* What an installer writes that wants no cloud. */
	return c->off || (c->has_list && c->list.count == 1 && !strcmp(c->list.item[0], NOTHING));
}

/* The first that the target needs and the guest does not look for; NULL: none. */
static const char *lacks(const struct cloud_config *c, const struct target *t)
{
	for (size_t i = 0; i < t->datasources.count; i++) {
		const char *name = t->datasources.item[i];

		if (c->pinned ? strcasecmp(c->pinned, name) != 0
			      : c->has_list && !strings_have(&c->list, name))
			return name;
	}
	return NULL;
}

static int off_report(const struct cloud_config *c, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "cloud-init-disabled",
		.severity = SEVERITY_WARNING,
		.path = c->off ? NULL : c->list_path,
		.fix = "take that away if the cloud is to set the guest up" };

	return finding_add(r, &f, e, "cloud-init is switched off by %s",
		c->off ? c->off : "a datasource_list of None alone");
}

static int unclear_report(const struct cloud_config *c, struct report *r, struct error *e)
{
	const struct finding_text f = {
		.code = "cloud-config-unclear", .severity = SEVERITY_INFO, .path = c->unclear
	};

	return finding_add(r, &f, e,
		"which datasources cloud-init looks for is not known: %s can't be followed",
		c->unclear);
}

static int pinned_report(
	const struct cloud_config *c, const char *lacking, struct report *r, struct error *e)
{
	const struct finding_text f = { .code = "cloud-datasource-missing",
		.severity = SEVERITY_WARNING,
		.fix = "take that away, so that cloud-init finds the datasource by itself" };

	return finding_add(
		r, &f, e, "cloud-init uses %s, not %s, by %s", c->pinned, lacking, c->pinned_by);
}

static int list_report(
	const struct cloud_config *c, const char *lacking, struct report *r, struct error *e)
{
	const bool fixable = drop_in(c) != NULL;
	const struct finding_text f = { .code = "cloud-datasource-missing",
		.severity = SEVERITY_WARNING,
		.fixable = fixable,
		.path = c->list_path,
		.fix = fixable ? "hvimg inject adds it to the list"
			       : "add it to datasource_list of that file" };

	return finding_add(r, &f, e, "cloud-init does not look for the datasource %s", lacking);
}

int linux_cloud_check(
	struct guest_image *g, const struct target *t, struct report *r, struct error *e)
{
	struct cloud_config c;
	const char *lacking;
	int rc = t->datasources.count ? cloud_config_load(g, &c, e) : 0;

	if (rc || !t->datasources.count)
		return rc;
	lacking = lacks(&c, t);
	if (c.installed && is_off(&c))
		rc = off_report(&c, r, e);
	else if (c.pinned && lacking)
		rc = pinned_report(&c, lacking, r, e);
	else if (c.unclear && !c.pinned)
		rc = unclear_report(&c, r, e);
	else if (lacking)
		rc = list_report(&c, lacking, r, e);
	cloud_config_free(&c);
	return rc;
}

/* Adds `name` behind `before` (NULL: in front of all), unless it is there. */
static int list_insert(struct strings *list, const char *before, const char *name, struct error *e)
{
	size_t at = 0;
	char *added;
	int rc;

	if (strings_have(list, name))
		return 0;
	rc = strings_add(list, name, e);
	if (rc)
		return rc;
	for (size_t i = 0; before && i < list->count; i++)
		if (!strcmp(list->item[i], before))
			at = i + 1;
	added = list->item[list->count - 1];
	memmove(list->item + at + 1, list->item + at, (list->count - 1 - at) * sizeof(char *));
	list->item[at] = added;
	return 0;
}

/* What the targets need goes in front, in their order; what was there keeps its own, and None,
 * behind which nothing is looked for, is last. */
static int list_merge(const struct strings *old, const struct target_list *targets,
	struct strings *out, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < old->count && !rc; i++)
		if (strcmp(old->item[i], NOTHING) != 0)
			rc = strings_add_new(out, old->item[i], e);
	for (size_t t = 0; t < targets->count; t++) {
		const struct strings *wanted = &targets->target[t].datasources;

		for (size_t i = 0; i < wanted->count && !rc; i++)
			rc = list_insert(out, i ? wanted->item[i - 1] : NULL, wanted->item[i], e);
	}
	if (!rc && strings_have(old, NOTHING))
		rc = strings_add(out, NOTHING, e);
	return rc;
}

static int list_write(struct guest_image *g, const char *path, const struct strings *list,
	const char *why, struct error *e)
{
	struct buffer text = { 0 };
	/* On one line: ds-identify reads no other. */
	int rc = buffer_string(&text,
		"# Where the clouds that this image is for say what an instance is.\n"
		"datasource_list: [ ",
		e);

	for (size_t i = 0; i < list->count && !rc; i++)
		rc = buffer_format(&text, e, "%s%s", i ? ", " : "", list->item[i]);
	if (!rc)
		rc = buffer_string(&text, " ]\n", e);
	if (!rc)
		rc = linux_put(g, path, text.data, text.len, why, e);
	buffer_free(&text);
	return rc;
}

int linux_cloud_apply(struct guest_image *g, const struct target_list *targets, struct error *e)
{
	struct cloud_config c;
	struct strings list = { 0 };
	bool lacking = false;
	int rc = cloud_config_load(g, &c, e);

	if (rc)
		return rc;
	for (size_t t = 0; t < targets->count; t++)
		lacking = lacking || lacks(&c, &targets->target[t]);
	if (lacking && !is_off(&c) && !c.pinned && !c.unclear && drop_in(&c)) {
		rc = list_merge(&c.list, targets, &list, e);
		if (!rc)
			rc = list_write(g, drop_in(&c), &list,
				"cloud-init looks for the target's datasources", e);
	}
	strings_free(&list);
	cloud_config_free(&c);
	return rc;
}

/* Those of cloud-init 24, which knows them by these letters alone. */
static const char *const known[] = { "Akamai", "AliYun", "AltCloud", "Azure", "Bigstep", "CloudCIX",
	"CloudSigma", "CloudStack", "ConfigDrive", "DigitalOcean", "Ec2", "Exoscale", "GCE",
	"Hetzner", "IBMCloud", "LXD", "MAAS", "NWCS", "NoCloud", NOTHING, "OVF", "OpenNebula",
	"OpenStack", "Oracle", "RbxCloud", "Scaleway", "SmartOS", "UpCloud", "VMware", "Vultr",
	"WSL" };

static int names_check(const struct strings *list, struct error *e)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t k = 0;

		while (k < sizeof(known) / sizeof(*known) && strcmp(known[k], list->item[i]) != 0)
			k++;
		if (k == sizeof(known) / sizeof(*known))
			return error_set(
				e, ERR_USAGE, "cloud-init has no datasource %.64s", list->item[i]);
	}
	return 0;
}

static int settable_check(const struct cloud_config *c, struct error *e)
{
	if (!c->installed)
		return error_set(e, ERR_NOTREADY, "the guest has no cloud-init");
	if (c->off)
		return error_set(e, ERR_NOTREADY, "cloud-init is switched off by %s", c->off);
	if (c->pinned)
		return error_set(
			e, ERR_NOTREADY, "cloud-init uses %s, by %s", c->pinned, c->pinned_by);
	if (c->unclear)
		return error_set(e, ERR_NOTREADY, "%s can't be followed", c->unclear);
	if (!drop_in(c))
		return error_set(e, ERR_NOTREADY, "%s is read after any file that could be added",
			c->list_path);
	return 0;
}

static bool is_same(const struct strings *a, const struct strings *b)
{
	for (size_t i = 0; i < a->count && i < b->count; i++)
		if (strcmp(a->item[i], b->item[i]) != 0)
			return false;
	return a->count == b->count;
}

int linux_cloud_set(
	struct guest_image *g, const struct strings *list, const char *why, struct error *e)
{
	struct cloud_config c;
	int rc = names_check(list, e);

	if (!rc)
		rc = cloud_config_load(g, &c, e);
	if (rc)
		return rc;
	rc = settable_check(&c, e);
	if (!rc && !(c.has_list && is_same(&c.list, list)))
		rc = list_write(g, drop_in(&c), list, why, e);
	cloud_config_free(&c);
	return rc;
}
