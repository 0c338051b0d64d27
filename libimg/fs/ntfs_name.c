/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of files, and which of them Windows can have ("Naming Files, Paths, and Namespaces"). */
#include "fs/ntfs_name.h"

#include <string.h>
#include <strings.h>

#include "fs/fat.h"

bool ntfs_name_read(const char *name, struct ntfs_name *out)
{
	size_t units = 0;

	if (!fat_name_read(name, out->text, &units) || !units)
		return false;
	out->units = (uint8_t)units;
	return true;
}

void ntfs_name_load(const void *units, uint8_t count, struct ntfs_name *out)
{
	const uint8_t *from = units;

	for (size_t i = 0; i < count; i++)
		out->text[i] = (uint16_t)(from[2 * i] | from[2 * i + 1] << 8);
	out->units = count;
}

void ntfs_name_store(const struct ntfs_name *name, uint8_t out[2 * NTFS_NAME_UNITS])
{
	for (size_t i = 0; i < name->units; i++) {
		out[2 * i] = (uint8_t)name->text[i];
		out[2 * i + 1] = (uint8_t)(name->text[i] >> 8);
	}
}

void ntfs_name_text(const struct ntfs_name *name, char out[NTFS_NAME_BYTES + 1])
{
	struct ntfs_name copy = *name;

	for (size_t i = 0; i < copy.units; i++)
		if (!copy.text[i])
			copy.text[i] = 0xfffd;
	fat_name_text(copy.text, copy.units, out);
}

/* A name of a device, alone or before a dot, opens the device instead. */
static bool is_device(const char *name)
{
	static const char *const devices[] = { "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$" };
	size_t len = strcspn(name, ".");

	while (len && name[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		if (strlen(devices[i]) == len && !strncasecmp(name, devices[i], len))
			return true;
	if (strncasecmp(name, "COM", 3) != 0 && strncasecmp(name, "LPT", 3) != 0)
		return false;
	if (len == 4)
		return name[3] >= '0' && name[3] <= '9';
	/* Superscript one, two and three count as digits. */
	return len == 5 &&
		(!memcmp(name + 3, "\xc2\xb9", 2) || !memcmp(name + 3, "\xc2\xb2", 2) ||
			!memcmp(name + 3, "\xc2\xb3", 2));
}

int ntfs_name_check(const char *name, struct ntfs_name *out, struct error *e)
{
	size_t len = strlen(name);

	if (!ntfs_name_read(name, out))
		return error_set(e, ERR_USAGE,
			"\"%.200s\" is no name for a file of Windows: it has 1 to %d units of "
			"UTF-16",
			name, NTFS_NAME_UNITS);
	for (const char *at = name; *at; at++)
		if ((unsigned char)*at < 0x20 || strchr("\"*/:<>?\\|", *at))
			return error_set(e, ERR_USAGE,
				"\"%.200s\": a name has no character 0x%02x in Windows", name,
				(unsigned char)*at);
	if (name[len - 1] == '.' || name[len - 1] == ' ')
		return error_set(e, ERR_USAGE,
			"\"%.200s\": a name ends with neither a dot nor a space in Windows", name);
	if (is_device(name))
		return error_set(
			e, ERR_USAGE, "\"%.200s\" is the name of a device in Windows", name);
	return 0;
}
