/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /dev/vda3 is /dev/sda3 on another hypervisor, and on Hyper-V not even that is sure, since disks
 * are probed in parallel. Only the name itself is replaced, everything around it stays byte for
 * byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/linux_names_files.h"

enum { NAME_LIMIT = 4096 };

static size_t partition_volume(const struct guest_image *g, unsigned number)
{
	char id[32];

	snprintf(id, sizeof(id), "p%u", number);
	return guest_volume_index(g, id);
}

/* The link that names the root file system names the disk that is here. */
static int disk_link_add(void *arg, const struct name_found *n, struct error *e)
{
	struct names *s = arg;
	char *device = n->root ? strndup(n->device, n->len) : NULL;
	size_t disk_len = 0;
	unsigned number;
	int rc = 0;

	if (!n->root)
		return 0;
	if (!device)
		return error_nomem(e, "a device name");
	number = linux_link_partition(device, &disk_len);
	device[disk_len] = 0;
	if (number && partition_volume(s->g, number) == s->g->root)
		rc = strings_add_new(&s->disk, device, e);
	free(device);
	return rc;
}

size_t linux_names_volume(const struct names *s, const char *device)
{
	size_t index = linux_volume_of_name(s->g, device);
	size_t disk_len = 0;
	unsigned number = linux_link_partition(device, &disk_len);

	if (index != SIZE_MAX)
		return index;
	if (!strncmp(device, "/dev/mmcblk0p", 13))
		return partition_volume(s->g, (unsigned)strtoul(device + 13, NULL, 10));
	for (size_t i = 0; number && i < s->disk.count; i++)
		if (strlen(s->disk.item[i]) == disk_len &&
			!strncmp(s->disk.item[i], device, disk_len))
			return partition_volume(s->g, number);
	return SIZE_MAX;
}

/* What means the same file system; NULL: not known.  Without an initramfs only the kernel's own
 * PARTUUID= works. */
static int stable_find(const struct names *s, const struct name_found *n, const char *device,
	char **out, struct error *e)
{
	const struct guest_image *g = s->g;
	size_t index = linux_names_volume(s, device);
	bool partuuid = false;
	const char *kind, *value;

	*out = NULL;
	if (index == SIZE_MAX || s->file->frozen)
		return 0;
	partuuid = !g->id[index].uuid[0];
	for (size_t i = 0; n->command_line && i < g->guest.kernel_count; i++)
		partuuid = partuuid || !g->guest.kernel[i].initramfs;
	value = partuuid ? g->volumes.volume[index].part_id : g->id[index].uuid;
	if (!*value)
		return 0;
	if (n->path_only)
		kind = partuuid ? "/dev/disk/by-partuuid/" : "/dev/disk/by-uuid/";
	else
		kind = partuuid ? "PARTUUID=" : "UUID=";
	if (asprintf(out, "%s%s", kind, value) >= 0)
		return 0;
	*out = NULL;
	return error_nomem(e, "a device name");
}

static int name_append(struct guest *g, const struct device_name *d, struct error *e)
{
	struct device_name *bigger = reallocarray(
		g->device_name, g->device_name_count + 1, sizeof(*bigger));

	if (!bigger)
		return error_nomem(e, "device names");
	g->device_name = bigger;
	bigger[g->device_name_count++] = *d;
	return 0;
}

static int name_collect(void *arg, const struct name_found *n, struct error *e)
{
	struct names *s = arg;
	struct device_name d = { .path = strdup(s->file->path),
		.line = n->line,
		.device = strndup(n->device, n->len),
		.required = n->required };
	int rc = d.path && d.device ? 0 : error_nomem(e, "device names");

	if (!rc && s->g->guest.device_name_count == NAME_LIMIT)
		rc = error_set(
			e, ERR_RANGE, "%s: more than %d device names", s->file->path, NAME_LIMIT);
	if (!rc)
		rc = stable_find(s, n, d.device, &d.stable, e);
	/* A place to resume from that is not there is told of as such. */
	if (!rc && !(n->resume && linux_names_volume(s, d.device) == SIZE_MAX)) {
		rc = name_append(&s->g->guest, &d, e);
		if (!rc)
			return 0;
	}
	free(d.path);
	free(d.device);
	free(d.stable);
	return rc;
}

struct rewrite {
	struct names *names;
	const char *copied; /* the text up to here is in `out` */
	struct buffer out;
	size_t changes;
};

static int name_rewrite(void *arg, const struct name_found *n, struct error *e)
{
	struct rewrite *r = arg;
	char *device = strndup(n->device, n->len);
	char *stable = NULL;
	int rc = device ? stable_find(r->names, n, device, &stable, e) : error_nomem(e, "a name");

	if (!rc && stable) {
		rc = buffer_append(&r->out, r->copied, (size_t)(n->device - r->copied), e);
		if (!rc)
			rc = buffer_string(&r->out, stable, e);
		r->copied = n->device + n->len;
		r->changes++;
	}
	free(device);
	free(stable);
	return rc;
}

/* The text with stable names; empty when it has only such. */
static int text_rewrite(struct names *s, struct buffer *out, struct error *e)
{
	struct buffer text = { 0 };
	struct rewrite r = { .names = s };
	int rc = linux_name_file_read(s->file, &text, e);
	size_t used;

	r.copied = buffer_text(&text);
	if (!rc)
		rc = linux_names_scan(s->file->syntax, buffer_text(&text), name_rewrite, &r, e);
	used = (size_t)(r.copied - buffer_text(&text));
	if (!rc && r.changes)
		rc = buffer_append(&r.out, r.copied, text.len - used, e);
	buffer_free(&text);
	if (rc)
		buffer_free(&r.out);
	else
		*out = r.out;
	return rc;
}

static int file_rewrite(struct names *s, struct error *e)
{
	struct buffer text = { 0 };
	int rc = text_rewrite(s, &text, e);

	if (!rc && text.len)
		rc = linux_name_file_write(
			s->file, &text, "names of disks that hold on any hypervisor", e);
	buffer_free(&text);
	return rc;
}

static int file_scan(struct names *s, name_visit visit, struct error *e)
{
	struct buffer text = { 0 };
	int rc = linux_name_file_read(s->file, &text, e);

	if (!rc)
		rc = linux_names_scan(s->file->syntax, buffer_text(&text), visit, s, e);
	buffer_free(&text);
	return rc;
}

/* An environment block that has no room for the longer names stays as it is. */
static int file_check_room(struct names *s, struct name_file *file, struct error *e)
{
	struct buffer text = { 0 };
	bool fits = true;
	int rc = file->environment ? text_rewrite(s, &text, e) : 0;

	if (!rc && text.len)
		rc = linux_name_file_fits(file, &text, &fits, e);
	file->frozen = file->frozen || !fits;
	buffer_free(&text);
	return rc;
}

int linux_names_open(struct guest_image *g, struct names *out, struct error *e)
{
	struct names s = { .g = g };
	int rc = linux_name_files_find(g, &s.files, e);

	for (size_t i = 0; i < s.files.count && !rc; i++) {
		s.file = &s.files.file[i];
		rc = file_scan(&s, disk_link_add, e);
	}
	for (size_t i = 0; i < s.files.count && !rc; i++) {
		s.file = &s.files.file[i];
		rc = file_check_room(&s, &s.files.file[i], e);
	}
	if (rc)
		linux_names_close(&s);
	else
		*out = s;
	return rc;
}

void linux_names_close(struct names *s)
{
	strings_free(&s->disk);
	linux_name_files_free(&s->files);
}

static int names_each(struct guest_image *g, bool write, struct error *e)
{
	struct names s = { .files.esp.index = SIZE_MAX };
	int rc = linux_names_open(g, &s, e);

	for (size_t i = 0; i < s.files.count && !rc; i++) {
		s.file = &s.files.file[i];
		rc = write ? file_rewrite(&s, e) : file_scan(&s, name_collect, e);
	}
	linux_names_close(&s);
	return rc;
}

int linux_names_load(struct guest_image *g, struct error *e)
{
	return names_each(g, false, e);
}

int linux_names_apply(struct guest_image *g, struct error *e)
{
	int rc = names_each(g, true, e);

	if (!rc)
		rc = linux_resume_apply(g, e);
	if (!rc)
		rc = linux_disk_settings_apply(g, e);
	return rc;
}
