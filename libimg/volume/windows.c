/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "volume/windows.h"

#include <string.h>

#include "volume/table.h"

static const struct manager {
	const char *code, *name, *fix;
	const char *types[3]; /* partition types, as type_id of struct volume */
} managers[] = {
	{ "dynamic-disk", "a dynamic disk of Windows",
		"Windows turns it into a basic disk only by deleting its volumes: restore a backup "
		"to a basic disk, or copy them there",
		{ "0x42", "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3",
			"af9b60a0-1431-4f62-bc68-3311714a69ad" } },
	{ "storage-spaces", "a disk of Storage Spaces",
		"copy what is in the space to a plain disk from inside the guest, and take this "
		"one out of its pool",
		{ "e75caf8f-f680-4cee-afa3-b001e56efc2d" } },
};

static const struct manager *manager_of(const struct volume *v)
{
	for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++)
		for (size_t t = 0; t < 3 && managers[i].types[t]; t++)
			if (!strcmp(v->type_id, managers[i].types[t]))
				return &managers[i];
	return NULL;
}

const char *windows_manager(const struct volume *v)
{
	const struct manager *m = manager_of(v);

	return m ? m->name : NULL;
}

int windows_managers_check(const struct volume_list *l, struct error *e)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct manager *m = manager_of(&l->volume[i]);

		if (m)
			return error_set(e, ERR_REFUSED, "partition %s makes it %s: %s",
				l->volume[i].id, m->name, m->fix);
	}
	return 0;
}

int windows_report(const struct volume_list *l, struct report *report, struct error *e)
{
	bool told[sizeof(managers) / sizeof(*managers)] = { false };
	int rc = 0;

	for (size_t i = 0; !rc && i < l->count; i++) {
		const struct volume *v = &l->volume[i];
		const struct manager *m = manager_of(v);

		if (!m || told[m - managers])
			continue;
		told[m - managers] = true;
		rc = volume_finding(report, SEVERITY_ERROR, m->code, v->off, e,
			"partition %s (type %s) makes it %s, whose volumes may reach over several "
			"disks; hvimg does not change such disks: %s",
			v->id, v->type_id, m->name, m->fix);
	}
	return rc;
}
