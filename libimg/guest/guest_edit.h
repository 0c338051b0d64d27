/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_GUEST_EDIT_H
#define LIBIMG_GUEST_GUEST_EDIT_H

#include "guest/guest.h"

/*
 * What a recipe asks to be changed in a guest, one thing after the other.  Paths of a Windows guest
 * may be "/Windows/x" or "C:\Windows\x"; its "CurrentControlSet" means every control set.
 */

enum guest_edit_kind {
	/* `from` on the host, a file or a folder with all below, to `path`, a file into it when it
	 * ends with "/".  `mode` is that of files; without, those that may be run on the host get
	 * 0755, others 0644. */
	GUEST_COPY,
	GUEST_WRITE, /* `text` becomes the file `path` */
	GUEST_APPEND, /* `text`, a line or some, at the end of `path`, unless it is there */
	GUEST_REMOVE, /* `path`, a folder with all below; no error when there is none */
	GUEST_LINK, /* a symbolic link `path` to `target` */
	GUEST_MKDIR, /* folder `path` with those above it */
	GUEST_MODE, /* permissions of `path` */
	GUEST_OWNER, /* owner and group of `path` */
	GUEST_ENABLE, /* systemd unit `name` */
	GUEST_DISABLE,
	GUEST_USER, /* account `name`, made or completed; in groups `list`, `shell`, `keys`, `sudo`
		     */
	GUEST_HOSTNAME, /* `name` */
	GUEST_TIMEZONE, /* `name`, "Europe/Berlin" */
	GUEST_DATASOURCES, /* cloud-init's, `list`, in that order */
	/* Script `text` called `name`, run once at the guest's next start, several by name.  Linux:
	 * of sh unless the first line says otherwise; Windows: of cmd.exe, or with a first line
	 * "#ps1" of PowerShell. */
	GUEST_FIRST_BOOT,
	GUEST_REGISTRY, /* value `name` of `path` (hive and key, "SYSTEM\..."); Windows */
	GUEST_EDIT_KINDS,
};

struct guest_edit {
	enum guest_edit_kind kind;
	unsigned line; /* of the recipe, for messages; 0: none */
	char *path, *from, *target, *name, *text;
	struct strings list; /* groups of a user, or datasources */
	struct strings keys; /* ssh public keys */
	char *shell, *comment; /* of a user; NULL: the guest's own default, none */
	bool sudo; /* a user may do everything, without a password */
	bool has_mode;
	uint32_t mode;
	char *owner, *group; /* a name of the guest or a number; NULL: root, or as it is */
	/* Of a registry value: "sz" (also when NULL), "expand-sz", "multi-sz" (a text a line),
	 * "dword", "qword" (0x... or decimal), "binary", "none" (hexadecimal bytes). */
	char *type;
};

struct guest_edits {
	struct guest_edit *edit;
	size_t count;
};
void guest_edits_free(struct guest_edits *l);
/* What would be done, in one line for people ("copy files/motd to /etc/motd"); appended. */
int guest_edit_describe(const struct guest_edit *edit, struct buffer *out, struct error *e);

/*
 * Does them in order, on the opened guest, recorded in its journal.  ERR_NOTREADY for what this
 * kind of guest can't have; the message names the line.  Doing it twice changes nothing the second
 * time.  New files get `mtime`, replaced ones keep their own time, owner and permissions unless
 * others are asked for; symbolic links among the host's files are copied as such.
 */
int guest_edits_apply(
	struct guest_image *g, const struct guest_edits *l, int64_t mtime, struct error *e);

#endif
