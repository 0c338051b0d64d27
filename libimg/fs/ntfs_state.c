/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a volume is in a state to be edited: what Windows has not written back yet would be
 * written over the edits, or the edits over it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/ntfs_private.h"

enum {
	FLAG_DIRTY = 1, /* of $VOLUME_INFORMATION */
	FLAG_RESIZE_LOG = 2,
	FLAG_UPGRADE = 4,
	HIBERNATION_HEAD =
		4096, /* bytes; a file that has fewer belongs to another volume's system */
};

static const char SHUT_DOWN[] = "start Windows and shut it down with \"shutdown /s /t 0\"";

static int check_version(struct ntfs *n, struct error *e)
{
	if (n->volume->major_ver == 3)
		return 0;
	return error_set(e, ERR_UNSUPPORTED, "version %u.%u of NTFS is only read, 3.x is edited",
		n->volume->major_ver, n->volume->minor_ver);
}

/* Up to `len` bytes from the start of a file. */
static int head_read(struct ntfs *n, ntfs_inode *ni, char *head, s64 len, s64 *got, struct error *e)
{
	ntfs_attr *a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);

	*got = a ? ntfs_attr_pread(a, 0, len, head) : -1;
	if (a)
		ntfs_attr_close(a);
	return *got < 0 ? ntfs_error(n, e, "hiberfil.sys") : ntfs_io_error(n, e);
}

static int judge_head(const char *head, s64 len, struct error *e)
{
	if (len >= HIBERNATION_HEAD && memcmp(head, "hibr", 4) != 0 && memcmp(head, "HIBR", 4) != 0)
		return 0;
	return error_set(e, ERR_REFUSED,
		"Windows is hibernated, or was shut down for a fast startup (hiberfil.sys): %s, or "
		"turn hibernation off in it with \"powercfg /h off\"",
		SHUT_DOWN);
}

static int check_hibernation(struct ntfs *n, struct error *e)
{
	struct ntfs_name name;
	struct ntfs_entry entry;
	ntfs_inode *root = NULL, *ni = NULL;
	char head[HIBERNATION_HEAD];
	s64 len = 0;
	int rc = ntfs_node_open(n, FILE_root, &root, e);

	if (rc)
		return rc;
	(void)ntfs_name_read("hiberfil.sys", &name);
	rc = ntfs_dir_find(n, root, &name, &entry, e);
	ntfs_node_drop(root);
	if (rc)
		return rc == -ERR_NOTFOUND ? 0 : rc;
	rc = ntfs_node_open(n, entry.node, &ni, e);
	if (!rc)
		rc = head_read(n, ni, head, sizeof(head), &len, e);
	ntfs_node_drop(ni);
	return rc ? rc : judge_head(head, len, e);
}

enum log_state { LOG_CLEAN, LOG_UNCLEAN, LOG_NEW };

static int log_state(struct ntfs *n, enum log_state *out, struct error *e)
{
	RESTART_PAGE_HEADER *page = NULL;
	ntfs_inode *ni = NULL;
	ntfs_attr *a;
	bool clean = false;
	int rc = ntfs_node_open(n, FILE_LogFile, &ni, e);

	if (rc)
		return error_prefix(e, "$LogFile");
	a = ntfs_attr_open(ni, AT_DATA, AT_UNNAMED, 0);
	if (a)
		clean = ntfs_check_logfile(a, &page) && ntfs_is_logfile_clean(a, page);
	else
		rc = ntfs_error(n, e, "$LogFile");
	*out = clean ? LOG_CLEAN : LOG_UNCLEAN;
	if (page && le16_to_cpu(page->major_ver) >= 2 && le16_to_cpu(page->major_ver) < 0x7fff)
		*out = LOG_NEW;
	free(page);
	if (a)
		ntfs_attr_close(a);
	ntfs_node_drop(ni);
	return rc ? rc : ntfs_io_error(n, e);
}

/* Windows 8 and later write version 2 while a volume is in use, and go back to 1.1 when they are
 * done with it. */
static int check_log(struct ntfs *n, bool force, bool *discard, struct error *e)
{
	enum log_state state = LOG_CLEAN;
	int rc = log_state(n, &state, e);

	if (rc || state == LOG_CLEAN)
		return rc;
	if (state == LOG_NEW)
		return error_set(e, ERR_REFUSED,
			"Windows was not shut down, or for a fast startup, and has changes of its "
			"own for the volume ($LogFile of version 2): %s",
			SHUT_DOWN);
	*discard = true;
	if (force)
		return 0;
	return error_set(e, ERR_REFUSED,
		"the volume was not unmounted and its log ($LogFile) has changes that are not "
		"written back: %s",
		SHUT_DOWN);
}

static int check_flags(struct ntfs *n, bool force, struct error *e)
{
	unsigned flags = le16_to_cpu(n->volume->flags);

	if (flags & FLAG_RESIZE_LOG)
		return error_set(e, ERR_REFUSED,
			"Windows is to resize the log of the volume at its next start: start "
			"Windows once and shut it down");
	if (flags & FLAG_UPGRADE)
		return error_set(e, ERR_REFUSED,
			"Windows is to upgrade the volume at its next start: start Windows once "
			"and shut it down");
	if (!(flags & FLAG_DIRTY) || force)
		return 0;
	return error_set(e, ERR_REFUSED,
		"the volume is marked dirty: run chkdsk /f on it in Windows, and shut Windows "
		"down");
}

int ntfs_check_state(struct ntfs *n, bool force, bool *discard, struct error *e)
{
	int rc = check_version(n, e);

	*discard = false;
	if (!rc)
		rc = check_hibernation(n, e);
	if (!rc)
		rc = check_log(n, force, discard, e);
	return rc ? rc : check_flags(n, force, e);
}
