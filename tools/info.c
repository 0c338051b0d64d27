/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg info: what a container says of itself. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "disk/chain.h"
#include "disk/host_file.h"
#include "disk/image.h"
#include "disk/lookup.h"
#include "tools/command.h"
#include "tools/text.h"

struct info_settings {
	struct common common;
	const char *format, *allow_parent;
};

enum { DATE_TEXT = 40 };

struct facts {
	const char *path;
	const struct format *format;
	const struct disk *disk;
	struct image_info image;
	struct chain chain;
	uint64_t file_size, disk_usage, allocated;
	bool parent_found;
};

/* Guest bytes that the container itself holds something for. */
static int count_stored(const struct format *format, struct disk *d, uint64_t *out, struct error *e)
{
	struct extent extent;
	int rc;

	if (format->allocated)
		return format->allocated(d, out, e);
	*out = 0;
	for (uint64_t off = 0; off < d->size; off += extent.length) {
		rc = disk_extent(d, off, &extent, e);
		if (rc)
			return rc;
		if (!extent.length)
			break;
		if (extent.stored && !extent.depth)
			*out += extent.length;
	}
	return 0;
}

static int read_host(struct facts *f, struct error *e)
{
	struct disk *file;
	struct stat st;
	int rc;

	if (stat(f->path, &st))
		return error_errno(e, errno, "%s", f->path);
	f->disk_usage = (uint64_t)st.st_blocks * 512;
	rc = host_file_open(f->path, &file, e);
	if (rc)
		return rc;
	f->file_size = file->size;
	disk_close(file);
	return 0;
}

/* Whether the parent is where it could be read from: elsewhere nobody looks, so that an image can't
 * be used to find out which files a host has. */
static int find_parent(const char *image, const char *parent, const char *allow_parent, bool *found,
	struct error *e)
{
	const char *slash = strrchr(image, '/');
	struct buffer folder = { 0 };
	struct lookup l;
	struct error why = { 0 };
	int rc = allow_parent && *allow_parent ? buffer_string(&folder, allow_parent, e)
		: slash ? buffer_append(&folder, image, (size_t)(slash - image) + 1, e)
			: buffer_string(&folder, ".", e);

	if (!rc)
		*found = !lookup_open(image, buffer_text(&folder), parent, false, &l, &why);
	if (!rc && *found)
		lookup_close(&l);
	buffer_free(&folder);
	return rc ? rc : error_of_host(&why, e);
}

/* An image has other images in its chain by way of its parent only. */
static bool opened_parent(const struct chain *c)
{
	for (size_t i = 1; i < c->count; i++)
		if (c->link[i].format)
			return true;
	return false;
}

static json_t *identifiers_json(const struct strings *pairs)
{
	json_t *object = json_object();

	for (size_t i = 0; i < pairs->count; i++) {
		const char *equals = strchr(pairs->item[i], '=');

		if (equals &&
			json_object_setn_new(object, pairs->item[i],
				(size_t)(equals - pairs->item[i]), text_json(equals + 1))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *parent_json(const struct facts *f)
{
	if (!f->image.parent_path)
		return json_null();
	return json_pack("{s:o,s:o,s:b}", "path", text_json(f->image.parent_path), "identifier",
		text_json(f->image.parent_identifier), "found", f->parent_found);
}

/* The images that were opened, this one first; data files are no images. */
static json_t *chain_json(const struct facts *f)
{
	json_t *all = json_array();

	for (size_t i = 0; i < f->chain.count; i++) {
		const struct chain_link *l = &f->chain.link[i];

		if (l->format)
			json_add(&all,
				json_pack("{s:o,s:s,s:o}", "path", text_json(l->path), "format",
					l->format->name, "virtual_size", number_json(l->size)));
	}
	return all;
}

/* The date as people and scripts read it, in UTC. */
static void date_text(uint64_t date, char text[DATE_TEXT])
{
	time_t seconds = (time_t)date;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) || !strftime(text, DATE_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, DATE_TEXT, "-");
}

static json_t *snapshots_json(const struct image_info *info)
{
	json_t *all = json_array();
	char date[DATE_TEXT];

	for (size_t i = 0; i < info->snapshots_listed; i++) {
		const struct snapshot_info *s = &info->snapshot[i];

		date_text(s->date, date);
		json_add(&all,
			json_pack("{s:o,s:o,s:o,s:s}", "id", text_json(s->id), "name",
				text_json(s->name), "virtual_size", number_json(s->virtual_size),
				"date", date));
	}
	return all;
}

static json_t *facts_json(const struct facts *f)
{
	const struct image_info *i = &f->image;

	return json_pack(
		"{s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b,s:o,s:o,s:o,s:o}",
		"format", f->format->name, "subformat", text_json(i->subformat), "create_type",
		text_json(i->create_type), "virtual_size", number_json(f->disk->size), "file_size",
		number_json(f->file_size), "disk_usage", number_json(f->disk_usage), "allocated",
		number_json(f->allocated), "block_size",
		i->block_size ? number_json(i->block_size) : json_null(), "logical_sector_size",
		number_json(f->disk->logical_sector), "physical_sector_size",
		f->disk->physical_sector ? number_json(f->disk->physical_sector) : json_null(),
		"identifiers", identifiers_json(&i->identifiers), "parent", parent_json(f), "chain",
		chain_json(f), "compressed", i->compressed, "log_dirty", i->log_dirty, "encrypted",
		i->encrypted, "snapshots", number_json(i->snapshots), "snapshot_list",
		snapshots_json(i), "creator", text_json(i->creator), "references",
		strings_json(&i->references));
}

static void put_row(const char *name, const char *text)
{
	printf("%-16s", name);
	put_text(stdout, text);
	putchar('\n');
}

static void put_bytes(const char *name, uint64_t bytes)
{
	printf("%-16s", name);
	put_size(stdout, bytes);
	if (bytes >= 1024)
		printf(" (%" PRIu64 " bytes)", bytes);
	putchar('\n');
}

static void print_snapshots(const struct image_info *info)
{
	char date[DATE_TEXT];

	printf("%-16s%" PRIu32 "\n", "snapshots", info->snapshots);
	for (size_t i = 0; i < info->snapshots_listed; i++) {
		const struct snapshot_info *s = &info->snapshot[i];

		date_text(s->date, date);
		printf("%-16s", "");
		put_text(stdout, s->name);
		fputs(", id ", stdout);
		put_text(stdout, s->id);
		fputs(", ", stdout);
		put_size(stdout, s->virtual_size);
		printf(", %s\n", date);
	}
}

static void print_facts(const struct facts *f)
{
	const struct image_info *i = &f->image;

	put_row("image", f->path);
	printf("%-16s%s%s%s\n", "format", f->format->name, i->subformat ? ", " : "",
		i->subformat ? i->subformat : "");
	if (i->create_type)
		put_row("create type", i->create_type);
	put_bytes("virtual size", f->disk->size);
	put_bytes("file size", f->file_size);
	put_bytes("disk usage", f->disk_usage);
	put_bytes("allocated", f->allocated);
	if (i->block_size)
		put_bytes("block size", i->block_size);
	printf("%-16s%" PRIu32 " logical", "sector size", f->disk->logical_sector);
	if (f->disk->physical_sector)
		printf(", %" PRIu32 " physical", f->disk->physical_sector);
	putchar('\n');
	for (size_t n = 0; n < i->identifiers.count; n++)
		put_row(n ? "" : "identifiers", i->identifiers.item[n]);
	if (i->parent_path)
		put_row(f->parent_found ? "parent" : "parent, missing", i->parent_path);
	if (i->parent_identifier)
		put_row("parent's id", i->parent_identifier);
	for (size_t n = 1; n < f->chain.count; n++)
		put_row(n > 1 ? "" : "chain", f->chain.link[n].path);
	for (size_t n = 0; n < i->references.count; n++)
		put_row(n ? "" : "references", i->references.item[n]);
	if (i->snapshots)
		print_snapshots(i);
	if (i->creator)
		put_row("creator", i->creator);
	if (i->compressed)
		put_row("compressed", "yes");
	if (i->encrypted)
		put_row("encrypted", "yes");
	if (i->log_dirty)
		put_row("log", "holds changes that are not in place yet");
}

static int info_run(const void *settings, char *const *argument, struct error *e)
{
	const struct info_settings *s = settings;
	struct facts f = { .path = argument[0] };
	struct disk *disk = NULL;
	struct open_options o = { .allow_dir = s->allow_parent, .chain = &f.chain };
	int rc = image_open_with(f.path, s->format, &o, &disk, &f.format, e);

	if (rc) {
		chain_free(&f.chain);
		return rc;
	}
	f.disk = disk;
	rc = f.format->info(disk, &f.image, e);
	if (!rc)
		rc = count_stored(f.format, disk, &f.allocated, e);
	if (rc)
		error_prefix(e, "%s", f.path);
	else
		rc = read_host(&f, e);
	if (rc)
		goto out;
	f.parent_found = opened_parent(&f.chain);
	if (f.image.parent_path && !f.parent_found)
		rc = find_parent(f.path, f.image.parent_path, s->allow_parent, &f.parent_found, e);
	if (rc)
		goto out;
	if (s->common.json)
		rc = print_json(facts_json(&f), e);
	else
		print_facts(&f);
out:
	image_info_free(&f.image);
	chain_free(&f.chain);
	disk_close(disk);
	return rc;
}

static const struct option_spec info_options[] = {
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, offsetof(struct info_settings, format) },
	ALLOW_PARENT_OPTION(offsetof(struct info_settings, allow_parent)),
	{ NULL, 0, NULL, NULL, NULL, 0 },
};

extern const struct command command_info;
const struct command command_info = {
	.name = "info",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "show what an image's container says of itself",
	.description =
		"Shows format, sizes, identifiers and references of a disk image. Nothing is "
		"written, and files that the image refers to are opened only with "
		"--allow-parent.\n\n"
		"\"allocated\" counts the guest's bytes that the container stores, "
		"uncompressed; \"disk usage\" is what the file takes on the host.",
	.options = info_options,
	.settings_size = sizeof(struct info_settings),
	.run = info_run,
};
