/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The partitions of a disk, whatever table names them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/zero.h"
#include "disk/slice.h"
#include "volume/table.h"

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
	for (size_t i = 0; i < l->count; i++)
		disk_close(l->volume[i].disk);
	free(l->volume);
	*l = (struct volume_list){ .table = "none" };
}
