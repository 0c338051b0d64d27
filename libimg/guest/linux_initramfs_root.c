/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where an initramfs has its modules. */
#include <stdlib.h>
#include <string.h>

#include "guest/linux_initramfs.h"

enum { LINK_HOPS = 8 };

static const struct linux_link *link_of(const struct linux_links *s, const char *path, size_t len)
{
	for (size_t i = 0; i < s->count; i++)
		if (strlen(s->link[i].name) == len && !strncmp(s->link[i].name, path, len))
			return &s->link[i];
	return NULL;
}

/* Replaces the first component that is a link.  Only what distributions do is understood: targets
 * below the root, or beside the link, without "..". */
static int link_follow(
	const struct linux_links *s, struct buffer *path, bool *followed, struct error *e)
{
	const char *text = buffer_text(path);

	*followed = false;
	for (size_t len = strcspn(text, "/"); text[len]; len += 1 + strcspn(text + len + 1, "/")) {
		const struct linux_link *l = link_of(s, text, len);
		struct buffer next = { 0 };
		const char *slash;
		int rc = 0;

		if (!l)
			continue;
		if (strstr(l->target, ".."))
			return error_set(
				e, ERR_UNSUPPORTED, "%s is a link to %s", l->name, l->target);
		slash = l->target[0] == '/' ? NULL : strrchr(l->name, '/');
		if (slash)
			rc = buffer_append(&next, l->name, (size_t)(slash + 1 - l->name), e);
		if (!rc)
			rc = buffer_format(
				&next, e, "%s%s", l->target + strspn(l->target, "/"), text + len);
		buffer_free(path);
		*path = next;
		*followed = true;
		return rc;
	}
	return 0;
}

int linux_initramfs_root(
	const struct linux_links *links, const char *version, char **out, struct error *e)
{
	struct buffer path = { 0 };
	bool followed = true;
	int rc = buffer_format(&path, e, "lib/modules/%s/", version);

	for (int hop = 0; followed && !rc; hop++) {
		rc = link_follow(links, &path, &followed, e);
		if (!rc && hop == LINK_HOPS)
			rc = error_set(e, ERR_CORRUPT, "links of lib/modules go round");
	}
	if (!rc) {
		*out = strndup(buffer_text(&path), path.len - 1);
		if (!*out)
			rc = error_nomem(e, "the module directory");
	}
	buffer_free(&path);
	return rc;
}
