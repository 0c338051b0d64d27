/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Settings through which the guest's own tools would name disks by one hypervisor's names again. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "guest/linux.h"
#include "guest/linux_names_scan.h"

/* A kind of line, and the files that may have it. */
struct setting {
	const char *path[4];
	/* Whether a line without blanks in front, no comment, is one. */
	bool (*is)(const struct guest_image *g, const char *line);
	bool comment; /* it may be made a comment */
	struct finding_text finding;
	const char *text; /* behind "line N of PATH: " */
};

static bool names_disk(const char *text)
{
	for (const char *at = text; (at = strstr(at, "/dev/")); at++) {
		char device[256];

		snprintf(device, sizeof(device), "%.*s", (int)strcspn(at, " \t\r\n\"',|]$*"), at);
		if (linux_name_is_unstable(device))
			return true;
	}
	return false;
}

static bool is_map_line(const struct guest_image *g, const char *line)
{
	(void)g;
	return line[0] == '(' && names_disk(line);
}

static bool is_uuid_switch(const struct guest_image *g, const char *line)
{
	static const char name[] = "GRUB_DISABLE_LINUX_UUID=";

	(void)g;
	if (strncmp(line, name, sizeof(name) - 1))
		return false;
	line += sizeof(name) - 1;
	line += *line == '"' || *line == '\'';
	return !strncmp(line, "true", 4);
}

static bool has_volumes(const struct guest_image *g, const char *type)
{
	for (size_t i = 0; i < g->volumes.count; i++)
		if (g->id[i].type && !strcmp(g->id[i].type, type))
			return true;
	return false;
}

/* lvm.conf(5): patterns are taken in turn, "a|...|" lets through; only one that refuses the rest
 * matters. */
static bool is_lvm_filter(const struct guest_image *g, const char *line)
{
	if (strncmp(line, "filter", 6) && strncmp(line, "global_filter", 13))
		return false;
	return has_volumes(g, "LVM2_member") && names_disk(line) && strstr(line, ".*");
}

/* mdadm.conf(5). */
static bool is_raid_device(const struct guest_image *g, const char *line)
{
	return !strncmp(line, "DEVICE", 6) && isspace((unsigned char)line[6]) &&
		has_volumes(g, "linux_raid_member") && strstr(line, "/dev/");
}

static bool is_install_device(const struct guest_image *g, const char *line)
{
	(void)g;
	return names_disk(line);
}

static const struct setting settings[] = {
	{ .path = { "/boot/grub/device.map", "/boot/grub2/device.map" },
		.is = is_map_line,
		.comment = true,
		.finding = { .code = "device-map-stale",
			.severity = SEVERITY_WARNING,
			.fixable = true,
			.fix = "hvimg inject makes it a comment; GRUB's tools then look "
			       "themselves" },
		.text = "tells GRUB's tools of a disk by a name that it does not have on every "
			"hypervisor" },
	{ .path = { "/etc/default/grub" },
		.is = is_uuid_switch,
		.comment = true,
		.finding = { .code = "grub-uuid-disabled",
			.severity = SEVERITY_WARNING,
			.fixable = true,
			.fix = "hvimg inject makes it a comment" },
		.text = "makes GRUB's next configuration name the root file system by the disk of "
			"that moment" },
	{ .path = { "/etc/lvm/lvm.conf", "/etc/lvm/lvmlocal.conf" },
		.is = is_lvm_filter,
		.finding = { .code = "lvm-filter-device",
			.severity = SEVERITY_ERROR,
			.fix = "let the filter take any disk" },
		.text = "lets LVM see only disks by names that one hypervisor gives" },
	{ .path = { "/etc/mdadm/mdadm.conf", "/etc/mdadm.conf" },
		.is = is_raid_device,
		.finding = { .code = "raid-device-named",
			.severity = SEVERITY_WARNING,
			.fix = "write \"DEVICE partitions\"" },
		.text = "lets arrays be made only of disks by names that one hypervisor gives" },
	{ .path = { "/etc/default/grub_installdevice" },
		.is = is_install_device,
		.finding = { .code = "grub-install-device",
			.severity = SEVERITY_INFO,
			.fix = "name the new disk there before GRUB is updated in a BIOS guest" },
		.text = "has GRUB's updates installed to a disk that may be called otherwise" },
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

static int line_report(const struct setting *s, const char *path, unsigned long long number,
	struct report *r, struct error *e)
{
	struct finding_text f = s->finding;

	f.path = path;
	return finding_add(r, &f, e, "line %llu of %s %s", number, path, s->text);
}

/* With a report the lines are told of, otherwise made comments. */
static int lines_each(struct guest_image *g, const struct setting *s, const char *path,
	struct report *r, struct error *e)
{
	struct buffer text = { 0 }, out = { 0 };
	unsigned long long number = 1;
	bool exists, changed = false;
	int rc = linux_text(g->tree, path, &text, &exists, e);

	for (const char *at = buffer_text(&text); *at && !rc; number++) {
		size_t len = strcspn(at, "\n");
		char *line = strndup(at + strspn(at, " \t"), len);
		bool is;

		if (!line) {
			rc = error_nomem(e, "a setting");
			break;
		}
		line[strcspn(line, "\n")] = 0;
		is = line[0] != '#' && s->is(g, line);
		free(line);
		if (is && r)
			rc = line_report(s, path, number, r, e);
		len += at[len] != 0;
		if (!rc && is && !r)
			rc = buffer_string(&out, "# ", e);
		if (!rc && !r)
			rc = buffer_append(&out, at, len, e);
		changed = changed || is;
		at += len;
	}
	if (!rc && !r && changed)
		rc = linux_put(g, path, out.data, out.len,
			"no disk by a name that one hypervisor gives", e);
	buffer_free(&out);
	buffer_free(&text);
	return rc;
}

static int settings_each(struct guest_image *g, struct report *r, struct error *e)
{
	int rc = 0;

	for (size_t i = 0; i < SETTING_COUNT && !rc; i++)
		for (size_t p = 0; settings[i].path[p] && !rc; p++)
			if (r || settings[i].comment)
				rc = lines_each(g, &settings[i], settings[i].path[p], r, e);
	return rc;
}

int linux_disk_settings_check(struct guest_image *g, struct report *r, struct error *e)
{
	return settings_each(g, r, e);
}

int linux_disk_settings_apply(struct guest_image *g, struct error *e)
{
	return settings_each(g, NULL, e);
}
