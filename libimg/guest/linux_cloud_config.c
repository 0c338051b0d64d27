/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/linux_cloud_config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"
#include "guest/linux_cloud_yaml.h"
#include "guest/linux_unit.h"

#define CONFIG "/etc/cloud/cloud.cfg"
#define IDENTIFY "/etc/cloud/ds-identify.cfg"

enum { FILES_LIMIT = 256 };

void cloud_config_free(struct cloud_config *c)
{
	free(c->off);
	free(c->pinned);
	free(c->pinned_by);
	free(c->unclear);
	free(c->list_path);
	strings_free(&c->list);
	*c = (struct cloud_config){ 0 };
}

/* The first reason stays. */
static int say(char **where, const char *text, struct error *e)
{
	if (*where)
		return 0;
	*where = strdup(text);
	return *where ? 0 : error_nomem(e, "cloud-init's configuration");
}

static int file_take(struct tree *t, const char *path, struct cloud_config *c, struct error *e)
{
	struct buffer text = { 0 };
	enum cloud_yaml kind = CLOUD_YAML_UNCLEAR;
	int rc = tree_read(t, path, TEXT_LIMIT, &text, e);

	if (!rc)
		rc = cloud_yaml_read(&text, &kind, &c->list, e);
	else if (rc == -ERR_RANGE)
		rc = 0;
	buffer_free(&text);
	if (rc)
		return error_prefix(e, "%s", path);
	if (kind == CLOUD_YAML_UNCLEAR)
		return say(&c->unclear, path, e);
	if (kind == CLOUD_YAML_SILENT)
		return 0;
	c->has_list = true;
	free(c->list_path);
	c->list_path = NULL;
	return say(&c->list_path, path, e);
}

static bool is_config(const char *name)
{
	size_t len = strlen(name);

	return len >= 4 && !strcmp(name + len - 4, ".cfg");
}

/* The folder's files go over the main one, those that sort later over those before. */
static int files_take(struct tree *t, struct cloud_config *c, struct error *e)
{
	struct strings names = { 0 };
	size_t taken = 0;
	int rc = 0;

	if (tree_is(t, CONFIG, S_IFREG))
		rc = file_take(t, CONFIG, c, e);
	if (!rc && tree_is(t, CONFIG ".d", S_IFDIR))
		rc = tree_list(t, CONFIG ".d", &names, e);
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct buffer path = { 0 };

		if (!is_config(names.item[i]))
			continue;
		if (taken++ == FILES_LIMIT) {
			rc = say(&c->unclear, CONFIG ".d", e);
			break;
		}
		rc = buffer_format(&path, e, CONFIG ".d/%s", names.item[i]);
		if (!rc && tree_is(t, buffer_text(&path), S_IFREG))
			rc = file_take(t, buffer_text(&path), c, e);
		buffer_free(&path);
	}
	strings_free(&names);
	return rc;
}

/* One "key: value" of ds-identify.cfg, which is read as that and not as YAML. */
static int identify_line(const char *line, struct cloud_config *c, struct error *e)
{
	const char *colon = strchr(line, ':');
	const char *key = line + strspn(line, " \t");
	const char *value;
	size_t len;
	char *copy;
	int rc = 0;

	if (!colon || *key == '#')
		return 0;
	value = colon + 1 + strspn(colon + 1, " \t\"'");
	len = strcspn(value, " \t\r\"'#");
	copy = strndup(value, len);
	if (!copy)
		return error_nomem(e, IDENTIFY);
	if (!strncmp(key, "datasource:", 11) && len) {
		rc = say(&c->pinned, copy, e);
		if (!rc)
			rc = say(&c->pinned_by, "datasource in " IDENTIFY, e);
	} else if (!strncmp(key, "policy:", 7) && !strncmp(copy, "disabled", 8) &&
		(!copy[8] || copy[8] == ',')) {
		rc = say(&c->off, "the policy in " IDENTIFY, e);
	}
	free(copy);
	return rc;
}

static int identify_take(struct tree *t, struct cloud_config *c, struct error *e)
{
	struct buffer text = { 0 };
	struct strings lines = { 0 };
	bool exists;
	int rc = linux_text(t, IDENTIFY, &text, &exists, e);

	if (!rc)
		rc = strings_split(&lines, buffer_text(&text), "\n", e);
	for (size_t i = 0; i < lines.count && !rc; i++)
		rc = identify_line(lines.item[i], c, e);
	strings_free(&lines);
	buffer_free(&text);
	return rc;
}

static int command_line_take(struct guest_image *g, struct cloud_config *c, struct error *e)
{
	static const char *const pins[] = { "ci.ds=", "ci.datasource=", "ds=" };
	struct strings found = { 0 };
	int rc = linux_arguments_find(g, "cloud-init=", &found, e);

	if (!rc && strings_have(&found, "disabled"))
		rc = say(&c->off, "cloud-init=disabled on the kernel command line", e);
	for (size_t i = 0; i < sizeof(pins) / sizeof(*pins) && !rc && !c->pinned; i++) {
		strings_free(&found);
		rc = linux_arguments_find(g, pins[i], &found, e);
		if (rc || !found.count)
			continue;
		/* "nocloud;s=URL" has settings behind the name. */
		found.item[0][strcspn(found.item[0], ";\"'")] = 0;
		rc = say(&c->pinned, found.item[0], e);
		if (!rc)
			rc = say(&c->pinned_by, "the kernel command line", e);
	}
	strings_free(&found);
	return rc;
}

static int switches_take(struct guest_image *g, struct cloud_config *c, struct error *e)
{
	struct unit u;
	int rc = 0;

	if (tree_is(g->tree, "/etc/cloud/cloud-init.disabled", 0))
		rc = say(&c->off, "the file /etc/cloud/cloud-init.disabled", e);
	if (!rc)
		rc = unit_load(g->tree, "cloud-init.service", &u, e);
	if (rc)
		return rc;
	if (u.state == UNIT_MASKED)
		rc = say(&c->off, "the mask of its unit cloud-init.service", e);
	unit_free(&u);
	return rc;
}

int cloud_config_load(struct guest_image *g, struct cloud_config *out, struct error *e)
{
	struct cloud_config c = { .installed = tree_is(g->tree, "/usr/bin/cloud-init", S_IFREG) };
	int rc = 0;

	if (c.installed) {
		rc = switches_take(g, &c, e);
		if (!rc)
			rc = identify_take(g->tree, &c, e);
		if (!rc)
			rc = command_line_take(g, &c, e);
		if (!rc)
			rc = files_take(g->tree, &c, e);
	}
	if (rc) {
		cloud_config_free(&c);
		return rc;
	}
	*out = c;
	return 0;
}
