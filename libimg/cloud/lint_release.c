/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/lint.h"

/* Glance's major versions by the release of OpenStack that they belong to. */
static const struct {
	unsigned glance;
	const char *number, *name;
} releases[] = {
	{ 17, "", "rocky" },
	{ 18, "", "stein" },
	{ 19, "", "train" },
	{ 20, "", "ussuri" },
	{ 21, "", "victoria" },
	{ 22, "", "wallaby" },
	{ 23, "", "xena" },
	{ 24, "", "yoga" },
	{ 25, "", "zed" },
	{ 26, "2023.1", "antelope" },
	{ 27, "2023.2", "bobcat" },
	{ 28, "2024.1", "caracal" },
	{ 29, "2024.2", "dalmatian" },
	{ 30, "2025.1", "epoxy" },
	{ 31, "2025.2", "flamingo" },
	{ 32, "2026.1", "gazpacho" },
	{ 33, "2026.2", "hibiscus" },
};
enum { RELEASES = sizeof(releases) / sizeof(*releases) };

unsigned lint_newest(void)
{
	return releases[RELEASES - 1].glance;
}

int lint_release(const char *text, unsigned *glance, struct error *e)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	bool number = *text >= '0' && *text <= '9' && !*end;

	for (size_t i = 0; i < RELEASES; i++)
		if ((number && n == releases[i].glance) ||
			(*releases[i].number && !strcmp(text, releases[i].number)) ||
			!strcasecmp(text, releases[i].name)) {
			*glance = releases[i].glance;
			return 0;
		}
	return error_set(e, ERR_USAGE,
		"%.64s: no Glance that is known here: %u to %u, or a release from %s to %s", text,
		releases[0].glance, lint_newest(), releases[0].name, releases[RELEASES - 1].name);
}
