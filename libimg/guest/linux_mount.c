/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fstab: which file system the guest puts where.  fstab(5). */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "guest/linux.h"

enum { MOUNT_LIMIT = 64 };

/* Partition number of "/dev/vda3", "/dev/nvme0n1p3": of the first disk only, since which of the
 * others is which can't be known.  0 is the whole disk, -1 no such name. */
static long first_disk_partition(const char *name)
{
	static const char *const disks[] = { "xvda", "vda", "sda", "hda", "nvme0n1" };

	if (strncmp(name, "/dev/", 5))
		return -1;
	name += 5;
	for (size_t i = 0; i < sizeof(disks) / sizeof(disks[0]); i++) {
		size_t len = strlen(disks[i]);
		const char *rest = name + len;

		if (strncmp(name, disks[i], len))
			continue;
		if (!*rest)
			return 0;
		if (i == 4 && *rest++ != 'p')
			return -1;
		if (!isdigit((unsigned char)*rest) || strspn(rest, "0123456789") != strlen(rest) ||
			strlen(rest) > 3)
			return -1;
		return strtol(rest, NULL, 10);
	}
	return -1;
}

size_t linux_volume_of_name(const struct guest_image *g, const char *name)
{
	long partition = first_disk_partition(name);
	char id[32];

	if (partition < 0)
		return SIZE_MAX;
	if (!partition)
		return guest_volume_index(g, "disk");
	snprintf(id, sizeof(id), "p%ld", partition);
	return guest_volume_index(g, id);
}

/* What comes after `tag` or after its /dev/disk form, unquoted; NULL: `spec` is none of them. */
static const char *tagged(const char *spec, const char *tag, const char *directory)
{
	if (!strncmp(spec, tag, strlen(tag)))
		return spec + strlen(tag);
	if (!strncmp(spec, directory, strlen(directory)))
		return spec + strlen(directory);
	return NULL;
}

static bool is_value(const char *have, const char *wanted)
{
	size_t len = strlen(wanted);

	if (len > 1 && (wanted[0] == '"' || wanted[0] == '\'') && wanted[len - 1] == wanted[0]) {
		wanted++;
		len -= 2;
	}
	return *have && strlen(have) == len && !strncasecmp(have, wanted, len);
}

size_t linux_volume_of(const struct guest_image *g, const char *spec)
{
	const char *uuid = tagged(spec, "UUID=", "/dev/disk/by-uuid/");
	const char *label = tagged(spec, "LABEL=", "/dev/disk/by-label/");
	const char *part = tagged(spec, "PARTUUID=", "/dev/disk/by-partuuid/");
	const char *name = tagged(spec, "PARTLABEL=", "/dev/disk/by-partlabel/");

	for (size_t i = 0; i < g->volumes.count; i++) {
		const struct volume *v = &g->volumes.volume[i];

		if ((uuid && is_value(g->id[i].uuid, uuid)) ||
			(label && is_value(g->id[i].label, label)) ||
			(part && is_value(v->part_id, part)) || (name && is_value(v->name, name)) ||
			volume_is_path(v, spec))
			return i;
	}
	return linux_volume_of_name(g, spec);
}

/* One line of fstab that mounts something in the tree. */
struct mount {
	char *spec, *path;
	char *part; /* "subvol=@home" or "subvolid=257"; NULL: what the file system shows by itself
		     */
};

static int mount_report(struct guest_image *g, const struct mount *m, size_t index, struct error *e)
{
	const bool vital = !strcmp(m->path, "/boot") || !strcmp(m->path, "/usr");
	const struct finding_text f = { .code = vital ? "filesystem-unsupported"
						      : "volume-not-read",
		.severity = vital ? SEVERITY_ERROR : SEVERITY_INFO,
		.path = "/etc/fstab" };

	if (index == SIZE_MAX)
		return finding_add(
			&g->report, &f, e, "%s (%s) is not on this disk", m->path, m->spec);
	return finding_add(&g->report, &f, e, "%s (volume %s, %s) is not read: %s", m->path,
		g->volumes.volume[index].id, g->id[index].type ? g->id[index].type : "unknown",
		g->volume[index].problem ? g->volume[index].problem : "no known file system");
}

static int part_report(
	struct guest_image *g, const struct mount *m, const struct error *why, struct error *e)
{
	const struct finding_text f = {
		.code = "volume-not-read", .severity = SEVERITY_INFO, .path = "/etc/fstab"
	};

	return finding_add(&g->report, &f, e, "%s (%s, %s) is not read: %s", m->path, m->spec,
		m->part, why->text);
}

static int mount_one(struct guest_image *g, const struct mount *m, struct error *e)
{
	size_t index = linux_volume_of(g, m->spec);
	struct error why = { 0 };
	struct fs *fs;
	int rc;

	if (index == g->root && !m->part)
		return 0;
	if (index == SIZE_MAX || !g->volume[index].fs)
		return mount_report(g, m, index, e);
	fs = g->volume[index].fs;
	if (m->part && fs->ops->view) {
		rc = guest_view_open(g, index, m->part, &fs, &why);
		if (rc)
			return error_of_host(&why, e) ? rc : part_report(g, m, &why, e);
	}
	g->volume[index].used = true;
	return tree_mount(g->tree, m->path, fs, g->volumes.volume[index].id, e);
}

/* The subvolume that mount options name; a number counts before a path, as the kernel has it where
 * both are given and agree. */
static int part_parse(const char *options, char **out, struct error *e)
{
	static const char *const names[] = { "subvolid=", "subvol=" };
	struct strings option = { 0 };
	int rc = strings_split(&option, options, ",", e);

	for (size_t n = 0; n < 2 && !rc && !*out; n++)
		for (size_t i = 0; i < option.count && !rc && !*out; i++) {
			if (strncmp(option.item[i], names[n], strlen(names[n])) != 0)
				continue;
			*out = strdup(option.item[i]);
			if (!*out)
				rc = error_nomem(e, "fstab");
		}
	strings_free(&option);
	return rc;
}

/* Only what lies on a disk, and below the root. */
static int mount_parse(const char *line, size_t len, struct mount *out, struct error *e)
{
	struct strings field = { 0 };
	struct buffer text = { 0 };
	int rc = buffer_append(&text, line, len, e);

	*out = (struct mount){ 0 };
	if (!rc)
		rc = strings_split(&field, buffer_text(&text), " \t\r", e);
	if (!rc && field.count >= 3 && field.item[0][0] != '#' && field.item[1][0] == '/' &&
		field.item[1][1] && strcmp(field.item[2], "swap") &&
		(strchr(field.item[0], '=') || !strncmp(field.item[0], "/dev/", 5))) {
		out->spec = strdup(field.item[0]);
		out->path = strdup(field.item[1]);
		if (!out->spec || !out->path)
			rc = error_nomem(e, "fstab");
		if (!rc && field.count >= 4)
			rc = part_parse(field.item[3], &out->part, e);
	}
	strings_free(&field);
	buffer_free(&text);
	return rc;
}

/* Parents first, as systemd does whatever the order of lines. */
static int compare(const void *a, const void *b)
{
	const struct mount *left = a, *right = b;
	size_t left_len = strlen(left->path), right_len = strlen(right->path);

	return left_len == right_len   ? strcmp(left->path, right->path)
		: left_len > right_len ? 1
				       : -1;
}

int linux_mounts_load(struct guest_image *g, struct error *e)
{
	struct mount mounts[MOUNT_LIMIT] = { 0 };
	struct buffer text = { 0 };
	size_t count = 0;
	bool exists;
	int rc = linux_text(g->tree, "/etc/fstab", &text, &exists, e);

	for (const char *line = buffer_text(&text); *line && !rc && count < MOUNT_LIMIT;) {
		size_t len = strcspn(line, "\n");

		rc = mount_parse(line, len, &mounts[count], e);
		count += mounts[count].path != NULL;
		line += len + (line[len] != 0);
	}
	qsort(mounts, count, sizeof(*mounts), compare);
	for (size_t i = 0; i < count && !rc; i++)
		rc = mount_one(g, &mounts[i], e);
	for (size_t i = 0; i < MOUNT_LIMIT; i++) {
		free(mounts[i].spec);
		free(mounts[i].path);
		free(mounts[i].part);
	}
	buffer_free(&text);
	return rc;
}
