/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Starting and stopping libguestfs's appliance.  guestfs(3). */
#include "fs/appliance_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/scratch.h"
#include "fs/appliance_watch.h"

enum {
	MEMORY_MIB = 768, /* of the virtual machine: a kernel, its daemon and a log replay */
	SCRATCH_MEMORY = 16 << 20,
	SOCKET_PATH_MAX = 107, /* unix(7) */
	/* Seconds for a machine that may use KVM: where that works it is up within five. */
	KVM_PATIENCE = 45,
};

bool appliance_opens(const char *type)
{
	return type && (!strcmp(type, "xfs") || !strcmp(type, "btrfs"));
}

int appliance_open(const char *tmpdir, bool (*cancelled)(void *arg), void *cancelled_arg,
	struct appliance **out, struct error *e)
{
	struct appliance *a = calloc(1, sizeof(*a));

	if (!a)
		return error_nomem(e, "an appliance");
	if (!tmpdir)
		tmpdir = "/var/tmp";
	if (strlen(tmpdir) >= sizeof(a->tmpdir)) {
		free(a);
		return error_set(e, ERR_RANGE,
			"the folder for temporary files has a name of %zu "
			"bytes",
			strlen(tmpdir));
	}
	strcpy(a->tmpdir, tmpdir);
	a->cancelled = cancelled;
	a->cancelled_arg = cancelled_arg;
	*out = a;
	return 0;
}

int appliance_add(struct appliance *a, struct disk *d, const struct fs_id *id, struct error *e)
{
	struct drive *drive = &a->drive[a->count];

	if (a->g)
		return error_set(e, ERR_USAGE, "the appliance runs already");
	if (a->count == APPLIANCE_DRIVES)
		return error_set(
			e, ERR_RANGE, "more than %d volumes for libguestfs", APPLIANCE_DRIVES);
	*drive = (struct drive){ .appliance = a, .volume = d, .id = *id };
	(void)snprintf(drive->device, sizeof(drive->device), "/dev/sd%c", 'a' + (int)a->count);
	(void)snprintf(drive->path, sizeof(drive->path), "/v%zu", a->count);
	a->count++;
	return 0;
}

int appliance_check(struct error *e)
{
	struct guestfs_library lib;
	int rc = guestfs_library_open(GUESTFS_SONAME, &lib, e);

	if (rc)
		return rc;
	guestfs_library_close(&lib);
	/* With an appliance made beforehand no kernel of the host is looked for. */
	if (getenv("SUPERMIN_KERNEL") || getenv("LIBGUESTFS_PATH"))
		return 0;
	return guestfs_kernel_check("/boot", e);
}

/* A folder that only we can enter; where the name of a socket in it would be too long, elsewhere.
 */
static int folder_make(struct appliance *a, struct error *e)
{
	bool fits = strlen(a->tmpdir) + sizeof("/hvimg-XXXXXX/v00") <= SOCKET_PATH_MAX;

	(void)snprintf(a->folder, sizeof(a->folder), "%s/hvimg-XXXXXX", fits ? a->tmpdir : "/tmp");
	if (mkdtemp(a->folder))
		return 0;
	a->folder[0] = '\0';
	return error_errno(e, errno, "cannot make a folder in %s", fits ? a->tmpdir : "/tmp");
}

static int drive_serve(struct drive *d, struct error *e)
{
	struct appliance *a = d->appliance;
	struct nbd_export_options o = { .socket = d->socket, .writable = true };
	int rc = scratch_open(d->volume, a->tmpdir, SCRATCH_MEMORY, &d->scratch, e);

	(void)snprintf(d->socket, sizeof(d->socket), "%.100s%s", a->folder, d->path);
	return rc ? rc : nbd_export_start(d->scratch, &o, &d->export, e);
}

/* The first message of a launch says most; the last one only that it failed. */
static void on_error(guestfs_h *g, void *arg, const char *text)
{
	struct appliance *a = arg;

	(void)g;
	if (!a->first[0])
		(void)snprintf(a->first, sizeof(a->first), "%.*s", (int)strcspn(text, "\n"), text);
}

static int drive_attach(struct drive *d)
{
	struct appliance *a = d->appliance;
	char server[sizeof(d->socket) + 8];
	char *const servers[] = { server, NULL };
	struct guestfs_add_drive_opts_argv o = {
		.bitmask = GUESTFS_ADD_DRIVE_OPTS_FORMAT_BITMASK |
			GUESTFS_ADD_DRIVE_OPTS_PROTOCOL_BITMASK |
			GUESTFS_ADD_DRIVE_OPTS_SERVER_BITMASK,
		.format = "raw",
		.protocol = "nbd",
		.server = servers,
	};

	if (d->volume->logical_sector == 4096) {
		o.bitmask |= GUESTFS_ADD_DRIVE_OPTS_BLOCKSIZE_BITMASK;
		o.blocksize = 4096;
	}
	(void)snprintf(server, sizeof(server), "unix:%s", d->socket);
	return a->lib.add_drive_opts_argv(a->g, "", &o);
}

/* Its group is its own, so that an interrupt reaches hvimg alone, which then stops it. */
static int configure(struct appliance *a, bool emulate)
{
	struct guestfs_library *l = &a->lib;
	int failed = 0;

	l->set_error_handler(a->g, on_error, a);
	failed |= l->set_backend(a->g, "direct");
	failed |= l->set_memsize(a->g, MEMORY_MIB);
	failed |= l->set_network(a->g, 0);
	failed |= l->set_pgroup(a->g, 1);
	failed |= l->set_tmpdir(a->g, a->tmpdir);
	if (emulate)
		failed |= l->set_backend_setting(a->g, "force_tcg", "1");
	for (size_t i = 0; i < a->count && !failed; i++)
		failed = drive_attach(&a->drive[i]);
	return failed;
}

static int launch(struct appliance *a, bool emulate, struct error *e)
{
	struct appliance_watch *watch;
	int failed;

	a->first[0] = '\0';
	a->g = a->lib.create_flags(0);
	if (!a->g)
		return error_nomem(e, "libguestfs");
	failed = configure(a, emulate);
	if (!failed) {
		watch = appliance_watch_start(
			a->folder, emulate ? 0 : KVM_PATIENCE, a->cancelled, a->cancelled_arg);
		failed = a->lib.launch(a->g);
		appliance_watch_end(watch);
	}
	if (!failed) {
		a->lib.set_error_handler(a->g, NULL, NULL);
		return 0;
	}
	a->lib.close(a->g);
	a->g = NULL;
	return error_set(e, ERR_UNSUPPORTED,
		"libguestfs could not start its appliance (libguestfs-test-tool tells more): %s",
		a->first);
}

int appliance_go_on(struct appliance *a, struct error *e)
{
	a->over = a->over || (a->cancelled && a->cancelled(a->cancelled_arg));
	return a->over ? error_set(e, ERR_CANCELLED, "cancelled") : 0;
}

static bool may_use_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static int start(struct appliance *a, struct error *e)
{
	int rc = appliance_check(e);

	if (!rc)
		rc = guestfs_library_open(GUESTFS_SONAME, &a->lib, e);
	if (!rc)
		rc = folder_make(a, e);
	for (size_t i = 0; i < a->count && !rc; i++)
		rc = drive_serve(&a->drive[i], e);
	if (rc)
		return rc;
	/* Nested virtualization may be there and not work, or never come to an end; emulation
	 * always does. */
	if (may_use_kvm() && !launch(a, false, NULL))
		return 0;
	rc = appliance_go_on(a, e);
	if (rc)
		return rc;
	rc = launch(a, true, e);
	/* What a cancellation ended did not fail by itself. */
	if (rc && a->cancelled && a->cancelled(a->cancelled_arg))
		rc = appliance_go_on(a, e);
	return rc;
}

int appliance_start(struct appliance *a, struct error *e)
{
	if (!a->g && !a->problem.code)
		(void)start(a, &a->problem);
	if (a->problem.code && e)
		*e = a->problem;
	return -a->problem.code;
}

void appliance_close(struct appliance *a)
{
	if (!a)
		return;
	if (a->g)
		a->lib.close(a->g);
	for (size_t i = 0; i < a->count; i++) {
		nbd_export_stop(a->drive[i].export);
		disk_close(a->drive[i].scratch);
		nodes_free(&a->drive[i].nodes);
	}
	if (a->folder[0])
		rmdir(a->folder);
	guestfs_library_close(&a->lib);
	free(a);
}
