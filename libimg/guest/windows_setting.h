/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LIBIMG_GUEST_WINDOWS_SETTING_H
#define LIBIMG_GUEST_WINDOWS_SETTING_H

#include <libxml/tree.h>

#include "guest/windows_put.h"

/* What the parts of the named options share; struct windows_wishes was checked. */

/* Numbers of --san-policy; 0: none asked for. */
uint32_t windows_san_policy(const struct windows_wishes *w);
/* Whether that word is in --firewall, or --rdp on means it. */
bool windows_wants_rule(const struct windows_wishes *w, const char *word);

/* windows_setting_registry.c */
int windows_registry_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);

/* windows_firewall.c: lets in what the words ask for, by the rules that Windows has for it. */
struct firewall_group {
	const char *word; /* of --firewall */
	/* What its rules belong to, "@FirewallAPI.dll,-28752", since Windows 8 and before it; NULL:
	 * several. */
	const char *group, *group_before_8;
};
extern const struct firewall_group firewall_groups[]; /* ended by word NULL */
const char *firewall_group_of(const struct firewall_group *f, uint32_t build);
int windows_firewall_apply(struct guest_image *g, const struct windows_wishes *w, struct error *e);

/* windows_unattend.c: puts an answer file where Setup finds it first. */
int windows_unattend_apply(struct guest_image *g, const struct guest_changes *c, struct error *e);
/* windows_unattend_make.c */
int unattend_make(
	struct guest_image *g, const struct windows_wishes *w, struct buffer *out, struct error *e);
/* windows_unattend_check.c: whether Setup on that processor ("amd64") takes it; `path` is for
 * errors, which hold none of its values. */
int unattend_check(const xmlDoc *doc, const char *path, const char *arch, struct error *e);
#define UNATTEND_NAMESPACE "urn:schemas-microsoft-com:unattend"
#define UNATTEND_KEY_TOKEN "31bf3856ad364e35"

/* windows_cloudbase.c: cloudbase-init, from its installer or as it is there. */
int windows_cloudbase_apply(struct guest_image *g, const struct windows_wishes *w, struct error *e);
/* Guest path of its folder in Program Files, as spelled; *out NULL: it is not installed. */
int cloudbase_find(struct guest_image *g, char **out, struct error *e);
/* windows_cloudbase_conf.c */
int cloudbase_conf_make(
	const struct windows_wishes *w, bool unattend, struct buffer *out, struct error *e);
/* As it shall be: the configuration drive is asked first. */
int cloudbase_conf_edit(
	const struct windows_wishes *w, const char *text, struct buffer *out, struct error *e);

/* windows_given_file.c: a file of the host, given by the user. */
/* ERR_RANGE when it is larger than `limit`. */
int given_open(const char *path, uint64_t limit, struct disk **out, struct error *e);
/* `file`: the disk; for tree_put_reader. */
int given_read(void *file, uint64_t off, void *buf, size_t len, struct error *e);
int given_digest(struct disk *d, char hex[DIGEST_HEX_MAX], struct error *e);
/* All of it. */
int given_load(const char *path, uint64_t limit, struct buffer *out, struct error *e);

#endif
