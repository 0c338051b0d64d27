/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hvimg serve: the disk for whoever speaks NBD. */
#include <errno.h>

#include "disk/image.h"
#include "disk/nbd_export.h"
#include "disk/overlay.h"
#include "tools/command.h"
#include "tools/host.h"
#include "tools/interrupt.h"
#include "tools/text.h"

enum { OVERLAY_MEMORY = 32 << 20, SECTOR_MAX = 4096 };

struct serve_settings {
	struct common common;
	const char *format, *allow_parent, *snapshot;
	bool writable, force, once;
};

/* What cannot be read at all (a parent that is not allowed, an encrypted disk) is better refused
 * now than to each client. */
static int check_readable(struct disk *d, const char *path, struct error *e)
{
	uint8_t sector[SECTOR_MAX];
	size_t len = d->size < sizeof(sector) ? (size_t)d->size : sizeof(sector);

	return disk_read(d, 0, sector, len, e) ? error_prefix(e, "%s", path) : 0;
}

/* Says that clients can come, to people and to programs that wait for it. */
static int announce(
	const struct serve_settings *s, const struct disk *d, const char *socket, struct error *e)
{
	int rc = 0;

	if (s->common.json)
		rc = print_json(
			json_pack("{s:o,s:o,s:b}", "socket", text_json(socket), "virtual_size",
				number_json(d->size), "writable", s->writable),
			e);
	if (!rc && fflush(stdout))
		rc = error_errno(e, errno, "standard output");
	if (!rc)
		say_note("ready on %s, %s", socket,
			s->writable ? "writable until the end" : "read-only");
	return rc;
}

static int serve_until_end(
	const struct serve_settings *s, struct disk *d, const char *socket, struct error *e)
{
	struct nbd_export_options o = {
		.socket = socket,
		.replace = s->force,
		.writable = s->writable,
		.once = s->once,
	};
	struct nbd_export *export;
	int rc = nbd_export_start(d, &o, &export, e);

	if (rc)
		return rc;
	rc = announce(s, d, socket, e);
	if (!rc)
		interrupt_wait(nbd_export_ended(export));
	nbd_export_stop(export);
	return rc;
}

static int serve_run(const void *settings, char *const *argument, struct error *e)
{
	const struct serve_settings *s = settings;
	struct open_options o = { .allow_dir = s->allow_parent, .snapshot = s->snapshot };
	struct disk *source = NULL, *overlay = NULL;
	int rc = image_open_with(argument[0], s->format, &o, &source, NULL, e);

	if (!rc)
		rc = check_readable(source, argument[0], e);
	if (!rc && s->writable)
		rc = overlay_open(source, scratch_folder(&s->common), OVERLAY_MEMORY, &overlay, e);
	if (!rc)
		rc = serve_until_end(s, overlay ? overlay : source, argument[1], e);
	disk_close(overlay);
	disk_close(source);
	return rc;
}

#define FIELD(name) offsetof(struct serve_settings, name)
static const struct option_spec serve_options[] = {
	{ "format", 'f', "FORMAT", "The image's format; without it the content decides.",
		option_text, FIELD(format) },
	ALLOW_PARENT_OPTION(FIELD(allow_parent)),
	SNAPSHOT_OPTION(FIELD(snapshot)),
	{ "writable", 0, NULL, "Let clients write; what they write is thrown away at the end.",
		option_flag, FIELD(writable) },
	{ "once", 0, NULL, "End when the last client has left.", option_flag, FIELD(once) },
	{ "force", 0, NULL, "Replace a socket that is there.", option_flag, FIELD(force) },
	{ NULL, 0, NULL, NULL, NULL, 0 },
};
#undef FIELD

extern const struct command command_serve;
const struct command command_serve = {
	.name = "serve",
	.arguments = "IMAGE SOCKET",
	.argument_count = 2,
	.summary = "give other programs the disk over NBD on a Unix socket",
	.description =
		"Serves the guest's disk to NBD clients (qemu-img, nbdcopy, libguestfs) until "
		"SIGINT, "
		"SIGTERM or SIGHUP ends it with status 0. SOCKET is made for the owner alone, is "
		"there only when it can be connected to, and is removed at the end; the URI of the "
		"disk is nbd+unix:///?socket=SOCKET. With --json one document tells that it is "
		"there.\n\n"
		"IMAGE is never written. With --writable clients can write all the same: to an "
		"overlay, whose first 32 MiB are in memory and the rest in --tmpdir, that all "
		"clients see and that is thrown away at the end; a client that copies the disk "
		"before then gets the changes too.",
	.options = serve_options,
	.settings_size = sizeof(struct serve_settings),
	.run = serve_run,
};
