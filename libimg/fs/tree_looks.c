/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Permissions and owner of what is there. */
#include <string.h>
#include <sys/stat.h>

#include "fs/tree_private.h"

/* What an access list says of the group is what the permissions say: one without the other would
 * contradict it (acl(5)). */
static int check_access_list(const struct spot *s, struct error *e)
{
	const struct fs *fs = s->mount->fs;
	struct xattr *all = NULL;
	size_t count = 0;
	int rc = fs->ops->xattrs ? fs->ops->xattrs(s->mount->fs, s->stat.node, &all, &count, e) : 0;

	for (size_t i = 0; i < count && !rc; i++)
		if (!strcmp(all[i].name, "system.posix_acl_access"))
			rc = error_set(e, ERR_UNSUPPORTED,
				"it has an access list, which permissions would contradict");
	xattrs_free(all, count);
	return rc;
}

static int apply(struct tree *t, struct spot *s, const struct tree_looks *l, const char *why,
	struct error *e)
{
	const uint32_t mode = l->has_mode ? l->mode & 07777 : s->stat.mode & 07777;
	const uint32_t uid = l->has_uid ? l->uid : s->stat.uid;
	const uint32_t gid = l->has_gid ? l->gid : s->stat.gid;
	struct fs *fs = s->mount->fs;
	struct edit_state before, after;
	int rc;

	if (!fs->permissions || !fs->ops->set_looks)
		return error_set(e, ERR_UNSUPPORTED, "%s stores no owner and permissions of Linux",
			fs->type);
	if (mode == (s->stat.mode & 07777) && uid == s->stat.uid && gid == s->stat.gid)
		return 0;
	rc = spot_check_writable(s, e);
	if (!rc && mode != (s->stat.mode & 07777))
		rc = check_access_list(s, e);
	if (!rc)
		rc = spot_state(s, &before, e);
	if (!rc)
		rc = fs->ops->set_looks(fs, s->stat.node, mode, uid, gid, e);
	if (!rc)
		rc = fs->ops->stat(fs, s->stat.node, &s->stat, e);
	if (!rc)
		rc = spot_state(s, &after, e);
	return rc ? rc : spot_record(t, s, why, &before, &after, e);
}

int tree_set_looks(struct tree *t, const char *path, const struct tree_looks *l, const char *why,
	struct error *e)
{
	const struct walk_options o = { .flags = WALK_FOLLOW };
	struct spot s;
	int rc = tree_walk(t, path, &o, &s, e);

	if (!rc) {
		rc = apply(t, &s, l, why, e);
		if (rc)
			error_prefix(e, "%.200s", path);
	}
	spot_free(&s);
	return rc;
}
