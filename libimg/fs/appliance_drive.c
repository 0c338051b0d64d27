/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A volume in the appliance: mounting it, giving back what was edited, and what goes wrong there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "disk/scratch.h"
#include "fs/appliance_private.h"

enum {
	ERRNO_UNCLEAN = 117, /* what XFS and btrfs say of a broken structure */
};

static enum error_code code_of(int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOTFOUND;
	case EEXIST:
		return ERR_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case ENAMETOOLONG:
		return ERR_RANGE;
	case EROFS:
	case EPERM:
	case EACCES:
	case ENOTEMPTY:
		return ERR_REFUSED;
	case EIO:
	case EBADMSG:
	case ERRNO_UNCLEAN:
		return ERR_CORRUPT;
	case EINVAL:
	case EOPNOTSUPP:
		return ERR_UNSUPPORTED;
	default:
		return ERR_IO;
	}
}

int drive_error(struct drive *d, const char *what, struct error *e)
{
	struct appliance *a = d->appliance;
	const char *text = a->lib.last_error(a->g);
	int number = a->lib.last_errno(a->g);
	int rc = scratch_failure(d->scratch, e);

	if (rc)
		return rc;
	if (!text)
		text = "no reason given";
	return error_set(
		e, code_of(number), "libguestfs, %s: %.*s", what, (int)strcspn(text, "\n"), text);
}

/* btrfs takes devices of the same id for parts of one file system. */
static int btrfs_check(const struct drive *d, struct error *e)
{
	const struct appliance *a = d->appliance;

	for (size_t i = 0; i < a->count; i++)
		if (&a->drive[i] != d && !strcmp(a->drive[i].id.type, "btrfs") &&
			!strcmp(a->drive[i].id.uuid, d->id.uuid))
			return error_set(e, ERR_UNSUPPORTED,
				"two volumes hold btrfs %s: hvimg does not open what spans volumes "
				"or is there twice",
				d->id.uuid);
	return 0;
}

int drive_mount(struct drive *d, struct error *e)
{
	struct appliance *a = d->appliance;
	bool xfs = !strcmp(d->id.type, "xfs");
	char options[64];
	int rc = appliance_go_on(a, e);

	if (rc || d->mounted)
		return rc;
	if (!xfs)
		rc = btrfs_check(d, e);
	if (rc)
		return rc;
	/* The whole of a btrfs; a copy of an XFS may be another volume. */
	(void)snprintf(options, sizeof(options), "%s,noatime,%s", d->writable ? "rw" : "ro",
		xfs ? "nouuid" : "subvolid=5");
	if (!a->lib.mount_options(a->g, options, d->device, d->path)) {
		d->mounted = true;
		return 0;
	}
	rc = drive_error(d, "mounting", e);
	/* Whatever number mount(8) got, it is this volume's fault or the kernel's age. */
	return rc == -ERR_NOMEM || scratch_failure(d->scratch, NULL)
		? rc
		: error_set(e, ERR_UNSUPPORTED,
			  "the appliance's Linux can't mount the %s file system: it is damaged, or "
			  "newer than that kernel (%.*s)",
			  d->id.type, (int)strcspn(a->lib.last_error(a->g), "\n"),
			  a->lib.last_error(a->g));
}

int drive_sync(struct drive *d, struct error *e)
{
	struct appliance *a = d->appliance;
	int rc;

	if (!d->edited)
		return 0;
	rc = appliance_go_on(a, e);
	if (rc)
		return rc;
	if (d->mounted && a->lib.umount(a->g, d->path))
		return drive_error(d, "unmounting", e);
	d->mounted = false;
	if (a->lib.sync(a->g))
		return drive_error(d, "writing back", e);
	rc = scratch_failure(d->scratch, e);
	if (!rc)
		rc = scratch_commit(d->scratch, e);
	if (!rc)
		d->edited = false;
	return rc;
}
