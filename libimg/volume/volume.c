/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The partitions of a disk, whatever table names them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zero.h"
#include "disk/mapped.h"
#include "disk/slice.h"
#include "volume/lvm.h"
#include "volume/raid.h"
#include "volume/table.h"
#include "volume/windows.h"

int volume_add(struct volume_list *l, struct disk *d, const struct volume *v, struct error *e)
{
	struct volume *all = reallocarray(l->volume, l->count + 1, sizeof(*all));
	int rc;

	if (!all)
		return error_nomem(e, "the list of volumes");
	l->volume = all;
	all[l->count] = *v;
	rc = slice_open(d, v->off, v->size, &all[l->count].disk, e);
	if (rc)
		return error_prefix(e, "volume %s", v->id);
	l->count++;
	return 0;
}

int volume_finding(struct report *r, enum severity s, const char *code, uint64_t offset,
	struct error *e, const char *format, ...)
{
	struct finding f = { .severity = s, .has_offset = true, .offset = offset };
	va_list args;
	int length;
	int rc;

	if (!r)
		return 0;
	va_start(args, format);
	length = vasprintf(&f.text, format, args);
	va_end(args);
	if (length < 0)
		return error_nomem(e, "a finding");
	f.code = strdup(code);
	rc = f.code ? report_add(r, &f, e) : error_nomem(e, "a finding");
	free(f.code);
	free(f.text);
	return rc;
}

static int add_whole(struct disk *d, struct volume_list *l, struct error *e)
{
	struct volume v = { .id = "disk", .type = "whole", .size = d->size };

	l->table = "none";
	return volume_add(l, d, &v, e);
}

static int read_tables(
	struct disk *d, struct volume_list *l, struct report *report, struct error *e)
{
	struct mbr m;
	bool found = false;
	int rc;

	if (d->size < sizeof(m))
		return add_whole(d, l, e);
	rc = disk_read(d, 0, &m, sizeof(m), e);
	if (rc)
		return error_prefix(e, "first sector");
	l->boot_code = mbr_has_magic(&m) && !bytes_are_zero(m.code, sizeof(m.code));
	/* A hybrid MBR lists partitions too; firmware and kernels that know GPT take the GPT. */
	rc = gpt_read(d, &m, l, &found, report, e);
	if (!rc && !found)
		rc = mbr_read(d, &m, l, &found, report, e);
	if (!rc && !found)
		rc = add_whole(d, l, e);
	return rc;
}

int volumes_open(struct disk *d, struct volume_list *out, struct report *report, struct error *e)
{
	struct volume_list l = { .table = "none" };
	int rc = read_tables(d, &l, report, e);

	if (!rc)
		rc = raid_report(&l, report, e);
	if (!rc)
		rc = windows_report(&l, report, e);
	if (!rc)
		rc = lvm_read(d, &l, report, e);
	if (rc)
		volumes_close(&l);
	else
		*out = l;
	return rc;
}

void volumes_close(struct volume_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++) {
		disk_close(l->volume[i].disk);
		ranges_free(&l->volume[i].unused);
	}
	free(l->volume);
	*l = (struct volume_list){ .table = "none" };
}

int volume_places(const struct volume *v, uint64_t off, uint64_t len,
	int (*each)(void *arg, uint64_t off, uint64_t len, struct error *e), void *arg,
	struct error *e)
{
	if (v->mapped)
		return mapped_places(v->disk, off, len, each, arg, e);
	return len ? each(arg, v->off + off, len, e) : 0;
}

/* The device mapper's name of "group/volume": a dash inside is doubled, one is between. */
static void dm_name(const char *id, char *out)
{
	for (; *id; id++) {
		if (*id == '-')
			*out++ = '-';
		*out++ = *id == '/' ? '-' : *id;
	}
	*out = '\0';
}

bool volume_is_path(const struct volume *v, const char *path)
{
	static const char *const before[] = { "/dev/mapper/", "/dev/disk/by-id/dm-name-" };
	static const char by_uuid[] = "/dev/disk/by-id/dm-uuid-";
	char name[2 * VOLUME_ID_SIZE];

	if (!v->mapped || strncmp(path, "/dev/", 5) != 0)
		return false;
	dm_name(v->id, name);
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		if (!strncmp(path, before[i], strlen(before[i])))
			return !strcmp(path + strlen(before[i]), name);
	if (!strncmp(path, by_uuid, strlen(by_uuid)))
		return !strcmp(path + strlen(by_uuid), v->dm_uuid);
	return !strcmp(path + 5, v->id);
}
