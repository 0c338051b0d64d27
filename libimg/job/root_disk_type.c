/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job/root_disk_private.h"

#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

/* What kernels start a dynamic program with is at the same place everywhere. */
static const struct {
	const char *folder, *loader; /* of /usr, or of / before the two were merged */
	const char *type;
} processors[] = {
	{ "lib64", "ld-linux-x86-64.so.2", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709" },
	{ "lib", "ld-linux-aarch64.so.1", "b921b045-1df0-41c3-af44-4c6f280d3fae" },
	{ "lib", "ld-linux-riscv64-lp64d.so.1", "72ec70a6-cf74-40e6-bd49-4bda08e8f224" },
	{ "lib64", "ld64.so.2", "c31c45e6-3f39-412e-80fb-4809c4980599" },
	{ "lib", "ld64.so.1", "5eead9a9-fe09-4a1e-a1d7-520d00531306" },
};

static const char any_linux[] = "0fc63daf-8483-4772-8e79-3d69d8477de4";

/* *node 0: there is none. */
static int step(struct fs *fs, uint64_t *node, const char *name, struct error *e)
{
	struct fs_stat st = { 0 };
	struct error why = { 0 };
	int rc = *node ? fs->ops->stat(fs, *node, &st, e) : 0;

	if (rc)
		return rc;
	if (!S_ISDIR(st.mode)) {
		*node = 0;
		return 0;
	}
	rc = fs->ops->lookup(fs, *node, name, node, &why);
	if (rc == -ERR_NOTFOUND) {
		*node = 0;
		return 0;
	}
	if (rc && e)
		*e = why;
	return rc;
}

static int find(
	struct fs *fs, const char *folder, const char *name, bool usr, bool *found, struct error *e)
{
	uint64_t node = fs->root;
	int rc = usr ? step(fs, &node, "usr", e) : 0;

	if (!rc)
		rc = step(fs, &node, folder, e);
	if (!rc)
		rc = step(fs, &node, name, e);
	*found = node != 0;
	return rc;
}

int root_disk_type(struct fs *root, const char **out, struct error *e)
{
	bool found = false;
	int rc = 0;

	*out = any_linux;
	for (size_t i = 0; !rc && !found && i < sizeof(processors) / sizeof(processors[0]); i++) {
		rc = find(root, processors[i].folder, processors[i].loader, true, &found, e);
		if (!rc && !found)
			rc = find(
				root, processors[i].folder, processors[i].loader, false, &found, e);
		if (!rc && found)
			*out = processors[i].type;
	}
	return rc;
}
