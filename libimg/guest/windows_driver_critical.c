/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CriticalDeviceDatabase of Windows 7 and older: which service drives a device before anything is
 * installed for it.
 */
#include "guest/windows_inject.h"

/* A key's name can't have the separator of the id. */
static int critical_key(const char *set, const char *id, struct buffer *out, struct error *e)
{
	int rc = buffer_format(out, e, "%s\\Control\\CriticalDeviceDatabase\\", set);

	for (const char *c = id; *c && !rc; c++)
		rc = buffer_append(out, *c == '\\' ? "#" : c, 1, e);
	return rc;
}

static int critical_put_id(const struct inject *in, struct hive *h, const char *key,
	const struct inf_service *s, struct error *e)
{
	int rc = hive_set_text(h, key, "Service", HIVE_SZ, s->name, in->why, e);

	return rc ? rc
		  : hive_set_text(
			    h, key, "ClassGUID", HIVE_SZ, in->package->inf.class_guid, in->why, e);
}

int driver_critical_put(const struct inject *in, struct hive *h, const char *set,
	const struct inf_device *d, const struct inf_service *s, struct error *e)
{
	struct buffer key = { 0 };
	int rc = 0;

	for (size_t i = 0; i < d->ids.count && !rc; i++) {
		buffer_free(&key);
		rc = critical_key(set, d->ids.item[i], &key, e);
		/* A compatible id is a wider one ("PCI\CC_0100"): there the guest's own driver
		 * stays. */
		if (!rc && ((i == 0 && !d->compatible_only) || !hive_has_key(h, buffer_text(&key))))
			rc = critical_put_id(in, h, buffer_text(&key), s, e);
	}
	buffer_free(&key);
	return rc;
}
