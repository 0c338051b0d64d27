/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "guest/tree_file.h"

#include <sys/stat.h>

static int source_read(void *arg, uint64_t off, void *buf, size_t len, struct error *e)
{
	return tree_file_read(arg, off, buf, len, e);
}

int tree_file_source(struct tree_file *f, struct initramfs_source *out, struct error *e)
{
	struct fs_stat st;
	int rc = tree_stat(f->tree, f->path, TREE_FOLLOW, &st, e);

	if (!rc && !S_ISREG(st.mode))
		rc = error_set(e, ERR_CORRUPT, "%s is no file", f->path);
	if (!rc)
		*out = (struct initramfs_source){ .size = st.size, .read = source_read, .arg = f };
	return rc;
}

int tree_file_read(struct tree_file *f, uint64_t off, void *buf, size_t len, struct error *e)
{
	return tree_read_at(f->tree, f->path, off, buf, len, e);
}
