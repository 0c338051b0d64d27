/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image as an OVA: descriptor, manifest and disk in a tar, in the order that DSP0243 wants. */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "cloud/ovf.h"
#include "cloud/tar.h"
#include "disk/host_file.h"
#include "job/package_private.h"
#include "job/pieces.h"

enum {
	PIECE = 1 << 20,
	MODE = 0644,
	MEMORY_LINUX = 1024, /* MiB, when nobody says */
	MEMORY_OTHER = 2048,
};

struct ova {
	struct packing *p;
	struct output *file; /* the OVA */
	struct pack *tar;
	struct output *disk; /* the VMDK, in a scratch file */
	struct convert_outcome outcome;
	bool ide;
	struct buffer stem, disk_name;
};

/* Whether every kernel of the guest starts from IDE; all other guests do. */
static bool has_ide(const struct guest *g)
{
	if (!g || strcmp(g->type, "linux") != 0)
		return true;
	for (size_t i = 0; i < g->kernel_count; i++) {
		const struct kernel *k = &g->kernel[i];
		bool found = false;

		for (size_t n = 0; n < k->module_count; n++)
			found |= !strcmp(k->module[n].name, "ata_piix") &&
				k->module[n].place >= MODULE_INITRAMFS;
		if (!found)
			return false;
	}
	return g->kernel_count > 0;
}

static int controller_choose(struct ova *o, struct error *e)
{
	o->ide = has_ide(guest_image_guest(o->p->guest));
	if (o->ide)
		return 0;
	return package_note(o->p, "ova-disk-driver",
		"a kernel of the guest has no ata_piix in its initramfs, so the disk is at an LSI "
		"Logic SCSI controller, whose driver (mptspi) was not looked for",
		"have one of the two drivers in the initramfs", e);
}

/* The one property that a virtual machine has a place for. */
static int memory_take(const struct ova *o, uint64_t *out, struct error *e)
{
	const struct strings *s = &o->p->job->properties;
	const struct guest *g = guest_image_guest(o->p->guest);

	*out = g && !strcmp(g->type, "linux") ? MEMORY_LINUX : MEMORY_OTHER;
	for (size_t i = 0; i < s->count; i++) {
		const char *value = s->item[i] + strlen("min_ram=");
		char *end;

		if (strncmp(s->item[i], "min_ram=", strlen("min_ram=")) != 0)
			return error_set(e, ERR_USAGE,
				"property %.64s: an OVA takes min_ram only, which becomes the "
				"machine's memory",
				s->item[i]);
		*out = strtoull(value, &end, 10);
		if (*end || !*out || *out > INT32_MAX)
			return error_set(e, ERR_USAGE, "min_ram=%.32s: not a number from 1 to %d",
				value, INT32_MAX);
	}
	return 0;
}

static int disk_make(struct ova *o, struct error *e)
{
	const struct package_job *j = o->p->job;
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
			&c.options, o->ide ? "adapter_type=ide" : "adapter_type=lsilogic", e);
	if (!rc)
		rc = strings_add(&c.hash, "sha256", e);
	if (!rc)
		rc = output_scratch_open(j->tmpdir, &o->disk, e);
	if (!rc)
		rc = host_file_open(j->source, &watch, e);
	if (!rc)
		rc = container_write(&c, o->p->disk, watch, o->disk, &o->outcome, e);
	disk_close(watch);
	strings_free(&c.options);
	strings_free(&c.hash);
	return rc;
}

static int descriptor_make(struct ova *o, struct buffer *out, struct error *e)
{
	const struct guest_image *g = o->p->guest;
	struct ovf_facts f = {
		.name = o->p->job->name ? o->p->job->name : buffer_text(&o->stem),
		.file = buffer_text(&o->disk_name),
		.file_size = o->outcome.convert.file_size,
		.capacity = o->p->disk->size,
		.populated = o->outcome.convert.content.data_bytes,
		.uefi = guest_image_boots(g, "uefi") && !guest_image_boots(g, "bios"),
		.ide = o->ide,
		.guest = guest_image_guest(g),
	};
	int rc = memory_take(o, &f.memory, e);

	return rc ? rc : ovf_text(&f, out, e);
}

static int manifest_make(
	const struct ova *o, const struct buffer *descriptor, struct buffer *out, struct error *e)
{
	char hex[DIGEST_HEX_MAX];
	int rc = digest_bytes("sha256", descriptor->data, descriptor->len, hex, e);

	if (rc)
		return rc;
	return buffer_format(out, e, "SHA256(%s.ovf)= %s\nSHA256(%s)= %s\n", buffer_text(&o->stem),
		hex, buffer_text(&o->disk_name), o->outcome.hash.hex[0]);
}

static int header_write(struct ova *o, const char *name, uint64_t size, struct error *e)
{
	const struct tar_file f = {
		.name = name, .size = size, .mode = MODE, .time = o->p->job->time
	};
	struct buffer header = { 0 };
	int rc = tar_header(&f, &header, e);

	if (!rc)
		rc = pack_write(o->tar, header.data, header.len, e);
	buffer_free(&header);
	return rc;
}

static int zeros_write(struct ova *o, size_t len, struct error *e)
{
	static const char zeros[TAR_END];

	return len ? pack_write(o->tar, zeros, len, e) : 0;
}

static int text_write(struct ova *o, const char *ending, const struct buffer *text, struct error *e)
{
	struct buffer name = { 0 };
	int rc = buffer_format(&name, e, "%s.%s", buffer_text(&o->stem), ending);

	if (!rc)
		rc = header_write(o, buffer_text(&name), text->len, e);
	if (!rc)
		rc = pack_write(o->tar, text->data, text->len, e);
	if (!rc)
		rc = zeros_write(o, tar_padding(text->len), e);
	buffer_free(&name);
	return rc;
}

static int disk_write_member(struct ova *o, struct error *e)
{
	const struct convert_options *engine = &o->p->job->engine;
	uint64_t size = o->outcome.convert.file_size;
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? header_write(o, buffer_text(&o->disk_name), size, e)
		       : error_nomem(e, "copying");

	for (uint64_t at = 0; !rc && at < size; at += PIECE) {
		size_t len = (size_t)min_u64(PIECE, size - at);

		rc = output_read(o->disk, at, piece, len, e);
		if (!rc)
			rc = pack_write(o->tar, piece, len, e);
		if (!rc && engine->progress &&
			engine->progress(engine->progress_arg, at + len, size))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	free(piece);
	return rc ? rc : zeros_write(o, tar_padding(size), e);
}

static int members_write(struct ova *o, struct error *e)
{
	struct buffer descriptor = { 0 }, manifest = { 0 };
	uint64_t size;
	int rc = descriptor_make(o, &descriptor, e);

	if (!rc)
		rc = manifest_make(o, &descriptor, &manifest, e);
	if (!rc)
		rc = text_write(o, "ovf", &descriptor, e);
	if (!rc)
		rc = text_write(o, "mf", &manifest, e);
	if (!rc)
		rc = disk_write_member(o, e);
	if (!rc)
		rc = zeros_write(o, TAR_END, e);
	if (!rc)
		rc = pack_finish(o->tar, &size, e);
	if (!rc)
		rc = output_commit(o->file, size, e);
	buffer_free(&descriptor);
	buffer_free(&manifest);
	return rc;
}

static int names_make(struct ova *o, struct error *e)
{
	char *stem = package_stem(o->p);
	int rc = stem ? buffer_string(&o->stem, stem, e) : error_nomem(e, "a file name");

	if (!rc && !bundle_name_fits(stem))
		rc = error_set(e, ERR_UNSUPPORTED,
			"%s: a file of this name cannot be in an archive: rename it",
			o->p->job->source);
	if (!rc)
		rc = buffer_format(&o->disk_name, e, "%s-disk1.vmdk", stem);
	free(stem);
	return rc;
}

static int ova_write(struct ova *o, struct error *e)
{
	const struct package_job *j = o->p->job;
	uint64_t memory;
	int rc = output_open(j->destination, &j->output, &o->file, e);

	if (!rc)
		rc = pack_open(PACK_NONE, 1, o->file, &o->tar, e);
	if (rc)
		return error_prefix(e, "%s", j->destination);
	rc = package_open(o->p, e);
	if (!rc)
		rc = memory_take(o, &memory, e);
	if (!rc)
		rc = names_make(o, e);
	if (!rc)
		rc = controller_choose(o, e);
	if (!rc)
		rc = disk_make(o, e);
	if (rc)
		return rc;
	o->p->result->file_size = o->outcome.convert.file_size;
	rc = members_write(o, e);
	return rc ? error_prefix(e, "%s", j->destination) : 0;
}

int package_ova(struct packing *p, struct error *e)
{
	struct ova o = { .p = p };
	int rc;

	if (p->job->targets && p->job->targets->count)
		return error_set(e, ERR_USAGE,
			"an OVA is for VMware and VirtualBox, not for %s: leave the target out",
			p->job->targets->target[0].name);
	rc = ova_write(&o, e);
	pack_close(o.tar);
	output_close(o.file);
	output_close(o.disk);
	buffer_free(&o.stem);
	buffer_free(&o.disk_name);
	return rc;
}
