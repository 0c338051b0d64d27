/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Emergency Management Services: the boot manager's menu and Windows' Special Administration
 * Console on a serial port.
 */
#include "guest/windows_bcd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum { EMS_PORT = 1, EMS_BAUD = 115200 };

static const char why[] = "console on the first serial port";

static int bytes_set(struct hive *h, const char *object, unsigned element, const void *bytes,
	size_t len, struct error *e)
{
	uint8_t copy[8];
	const struct hive_value v = {
		.name = (char[]){ "Element" }, .type = HIVE_BINARY, .data = copy, .len = len
	};
	char key[640];

	memcpy(copy, bytes, len);
	bcd_element_key(key, sizeof(key), object, element);
	return hive_set(h, key, &v, why, e);
}

static int number_set(
	struct hive *h, const char *object, unsigned element, uint64_t n, struct error *e)
{
	const le64 bytes = put_le64(n);

	return bytes_set(h, object, element, &bytes, sizeof(bytes), e);
}

static int flag_set(struct hive *h, const char *object, unsigned element, struct error *e)
{
	return bytes_set(h, object, element, "\1", 1, e);
}

/* The boot manager has the settings by way of the global ones. */
static int settings_inherit(struct hive *h, struct error *e)
{
	struct strings list = { 0 };
	char key[640];
	int rc;

	bcd_element_key(key, sizeof(key), BCD_GLOBAL_SETTINGS, BCD_INHERIT);
	rc = hive_get_list(h, key, "Element", &list, e);
	if (rc == -ERR_NOTFOUND)
		rc = 0;
	if (!rc && !strings_have(&list, BCD_EMS_SETTINGS)) {
		rc = strings_add(&list, BCD_EMS_SETTINGS, e);
		if (!rc)
			rc = hive_set_list(h, key, "Element", &list, why, e);
	}
	strings_free(&list);
	return rc;
}

static int settings_make(struct hive *h, struct error *e)
{
	static const char description[] = "Objects\\" BCD_EMS_SETTINGS "\\Description";

	if (hive_has_key(h, "Objects\\" BCD_EMS_SETTINGS "\\Elements"))
		return 0;
	int rc = hive_set_dword(h, description, "Type", BCD_OBJECT_SETTINGS, why, e);

	return rc ? rc : settings_inherit(h, e);
}

int bcd_ems_set(struct hive *h, struct error *e)
{
	char *chosen = NULL;
	int rc = bcd_default(h, &chosen, e);

	if (!rc && !chosen)
		rc = error_set(e, ERR_NOTREADY,
			"--ems: the boot configuration names no entry that is started");
	if (!rc)
		rc = settings_make(h, e);
	if (!rc)
		rc = flag_set(h, BCD_EMS_SETTINGS, BCD_BOOT_EMS, e);
	if (!rc)
		rc = number_set(h, BCD_EMS_SETTINGS, BCD_EMS_PORT, EMS_PORT, e);
	if (!rc)
		rc = number_set(h, BCD_EMS_SETTINGS, BCD_EMS_BAUD, EMS_BAUD, e);
	if (!rc)
		rc = flag_set(h, chosen, BCD_LOADER_EMS, e);
	free(chosen);
	return rc;
}
