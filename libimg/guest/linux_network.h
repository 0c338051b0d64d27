/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_LINUX_NETWORK_H
#define LIBIMG_GUEST_LINUX_NETWORK_H

#include "guest/linux.h"

/* How the guest's network configuration says which interface it is for. */

enum network_kind {
	NETWORK_IFUPDOWN, /* interfaces(5) */
	NETWORK_NETWORKD, /* systemd.network(5) */
	NETWORK_LINK, /* systemd.link(5) */
	NETWORK_KEYFILE, /* nm-settings-keyfile(5) */
	NETWORK_IFCFG, /* Red Hat's and SUSE's ifcfg-NAME */
	NETWORK_NETPLAN,
	NETWORK_RULES, /* udev */
};

/* One place where an interface is named, by its name or by its address; both NULL: it is for any.
 */
struct network_use {
	enum network_kind kind;
	char *path;
	uint64_t line; /* from 1; 0: the whole file */
	char *name;
	char *address;
};

struct network_uses {
	struct network_use *use;
	size_t count, capacity;
};

/* linux_network_scan.c */
int network_scan(struct guest_image *g, struct network_uses *out, struct error *e);
void network_uses_free(struct network_uses *u);
/* Calls back for each line, its number from 1; the line is NUL-terminated, without blanks around.
 */
int network_lines(const char *text,
	int (*each)(void *arg, const char *line, uint64_t number, struct error *e), void *arg,
	struct error *e);
/* The file that says the interface is brought up when it appears, as ifupdown of Debian does. */
bool network_hotplugs(struct guest_image *g);

/* linux_network_edit.c: the text of `use`'s file, so that "eth0" gets what the name gets.  *done
 * false: it can't be done for certain, and nothing is in `out`. */
int network_edit(struct guest_image *g, const struct network_use *use, const char *text,
	struct buffer *out, bool *done, struct error *e);

/* What the first interface is called that has no PCI slot. */
#define NETWORK_PLAIN_NAME "eth0"

#endif
