/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/root_disk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "disk/empty.h"
#include "disk/host_file.h"
#include "disk/overlay.h"
#include "disk/slice.h"
#include "fs/ext_make.h"
#include "fs/fat_make.h"
#include "guest/linux_boot.h"
#include "guest/root_unpack.h"
#include "job/root_disk_private.h"
#include "volume/gpt_make.h"

/*
 * As Debian's cloud images are laid out: the root file system is partition 1 and the last on the
 * disk, so that growpart and cloud-init make it as big as the disk.
 */
enum {
	SECTOR = 512,
	MIB = 1 << 20,
	BIOS_OFF = 1 * MIB,
	ESP_OFF = 4 * MIB,
	ROOT_OFF = 128 * MIB,
	ROOT_MIN = 64 * MIB,
	BOOT_ROOM = 32 * MIB, /* of the root file system, for what starts it */
	SIZE_STEP = 64 * MIB, /* of a size that is named */
	OVERLAY_MEMORY = 16 << 20,
	DIGEST_PIECE = 1 << 20,
};

#define ROOT_MAX (UINT64_C(16) << 40) /* bytes: of an ext4 in 4 KiB blocks with a resize inode */

static const char bios_type[] = "21686148-6449-6e6f-744e-656564454649";
static const char esp_type[] = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

struct making {
	const struct root_disk_job *job;
	struct root_disk *out;
	struct report *notes;
	uint8_t digest[FAST_DIGEST_SIZE]; /* of the tar, size and time */
	struct disk *root_part, *esp_part;
	struct fs *root, *esp;
	uint64_t root_size;
	char root_partuuid[GUID_TEXT_SIZE];
};

/* Identifiers differ where anything differs, and are the same again for the same. */
static int digest_make(struct making *m, struct error *e)
{
	uint8_t sum[2 * FAST_DIGEST_SIZE] = { 0 }, *piece = malloc(DIGEST_PIECE);
	const le64 how[2] = { put_le64(m->job->disk_size), put_le64((uint64_t)m->job->time) };
	struct disk *tar = NULL;
	int rc = piece ? host_file_open(m->job->tar, &tar, e) : error_nomem(e, "a digest");

	fast_digest(how, sizeof(how), sum);
	for (uint64_t off = 0, len; !rc && off < tar->size; off += len) {
		len = min_u64(DIGEST_PIECE, tar->size - off);
		rc = disk_read(tar, off, piece, (size_t)len, e);
		if (!rc)
			fast_digest(piece, (size_t)len, sum + FAST_DIGEST_SIZE);
		if (!rc)
			fast_digest(sum, sizeof(sum), sum);
	}
	memcpy(m->digest, sum, sizeof(m->digest));
	disk_close(tar);
	free(piece);
	return rc;
}

static int size_check(struct making *m, struct error *e)
{
	const uint64_t size = m->job->disk_size;
	const uint64_t least = (uint64_t)ROOT_OFF + ROOT_MIN + MIB;

	if (size % SECTOR)
		return error_set(e, ERR_USAGE, "a disk of %" PRIu64 " bytes, no multiple of %d",
			size, SECTOR);
	if (size < least)
		return error_set(e, ERR_USAGE,
			"a disk of %" PRIu64 " bytes; one that starts has %" PRIu64 "M at least",
			size, least / MIB);
	if (size > ROOT_MAX)
		return error_set(e, ERR_USAGE, "a disk of %" PRIu64 " bytes; at most %" PRIu64 "T",
			size, (uint64_t)ROOT_MAX >> 40);
	return 0;
}

static int disk_open(struct making *m, struct error *e)
{
	struct root_disk *d = m->out;
	int rc = empty_disk_open(m->job->disk_size, &d->empty, e);

	if (!rc)
		rc = overlay_open(d->empty, m->job->tmpdir, OVERLAY_MEMORY, &d->disk, e);
	if (rc)
		return rc;
	m->root_size = (d->disk->size - gpt_make_tail(d->disk)) / MIB * MIB - ROOT_OFF;
	rc = slice_open(d->disk, ROOT_OFF, m->root_size, &m->root_part, e);
	return rc ? rc : slice_open(d->disk, ESP_OFF, ROOT_OFF - ESP_OFF, &m->esp_part, e);
}

static uint32_t esp_id(const struct making *m)
{
	const struct guid g = guid_derive(m->digest, "esp volume");
	le32 id;

	memcpy(&id, g.b, sizeof(id));
	return get_le32(id);
}

static int file_systems_make(struct making *m, struct error *e)
{
	const struct fs_options o = { .write = true, .tmpdir = m->job->tmpdir };
	const struct ext_make ext = { .uuid = guid_derive(m->digest, "root file system"),
		.hash_seed = guid_derive(m->digest, "root directory hash"),
		.time = m->job->time };
	int rc = ext_make(m->root_part, &ext, e);

	if (!rc)
		rc = fat_make(m->esp_part, esp_id(m), ESP_OFF / SECTOR, e);
	if (!rc)
		rc = fs_open_with(m->root_part, &o, &m->root, e);
	return rc ? rc : fs_open_with(m->esp_part, &o, &m->esp, e);
}

/* A disk of which the root file system has room for that; 0: none that hvimg makes. */
static uint64_t size_enough(const struct root_size *need)
{
	uint64_t size = ROOT_MIN, room;

	while (size <= ROOT_MAX) {
		room = size - min_u64(size, ext_make_overhead(size) + BOOT_ROOM);
		if (room >= need->bytes && size / EXT_MAKE_INODE_RATIO >= need->nodes + MIB / 1024)
			return round_up(size + ROOT_OFF + MIB, SIZE_STEP);
		size += max_u64(SIZE_STEP / 4, size / 64 / MIB * MIB);
	}
	return 0;
}

static int tar_unpack(struct making *m, struct error *e)
{
	const struct root_unpack u = { .tar = m->job->tar,
		.root = m->root,
		.time = m->job->time,
		.notes = m->notes,
		.progress = m->job->engine.progress,
		.progress_arg = m->job->engine.progress_arg };
	struct root_size need;
	struct error why;
	bool full;
	int rc = root_unpack(&u, &need, &full, e);
	uint64_t enough;

	if (!rc || !full)
		return rc;
	why = *e;
	enough = size_enough(&need);
	if (!enough)
		return error_set(e, ERR_RANGE, "%.800s; no disk is big enough", why.text);
	return error_set(e, ERR_RANGE,
		"%.800s; a disk-size of %" PRIu64 "M is enough for the whole tar", why.text,
		enough / MIB);
}

static int table_write(struct making *m, struct error *e)
{
	const struct guid root_id = guid_derive(m->digest, "root partition");
	const char *root_type;
	int rc = root_disk_type(m->root, &root_type, e);
	const struct gpt_partition parts[] = {
		{ 1, root_type, "root", root_id, ROOT_OFF, m->root_size },
		{ 14, bios_type, "bios", guid_derive(m->digest, "bios partition"), BIOS_OFF,
			ESP_OFF - BIOS_OFF },
		{ 15, esp_type, "esp", guid_derive(m->digest, "esp partition"), ESP_OFF,
			ROOT_OFF - ESP_OFF },
	};

	guid_text(root_id, m->root_partuuid);
	return rc ? rc
		  : gpt_make(m->out->disk, guid_derive(m->digest, "disk"), parts,
			    sizeof(parts) / sizeof(parts[0]), e);
}

static int boot_install(struct making *m, struct error *e)
{
	char esp_uuid[FAT_MAKE_ID_SIZE];
	const struct linux_boot b = { .disk = m->out->disk,
		.bios_off = BIOS_OFF,
		.bios_size = ESP_OFF - BIOS_OFF,
		.root = m->root,
		.esp = m->esp,
		.root_uuid = m->root->uuid,
		.esp_uuid = esp_uuid,
		.root_partuuid = m->root_partuuid,
		.mtime = m->job->time,
		.tmpdir = m->job->tmpdir };
	int rc;

	fat_make_id_text(esp_id(m), esp_uuid);
	rc = linux_boot_install(&b, m->notes, e);
	if (!rc)
		rc = fs_sync(m->root, e);
	return rc ? rc : fs_sync(m->esp, e);
}

static int make(struct making *m, struct error *e)
{
	int rc = size_check(m, e);

	if (!rc)
		rc = digest_make(m, e);
	if (!rc)
		rc = disk_open(m, e);
	if (!rc)
		rc = file_systems_make(m, e);
	if (!rc)
		rc = tar_unpack(m, e);
	if (!rc)
		rc = table_write(m, e);
	if (!rc)
		rc = boot_install(m, e);
	return rc;
}

int root_disk_make(
	const struct root_disk_job *j, struct root_disk *out, struct report *notes, struct error *e)
{
	struct root_disk made = { 0 };
	struct making m = { .job = j, .out = &made, .notes = notes };
	int rc = make(&m, e);

	fs_close(m.esp);
	fs_close(m.root);
	disk_close(m.esp_part);
	disk_close(m.root_part);
	if (!rc)
		rc = overlay_freeze(made.disk, e);
	if (rc)
		root_disk_close(&made);
	else
		*out = made;
	return rc;
}

void root_disk_close(struct root_disk *d)
{
	disk_close(d->disk);
	disk_close(d->empty);
	*d = (struct root_disk){ 0 };
}
