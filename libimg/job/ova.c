/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An OVA: descriptor, manifest and disk in a tar, in the order that DSP0243 wants. */
#include "job/ova.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "cloud/ovf.h"
#include "cloud/pack.h"
#include "cloud/tar.h"

enum {
	PIECE = 1 << 20,
	MODE = 0644,
	MEMORY_LINUX = 1024, /* MiB, when nobody says */
	MEMORY_OTHER = 2048,
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

int ova_controller(const struct guest_image *g, bool *ide, struct report *notes, struct error *e)
{
	/* report_add copies. */
	static const struct finding unknown = {
		.code = (char *)(uintptr_t) "ova-disk-driver",
		.severity = SEVERITY_WARNING,
		.text = (char *)(uintptr_t) "a kernel of the guest has no ata_piix in its "
					    "initramfs, "
					    "so the disk is at an LSI Logic SCSI controller, whose "
					    "driver (mptspi) was not looked for",
		.fix = (char *)(uintptr_t) "have one of the two drivers in the initramfs",
	};

	*ide = has_ide(guest_image_guest(g));
	return *ide ? 0 : report_add(notes, &unknown, e);
}

int ova_memory(const struct strings *properties, uint64_t *out, struct error *e)
{
	*out = 0;
	for (size_t i = 0; i < properties->count; i++) {
		const char *text = properties->item[i];
		const char *value = text + strlen("min_ram=");
		char *end;

		if (strncmp(text, "min_ram=", strlen("min_ram=")) != 0)
			return error_set(e, ERR_USAGE,
				"property %.64s: an OVA takes min_ram only, which becomes the "
				"machine's memory",
				text);
		*out = strtoull(value, &end, 10);
		if (*end || !*out || *out > INT32_MAX)
			return error_set(e, ERR_USAGE, "min_ram=%.32s: not a number from 1 to %d",
				value, INT32_MAX);
	}
	return 0;
}

static uint64_t memory_usual(const struct guest *g)
{
	return g && !strcmp(g->type, "linux") ? MEMORY_LINUX : MEMORY_OTHER;
}

static int descriptor_make(const struct ova *o, struct buffer *out, struct error *e)
{
	const struct guest *guest = guest_image_guest(o->guest);
	struct ovf_facts f = {
		.name = o->name,
		.file = o->disk_name,
		.file_size = o->disk->size,
		.capacity = o->capacity,
		.populated = o->populated,
		.memory = o->memory ? o->memory : memory_usual(guest),
		.uefi = guest_image_boots(o->guest, "uefi") && !guest_image_boots(o->guest, "bios"),
		.ide = o->ide,
		.guest = guest,
	};

	return ovf_text(&f, out, e);
}

static int manifest_make(
	const struct ova *o, const struct buffer *descriptor, struct buffer *out, struct error *e)
{
	char hex[DIGEST_HEX_MAX];
	int rc = digest_bytes("sha256", descriptor->data, descriptor->len, hex, e);

	return rc ? rc
		  : buffer_format(out, e, "SHA256(%s.ovf)= %s\nSHA256(%s)= %s\n", o->stem, hex,
			    o->disk_name, o->sha256);
}

static int header_write(
	const struct ova *o, struct pack *tar, const char *name, uint64_t size, struct error *e)
{
	const struct tar_file f = { .name = name, .size = size, .mode = MODE, .time = o->time };
	struct buffer header = { 0 };
	int rc = tar_header(&f, &header, e);

	if (!rc)
		rc = pack_write(tar, header.data, header.len, e);
	buffer_free(&header);
	return rc;
}

static int zeros_write(struct pack *tar, size_t len, struct error *e)
{
	static const char zeros[TAR_END];

	return len ? pack_write(tar, zeros, len, e) : 0;
}

static int text_write(const struct ova *o, struct pack *tar, const char *ending,
	const struct buffer *text, struct error *e)
{
	struct buffer name = { 0 };
	int rc = buffer_format(&name, e, "%s.%s", o->stem, ending);

	if (!rc)
		rc = header_write(o, tar, buffer_text(&name), text->len, e);
	if (!rc)
		rc = pack_write(tar, text->data, text->len, e);
	if (!rc)
		rc = zeros_write(tar, tar_padding(text->len), e);
	buffer_free(&name);
	return rc;
}

static int disk_write_member(const struct ova *o, struct pack *tar, struct error *e)
{
	const struct convert_options *engine = o->engine;
	uint64_t size = o->disk->size;
	uint8_t *piece = malloc(PIECE);
	int rc = piece ? header_write(o, tar, o->disk_name, size, e) : error_nomem(e, "copying");

	for (uint64_t at = 0; !rc && at < size; at += PIECE) {
		size_t len = (size_t)min_u64(PIECE, size - at);

		rc = disk_read(o->disk, at, piece, len, e);
		if (!rc)
			rc = pack_write(tar, piece, len, e);
		if (!rc && engine->progress &&
			engine->progress(engine->progress_arg, at + len, size))
			rc = error_set(e, ERR_CANCELLED, "cancelled");
	}
	free(piece);
	return rc ? rc : zeros_write(tar, tar_padding(size), e);
}

static int members_write(const struct ova *o, struct pack *tar, uint64_t *size, struct error *e)
{
	struct buffer descriptor = { 0 }, manifest = { 0 };
	int rc = descriptor_make(o, &descriptor, e);

	if (!rc)
		rc = manifest_make(o, &descriptor, &manifest, e);
	if (!rc)
		rc = text_write(o, tar, "ovf", &descriptor, e);
	if (!rc)
		rc = text_write(o, tar, "mf", &manifest, e);
	if (!rc)
		rc = disk_write_member(o, tar, e);
	if (!rc)
		rc = zeros_write(tar, TAR_END, e);
	if (!rc)
		rc = pack_finish(tar, size, e);
	buffer_free(&descriptor);
	buffer_free(&manifest);
	return rc;
}

int ova_write(const struct ova *o, struct output *file, uint64_t *size, struct error *e)
{
	struct pack *tar = NULL;
	int rc = pack_open(PACK_NONE, 1, file, &tar, e);

	if (!rc)
		rc = members_write(o, tar, size, e);
	pack_close(tar);
	return rc;
}
