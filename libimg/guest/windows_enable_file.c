/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the files of a driver are there and can be what they should be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/firmware.h"
#include "guest/pe.h"
#include "guest/windows_enable.h"

static uint16_t machine_of(const struct enable_plan *p)
{
	switch (windows_of(p->g)->platform.arch) {
	case INF_X86:
		return PE_MACHINE_I386;
	case INF_AMD64:
		return PE_MACHINE_X86_64;
	case INF_ARM64:
		return PE_MACHINE_ARM64;
	}
	return 0;
}

int enable_file_there(struct enable_plan *p, const char *name, char **path, struct error *e)
{
	struct buffer below = { 0 }, found = { 0 };
	struct error why = { 0 };
	int rc = buffer_format(&below, e, "drivers/%s", name);

	*path = NULL;
	if (rc)
		return rc;
	rc = firmware_path_below(
		p->g->tree, windows_of(p->g)->system32, buffer_text(&below), &found, &why);
	buffer_free(&below);
	if (rc) {
		buffer_free(&found);
		return error_of_host(&why, e);
	}
	*path = (char *)found.data;
	return 0;
}

static int fault_set(char **fault, struct error *e, const char *name, const char *what)
{
	struct buffer b = { 0 };
	int rc = buffer_format(&b, e, "%s %s", name, what);

	*fault = (char *)b.data;
	return rc;
}

/* `path` NULL: it is not there, as `name` of System32\drivers. */
static int check(
	struct enable_plan *p, const char *name, const char *path, char **fault, struct error *e)
{
	struct error why = { 0 };
	struct fs_stat st;
	uint16_t machine;
	int rc;

	if (!path)
		return fault_set(fault, e, name, "is not there");
	if (tree_stat(p->g->tree, path, TREE_FOLLOW, &st, &why)) {
		rc = error_of_host(&why, e);
		return rc ? rc : fault_set(fault, e, path, "can't be read");
	}
	if (!S_ISREG(st.mode) || !st.size)
		return fault_set(fault, e, path, "is empty");
	rc = windows_file_machine(p->g, path, &machine, e);
	if (rc || machine == machine_of(p))
		return rc;
	return fault_set(fault, e, path,
		machine ? "is for another processor" : "is no driver that can be read");
}

int enable_file_fault(
	struct enable_plan *p, const struct enable_driver *s, char **fault, struct error *e)
{
	char *path = NULL;
	int rc = 0;

	*fault = NULL;
	if (!s->d->file)
		return 0;
	rc = hive_has_key(p->h, s->key)
		? windows_service_file(p->g, s->set, s->d->service, &path, e)
		: enable_file_there(p, s->d->file, &path, e);
	if (!rc)
		rc = check(p, s->d->file, path, fault, e);
	free(path);
	for (size_t i = 0; i < s->d->files.count && !rc && !*fault; i++) {
		rc = enable_file_there(p, s->d->files.item[i], &path, e);
		if (!rc)
			rc = check(p, s->d->files.item[i], path, fault, e);
		free(path);
	}
	return rc;
}
