/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "guest/windows_inject.h"
#include "guest/windows_package_version.h"

/* Days from 1601-01-01 to a date of the Gregorian calendar. */
static uint64_t days_since_1601(unsigned year, unsigned month, unsigned day)
{
	static const unsigned before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
	unsigned years = year - 1601;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (uint64_t)years * 365 + years / 4 - years / 100 + years / 400 + before[month - 1] +
		(leap && month > 2) + day - 1;
}

static uint64_t inf_filetime(const struct inf *inf)
{
	const uint64_t ticks_per_day = UINT64_C(864000000000);

	if (!inf->day || inf->month < 1 || inf->month > 12 || inf->year < 1601)
		return 0;
	return days_since_1601(inf->year, inf->month, inf->day) * ticks_per_day;
}

int driver_version_blob(const struct inf *inf, enum inf_arch arch, uint8_t out[DRIVER_VERSION_SIZE],
	struct error *e)
{
	struct windows_package_version b = { .always_ff = 0xff,
		.arch = put_le16(windows_arch_number(arch)) };

	if (!inf->class_guid || !guid_parse(inf->class_guid, &b.class_guid))
		return error_set(e, ERR_CORRUPT, "ClassGUID \"%s\" is no GUID",
			inf->class_guid ? inf->class_guid : "");
	b.date = put_le64(inf_filetime(inf));
	for (size_t i = 0; i < 4; i++)
		b.version[i] = put_le16(inf->version[3 - i]);
	memcpy(out, &b, sizeof(b));
	return 0;
}

/* "10.0.19041.1"; false: no such number. */
static bool version_parse(const char *text, unsigned long out[4])
{
	char *end = NULL;

	for (size_t i = 0; i < 4; i++) {
		if (*text < '0' || *text > '9')
			return false;
		out[i] = strtoul(text, &end, 10);
		if (i < 3 && *end != '.')
			return false;
		text = end + 1;
	}
	return true;
}

static bool is_higher(const char *a, const char *b)
{
	unsigned long left[4], right[4];

	if (!a || !b || !version_parse(a, left) || !version_parse(b, right))
		return false;
	for (size_t i = 0; i < 4; i++)
		if (left[i] != right[i])
			return left[i] > right[i];
	return false;
}

int driver_is_newer(
	struct guest_image *g, const char *guest, const char *staged, bool *newer, struct error *e)
{
	char *old = NULL, *brought = NULL;
	int rc = windows_file_version(g, guest, &old, e);

	if (!rc)
		rc = windows_file_version(g, staged, &brought, e);
	if (!rc)
		*newer = is_higher(old, brought);
	free(old);
	free(brought);
	return rc;
}
