/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image as an OVA. */
#include <stdlib.h>

#include "disk/host_file.h"
#include "job/ova.h"
#include "job/package_private.h"
#include "job/pieces.h"

/* On the way. */
struct appliance {
	struct packing *p;
	struct output *file; /* the OVA */
	struct output *disk; /* the VMDK, in a scratch file */
	struct convert_outcome outcome;
	struct ova ova;
	struct buffer stem, disk_name;
};

static int disk_make(struct appliance *a, struct error *e)
{
	const struct package_job *j = a->p->job;
	struct convert_job c = {
		.source = j->source,
		.destination = j->destination,
		.reflink = REFLINK_NEVER,
		.tmpdir = j->tmpdir,
		.engine = j->engine,
	};
	struct disk *watch = NULL;
	int rc = format_named("vmdk", &c.format, e);

	if (!rc)
		rc = strings_add(
			&c.options, a->ova.ide ? "adapter_type=ide" : "adapter_type=lsilogic", e);
	if (!rc)
		rc = strings_add(&c.hash, "sha256", e);
	if (!rc)
		rc = output_scratch_open(j->tmpdir, &a->disk, e);
	if (!rc)
		rc = host_file_open(j->source, &watch, e);
	if (!rc)
		rc = container_write(&c, a->p->disk, watch, a->disk, &a->outcome, e);
	disk_close(watch);
	strings_free(&c.options);
	strings_free(&c.hash);
	return rc;
}

static int names_make(struct appliance *a, struct error *e)
{
	char *stem = package_stem(a->p);
	int rc = stem ? buffer_string(&a->stem, stem, e) : error_nomem(e, "a file name");

	if (!rc && !bundle_name_fits(stem))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s: a file of this name cannot be in an archive: rename it",
			a->p->job->source);
	if (!rc)
		rc = buffer_format(&a->disk_name, e, "%s-disk1.vmdk", stem);
	free(stem);
	return rc;
}

/* The disk is read back, by whatever name this process has for it. */
static int archive_write(struct appliance *a, struct error *e)
{
	const struct package_job *j = a->p->job;
	struct buffer path = { 0 };
	struct disk *disk = NULL;
	uint64_t size;
	int rc = output_reopen_path(a->disk, a->outcome.convert.file_size, &path, e);

	if (!rc)
		rc = host_file_open(buffer_text(&path), &disk, e);
	a->ova.stem = buffer_text(&a->stem);
	a->ova.disk_name = buffer_text(&a->disk_name);
	a->ova.name = j->name ? j->name : a->ova.stem;
	a->ova.disk = disk;
	a->ova.sha256 = a->outcome.hash.hex[0];
	a->ova.capacity = a->p->disk->size;
	a->ova.populated = a->outcome.convert.content.data_bytes;
	a->ova.guest = a->p->guest;
	a->ova.time = j->time;
	a->ova.engine = &j->engine;
	if (!rc)
		rc = ova_write(&a->ova, a->file, &size, e);
	if (!rc)
		rc = output_commit(a->file, size, e);
	disk_close(disk);
	buffer_free(&path);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

static int appliance_make(struct appliance *a, struct error *e)
{
	const struct package_job *j = a->p->job;
	int rc = output_open(j->destination, &j->output, &a->file, e);

	if (rc)
		return error_prefix(e, "%s", j->destination);
	rc = package_open(a->p, e);
	if (!rc)
		rc = ova_memory(&j->properties, &a->ova.memory, e);
	if (!rc)
		rc = names_make(a, e);
	if (!rc)
		rc = ova_controller(a->p->guest, &a->ova.ide, &a->p->result->findings, e);
	if (!rc)
		rc = disk_make(a, e);
	if (rc)
		return rc;
	a->p->result->file_size = a->outcome.convert.file_size;
	return archive_write(a, e);
}

int package_ova(struct packing *p, struct error *e)
{
	struct appliance a = { .p = p };
	int rc;

	if (p->job->targets && p->job->targets->count)
		return error_set(e, ERR_USAGE,
			"an OVA is for VMware and VirtualBox, not for %s: leave the target out",
			p->job->targets->target[0].name);
	rc = appliance_make(&a, e);
	output_close(a.file);
	output_close(a.disk);
	buffer_free(&a.stem);
	buffer_free(&a.disk_name);
	return rc;
}
